#!/usr/bin/python3
"""Which node writes what: the same bytes whoever writes, and no block of the file system by two nodes.

    /usr/bin/python3 writers_test.py WINDROW [unittest arguments]
"""

import pathlib

import interposed
from fault_case import FaultCase, launch, told

# Prime extents; the second is thin: most nodes have less than a mebibyte of it.
POPULATE = """
    job = "populate"
    [array]
    rows = {rows}
    cols = {cols}
    value = "i*cols + j"
    [populate]
    block_rows = 997
    """
DECKS = {
    "large": POPULATE.format(rows=200_003, cols=7),
    "thin": POPULATE.format(rows=5, cols=40_009),
    "rows of many groups": POPULATE.format(rows=7, cols=300_007),
    "dynamic": POPULATE.format(rows=200_003, cols=7) + '    schedule = "dynamic"\n',
    "statements": """
        job = "evaluate"
        [arrays.u]
        rows = 20011
        cols = 31
        value = "uniform() + i"
        [evaluate]
        statements = ["v = u**2", "m = mean(v, axis=1)", "small = sum(u, axis=0)", "w = v - 1", "s = sum(w)"]
        """,
}
# Rows that are in memory for a while only.
PASSING = {
    "stream": """
        job = "evaluate"
        [arrays.u]
        rows = 200003
        cols = 7
        value = "uniform() + i"
        [evaluate]
        statements = ["v = u**2", "w = v - mean(v)"]
        [memory]
        stream = "always"
        """,
    "samples": """
        job = "pipeline"
        [samples]
        count = 13
        rows = 401
        cols = 103
        value = "uniform() + k"
        [pipeline]
        stages = ["x*x", "x + 1"]
        result = "array"
        """,
    "samples by stages": """
        job = "pipeline"
        [samples]
        count = 37
        rows = 401
        cols = 103
        value = "uniform() + k"
        [pipeline]
        stages = ["x*x", "x + 1"]
        split = "stages"
        result = "array"
        """,
}
OUTPUT = '    [output]\n    file = "output/out.h5"\n    durable = false\n'
PAGE = 4096
MEBIBYTE = 1 << 20


def node_of(rank, ranks, nodes):
    """Of a host whose ranks are dealt to pretended nodes."""
    return rank * min(nodes, ranks) // ranks


class WritersCase(FaultCase):
    def write(self, text):
        self.write_deck("\n".join(line.strip() for line in (text + OUTPUT).split("\n")))

    def run_whole(self, ranks, nodes, *arguments):
        result = self.run_deck("--pretend-nodes", nodes, "--overwrite", "--quiet", *arguments, ranks=ranks)
        self.assert_status(result, launch.DONE)
        self.assert_whole()
        return launch.contents(self.output / "out.h5")

    def record(self, ranks, nodes, block, *arguments):
        """Of a run, for each rank: (offset, bytes, path) of everything that it has written, in order."""
        record = self.folder / "record"
        record.mkdir(exist_ok=True)
        for old in record.iterdir():
            old.unlink()
        environment = {"LD_PRELOAD": interposed.library(), "INTERPOSE_RECORD": record, "INTERPOSE_BLOCK": block}
        command = interposed.command_line_with(ranks, environment, "run", "deck.toml", "--overwrite", "--pretend-nodes",
                                               nodes, "--quiet", *arguments)
        self.assert_status(launch.run(command, env=self.env, cwd=self.folder), launch.DONE)
        self.assert_whole()
        split = [(int(of_rank.name), [line.split(" ", 2) for line in of_rank.read_text().splitlines()])
                 for of_rank in record.iterdir()]
        return {rank: [(int(offset), int(size), path) for offset, size, path in lines] for rank, lines in split}

    def writes(self, ranks, nodes, block, *arguments):
        """Of a run: (node, offset, bytes) of everything that it has written to the output."""
        return [(node_of(rank, ranks, nodes), offset, size)
                for rank, lines in self.record(ranks, nodes, block, *arguments).items()
                for offset, size, path in lines if pathlib.Path(path).name.startswith(".out.h5@")]

    def assert_no_block_of_two(self, writes, block):
        owner = {}
        for node, offset, size in writes:
            for number in range(offset // block, (offset + size - 1) // block + 1):
                self.assertEqual(owner.setdefault(number, node), node,
                                 f"nodes {owner[number]} and {node} write block {number} of {block} bytes")
        return set(owner.values())


class SameBytes(WritersCase):
    def test_whoever_writes(self):
        for name, deck in DECKS.items():
            self.write(deck)
            one = self.run_whole(1, 1)
            for ranks, nodes in ((2, 2), (4, 2), (3, 3), (7, 4)):
                for writers in ((), ("output.writers=1",), ("output.writers=3",)):
                    with self.subTest(deck=name, ranks=ranks, nodes=nodes, writers=writers):
                        self.assertEqual(self.run_whole(ranks, nodes, *writers), one)

    def test_of_rows_that_pass(self):
        for name, deck in PASSING.items():
            self.write(deck)
            one = self.run_whole(1, 1)
            for ranks, nodes in ((2, 2), (4, 2), (3, 3), (7, 4)):
                with self.subTest(deck=name, ranks=ranks, nodes=nodes):
                    self.assertEqual(self.run_whole(ranks, nodes), one)

    def test_durable_compressed_and_checked(self):
        self.write(DECKS["large"])
        one = self.run_whole(1, 1)
        for argument in ("output.durable=true", "output.writers=1 output.durable=true"):
            self.assertEqual(self.run_whole(4, 3, *argument.split()), one, argument)
        self.env["WINDROW_CHECK"] = "1"
        for writers in ((), ("output.writers=1",), ("output.writers=2",)):
            self.assertEqual(self.run_whole(4, 4, *writers), one, writers)
        compressed = [self.run_whole(4, 2, "output.compression=1", *writers)["array"]
                      for writers in ((), ("output.writers=1",))]
        self.assertEqual(compressed[0], compressed[1])

    def test_what_cannot_be_had(self):
        for name, deck in PASSING.items():
            self.write(deck)
            result = self.windrow("check", "deck.toml", "output.writers=1")
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, "command line:1:", "leave writers out")
        self.write(DECKS["large"])
        self.assert_one_message(self.windrow("check", "deck.toml", "output.writers=0"), "command line:1:16", "at least 1")


