#!/usr/bin/python3
"""Runs in odd surroundings: ranks that were told different things or see different folders, outputs that are no files,
ignored signals.

    /usr/bin/python3 surroundings_test.py WINDROW [unittest arguments]
"""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import numpy as np

from fault_case import LONG, FaultCase, go_on, launch, wait_until


class Ranks(FaultCase):
    def run_two(self, first, second, environments=((), ())):
        """Two ranks with a command line each, and variables of their own."""
        program = launch.Program.path
        line = ["mpirun", "-q", "-n", "1", "env", *environments[0], program, "run", *map(str, first), ":",
                "-n", "1", "env", *environments[1], program, "run", *map(str, second)]
        done = subprocess.run(line, env=launch.environment(**self.env), cwd=self.folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=launch.LIMIT_S)
        return launch.Result(done.returncode, done.stdout, done.stderr, 0)

    def test_that_were_told_different_things(self):
        for second in (["array.value=7"], ["array.rows=7"], ["--report", "report.json"], ["--output", "other.h5"]):
            with self.subTest(second=second):
                result = self.run_two(["deck.toml"], ["deck.toml", *second])
                self.assert_status(result, launch.USAGE)
                self.assert_one_message(result, "windrow: ", "different command lines")
                self.assert_nothing_left()

    def test_one_of_which_is_told_something_wrong(self):
        """Whichever it is: it cannot leave before the others hear of it."""
        for words, variables, says in ((["--shm-dir", "missing"], [], "--shm-dir missing: on"),
                                       (["--progress", "loud"], [], "--progress"),
                                       ([], ["WINDROW_GRACE=soon"], "WINDROW_GRACE=soon: it must be"),
                                       ([], ["WINDROW_FAULT=nowhere:*:throw"], "WINDROW_FAULT=nowhere")):
            for rank in (0, 1):
                with self.subTest(says, rank=rank):
                    lines, environments = [["deck.toml"], ["deck.toml"]], [[], []]
                    lines[rank] += words
                    environments[rank] = variables
                    result = self.run_two(*lines, environments)
                    self.assert_status(result, launch.USAGE)
                    self.assert_one_message(result, "windrow: ", says)
                    self.assert_nothing_left()

    def test_that_open_an_input_before_and_after_it_is_replaced(self):
        """Also where the new file looks like the old one; and where it is written into."""
        self.write_deck('job = "evaluate"\n[arrays.u]\nfile = "in.npy"\n[evaluate]\nstatements = "s = sum(u)"\n')
        path = self.folder / "in.npy"
        for nodes, late, replaces in ((1, 0, True), (1, 1, True), (2, 1, True), (1, 1, False)):
            with self.subTest(nodes=nodes, late=late, replaces=replaces):
                np.save(path, np.ones(1000))
                process = self.start("--pretend-nodes", nodes, WINDROW_FAULT=f"start.inputs:{late}:stop")
                ranks = self.stopped_ranks(process, 1)
                (early,) = [pid for pid in launch.children(process.pid) if pid not in ranks]
                wait_until(lambda: self.has_open(early, path), "the other rank has opened its input")
                status = path.stat()
                if replaces:
                    path.unlink()
                np.save(path, np.zeros(1000))
                if replaces:
                    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
                go_on(ranks)
                result = launch.finish(process)
                self.assert_status(result, launch.IO)
                self.assert_one_message(result, "windrow: ", "somebody has removed or replaced in.npy while the run "
                                        "began" if replaces else "in.npy has changed while it was read")

    @staticmethod
    def has_open(pid, path):
        with contextlib.suppress(FileNotFoundError):
            return any(link.readlink() == path for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())
        return False

    def test_in_a_step_of_slurm_that_has_other_processes(self):
        """As mpirun and its daemons find themselves in an allocation."""
        slurm = {"SLURM_STEP_NUM_TASKS": 4, "SLURM_PROCID": 3}
        for ranks in (1, 2):
            result = self.windrow("run", "deck.toml", "--overwrite", ranks=ranks, env={**self.env, **slurm})
            self.assert_status(result, launch.DONE)
            self.assertIn(f"{ranks} rank", result.out)


