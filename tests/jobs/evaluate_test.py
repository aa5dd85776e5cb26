#!/usr/bin/python3
"""The job evaluate: random statements and what numpy makes of them, the same bytes however a run is divided, errors.

    /usr/bin/python3 evaluate_test.py WINDROW [unittest arguments]

WINDROW_SOAK=N in the environment: N random decks, and others than those of the suite.
"""

import hashlib
import json
import os
import re
import time
import typing
import unittest

import h5py
import numpy as np

import launch
import random_statements

SHAPES = [(197, 23), (5, 1009), (61, 131), (3, 2), (1, 1), (1, 509), (613, 1), (4099,), (1,), (127, 29)]
STATEMENTS = 70


class Split(typing.NamedTuple):
    """How a run is divided."""

    ranks: int
    nodes: int = 1
    level: str = ""

    @property
    def environment(self):
        return {"WINDROW_LEVEL": self.level} if self.level else {}


class EvaluateCase(launch.TestCase):
    def evaluate(self, deck, split=Split(1), *arguments, status=launch.DONE, env=None):
        result = self.windrow("run", deck, "--output", "out.h5", "--overwrite", "--pretend-nodes", split.nodes,
                              *arguments, ranks=split.ranks, env={**split.environment, **(env or {})})
        self.assert_status(result, status)
        return result

    def read(self, name="out.h5"):
        """All that was computed, without the scales of the axes and the record of the run."""
        with h5py.File(self.folder / name, "r") as file:
            return {key: item[()] for key, item in file.items()
                    if isinstance(item, h5py.Dataset) and "CLASS" not in item.attrs}


