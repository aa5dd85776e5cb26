# windrow_folder(NAME DEPENDS folders... [LIBRARIES ...] [PRIVATE_LIBRARIES ...])
# One library from src/NAME/*.cpp; a new file needs no edit here.
function(windrow_folder name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  add_library(windrow_${name} STATIC ${sources})
  target_include_directories(windrow_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(windrow_${name} PUBLIC windrow_flags fmt::fmt ${ARG_LIBRARIES})
  foreach(folder IN LISTS ARG_DEPENDS)
    target_link_libraries(windrow_${name} PUBLIC windrow_${folder})
  endforeach()
  target_link_libraries(windrow_${name} PRIVATE ${ARG_PRIVATE_LIBRARIES})
  target_compile_definitions(windrow_${name} PRIVATE WINDROW_VERSION="${PROJECT_VERSION}")
endfunction()

# `windrow plan --sbatch` prints slurm/windrow.sbatch, which the program therefore holds.
function(windrow_batch_template)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/slurm/windrow.sbatch)
  file(READ ${PROJECT_SOURCE_DIR}/slurm/windrow.sbatch WINDROW_SBATCH)
  set(source ${PROJECT_BINARY_DIR}/batch_template.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/src/job/batch_template.cpp.in ${source} @ONLY)
  target_sources(windrow_job PRIVATE ${source})
endfunction()

# The vector kernels are one source, compiled once for each instruction set; which one runs is chosen at run time.
function(windrow_kernel_levels)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/src/kernel/level_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma")
    set_source_files_properties(
      ${PROJECT_SOURCE_DIR}/src/kernel/level_avx512.cpp
      PROPERTIES COMPILE_OPTIONS "-mavx512f;-mavx512dq;-mavx512vl;-mavx512bw;-mprefer-vector-width=512")
  endif()
endfunction()

# The jobs: every file in jobs/ and below it.
function(windrow_jobs)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/jobs/*.cpp)
  add_library(windrow_jobs OBJECT ${sources})
  target_include_directories(windrow_jobs PUBLIC ${PROJECT_SOURCE_DIR})
  foreach(folder IN LISTS ARGN)
    target_link_libraries(windrow_jobs PUBLIC windrow_${folder})
  endforeach()
endfunction()
