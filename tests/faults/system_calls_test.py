#!/usr/bin/python3
"""Every system call of a run fails once, in every way that it can: the run survives it, or ends as promised.

    /usr/bin/python3 system_calls_test.py WINDROW [unittest arguments]

The N-th call of a kind fails, for N = 1, 2, 3, ... until a run passes untouched. After each run the output is the old
one or whole, no temporary is left and nothing in shared memory, and what failed is told once.
"""

import collections
import concurrent.futures
import errno
import itertools
import os
import re
import subprocess
import typing

import h5py
import numpy as np

import interposed
from fault_case import FaultCase, launch

DECK = """\
job = "populate"
[array]
rows = 2000
cols = 10
value = "i*cols + j"
[populate]
block_rows = 500
[output]
file = "output/out.h5"
"""
# The same numbers, from a file and through memory.
STREAM = """\
job = "evaluate"
[arrays.array]
file = "in.npy"
[evaluate]
statements = ["array = 2*array"]
[output]
file = "output/out.h5"
[memory]
stream = "always"
"""
ROWS, COLS = 2000, 10
NEW = np.arange(ROWS * COLS, dtype=np.float64).reshape(ROWS, COLS)
# A run that does not end within this time hangs.
HANG_S = 60
# Two at a time: as many as the suite's machine has cores.
WORKERS = 2
# More calls than a run makes of any kind that is swept one by one.
MOST_CALLS = 500

DONE, USAGE, RESOURCES, IO = launch.DONE, launch.USAGE, launch.RESOURCES, launch.IO


def ends(*statuses):
    return frozenset(statuses)


SURVIVED = ends(DONE)
# Kind of call -> way to fail -> how a run may end. What it can do without, or asks for again, it survives.
SWEEPS = {
    "pwrite": {"ENOSPC": ends(RESOURCES), "EDQUOT": ends(RESOURCES), "ENOMEM": ends(RESOURCES), "EIO": ends(IO), "EINTR": SURVIVED,
               "short": SURVIVED},
    "pread": {"EIO": ends(IO), "EINTR": SURVIVED, "short": SURVIVED},
    "read": {"EIO": ends(DONE, USAGE, RESOURCES, IO), "EINTR": SURVIVED, "short": SURVIVED},
    "fsync": {"ENOSPC": ends(RESOURCES, IO), "EDQUOT": ends(RESOURCES, IO), "EIO": ends(IO), "EINTR": SURVIVED},
    "ftruncate": {"ENOSPC": ends(RESOURCES), "EIO": ends(IO)},
    "open": {"EIO": ends(DONE, USAGE, RESOURCES, IO), "EMFILE": ends(DONE, USAGE, RESOURCES, IO)},
    "close": {"EIO": ends(DONE, IO), "EDQUOT": ends(DONE, RESOURCES)},
    # Where a network file system tells of a full disk.
    "close_written": {"EIO": ends(IO), "EDQUOT": ends(RESOURCES)},
    # Where there is no room for a second report, the first is written over.
    "rename": {"EIO": ends(IO), "ENOSPC": ends(DONE, RESOURCES, IO), "EDQUOT": ends(DONE, RESOURCES, IO)},
    "madvise": {"ENOMEM": ends(DONE, RESOURCES), "EINTR": SURVIVED, "EAGAIN": SURVIVED, "EINVAL": SURVIVED},
    "write": {"ENOSPC": ends(DONE, RESOURCES, IO), "EIO": ends(IO), "EINTR": SURVIVED, "short": SURVIVED},
    "writev": {"ENOSPC": ends(DONE, RESOURCES, IO), "EIO": ends(IO), "EINTR": SURVIVED, "short": SURVIVED},
    "flock": {"EINTR": SURVIVED, "ENOLCK": SURVIVED},
    "opendir": {"EIO": ends(IO), "ENOMEM": ends(RESOURCES, IO)},
    "statvfs": {"EIO": ends(DONE, IO)},
    "mmap": {"ENOMEM": ends(DONE, RESOURCES)},
    "fallocate": {"ENOSPC": ends(RESOURCES), "EDQUOT": ends(RESOURCES), "ENOSYS": SURVIVED, "EIO": SURVIVED,
                  "EINTR": SURVIVED},
    "sync_file_range": {"EIO": ends(IO), "EINVAL": SURVIVED, "EINTR": SURVIVED},
}
# A sweep of a kind that a run never calls proves nothing; these it may not call.
PERHAPS = {"write", "writev", "mmap", "fallocate", "sync_file_range"}