class AgainstNumpy(EvaluateCase):
    def compare(self, seed):
        shape = SHAPES[seed % len(SHAPES)]
        split = Split(ranks=[2, 1, 4, 3][seed // 3 % 4], level=["", "avx2", "baseline"][seed % 3])
        generator = random_statements.Generator(seed, shape)
        statements = generator.statements(STATEMENTS)
        deck = self.write_deck(random_statements.deck(generator, statements))
        with self.subTest(seed=seed, shape=shape, split=split):
            self.evaluate(deck, split, "--quiet")
            with h5py.File(self.folder / "out.h5", "r") as file:
                failures, compared = random_statements.failures(generator, statements, file)
            self.assertEqual(failures, [], f"seed {seed}\n" + "\n".join(failures) + "\n" + deck.read_text())
            return compared
        return STATEMENTS

    def test_random_statements(self):
        soak = int(os.environ.get("WINDROW_SOAK", "0"))
        seeds = range(1000, 1000 + soak) if soak else range(30)
        compared = sum(self.compare(seed) for seed in seeds)
        # What is assigned once more is not in the file; all else must have been compared.
        self.assertGreater(compared, 0.8 * STATEMENTS * len(seeds))


DIVIDED = """job = "evaluate"
seed = 11

[arrays]
u = {{rows = {rows}, cols = {cols}, value = "normal(3, 2)"}}
v = {{rows = {rows}, cols = {cols}, value = "uniform(-1, 1)", type = "float32"}}
n = {{rows = {rows}, cols = {cols}, value = "(i*7 + j) % 101 - 50", type = "int32"}}
r = {{rows = 1, cols = {cols}, value = "normal()"}}
c = {{rows = {rows}, cols = 1, value = "uniform()"}}

[evaluate]
statements = \"\"\"
w = sin(u)*exp(-v) + n*c
u = u - mean(u)
total = sum(u); product = prod(1 + v/1000); deviation = std(u*v, ddof=1)
across = mean(w, axis=1, keepdims=True)
spread = var(u, axis=1)
place = argmax(w)
places = argmin(v, axis=1)
noise = w + uniform(0, 1e-3)
largest = max(noise)
{more}\"\"\"

[output]
file = "out.h5"
durable = false
"""
# What one node has and all need.
ACROSS_NODES = """
down = sum(w, axis=0)
deviations = std(u*v, axis=0)
centred = w - mean(w, axis=0) + r
scaled = (u - min(u, axis=1, keepdims=True))/norm(r)
first = argmax(v, axis=0)
"""


class SameBytes(EvaluateCase):
    # Without fused multiply-adds, at the level baseline, functions may differ in the last bits.
    SPLITS = [Split(1), Split(2), Split(3), Split(4), Split(7), Split(2, 2), Split(4, 2), Split(7, 3),
              Split(1, 1, "avx2"), Split(2, 1, "avx2"), Split(3, 1, "avx512"), Split(4, 3, "avx2")]
    BASELINE = [Split(1, 1, "baseline"), Split(3, 1, "baseline"), Split(4, 3, "baseline")]

    def digests(self, deck, split, env=None):
        self.evaluate(deck, split, "--quiet", env=env)
        return {name: hashlib.sha256(np.asarray(values).tobytes()).hexdigest() for name, values in self.read().items()}

    def test_every_split(self):
        for rows, cols in [(197, 23), (13, 1009)]:
            deck = self.write_deck(DIVIDED.format(rows=rows, cols=cols, more=ACROSS_NODES))
            expected = self.digests(deck, self.SPLITS[0])
            self.assertEqual(len(expected), 16)
            for splits in (self.SPLITS, self.BASELINE):
                expected = self.digests(deck, splits[0])
                for split in splits[1:]:
                    with self.subTest(split, rows=rows):
                        self.assertEqual(self.digests(deck, split), expected)

    def test_fewer_rows_than_ranks(self):
        deck = self.write_deck(DIVIDED.format(rows=3, cols=5, more=ACROSS_NODES))
        expected = self.digests(deck, Split(1))
        for split in (Split(4), Split(7), Split(7, 3)):
            with self.subTest(split):
                self.assertEqual(self.digests(deck, split), expected)

    def check_access(self, split):
        deck = self.write_deck(DIVIDED.format(rows=197, cols=23, more=ACROSS_NODES))
        expected = self.digests(deck, Split(1))
        self.assertEqual(self.digests(deck, split, {"WINDROW_CHECK": "1"}), expected)

    def test_checks_of_access_on_one_node(self):
        for split in (Split(1), Split(3)):
            self.check_access(split)

    def test_checks_of_access_on_two_nodes(self):
        self.check_access(Split(4, 2))


SMALL = """job = "evaluate"

[arrays.u]
rows = 197
cols = 23
value = "i*cols + j"

[evaluate]
statements = {statements}
"""


class WhatIsWritten(EvaluateCase):
    def small(self, statements, more=""):
        return self.write_deck(SMALL.format(statements=statements) + more)

    def test_numbers_are_shown_reported_and_written(self):
        deck = self.small('["v = u**2", "total = sum(v)", "at = argmax(u)", "share = mean(u > 100)"]',
                          '[output]\nfile = "out.h5"\narrays = ["v"]\n')
        result = self.evaluate(deck, Split(3), "--report", "report.json")
        x = np.arange(197 * 23.0)
        expected = {"total": (x**2).sum(), "at": x.argmax(), "share": (x > 100).mean()}
        results = json.loads((self.folder / "report.json").read_text())["results"]
        file = self.read()
        self.assertEqual(sorted(file), ["at", "share", "total", "v"])
        for name, number in expected.items():
            self.assertEqual(file[name], number)
            self.assertEqual(results[name], number)
            self.assertRegex(result.out, rf"(?m)^{name} = {re.escape(str(number))}$")

    def test_without_an_output_nothing_is_written(self):
        deck = self.small('["v = u**2", "total = sum(v)"]')
        result = self.windrow("run", deck, ranks=2)
        self.assert_status(result, launch.DONE)
        self.assertIn("total = 30996820205.0", result.out)
        self.assertEqual(self.files(), ["deck.toml"])

    def test_arrays_that_are_asked_for(self):
        deck = self.small('["a = u + 1", "b = a*2", "c = b - a", "a = c"]',
                          '[output]\nfile = "out.h5"\narrays = ["c", "a"]\n')
        self.evaluate(deck, Split(2))
        file = self.read()
        self.assertEqual(sorted(file), ["a", "c"])
        np.testing.assert_array_equal(file["a"], np.arange(197 * 23.0).reshape(197, 23) + 1)
        np.testing.assert_array_equal(file["c"], file["a"])


class Errors(EvaluateCase):
    def refused(self, text, *parts, limit_s=20):
        """The text in a list of its own: the message points to line 9, and into it."""
        deck = self.write_deck(SMALL.format(statements=json.dumps([text])))
        begin = time.monotonic()
        result = self.evaluate(deck, Split(0), status=launch.USAGE)
        self.assertLess(time.monotonic() - begin, limit_s)
        for part in parts:
            self.assertIn(part, result.err)
        return result

    def place(self, result):
        found = re.match(r"\S*deck\.toml:(\d+):(\d+): ", result.err)
        self.assertIsNotNone(found, str(result))
        return int(found[1]), int(found[2])

    def test_every_error_points_into_its_statement(self):
        for text, offending, message in [
            ("v = u +", None, "the end of the expression"), ("v = u + * 2", "*", "'*'"), ("v = sin u", "sin", "sin(x)"),
            ("v = uu + 1", "uu", "unknown name"), ("v = u + sine(u)", "sine", "unknown function"),
            ("v = sum(3)", "sum", "of a number"), ("v = u & 1.5", "&", "whole numbers"), ("v u", "u", "expected '='"),
            ("sin = u", "sin", "word of the language"), ("v = u + sum(u, axis=2)", "sum", "axis=2"),
            ("v = mean(u, axis=0, axis=1)", "axis=1", "twice"), ("v = 1 < u < 2", "< 2", "do not chain"),
            ("v = u[0]", "[", "round parentheses"), ("v = u^2.0", "^", "**"), ("v = (u > 1) - (u > 2)", "-", "truth"),
            ("v = i", "v", "nothing tells the shape"), ("v = u + sum(u, axis=1)", "+ sum", "do not fit"),
            ("v = offset + u", "offset", "populate"), ("v = var(u, ddof=u)", "u)", "expected a number"),
            ("v = min(u, 3)", "min", "minimum"), ("v = 1e400*u", "1e400", "outside the range"),
        ]:
            with self.subTest(text):
                line, column = self.place(self.refused(text, message))
                at = len(text) if offending is None else text.index(offending)
                # statements = ["...: the text begins in column 16.
                self.assertEqual((line, column), (9, 16 + at))

    def test_in_a_text_of_several_lines(self):
        lines = ["", "a = u + 1   # ü, a comment; of two bytes", "b = a + 1; c = 2*unknown", "d = b"]
        deck = self.write_deck(SMALL.format(statements='"""' + "\n".join(lines) + '"""'))
        result = self.evaluate(deck, Split(2), status=launch.USAGE)
        self.assertEqual(self.place(result), (11, 18))

    def test_in_a_statement_of_several_lines(self):
        lines = ["", "a = u + 1", "b = (a +", "     2*unknown)", "c = b"]
        deck = self.write_deck(SMALL.format(statements='"""' + "\n".join(lines) + '"""'))
        result = self.evaluate(deck, Split(2), status=launch.USAGE)
        self.assertEqual(self.place(result), (12, 8))

    def test_long_and_deep_texts(self):
        for text, message in [
            ("v = " + "("*100000 + "u" + ")"*100000, ""), ("v = " + "-"*60000 + "u", "nested too deeply"),
            ("v = " + "("*500 + "u" + ")"*500, "nested too deeply"), ("v = " + "u**"*500 + "u", "nested too deeply"),
            ("v = " + "u + "*250000 + "u", "characters"), ("v = " + "x"*10**6, "characters"),
            ("v = " + "u+"*20000 + "u", "more than 4096"), ("v = " + "sum("*500 + "u" + ")"*500, "nested too deeply"),
            ("v = u*" + "9"*1000, "outside the range"),
        ]:
            with self.subTest(text[:20]):
                self.refused(text, message)

    def test_huge_constants_are_numbers(self):
        deck = self.write_deck(SMALL.format(statements='["v = u*0 + 123456789012345678901234567890", '
                                                       '"n = u*0 + 9223372036854775807", "x = (2**70 > 1) + 0*u"]')
                               + '[output]\nfile = "out.h5"\n')
        self.evaluate(deck)
        file = self.read()
        self.assertEqual(file["v"][0, 0], 123456789012345678901234567890.0)
        self.assertEqual(file["n"][0, 0], 2.0**63)

    def test_thousands_of_statements(self):
        count = 3000
        lines = [f"a{n} = a{n - 1} + {n % 7}" if n else "a0 = u" for n in range(count)]
        deck = self.write_deck(SMALL.format(statements='"""' + "\n".join(lines) + '"""')
                               + f'[output]\nfile = "out.h5"\narrays = ["a{count - 1}"]\n')
        self.evaluate(deck, Split(2))
        np.testing.assert_array_equal(self.read()[f"a{count - 1}"],
                                      np.arange(197 * 23.0).reshape(197, 23) + sum(n % 7 for n in range(count)))


if __name__ == "__main__":
    launch.main()
