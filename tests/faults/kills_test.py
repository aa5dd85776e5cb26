#!/usr/bin/python3
"""Hundreds of kills, at random moments and at each step: no half file, no hang, nothing left.

    /usr/bin/python3 kills_test.py WINDROW [unittest arguments]

WINDROW_TEST_SEED repeats the moments of an earlier run, whose seed is printed.
"""

import collections
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import time

from fault_case import END_S, FaultCase, launch, side_by_side, state_of, wait_until
from injection_test import OF_RANK_0, OF_SEVERAL_NODES, OF_STREAMS, compression_for, pictures_for, rows_for, steps

RANDOM_KILLS = 200
# Ranks, nodes, and the rank that is killed while it writes rows of other nodes.
MOVES = ((4, 2, 0), (4, 4, 0))
# Ranks, and nodes; 0: without mpirun.
LAYOUTS = ((0, 1), (1, 1), (2, 1), (4, 1), (4, 2))
# Killed runs spend most of their time in waiting for mpirun to notice.
WORKERS = 4
# Open MPI's mpirun can miss the end of a rank that is killed while it starts, of any program: it then waits for ever.
MPIRUN_S = 15
# What a run takes longer beside others.
LONGER = 1.5
VICTIMS = ("first rank", "middle rank", "last rank", "all ranks", "mpirun", "everything")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def session_of(pid):
    """The processes of the session that `pid` leads: mpirun's and the ranks."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


class Arena(FaultCase):
    """A place where runs to one output are killed, one after the other, and looked after."""

    def runTest(self):
        """Nothing: an arena is where tests take place."""

    def setUp(self):
        super().setUp()
        self.counts = collections.Counter()
        self.path = self.output / "out.h5"
        self.report = self.folder / "report.json"
        self.env["WINDROW_GRACE"] = "5"
        self.assert_status(self.run_deck("array.rows=20000", "array.value=-1", ranks=0), launch.DONE)
        self.old = self.path.read_bytes()

    def begin(self, ranks, nodes, replaces, step="", **env):
        self.path.unlink(missing_ok=True)
        if replaces:
            self.path.write_bytes(self.old)
        arguments = [rows_for(step), compression_for(step), *pictures_for(step), "--pretend-nodes", nodes, "--report",
                     self.report]
        process = launch.start(ranks, "run", "deck.toml", *arguments, *(["--overwrite"] if replaces else []),
                               env={**self.env, **env}, cwd=self.folder)
        self.addCleanup(launch.end, process)
        return process

    def pids_of(self, process, ranks, victim):
        """What a signal is for, as far as it has been started."""
        started = sorted(launch.children(process.pid)) if ranks else [process.pid]
        chosen = {"first rank": started[:1], "middle rank": started[len(started) // 2:][:1], "last rank": started[-1:],
                  "all ranks": started, "mpirun": [process.pid], "everything": [process.pid, *started]}
        return chosen[victim]

    def send(self, process, ranks, victim, number):
        """Whether anybody was there to be killed."""
        sent = False
        for pid in self.pids_of(process, ranks, victim):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                sent = True
        return sent

    def look_after(self, process, what, survivors=True):
        """What a killed run has left; without survivors of the signal there is nobody who could remove anything."""
        wait_until(lambda: set(session_of(process.pid)) <= {process.pid}, "all ranks have ended")
        try:
            result = launch.finish(process, MPIRUN_S)
        except subprocess.TimeoutExpired:
            result = None
            self.counts["times mpirun itself hung, with all ranks ended"] += 1
        if not self.path.exists():
            found = "absent"
        elif self.path.read_bytes() == self.old:
            found = "old"
        else:
            self.assert_status(self.windrow("verify", self.path), launch.DONE)
            found = "new"
        self.counts[f"{found} outputs"] += 1
        self.counts["kills"] += 1
        self.counts[what] += 1
        if not survivors:
            self.look_after_windows()
        # Open MPI's own segments survive a kill -9 of mpirun, and its session folder.
        left = [name for name in self.files(self.shared) if not name.startswith("vader_segment.")]
        self.assertEqual(left, [], str(result))
        if self.temporaries():
            self.counts["stale temporaries"] += 1
            self.run_again()
        return result

    def look_after_windows(self):
        """From its making until all ranks have mapped it, less than a millisecond, a window has a name; no rows yet."""
        windows = list(self.shared.glob("osc_sm.*"))
        for window in windows:
            self.assertLess(window.stat().st_blocks * 512, 64 * 1024)
        if windows:
            self.counts["names of windows without memory, which doctor removed"] += len(windows)
            self.clean_with_doctor()

    def run_again(self):
        """The next run succeeds, removes what the dead one has left, and says so."""
        (left,) = self.temporaries()
        result = self.run_deck("array.rows=20000", "--overwrite", ranks=0)
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, f"removed output/{left.name}, which a dead run left")
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def kill_at_random(self, ranks, nodes, victim, number, replaces, moment, life_s):
        """`moment` is a part of a run's life; a run that has ended before is not counted, but tried again, sooner."""
        while True:
            process = self.begin(ranks, nodes, replaces)
            time.sleep(moment * life_s)
            wait_until(lambda: process.poll() is not None or self.pids_of(process, ranks, victim), "there is a victim")
            if process.poll() is None and self.send(process, ranks, victim, number):
                survivors = number != signal.SIGKILL or victim not in ("all ranks", "everything")
                return self.look_after(process, signal.Signals(number).name, survivors)
            launch.finish(process, END_S)
            moment *= 0.8

    def kill_at_step(self, step, ranks, nodes, victim, replaces):
        process = self.begin(ranks, nodes, replaces, step, WINDROW_FAULT=f"{step}:{victim}:kill")
        result = self.look_after(process, "SIGKILL")
        if result is not None:
            self.assert_status(result, 128 + signal.SIGKILL if ranks else -signal.SIGKILL)

    def kill_mpirun_at_step(self, step, number):
        process = self.begin(2, 2 if step in OF_SEVERAL_NODES else 1, True, step, WINDROW_FAULT=f"{step}:0:stop")
        wait_until(lambda: "T" in map(state_of, launch.children(process.pid)), "rank 0 has come to the step")
        self.send(process, 2, "mpirun", number)
        for pid in session_of(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.look_after(process, signal.Signals(number).name)

    def end(self):
        self.clean_with_doctor()
        self.assert_status(self.run_deck("--overwrite", ranks=2), launch.DONE)
        self.assertEqual(self.files(self.output), ["out.h5"])


class Kills(launch.unittest.TestCase):
    def kill_all(self, how, tasks):
        """Performs the tasks, (method of an arena, its arguments), in several arenas at once; tells the figure."""
        arenas, failures = side_by_side(Arena, tasks, WORKERS)
        counts = sum((arena.counts for arena in arenas), collections.Counter())
        self.assertEqual(len(failures), 0, "\n".join(failures))
        kills = counts.pop("kills")
        found = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        launch.figure("a killed run leaves no half file, nothing in shared memory and nobody that waits", how,
                      f"{kills} kills ({found}): 0 half files, 0 hangs, 0 left behind")

    def test_at_random_moments(self):
        seed = int(os.environ.get("WINDROW_TEST_SEED", time.time_ns() % 1_000_000))
        print(f"WINDROW_TEST_SEED={seed}", flush=True)
        choose = random.Random(seed)
        arena = Arena()
        arena.setUp()
        self.addCleanup(arena.doCleanups)
        lives = {}
        for ranks, nodes in LAYOUTS:
            begin = time.monotonic()
            arena.assert_status(launch.finish(arena.begin(ranks, nodes, False)), launch.DONE)
            lives[ranks, nodes] = time.monotonic() - begin
        tasks = []
        for _ in range(RANDOM_KILLS):
            ranks, nodes = choose.choice(LAYOUTS)
            victim = choose.choice(VICTIMS if ranks else ("first rank",))
            tasks.append(("kill_at_random", ranks, nodes, victim, choose.choice(SIGNALS), choose.random() < 0.5,
                          choose.random(), LONGER * lives[ranks, nodes]))
        self.kill_all("one rank, all ranks, mpirun and all at once, at random moments; 1, 2, 4 ranks, with and without"
                      " mpirun", tasks)

    def test_at_each_step(self):
        tasks = []
        for number, step in enumerate(steps()):
            several = step in OF_SEVERAL_NODES
            for ranks, nodes, victim in MOVES if several else ((0, 1, 0), (2, 1, 0), (2, 1, 1), (4, 2, 2)):
                if step not in OF_STREAMS and (step not in OF_RANK_0 or victim == 0):
                    tasks.append(("kill_at_step", step, ranks, nodes, victim, number % 2 == 0))
        self.kill_all("kill -9 of a rank at each step of a run; 1, 2, 4 ranks", tasks)

    def test_mpirun_at_each_step_of_the_write(self):
        self.kill_all("mpirun killed or told to end at each step of the write; 2 ranks",
                      [("kill_mpirun_at_step", step, number) for step in steps() if step.startswith("write.")
                       for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)])


if __name__ == "__main__":
    launch.main(isolated=True)
