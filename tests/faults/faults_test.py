#!/usr/bin/python3
"""Runs that meet shortage, each other, or a signal: one clear word, the right status, and nothing left behind.

    /usr/bin/python3 faults_test.py WINDROW [unittest arguments]

Small file systems are mounted in a mount namespace of this test's own, where the machine allows it; the tests that need
them are skipped where it does not.
"""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "jobs"))

import launch

DECK = """\
job = "populate"
[array]
rows = 100000
cols = 10
value = "i*cols + j"
[output]
file = "output/out.h5"
durable = false
"""
# Computing in little memory: a second or two, for runs that are to end by themselves, and minutes, for those that are
# killed.
LONG = "array.value=" + " + ".join(["normal()"] * 300)
ENDLESS = "array.value=" + " + ".join(["normal()"] * 2000)
# A run that is told to end does so within this time; mpirun itself waits for seconds before it kills.
END_S = 30


def wait_until(condition, what, limit_s=END_S):
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s in vain until {what}")
        time.sleep(0.005)


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def mappings(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


class FaultCase(launch.TestCase):
    """A run whose output, shared memory and session files lie in folders of its own, where nothing else is."""

    def setUp(self):
        super().setUp()
        self.write_deck(DECK)
        self.output = self.folder / "output"
        self.output.mkdir()
        shared = tempfile.TemporaryDirectory(prefix="windrow-test-", dir="/dev/shm")
        self.addCleanup(shared.cleanup)
        self.shared = pathlib.Path(shared.name)
        self.env = {
            "OMPI_MCA_osc_sm_backing_directory": self.shared,
            "OMPI_MCA_btl_vader_backing_directory": self.shared,
            "TMPDIR": self.folder,
        }

    def run_deck(self, *arguments, ranks=2, **options):
        return self.windrow("run", "deck.toml", *arguments, ranks=ranks, env=self.env, **options)

    def start(self, *arguments, ranks=2):
        process = launch.start(ranks, "run", "deck.toml", *arguments, env=self.env, cwd=self.folder)
        self.addCleanup(launch.end, process)
        return process

    def start_and_wait_for_phase(self, value, *arguments, ranks=2):
        """A run that computes `value`; and its ranks. The output is reserved and the window made before that."""
        process = self.start(value, *arguments, ranks=ranks)
        wait_until(lambda: process.poll() is not None or self.temporaries() and self.has_window(process, ranks),
                   "the run is in its phase")
        self.assertIsNone(process.poll(), "the run has ended already")
        return process, launch.children(process.pid) if ranks else [process.pid]

    def has_window(self, process, ranks):
        if ranks < 2:
            return True
        # Mapped by all, Open MPI takes its name away: from then on nobody's end can leave it behind.
        if any(name.startswith("osc_sm.") for name in self.files(self.shared)):
            return False
        pids = launch.children(process.pid)
        return len(pids) == ranks and all("osc_sm." in mappings(pid) for pid in pids)

    def is_written(self):
        with contextlib.suppress(FileNotFoundError):  # it has got its name in between
            return any(path.stat().st_size for path in self.temporaries())
        return False

    def temporaries(self):
        return [path for path in self.output.iterdir() if path.name.endswith(".windrow-tmp")]

    def assert_nothing_left(self):
        """No file of the run, neither beside the output nor in shared memory."""
        self.assertEqual(self.files(self.output), [])
        self.assertEqual(self.files(self.shared), [])

    def assert_whole(self, path="output/out.h5"):
        self.assert_status(self.windrow("verify", path), launch.DONE)

    def mounted(self, name, options):
        """A new tmpfs below the test's folder."""
        if not launch.is_isolated():
            self.skipTest("needs a mount namespace (unshare --mount), which this machine does not allow")
        path = self.folder / name
        path.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"cannot mount a tmpfs: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)
        return path

    def remount(self, path, options):
        subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)


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