class Borders(WritersCase):
    def test_no_block_is_written_by_two_nodes(self):
        for name, deck in {**DECKS, **PASSING}.items():
            self.write(deck)
            for ranks, nodes in ((3, 3), (7, 4)):
                for block, seen in ((512, PAGE), (65536, 65536), (4 * MEBIBYTE, MEBIBYTE)):
                    with self.subTest(deck=name, ranks=ranks, nodes=nodes, block=block):
                        writers = self.assert_no_block_of_two(self.writes(ranks, nodes, block), seen)
                        if name == "rows of many groups":
                            self.assertEqual(writers, set(range(nodes)))

    def test_as_many_nodes_write_as_are_asked_for(self):
        self.write(DECKS["rows of many groups"])
        for writers, expected in ((1, {0}), (2, {0, 2}), (3, {0, 2, 3}), (4, {0, 1, 2, 3}), (5, {0, 1, 2, 3})):
            with self.subTest(writers=writers):
                writes = self.writes(7, 4, PAGE, f"output.writers={writers}")
                self.assertEqual(self.assert_no_block_of_two(writes, PAGE), expected)

    def test_a_file_of_one_writer_begins_on_a_page(self):
        self.write(DECKS["large"])
        for nodes, arguments in ((1, ()), (2, ("output.writers=1",))):
            offsets = [offset for _, offset, size in self.writes(2, nodes, MEBIBYTE, *arguments) if size > PAGE]
            self.assertLess(min(offsets), MEBIBYTE)


class Failing(WritersCase):
    def test_a_writer_whose_disk_is_full(self):
        self.write(DECKS["rows of many groups"])
        self.env["WINDROW_GRACE"] = "1000"
        for writers, rank in ((1, 0), (2, 0), (2, 2), (4, 1)):
            # Its last rows are others'; the first of these come in the middle.
            writes = self.record(4, 4, PAGE, f"output.writers={writers}")[rank]
            rows = [number + 1 for number, (_, size, _) in enumerate(writes) if size == MEBIBYTE]
            (self.output / "out.h5").unlink()
            for number, error, status in ((rows[0], "ENOSPC", launch.RESOURCES), (rows[-1], "ENOSPC", launch.RESOURCES),
                                          (rows[len(rows) // 2], "EIO", launch.IO)):
                with self.subTest(writers=writers, rank=rank, write=number, error=error):
                    rules = f"pwrite@{number}+={error}"
                    command = interposed.command_line(4, rules, "run", "deck.toml", "--pretend-nodes", 4,
                                                      f"output.writers={writers}", rank=rank)
                    result = launch.run(command, env=self.env, cwd=self.folder)
                    self.assert_status(result, status)
                    self.assertEqual(told(result).count("windrow: cannot write output/out.h5"), 1, str(result))
                    self.assert_nothing_left()


if __name__ == "__main__":
    launch.main(isolated=True)
