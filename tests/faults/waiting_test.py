#!/usr/bin/python3
"""A rank that waits for another costs nearly nothing, wherever the other one is stopped; many ranks get on.

    /usr/bin/python3 waiting_test.py WINDROW [unittest arguments]

What is asserted is processor time, by the kernel's account of each rank, not the time that a run takes.
"""

import contextlib
import os
import pathlib
import re
import signal
import time

from fault_case import FaultCase, launch, state_of, wait_until

STEPS = re.search(r"kFaultPoints\{(.*?)\}", (launch.REPOSITORY / "src/mpi/fault_point.hpp").read_text(),
                  re.DOTALL).group(1)
STEPS = re.findall(r'"([a-z.]+)"', STEPS)
NEIGHBOURS = ("phase.block", "phase.after", "write.checksums")
SHARE = 0.05
# Until those that are to wait do so, and how long they are looked at.
SETTLE_S = 1.0
LOOK_S = 1.0
AT_ONCE = 5


def processor_seconds(pid):
    """What all threads of a process have used so far."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) * 1e-9


class Waiting(FaultCase):
    def start_stopped(self, step, stopped, ranks, *arguments):
        """A run of which one rank stops at a step; none if it has ended without coming there."""
        # Runs that start and end at once would take Open MPI's session folder from under each other.
        own = self.folder / f"tmp.{step}.{stopped}"
        own.mkdir(exist_ok=True)
        env = {**self.env, "TMPDIR": own, "WINDROW_FAULT": f"{step}:{stopped}:stop"}
        process = launch.start(ranks, "run", "deck.toml", f"output.file=output/{step}.{stopped}.h5", *arguments,
                               env=env, cwd=self.folder)
        self.addCleanup(launch.end, process)
        return process

    def stopped_child(self, process):
        pids = launch.children(process.pid)
        return next((pid for pid in pids if state_of(pid) == "T"), None)

    def shares(self, steps, stopped, ranks, *arguments):
        """The largest share of a processor that a rank used while another was stopped at each step."""
        runs = {step: self.start_stopped(step, stopped, ranks, *arguments) for step in steps}
        for process in runs.values():
            wait_until(lambda: process.poll() is not None or self.stopped_child(process), "a rank has stopped")
        victims = {step: self.stopped_child(process) for step, process in runs.items()}
        time.sleep(SETTLE_S)
        begin = time.monotonic()
        used = {pid: -processor_seconds(pid) for step, process in runs.items() if victims[step]
                for pid in launch.children(process.pid) if pid != victims[step]}
        time.sleep(LOOK_S)
        elapsed_s = time.monotonic() - begin
        for pid in used:
            used[pid] += processor_seconds(pid)
        found = {step: max(used[pid] / elapsed_s for pid in launch.children(process.pid) if pid != victims[step])
                 for step, process in runs.items() if victims[step]}
        for step, process in runs.items():
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(victims[step], signal.SIGCONT)
            self.assert_status(launch.finish(process), launch.DONE)
        return found

    def expect_cheap(self, steps, stopped, ranks, *arguments):
        found = {}
        for begin in range(0, len(steps), AT_ONCE):
            found |= self.shares(steps[begin:begin + AT_ONCE], stopped, ranks, *arguments)
        dear = {step: f"{share:.0%}" for step, share in found.items() if share >= SHARE}
        self.assertEqual(dear, {}, f"ranks that wait use more than {SHARE:.0%} of a processor; all: {found}")
        return found

    def test_waiting_for_rank_0_wherever_it_is(self):
        found = self.expect_cheap(STEPS, 0, 3)
        self.assertGreater(len(found), len(STEPS) // 2, found)
        launch.figure("waiting costs little",
                      f"rank 0 of 3 stopped for seconds at each of {len(found)} steps, from the deck to the report",
                      f"a waiting rank uses {max(found.values()):.1%} of a processor at most")

    def test_waiting_for_a_neighbour_and_for_another_node(self):
        found = self.expect_cheap(NEIGHBOURS, 1, 2)
        nodes = self.expect_cheap(NEIGHBOURS, 3, 4, "--pretend-nodes", "2")
        self.assertTrue(found and nodes, (found, nodes))
        launch.figure("waiting costs little",
                      "a neighbour stopped while it fills or checks its rows; the same on another node (pretended)",
                      f"{max(found.values()):.1%} at most; {max(nodes.values()):.1%} at most")

    def test_sixteen_ranks_get_on(self):
        result = self.run_deck("--quiet", ranks=16)
        self.assert_status(result, launch.DONE)
        self.assert_whole()
        launch.figure("more ranks than processors get on",
                      f"16 ranks on {os.cpu_count()} processors fill and write 8 MB",
                      f"whole, {result.seconds:.1f} s with the start of 16 processes")


if __name__ == "__main__":
    launch.main()
