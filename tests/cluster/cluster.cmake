# Each file brings up a cluster of its own; all are skipped, with the reason, where the machine does not allow it.
file(GLOB cluster_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.py)
foreach(file IN LISTS cluster_tests)
  get_filename_component(name ${file} NAME)
  string(REPLACE "_test.py" "" name ${name})
  windrow_program_test(cluster.${name} ${file} cluster)
endforeach()
