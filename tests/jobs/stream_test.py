#!/usr/bin/python3
"""Arrays that pass through memory: the bytes of the run in memory, whatever they come from, in memory that is bounded.

    /usr/bin/python3 stream_test.py WINDROW [unittest arguments]
"""

import json
import unittest

import h5py
import numpy as np

import launch
import random_statements

# Rows of 0.8 MB: panels of 10 rows, seven for one rank.
ROWS, COLS = 61, 100_003
DECK = f"""job = "evaluate"
seed = 11

[arrays]
u = {{rows = {ROWS}, cols = {COLS}, value = "normal(3, 2)"}}
v = {{rows = {ROWS}, cols = {COLS}, value = "uniform(-1, 1)", type = "float32"}}
r = {{rows = 1, cols = {COLS}, value = "normal()"}}
c = {{rows = {ROWS}, cols = 1, value = "uniform()"}}
p = {{file = "in.npy"}}
d = {{file = "in.h5", dataset = "chunked", slice = "3:, 1:"}}

[evaluate]
statements = \"\"\"
w = u*exp(-v) + p*c
u = u - mean(u)
total = sum(u)
across = mean(w, axis=1, keepdims=True)
down = std(w, axis=0)
place = argmax(w)
centred = w - mean(w, axis=0) + r
q = quantile(d, [0.1, 0.5])
h = histogram(w, bins=5)
p = 2*p + d
\"\"\"

[output]
file = "out.h5"
arrays = ["u", "v", "w", "p", "d", "across", "down", "centred", "q", "h"]
durable = false
"""
STREAM = "memory.stream=always"


class Streaming(launch.TestCase):
    def setUp(self):
        super().setUp()
        generator = np.random.default_rng(5)
        np.save(self.folder / "in.npy", generator.random((ROWS, COLS)))
        with h5py.File(self.folder / "in.h5", "w") as file:
            file.create_dataset("chunked", data=generator.integers(-9, 9, (ROWS + 3, COLS + 1), dtype="i2"),
                                chunks=(7, 5000), compression=1)
        self.write_deck(DECK)

    def evaluate(self, name, ranks, *arguments, env=None):
        result = self.windrow("run", "deck.toml", "--output", name, *arguments, ranks=ranks, env=env)
        self.assert_status(result, launch.DONE)
        self.assert_status(self.windrow("verify", name), launch.DONE)
        return result

    def assert_same(self, one, other):
        with h5py.File(self.folder / one, "r") as first, h5py.File(self.folder / other, "r") as second:
            self.assertEqual(sorted(first), sorted(second))
            for name, item in first.items():
                if not isinstance(item, h5py.Dataset):
                    continue
                self.assertEqual(item[()].tobytes(), second[name][()].tobytes(), name)
                self.assertEqual(item.attrs.get("expression"), second[name].attrs.get("expression"), name)

    def test_the_bytes_of_the_run_in_memory(self):
        def arrays_and_numbers(result):
            return result.out[result.out.index("\nu ="):result.out.index("\nwritten")]

        shown = arrays_and_numbers(self.evaluate("memory.h5", 2))
        for ranks, nodes, env in ((1, 1, {}), (2, 1, {}), (3, 1, {"WINDROW_CHECK": "1"}), (4, 2, {}), (7, 3, {})):
            with self.subTest(ranks=ranks, nodes=nodes):
                name = f"{ranks}.h5"
                result = self.evaluate(name, ranks, STREAM, "--pretend-nodes", nodes, env=env)
                self.assert_same("memory.h5", name)
                self.assertEqual(arrays_and_numbers(result), shown)
                (self.folder / name).unlink()

    def test_numpy_agrees(self):
        self.evaluate("out.h5", 2, STREAM)
        with h5py.File(self.folder / "out.h5", "r") as file:
            given = np.load(self.folder / "in.npy")
            d = h5py.File(self.folder / "in.h5")["chunked"][3:, 1:]
            np.testing.assert_array_equal(file["d"], d)
            np.testing.assert_array_equal(file["p"], 2*given + d)
            np.testing.assert_allclose(file["down"], file["w"][:].std(axis=0), rtol=1e-12)
            np.testing.assert_array_equal(file["q"], np.quantile(d, [0.1, 0.5]))
            np.testing.assert_allclose(file["u"][:].mean(), 0, atol=1e-9)

    def test_random_statements(self):
        for seed in range(8):
            generator = random_statements.Generator(seed, [(197, 23), (4099,), (3, 2), (61, 131)][seed % 4])
            statements = generator.statements(40)
            deck = self.write_deck(random_statements.deck(generator, statements))
            with self.subTest(seed=seed):
                self.assert_status(self.windrow("run", deck, STREAM, "--output", "random.h5", "--overwrite", "--quiet",
                                                ranks=seed % 3 + 1), launch.DONE)
                with h5py.File(self.folder / "random.h5", "r") as file:
                    failures, _ = random_statements.failures(generator, statements, file)
                self.assertEqual(failures, [])

    def test_memory_is_bounded_by_the_panels(self):
        self.write_deck("""job = "evaluate"
[arrays.u]
rows = 20000
cols = 3000
value = "i + j"
[evaluate]
statements = ["v = u**2", "total = sum(v)"]
[output]
file = "out.h5"
durable = false
[memory]
stream = "always"
""")
        result = self.windrow("run", "deck.toml", "--report", "report.json", ranks=2)
        self.assert_status(result, launch.DONE)
        report = json.loads((self.folder / "report.json").read_text())
        # Two arrays, three panels of 8 MiB a rank, and the borders of 2 MiB extents.
        self.assertLess(report["memory"]["window_bytes"], 110e6)
        with h5py.File(self.folder / "out.h5", "r") as file:
            self.assertEqual(float(file["v"][19999, 2999]), (19999 + 2999)**2)
        plan = json.loads(self.windrow("plan", "deck.toml", "--ranks", 2, "--json").out)
        self.assertEqual(plan["per_node"][0]["window_bytes"], report["memory"]["window_bytes"])
        self.assertEqual([array["bytes"] for array in plan["arrays"]], [480_000_000]*2)

    def test_numbers_alone_need_no_output(self):
        self.write_deck("""job = "evaluate"
[arrays.u]
file = "in.npy"
[evaluate]
statements = ["v = u**2", "total = sum(v)"]
""")
        streamed = self.windrow("run", "deck.toml", STREAM, ranks=2)
        self.assert_status(streamed, launch.DONE)
        in_memory = self.windrow("run", "deck.toml", ranks=2)
        self.assertEqual([line for line in streamed.out.split("\n") if line.startswith("total =")],
                         [line for line in in_memory.out.split("\n") if line.startswith("total =")])

    def test_what_cannot_be_had(self):
        result = self.windrow("run", "deck.toml", STREAM, "output.compression=1")
        self.assert_status(result, launch.USAGE)
        self.assertIn("are not compressed", result.err)
        self.assertIn("memory.stream", self.windrow("run", "deck.toml", "memory.stream=often").err)
        (self.folder / "populate.toml").write_text('job = "populate"\n[array]\nvalue = "i"\n[memory]\nstream = "always"\n')
        self.assert_status(self.windrow("run", "populate.toml"), launch.USAGE)


if __name__ == "__main__":
    launch.main()
