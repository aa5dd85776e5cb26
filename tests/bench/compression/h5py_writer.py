#!/usr/bin/python3
"""h5py's side of tests/bench/compression/compare: writes the array of a file anew, from memory, with the same chunks,
filters and level, and prints the seconds that took.

    h5py_writer.py SOURCE OUTPUT
"""

import sys
import time

import h5py

source, output = sys.argv[1:]
with h5py.File(source, "r") as file:
    dataset = file["array"]
    values = dataset[()]
    filters = {"chunks": dataset.chunks, "shuffle": dataset.shuffle}
    filters.update(compression=dataset.compression, compression_opts=dataset.compression_opts)
begin = time.perf_counter()
with h5py.File(output, "w") as file:
    file.create_dataset("array", data=values, **filters)
print(time.perf_counter() - begin)
