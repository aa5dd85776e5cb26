#!/usr/bin/python3 -B
"""Evaluates an expression of two arrays with numexpr or numpy, into memory that is there, and prints the seconds.

    peers.py WAY EXPRESSION ELEMENTS THREADS

WAY is numexpr, numpy (one thread), or slices: numpy in as many threads, each over its slice of the arrays, a piece that
stays in its caches at a time. Medians of five, after one that is not counted.
"""

import concurrent.futures
import statistics
import sys
import time

import numexpr
import numpy as np

PIECE = 16384
# numpy's own calls, into `out` wherever it can.
NUMPY = {
    "a**2": lambda a, b, out: np.square(a, out=out),
    "2*a + 3*b": lambda a, b, out: np.add(np.multiply(a, 2, out=out), 3 * b, out=out),
    "where(a > b, a, b)": lambda a, b, out: np.copyto(out, np.where(a > b, a, b)),
    "a*a + b*b": lambda a, b, out: np.add(np.multiply(a, a, out=out), b * b, out=out),
    "sin(a)": lambda a, b, out: np.sin(a, out=out),
    "tanh(a)": lambda a, b, out: np.tanh(a, out=out),
    "sin(a)*exp(-b) + a*b": lambda a, b, out: np.add(np.sin(a, out=out) * np.exp(-b), a * b, out=out),
}


def polynomial(a, out):
    np.multiply(a, 0.001, out=out)
    for coefficient in (0.005, 0.01, 0.03, 0.0625, 0.125, 0.25, 0.5):
        out += coefficient
        out *= a
    out += 1.0


def way(name, expression, threads):
    numexpr.set_num_threads(threads)
    if name == "numexpr":
        return lambda a, b, out: numexpr.evaluate(expression, local_dict={"a": a, "b": b}, out=out)
    function = NUMPY.get(expression, lambda a, b, out: polynomial(a, out))
    if name == "numpy":
        return function
    pool = concurrent.futures.ThreadPoolExecutor(threads)

    def share(part):
        a, b, out = part
        for begin in range(0, len(a), PIECE):
            piece = slice(begin, begin + PIECE)
            function(a[piece], b[piece], out[piece])

    return lambda a, b, out: list(
        pool.map(share, zip(np.array_split(a, threads), np.array_split(b, threads), np.array_split(out, threads)))
    )


def main():
    name, expression, elements, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    a = np.arange(elements) % 1000 * 0.003
    b = np.arange(elements) % 777 * 0.002
    out = np.zeros(elements)
    evaluate = way(name, expression, threads)
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        evaluate(a, b, out)
        seconds.append(time.perf_counter() - begin)
    print(statistics.median(seconds[1:]))


if __name__ == "__main__":
    main()
