windrow_program_test(messages ${CMAKE_CURRENT_LIST_DIR}/messages_test.py messages)

# For messages_test.py and table.
add_library(counter MODULE ${CMAKE_CURRENT_LIST_DIR}/counter.cpp)
target_link_libraries(counter PRIVATE windrow_flags MPI::MPI_CXX)

# For table.
add_executable(message_times ${CMAKE_CURRENT_LIST_DIR}/times.cpp)
target_link_libraries(message_times PRIVATE windrow_flags MPI::MPI_CXX)
