# Each file brings up clusters of its own; all are skipped, with the reason, where the machine does not allow it.
windrow_program_tests(cluster cluster)
# It waits for what others notice.
set_tests_properties(cluster.lost_hosts PROPERTIES PROCESSORS 1 RESOURCE_LOCK "" TIMEOUT 900)
