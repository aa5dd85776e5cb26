#!/usr/bin/python3
"""output.compression: what readers see of compressed files, and that chunks depend on nothing but the array.

    /usr/bin/python3 compression_test.py WINDROW [unittest arguments]

Chunks are taken from the files as they are stored and decoded here, by zlib and numpy.
"""

import hashlib
import json
import typing
import zlib

import h5py
import netCDF4
import numpy as np
import xarray

import launch

# What does not become smaller: every bit of every element is random.
NOISE = "uniform()*4294967296 - 2147483648"
UNFILTERED = 0b11


class Split(typing.NamedTuple):
    ranks: int
    nodes: int = 1
    schedule: str = "static"


SPLITS = [Split(ranks, nodes) for ranks in (1, 2, 3, 4, 7) for nodes in (1, 2, 3) if nodes <= ranks]
FEW_SPLITS = [Split(1), Split(3, 2), Split(7, 1, "dynamic"), Split(7, 3), Split(7, 7)]

# shape -> type -> what half a mebibyte, in whole rows of equal numbers, comes to
SHAPES = [
    ((197, 23), "float64", (197, 23)),
    ((10007, 503), "float64", (130, 503)),  # 77 chunks: several rounds, chunks on two nodes
    ((4001, 503), "float32", (251, 503)),
    ((1_000_003,), "float32", (125_001,)),
    ((300_007,), "int64", (60_002,)),
    ((300_007, 1), "float64", (60_002, 1)),
    ((1, 300_007), "float64", (1, 60_002)),  # a row that is more than a mebibyte
    ((5, 300_007), "int32", (1, 100_003)),
    ((11, 100_003), "float64", (1, 100_003)),  # rows that are less
    ((1,), "int32", (1,)),
    ((1, 1), "float64", (1, 1)),
    ((3, 1), "int64", (3, 1)),
]


def expected_values(shape, type):
    return np.arange(np.prod(shape, dtype=np.int64)).astype(type).reshape(shape)


class Chunk(typing.NamedTuple):
    origin: tuple
    mask: int
    stored: bytes


def chunks_of(path):
    with h5py.File(path, "r") as file:
        dataset = file["array"].id
        infos = [dataset.get_chunk_info(number) for number in range(dataset.get_num_chunks())]
        chunks = [Chunk(info.chunk_offset, *dataset.read_direct_chunk(info.chunk_offset)) for info in infos]
    return sorted(chunks)


def decoded(chunk, shape, dtype):
    """The elements of a stored chunk, by the definition of HDF5's filters."""
    if chunk.mask == UNFILTERED:
        return np.frombuffer(chunk.stored, dtype).reshape(shape)
    places = np.frombuffer(zlib.decompress(chunk.stored), np.uint8).reshape(dtype.itemsize, -1)
    return np.ascontiguousarray(places.T).view(dtype).reshape(shape)