class Report(FaultCase):
    def test_pipe_that_nobody_reads(self):
        os.mkfifo(self.folder / "pipe")
        for ranks in (0, 2):
            result = self.run_deck("--report", "pipe", ranks=ranks)
            self.assert_status(result, launch.IO)
            self.assert_one_message(result, "pipe exists and is no file")
            self.assert_nothing_left()

    def test_nothing(self):
        self.assert_status(self.run_deck("--report", "/dev/null"), launch.DONE)
        self.assert_whole()

    def test_file_that_is_mounted_by_itself(self):
        """As into a container: it can be written, but no other file can take its name."""
        mount = self.mounted("mount", "size=1m")
        (mount / "outside.json").touch()
        report = self.folder / "report.json"
        report.touch()
        subprocess.run(["mount", "--bind", mount / "outside.json", report], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", report], check=True)
        self.assert_status(self.run_deck("--report", report), launch.DONE)
        self.assertEqual(json.loads((mount / "outside.json").read_text())["exit_status"], launch.DONE)
        self.assertFalse([name for name in self.files() if name.endswith(".windrow-tmp")])

    def test_no_room_for_a_second_one(self):
        """The first, which the run has reserved, is then written over."""
        report = self.mounted("mount", "nr_inodes=2") / "report.json"
        for _ in range(2):
            self.assert_status(self.run_deck("--overwrite", "--report", report), launch.DONE)
            self.assertEqual(json.loads(report.read_text())["exit_status"], launch.DONE)
        self.assertEqual(self.files(report.parent), ["report.json"])

    def test_link_to_the_output(self):
        (self.output / "link").symlink_to("out.h5")
        result = self.run_deck("--report", "output/link", ranks=0)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "the report and the output are one file")
        self.assertEqual(self.files(self.output), ["link"])


class SharedMemory(FaultCase):
    # One rank has another file system in the folder of the windows, in a mount namespace of its own: as in a container.
    APART = 'test "$OMPI_COMM_WORLD_RANK" = {rank} || exec "$@"; ' \
            'exec unshare --mount sh -c \'mount -t tmpfs tmpfs {folder} && exec "$@"\' sh "$@"'

    def assert_told(self, result, *parts):
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "try: ", *parts)
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual(report["exit_status"], launch.RESOURCES)
        self.assertIn(report["error"], result.err)
        self.assert_nothing_left()

    def test_ranks_that_have_different_folders_of_one_name(self):
        if not launch.is_isolated():
            self.skipTest("needs a mount namespace (unshare --mount), which this machine does not allow")
        program = [launch.Program.path, "run", "deck.toml", "--report", "report.json"]
        for rank in (0, 2):
            with self.subTest(rank=rank):
                script = self.APART.format(rank=rank, folder=self.shared)
                result = launch.run(["mpirun", "-q", "-n", "3", "sh", "-c", script, "sh", *program], env=self.env,
                                    cwd=self.folder)
                self.assert_told(result, f"different folders for {self.shared}", "node rank 0 has device ",
                                 f"node rank {rank or 1} has device ")
        launch.figure("an allocation that fails on one rank ends all with one message",
                      "one of 3 ranks, leader and not, has another file system in the folder of the windows, as in a "
                      "container of its own", "2 runs, 2 times status 3, nothing left")

    def test_mpi_that_is_told_to_make_no_windows(self):
        self.env["OMPI_MCA_osc"] = "^sm"
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                result = self.run_deck("--report", "report.json", ranks=ranks)
                self.assert_told(result, "cannot be allocated: MPI_Win_allocate_shared: MPI_ERR", "OMPI_MCA_osc=^sm")


class Process(FaultCase):
    def test_signal_that_is_to_be_ignored(self):
        """As under nohup."""
        process = subprocess.Popen(launch.command_line(0, "run", "deck.toml", LONG), env=launch.environment(**self.env),
                                   cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.addCleanup(launch.end, process)
        wait_until(lambda: process.poll() is not None or self.temporaries(), "the output is reserved")
        time.sleep(0.2)
        process.send_signal(signal.SIGHUP)
        self.assert_status(launch.finish(process), launch.DONE)
        self.assert_whole()

    def test_verify_without_a_second_thread(self):
        if os.geteuid() != 0:
            self.skipTest("a limit on processes wants a user that runs nothing else")
        self.assert_status(self.run_deck(), launch.DONE)
        self.folder.chmod(0o755)

        def limit():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

        if subprocess.run(["test", "-x", launch.Program.path], preexec_fn=limit).returncode != 0:
            self.skipTest("the program is not to be run by another user")
        done = subprocess.run([launch.Program.path, "verify", "output/out.h5"], cwd=self.folder, capture_output=True,
                              text=True, preexec_fn=limit, timeout=launch.LIMIT_S)
        self.assertEqual((done.returncode, done.stderr), (launch.DONE, ""), done.stdout)

    def test_doctor_spares_the_sessions_of_other_hosts(self):
        session = self.folder / f"ompi.another-host.{os.geteuid()}" / "pid.99999999"
        session.mkdir(parents=True)
        os.utime(session, (0, 0))  # nothing that was made just now is taken for a leftover
        self.assert_status(self.windrow("doctor", "--clean", env=self.env), launch.DONE)
        self.assertTrue(session.is_dir())


if __name__ == "__main__":
    launch.main(isolated=True)
