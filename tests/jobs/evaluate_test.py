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
import xarray

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


class CountsAndFiles(EvaluateCase):
    """What the random statements do not have."""

    def test_histograms_and_quantiles(self):
        deck = self.write_deck("""job = "evaluate"
seed = 3
[arrays]
u = {rows = 1009, cols = 101, value = "normal(3, 2)"}
n = {rows = 50, cols = 7, type = "int32", value = "i*j % 11"}
same = {rows = 5, value = "2.5"}
holes = {rows = 40, value = "where(i == 7, nan, i)"}
[evaluate]
statements = '''
h = histogram(u, bins=20)
g = histogram(n, 11, range=(-0.5, 10.5))
s = histogram(same)
q = quantile(u**2, [0, 0.1, 0.5, 0.77, 1])
middle = quantile(u, 0.5)
ends = quantile(n, [1, 0])
no = quantile(holes, 0.5)
above = u - middle
'''
[output]
file = "out.h5"
arrays = ["u", "n", "h", "g", "s", "q", "ends", "above"]
""")
        for split in (Split(1), Split(3), Split(4, 2), Split(7)):
            with self.subTest(split):
                self.evaluate(deck, split)
                file = self.read()
                u, n = file["u"], file["n"]
                np.testing.assert_array_equal(file["h"], np.histogram(u, bins=20)[0])
                np.testing.assert_array_equal(file["g"], np.histogram(n, 11, range=(-0.5, 10.5))[0])
                np.testing.assert_array_equal(file["s"], np.histogram(np.full(5, 2.5))[0])
                np.testing.assert_array_equal(file["q"], np.quantile(u**2, [0, 0.1, 0.5, 0.77, 1]))
                np.testing.assert_array_equal(file["ends"], [n.max(), n.min()])
                self.assertEqual(file["middle"], np.quantile(u, 0.5))
                self.assertTrue(np.isnan(file["no"]))
                np.testing.assert_array_equal(file["above"], u - np.quantile(u, 0.5))

    def test_a_histogram_of_what_is_no_number_wants_a_range(self):
        deck = self.write_deck(SMALL.format(statements='["h = histogram(0/u)"]'))
        result = self.windrow("run", deck, ranks=2)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "from nan to nan: give it range=(low, high)")

    def test_arrays_from_files(self):
        random = np.random.default_rng(5)
        t = random.normal(280, 10, (197, 53)).astype("f4")
        p = random.normal(1000, 5, (197, 53))
        n = random.integers(-100, 100, 197).astype(">i2")
        x = np.arange(197 * 53, dtype="i4").reshape(197, 53)
        with h5py.File(self.folder / "in.h5", "w") as file:
            file.create_dataset("t", data=t, chunks=(20, 17), compression=4, shuffle=True)
            file["p"] = p
            file["n"] = n
        np.save(self.folder / "x.npy", x)
        deck = self.write_deck("""job = "evaluate"
[arrays]
t = {file = "in.h5", dataset = "t"}
p = {file = "in.h5", dataset = "p"}
n = {file = "in.h5", dataset = "n"}
x = {file = "x.npy"}
part = {file = "in.h5", dataset = "p", slice = "10:100:3, ::2", type = "float32"}
[evaluate]
statements = ["d = p/(287*t)", "y = x*2", "total = sum(n)", "w = part + 0", "x = x + 1"]
[output]
file = "out.h5"
arrays = ["d", "y", "w", "x"]
""")
        for split in (Split(1), Split(3), Split(4, 2)):
            with self.subTest(split):
                self.evaluate(deck, split)
                file = self.read()
                for name, expected in {"d": p/(287*t), "y": x*2, "w": p[10:100:3, ::2].astype("f4"), "x": x + 1}.items():
                    self.assertEqual(file[name].dtype, expected.dtype)
                    np.testing.assert_array_equal(file[name], expected)
                self.assertEqual(file["total"], n.sum())
        for override, status, message in [
            ("arrays.t.file=nope.h5", launch.IO, "command line:1:15: cannot open nope.h5: No such file or directory"),
            ("arrays.t.dataset=q", launch.IO, "deck.toml:3:13: in.h5 has no dataset q: it has /n, /p, /t"),
            ("arrays.t.rows=5", launch.USAGE, "in.h5:/t has 197 rows, not 5"),
            ("arrays.n.cols=2", launch.USAGE, "in.h5:/n is one-dimensional; leave cols out"),
            ("arrays.t.value=i", launch.USAGE, "'t' has a file already: value or file"),
            ("arrays.t.slice=0:x", launch.USAGE, "expected start:stop:step"),
            ("arrays.z.cols=2", launch.USAGE, "'z' has neither value nor file"),
        ]:
            with self.subTest(override):
                result = self.windrow("run", deck, override, ranks=3)
                self.assert_status(result, status)
                self.assert_one_message(result, message)

    def test_truth_values_stay_what_they_are(self):
        x = np.arange(-50, 51)
        np.save(self.folder / "flags.npy", x % 3 == 0)
        first = self.write_deck("""job = "evaluate"
[arrays]
flags = {file = "flags.npy"}
x = {rows = 101, value = "i - 50"}
[evaluate]
statements = ["mask = x > 0", "either = mask | ~flags", "all_of = all(where(True, flags, 0) == flags)", "n = sum(flags)"]
[output]
file = "out.h5"
""")
        self.evaluate(first, Split(3))
        either = (x > 0) | ~(x % 3 == 0)
        with xarray.open_dataset(self.folder / "out.h5") as dataset:
            self.assertEqual(dataset["mask"].dtype, bool)
            np.testing.assert_array_equal(dataset["mask"], x > 0)
            np.testing.assert_array_equal(dataset["either"], either)
            self.assertEqual((dataset["all_of"], dataset["n"]), (1, 33))
        os.rename(self.folder / "out.h5", self.folder / "masks.h5")
        second = self.write_deck("""job = "evaluate"
[arrays]
mask = {file = "masks.h5", dataset = "mask"}
either = {file = "masks.h5", dataset = "either"}
[evaluate]
statements = ["neither = ~(mask | either)", "count = sum(mask)"]
[output]
file = "out.h5"
""")
        self.evaluate(second, Split(2))
        file = self.read()
        np.testing.assert_array_equal(file["neither"].astype(bool), ~((x > 0) | either))
        self.assertEqual(file["count"], 50)

    def test_an_output_with_one_array_is_read_without_its_name(self):
        self.evaluate(self.write_deck(SMALL.format(statements='["v = u**2", "total = sum(v)"]')), Split(2))
        os.rename(self.folder / "out.h5", self.folder / "in.h5")
        again = self.write_deck("""job = "evaluate"
arrays.v.file = "in.h5"
evaluate.statements = ["again = sum(v)"]
output = {file = "out.h5"}
""")
        self.evaluate(again, Split(2))
        with h5py.File(self.folder / "in.h5") as file:
            self.assertEqual(self.read()["again"], file["total"][()])

    def test_many_statements(self):
        for text in ("u = u + i", "v{n} = u + {n}", "s{n} = sum(u*{n})", "w{n} = u*{n} + i; u = u + w{n}"):
            with self.subTest(text):
                statements = [text.format(n=n) for n in range(10_000)]
                deck = self.write_deck(SMALL.format(statements=json.dumps(statements)))
                self.assert_status(self.windrow("check", deck, limit_s=30), launch.DONE)

    def test_shapes_that_do_not_fit_so_many_ranks(self):
        deck = self.write_deck("""job = "evaluate"
[arrays]
a = {rows = "ranks", cols = 3, value = "i"}
b = {rows = 2, cols = 3, value = "j"}
[evaluate]
statements = ["c = a + b"]
""")
        self.assert_status(self.windrow("run", deck, ranks=2), launch.DONE)
        for result in (self.windrow("run", deck, ranks=3), self.windrow("plan", deck, "--ranks", "3")):
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, "with 3 ranks the statement 'c = a + b' is wrong: shapes (3, 3) and (2, 3)")

    def test_who_has_stored_which_rows_is_in_the_file(self):
        self.evaluate(self.write_deck(SMALL.format(statements='["v = u**2"]')), Split(3))
        with h5py.File(self.folder / "out.h5", "r") as file:
            for name in ("u", "v"):
                blocks = file[f"provenance/blocks/{name}"]
                np.testing.assert_array_equal(blocks["first_row"], [0, 66, 132])
                np.testing.assert_array_equal(blocks["rows"], [66, 66, 65])
                np.testing.assert_array_equal(blocks["world_rank"], [0, 1, 2])


