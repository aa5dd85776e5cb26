"""Starts windrow as a user does, alone or under mpirun, and reads back what it wrote.

The tests that import this are run as

    /usr/bin/python3 NAME_test.py WINDROW [unittest arguments]

where WINDROW is the program.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing
import unittest

import h5py
import numpy as np

# What a run may take at most; a run that hangs is killed and fails its test.
LIMIT_S = 60
DONE, USAGE, RESOURCES, IO, VERIFICATION = 0, 2, 3, 4, 5
# Says in the environment that /dev/shm and the mounts are this process's own.
IN_NAMESPACE = "WINDROW_TEST_IS_ISOLATED"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Under mpirun: more ranks than cores, and root, are welcome in a test.
MPIRUN_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


class Program:
    """The program under test; set by main()."""

    path: str = ""


class Result(typing.NamedTuple):
    status: int
    out: str
    err: str
    seconds: float

    def __str__(self):
        return f"exit status {self.status}\n--- standard output\n{self.out}\n--- standard error\n{self.err}"


def environment(**changes):
    return {**MPIRUN_ENVIRONMENT, **os.environ, **{name: str(value) for name, value in changes.items()}}


def command_line(ranks, *arguments):
    """`windrow ARGUMENTS`, alone for `ranks` = 0, else under mpirun."""
    launcher = ["mpirun", "-q", "-n", str(ranks)] if ranks else []
    return [*launcher, Program.path, *map(str, arguments)]


def start(ranks, *arguments, env=None, **options):
    """A running windrow; its mpirun is the leader of a session of its own, so that a terminal's signals pass it by."""
    return subprocess.Popen(command_line(ranks, *arguments), env=environment(**(env or {})), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                            **options)


def finish(process, limit_s=LIMIT_S):
    """Waits for a run that start() began. Raises subprocess.TimeoutExpired, after killing it, if it hangs."""
    begin = time.monotonic()
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        end(process)
        raise
    return Result(process.returncode, out, err, time.monotonic() - begin)


def end(process):
    """Kills a run that start() began, if it is still there."""
    if process.poll() is None:
        for pid in [process.pid, *children(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def children(pid):
    """The processes that `pid` started: the ranks of an mpirun."""
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def run(command, env=None, cwd=None, input=None, limit_s=LIMIT_S):
    begin = time.monotonic()
    done = subprocess.run(command, env=environment(**(env or {})), cwd=cwd, timeout=limit_s, capture_output=True,
                          text=True, **({"stdin": subprocess.DEVNULL} if input is None else {"input": input}))
    return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - begin)


def windrow(*arguments, ranks=0, **options):
    return run(command_line(ranks, *arguments), **options)


class Output(typing.NamedTuple):
    """What a file holds of one array."""

    values: np.ndarray
    checksums: np.ndarray
    blocks: typing.Dict[str, np.ndarray]  # first_row, rows, world_rank, start, seconds; empty if there are none


def read_output(path, name="array"):
    with h5py.File(path, "r") as file:
        group = file["provenance/blocks"]
        blocks = {key: group[name][key][()] for key in ("first_row", "rows", "world_rank", "start", "seconds")}
        return Output(file[name][()], file[f"provenance/checksums/{name}"][()], blocks)


def contents(path):
    """Bytes and types of all that is computed: not of what tells who computed it, and when."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: (item.dtype.str, item.shape, item[()].tobytes())})
                        if isinstance(item, h5py.Dataset) and (not name.startswith("provenance/") or "checksums" in name)
                        else None)
    return found


class TestCase(unittest.TestCase):
    """A test with a folder of its own, in which its runs take place."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="windrow-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def windrow(self, *arguments, **options):
        return windrow(*arguments, **{"cwd": self.folder, **options})

    def write_deck(self, text, name="deck.toml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def assert_status(self, result, status):
        self.assertEqual(result.status, status, str(result))

    def assert_one_message(self, result, *parts):
        """Standard error says it, once, and nothing else does."""
        for part in parts:
            self.assertEqual(result.err.count(part), 1, f"{part!r} once in standard error\n{result}")

    def files(self, folder=None):
        return sorted(path.name for path in pathlib.Path(folder or self.folder).iterdir())


def figure(promise, tried, found):
    """Tells a figure that a test has counted: a row of the table in docs/reliability.md."""
    print(f"figure | {promise} | {tried} | {found}", flush=True)


def is_isolated():
    return IN_NAMESPACE in os.environ


def sees_all_processes():
    """Not in a container, where a process that is not seen may be alive."""
    return os.stat("/proc/self/ns/pid").st_ino == 0xEFFFFFFC


def isolate():
    """Starts this program anew in a mount namespace with a /dev/shm of its own, if the machine allows it."""
    command = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() != 0 else []), "sh", "-c"]
    script = "mount -t tmpfs tmpfs /dev/shm && exec \"$@\""
    with contextlib.suppress(OSError):
        if subprocess.run([*command, script, "sh", "true"], capture_output=True).returncode == 0:
            os.environ[IN_NAMESPACE] = "1"
            os.execvp(command[0], [*command, script, "sh", sys.executable, "-B", *sys.argv])


def main(afterwards=lambda: None, isolated=False):
    """Runs the tests of the calling file: `isolated`, if that can be, with a /dev/shm and mounts of their own."""
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print(f"usage: {sys.argv[0]} WINDROW [unittest arguments]", file=sys.stderr)
        sys.exit(2)
    if isolated and not is_isolated():
        isolate()
    Program.path = os.path.abspath(sys.argv.pop(1))
    tests = unittest.main(verbosity=2, exit=False)
    afterwards()
    sys.exit(not tests.result.wasSuccessful())
