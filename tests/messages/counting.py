"""Runs of windrow whose messages are counted, by the library that counter.cpp is built as."""

import collections
import concurrent.futures
import math
import pathlib
import subprocess
import sys
import tempfile
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/jobs"))
import launch  # noqa: E402

# The ranks, and the nodes into which they are divided: few runs, since 32 ranks take two seconds to start.
SPLITS = {2: (2,), 4: (2, 4), 8: (1, 8), 16: (1, 8, 16), 32: (2, 32)}
SAMPLES = 96
BLOCKS = 64  # of the pool
CHUNKS = 8  # of the compressed array
PLACEMENT = 2  # gatherings of every run: where the ranks of each host run, and what hosts there are


POPULATE = """job = "populate"
[array]
rows = {rows}
cols = 1009
value = "offset"
[populate]
block_rows = 13
schedule = "{schedule}"
[output]
file = "out.h5"
compression = {compression}
"""
REDUCTIONS = """job = "evaluate"
[arrays.u]
rows = 197
cols = 23
value = "sin(i*cols + j)"
[evaluate]
statements = ["v = u**2", "total = sum(v)", "spread = std(u)", "least = argmin(u)", "columns = mean(u, axis=0)",
              "each = sum(u, axis=1)", "counts = histogram(u, 10)", "middle = quantile(u, [0.5])", "w = u - columns"]
[output]
file = "out.h5"
"""
MANDELBROT = """job = "mandelbrot"
[mandelbrot]
rows = {blocks}
cols = 1024
limit = 100
block_rows = 1
schedule = "dynamic"
[output]
file = "out.h5"
"""
PIPELINE = """job = "pipeline"
[samples]
count = {samples}
rows = 13
cols = 17
value = "uniform()"
[pipeline]
stages = ["x*x", "x*3", "x + 1"]
split = "{split}"
transport = "{transport}"
[output]
file = "out.h5"
"""


def doublings(ranks):
    return math.ceil(math.log2(ranks))


class Job(typing.NamedTuple):
    """A job, and how many messages it should have. A gathering is a tree over all ranks, in which sizes go ahead of the
    bytes; a border is a tree over the leaders that have a group or a chunk of an array in common."""
    name: str
    deck: str
    gatherings: int
    borders: int

    def bound(self, ranks, nodes):
        """The most messages that a rank sends and receives for them."""
        return 2 * (PLACEMENT + self.gatherings) * doublings(ranks) + self.borders * (doublings(nodes) + 1)


def pipeline(split, transport):
    return PIPELINE.format(samples=SAMPLES, split=split, transport=transport)


STATIC = Job("populate, static", POPULATE.format(rows=199, schedule="static", compression=0), 3, 1)
DYNAMIC = Job("populate, dynamic", POPULATE.format(rows=199, schedule="dynamic", compression=0), 3, 1)
COMPRESSED = Job("populate, compressed", POPULATE.format(rows=499, schedule="static", compression=1), 2, 1)
# Each of six arrays and the one that is read has a record of blocks; the six have checksums and are shown; four
# reductions go over all ranks, and one array is wanted whole.
EVALUATE = Job("evaluate, eight reductions", REDUCTIONS, 7 + 6 + 6 + 4 + 1, 6)
POOL = Job("mandelbrot", MANDELBROT.format(blocks=BLOCKS), 3, 1)
WHOLE = Job("pipeline, whole samples", pipeline("samples", "slots"), 4, 1)
STAGES = Job("pipeline, stages by messages", pipeline("stages", "messages"), 4, 1)
JOBS = (STATIC, DYNAMIC, COMPRESSED, EVALUATE, POOL, WHOLE, STAGES)


class Rank(typing.NamedTuple):
    """What a rank has asked of MPI."""
    sent: int
    received: int
    bytes: int
    partners: int
    calls: typing.Dict[str, int]

    @property
    def messages(self):
        return self.sent + self.received


def rank_of(text):
    """A rank's counts from what it has written."""
    messages, bytes_moved = collections.Counter(), 0
    partners, calls = set(), collections.Counter()
    for line in text.splitlines():
        kind, *what, number, size = line.split()
        if kind == "called":
            calls[what[0]] += int(number)
            continue
        messages[kind] += int(number)
        bytes_moved += int(size)
        partners.add(what[0])
    return Rank(messages["sent"], messages["received"], bytes_moved, len(partners), dict(calls))


def library():
    """It is built beside the tests of the program's tree."""
    path = pathlib.Path(launch.Program.path).parent / "tests/libcounter.so"
    if not path.exists():
        raise AssertionError(f"{path} is not built: ninja counter")
    return path


def count(job, ranks, nodes):
    """The ranks of a run, in order."""
    with tempfile.TemporaryDirectory(prefix="windrow-test-") as name:
        folder = pathlib.Path(name)
        (folder / "deck.toml").write_text(job.deck)
        (folder / "counts").mkdir()
        # The ranks load it, their mpirun does not.
        command = ["mpirun", "-q", "-n", str(ranks), "env", f"LD_PRELOAD={library()}",
                   f"WINDROW_MESSAGES={folder / 'counts'}", launch.Program.path, "run", "deck.toml", "--quiet",
                   "--pretend-nodes", str(nodes)]
        done = subprocess.run(command, env=launch.environment(), cwd=folder, timeout=launch.LIMIT_S,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{job.name}, {ranks} ranks, {nodes} nodes: status {done.returncode}\n{done.stderr}")
        return [rank_of((folder / "counts" / str(rank)).read_text()) for rank in range(ranks)]


def count_all(jobs=JOBS, splits=None):
    """The ranks of each run, by job's name, ranks and nodes. Two runs at a time: they wait more than they compute."""
    runs = [(job, ranks, nodes) for job in jobs for ranks, all_nodes in (splits or SPLITS).items()
            for nodes in all_nodes]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        counted = pool.map(lambda run: count(*run), runs)
        return {(job.name, ranks, nodes): found for (job, ranks, nodes), found in zip(runs, counted)}
