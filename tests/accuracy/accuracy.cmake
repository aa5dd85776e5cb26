# No function's error is larger than the page says.
add_test(NAME docs.accuracy COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/table --build ${PROJECT_BINARY_DIR}
                                    --check)
set_tests_properties(docs.accuracy PROPERTIES LABELS docs TIMEOUT 300)
