#!/usr/bin/python3
"""Shared memory that a neighbour takes after the run has looked at it: status 3 and a message, never a bus error.

    /usr/bin/python3 neighbour_test.py WINDROW [unittest arguments]

A run is stopped at a step (WINDROW_FAULT), the small tmpfs that its window is in is filled, and the run goes on.
"""

import os

from fault_case import END_S, FaultCase, go_on, is_running, launch, wait_until

TMPFS_BYTES = 40 << 20
ROWS = "array.rows=2e5"  # a window of 16 MB
MODES = ("collapse", "populate", "read")


class Neighbour(FaultCase):
    def setUp(self):
        super().setUp()
        self.small = self.mounted("small", f"size={TMPFS_BYTES}")

    def fill(self, free_bytes):
        """Leaves so many bytes of the tmpfs free."""
        status = os.statvfs(self.small)
        with open(self.small / "neighbour", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(status.f_bavail * status.f_frsize - free_bytes, 1))

    def run_beside_neighbour(self, step, free_bytes, *arguments, ranks=2, **env):
        """A run whose ranks wait at a step until the neighbour has come."""
        process = launch.start(ranks, "run", "deck.toml", "--overwrite", "--quiet", "--shm-dir", self.small, ROWS,
                               *arguments, env={**self.env, "WINDROW_FAULT": f"{step}:*:stop", **env}, cwd=self.folder)
        try:
            pids = self.stopped_ranks(process, ranks)
            self.fill(free_bytes)
            go_on(pids)
            result = launch.finish(process, END_S)
        finally:
            launch.end(process)
        wait_until(lambda: not any(map(is_running, pids)), "the ranks have ended")
        (self.small / "neighbour").unlink()
        return result

    def assert_told(self, result):
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ")
        self.assertIn(str(self.small), result.err)
        self.assertRegex(result.err, r"\d (bytes|[kMG]B)")
        self.assertIn("try: ", result.err)
        self.assertEqual(self.files(self.small), [])
        self.assert_nothing_left()

    def test_taken_at_each_step_before_and_while_the_array_is_touched(self):
        runs = 0
        for step in ("allocate.before", "allocate.touch", "allocate.after", "phase.before", "phase.block"):
            for mode in MODES:
                free_bytes = 0 if runs % 2 == 0 else 3 << 20
                with self.subTest(step=step, mode=mode, free_bytes=free_bytes):
                    self.assert_told(self.run_beside_neighbour(step, free_bytes, f"memory.pages={mode}"))
                runs += 1
        launch.figure("shared memory that runs short ends a run with a message, never with a bus error",
                      f"the tmpfs filled by a neighbour at 5 steps between the first look and the last touch; "
                      f"pages by {', '.join(MODES)}", f"{runs} runs, {runs} times status 3, 0 bus errors, nothing left")

    def test_taken_from_two_pretended_nodes(self):
        runs = 0
        for step in ("allocate.before", "allocate.touch", "phase.before"):
            with self.subTest(step=step):
                self.assert_told(self.run_beside_neighbour(step, 5 << 20, "--pretend-nodes", 2, ranks=4))
                runs += 1
        launch.figure("shared memory that runs short ends a run with a message, never with a bus error",
                      "two pretended nodes in one tmpfs, which a neighbour fills at 3 steps",
                      f"{runs} runs, {runs} times status 3")

    def test_taken_from_the_messages_of_mpi(self):
        """Open MPI stores to pages of its own segments without asking for them: nothing is left to take there."""
        runs = 0
        for step in ("allocate.touch", "phase.before", "write.gather"):
            with self.subTest(step=step):
                result = self.run_beside_neighbour(step, 0, ranks=4, OMPI_MCA_btl_vader_backing_directory=self.small)
                self.assert_status(result, launch.RESOURCES)
                self.assertIn("windrow: ", result.err)
                self.assertIn("try: free what o", result.err)
                if step != "allocate.touch":  # the ranks settle in the window who ends the run
                    self.assertLessEqual(result.err.count("shared memory ran out"), 1, str(result))
                self.assertNotIn("Signal", result.err)
                self.assertEqual([name for name in self.files(self.small) if not name.startswith("vader_segment.")], [])
                self.assertEqual(self.files(self.output), [], str(result))
                runs += 1
        launch.figure("shared memory that runs short ends a run with a message, never with a bus error",
                      "not a byte left for the messages of MPI either, at 3 steps, 4 ranks",
                      f"{runs} runs, {runs} times status 3")


if __name__ == "__main__":
    launch.main(isolated=True)
