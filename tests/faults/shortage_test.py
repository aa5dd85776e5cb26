#!/usr/bin/python3
"""Too little shared memory, memory or disk: said before anything is lost, with the right status.

    /usr/bin/python3 shortage_test.py WINDROW [unittest arguments]
"""

import json
import resource
import subprocess

from fault_case import LONG, FaultCase, launch


class SharedMemory(FaultCase):
    def run_in(self, folder, *arguments, ranks=2):
        return self.run_deck("--shm-dir", folder, *arguments, ranks=ranks)

    def test_too_large_is_told_before_anything_is_allocated(self):
        folder = self.mounted("small", "size=8m")
        result = self.run_in(folder, "array.rows=1e6", "--report", "report.json")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "8.4 MB free", str(folder))
        self.assertRegex(result.err, r"needs 8\d\.\d MB of shared memory on \S+, where")
        self.assertGreaterEqual(result.err.count("\n  try: "), 3)
        self.assertEqual(result.out, "")
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual([phase["name"] for phase in report["phases"] if phase["name"] != "start"], [])
        self.assertEqual(self.files(folder), [])
        self.assert_nothing_left()

    def test_pretended_nodes_share_the_memory_of_their_host(self):
        folder = self.mounted("small", "size=18m")
        self.assert_status(self.run_in(folder, "--pretend-nodes", 2, "array.rows=250000", ranks=4), launch.RESOURCES)
        self.assert_status(self.run_in(folder, "--pretend-nodes", 2, "array.rows=100000", ranks=4), launch.DONE)

    def test_as_large_as_what_is_free(self):
        """At the limit a run either works or is refused before it starts: nothing comes to light in between."""
        plan = json.loads(self.windrow("plan", "deck.toml", "--ranks", 2, "--json").out)
        (node,) = plan["per_node"]
        folder = self.mounted("exact", f"size={node['window_bytes'] - 4096}")
        self.assert_status(self.run_in(folder), launch.RESOURCES)
        for spare in (0, 4096, 65536, 1 << 20, 4 << 20):
            with self.subTest(spare=spare):
                self.remount(folder, f"size={node['window_bytes'] + spare}")
                result = self.run_in(folder, "--overwrite")
                if result.status != launch.DONE:
                    self.assert_status(result, launch.RESOURCES)
                    self.assertIn("windrow: the run needs ", result.err)
                self.assertEqual(self.files(folder), [])
        self.assert_status(result, launch.DONE)
        self.assert_whole()

    def test_one_rank_needs_no_shared_memory(self):
        folder = self.mounted("small", "size=64k")
        self.assert_status(self.run_in(folder, ranks=1), launch.DONE)
        self.assert_whole()

    def test_folder_that_is_none(self):
        for folder in ("missing", "deck.toml"):
            result = self.run_in(folder)
            self.assert_status(result, launch.USAGE)
            self.assertIn(folder, result.err)
        self.assert_nothing_left()


class Disk(FaultCase):
    def test_too_large_is_told_before_computing(self):
        self.mounted("output", "size=1m")
        result = self.run_deck(LONG)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "output/out.h5", "1.0 MB free", "try: ")
        self.assert_nothing_left()

    def test_disk_that_fills_during_the_run(self):
        output = self.mounted("output", "size=16m")
        for free in (0, 512 << 10, 4 << 20):
            with self.subTest(free=free):
                process, _ = self.start_and_wait_for_phase(LONG)
                filler = output / "filler"
                filler.write_bytes(bytes((16 << 20) - free - 65536))
                result = launch.finish(process)
                self.assert_status(result, launch.RESOURCES)
                self.assert_one_message(result, "windrow: ", "No space left on device")
                filler.unlink()
                self.assert_nothing_left()
        self.assert_status(self.run_deck(), launch.DONE)

    def run_with_limited_files(self, limit_bytes, ranks, *arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        done = subprocess.run(launch.command_line(ranks, "run", "deck.toml", *arguments),
                              env=launch.environment(**self.env), cwd=self.folder, capture_output=True, text=True,
                              preexec_fn=limit, timeout=launch.LIMIT_S)
        return launch.Result(done.returncode, done.stdout, done.stderr, ranks)

    def test_limit_on_the_size_of_files(self):
        result = self.run_with_limited_files(1 << 20, 0)
        self.assertIn(result.status, (launch.RESOURCES, launch.IO), str(result))
        self.assert_one_message(result, "windrow: ", "File too large")
        self.assert_nothing_left()

    def test_limit_on_the_size_of_files_below_that_of_the_window(self):
        # Larger than Open MPI's own segments of 4 MiB, smaller than the window: MPI fails to make its file.
        result = self.run_with_limited_files(12 << 20, 3, "array.rows=200000", "--quiet")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "MPI_Win_allocate_shared")
        self.assert_nothing_left()


if __name__ == "__main__":
    launch.main(isolated=True)
