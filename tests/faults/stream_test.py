#!/usr/bin/python3
"""Arrays that pass through memory while ranks fail, are killed, or lose their input or their disk in mid-stream.

    /usr/bin/python3 stream_test.py WINDROW [unittest arguments]
"""

import itertools
import os
import signal
import time

import h5py
import numpy as np

from fault_case import FaultCase, go_on, launch, side_by_side, state_of, told, wait_until

INTERNAL = 6
ROWS, COLS = 8000, 1000  # 64 MB: eight panels
DECK = """\
job = "evaluate"
[arrays.u]
file = "in.npy"
[evaluate]
statements = ["v = 2*u", "total = sum(v)", "w = v - total"]
[output]
file = "output/out.h5"
durable = false
[memory]
stream = "always"
"""
# Ranks, nodes, and who reads and writes.
LAYOUTS = ((1, 1, (0,)), (2, 1, (0,)), (4, 2, (0, 2)))


# Runs that fail spend most of their time in waiting for mpirun to end.
WORKERS = 3


class Victim(FaultCase):
    """Runs that are made to fail, one after the other."""

    def runTest(self):
        """Nothing: a victim is where tests take place."""

    def setUp(self):
        super().setUp()
        self.write_deck(DECK)
        self.input = self.folder / "in.npy"
        np.save(self.input, np.arange(ROWS*COLS, dtype=float).reshape(ROWS, COLS))
        self.env["WINDROW_GRACE"] = "20"

    def run_with_fault(self, fault, ranks, nodes):
        return self.windrow("run", "deck.toml", "--pretend-nodes", nodes, ranks=ranks,
                            env={**self.env, "WINDROW_FAULT": fault})

    def throw_at(self, step, rank, ranks, nodes):
        result = self.run_with_fault(f"{step}:{rank}:throw", ranks, nodes)
        self.assert_status(result, INTERNAL)
        self.assertEqual(told(result), f"windrow: a fault was asked for at {step}", str(result))
        self.assert_nothing_left()

    def kill_at(self, step, rank, ranks, nodes):
        result = self.run_with_fault(f"{step}:{rank}:kill", ranks, nodes)
        self.assert_status(result, 128 + signal.SIGKILL)
        self.assertFalse((self.output / "out.h5").exists())
        self.assertEqual([name for name in self.files(self.shared) if not name.startswith("vader_segment.")], [])
        for temporary in self.temporaries():
            temporary.unlink()

    def end(self):
        self.assert_status(self.run_deck(), launch.DONE)


class Streams(Victim):
    def perform_all(self, method, also=()):
        tasks = [(method, step, rank, ranks, nodes) for ranks, nodes, leaders in LAYOUTS
                 for step in ("publish", "stream.read", "stream.write")
                 for rank in (*(range(ranks) if step == "publish" else leaders), *also)]
        _, failures = side_by_side(Victim, tasks, WORKERS)
        self.assertEqual(len(failures), 0, "\n".join(failures))
        return len(tasks)

    def test_the_input_is_replaced_or_changed_between_two_passes(self):
        """No result is made of two inputs. Contiguous data are read on by whoever has the file open."""
        old = np.arange(20000.0).reshape(2000, 10)
        files = {"in.h5": old, "other.h5": -old}
        self.write_deck("""job = "evaluate"
arrays.u.file = "in.h5"
evaluate.statements = ["m = mean(u)", "v = u - m"]
output = {file = "output/out.h5", overwrite = true}
memory.stream = "always"
""")
        for chunks, is_replaced in itertools.product((None, (100, 10)), (True, False)):
            with self.subTest(chunks=chunks, is_replaced=is_replaced):
                for name, values in files.items():
                    with h5py.File(self.folder / name, "w") as file:
                        file.create_dataset("u", data=values, chunks=chunks)
                run = self.start(WINDROW_FAULT="phase.after:*:stop")
                ranks = self.stopped_ranks(run, 2)
                if is_replaced:
                    os.rename(self.folder / "other.h5", self.folder / "in.h5")
                else:
                    with h5py.File(self.folder / "in.h5", "r+") as file:
                        file["u"][500:600] = 7
                while run.poll() is None:  # they stop after each phase
                    go_on([pid for pid in ranks if state_of(pid) == "T"])
                    time.sleep(0.02)
                result = launch.finish(run)
                if is_replaced and chunks is None:
                    self.assert_status(result, launch.DONE)
                    with h5py.File(self.output / "out.h5") as file:
                        np.testing.assert_array_equal(file["v"], old - old.mean())
                else:
                    self.assert_status(result, launch.IO)
                    self.assert_one_message(result, "windrow: ", "somebody has removed or replaced in.h5" if is_replaced
                                            else "in.h5 has changed while it was read")

    def test_a_rank_fails_at_each_step(self):
        tried = self.perform_all("throw_at", also="*")
        launch.figure("a rank that fails at any step ends the run at once, with one message and one status",
                      "arrays that pass through memory: a rank, or all, made to throw while panels are read, written "
                      "and handed over; 1, 2, 4 ranks, 1 and 2 nodes",
                      f"{tried} failures; {tried} told once, with the right status, no waits, nothing left")

    def test_a_rank_is_killed_at_each_step(self):
        kills = self.perform_all("kill_at")
        launch.figure("a killed run leaves no half file, nothing in shared memory and nobody that waits",
                      "kill -9 of a rank while panels are read, written and handed over; 1, 2, 4 ranks",
                      f"{kills} kills: 0 half files, 0 hangs, 0 left behind")

    def test_the_input_is_cut_while_it_is_read(self):
        process = self.start(WINDROW_FAULT="publish:0:stop")
        wait_until(lambda: process.poll() is not None or "T" in map(state_of, launch.children(process.pid)),
                   "rank 0 has stopped")
        os.truncate(self.input, ROWS*COLS*4)
        for pid in launch.children(process.pid):
            os.kill(pid, signal.SIGCONT)
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "in.npy")
        self.assert_nothing_left()

    def test_a_neighbour_fills_the_disk(self):
        disk = self.mounted("disk", "size=100m")  # reserves no room that another could not take
        filler = disk / "filler"
        process = self.start(f"output.file={disk}/out.h5", 'output.arrays=["v"]', WINDROW_FAULT="stream.write:0:stop")
        wait_until(lambda: process.poll() is not None or "T" in map(state_of, launch.children(process.pid)),
                   "rank 0 has stopped")
        (temporary,) = [path for path in disk.iterdir() if path.name.endswith(".windrow-tmp")]
        os.truncate(temporary, 0)  # the room that was reserved
        with open(filler, "wb") as file, self.assertRaises(OSError):
            while True:
                os.write(file.fileno(), bytes(1 << 20))
        for pid in launch.children(process.pid):
            os.kill(pid, signal.SIGCONT)
        result = launch.finish(process)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "out.h5: No space left on device")
        self.assertEqual([path.name for path in disk.iterdir()], ["filler"])
        self.assert_nothing_left()


if __name__ == "__main__":
    launch.main(isolated=True)
