#!/usr/bin/python3
"""Has files of h5py, netCDF4 and numpy read, and compares with what numpy makes of them; and files that cannot be read.

    /usr/bin/python3 inputs_test.py READ_INPUT

READ_INPUT is the program of read_input.cpp. Exit status: that of unittest.
"""

import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import unittest

import h5py
import netCDF4
import numpy as np

READ_INPUT = ""
IO = 4
ROWS, COLS = 197, 23
TYPES = ["float64", "float32", "int64", "int32"]
STORED = ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


def read(path, dataset="", part="", kind="", parts=1):
    """The array that the program reads, or (status, message)."""
    words = [READ_INPUT, str(path), dataset, part, kind, str(parts)]
    memory = 4 << 30
    done = subprocess.run(words, capture_output=True, timeout=100, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)))
    if done.returncode != 0:
        return done.returncode, done.stderr.decode(errors="replace")
    head, _, rest = done.stdout.partition(b"\n")
    _, _, data = rest.partition(b"\n")
    name, rows, cols = head.decode().split()
    array = np.frombuffer(data, name)
    return array.reshape(int(rows), int(cols)) if cols != "0" else array


def values(stored, shape):
    """Numbers of all magnitudes that the type has, NaN and infinities among them."""
    rng = np.random.default_rng(17)
    count = int(np.prod(shape))
    if np.dtype(stored).kind == "f":
        with np.errstate(over="ignore"):
            numbers = (rng.standard_normal(count) * 10.0 ** rng.integers(-12, 22, count)).astype(stored)
        numbers[:6] = [np.nan, np.inf, -np.inf, -0.0, 1.5, -1.5]
        return numbers.reshape(shape)
    numbers = np.frombuffer(rng.bytes(count * np.dtype(stored).itemsize), stored).reshape(shape)
    return numbers >> np.uint64(1) if stored == "u8" else numbers  # int64 has no more, which is a test of its own


def as_type(array, kind):
    """astype of scalars as x86 converts them: what numpy does, whatever vectors it was built for."""
    with np.errstate(all="ignore"):
        if np.dtype(kind).kind == "f" or array.dtype.kind != "f":
            return array.astype(kind)
        low = np.iinfo(kind).min
        whole = np.trunc(array.astype("longdouble"))
        fits = (whole >= low) & (whole <= np.iinfo(kind).max)
        return np.where(fits, np.where(fits, whole, 0).astype("int64"), low).astype(kind)


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def same(self, got, expected, what):
        self.assertIsInstance(got, np.ndarray, f"{what}: {got}")
        self.assertEqual(got.dtype, expected.dtype, what)
        np.testing.assert_array_equal(got, expected, what)

    def refused(self, path, *words, dataset="", part=""):
        got = read(path, dataset, part)
        self.assertIsInstance(got, tuple, f"{path} was read")
        self.assertEqual(got[0], IO, got[1])
        self.assertEqual(len([line for line in got[1].splitlines() if not line.startswith("  ")]), 1, got[1])
        for word in words:
            self.assertIn(word, got[1])


