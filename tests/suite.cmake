# Tests of the built program, each folder with its own list.
foreach(fragment jobs/jobs cluster/cluster fuzz/fuzz commands/commands readers/readers faults/faults messages/messages
                 docs/docs house/house scripts/scripts accuracy/accuracy)
  include(${CMAKE_CURRENT_SOURCE_DIR}/${fragment}.cmake OPTIONAL)
endforeach()
