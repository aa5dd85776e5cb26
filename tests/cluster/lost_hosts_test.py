#!/usr/bin/python3
"""A host is cut off in mid-run, or its daemon killed: the job ends within two minutes and tells which host it was.

    /usr/bin/python3 lost_hosts_test.py WINDROW [unittest arguments]
"""

import subprocess

from cluster_case import SCRIPT, Cluster, launch
from faults_test import STOPS, FaultCase


class LostHosts(FaultCase):
    """Slurm takes its time to trust a host again: each test has hosts of its own."""

    def setUp(self):
        type(self).cluster = Cluster()
        self.addCleanup(self.cluster.end)
        super().setUp()

    @classmethod
    def setUpClass(cls):
        """The clusters are the tests' own."""

    def assert_lost(self, number):
        job = self.wait_for(number)
        self.assertEqual(job.state, "NODE_FAIL", str(job))
        self.assertIn("windrow: ended by a signal; the output was not written", job.out)
        self.assertRegex(job.out, r"windrow\.sbatch: sinfo says of nodes of this job:\n  node2 is down.*: Not responding")
        self.assert_nothing_written()

    def test_cut_off_under_mpirun(self):
        number = self.submit_and_wait_for_phase("mpirun")
        self.on("login", "ip", "link", "set", "node2", "down")
        self.assert_lost(number)

    def test_cut_off_under_srun(self):
        number = self.submit_and_wait_for_phase("srun")
        self.on("login", "ip", "link", "set", "node2", "down")
        self.assert_lost(number)

    def test_slurmd_killed_under_mpirun(self):
        number = self.submit_and_wait_for_phase("mpirun")
        self.on("node2", "pkill", "-KILL", "-x", "slurmd")
        self.assert_lost(number)

    def test_slurmd_killed_under_srun(self):
        number = self.submit_and_wait_for_phase("srun")
        self.on("node2", "pkill", "-KILL", "-x", "slurmd")
        self.assert_lost(number)

    def test_cut_off_without_slurm(self):
        """Nobody but Open MPI's own daemons notices: the script's variables have them look every few seconds."""
        words = SCRIPT.read_text().split()
        keepalive = dict(word.split("=") for word in words if word.startswith("OMPI_MCA_oob_tcp_keepalive"))
        self.assertEqual(len(keepalive), 3)
        hand_on = [word for name in (*keepalive, *STOPS) for word in ("-x", name)]
        process = subprocess.Popen(
            self.cluster.command("login", "mpirun", *hand_on, "--host", "node1:2,node2:2", "-n", "4",
                                 launch.Program.path, "run", "deck.toml"),
            cwd=self.folder, env={**launch.environment(), **keepalive, **STOPS}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(launch.end, process)
        self.wait_until_stopped()
        self.on("login", "ip", "link", "set", "node2", "down")
        result = launch.finish(process, 120)
        self.assertNotEqual(result.status, launch.DONE, str(result))
        self.assertRegex(result.err, r"lost communication with a remote daemon[^*]*on node node2")
        self.assertIn("windrow: ended by a signal; the output was not written", result.err)
        self.assert_nothing_written()
        self.assert_hosts_clean()


if __name__ == "__main__":
    launch.main()
