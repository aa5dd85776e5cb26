# A file of the program, opened by every reader that its users have; and files of others, which `verify` must refuse.
set(file ${CMAKE_CURRENT_BINARY_DIR}/readers.h5)
add_test(NAME readers.write COMMAND mpirun -q -n 2 $<TARGET_FILE:windrow> run ${PROJECT_SOURCE_DIR}/input/populate.toml
                                    --output ${file} --overwrite --quiet)
windrow_mpi_environment(readers.write)
set_tests_properties(readers.write PROPERTIES LABELS readers PROCESSORS 2 TIMEOUT 60 FIXTURES_SETUP readers_file)
add_test(NAME readers.open COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/readers_test.py ${file})
add_test(NAME readers.foreign COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/foreign_test.py
                                      $<TARGET_FILE:windrow> ${file})
set_tests_properties(readers.open readers.foreign PROPERTIES LABELS readers TIMEOUT 120 FIXTURES_REQUIRED readers_file)

# Files that others wrote, read by the layer that reads inputs; whole, cut off and damaged ones.
add_executable(read_input ${CMAKE_CURRENT_LIST_DIR}/read_input.cpp)
target_link_libraries(read_input PRIVATE windrow_io)
add_test(NAME readers.inputs COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/inputs_test.py
                                     $<TARGET_FILE:read_input>)
set_tests_properties(readers.inputs PROPERTIES LABELS readers TIMEOUT 300)
