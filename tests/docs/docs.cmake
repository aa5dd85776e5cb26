# What the pages show is run, what they name exists, and what they print is what the program prints.
set(docs_python /usr/bin/python3 -B)

foreach(page IN ITEMS README docs/from-numpy docs/deck docs/file-format docs/performance)
  get_filename_component(name ${page} NAME)
  add_test(NAME docs.commands.${name} COMMAND ${docs_python} ${CMAKE_CURRENT_LIST_DIR}/commands_test.py
                                              ${PROJECT_SOURCE_DIR}/${page}.md $<TARGET_FILE:windrow>)
  set_tests_properties(docs.commands.${name} PROPERTIES LABELS docs PROCESSORS 2 RESOURCE_LOCK mpi TIMEOUT 300)
  windrow_mpi_environment(docs.commands.${name})
endforeach()

add_test(NAME docs.deck COMMAND ${docs_python} ${CMAKE_CURRENT_LIST_DIR}/deck_md.py $<TARGET_FILE:windrow>)
add_test(NAME docs.words COMMAND ${docs_python} ${CMAKE_CURRENT_LIST_DIR}/words_test.py $<TARGET_FILE:windrow>)
set_tests_properties(docs.deck docs.words PROPERTIES LABELS docs TIMEOUT 60)

# Compiles the program a second time, with one job more; from then on only what has changed.
add_test(NAME docs.jobs COMMAND ${docs_python} ${CMAKE_CURRENT_LIST_DIR}/jobs_md_test.py
                                ${PROJECT_BINARY_DIR}/docs-jobs/windrow)
set_tests_properties(docs.jobs PROPERTIES LABELS docs PROCESSORS 2 RESOURCE_LOCK mpi TIMEOUT 900)
windrow_mpi_environment(docs.jobs)
