"""Comparisons of whole commands, for the scripts tests/bench/*/compare: what harness.hpp is for programs of MPI.

A script calls compare() for each of its rows and main() with them; it prints the JSON that tests/bench/table reads.
It is run as `compare --build DIR --ranks N [--smoke] [--benchmark_filter=REGEX]`.
"""

import argparse
import json
import mmap
import os
import pathlib
import re
import statistics
import sys
import typing

YIELDS = {
    "speed": lambda baseline, candidate: baseline / candidate,
    "share": lambda baseline, candidate: candidate / baseline,
    "extra": lambda baseline, candidate: candidate / baseline - 1,
    "above": lambda baseline, candidate: candidate - baseline,
    "memory": lambda baseline, candidate: candidate / baseline,
}


class Comparison(typing.NamedTuple):
    """A row of the table; what the fields mean is said in harness.hpp. A program returns seconds, or bytes."""

    name: str
    section: str
    what: str
    against: str
    baseline: typing.Callable[[], float]
    candidate: typing.Callable[[], float]
    kind: str = "speed"
    aim: typing.Optional[float] = None
    bytes: int = 0
    operations: int = 1
    pairs: int = 11
    headline: str = ""
    variant: str = ""


def environment(ranks=2):
    """Of a command under mpirun: root is welcome, and so are more ranks than cores, which are then not bound."""
    changes = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if ranks > len(os.sched_getaffinity(0)):
        changes["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    kept = {name: text for name, text in os.environ.items() if name != "OMPI_MCA_rmaps_base_oversubscribe"}
    return {**kept, **changes}


def warm_memory(size):
    """Has the host of a virtual machine provide so many bytes again: it takes memory back seconds after it was freed,
    and whoever came next would pay for that, whatever the program."""
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, size, mmap.PAGESIZE):
            memory[at] = 1


def measure(row, is_smoke):
    pairs = []
    if not is_smoke:  # once without being counted
        row.baseline()
        row.candidate()
    for number in range(1 if is_smoke else row.pairs):
        if number % 2 == 0:
            baseline = row.baseline()
            pairs.append((baseline, row.candidate()))
        else:
            candidate = row.candidate()
            pairs.append((row.baseline(), candidate))
    yields = [YIELDS[row.kind](*pair) for pair in pairs]
    quartiles = statistics.quantiles(yields, n=4, method="inclusive") if len(yields) > 1 else yields * 3
    candidate = statistics.median(pair[1] for pair in pairs)
    label = {key: getattr(row, key) for key in ("section", "what", "against", "kind", "headline", "variant")}
    result = {
        "name": row.name,
        "label": json.dumps(label if row.aim is None else {**label, "aim": row.aim}),
        "value": quartiles[1],
        "q1": quartiles[0],
        "q3": quartiles[2],
        "baseline": statistics.median(pair[0] for pair in pairs) / row.operations,
        "candidate": candidate / row.operations,
    }
    return {**result, "GB/s": row.bytes / candidate * 1e-9} if row.bytes else result


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--benchmark_filter", default="")
    return parser.parse_args()


def main(rows, given):
    """Measures those of the rows that the filter lets pass, and prints them."""
    wanted = [row for row in rows if re.search(given.benchmark_filter, row.name)]
    json.dump({"benchmarks": [measure(row, given.smoke) for row in wanted]}, sys.stdout, indent=2)
    print()
