#!/usr/bin/python3
"""Every rank failing at every step: one message, the right status on every rank, nobody waits, nothing left.

    /usr/bin/python3 injection_test.py WINDROW [unittest arguments]
"""

import json
import os
import signal

import interposed
from fault_case import END_S, FaultCase, launch, side_by_side, state_of, told, wait_until

INTERNAL = 6
BLOCK_ROWS = 97
# After the last of these the output has its name: it is whole, whatever comes.
WRITTEN = ("write.renamed", "draw.gather", "draw.write", "end.preview", "end.report")
# What rank 0 does alone.
OF_RANK_0 = ("start.created", "write.store", "write.seal", "write.sync", "write.rename", "write.renamed",
             "draw.write")
# What the leader of node 0 does for others.
OF_SEVERAL_NODES = ("write.move", "write.moved")
# What such runs do not do: see stream_test.py, pipeline_test.py and pool_test.py.
OF_STREAMS = ("phase.lent", "phase.sample", "publish", "stream.read", "stream.write")
# The rank that fails, on so many ranks and nodes (0: without mpirun), and how.
CASES = (
    (0, 1, "0", "bad_alloc"),
    (2, 1, "1", "throw"),
    (4, 2, "0", "throw"),
    (4, 2, "3", "bad_alloc"),
    (4, 2, "*", "throw"),
)


def rows_for(step):
    """Few, but where each of four ranks is to write: who fills the last bytes of a mebibyte does."""
    return f"array.rows={120_000 if step == 'write.rows' else 20_000}"


def compression_for(step):
    """Chunks are stored of compressed files alone."""
    return f"output.compression={1 if step == 'write.store' else 0}"


def steps():
    """The names of all steps, as the answer to a wrong one tells them."""
    answer = launch.windrow("run", "deck.toml", env={"WINDROW_FAULT": "no:0:such"}).err
    (line,) = [line for line in answer.split("\n") if line.startswith("  steps: ")]
    return line.split()[1:]


