add_test(NAME commands.install COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/install.sh ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR})
set_tests_properties(commands.install PROPERTIES LABELS commands TIMEOUT 60)
windrow_mpi_environment(commands.install)

add_test(NAME commands.reference COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/reference.sh $<TARGET_FILE:windrow>
                                         ${PROJECT_SOURCE_DIR})
set_tests_properties(commands.reference PROPERTIES LABELS commands TIMEOUT 60)