class Whole(Scratch):
    def test_every_type_and_byte_order(self):
        with h5py.File(self.folder / "types.h5", "w") as file:
            for order in "<>":
                for stored in STORED:
                    array = values(stored, (ROWS, COLS)).astype(order + stored)
                    name = f"{stored}{'le' if order == '<' else 'be'}"
                    np.save(self.folder / f"{name}.npy", array)
                    file[name] = array
                    file.create_dataset(name + "z", data=array, chunks=(50, 10), compression="gzip", shuffle=True,
                                        fletcher32=True)
        for order in ("le", "be"):
            for stored in STORED:
                array = values(stored, (ROWS, COLS))
                for kind in TYPES:
                    expected = as_type(array, kind)
                    name = stored + order
                    self.same(read(self.folder / f"{name}.npy", kind=kind, parts=3), expected, f"{name}.npy {kind}")
                    for dataset in (name, name + "z"):
                        self.same(read(self.folder / "types.h5", dataset, kind=kind, parts=2), expected,
                                  f"{dataset} {kind}")

    def test_layouts(self):
        array = values("f8", (ROWS, COLS))
        line = values("i4", (1009,))
        with h5py.File(self.folder / "layouts.h5", "w", userblock_size=1024) as file:
            file["contiguous"] = array
            file["line"] = line
            file.create_dataset("group/chunks", data=array, chunks=(7, 23))
            file.create_dataset("group/line", data=line, chunks=(100,), compression=9)
            file.create_dataset("one_chunk", data=array, chunks=array.shape, compression="gzip")
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple(array[:5].shape)
            h5py.h5d.create(file.id, b"compact", h5py.h5t.NATIVE_DOUBLE, space, plist).write(space, space, array[:5])
            file.create_dataset("never_written", (ROWS, COLS), "f4", fillvalue=2.5)
            file["link"] = h5py.SoftLink("/group/chunks")
            file.create_dataset("flags", data=array > 0)
            file.create_dataset("flags_z", data=array > 0, chunks=(10, 10), compression="gzip")
            file.create_dataset("foreign_filter", data=array, chunks=(10, 10), compression="lzf")
            file["extended"] = array.astype("longdouble")
        path = self.folder / "layouts.h5"
        for name, expected in {"contiguous": array, "group/chunks": array, "one_chunk": array, "compact": array[:5],
                               "link": array, "/line": line, "group/line": line, "extended": array,
                               "never_written": np.full((ROWS, COLS), 2.5, "f4"),
                               "flags": (array > 0).astype("i1"), "flags_z": (array > 0).astype("i1")}.items():
            for parts in (1, 4):
                self.same(read(path, name, parts=parts), expected, name)
        self.refused(path, "HDF5_PLUGIN_PATH", dataset="foreign_filter")

    def test_slices(self):
        array = values("i4", (ROWS, COLS))
        line = values("f8", (1009,))
        np.save(self.folder / "rows.npy", array)
        np.save(self.folder / "columns.npy", np.asfortranarray(array))
        np.save(self.folder / "line.npy", line)
        with h5py.File(self.folder / "s.h5", "w") as file:
            file["a"] = array
            file.create_dataset("z", data=array, chunks=(13, 5), compression="gzip")
            file.create_dataset("line", data=line, chunks=(64,))
        sources = [("rows.npy", ""), ("columns.npy", ""), ("s.h5", "a"), ("s.h5", "z")]
        for part in ("0:100, ::2", "3:4", ":", "-20:, :-3:4", "5:1000:7,3:5", " 190 : : 3 , 22:23 ", "::196"):
            expected = eval(f"array[{part}]")  # the oracle reads the very text
            for name, dataset in sources:
                for parts in (1, 3):
                    self.same(read(self.folder / name, dataset, part, parts=parts), expected, f"{name} {part}")
        for part in ("0:1000", "::3", "-5:", "7:-7:100"):
            for name, dataset in (("line.npy", ""), ("s.h5", "line")):
                self.same(read(self.folder / name, dataset, part, parts=3), eval(f"line[{part}]"), f"{name} {part}")

    def test_long_rows_and_far_ones(self):
        array = values("i2", (9, 700_001))
        np.save(self.folder / "long.npy", array)
        for part in ("", "::2", "1::3, 5::7", ":, ::600000", "2:4, 1:"):
            expected = eval(f"array[{part or ':'}]").astype("i4")
            self.same(read(self.folder / "long.npy", "", part, parts=2), expected, part)

    def test_more_than_a_block(self):
        array = np.arange(3_000_000, dtype="f8").reshape(1500, 2000)
        with h5py.File(self.folder / "big.h5", "w") as file:
            file.create_dataset("z", data=array, chunks=(70, 900), compression=1)
            file.create_dataset("line", data=array.ravel(), chunks=(100_000,))
        self.same(read(self.folder / "big.h5", "z"), array, "z")
        self.same(read(self.folder / "big.h5", "z", "1::3, 7:"), array[1::3, 7:], "z in steps")
        self.same(read(self.folder / "big.h5", "line"), array.ravel(), "line")

    def test_netcdf(self):
        array = values("f4", (ROWS, COLS))
        with netCDF4.Dataset(self.folder / "n.nc", "w") as dataset:
            dataset.createDimension("row", None)
            dataset.createDimension("col", COLS)
            dataset.createVariable("col", "f8", ("col",))[:] = np.arange(COLS)
            dataset.createVariable("u", "f4", ("row", "col"), zlib=True)[:] = array
        self.same(read(self.folder / "n.nc"), array, "the only variable")
        self.same(read(self.folder / "n.nc", "col"), np.arange(COLS, dtype="f8"), "a coordinate")

    def test_npy_versions(self):
        array = values("f8", (ROWS, COLS))
        for version in ((1, 0), (2, 0), (3, 0)):
            with open(self.folder / "v.npy", "wb") as file:
                np.lib.format.write_array(file, array, version)
            self.same(read(self.folder / "v.npy"), array, str(version))
        np.save(self.folder / "long.npy", array.astype("longdouble"))
        self.same(read(self.folder / "long.npy"), array, "long double")


    def test_truth_values(self):
        truth = values("f8", (ROWS, COLS)) > 0
        numbers = np.arange(ROWS * COLS).reshape(ROWS, COLS).astype("i1")
        np.save(self.folder / "t.npy", truth)
        np.save(self.folder / "raw.npy", numbers.view(bool))  # any byte but 0 is true
        with h5py.File(self.folder / "t.h5", "w") as file:
            file["truth"] = truth
            file["numbers"] = numbers
            for name, text in (("noted", "bool"), ("noted_bytes", np.bytes_("bool")), ("other", "int8")):
                file[name] = numbers
                file[name].attrs["dtype"] = text
            file.create_dataset("z", data=truth, chunks=(10, 10), compression="gzip")
            file.create_dataset("colours", data=numbers & 1, dtype=h5py.enum_dtype({"RED": 0, "BLUE": 1}, "i1"))
        with netCDF4.Dataset(self.folder / "t.nc", "w") as dataset:
            for axis, length in (("row", ROWS), ("col", COLS)):
                dataset.createDimension(axis, length)
            variable = dataset.createVariable("t", "i1", ("row", "col"))
            variable.setncattr("dtype", "bool")
            variable[:] = truth
        true = (numbers != 0).astype("i1")
        for path, dataset, expected in (("t.npy", "", truth.astype("i1")), ("raw.npy", "", true),
                                        ("t.h5", "truth", truth.astype("i1")), ("t.h5", "z", truth.astype("i1")),
                                        ("t.h5", "noted", true), ("t.h5", "noted_bytes", true),
                                        ("t.nc", "", truth.astype("i1")),
                                        ("t.h5", "other", numbers.astype("i4")),
                                        ("t.h5", "numbers", numbers.astype("i4")),
                                        ("t.h5", "colours", (numbers & 1).astype("i4"))):
            with self.subTest(f"{path}:{dataset}"):
                self.same(read(self.folder / path, dataset, parts=3), expected, dataset)
                for part in ("::7, 3:9", "5:9"):
                    self.same(read(self.folder / path, dataset, part), eval(f"expected[{part}]"), part)
        for kind in TYPES:
            self.same(read(self.folder / "raw.npy", kind=kind), true.astype(kind), kind)

    def test_the_largest_unsigned_numbers(self):
        held = np.array([0, 1, 2**63 - 1], "u8")
        for order in "<>":
            for array, fits in ((held, True), (np.append(held, np.uint64(2**63)), False)):
                np.save(self.folder / "u.npy", array.astype(order + "u8"))
                self.same(read(self.folder / "u.npy", kind="float64"), array.astype("f8"), order)
                if fits:
                    self.same(read(self.folder / "u.npy"), array.astype("i8"), order)
                else:
                    self.refused(self.folder / "u.npy", "u.npy has numbers of 2^63 and more", 'type = "float64"')


