#!/usr/bin/python3
"""The job populate: files read back and compared with what numpy computes.

    /usr/bin/python3 populate_test.py WINDROW [unittest arguments]
"""

import hashlib
import itertools
import math
import subprocess
import typing

import numpy as np

import launch
import random_numbers


class Split(typing.NamedTuple):
    """How a run is divided: none of it may show in the array."""

    ranks: int
    nodes: int = 1
    schedule: str = "static"
    block_rows: int = 0  # 0: the job's own choice
    pages: str = "auto"
    level: str = ""  # of the vector kernels; "": the machine's best


def default_block_rows(rows):
    return math.ceil(rows / 256)


def offsets(shape, block_rows):
    """The variable `offset` of every element."""
    column = (np.arange(shape[0]) // block_rows * block_rows).reshape(-1, *[1] * (len(shape) - 1))
    return np.broadcast_to(column, shape)


class PopulateCase(launch.TestCase):
    def populate(self, shape, value, split=Split(1), type="float64", seed=None):
        """Runs the job; checks what it prints, its record of the blocks, and returns what it wrote."""
        path = self.folder / "out.h5"
        cols = [f"array.cols={shape[1]}"] if len(shape) == 2 else []
        blocks = [f"populate.block_rows={split.block_rows}"] if split.block_rows else []
        seeds = [f"seed={seed}"] if seed is not None else []
        deck = self.write_deck('job = "populate"\n')
        result = self.windrow("run", deck, f"array.rows={shape[0]}", *cols, *blocks, *seeds, f"array.value={value}",
                              f"array.type={type}", f"populate.schedule={split.schedule}", "output.durable=false",
                              f"memory.pages={split.pages}", "--output", path, "--overwrite", "--pretend-nodes",
                              split.nodes, ranks=split.ranks, env={"WINDROW_LEVEL": split.level} if split.level else {})
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")
        output = launch.read_output(path)
        self.assertEqual(output.values.shape, tuple(shape))
        self.assertEqual(output.values.dtype, np.dtype(type))
        self.assertIn(f"\narray =\n{output.values}\n", result.out)
        self.check_blocks(output.blocks, shape[0], split)
        return output

    def check_blocks(self, blocks, rows, split):
        """The record says of every row once who filled it, and that it was somebody who was handed it."""
        filled_by = np.full(rows, -1)
        for first, count, rank in zip(blocks["first_row"], blocks["rows"], blocks["world_rank"]):
            self.assertGreater(count, 0)
            self.assertTrue((filled_by[first : first + count] == -1).all(), f"row {first} is recorded twice")
            self.assertLessEqual(first + count, rows)
            filled_by[first : first + count] = rank
            size = split.block_rows or default_block_rows(rows)
            self.assertEqual(first // size, (first + count - 1) // size, "a record spans two blocks")
        self.assertGreaterEqual(filled_by.min(), 0, "a row is recorded by nobody")
        self.assertLess(filled_by.max(), split.ranks)
        if split.schedule == "static":
            row_blocks = np.array_split(np.arange(rows), split.ranks)
            owners = np.repeat(np.arange(split.ranks), [len(row_block) for row_block in row_blocks])
            np.testing.assert_array_equal(filled_by, owners)
        self.assertTrue((blocks["start"] >= 0).all() and (blocks["seconds"] >= 0).all())
        return filled_by

    def assert_equal(self, output, expected, type="float64"):
        """To the bit, signs of zeros aside."""
        np.testing.assert_array_equal(output.values, np.asarray(expected).astype(type), strict=True)


class ClassicalDeck(PopulateCase):
    """2000 rows in blocks of 100, each row of a block holding the index of the block's first row."""

    SPLITS = [Split(1), Split(1, 1, "dynamic"), Split(2), Split(2, 1, "dynamic"), Split(2, 2), Split(3),
              Split(3, 2, "dynamic"), Split(3, 3), Split(4, 1, "dynamic"), Split(4, 2), Split(4, 3), Split(7),
              Split(7, 2, "dynamic"), Split(7, 3), Split(7, 3, "dynamic")]

    def test_every_split(self):
        expected = np.empty((2000, 10))
        for offset in range(0, 2000, 100):
            expected[offset : offset + 100, :] = offset
        checksums = set()
        for split in [split._replace(block_rows=100) for split in self.SPLITS]:
            with self.subTest(split):
                output = self.populate((2000, 10), "offset", split)
                self.assert_equal(output, expected)
                checksums.add(output.checksums.tobytes())
        self.assertEqual(len(checksums), 1)

    def test_the_deck_itself_and_the_line_that_reads_it(self):
        deck = launch.REPOSITORY / "input" / "populate.toml"
        result = self.windrow("run", deck, ranks=2)
        self.assert_status(result, launch.DONE)
        (line,) = [line for line in result.out.splitlines() if line.startswith("read it: ")]
        command = line.removeprefix("read it: ").replace("python3", "/usr/bin/python3", 1)
        shown = subprocess.run(["sh", "-c", command], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertIn(shown.stdout, result.out)
        self.assertEqual(shown.stdout.count("1900."), 18)

    def test_every_process_writes_its_id_into_its_row(self):
        deck = launch.REPOSITORY / "input" / "pids.toml"
        for ranks, nodes in [(1, 1), (4, 2), (7, 1)]:
            with self.subTest(ranks=ranks):
                result = self.windrow("run", deck, "--overwrite", "--pretend-nodes", nodes, ranks=ranks)
                self.assert_status(result, launch.DONE)
                pids = launch.read_output(self.folder / "pids.h5", "pids").values
                self.assertEqual(pids.shape, (ranks, 8))
                self.assertTrue((pids == pids[:, :1]).all())
                self.assertEqual(len(np.unique(pids)), ranks)
                self.assertTrue((pids > 1).all())


class SameBytes(PopulateCase):
    """What no split, no kind of pages and no vector level may change."""

    # More than 2 MiB a rank on one and on two ranks, so that huge pages are made and row blocks end within them.
    SHAPE = (100003, 7)
    SPLITS = [Split(1), Split(1, 1, "dynamic", 1009, "collapse"), Split(1, 1, "static", 100, "read", "baseline"),
              Split(1, 1, "static", 0, "populate", "avx2"), Split(2, 1, "dynamic", 997, "collapse"),
              Split(2, 1, "static", 1), Split(2, 2, "dynamic", 50, "populate"), Split(3, 1, "dynamic", 64, "read"),
              Split(4, 2, "guided", 13), Split(3, 2, "static", 33333, "collapse"), Split(4, 3, "static", 100003),
              Split(4, 1, "dynamic", 100003), Split(7, 2, "dynamic", 12345), Split(7, 3, "static", 0, "populate"), Split(7, 1, "static", 0, "collapse")]

    def test_uniform_numbers_and_indices(self):
        i, j = np.indices(self.SHAPE)
        expected = random_numbers.uniform(self.SHAPE) + (i * 7 + j)
        found = {}
        for split in self.SPLITS:
            with self.subTest(split):
                output = self.populate(self.SHAPE, "uniform() + (i*cols + j)", split)
                self.assert_equal(output, expected)
                found[split] = (hashlib.sha256(output.values.tobytes()).hexdigest(), output.checksums.tobytes())
        self.assertEqual(len(set(found.values())), 1, found)
        self.assertEqual(len(found), len(self.SPLITS))

    def test_more_than_2_MiB_on_each_of_seven_ranks(self):
        shape = (300007, 7)
        i, j = np.indices(shape)
        for schedule in ("static", "dynamic", "guided"):
            output = self.populate(shape, "i - j*offset", Split(7, 1, schedule, 4099, "collapse"))
            self.assert_equal(output, i - j * offsets(shape, 4099))

    def test_normal_numbers(self):
        # Odd columns, so that the last number of a row is half of a pair.
        shape = (4001, 25)
        first = self.populate(shape, "normal()", Split(1), seed=42).values
        for split in (Split(3, 2, "dynamic", 7), Split(7, 1, "static", 10, "auto", "baseline")):
            np.testing.assert_array_equal(self.populate(shape, "normal()", split, seed=42).values, first)
        # The angle 2 pi v is known to 2 pi 2^-53 and the radius, 8.6 at most, to 2^-52 of it: 1e-14 in all.
        np.testing.assert_allclose(first, random_numbers.normal(shape, seed=42), rtol=0, atol=1e-14)
        count = first.size
        # Five standard errors: one such test in a million fails by chance, and the numbers never change.
        self.assertLess(abs(first.mean()), 5 / math.sqrt(count))
        self.assertLess(abs(first.var() - 1), 5 * math.sqrt(2 / count))
        self.assertLess(abs((first**4).mean() - 3), 5 * math.sqrt(96 / count))

    def test_uniform_numbers_are_uniform_and_independent_from_call_to_call(self):
        shape = (199, 503)
        u = self.populate(shape, "uniform()", Split(2), seed=7).values
        self.assertTrue((u >= 0).all() and (u < 1).all())
        counts, _ = np.histogram(u, bins=20, range=(0, 1))
        # Chi-squared with 19 degrees of freedom exceeds 50 with probability 1e-4.
        self.assertLess((((counts - u.size / 20) ** 2) / (u.size / 20)).sum(), 50)
        both = self.populate(shape, "where(j < 250, uniform(), uniform(-3, 5))", Split(2, 2, "dynamic"), seed=7).values
        np.testing.assert_array_equal(both[:, :250], u[:, :250])
        second = random_numbers.uniform(shape, seed=7, call=1)
        # Two roundings of numbers below 8.
        np.testing.assert_allclose(both[:, 250:], -3 + 8 * second[:, 250:], rtol=0, atol=2e-15)
        self.assertFalse(np.array_equal(self.populate(shape, "uniform()", Split(1), seed=8).values, u))

    def test_oracle_gives_the_published_numbers(self):
        # The known answers of Random123 1.14, philox4x32 with 10 rounds.
        answer = [int(word) for word in random_numbers.philox(0, (0, 0, 0, 0))]
        self.assertEqual(answer, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8])
        answer = [int(word) for word in random_numbers.philox(0x299F31D0A4093822,
                                                              (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344))]
        self.assertEqual(answer, [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1])


def power(base, exponent):
    """Of the C library, element by element: numpy has one of its own."""
    return np.vectorize(math.pow, otypes=[float])(base, exponent)


class Expressions(PopulateCase):
    SHAPE = (197, 23)
    BLOCK = 10

    def expressions(self):
        i, j = np.indices(self.SHAPE)
        offset = offsets(self.SHAPE, self.BLOCK)
        big = np.iinfo(np.int64)
        yield "float64", "i*cols + j", i * 23 + j
        yield "float32", "i*cols + j", i * 23 + j
        yield "int64", "i*cols + j", i * 23 + j
        yield "int32", "i*cols + j", i * 23 + j
        yield "float64", "i/7 - j/3", i / 7 - j / 3
        yield "float64", "i / (j - 11)", i / (j - 11)
        yield "int64", "(i - 98) % (j - 7)", np.where(j == 7, 0, (i - 98) % np.where(j == 7, 1, j - 7))
        yield "float64", "(i - 98.5) % -2.5", (i - 98.5) % -2.5
        yield "int64", "-i**2 + (-j)**3", -(i**2) + (-j) ** 3
        yield "float64", "2**(-j/4) + (i + 1)**0.5", power(2.0, -j / 4) + power(i + 1.0, 0.5)
        yield "int32", "(i < j)*1 + (i >= 2*j) - (i == j)*1", (i < j) + 0 + (i >= 2 * j) - (i == j) * 1
        yield "float32", "where((i + j) % 3 != 0, pi*i, -e)", np.where((i + j) % 3 != 0, np.pi * i, -np.e)
        yield "float64", "offset + i/rows + j/cols", offset + i / 197 + j / 23
        yield "int64", "9223372036854775807 - 90 + i", (big.max - 90) + i  # wraps, as numpy does
        yield "int32", "where(i > j, 1e300*i, 2.9)", np.where(i > j, np.iinfo(np.int32).min, 2)
        yield "float64", "1e-3", np.full(self.SHAPE, 1e-3)

    def test_closed_forms(self):
        splits = itertools.cycle([Split(3), Split(1), Split(2, 2, "dynamic"), Split(7, 3), Split(4, 1, "dynamic")])
        with np.errstate(all="ignore"):
            for (type, text, expected), split in zip(self.expressions(), splits):
                split = split._replace(block_rows=self.BLOCK)
                with self.subTest(text, type=type, split=split):
                    output = self.populate(self.SHAPE, text, split, type)
                    self.assert_equal(output, expected, type)

    def test_rank_and_node_are_those_of_the_record(self):
        for split in (Split(7, 3, "static", 5), Split(4, 2, "dynamic", 3)):
            output = self.populate((197, 2), "where(j == 0, rank, node)", split, "int32")
            ranks, nodes = output.values.T
            np.testing.assert_array_equal(ranks, self.check_blocks(output.blocks, 197, split))
            # Every rank is of one node, nodes are as many as were asked for, and a node's rows lie together.
            self.assertEqual(len(set(zip(ranks, nodes))), len(set(ranks)))
            self.assertEqual(sorted(set(nodes)), list(range(split.nodes)))
            self.assertTrue((np.diff(nodes) >= 0).all())


class ThinAndEmptyBlocks(PopulateCase):
    def test_fewer_rows_than_ranks_single_rows_and_columns(self):
        for shape, split in [((1, 1), Split(7, 3)), ((1, 1), Split(1)), ((1, 1), Split(3, 1, "dynamic")),
                             ((1, 10007), Split(4, 2)), ((10007, 1), Split(7, 2, "dynamic")), ((3, 5), Split(7, 3)),
                             ((2, 3), Split(4, 1, "dynamic")), ((2, 200003), Split(3, 2, "static", 0, "collapse"))]:
            with self.subTest(shape=shape, split=split):
                i, j = np.indices(shape)
                self.assert_equal(self.populate(shape, "i*1000000 + j", split), i * 1000000 + j)

    def test_one_dimensional(self):
        self.assert_equal(self.populate((1,), "i + 1", Split(7, 2)), [1.0])
        expected = random_numbers.uniform((100003,)) + np.arange(100003) + offsets((100003,), 999)
        for split in (Split(1, 1, "static", 999), Split(3, 2, "dynamic", 999), Split(7, 1, "static", 999)):
            self.assert_equal(self.populate((100003,), "uniform() + i + offset", split), expected)

    def test_blocks_larger_than_the_array(self):
        for split in (Split(3, 1, "static", 10**9), Split(2, 1, "dynamic", 10**9)):
            self.assert_equal(self.populate((5, 4), "offset + i", split), np.indices((5, 4))[0])


if __name__ == "__main__":
    launch.main()
