#!/usr/bin/python3
"""Faults across hosts: the job ends within two minutes, the message names the host, there is no half file.

    /usr/bin/python3 faults_test.py WINDROW [unittest arguments]
"""

import signal

import numpy as np

from cluster_case import ClusterCase, launch

DECK = """
job = "populate"
[array]
rows = 1009
cols = 101
value = "i*cols + j"
[output]
file = "out.h5"
"""
INPUT = """
job = "evaluate"
[arrays.u]
file = "/tmp/u.npy"
[evaluate]
statements = ["v = u + 1"]
[output]
file = "out.h5"
"""
# Rank 1, on the first host, stops for good in mid-run: the others wait for it.
STOPS = {"WINDROW_FAULT": "phase.block:1:stop"}
LAUNCHERS = ("mpirun", "srun")
KILLED = 128 + signal.SIGKILL
# srun tells the highest status, and ends the other ranks with SIGTERM.
KILLED_BY_SRUN = 128 + signal.SIGTERM


class FaultCase(ClusterCase):
    def setUp(self):
        super().setUp()
        self.write_deck(DECK)

    def wait_until_stopped(self):
        self.wait_until(lambda: "T" in self.on("node1", "ps", "-C", "windrow", "-o", "state=").out, "rank 1 stops")

    def submit_and_wait_for_phase(self, launcher, *words, **env):
        number = self.submit("deck.toml", *words, WINDROW_LAUNCHER=launcher, **STOPS, **env)
        self.wait_until_stopped()
        self.assertEqual(len(self.temporaries()), 1)
        return number

    def temporaries(self):
        return list(self.folder.glob(".*.windrow-tmp"))

    def assert_nothing_written(self):
        self.assertFalse((self.folder / "out.h5").exists())
        self.assertEqual(self.temporaries(), [])


class Faults(FaultCase):
    def ranks_on(self, host):
        return self.on(host, "pgrep", "-x", "windrow").out.split()

    def test_rank_killed_on_the_other_host(self):
        for launcher, status, told in (("mpirun", KILLED, "on node node2 exited on signal 9 (Killed)"),
                                       ("srun", KILLED_BY_SRUN, "error: node2: task 3: Killed")):
            with self.subTest(launcher=launcher):
                number = self.submit_and_wait_for_phase(launcher)
                self.on("node2", "kill", "-KILL", self.ranks_on("node2")[-1])
                job = self.wait_for(number)
                self.assert_ended(job, status, told, "windrow: ended by a signal; the output was not written")
                self.assert_nothing_written()
                self.assert_hosts_clean()

    def test_shared_memory_full_on_one_host(self):
        self.on("node2", "dd", "if=/dev/zero", "of=/dev/shm/other", "bs=1M", "count=590", "status=none")
        self.addCleanup(self.on, "node2", "rm", "/dev/shm/other")
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.wait_for(self.submit("deck.toml", "array.rows=100000", WINDROW_LAUNCHER=launcher))
                self.assert_ended(job, launch.RESOURCES, "of shared memory on node2, where /dev/shm has ")
                self.assert_nothing_written()

    def test_missing_pmix(self):
        """Open MPI ends the processes while it starts; what to do is told before."""
        result = self.on("login", "srun", "--mpi=none", "-N2", "--ntasks-per-node=2", launch.Program.path, "run",
                         "deck.toml")
        self.assertNotEqual(result.status, launch.DONE, str(result))
        self.assertIn("windrow: srun has started 4 processes without PMIx (seen on node1)", result.err)
        self.assertIn("try: srun --mpi=pmix", result.err)
        self.assertEqual(result.err.count("windrow: "), 1, str(result))
        self.assert_nothing_written()

    def test_different_decks(self):
        """There is one deck: rank 0's, whose bytes all others get."""
        for host, value in (("node1", "i + 0.25"), ("node2", "a mistake")):
            path = self.write_deck(DECK.replace("i*cols + j", value), f"{host}.toml")
            self.on(host, "cp", path, "/tmp/deck.toml")
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.wait_for(self.submit("/tmp/deck.toml", "--overwrite", WINDROW_LAUNCHER=launcher))
                self.assert_ended(job, launch.DONE)
                found = launch.read_output(self.folder / "out.h5").values
                np.testing.assert_array_equal(found, np.repeat(np.arange(1009) + 0.25, 101).reshape(1009, 101))

    def test_different_inputs(self):
        self.write_deck(INPUT)
        one = np.arange(20000.0).reshape(200, 100)
        other = one.copy()
        other[100] = 0
        for name, array, told in (("bytes", other, "on node1 as many, and others"),
                                  ("extents", one[:, :50], "on node2 it has 80128 bytes, on node1 160128")):
            for host, values in (("node1", one), ("node2", array)):
                np.save(self.folder / f"{host}.npy", values)
                self.on(host, "cp", f"{host}.npy", "/tmp/u.npy")
            with self.subTest(name):
                job = self.wait_for(self.submit("deck.toml"))
                self.assert_ended(job, launch.IO, "/tmp/u.npy is not the same file on all hosts: on node2", told,
                                  "try: a file in a folder that all nodes share")
                self.assert_nothing_written()
        self.on("node2", "cp", "node1.npy", "/tmp/u.npy")
        self.assert_ended(self.wait_for(self.submit("deck.toml")), launch.DONE)

    def test_scancel(self):
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                number = self.submit_and_wait_for_phase(launcher)
                self.on("login", "scancel", number)
                job = self.wait_for(number)
                self.assertEqual(job.state, "CANCELLED", str(job))
                self.assertIn("windrow: ended by a signal; the output was not written", job.out)
                self.assert_nothing_written()
                self.assert_hosts_clean()


if __name__ == "__main__":
    launch.main()