class Refused(Scratch):
    def test_paths(self):
        self.refused(self.folder / "none.h5", "No such file")
        self.refused(self.folder, "directory")
        os.mkfifo(self.folder / "fifo")
        self.refused(self.folder / "fifo", "not a regular file")
        for name, content in {"empty": b"", "text": b"1,2,3\n" * 100, "classic.nc": b"CDF\x01" + bytes(100)}.items():
            (self.folder / name).write_bytes(content)
        self.refused(self.folder / "empty", "empty")
        self.refused(self.folder / "text", "none of the files")
        self.refused(self.folder / "classic.nc", "nccopy")

    def test_datasets(self):
        path = self.folder / "d.h5"
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["a"] = np.arange(3.0)
        with h5py.File(path, "w") as file:
            file["a"] = np.arange(6.0).reshape(2, 3)
            file["group/b"] = np.arange(3.0)
            file["scalar"] = 1.0
            file["cube"] = np.zeros((2, 2, 2))
            file["nothing"] = np.zeros((0, 3))
            file["text"] = "abc"
            file["texts"] = np.array([b"abc"])
            file["records"] = np.zeros(3, [("x", "f8")])
            file["complex"] = np.zeros(3, complex)
            file["null"] = h5py.Empty("f8")
            file["away"] = h5py.ExternalLink("other.h5", "/a")
            file["by_way"] = h5py.SoftLink("/away")
            file["loop"] = h5py.SoftLink("/loop")
            layout = h5py.VirtualLayout((3,), "f8")
            layout[:] = h5py.VirtualSource("other.h5", "a", (3,))
            file.create_virtual_dataset("virtual", layout)
            file.create_dataset("raw", (3,), "f8", external=[(str(self.folder / "raw"), 0, 24)])
        self.refused(path, "which dataset?", "/a", "/group/b")
        for dataset, word in {"aa": "/a", "group": "is a group", "scalar": "0 dimensions", "cube": "3 dimensions",
                              "nothing": "0 x 3", "text": "text", "texts": "text", "records": "records",
                              "complex": "complex", "null": "0 dimensions", "away": "other.h5", "by_way": "other.h5",
                              "loop": "no dataset", "virtual": "virtual", "raw": "other files"}.items():
            self.refused(path, word, dataset=dataset)
        self.refused(path, "takes none", dataset="a", part="5:")
        self.refused(path, "2 dimensions", dataset="a", part=":,:,:")

    def test_more_than_any_memory_holds(self):
        """A file of a few KB that is sound: its chunks have never been written."""
        with h5py.File(self.folder / "sparse.h5", "w") as file:
            file.create_dataset("a", (10**9, 10**9), chunks=(1000, 1000))
        self.refused(self.folder / "sparse.h5", "has 1000000000 x 1000000000 elements, more than any memory holds")

    def test_npy(self):
        for name, array, word in (("c", np.zeros(3, complex), "complex"), ("u", np.array(["a"]), "text"),
                                  ("r", np.zeros(3, [("x", "f8")]), "records"), ("s", np.array(1.0), "0 dimensions"),
                                  ("m", np.zeros(2, "M8[s]"), "dates"), ("d", np.zeros((2, 2, 2)), "3 dimensions")):
            np.save(self.folder / f"{name}.npy", array)
            self.refused(self.folder / f"{name}.npy", word)
        np.save(self.folder / "o.npy", np.array([None]), allow_pickle=True)
        self.refused(self.folder / "o.npy", "objects")
        np.save(self.folder / "f.npy", np.zeros(3))
        self.refused(self.folder / "f.npy", "leave out", dataset="x")
        for shape in ("(9223372036854775807, 2)", "(99999999999999999999,)", "(-1,)", "(4611686018427387904,)"):
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
            (self.folder / "h.npy").write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)
            self.refused(self.folder / "h.npy")