class Compression(launch.TestCase):
    def populate(self, shape, split, *overrides, type="float64", level=4, value=None, path="out.h5", **environment):
        index = "i" if len(shape) == 1 else "i*cols + j"
        cols = [f"array.cols={shape[1]}"] if len(shape) == 2 else []
        deck = self.write_deck('job = "populate"\n')
        result = self.windrow("run", deck, f"array.rows={shape[0]}", *cols, f"array.type={type}",
                              f"array.value={value or index}", f"output.compression={level}", "output.durable=false",
                              f"populate.schedule={split.schedule}", *overrides, "--output", self.folder / path,
                              "--overwrite", "--pretend-nodes", split.nodes, ranks=split.ranks, env=environment)
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")
        self.assert_status(self.windrow("verify", path), launch.DONE)
        return self.folder / path

    def check_values(self, path, expected, chunk_shape, level):
        """h5py sees the values and the filters; every chunk is there once, whole, and decodes to its elements."""
        with h5py.File(path, "r") as file:
            dataset = file["array"]
            np.testing.assert_array_equal(dataset[()], expected, strict=True)
            self.assertEqual((dataset.chunks, dataset.shuffle, dataset.compression, dataset.compression_opts),
                             (chunk_shape, True, "gzip", level))
        chunks = chunks_of(path)
        grid = [range(0, extent, step) for extent, step in zip(expected.shape, chunk_shape)]
        self.assertEqual(len(chunks), np.prod([len(origins) for origins in grid], dtype=int))
        for chunk in chunks:
            places = tuple(slice(begin, begin + size) for begin, size in zip(chunk.origin, chunk_shape))
            inside = expected[places]
            padded = np.zeros(chunk_shape, expected.dtype)
            padded[tuple(slice(0, size) for size in inside.shape)] = inside
            np.testing.assert_array_equal(decoded(chunk, chunk_shape, expected.dtype), padded)

    def test_every_shape_and_type(self):
        for shape, type, chunk_shape in SHAPES:
            for split in FEW_SPLITS:
                with self.subTest(shape=shape, type=type, split=split):
                    path = self.populate(shape, split, type=type)
                    self.check_values(path, expected_values(shape, type), chunk_shape, 4)

    def test_chunks_are_the_same_for_every_split(self):
        for shape, type, value in [((197, 23), "float64", None), ((10007, 503), "float64", "sin(i*0.01)*cos(j*0.02)"),
                                   ((4001, 503), "int32", NOISE), ((1_000_003,), "float32", "normal()")]:
            seen = set()
            for split in SPLITS:
                path = self.populate(shape, split, type=type, value=value, level=1)
                seen.add(hashlib.sha256(repr(chunks_of(path)).encode()).hexdigest())
                self.assertEqual(len(seen), 1, f"{shape} {type} {split}")

    def test_what_does_not_become_smaller_is_stored_as_it_is(self):
        shape = (10007, 503)
        path = self.populate(shape, Split(3, 2), type="int32", value=NOISE, level=9)
        chunks = chunks_of(path)
        # The last chunk is filled up with zeros, which do become smaller.
        self.assertEqual({chunk.mask for chunk in chunks[:-1]}, {UNFILTERED})
        with h5py.File(path, "r") as file:
            values = file["array"][()]
            chunk_shape = file["array"].chunks
        self.assertGreater(len(np.unique(values)), values.size * 0.99)
        self.check_values(path, values, chunk_shape, 9)
        plain = self.populate(shape, Split(2), type="int32", value=NOISE, level=0, path="plain.h5")
        with h5py.File(plain, "r") as file:
            np.testing.assert_array_equal(file["array"][()], values, strict=True)
        # Nor is it more than what the plan has promised.
        planned = self.windrow("plan", "deck.toml", f"array.rows={shape[0]}", f"array.cols={shape[1]}",
                               "array.type=int32", f"array.value={NOISE}", "output.file=out.h5",
                               "output.compression=9", "--ranks", 3, "--nodes", 2, "--json")
        most = json.loads(planned.out)["file_bytes"]
        self.assertGreaterEqual(most, path.stat().st_size)
        self.assertLess(most, 1.01 * path.stat().st_size + 300_000)

    def test_levels(self):
        sizes = {}
        for level in (0, 1, 9):
            path = self.populate((1009, 503), Split(2), value="sin(i*0.01)*cos(j*0.02)", level=level)
            sizes[level] = path.stat().st_size
            with h5py.File(path, "r") as file:
                dataset = file["array"]
                self.assertEqual(dataset.compression_opts, level or None)
                self.assertEqual(dataset.chunks is None, level == 0)
        self.assertLess(sizes[1], sizes[0])
        self.assertLess(sizes[9], sizes[1])
        for wrong in ("10", "-1", "'gzip'", "true"):
            result = self.windrow("check", "deck.toml", "array.rows=3", "array.value=1", "output.file=x.h5",
                                  f"output.compression={wrong}")
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, ": output.compression is ", "it must be a whole number from 0 to 9")

    def test_netcdf_readers(self):
        for shape, type, dimensions in [((197, 23), "float32", ("row", "col")), ((300_007,), "int64", ("row",))]:
            path = self.populate(shape, Split(3, 2), type=type, path="out.nc")
            expected = expected_values(shape, type)
            with netCDF4.Dataset(path) as dataset:
                dataset.set_auto_mask(False)
                self.assertEqual(dataset.variables["array"].dimensions, dimensions)
                filters = dataset.variables["array"].filters()
                self.assertTrue(filters["zlib"] and filters["shuffle"])
                np.testing.assert_array_equal(dataset.variables["array"][...], expected, strict=True)
            with xarray.open_dataset(path) as dataset:
                self.assertEqual(dataset["array"].dims, dimensions)
                np.testing.assert_array_equal(dataset["array"].values, expected, strict=True)

    def test_checked_runs(self):
        for split in (Split(1), Split(3), Split(4, 2, "dynamic")):
            path = self.populate((10007, 503), split, WINDROW_CHECK=1)
            self.check_values(path, expected_values((10007, 503), "float64"), (130, 503), 4)

    def test_verify_tells_what_has_changed(self):
        path = self.populate((10007, 503), Split(2), value="uniform()", level=1)
        whole = path.read_bytes()
        with h5py.File(path, "r") as file:
            places = [file["array"].id.get_chunk_info(number) for number in (0, 40, 76)]
        for place in places:
            changed = bytearray(whole)
            changed[place.byte_offset + place.size // 2] ^= 1
            path.write_bytes(changed)
            result = self.windrow("verify", path)
            self.assert_status(result, launch.VERIFICATION)
            self.assert_one_message(result, "dataset 'array', compressed (bytes ")
            begin, end = map(int, result.err.split("(bytes ")[1].split(" of ")[0].split(" to "))
            self.assertLessEqual(begin, place.byte_offset + place.size // 2)
            self.assertGreaterEqual(end, place.byte_offset + place.size // 2)
        for length in (len(whole) - 1, len(whole) // 2, 5000):
            path.write_bytes(whole[:length])
            self.assert_status(self.windrow("verify", path), launch.VERIFICATION)


if __name__ == "__main__":
    launch.main()