def first_block(ranks, rank):
    """The block that a rank fills first, as a message names it: the first in its row block."""
    begin, end = (20_000 * number // max(ranks, 1) for number in (rank, rank + 1))
    block = begin // BLOCK_ROWS
    return f"block {block} (rows {begin} to {min((block + 1) * BLOCK_ROWS, end) - 1})"


def pictures_for(step):
    """Only who asks for pictures draws."""
    return ["output.picture=output/out.png", "output.timeline=output/time.png"] if step.startswith("draw.") else []


# Runs that fail spend most of their time in waiting for mpirun to end.
WORKERS = 3


class Victim(FaultCase):
    """Runs to one output that are made to fail, one after the other."""

    def runTest(self):
        """Nothing: a victim is where tests take place."""

    def setUp(self):
        super().setUp()
        # A run in which somebody waits for another's grace does not end before its test fails.
        self.env["WINDROW_GRACE"] = "1000"

    def run_with_fault(self, step, ranks, nodes, rank, action, *arguments, wrapper=()):
        (self.output / "out.h5").unlink(missing_ok=True)
        command = launch.command_line(ranks, "run", "deck.toml", rows_for(step), compression_for(step),
                                      "--pretend-nodes", nodes, "--report", "report.json", f"populate.block_rows={BLOCK_ROWS}",
                                      *pictures_for(step), *arguments)
        at = command.index(launch.Program.path)
        command[at:at] = wrapper
        return launch.run(command, env={**self.env, "WINDROW_FAULT": f"{step}:{rank}:{action}"}, cwd=self.folder)

    def statuses_with_fault(self, *fault_and_arguments):
        """A run, and the status that each rank ended with; mpirun hears of none, since it would kill the others."""
        note = self.folder / "statuses"
        note.unlink(missing_ok=True)
        result = self.run_with_fault(*fault_and_arguments, wrapper=["sh", "-c", f"\"$@\"; echo $? >> '{note}'", "sh"])
        return result, [int(status) for status in note.read_text().split()]

    def assert_told(self, step, ranks, nodes, rank, action, *arguments):
        status = launch.RESOURCES if action == "bad_alloc" else INTERNAL
        asked = f"a fault was asked for at {step.split('@')[0]}"
        message = "the memory of a process ran out" if action == "bad_alloc" else asked
        messages = [message]
        if step == "phase.block" and action == "throw":
            failing = range(ranks) if rank == "*" else [int(rank)]
            messages = [f"{first_block(ranks, number)}: {message}" for number in failing]
        if rank == "*" or action == "bad_alloc":
            result, statuses = self.statuses_with_fault(step, ranks, nodes, rank, action, *arguments)
            self.assertEqual(statuses, [status] * max(ranks, 1), str(result))
        else:
            result = self.run_with_fault(step, ranks, nodes, rank, action, *arguments)
            self.assert_status(result, status)
        self.assertIn(told(result), [f"windrow: {message}" for message in messages], str(result))
        # The report is there from that step on, and told of everything but its own failure.
        if step not in ("start.load", "start.inputs", "start.plan", "start.report", "end.report"):
            report = json.loads((self.folder / "report.json").read_text())
            self.assertEqual((report["exit_status"], f"windrow: {report['error']}"), (status, told(result)))
        if step in WRITTEN:
            self.assert_whole()
            (self.output / "out.h5").unlink()
        self.assert_nothing_left()

    def end(self):
        self.assert_status(self.run_deck(), launch.DONE)


class Injection(Victim):
    def fail_all(self, tasks):
        _, failures = side_by_side(Victim, tasks, WORKERS)
        self.assertEqual(len(failures), 0, "\n".join(failures))
        return len(tasks)

    def test_every_rank_at_every_step(self):
        met = [step for step in steps() if step not in OF_STREAMS]
        tried = self.fail_all([("assert_told", step, *case) for step in met for case in CASES
                               if (step not in OF_RANK_0 or case[2] in ("0", "*"))
                               and (step not in OF_SEVERAL_NODES or case[1] > 1 and case[2] in ("0", "*"))])
        launch.figure("a rank that fails at any step ends the run at once, with one message and one status",
                      f"every rank made to throw at each of {len(met)} steps; 1, 2, 4 ranks, 1 and 2 nodes",
                      f"{tried} failures; {tried} told once, with the right status and report, no waits, nothing left")

    def test_steps_of_a_compressed_file(self):
        # Every rank gets a chunk, and some are stored while others are compressed.
        deck = ("array.rows=1e6", "array.value=normal()", "output.compression=1")
        self.fail_all([("assert_told", step, *case, *deck)
                       for step in ("write.rows", "write.store", "write.checksums", "write.provenance")
                       for case in CASES if step not in OF_RANK_0 or case[2] in ("0", "*")])

    def test_steps_of_rows_that_one_node_writes(self):
        # Some megabytes of others come while others are written.
        deck = ("array.rows=400000", "output.writers=1")
        tasks = [("assert_told", step, 4, nodes, rank, action, *deck)
                 for nodes in (2, 4) for action in ("throw", "bad_alloc")
                 for step, rank in (("write.move", "0"), ("write.move@2", "0"), ("write.move@3", "2"),
                                    ("write.moved", "0"), ("write.moved@2", "0"), ("write.collect", "2"))]
        self.fail_all(tasks)

    def test_an_unknown_step_is_refused(self):
        result = self.windrow("run", "deck.toml", env={**self.env, "WINDROW_FAULT": "write.nothing:0:throw"}, ranks=2)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "WINDROW_FAULT=write.nothing:0:throw: it must be", "write.rows")

    def test_a_rank_that_hangs_is_not_waited_for(self):
        """A rank is stopped and others fail: the run ends after the grace, as it would have ended with it; one tells."""
        for nodes, hangs, fails, step, *arguments in (
                (1, 1, (2,), "phase.before"), (1, 0, (2,), "phase.before"), (2, 1, (2,), "phase.before"),
                (2, 2, (3,), "phase.block"), (1, 2, (1,), "allocate.before"), (1, 3, (0,), "start.plan"),
                # Those that fail know nothing of each other: they have no window yet, or are on several nodes.
                (1, 2, (0, 1, 3), "allocate.before"), (1, 0, (1, 2, 3), "start.plan"),
                (2, 0, (1, 2, 3), "phase.before"), (4, 0, (1, 2, 3), "phase.before"), (4, 3, (0, 1, 2), "phase.block"),
                (4, 1, (0, 2, 3), "write.checksums"),
                # The bytes of this number are those that a sealed file ends with.
                (1, 0, (1,), "write.exchange", "array.value=3.0484212019242477e-258")):
            with self.subTest(nodes=nodes, hangs=hangs, fails=fails, step=step):
                faults = [f"{step}:{hangs}:stop", *(f"{step}:{rank}:throw" for rank in fails)]
                process = launch.start(4, "run", "deck.toml", *arguments, "--report", "report.json",
                                       "--pretend-nodes", nodes,
                                       env={**self.env, "WINDROW_GRACE": "2", "WINDROW_FAULT": ",".join(faults)},
                                       cwd=self.folder)
                self.addCleanup(launch.end, process)
                result = launch.finish(process, END_S)
                self.assert_status(result, INTERNAL)
                # Rank 0, if it is not the one, does not take the launcher's signal for one from outside.
                # What fails in a block names it: any of those that fail tells.
                says = rf"(block \d+ \(rows \d+ to \d+\): )?a fault was asked for at {step}\Z"
                self.assertRegex(told(result), rf"\Awindrow: {says}", str(result))
                if step != "start.plan":
                    report = json.loads((self.folder / "report.json").read_text())
                    self.assertEqual(report["exit_status"], INTERNAL)
                    self.assertRegex(report["error"], rf"\A{says}")
                self.assertFalse((self.output / "out.h5").exists())
                self.assert_status(self.run_deck(), launch.DONE)
                self.assertEqual(self.files(self.output), ["out.h5"])
                (self.output / "out.h5").unlink()
                self.assert_nothing_left()

    def test_an_error_between_two_steps(self):
        """MPI itself fails on one rank when the window is there: nothing but an abort reaches the others."""
        for rank in (0, 1):
            with self.subTest(rank=rank):
                command = interposed.command_line(2, "allreduce@6=EIO", "run", "deck.toml", "--report", "report.json",
                                                  rank=rank)
                result = launch.run(command, env=self.env, cwd=self.folder)
                self.assert_status(result, INTERNAL)
                self.assert_one_message(result, "windrow: ", "MPI_Allreduce")
                report = json.loads((self.folder / "report.json").read_text())
                self.assertEqual(report["exit_status"], INTERNAL)
                self.assertIn("MPI_Allreduce", report["error"])
                self.assert_nothing_left()

    def test_a_rank_that_stops_for_a_while_only_delays_the_run(self):
        for step in ("start.load", "phase.block", "write.rows", "write.rename"):
            with self.subTest(step=step):
                env = {**self.env, "WINDROW_GRACE": "1", "WINDROW_FAULT": f"{step}:0:stop"}
                process = launch.start(3, "run", "deck.toml", "--overwrite", env=env, cwd=self.folder)
                self.addCleanup(launch.end, process)
                wait_until(lambda: "T" in map(state_of, launch.children(process.pid)), "the rank has stopped")
                (stopped,) = [pid for pid in launch.children(process.pid) if state_of(pid) == "T"]
                os.kill(stopped, signal.SIGCONT)
                self.assert_status(launch.finish(process, END_S), launch.DONE)
                self.assert_whole()


if __name__ == "__main__":
    launch.main(isolated=True)
