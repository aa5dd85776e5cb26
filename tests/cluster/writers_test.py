#!/usr/bin/python3
"""Outputs of two hosts, by one writer and by each: the same bytes, and a block of the file is one host's.

    /usr/bin/python3 writers_test.py WINDROW [unittest arguments]
"""

import h5py
import numpy as np

from cluster_case import ClusterCase, launch

# Nine mebibytes and a bit, of which each host has some; and an array that is smaller than a group.
DECK = """
job = "evaluate"
[arrays.u]
rows = 20011
cols = 61
value = "uniform() + i"
[evaluate]
statements = ["v = u*2", "m = sum(u, axis=0)"]
"""
SAMPLES = """
job = "pipeline"
[samples]
count = 37
rows = 401
cols = 103
value = "uniform() + k"
[pipeline]
stages = ["x*x"]
result = "array"
"""


class Writers(ClusterCase):
    def run_on_hosts(self, *arguments, hosts="node1:3,node2:2", ranks=5):
        result = self.on("login", "mpirun", "-q", "--host", hosts, "-n", ranks, launch.Program.path, "run", "deck.toml",
                         "--output", "out.h5", "--overwrite", *arguments)
        self.assert_status(result, launch.DONE)
        self.assertIn("2 nodes", result.out)
        # A host that has written nothing of it reads all of it.
        self.assert_status(self.on("node2", launch.Program.path, "verify", "out.h5"), launch.DONE)
        return self.contents("out.h5")

    def contents(self, name):
        with h5py.File(self.folder / name) as file:
            names = [name for name in ("v", "m", "samples") if name in file]
            return {name: (file[name][()], file[f"provenance/checksums/{name}"][()]) for name in names}

    def alone(self):
        result = self.on("node1", launch.Program.path, "run", "deck.toml", "--output", "one.h5", "--quiet")
        self.assert_status(result, launch.DONE)
        return self.contents("one.h5")

    def assert_same(self, found, expected):
        self.assertEqual(found.keys(), expected.keys())
        for name, parts in expected.items():
            for part, other in zip(parts, found[name]):
                np.testing.assert_array_equal(other, part)

    def test_the_same_bytes_whoever_writes(self):
        self.write_deck(DECK)
        one = self.alone()
        for hosts, ranks in (("node1:3,node2:2", 5), ("node1:1,node2:3", 4)):
            for arguments in ((), ("output.writers=1",), ("output.writers=2",), ("output.writers=1", "output.durable=false")):
                with self.subTest(hosts=hosts, arguments=arguments):
                    self.assert_same(self.run_on_hosts(*arguments, hosts=hosts, ranks=ranks), one)
        self.assert_hosts_clean()

    def test_samples_of_both_hosts(self):
        self.write_deck(SAMPLES)
        self.assert_same(self.run_on_hosts(), self.alone())

    def test_in_batch(self):
        self.write_deck(DECK)
        one = self.alone()
        for launcher in ("mpirun", "srun"):
            with self.subTest(launcher=launcher):
                job = self.wait_for(self.submit("deck.toml", "output.writers=1", "--output", f"{launcher}.h5",
                                                WINDROW_LAUNCHER=launcher))
                self.assert_ended(job, launch.DONE, "4 ranks on 2 nodes, node1, node2")
                self.assert_same(self.contents(f"{launcher}.h5"), one)

    def test_a_host_that_is_to_send_fails(self):
        self.write_deck(DECK)
        result = self.on("login", "mpirun", "-q", "-x", "WINDROW_FAULT", "--host", "node1:2,node2:2", "-n", 4,
                         launch.Program.path, "run", "deck.toml", "output.writers=1", "--output", "out.h5",
                         env={"WINDROW_FAULT": "write.move@2:2:bad_alloc"})
        self.assert_status(result, launch.RESOURCES)
        self.assertEqual(result.err.count("windrow: the memory of a process ran out"), 1, str(result))
        self.assertNotIn("out.h5", self.files())
        self.assert_hosts_clean()


if __name__ == "__main__":
    launch.main()
