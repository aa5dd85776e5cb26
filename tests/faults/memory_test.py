#!/usr/bin/python3
"""A run holds its array once: no rank has a copy of it, neither while it is filled nor while it is written.

    /usr/bin/python3 memory_test.py WINDROW [unittest arguments]
"""

import os
import pathlib
import re
import shutil
import sys
import time

from fault_case import FaultCase, go_on, launch, state_of

sys.path.insert(0, str(launch.REPOSITORY / "tests/bench/whole"))

import memory_use

ROWS, COLS = 6_000_000, 10
ARRAY_BYTES = ROWS * COLS * 8
# MPI, libraries, their buffers; a copy of a rank's rows would be 120 MB at least.
BYTES_A_RANK = 64e6
FREE_BYTES = 2 * ARRAY_BYTES

above_the_array = {}


def available_bytes():
    match = re.search(r"MemAvailable: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    return int(match[1]) * 1024


class Memory(FaultCase):
    def need_room(self):
        if not launch.is_isolated():
            self.skipTest("needs a /dev/shm of its own (unshare --mount), which this machine does not allow")
        status = os.statvfs("/dev/shm")
        shared_free = status.f_bavail * status.f_frsize
        disk_free = shutil.disk_usage(self.folder).free
        if min(shared_free, disk_free, available_bytes() - FREE_BYTES) < FREE_BYTES:
            self.skipTest("needs 1 GB of shared memory and of disk, and 2 GB of memory")

    def check(self, ranks):
        self.need_room()
        before = memory_use.shared_bytes()
        # Filling and writing are one and quick: all ranks stop when they have written the last rows, to be looked at.
        process = self.start(f"array.rows={ROWS}", "--quiet", ranks=ranks, WINDROW_FAULT="write.checksums:*:stop")
        peak, peak_when_written, samples = 0, 0, 0
        while process.poll() is None:
            stopped = [pid for pid in launch.children(process.pid) if state_of(pid) == "T"]
            now = memory_use.shared_bytes() - before + memory_use.bytes_of_ranks(process.pid)
            peak = max(peak, now)
            samples += 1
            if len(stopped) == ranks:
                peak_when_written = max(peak_when_written, now)
                go_on(stopped)
            time.sleep(memory_use.INTERVAL_S)
        self.assert_status(launch.finish(process), launch.DONE)
        self.assertGreaterEqual(samples, 3, "nobody looked while the file was written")
        self.assertGreaterEqual(peak_when_written, ARRAY_BYTES, "the array itself was not seen")
        self.assertLess(peak, ARRAY_BYTES + BYTES_A_RANK * ranks)
        above_the_array[ranks] = peak - ARRAY_BYTES

    def test_of_one_rank(self):
        self.check(1)

    def test_of_two_ranks(self):
        self.check(2)

    def test_of_four_ranks(self):
        self.check(4)


def tell():
    if above_the_array:
        told = ", ".join(f"{bytes_ / 1e6:.0f} MB" for _, bytes_ in sorted(above_the_array.items()))
        ranks = ", ".join(map(str, sorted(above_the_array)))
        tried = f"all memory of the ranks, sampled while 480 MB are filled and written; {ranks} ranks"
        launch.figure("the array is in memory once", tried, f"at most the array and {told}")


if __name__ == "__main__":
    launch.main(afterwards=tell, isolated=True)
