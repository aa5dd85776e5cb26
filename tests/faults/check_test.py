#!/usr/bin/python3
"""WINDROW_CHECK=1 finds mistakes that were made on purpose, and has nothing against jobs without one.

    /usr/bin/python3 check_test.py WINDROW [unittest arguments]

The jobs with mistakes are those of wrong_jobs.cpp, a program beside WINDROW.
"""

import pathlib
import re
import subprocess

import h5py
import numpy as np

from fault_case import launch

INTERNAL = 6
ROWS = 4000
CHECK = {"WINDROW_CHECK": "1"}
# Of how many ranks the last one is wrong, or the leader finds it; and what is told, {first} being its first row.
MISTAKES = {
    "store_to_rows_of_another": r"rank {last} stores to row 123 of 'array' without a lease, in phase 1",
    "store_before_the_lease": r"rank {last} stores to row {before} of 'array' without a lease, in phase 1",
    "store_behind_the_array": r"rank {last} stores to memory between the arrays without a lease, in phase 1",
    "store_after_the_phase": r"rank {last} stores to row {seventh} of 'array' without a lease, in phase 2",
    "load_after_the_phase": r"rank {last} loads from row 321 of 'array' without a read\(\), in phase 3",
    "load_without_read": r"rank {last} loads from row 5 of 'array' without a read\(\), in phase 2",
    "read_before_the_store": r"rank {last} reads row 17 of 'array' in phase 1, in which rank 0 has it leased",
    "read_after_the_store": r"rank {last} reads row 17 of 'array' in phase 1, in which rank 0 has it leased",
    "two_leases_of_a_row": r"ranks {one_before} and {last} have both leased row {before} of 'array' in phase 1",
}
ALONE = ("store_behind_the_array", "store_after_the_phase", "load_after_the_phase")
ALMOST_ALL = [name for name in MISTAKES if name not in ALONE]

# Five groups of bytes, the last one short: row blocks end within groups, of which two ranks fill one.
ROWS_OF_RUN, COLS_OF_RUN = 10007, 53
BLOCK_ROWS = 101
DECK = f"""\
job = "populate"
[array]
rows = {ROWS_OF_RUN}
cols = {COLS_OF_RUN}
value = "i*cols + j + offset"
[populate]
block_rows = {BLOCK_ROWS}
[output]
file = "out.h5"
durable = false
"""


def first_row_of_last(ranks):
    """The first row of the last rank: row blocks differ by one row at most, longer ones first."""
    return ROWS - ROWS // ranks


class WrongJobs(launch.TestCase):
    def wrong_jobs(self, *names, ranks, env):
        program = pathlib.Path(launch.Program.path).parent / "tests" / "wrong_jobs"
        command = ["mpirun", "-q", "-n", str(ranks), program, *names]
        done = subprocess.run(command, env=launch.environment(**env), cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=launch.LIMIT_S)
        return launch.Result(done.returncode, done.stdout, done.stderr, 0.0)

    def test_every_mistake_is_found(self):
        found = 0
        for ranks, names in ((1, ALONE), (2, MISTAKES), (3, ALMOST_ALL)):
            first = first_row_of_last(ranks)
            for name in names:
                with self.subTest(name, ranks=ranks):
                    result = self.wrong_jobs(name, ranks=ranks, env=CHECK)
                    self.assert_status(result, INTERNAL)
                    told = MISTAKES[name].format(last=ranks - 1, one_before=ranks - 2, before=first - 1,
                                                 seventh=first + 7)
                    self.assertEqual(len(re.findall(told, result.err)), 1, f"{told}\n{result}")
                    self.assertEqual(result.err.count("WINDROW_CHECK"), 1, str(result))
                    self.assertIn("\n  try: ", result.err)
                    found += 1
        launch.figure("a mistake in a job is found by WINDROW_CHECK=1",
                      f"{len(MISTAKES)} kinds of stores and loads without a lease, a read() or a publish(); "
                      "1, 2 and 3 ranks", f"{found} of {found} found, with array, row, rank and phase")

    def test_without_the_check_nobody_notices(self):
        """That is what the check is for; and off, it takes nothing amiss."""
        result = self.wrong_jobs(*MISTAKES, ranks=2, env={"WINDROW_CHECK": "0"})
        self.assert_status(result, launch.DONE)

    def test_jobs_without_a_mistake_pass(self):
        for ranks in (1, 4):
            with self.subTest(ranks=ranks):
                self.assert_status(self.wrong_jobs("nothing", "nothing", ranks=ranks, env=CHECK), launch.DONE)


class HonestRuns(launch.TestCase):
    def test_runs_are_clean_and_write_the_same_bytes(self):
        self.write_deck(DECK)
        i, j = np.indices((ROWS_OF_RUN, COLS_OF_RUN))
        expected = i * float(COLS_OF_RUN) + j + i // BLOCK_ROWS * BLOCK_ROWS
        runs = 0
        for ranks, nodes, pages in ((1, 1, "auto"), (2, 1, "auto"), (3, 1, "read"), (4, 1, "auto"), (4, 2, "auto"),
                                    (7, 3, "auto")):
            for schedule in ("static", "dynamic"):
                with self.subTest(ranks=ranks, nodes=nodes, schedule=schedule, pages=pages):
                    result = self.windrow("run", "deck.toml", f"populate.schedule={schedule}", f"memory.pages={pages}",
                                          "--overwrite", "--pretend-nodes", nodes, ranks=ranks, env=CHECK)
                    self.assert_status(result, launch.DONE)
                    self.assertNotIn("WINDROW_CHECK", result.err)
                    with h5py.File(self.folder / "out.h5") as file:
                        np.testing.assert_array_equal(file["array"][:], expected)
                    self.assert_status(self.windrow("verify", "out.h5"), launch.DONE)
                    runs += 1
        launch.figure("WINDROW_CHECK=1 has nothing against honest jobs",
                      "populate, static and dynamic; 1, 2, 3, 4 and 7 ranks, pretended nodes",
                      f"{runs} runs clean, with the numbers that are expected")

    def test_a_word_that_is_neither_yes_nor_no(self):
        self.write_deck(DECK)
        result = self.windrow("run", "deck.toml", env={"WINDROW_CHECK": "yes"}, ranks=2)
        self.assert_status(result, launch.USAGE)
        self.assertIn("WINDROW_CHECK=yes: it must be 0 or 1", result.err)


if __name__ == "__main__":
    launch.main()
