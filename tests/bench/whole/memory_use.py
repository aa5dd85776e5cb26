"""The memory of an mpirun's ranks while they run: blocks of shared memory, and what each process has beside them."""

import contextlib
import os
import pathlib
import re
import subprocess
import time

SHARED_MEMORY = "/dev/shm"
INTERVAL_S = 0.004


def shared_bytes(folder=SHARED_MEMORY):
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def children(process):
    with contextlib.suppress(OSError):
        return [int(word) for word in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def own_bytes(process):
    """Proportional set size without shared memory, of which the blocks are counted."""
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        return sum(int(kib) * 1024 for kib in re.findall(r"^Pss_(?:Anon|File): +(\d+) kB", text, re.MULTILINE))
    return 0


def bytes_of_ranks(mpirun):
    """What the ranks that `mpirun`, a process number, has started have of their own."""
    return sum(map(own_bytes, children(mpirun)))


def peak_of(command, environment):
    """Runs a command of mpirun; the most bytes that its ranks had at a time."""
    before = shared_bytes()
    peak = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            peak = max(peak, shared_bytes() - before + bytes_of_ranks(running.pid))
            time.sleep(INTERVAL_S)
    if running.returncode != 0:
        raise subprocess.CalledProcessError(running.returncode, command)
    return peak