class Output(FaultCase):
    def assert_refused_before_computing(self, says, *arguments):
        result = self.run_deck(LONG, *arguments, "--report", "report.json")
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "windrow: ")
        self.assertIn(says, result.err)
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual(report["exit_status"], launch.IO)
        self.assertNotIn("populate", [phase["name"] for phase in report["phases"]])

    def test_exists(self):
        path = self.output / "out.h5"
        path.write_text("precious")
        self.assert_refused_before_computing("out.h5 exists already")
        self.assertEqual(path.read_text(), "precious")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_folder_is_missing(self):
        self.assert_refused_before_computing("the folder missing does not exist", "--output", "missing/out.h5")

    def test_folder_is_none(self):
        self.assert_refused_before_computing("deck.toml", "--output", "deck.toml/out.h5")

    def test_output_is_a_folder(self):
        self.assert_refused_before_computing("output", "--output", "output", "--overwrite")
        self.assert_nothing_left()

    def test_file_system_is_read_only(self):
        self.mounted("output", "size=64m,ro")
        self.assert_refused_before_computing("output")

    def test_file_that_appears_during_the_run_is_kept_and_so_is_the_result(self):
        process, _ = self.start_and_wait_for_phase(LONG)
        (self.output / "out.h5").write_text("precious")
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assertIn("out.1.h5", result.err)
        self.assertEqual((self.output / "out.h5").read_text(), "precious")
        self.assert_whole("output/out.1.h5")
        self.assertEqual(self.files(self.output), ["out.1.h5", "out.h5"])

    def test_output_that_is_replaced_stays_until_the_new_one_is_whole(self):
        self.assert_status(self.run_deck(), launch.DONE)
        before = (self.output / "out.h5").read_bytes()
        process, ranks = self.start_and_wait_for_phase(ENDLESS, "--overwrite")
        os.kill(ranks[0], signal.SIGTERM)
        self.assertNotEqual(launch.finish(process).status, 0)
        self.assertEqual((self.output / "out.h5").read_bytes(), before)

    def test_second_live_run_to_one_output(self):
        process, ranks = self.start_and_wait_for_phase(LONG, "array.rows=300000")
        for second in (2, 0):
            result = self.run_deck("--overwrite", ranks=second)
            self.assert_status(result, launch.IO)
            self.assert_one_message(result, "windrow: ", "another run is writing it", f"process {ranks[0]}")
        self.assert_status(launch.finish(process), launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_runs_that_start_at_the_same_moment(self):
        results = [launch.finish(process) for process in [self.start(ranks=0) for _ in range(5)]]
        statuses = sorted(result.status for result in results)
        self.assertEqual(statuses, [launch.DONE] + [launch.IO] * 4)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])


class Signals(FaultCase):
    """What is killed, and when: the output is absent or whole, and nobody waits for ever."""

    def finish(self, process, ranks):
        result = launch.finish(process, END_S)
        wait_until(lambda: not any(map(is_running, ranks)), "the ranks have ended")
        return result

    def test_mpirun_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
                os.kill(process.pid, number)
                self.assert_status(self.finish(process, ranks), 1)
                self.assert_nothing_left()

    def test_a_run_without_mpirun_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
                os.kill(process.pid, number)
                self.assert_status(self.finish(process, ranks), -number)
                self.assert_nothing_left()

    def test_a_rank_is_killed(self):
        for victim in (0, 2):
            with self.subTest(victim=victim):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
                os.kill(ranks[victim], signal.SIGKILL)
                self.assert_status(self.finish(process, ranks), 128 + signal.SIGKILL)
                if victim == 0:  # it is the one that holds the temporary
                    result = self.run_deck()
                    self.assert_status(result, launch.DONE)
                    self.assert_one_message(result, "which a dead run left", f"process {ranks[0]}")
                    self.assert_whole()
                    (self.output / "out.h5").unlink()
                self.assert_nothing_left()

    def test_mpirun_is_killed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
        os.kill(process.pid, signal.SIGKILL)
        self.assert_status(self.finish(process, ranks), -signal.SIGKILL)
        self.assertFalse((self.output / "out.h5").exists())
        # Open MPI's own segments survive that; the doctor removes them.
        self.assertEqual([name for name in self.files(self.shared) if not name.startswith("vader_segment.")], [])
        for path in self.shared.iterdir():
            os.utime(path, (0, 0))  # nothing that was made just now is taken for a leftover
        self.assert_status(self.windrow("doctor", "--clean", env=self.env), launch.DONE)
        self.assertEqual(self.files(self.shared), [])
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_everybody_is_killed_while_the_file_is_written(self):
        for delay_s in (0.0, 0.02, 0.1, 0.3):
            with self.subTest(delay_s=delay_s):
                process = self.start("array.rows=3e6", "--overwrite")
                wait_until(lambda: process.poll() is not None or self.is_written(), "the file is being written")
                time.sleep(delay_s)
                ranks = launch.children(process.pid)
                for pid in [process.pid, *ranks]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.finish(process, ranks)
                if (self.output / "out.h5").exists():
                    self.assert_whole()
        self.assert_status(self.run_deck("--overwrite"), launch.DONE)
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_standard_output_that_nobody_reads(self):
        process = self.start(ranks=0)
        process.stdout.close()
        process.stdout = None
        err = launch.finish(process, END_S).err
        # The result is in the file; that nobody heard of it is told by the status.
        self.assertIn(process.returncode, (launch.DONE, launch.IO), err)
        self.assert_whole()


class Aftermath(FaultCase):
    def test_temporaries_of_dead_runs_alone_are_removed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
        os.kill(process.pid, signal.SIGKILL)
        launch.finish(process)
        (left,) = self.temporaries()
        other = self.output / left.name.replace("out.h5", "other.h5")
        other.touch()
        lookalike = self.output / ".out.h5.windrow-tmp"
        lookalike.touch()
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, f"removed output/{left.name}", f"process {process.pid}")
        self.assertEqual(set(self.files(self.output)), {"out.h5", other.name, lookalike.name})
        self.assert_whole()


if __name__ == "__main__":
    launch.main(isolated=True)