NOT_FINITE = """job = "evaluate"
seed = 3

[arrays]
u = {{rows = {rows}, cols = {cols}, value = "(i*cols + j) % 1013 - 7"}}
f = {{rows = {rows}, cols = {cols}, value = "normal()", type = "float32"}}
n = {{rows = {rows}, cols = {cols}, value = "i", type = "int32"}}
x = {{file = "given.npy"}}

[evaluate]
statements = [
  "quotient = 1/u", "none = u/u", "power = exp(u*10)", "root = sqrt(u)", "natural = log(u)", "both = log(u)*(1 + 0*x)",
  "copied = x + 0", "narrow = f*1e38*1e38", "f = u*1e38", "n = 1/u", "whole = i + n*0", "is = isnan(x)", "noise = f*0 + uniform()",
  "u = 1/u", "u = where(isfinite(u), u, 0)/u", "across = sum(quotient, axis=0)", "along = mean(root, axis=1)",
  "constant = u*0 + nan", "total = sum(quotient)", "middle = mean(root)", "least = min(copied)", "places = argmax(x)"]

[output]
file = "out.h5"
durable = false
"""


class WhatIsNotFinite(EvaluateCase):
    """numpy counts in the file what the run says that it has stored."""

    def counted(self, deck, split, *arguments, env=None):
        result = self.evaluate(deck, split, "--report", "report.json", *arguments, env=env)
        return json.loads((self.folder / "report.json").read_text())["not_finite"], result

    def expected(self):
        return {name: {"nan": int(np.isnan(values).sum()), "infinite": int(np.isinf(values).sum())}
                for name, values in self.read().items() if values.dtype.kind == "f"}

    def test_every_split(self):
        for rows, cols in [(197, 23), (13, 1009), (3, 2), (1, 1)]:
            given = np.arange(float(rows * cols)).reshape(rows, cols)
            given[given % 11 == 3] = np.nan
            given[given % 131 == 5] = -np.inf
            np.save(self.folder / "given.npy", given)
            deck = self.write_deck(NOT_FINITE.format(rows=rows, cols=cols))
            x = np.arange(float(rows * cols)) % 1013 - 7
            closed = {"quotient": {"nan": 0, "infinite": int((x == 0).sum())},
                      "none": {"nan": int((x == 0).sum()), "infinite": 0},
                      "power": {"nan": 0, "infinite": int((x >= 71).sum())},
                      "root": {"nan": int((x < 0).sum()), "infinite": 0},
                      "f": {"nan": 0, "infinite": int((abs(x) >= 4).sum())},  # 3e38 is a float32, 4e38 is none
                      "copied": {"nan": len(range(3, x.size, 11)), "infinite": int(np.isinf(given).sum())}}
            for split, jit in [(Split(1), "on"), (Split(1), "off"), (Split(2), "on"), (Split(4, 2), "on"),
                               (Split(3, 1, "avx2"), "on"), (Split(2, 1, "avx2"), "off"), (Split(2, 1, "baseline"), "")]:
                with self.subTest(split, rows=rows, jit=jit):
                    found, _ = self.counted(deck, split, "--quiet", env={"WINDROW_JIT": jit})
                    self.assertEqual(found, self.expected())
                    self.assertEqual({name: found[name] for name in closed}, closed)

    def test_streamed_arrays(self):
        np.save(self.folder / "given.npy", np.full((197, 23), np.inf))
        deck = self.write_deck(NOT_FINITE.format(rows=197, cols=23))
        streamed, _ = self.counted(deck, Split(2), "memory.stream=always")
        self.assertEqual(streamed, self.expected())

    def test_a_run_says_so(self):
        deck = self.write_deck(SMALL.format(statements='["v = 1/u", "w = u/u + log(u)", "good = u + 1", "t = sum(v)"]'))
        out = self.windrow("run", deck, ranks=2).out
        self.assertIn("\nt = inf\n\nv: 1 infinite\nw: 1 NaN\n\n", out)
        deck = self.write_deck(SMALL.format(statements='["v = u + 1"]'))
        out = self.windrow("run", deck, ranks=2).out
        self.assertNotIn("NaN", out)
        self.assertNotIn("infinite", out)


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

    def test_statements_that_are_none(self):
        for statements in ('"# nothing yet"', '[""]', '["", " "]', '";"'):
            with self.subTest(statements):
                result = self.windrow("run", self.write_deck(SMALL.format(statements=statements)), "output.file=out.h5")
                self.assert_status(result, launch.USAGE)
                self.assert_one_message(result, "deck.toml:", "there is no statement in it")
                self.assertFalse((self.folder / "out.h5").exists())

    def test_every_error_points_into_its_statement(self):
        for text, offending, message in [
            ("v = u +", None, "the end of the expression"), ("v = u + * 2", "*", "'*'"), ("v = sin u", "sin", "sin(x)"),
            ("v = uu + 1", "uu", "unknown name"), ("v = u + sine(u)", "sine", "unknown function"),
            ("v = sum(3)", "sum", "of a number"), ("v = u & 1.5", "&", "whole numbers"), ("v u", "u", "expected '='"),
            ("sin = u", "sin", "word of the language"), ("v = u + sum(u, axis=2)", "sum", "axis=2"),
            ("v = mean(u, axis=0, axis=1)", "axis=1", "twice"), ("v = 1 < u < 2", "< 2", "do not chain"),
            ("provenance = sum(u)", "provenance", "the name of a group"), ("v = u[0]", "[", "parts of arrays are not taken"), ("v = u^2.0", "^", "**"), ("v = (u > 1) - (u > 2)", "-", "truth"),
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
