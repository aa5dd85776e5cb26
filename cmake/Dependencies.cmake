# The libraries that Windrow stands on. `./run` installs them on Debian; elsewhere its message names the packages.

include(Conda)
windrow_in_conda("${CMAKE_CXX_COMPILER}" strange)
if(strange AND NOT WINDROW_USE_CONDA)
  message(
    FATAL_ERROR
      "The compiler ${CMAKE_CXX_COMPILER} is Conda's, which does not fit the system's libraries. Say which one to use, "
      "in an empty build folder: -DCMAKE_CXX_COMPILER=/usr/bin/g++ (or: ./run), or, to build with Conda's compiler and "
      "libraries on purpose, -DCMAKE_PREFIX_PATH=$CONDA_PREFIX")
endif()

find_package(MPI REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(asmjit REQUIRED)

# Debian's openmpi links its removed C++ bindings by default; none of ours uses them.
set_property(TARGET MPI::MPI_CXX APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)

# Any HDF5 build will do, serial or parallel: Windrow uses its serial interface alone.
set(HDF5_PREFER_PARALLEL FALSE)
find_package(HDF5 REQUIRED COMPONENTS C HL)
add_library(windrow_hdf5 INTERFACE)
add_library(windrow::hdf5 ALIAS windrow_hdf5)
target_include_directories(windrow_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(windrow_hdf5 INTERFACE ${HDF5_HL_LIBRARIES} ${HDF5_LIBRARIES})
if(HDF5_IS_PARALLEL)
  target_link_libraries(windrow_hdf5 INTERFACE MPI::MPI_CXX)
endif()

# Compiled in, from its header.
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
add_library(windrow_xxhash INTERFACE)
add_library(windrow::xxhash ALIAS windrow_xxhash)
target_include_directories(windrow_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})

# Its package files came late, and not everywhere.
find_path(DEFLATE_INCLUDE_DIR libdeflate.h REQUIRED)
find_library(DEFLATE_LIBRARY deflate REQUIRED)
add_library(windrow_deflate INTERFACE)
add_library(windrow::deflate ALIAS windrow_deflate)
target_include_directories(windrow_deflate SYSTEM INTERFACE ${DEFLATE_INCLUDE_DIR})
target_link_libraries(windrow_deflate INTERFACE ${DEFLATE_LIBRARY})

# It has no package file for CMake.
find_path(CAIRO_INCLUDE_DIR cairo/cairo.h REQUIRED)
find_library(CAIRO_LIBRARY cairo REQUIRED)
add_library(windrow_cairo INTERFACE)
add_library(windrow::cairo ALIAS windrow_cairo)
target_include_directories(windrow_cairo SYSTEM INTERFACE ${CAIRO_INCLUDE_DIR})
target_link_libraries(windrow_cairo INTERFACE ${CAIRO_LIBRARY})

# Tells of cores and NUMA domains where it is there; /sys does so, too.
find_path(HWLOC_INCLUDE_DIR hwloc.h)
find_library(HWLOC_LIBRARY hwloc)
add_library(windrow_hwloc INTERFACE)
add_library(windrow::hwloc ALIAS windrow_hwloc)
if(HWLOC_INCLUDE_DIR AND HWLOC_LIBRARY)
  target_include_directories(windrow_hwloc SYSTEM INTERFACE ${HWLOC_INCLUDE_DIR})
  target_link_libraries(windrow_hwloc INTERFACE ${HWLOC_LIBRARY})
  target_compile_definitions(windrow_hwloc INTERFACE WINDROW_HAS_HWLOC)
endif()

find_package(Threads REQUIRED)
