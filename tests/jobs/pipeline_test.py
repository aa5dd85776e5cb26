#!/usr/bin/python3
"""The job `pipeline`: the same bytes, which are numpy's, however the work is divided and handed on.

    /usr/bin/python3 pipeline_test.py WINDROW [unittest arguments]
"""

import itertools
import json

import h5py
import numpy as np

import launch
import random_numbers

COUNT, ROWS, COLS = 23, 197, 29
DECK = f"""job = "pipeline"
seed = 11
[samples]
count = {COUNT}
rows = {ROWS}
cols = {COLS}
value = "uniform()"
[tables.weights]
rows = 1
cols = {COLS}
value = "j + 1"
[pipeline]
stages = ["x*x", "x*weights + k", "x - 0.5"]
[output]
file = "out.h5"
durable = false
"""
STAGES = "pipeline.split=stages"
MESSAGES = "pipeline.transport=messages"
ALONE = "pipeline.help=false"
WAYS = ((), (STAGES,), (STAGES, ALONE), (STAGES, ALONE, "pipeline.slots=1"), (STAGES, MESSAGES), ("pipeline.chunk=4",), ("pipeline.chunk=9e18",),
        (STAGES, "pipeline.chunk=5"))
RANKS_AND_NODES = ((0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (7, 1), (7, 3))


def uniform(sample):
    key = random_numbers.key_of(11, "samples", 0, sample)
    even, odd = random_numbers.bits((ROWS, COLS), key)
    shift = np.uint64(11)
    return random_numbers.interleave((even >> shift) * 2.0**-53, (odd >> shift) * 2.0**-53, (ROWS, COLS))


def expected():
    weights = np.arange(1, COLS + 1, dtype=float)
    return np.stack([uniform(k)**2 * weights + k - 0.5 for k in range(COUNT)])


class Pipeline(launch.TestCase):
    def setUp(self):
        super().setUp()
        self.write_deck(DECK)

    def run_deck(self, *arguments, ranks=2, status=launch.DONE, **options):
        result = self.windrow("run", "deck.toml", "--overwrite", *arguments, ranks=ranks, **options)
        self.assert_status(result, status)
        return result

    def read(self, name):
        with h5py.File(self.folder / "out.h5", "r") as file:
            return file[name][()]

    def test_arrays_are_numpys_in_every_way(self):
        arrays = expected()
        for (ranks, nodes), way in itertools.product(RANKS_AND_NODES, WAYS):
            with self.subTest(ranks=ranks, nodes=nodes, way=way):
                self.run_deck("pipeline.result=array", "--pretend-nodes", nodes, *way, ranks=ranks)
                np.testing.assert_array_equal(self.read("samples"), arrays)
                self.assert_status(self.windrow("verify", "out.h5"), launch.DONE)

    def test_numbers_are_the_same_in_every_way(self):
        arrays = expected()
        sums = set()
        for (ranks, nodes), way in itertools.product(RANKS_AND_NODES, WAYS):
            with self.subTest(ranks=ranks, nodes=nodes, way=way):
                self.run_deck("--pretend-nodes", nodes, *way, ranks=ranks)
                found = self.read("sum")
                np.testing.assert_allclose(found, arrays.sum(axis=(1, 2)), rtol=1e-14)
                sums.add((found.tobytes(), self.read("total").tobytes()))
        self.assertEqual(len(sums), 1)

    def test_results(self):
        arrays = expected()
        for result, function in {
                "mean": np.mean, "min": np.min, "max": np.max, "std": np.std, "argmax": np.argmax, "norm": np.linalg.norm,
                "count_nonzero": np.count_nonzero, "quantile(x, 0.25)": lambda x: np.quantile(x, 0.25),
                "max(x) - min(x)": np.ptp, "std(x, ddof=1)": lambda x: np.std(x, ddof=1), "any": np.any}.items():
            with self.subTest(result):
                self.run_deck(f"pipeline.result={result}", STAGES)
                name = result if result.isidentifier() else "number"
                wanted = np.array([function(x.ravel()) for x in arrays])
                np.testing.assert_allclose(self.read(name), wanted, rtol=1e-14, atol=1e-14)
                with h5py.File(self.folder / "out.h5", "r") as file:
                    self.assertEqual(file[name].dims[0].label or file[name].dims[0][0].name, "/sample")
                    if result in ("mean", "min", "max", "norm", "any"):
                        np.testing.assert_allclose(file["total"][()], function(wanted.ravel()), rtol=1e-14)

    def test_the_file_names_its_axes_and_who_did_what(self):
        for way in ((), (STAGES,)):
            self.run_deck("pipeline.result=array", *way, ranks=3)
            with h5py.File(self.folder / "out.h5", "r") as file:
                samples = file["samples"]
                self.assertEqual(samples.shape, (COUNT, ROWS, COLS))
                self.assertEqual([axis[0].name for axis in samples.dims], ["/sample", "/row", "/col"])
                self.assertEqual(samples.attrs["expression"], b"x*x | x*weights + k | x - 0.5")
                blocks = file["provenance/blocks/samples"]
                self.assertEqual(blocks["first_row"][()].tolist(), list(range(COUNT)))
                self.assertTrue(set(blocks["world_rank"][()]) <= ({2} if way else {0, 1, 2}))

    def test_samples_from_files(self):
        generator = np.random.default_rng(3)
        whole = generator.random((COUNT + 5, ROWS, COLS)).astype("f4")
        lines = whole[:, :, 0].astype(">i2")
        np.save(self.folder / "in.npy", whole)
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["plain"] = whole
            file.create_dataset("packed", data=whole, chunks=(3, 50, 7), compression=1, shuffle=True)
            file["lines"] = lines
        for source, values in {
                "{file='in.npy'}": whole, "{file='in.h5', dataset='plain'}": whole,
                "{file='in.h5', dataset='packed', slice='2:20:3'}": whole[2:20:3],
                "{file='in.h5', dataset='packed', type='float64'}": whole.astype(float),
                "{file='in.h5', dataset='lines'}": lines.astype("i4")}.items():
            with self.subTest(source):
                self.write_deck(f"job='pipeline'\nsamples={source}\npipeline.stages=['x + x', 'x - k']\n"
                                "pipeline.result='array'\noutput={file='out.h5', durable=false}\n")
                # A whole number that is not known before does not make a float larger.
                wanted = np.stack([(x + x).astype("i8" if x.dtype == "i4" else x.dtype) - x.dtype.type(n)
                                   for n, x in enumerate(values)])
                for way in ((), (STAGES,), (STAGES, MESSAGES)):
                    self.run_deck(*way, ranks=3)
                    found = self.read("samples")
                    self.assertEqual(found.dtype, wanted.dtype)
                    np.testing.assert_array_equal(found, wanted)

    def test_tables_from_files(self):
        weights = np.random.default_rng(5).random((1, COLS))
        np.save(self.folder / "weights.npy", weights)
        with h5py.File(self.folder / "weights.h5", "w") as file:
            file["w"] = weights
        self.write_deck(DECK.replace(f"rows = 1\ncols = {COLS}\nvalue = \"j + 1\"", "file = 'weights.npy'"))
        wanted = np.stack([uniform(k)**2 * weights + k - 0.5 for k in range(COUNT)])
        for source, way, nodes in itertools.product(("weights.npy", "weights.h5"), ((), (STAGES,)), (1, 2)):
            self.run_deck(f"tables.weights.file={source}", "pipeline.result=array", "--pretend-nodes", nodes, *way, ranks=3)
            np.testing.assert_array_equal(self.read("samples"), wanted)
        result = self.windrow("check", "deck.toml", "tables.weights.file=nowhere.npy")
        self.assert_status(result, launch.IO)
        self.assertIn("nowhere.npy", result.err)

    def test_numbers_with_the_samples_number(self):
        for way in ((), (STAGES,)):
            self.run_deck("pipeline.result=sum(x)*k/(rows*cols)", *way, ranks=3)
            wanted = [x.sum() * k / x.size for k, x in enumerate(expected())]
            np.testing.assert_allclose(self.read("number"), wanted, rtol=1e-14)

    def test_stages_can_change_type_and_shape(self):
        self.run_deck('pipeline.stages=["x > 0.5", "sum(x, axis=1)", "x*k"]', "pipeline.result=array", STAGES, ranks=3)
        wanted = np.stack([(uniform(k) > 0.5).sum(axis=1) * k for k in range(COUNT)])
        found = self.read("samples")
        self.assertEqual(found.dtype, "int64")
        np.testing.assert_array_equal(found, wanted)

    def test_without_output_numbers_are_shown(self):
        self.write_deck(DECK[:DECK.index("[output]")])
        result = self.windrow("run", "deck.toml", "--report", "report.json", STAGES, ranks=3)
        self.assert_status(result, launch.DONE)
        self.assertIn("\nsum =\n[", result.out)
        total = json.loads((self.folder / "report.json").read_text())["results"]["total"]
        np.testing.assert_allclose(total, expected().sum(), rtol=1e-14)
        self.assertIn(f"\ntotal = {total}\n", result.out)
        self.assertRegex(result.out, r"\nstage 1 \(x\*x\): 1 rank, waited [0-9.]+ s to hand them on\n")
        self.assertRegex(result.out, r"\nstage 3 \(x - 0.5\): 1 rank, waited [0-9.]+ s for samples[;\n]")

    def test_what_is_not_finite_is_counted(self):
        values = "samples.value=where(j == 3, nan, where(j == 4, inf, k))"
        for way in ((), (STAGES,)):
            result = self.run_deck(values, "pipeline.result=array", *way, ranks=3)
            self.assertIn(f"\nsamples: {COUNT*ROWS} NaN, {COUNT*ROWS} infinite\n", result.out)
            self.assertIn(f"\nsum: {COUNT} NaN\n", self.run_deck(values, *way, ranks=3).out)

    def test_the_first_sample_is_shown_as_numpy_does(self):
        result = self.run_deck("pipeline.result=array", STAGES, "samples.count=2", ranks=3)
        with np.printoptions():
            self.assertIn(f"\nsamples[0] =\n{expected()[0]}\n", result.out)

    def test_a_plan_tells_slots_and_passes(self):
        result = self.windrow("plan", "deck.toml", STAGES, "--ranks", 3)
        self.assert_status(result, launch.DONE)
        self.assertRegex(result.out, "stage 1: one pass over a sample; hands on 23 by slots\n")
        plan = json.loads(self.windrow("plan", "deck.toml", STAGES, "--ranks", 3, "--json").out)
        more = json.loads(self.windrow("plan", "deck.toml", STAGES, "pipeline.slots=13", "--ranks", 3, "--json").out)
        page = 4096
        slot = -(-ROWS*COLS*8 // page) * page
        grown = more["per_node"][0]["window_bytes"] - plan["per_node"][0]["window_bytes"]
        self.assertAlmostEqual(grown, 20*slot, delta=1 << 21)

    def test_wrong_decks(self):
        np.save(self.folder / "in.npy", np.zeros((COUNT, ROWS, COLS)))
        np.save(self.folder / "line.npy", np.zeros(COUNT))
        np.save(self.folder / "fortran.npy", np.asfortranarray(np.zeros((3, 4, 5))))
        wrong = {
            ("pipeline.stages=[]",): "pipeline.stages",
            ('pipeline.stages=["x*x", "x +"]',): "command line:1:29: ",
            ('pipeline.stages=["x*x", "5"]',): "it must give an array; this is one number",
            ('pipeline.stages=["x*x", "y"]',): "unknown name 'y'",
            ("pipeline.slots=0",): "pipeline.slots is 0; ",
            ("pipeline.chunk=0",): "pipeline.chunk is 0; ",
            ("pipeline.result=summ",): "unknown name 'summ'",
            ("pipeline.result=x*2",): "it must give one number for a sample; this has the shape (197, 29)",
            ("samples.value=x",): "unknown name 'x'",
            ("samples.file=in.npy",): "samples have a file already: value or file",
            ("samples.count=1e18",): "are more than 2^62 bytes",
            ("pipeline.result=array", "output.compression=3"): "is written as it is made, and not compressed",
            ("tables.k.value=1", "tables.k.rows=3"): "'k' means something in the stages",
        }
        from_file = {
            (): "samples have no value, nor a file to come from",
            ("samples.file=deck.toml",): "is none of the files that can be read",
            ("samples.file=in.npy", "samples.count=24"): f"in.npy has {COUNT} samples, not 24",
            ("samples.file=in.npy", "samples.slice=0:3, 1:2"): "it takes samples, and those whole",
            ("samples.file=line.npy",): "line.npy has 1 dimensions; samples in 2 or 3",
            ("samples.file=fortran.npy",): "save np.ascontiguousarray of it",
        }
        self.write_deck("job = 'pipeline'\n[samples]\n[pipeline]\nstages = ['x']\n", "bare.toml")
        cases = [("deck.toml", *case) for case in wrong.items()] + [("bare.toml", *case) for case in from_file.items()]
        for deck, arguments, says in cases:
            with self.subTest(arguments):
                result = self.windrow("check", deck, *arguments)
                self.assertIn(result.status, (launch.USAGE, launch.IO))
                self.assertIn(says, result.err)
        self.write_deck(DECK[:DECK.index("[output]")])
        result = self.windrow("check", "deck.toml", "pipeline.result=array")
        self.assert_status(result, launch.USAGE)
        self.assertIn("'samples' is kept in a file alone: add [output] with file", result.err)

    def test_slots_that_are_larger_than_memory(self):
        result = self.run_deck(STAGES, "pipeline.slots=1e9", ranks=3, status=launch.RESOURCES)
        self.assertEqual(result.err.count("windrow: "), 1, result)
        self.assertIn("pipeline.slots", result.err)


if __name__ == "__main__":
    launch.main()
