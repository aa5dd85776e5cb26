# The rules of the house; each proves with --self-test that it can fail. A rule whose tool is not installed is skipped.
foreach(rule IN ITEMS includes words links shell format headers tidy)
  set(command ${CMAKE_CURRENT_LIST_DIR}/${rule}.py --build ${PROJECT_BINARY_DIR})
  add_test(NAME house.${rule} COMMAND /usr/bin/python3 -B ${command})
  add_test(NAME house.${rule}.self-test COMMAND /usr/bin/python3 -B ${command} --self-test)
  set_tests_properties(house.${rule} house.${rule}.self-test PROPERTIES LABELS house SKIP_RETURN_CODE 77 TIMEOUT 400)
endforeach()
# These two use all cores; their self-tests compile only what they seed when the rule has been through the rest.
set_tests_properties(house.headers house.tidy PROPERTIES PROCESSORS 2)
set_tests_properties(house.tidy house.tidy.self-test PROPERTIES TIMEOUT 900)
set_tests_properties(house.headers.self-test PROPERTIES DEPENDS house.headers)
set_tests_properties(house.tidy.self-test PROPERTIES DEPENDS house.tidy)
# This one looks at what the compiler made.
add_test(NAME house.symbols COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/symbols.py
                                    $<TARGET_FILE:windrow_kernel>)
add_test(NAME house.symbols.self-test COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/symbols.py --self-test)
set_tests_properties(house.symbols house.symbols.self-test PROPERTIES LABELS house TIMEOUT 60)
