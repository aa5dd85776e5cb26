# windrow_program_test(NAME FILE LABEL): a script that runs the program under mpirun, one such at a time.
function(windrow_program_test name file label)
  add_test(NAME ${name} COMMAND /usr/bin/python3 -B ${file} $<TARGET_FILE:windrow>)
  set_tests_properties(${name} PROPERTIES LABELS "${label}" PROCESSORS 2 RESOURCE_LOCK mpi TIMEOUT 300)
  windrow_mpi_environment(${name})
endfunction()

# Each tests/FOLDER/NAME_test.py is a test FOLDER.NAME.
function(windrow_program_tests folder labels)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.py)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    string(REPLACE "_test.py" "" name ${name})
    windrow_program_test(${folder}.${name} ${file} "${labels}")
    list(APPEND tests ${folder}.${name})
  endforeach()
  set(${folder}_tests ${tests} PARENT_SCOPE)
endfunction()

windrow_program_tests(jobs jobs)
windrow_program_test(commands ${CMAKE_CURRENT_SOURCE_DIR}/commands/commands_test.py commands)
