# Tests of the built program: jobs, commands, readers, rules of the house.
