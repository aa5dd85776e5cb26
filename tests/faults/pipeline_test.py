#!/usr/bin/python3
"""Ranks of a pipeline that fail, are killed or never answer: the run ends, and says at which stage and sample.

    /usr/bin/python3 pipeline_test.py WINDROW [unittest arguments]

WINDROW_TEST_SEED repeats the moments of an earlier run, whose seed is printed.
"""

import itertools
import os
import random
import signal
import time

import h5py
import numpy as np

from fault_case import END_S, FaultCase, launch, side_by_side, told

INTERNAL = 6
DECK = """\
job = "pipeline"
[samples]
count = 200
rows = 100
cols = 100
value = "uniform()"
[pipeline]
stages = ["x*x", "x*3", "x + 1"]
split = "stages"
help = false
[output]
file = "output/out.h5"
durable = false
"""
STAGES = {0: "stage 1 (x*x)", 1: "stage 2 (x*3)", 2: "stage 3 (x + 1)"}
TRANSPORTS = ("slots", "messages")
KILLS = 60
WORKERS = 4


class Victim(FaultCase):
    """Runs that are made to fail, one after the other."""

    def runTest(self):
        """Nothing: a victim is where tests take place."""

    def setUp(self):
        super().setUp()
        self.write_deck(DECK)
        self.env["WINDROW_GRACE"] = "3"

    def run_with_fault(self, fault, *arguments, ranks=3):
        return self.windrow("run", "deck.toml", *arguments, ranks=ranks, env={**self.env, "WINDROW_FAULT": fault})

    def fail_at_sample_37(self, rank, transport, result):
        fault = self.run_with_fault(f"phase.sample@38:{rank}:throw", f"pipeline.transport={transport}",
                                    f"pipeline.result={result}")
        self.assert_status(fault, INTERNAL)
        self.assertEqual(told(fault), f"windrow: {STAGES[rank]} failed at sample 37: "
                                      "a fault was asked for at phase.sample", str(fault))
        self.assert_nothing_left()

    def never_answer(self, rank, transport):
        process = self.start("pipeline.patience=1", f"pipeline.transport={transport}", ranks=3,
                             WINDROW_FAULT=f"phase.sample@38:{rank}:hang")
        result = launch.finish(process, END_S)
        self.assert_status(result, INTERNAL)
        self.assertRegex(told(result), r"windrow: stage \d \(.*\) has waited 1 s for stage \d \(.*\) to (hand on a sample, "
                                       r"after sample \d+|take sample \d+( or one before)?): it hangs, ", str(result))
        self.assertIn("a larger pipeline.patience", result.err)
        self.assert_nothing_left()

    def kill(self, rank, ranks, transport, delay_s):
        process, pids = self.start_and_wait_for_phase("samples.count=100000", f"pipeline.transport={transport}",
                                                      ranks=ranks)
        time.sleep(delay_s)
        os.kill(sorted(pids)[rank], signal.SIGKILL)
        result = launch.finish(process, END_S)
        self.assert_status(result, 128 + signal.SIGKILL)
        self.assert_nothing_left()

    def end(self):
        self.assert_status(self.run_deck(ranks=3), launch.DONE)


class PipelineFaults(FaultCase):
    def do_all(self, tasks):
        _, failures = side_by_side(Victim, tasks, WORKERS)
        self.assertEqual(len(failures), 0, "\n".join(failures))

    def test_a_stage_fails_at_sample_37(self):
        self.do_all([("fail_at_sample_37", *case) for case in itertools.product((0, 1, 2), TRANSPORTS, ("sum", "array"))])

    def test_a_partner_that_never_answers(self):
        self.do_all([("never_answer", *case) for case in itertools.product((0, 1, 2), TRANSPORTS)])

    def test_ranks_are_killed_at_random_moments(self):
        seed = int(os.environ.get("WINDROW_TEST_SEED", time.time_ns() % 1_000_000))
        print(f"WINDROW_TEST_SEED={seed}", flush=True)
        generator = random.Random(seed)
        tasks = []
        for _ in range(KILLS):
            ranks = generator.choice((2, 3, 5))
            tasks.append(("kill", generator.randrange(ranks), ranks, generator.choice(TRANSPORTS),
                          generator.random()*0.2))
        self.do_all(tasks)
        launch.figure("a killed rank of a pipeline ends the run, whichever stage it does",
                      "random moments; 2, 3, 5 ranks, slots and messages", f"{KILLS} kills: 0 hangs, 0 left behind")

    def test_a_damaged_sample_is_named(self):
        samples = np.random.default_rng(1).random((50, 20, 30))
        with h5py.File(self.folder / "in.h5", "w") as file:
            packed = file.create_dataset("samples", data=samples, chunks=(1, 20, 30), compression=1, fletcher32=True)
            place = packed.id.get_chunk_info_by_coord((37, 0, 0))
        with open(self.folder / "in.h5", "r+b") as file:
            file.seek(place.byte_offset + place.size // 2)
            file.write(b"\xff" * 8)
        self.write_deck("job='pipeline'\nsamples={file='in.h5'}\n" + DECK[DECK.index("[pipeline]"):])
        for ranks in (0, 3):
            result = self.run_deck(ranks=ranks)
            self.assert_status(result, launch.IO)
            self.assertTrue(told(result).startswith("windrow: sample 37: cannot read in.h5"), str(result))
            self.assert_nothing_left()

    def test_a_million_hand_overs(self):
        """Whose checksum is exact: the samples are whole numbers."""
        for transport, count in (("slots", 500_000), ("messages", 20_000)):
            result = self.windrow("run", "deck.toml", f"samples.count={count}", "samples.rows=3", "samples.cols=5",
                                  "samples.value=k + i*cols + j", "pipeline.stages=[\"x + 1\", \"2*x\", \"x - 1\"]",
                                  "pipeline.chunk=100", f"pipeline.transport={transport}", "--quiet", "--overwrite",
                                  ranks=4, env=self.env, limit_s=200)
            self.assert_status(result, launch.DONE)
            with h5py.File(self.output / "out.h5", "r") as file:
                k = np.arange(count)
                np.testing.assert_array_equal(file["sum"][()], 2*(15*k + 14*15/2 + 15) - 15)
        launch.figure("a million hand-overs through a ring of slots lose and change nothing",
                      "4 ranks on this machine's processors, three stages, every sample's sum compared with its closed form",
                      "1,000,000 hand-overs: 0 lost, 0 changed")

    def setUp(self):
        super().setUp()
        self.write_deck(DECK)


if __name__ == "__main__":
    launch.main(isolated=True)
