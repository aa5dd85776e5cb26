# Each file is a test of its own; fault_case.py is what they share.
file(GLOB fault_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.py)
foreach(file IN LISTS fault_tests)
  get_filename_component(name ${file} NAME)
  string(REPLACE "_test.py" "" name ${name})
  windrow_program_test(faults.${name} ${file} faults)
endforeach()
