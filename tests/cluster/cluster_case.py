"""A real cluster of two hosts on this machine, and runs on it. See up, which brings it up."""

import pathlib
import subprocess
import sys
import tempfile
import time
import typing
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "jobs"))

import launch

SCRIPT = launch.REPOSITORY / "slurm/windrow.sbatch"
NOT_POSSIBLE = 77
# What a job may take, from its submission to its end.
LIMIT_S = 120
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


class Ended(typing.NamedTuple):
    """A batch job that has ended."""

    number: str
    state: str
    status: int
    out: str
    seconds: float

    def __str__(self):
        return f"job {self.number}: {self.state}, exit status {self.status}, {self.seconds:.1f} s\n{self.out}"


class Cluster:
    """The hosts, for the life of a test file."""

    def __init__(self, hosts=2, processors=4, shm="600m"):
        # Not below /tmp, which each host has for itself.
        self._folder = tempfile.TemporaryDirectory(prefix="windrow-cluster-", dir="/var/tmp")
        self.folder = pathlib.Path(self._folder.name)
        done = subprocess.run([HERE / "up", self.folder / "cluster", str(hosts), str(processors), shm],
                              capture_output=True, text=True)
        if done.returncode == NOT_POSSIBLE:
            self._folder.cleanup()
            raise unittest.SkipTest(done.stderr.strip())
        if done.returncode != 0:
            raise AssertionError(f"the cluster does not come up\n{done.stdout}{done.stderr}")

    def end(self):
        subprocess.run([HERE / "down", self.folder / "cluster"], check=True)
        self._folder.cleanup()

    def command(self, host, *words):
        return [str(HERE / "on"), str(self.folder / "cluster"), host, *map(str, words)]

    def on(self, host, *words, cwd=None, env=None, limit_s=LIMIT_S):
        return launch.run(self.command(host, *words), env=env, cwd=cwd or self.folder, limit_s=limit_s)

    def first_process(self, host):
        return int((self.folder / "cluster/hosts" / f"{host}.pid").read_text())

    def wait_until_idle(self, hosts=2):
        deadline = time.monotonic() + LIMIT_S
        while self.on("login", "sinfo", "-hNo", "%t").out.split() != ["idle"] * hosts:
            if time.monotonic() > deadline:
                raise AssertionError(f"not idle\n{self.on('login', 'sinfo', '-NR').out}")
            time.sleep(0.2)


class ClusterCase(launch.TestCase):
    """A test with a folder that all hosts see."""

    cluster: Cluster

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.end)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="test-", dir=self.cluster.folder)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def on(self, host, *words, **options):
        return self.cluster.on(host, *words, cwd=self.folder, **options)

    def submit(self, *words, script=SCRIPT, options=("-N2", "--ntasks-per-node=2"), **env):
        """Submits a script of slurm/; returns the number of the job."""
        result = self.on("login", "sbatch", "--parsable", *options, script, *words,
                         env={"WINDROW": launch.Program.path, **env})
        self.assert_status(result, 0)
        return result.out.strip()

    def job(self, number):
        """What Slurm tells of a job, by its names."""
        shown = self.on("login", "scontrol", "--oneliner", "show", "job", number).out
        return dict(word.split("=", 1) for word in shown.split() if "=" in word)

    def wait_for(self, number, limit_s=LIMIT_S):
        begin = time.monotonic()
        while (told := self.job(number)).get("JobState") not in ENDED:
            if time.monotonic() - begin > limit_s:
                self.on("login", "scancel", number)
                self.fail(f"job {number} has not ended after {limit_s} s\n{told}")
            time.sleep(0.1)
        out = self.folder / f"windrow-{number}.out"
        return Ended(number, told["JobState"], int(told["ExitCode"].split(":")[0]),
                     out.read_text() if out.exists() else "", time.monotonic() - begin)

    def wait_until(self, condition, what, limit_s=LIMIT_S):
        deadline = time.monotonic() + limit_s
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"waited {limit_s} s in vain until {what}")
            time.sleep(0.05)

    def assert_ended(self, job, status, *parts):
        self.assertEqual(job.status, status, str(job))
        for part in parts:
            self.assertIn(part, job.out, str(job))

    def assert_hosts_clean(self):
        """No process of the program, and nothing of it in shared memory, on any host."""
        for host in ("node1", "node2"):
            self.wait_until(lambda: self.on(host, "pgrep", "-x", "windrow").status == 1, f"{host} is free")
            self.assertEqual(self.on(host, "find", "/dev/shm", "-name", "osc_sm.*").out, "", host)
