#!/usr/bin/python3
"""Jobs on two hosts, by mpirun and by srun, in batch and without Slurm: the same bytes as on one.

    /usr/bin/python3 jobs_test.py WINDROW [unittest arguments]
"""

import h5py
import numpy as np

from cluster_case import ClusterCase, launch

DECKS = {
    "populate": """
        job = "populate"
        [array]
        rows = 1009
        cols = 101
        value = "uniform() + normal()*(i*cols + j)"
        """,
    "populate-thin": """
        job = "populate"
        [array]
        rows = 2
        cols = 70001
        value = "i + normal()"
        """,
    "evaluate": """
        job = "evaluate"
        [evaluate]
        statements = ["v = u**2 + sin(u)", "s = sum(v)", "m = mean(v, axis=0)", "d = std(v)"]
        [arrays.u]
        rows = 1009
        cols = 101
        value = "uniform()"
        """,
    "mandelbrot": """
        job = "mandelbrot"
        [mandelbrot]
        rows = 211
        cols = 301
        """,
    "pipeline": """
        job = "pipeline"
        [samples]
        count = 37
        rows = 50
        cols = 60
        value = "uniform()"
        [pipeline]
        stages = ["x*x", "x*3", "x + 1"]
        """,
}


class Jobs(ClusterCase):
    def setUp(self):
        super().setUp()
        for name, deck in DECKS.items():
            self.write_deck("\n".join(line.strip() for line in deck.split("\n")), f"{name}.toml")

    def alone(self, name):
        """What one process on one host makes."""
        result = self.on("node1", launch.Program.path, "run", f"{name}.toml", "--output", f"{name}-1.h5", "--quiet")
        self.assert_status(result, launch.DONE)
        return launch.contents(self.folder / f"{name}-1.h5")

    def assert_same(self, name, path, one):
        other = launch.contents(self.folder / path)
        self.assertEqual(one.keys(), other.keys(), name)
        for key, value in one.items():
            self.assertTrue(value == other[key], f"{name}: {key} differs")
        self.assert_status(self.on("node2", launch.Program.path, "verify", path), launch.DONE)

    def test_every_job_in_batch_by_mpirun_and_srun(self):
        for name in DECKS:
            one = self.alone(name)
            for launcher in ("mpirun", "srun"):
                with self.subTest(deck=name, launcher=launcher):
                    job = self.wait_for(self.submit(f"{name}.toml", "--output", f"{name}-{launcher}.h5",
                                                    WINDROW_LAUNCHER=launcher))
                    self.assert_ended(job, launch.DONE, "4 ranks on 2 nodes, node1, node2")
                    self.assert_same(name, f"{name}-{launcher}.h5", one)
        self.assert_hosts_clean()

    def test_uneven_hosts_without_slurm(self):
        for name in DECKS:
            one = self.alone(name)
            for hosts, ranks in (("node1:3,node2:1", 4), ("node1:1,node2:3", 4), ("node2:4,node1:1", 5)):
                with self.subTest(deck=name, hosts=hosts):
                    result = self.on("login", "mpirun", "-q", "--host", hosts, "-n", ranks, launch.Program.path, "run",
                                     f"{name}.toml", "--output", "out.h5", "--overwrite")
                    self.assert_status(result, launch.DONE)
                    self.assertIn(f"{ranks} ranks on 2 nodes", result.out)
                    self.assert_same(name, "out.h5", one)

    def test_uneven_tasks_in_batch(self):
        """Slurm does not tell the tasks of each host then, only their number."""
        one = self.alone("evaluate")
        (self.folder / "hosts").write_text("node1\nnode1\nnode1\nnode2\n")
        job = self.wait_for(self.submit("evaluate.toml", "--output", "uneven.h5", WINDROW_LAUNCHER="srun",
                                        options=("-N2", "--ntasks=4", "--distribution=arbitrary"),
                                        SLURM_HOSTFILE=self.folder / "hosts"))
        self.assert_ended(job, launch.DONE, "4 ranks on 2 nodes")
        self.assert_same("evaluate", "uneven.h5", one)

    def test_what_a_host_gives_to_all(self):
        """A folder that one host alone has is found out before anything is computed, and named with the host."""
        job = self.wait_for(self.submit("populate.toml", "--output", "/tmp/out.h5"))
        self.assert_ended(job, launch.IO, "node2 does not see the output's temporary /tmp/", "that rank 0 has made on node1",
                          "try: an output.file in a folder that all nodes share")
        self.assertNotIn("populate  ", job.out)
        for host in ("node1", "node2"):
            self.assertEqual(self.on(host, "find", "/tmp", "-name", "*out.h5*").out, "")

    def test_file_of_the_values(self):
        job = self.wait_for(self.submit("populate.toml", "array.value=i*cols + j", "--output", "out.h5"))
        self.assert_ended(job, launch.DONE)
        with h5py.File(self.folder / "out.h5") as file:
            np.testing.assert_array_equal(file["array"], np.arange(1009.0 * 101).reshape(1009, 101))
            self.assertEqual(file["provenance/hosts"].asstr()[()].split(), ["node1", "node2"])


if __name__ == "__main__":
    launch.main()
