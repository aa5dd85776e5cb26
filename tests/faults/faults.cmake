# Each file is a test of its own; fault_case.py is what they share.
windrow_program_tests(faults "faults;figures")
# They wait more than they compute, each in a mount namespace and folders of its own: they may run side by side.
set_tests_properties(${faults_tests} PROPERTIES PROCESSORS 1 RESOURCE_LOCK "" TIMEOUT 600)

# For litmus_test.py; and jobs with a mistake each, for check_test.py.
add_executable(litmus ${CMAKE_CURRENT_LIST_DIR}/litmus.cpp)
target_link_libraries(litmus PRIVATE windrow_array)
add_executable(wrong_jobs ${CMAKE_CURRENT_LIST_DIR}/wrong_jobs.cpp)
target_link_libraries(wrong_jobs PRIVATE windrow_array)

# For the tests of system calls that fail.
add_library(interposer MODULE ${CMAKE_CURRENT_LIST_DIR}/interposer.cpp)
target_link_libraries(interposer PRIVATE windrow_flags ${CMAKE_DL_LIBS})

# What ranks meet at, by threads under ThreadSanitizer, which goes with no other sanitizer. -Wno-tsan: it does not know
# fences, of which there is one that threads do not come to.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=thread)
check_cxx_source_compiles("int main() {}" WINDROW_HAS_TSAN)
unset(CMAKE_REQUIRED_FLAGS)
if(WINDROW_HAS_TSAN AND NOT WINDROW_SANITIZE)
  add_executable(
    litmus_threads
    ${CMAKE_CURRENT_LIST_DIR}/litmus_threads.cpp ${PROJECT_SOURCE_DIR}/src/mpi/waiting.cpp
    ${PROJECT_SOURCE_DIR}/src/mpi/rendezvous.cpp ${PROJECT_SOURCE_DIR}/src/mpi/failure.cpp
    ${PROJECT_SOURCE_DIR}/src/array/groups.cpp ${PROJECT_SOURCE_DIR}/src/array/handover_queue.cpp
    ${PROJECT_SOURCE_DIR}/src/base/error.cpp
    ${PROJECT_SOURCE_DIR}/src/base/extents.cpp ${PROJECT_SOURCE_DIR}/src/base/partition.cpp)
  target_include_directories(litmus_threads PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(litmus_threads PRIVATE -fsanitize=thread $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  target_link_options(litmus_threads PRIVATE -fsanitize=thread)
  target_link_libraries(litmus_threads PRIVATE windrow_flags fmt::fmt MPI::MPI_CXX)
endif()

# For verify_test.py.
add_executable(damage ${CMAKE_CURRENT_LIST_DIR}/damage.cpp)
target_link_libraries(damage PRIVATE windrow_io)

# Builds the program with MPICH at its first run.
set_tests_properties(faults.another_mpi PROPERTIES LABELS "faults;figures;mpich")
# What a rank says last is lost where mpirun gets no processor in that moment.
set_tests_properties(faults.signals PROPERTIES PROCESSORS 2)
