# fuzz.NAME: NAME.cpp fed with corpus/NAME and with changes of it, the same in every run, for a third of a minute.
set(fuzz_folder ${CMAKE_CURRENT_LIST_DIR})
function(windrow_fuzz name)
  add_executable(fuzz_${name} ${fuzz_folder}/${name}.cpp ${fuzz_folder}/driver.cpp)
  target_link_libraries(fuzz_${name} PRIVATE ${ARGN})
  target_include_directories(fuzz_${name} PRIVATE ${fuzz_folder}/..)
  set(work ${CMAKE_CURRENT_BINARY_DIR}/fuzz/${name})
  file(MAKE_DIRECTORY ${work})
  add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${fuzz_folder}/corpus/${name} 20 WORKING_DIRECTORY ${work})
  set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120 PROCESSORS 1 LABELS "unit;fuzz"
                       ENVIRONMENT "ASAN_OPTIONS=max_allocation_size_mb=512")
endfunction()

windrow_fuzz(statements windrow_expr)
windrow_fuzz(decks windrow_jobs)
windrow_fuzz(npy windrow_io)
