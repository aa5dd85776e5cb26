"""What tests of faults share: runs in folders of their own, which can be filled, taken away and looked at.

Small file systems are mounted in a mount namespace of the test's own, where the machine allows it; the tests that need
them are skipped where it does not.
"""

import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

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
# Computing in little memory: a second or two, for runs that are to be refused before it, and minutes, for those that
# are killed. What is to happen while a run computes and then ends by itself is done while its ranks are stopped.
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


def told(result):
    """What a run has said on standard error. Beside others that end, mpirun's event library can warn of a descriptor
    that mpirun has closed; that is no message of a run."""
    lines = result.err.split("\n")
    return "\n".join(line for line in lines if not line.startswith("[warn] Epoll ")).strip()


def state_of(pid):
    """The letter that /proc has for it: T if it is stopped, Z if it has ended; "" for no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def is_running(pid):
    return state_of(pid) not in ("", "Z")


def go_on(pids):
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def mappings(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


def side_by_side(make_case, tasks, workers):
    """Performs tasks, (method, its arguments), in several cases at once, each of which ends with end(): what fails
    spends most of its time in waiting. Returns the cases, and what went wrong, as texts."""
    tasks = collections.deque(tasks)
    cases = [make_case() for _ in range(workers)]
    failures = []

    def work(case):
        try:
            case.setUp()
            with contextlib.suppress(IndexError):
                while True:
                    method, *arguments = tasks.popleft()
                    try:
                        getattr(case, method)(*arguments)
                    except Exception:
                        failures.append(f"{method} {arguments}\n{traceback.format_exc()}")
            case.end()
        except Exception:
            failures.append(traceback.format_exc())
        finally:
            case.doCleanups()

    threads = [threading.Thread(target=work, args=(case,)) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return cases, failures


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

    def start(self, *arguments, ranks=2, **env):
        process = launch.start(ranks, "run", "deck.toml", *arguments, env={**self.env, **env}, cwd=self.folder)
        self.addCleanup(launch.end, process)
        return process

    def start_and_wait_for_phase(self, value, *arguments, ranks=2):
        """A run that computes `value`; and its ranks. The output is reserved and the window made before that."""
        process = self.start(value, *arguments, ranks=ranks)
        wait_until(lambda: process.poll() is not None or self.temporaries() and self.has_window(process, ranks),
                   "the run is in its phase")
        self.assertIsNone(process.poll(), "the run has ended already")
        return process, launch.children(process.pid) if ranks else [process.pid]

    def start_and_stop_in_phase(self, *arguments, ranks=2, **env):
        """A run whose ranks have come to their first blocks and stay there until go_on(); and its ranks."""
        process = self.start(*arguments, ranks=ranks, WINDROW_FAULT="phase.block:*:stop", **env)
        return process, self.stopped_ranks(process, ranks)

    def stopped_ranks(self, process, ranks):
        """The ranks, once all of them have come to the step at which WINDROW_FAULT stops them."""
        def stopped():
            return [pid for pid in launch.children(process.pid) if state_of(pid) == "T"]

        wait_until(lambda: process.poll() is not None or len(stopped()) == ranks, "the ranks have stopped")
        self.assertIsNone(process.poll(), "the run has ended already")
        return stopped()

    def has_window(self, process, ranks):
        if ranks < 2:
            return True
        pids = launch.children(process.pid)
        is_mapped = len(pids) == ranks and all("/osc_sm." in mappings(pid) for pid in pids)
        # Mapped by all, Open MPI takes its name away: from then on nobody's end can leave it behind.
        return is_mapped and not any(name.startswith("osc_sm.") for name in self.files(self.shared))

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

    def clean_with_doctor(self):
        """What survives a kill -9 of mpirun is Open MPI's own, and the doctor removes it where it can know it dead."""
        left = [*self.shared.iterdir(), *self.folder.glob("ompi.*/pid.*")]
        for path in left:
            os.utime(path, (0, 0))  # nothing that was made just now is taken for a leftover
        self.assert_status(self.windrow("doctor", "--clean", env=self.env), launch.DONE)
        if not launch.sees_all_processes():
            subprocess.run(["rm", "-r", *left], check=bool(left))
        self.assertEqual(self.files(self.shared), [])
        self.assertEqual(list(self.folder.glob("ompi.*/pid.*")), [])

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
