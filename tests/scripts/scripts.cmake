# The scripts, with stand-ins for what they start; and the unit tests of the sanitizers' tree, which ./test builds.
foreach(name IN ITEMS run test packages elsewhere conda batch)
  add_test(NAME scripts.${name} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${name}.sh)
  set_tests_properties(scripts.${name} PROPERTIES LABELS scripts TIMEOUT 120)
endforeach()

# `units`: the unit tests' programs without the rest.
get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
list(FILTER targets INCLUDE REGEX "^unit_")
add_custom_target(units DEPENDS ${targets})

if(WINDROW_ASAN_TREE)
  list(TRANSFORM targets REPLACE "^unit_" "" OUTPUT_VARIABLE folders)
  foreach(folder IN LISTS folders)
    # 1 and 3 ranks show what there is to see, at a fifth of the time.
    add_test(NAME asan.${folder} COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${WINDROW_ASAN_TREE} --output-on-failure
                                         --no-tests=error -R "^unit\\.${folder}(\\.[13]ranks)?$")
    # Open MPI leaks by itself: leaks are looked for only where there is no MPI.
    if(folder MATCHES "^(base|kernel|expr|deck)$")
      set(leaks 1)
    else()
      set(leaks 0)
    endif()
    set_tests_properties(
      asan.${folder}
      PROPERTIES LABELS "asan" PROCESSORS 2 TIMEOUT 600
                 ENVIRONMENT "ASAN_OPTIONS=detect_leaks=${leaks};UBSAN_OPTIONS=print_stacktrace=1")
  endforeach()
endif()