class Damaged(Scratch):
    """No damage crashes the program or keeps it: it reads, or says in a line what is wrong."""

    def write(self):
        array = values("f8", (ROWS, COLS))
        np.save(self.folder / "w.npy", array)
        with h5py.File(self.folder / "c.h5", "w") as file:
            file["u"] = array
        with h5py.File(self.folder / "z.h5", "w") as file:
            file.create_dataset("u", data=array, chunks=(5, 23), compression="gzip", fletcher32=True)
        return [self.folder / name for name in ("w.npy", "c.h5", "z.h5")]

    def test_truncated(self):
        for path in self.write():
            content = path.read_bytes()
            cut = path.with_name("cut" + path.suffix)
            for length in [*range(0, len(content), 512), len(content) - 1]:
                cut.write_bytes(content[:length])
                self.refused(cut)

    def test_changed_bytes(self):
        rng = random.Random(4711)
        for path in self.write():
            content = path.read_bytes()
            changed = path.with_name("changed" + path.suffix)
            for _ in range(150):
                damaged = bytearray(content)
                for _ in range(rng.randint(1, 4)):
                    damaged[rng.randrange(min(len(damaged), 8192))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
                changed.write_bytes(damaged)
                got = read(changed)
                if isinstance(got, tuple):
                    self.assertIn(got[0], (3, IO), got[1])
                    self.assertTrue(got[1].strip())


if __name__ == "__main__":
    READ_INPUT = sys.argv.pop(1)
    unittest.main()
