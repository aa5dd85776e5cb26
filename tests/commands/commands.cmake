add_test(NAME commands.install COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/install.sh ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR})
set_tests_properties(commands.install PROPERTIES LABELS commands TIMEOUT 60)
windrow_mpi_environment(commands.install)