class Attempt(typing.NamedTuple):
    rules: str
    result: launch.Result
    fired: bool


class Place:
    """A folder in which runs take place, one after the other."""

    def __init__(self, case, name):
        self.folder = case.folder / name
        self.output = self.folder / "output"
        self.output.mkdir(parents=True)
        self.shared = case.shared / name
        self.shared.mkdir()
        (self.folder / "deck.toml").write_text(DECK)
        (self.folder / "stream.toml").write_text(STREAM)
        np.save(self.folder / "in.npy", NEW/2)
        self.case = case
        self.old = case.old

    def run(self, rules, *arguments, ranks=0, deck="deck.toml", **options):
        """A run over the old output, or, without --overwrite among the arguments, into an empty folder."""
        for path in self.output.iterdir():
            path.unlink()
        if "--overwrite" in arguments:
            (self.output / "out.h5").write_bytes(self.old)
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        environment = launch.environment(OMPI_MCA_osc_sm_backing_directory=self.shared,
                                         OMPI_MCA_btl_vader_backing_directory=self.shared, TMPDIR=self.folder)
        command = interposed.command_line(ranks, rules, "run", deck, "--quiet", *arguments, log=log, **options)
        process = subprocess.Popen(command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            result = launch.finish(process, HANG_S)
        except subprocess.TimeoutExpired:
            self.case.fail(f"{rules} {arguments}: hangs")
        return Attempt(rules, result, log.exists())

    def is_whole(self, path):
        return launch.windrow("verify", path, cwd=self.folder).status == DONE and self.has_new_values(path)

    @staticmethod
    def has_new_values(path):
        with h5py.File(path, "r") as file:
            return np.array_equal(file["array"][()], NEW)

    def check(self, attempt, allowed, had_old, mpi_may_talk=False):
        """All that is promised of a run, whatever has failed in it; returns how it ended, in a word."""
        case, result = self.case, attempt.result
        told = f"{attempt.rules}\n{result}"
        case.assertIn(result.status, allowed, told)
        # Open MPI's own segments are its own affair where its own calls fail.
        case.assertEqual([name for name in case.files(self.shared)
                          if not (mpi_may_talk and name.startswith("vader_segment."))], [], told)
        output = self.output / "out.h5"
        left = set(case.files(self.output)) - {"out.h5"}
        if result.status == DONE:
            case.assertEqual(left, set(), told)
            case.assertTrue(self.is_whole(output), told)
            return "survived"
        if not mpi_may_talk:
            case.assertEqual(len(re.findall(r"(?m)^(windrow|\w+\.toml:\d+:\d+): ", result.err)), 1, told)
        if "is complete, but" in result.err or "cannot write the report" in result.err and output.exists():
            # The result is there; what failed came after it, or the report did before anything was written.
            case.assertTrue(had_old and output.read_bytes() == self.old or self.is_whole(output), told)
        elif had_old:
            case.assertTrue(output.read_bytes() == self.old, told)
        else:
            case.assertFalse(output.exists(), told)
        if "the complete result is in" in result.err:
            case.assertEqual(len(left), 1, told)
            case.assertIn(*left, result.err)
            case.assertTrue(self.is_whole(self.output / left.pop()), told)
            return "kept beside"
        case.assertEqual(left, set(), told)
        return "ended"


class SystemCalls(FaultCase):
    def setUp(self):
        super().setUp()
        # Memory is quicker than a disk, and the same on every machine.
        if launch.is_isolated() and subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.folder],
                                                   capture_output=True).returncode == 0:
            self.addCleanup(subprocess.run, ["umount", "--lazy", self.folder], check=True)
        self.write_deck(DECK)
        self.output.mkdir(exist_ok=True)
        self.assert_status(self.run_deck("array.value=i", ranks=0), DONE)
        self.old = (self.output / "out.h5").read_bytes()
        self.counts = collections.Counter()
        self.wrong = []

    def tearDown(self):
        self.assertEqual(len(self.wrong), 0, "\n\n".join(self.wrong[:20]))

    def places(self, count):
        return [Place(self, f"place{number}") for number in range(count)]

    def sweep(self, place, call, error, allowed, *arguments, step=1, **options):
        """The N-th call fails, N = 1, 1 + step, ... until a run passes untouched."""
        for number in itertools.count(1, step):
            self.assertLess(number, MOST_CALLS * step, call)
            attempt = place.run(f"{call}@{number}={error}", *arguments, **options)
            try:
                how = place.check(attempt, allowed if attempt.fired else SURVIVED, "--overwrite" in arguments)
                if attempt.fired:
                    self.tell(call, error, attempt.result, how)
            except AssertionError as wrong:
                self.wrong.append(str(wrong))
            if not attempt.fired:
                return number // step

    def tell(self, call, error, result, how):
        """Counts; and the message of a run that ended says what was wrong."""
        self.counts[call] += 1
        self.counts[how] += 1
        if how == "survived" or error == "short" or call in ("madvise", "mmap", "readv"):
            return
        if "windrow: " in result.err and "/proc/" not in result.err:
            self.assertIn(os.strerror(getattr(errno, error)), result.err, f"{call} {error}")
            self.assertRegex(result.err, "out.h5|output|deck.toml|in.npy|report.json|dataset|attribute", f"{call} {error}")

    def test_every_call_of_one_process(self):
        places = self.places(WORKERS)
        free = collections.deque(places)

        def work(job):
            call, error, allowed, arguments, *deck = job
            place = free.popleft()
            try:
                return call, self.sweep(place, call, error, allowed, *arguments, deck=deck[0] if deck else "deck.toml")
            finally:
                free.append(place)

        jobs = [(call, error, allowed, ("--overwrite", "--report", "report.json"))
                for call, ways in SWEEPS.items() for error, allowed in ways.items()]
        jobs += [(call, error, allowed, ("--overwrite", "output.compression=4"))
                 for call in ("pwrite", "pread", "close_written")
                 for error, allowed in SWEEPS[call].items() if error not in ("EDQUOT", "ENOMEM")]
        jobs += [(call, error, SWEEPS[call][error], ("--overwrite",), "stream.toml")
                 for call, error in (("pwrite", "EIO"), ("pwrite", "ENOSPC"), ("pwrite", "short"), ("pread", "EIO"),
                                     ("pread", "short"))]
        jobs += [("renameat2", error, ends(IO, RESOURCES), ()) for error in ("EIO", "ENOSPC", "EDQUOT")]
        jobs += [("renameat2", error, SURVIVED, ()) for error in ("EINVAL", "ENOSYS", "EPERM")]
        jobs += [("readv", error, allowed, ("memory.pages=read",))
                 for error, allowed in (("EFAULT", ends(RESOURCES)), ("EINTR", SURVIVED), ("short", SURVIVED))]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for call, calls in pool.map(work, jobs):
                self.assertTrue(calls > 0 or call in PERHAPS, f"no run calls {call}")
        self.figure("all", "of one process")

    def figure(self, how_many, who):
        kinds = {"survived", "ended", "kept beside"}
        failed = sum(self.counts[kind] for kind in kinds)
        kept = f", {self.counts['kept beside']} kept the result under another name"
        launch.figure("a system call that fails costs no result and hides no failure",
                      f"{how_many} calls of {len(set(self.counts) - kinds)} kinds {who} fail, one a run: no "
                      "space, quota, I/O error, interrupted, cut short, ...",
                      f"{failed} runs: {self.counts['survived']} survived whole, {self.counts['ended']} ended with 2, "
                      f"3 or 4, one message and the old output{kept}; 0 half files, 0 crashes, 0 hangs")

    def test_disk_that_stays_full(self):
        """From the N-th call on nothing can be written any more, until the run has removed what it wrote."""
        (place,) = self.places(1)
        for level in (0, 4):
            for number in itertools.count(1, 3):
                attempt = place.run(f"pwrite@{number}+=ENOSPC,fsync@{number}+=ENOSPC,ftruncate@{number}+=ENOSPC",
                                    f"output.compression={level}")
                how = place.check(attempt, ends(RESOURCES) if attempt.fired else SURVIVED, had_old=False)
                if not attempt.fired:
                    break
                self.assertEqual(how, "ended")
            self.assertGreater(number, 10)

    def test_temporary_that_cannot_be_removed_is_removed_by_the_next_run(self):
        (place,) = self.places(1)
        attempt = place.run("pwrite@10=ENOSPC,unlink=EIO")
        self.assert_status(attempt.result, RESOURCES)
        (left,) = self.files(place.output)
        self.assertTrue(left.endswith(".windrow-tmp"), left)
        result = launch.windrow("run", "deck.toml", "--quiet", cwd=place.folder)
        self.assert_status(result, DONE)
        self.assert_one_message(result, f"removed output/{left}")
        self.assertEqual(self.files(place.output), ["out.h5"])

    def test_every_way_to_rename_fails(self):
        """Then the result keeps the temporary's name, and the message says so."""
        (place,) = self.places(1)
        for error, rules in itertools.product(("EIO", "ENOSPC", "EPERM"), (
                "renameat2={0},link={0},rename={0}", "renameat2=ENOSYS,link={0},rename={0}",
                "renameat2=EINVAL,link=EPERM,rename={0}")):
            with self.subTest(error=error, rules=rules):
                attempt = place.run(rules.format(error))
                self.assertEqual(place.check(attempt, ends(IO, RESOURCES), had_old=False), "kept beside")
        # A link instead of a rename leaves two names, if the first cannot be removed.
        attempt = place.run("renameat2=ENOSYS,unlink=EIO")
        self.assertIn(attempt.result.status, (DONE, IO), str(attempt))
        self.assertTrue(any(place.is_whole(path) for path in place.output.iterdir()), str(attempt))

    def test_calls_of_two_ranks(self):
        """Each kind of call on each of two ranks; the other rank must neither go on nor wait."""
        (place,) = self.places(1)
        for rank, (call, error, allowed, step) in itertools.product((0, 1), (
                ("pwrite", "ENOSPC", ends(RESOURCES), 9), ("fsync", "EIO", ends(IO), 1),
                ("open", "EIO", ends(DONE, USAGE, RESOURCES, IO), 5), ("mmap", "ENOMEM", ends(DONE, RESOURCES), 1),
                ("mremap", "EINVAL", SURVIVED, 1), ("madvise", "ENOMEM", ends(DONE, RESOURCES), 2),
                ("read", "EIO", ends(DONE, USAGE, RESOURCES, IO), 5), ("rename", "EIO", ends(IO), 1))):
            with self.subTest(call=call, error=error, rank=rank):
                self.sweep(place, call, error, allowed, "--overwrite", ranks=2, rank=rank, step=step)
        self.figure("samples of the", "of one of 2 ranks")

    def test_calls_of_mpi_itself(self):
        """MPI tells of a failure in its own words, or lives with it; but no half file, no hang, no window left.

        Its pipes to mpirun are left alone: when those fail, Open MPI 4.1 waits for ever, with or without Windrow.
        """
        (place,) = self.places(1)
        runs = 0
        for call, error, step in (("mmap", "ENOMEM", 2), ("open", "EMFILE", 7), ("ftruncate", "ENOSPC", 1)):
            with self.subTest(call=call):
                for number in itertools.count(1, step):
                    attempt = place.run(f"{call}@{number}={error}", "--overwrite", ranks=2, rank=number % 2,
                                        scope="all")
                    if not attempt.fired:
                        break
                    runs += 1
                    place.check(attempt, range(256), had_old=True, mpi_may_talk=True)
        self.assertGreater(runs, 10)
        launch.figure("a system call that fails inside MPI leaves no half file",
                      "samples of MPI's own calls on one of 2 ranks: no memory, no descriptors, no space",
                      f"{runs} runs: 0 half files, 0 hangs, no window left in shared memory")


if __name__ == "__main__":
    launch.main(isolated=True)
