#!/usr/bin/python3
"""numpy's side of bench_random: for each line `METHOD COUNT TIMES` of standard input, fills one warm array of COUNT
doubles TIMES times by numpy.random.Generator.METHOD and prints the seconds that took."""

import sys
import time

import numpy as np

generator = np.random.default_rng(42)
arrays = {}
for line in sys.stdin:
    method, count, times = line.split()
    draw = getattr(generator, method)
    array = arrays.setdefault(int(count), np.ones(int(count)))
    begin = time.perf_counter()
    for _ in range(int(times)):
        draw(out=array)
    print(time.perf_counter() - begin, flush=True)
