#!/usr/bin/python3 -B
"""The job of input/populate.toml with value "i*cols + j" and checksums, as one writes it with multiprocessing and h5py:
the array lies in shared memory, a pool of processes fills it, and h5py writes it. Prints two numbers: the seconds from
the end of the imports to the file's end, and how many of them the start of the pool took.

    pool.py FILE ROWS COLS PROCESSES [fsync]
"""

import multiprocessing
import multiprocessing.shared_memory
import os
import sys
import time

import h5py
import numpy as np

try:
    import xxhash

    checksum = xxhash.xxh3_64_intdigest
except ImportError:
    import zlib

    checksum = zlib.crc32

GROUP_BYTES = 1 << 20
ROWS_AT_ONCE = 32  # these stay in cache while they are filled


def attach(name, shape):
    """In every process of the pool: the shared array as numpy sees it."""
    global memory, array
    memory = multiprocessing.shared_memory.SharedMemory(name)
    array = np.ndarray(shape, dtype=np.float64, buffer=memory.buf)


def fill(rows):
    """Fills a range of rows, and returns the checksums of its groups of bytes."""
    cols = array.shape[1]
    columns = np.arange(cols, dtype=np.float64)
    for begin in range(rows.start, rows.stop, ROWS_AT_ONCE):
        end = min(begin + ROWS_AT_ONCE, rows.stop)
        np.add(np.arange(begin, end, dtype=np.float64)[:, None] * cols, columns, out=array[begin:end])
    data = memoryview(array[rows.start : rows.stop]).cast("B")
    return [checksum(data[at : at + GROUP_BYTES]) for at in range(0, len(data), GROUP_BYTES)]


def main():
    begin = time.perf_counter()
    path, rows, cols, processes = sys.argv[1], *map(int, sys.argv[2:5])
    shared = multiprocessing.shared_memory.SharedMemory(create=True, size=rows * cols * 8)
    before_pool = time.perf_counter()
    with multiprocessing.Pool(processes, attach, (shared.name, (rows, cols))) as pool:
        pool.map(abs, range(processes), chunksize=1)
        pool_s = time.perf_counter() - before_pool
        parts = [range(rows * p // processes, rows * (p + 1) // processes) for p in range(processes)]
        sums = [group for part in pool.map(fill, parts, chunksize=1) for group in part]
        whole = np.ndarray((rows, cols), dtype=np.float64, buffer=shared.buf)
        with h5py.File(path, "w") as file:
            file.create_dataset("array", data=whole)
            file.create_dataset("checksums", data=np.array(sums, dtype=np.uint64))
        if sys.argv[5:]:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        seconds = time.perf_counter() - begin
    print(f"{seconds:.6f} {pool_s:.6f}")
    del whole
    shared.close()
    shared.unlink()


if __name__ == "__main__":
    main()
