#!/usr/bin/python3
"""The job mandelbrot: counts compared with those of all steps, one after the other, by numpy; its pictures and tables.

    /usr/bin/python3 mandelbrot_test.py WINDROW [unittest arguments]
"""

import json
import typing

import h5py
import numpy as np

import launch
import png

DECK = """\
job = "mandelbrot"
[mandelbrot]
rows = {rows}
cols = {cols}
x_min = {x_min}
x_max = {x_max}
y_min = {y_min}
y_max = {y_max}
limit = {limit}
[output]
file = "out.h5"
overwrite = true
durable = false
"""


class Region(typing.NamedTuple):
    rows: int
    cols: int
    limit: int
    x_min: float = -2.0
    x_max: float = 0.6
    y_min: float = -1.17
    y_max: float = 1.17


class Split(typing.NamedTuple):
    ranks: int
    nodes: int = 1
    schedule: str = "dynamic"
    block_rows: int = 0
    level: str = ""


REGION = Region(197, 23, 300)
SPLITS = [Split(1), Split(1, 1, "static", 1, "baseline"), Split(1, 1, "guided", 3, "avx2"), Split(2),
          Split(2, 2, "guided"), Split(3, 1, "guided", 1), Split(3, 2, "dynamic", 10), Split(4, 2, "static", 7),
          Split(4, 1, "dynamic", 1), Split(7, 3, "dynamic", 197), Split(7, 1, "guided", 2)]


def counts(region):
    """All steps of all points. Each operation is rounded by itself, as numpy does."""
    x = region.x_min + (np.arange(region.cols) + 0.5) * ((region.x_max - region.x_min) / region.cols)
    y = region.y_max - (np.arange(region.rows) + 0.5) * ((region.y_max - region.y_min) / region.rows)
    c_real, c_imaginary = np.meshgrid(x, y)
    real, imaginary = np.zeros_like(c_real), np.zeros_like(c_real)
    found = np.zeros(c_real.shape, np.int32)
    with np.errstate(all="ignore"):
        for step in range(1, region.limit + 1):
            product = real * imaginary
            real, imaginary = (real * real - imaginary * imaginary) + c_real, (product + product) + c_imaginary
            is_outside = ~(real * real + imaginary * imaginary <= 4.0)
            found[is_outside & (found == 0)] = step
    return found


class Mandelbrot(launch.TestCase):
    def counts(self, region, split, *arguments):
        deck = self.write_deck(DECK.format(**region._asdict()))
        blocks = [f"mandelbrot.block_rows={split.block_rows}"] if split.block_rows else []
        level = {"WINDROW_LEVEL": split.level} if split.level else {}
        result = self.windrow("run", deck, f"mandelbrot.schedule={split.schedule}", *blocks, "--pretend-nodes",
                              split.nodes, *arguments, ranks=split.ranks, env=level)
        self.assert_status(result, launch.DONE)
        return launch.read_output(self.folder / "out.h5", "counts")

    def test_every_split_and_schedule(self):
        expected = counts(REGION)
        self.assertGreater((expected == 0).sum(), 100)
        self.assertGreater(len(np.unique(expected)), 20)
        for split in SPLITS:
            with self.subTest(split=split):
                output = self.counts(REGION, split)
                self.assertEqual(output.values.dtype, np.int32)
                np.testing.assert_array_equal(output.values, expected)

    def test_every_row_is_recorded_once(self):
        for split in SPLITS:
            with self.subTest(split=split):
                blocks = self.counts(REGION, split).blocks
                rows = np.concatenate([np.arange(first, first + count)
                                       for first, count in zip(blocks["first_row"], blocks["rows"])])
                np.testing.assert_array_equal(np.sort(rows), np.arange(REGION.rows))
                self.assertLess(blocks["world_rank"].max(), split.ranks)

    def test_extents_of_all_kinds(self):
        for region in (Region(1, 1, 5), Region(3, 1, 40), Region(1, 1009, 100), Region(5, 31, 1), Region(2, 67, 17)):
            for split in (Split(1), Split(4, 2), Split(7, 3, "guided")):
                with self.subTest(region=region, split=split):
                    np.testing.assert_array_equal(self.counts(region, split).values, counts(region))

    def test_regions_near_and_far(self):
        """Spirals near the border, the needle on the real axis, the whole plane where all leave at once."""
        for region in (Region(31, 37, 3000, -0.7436438896, -0.7436438846, 0.1318259027, 0.1318259063),
                       Region(3, 211, 500, -2.0, 0.25, -1e-9, 1e-9), Region(23, 29, 50, -1e100, 1e100, -9.0, 1e50),
                       Region(17, 19, 2000, 0.2499, 0.2501, -1e-4, 1e-4)):
            with self.subTest(region=region):
                np.testing.assert_array_equal(self.counts(region, Split(2, 1, "guided", 1)).values, counts(region))

    def test_a_step_beyond_which_nobody_could_go(self):
        """Points inside are found to go round: a thousand million steps each would take years."""
        inside = self.counts(Region(13, 17, 1_000_000_000, -0.2, 0.1, -0.2, 0.2), Split(2)).values
        self.assertFalse(inside.any())

    def test_what_is_written_behind_is_compressed_or_not(self):
        expected = counts(REGION)
        np.testing.assert_array_equal(self.counts(REGION, Split(3, 2), "output.compression=4").values, expected)

    def test_picture_has_row_0_and_the_largest_imaginary_part_at_the_top(self):
        region = Region(99, 101, 200, -0.5, 0.5, 0.0, 2.0)
        values = self.counts(region, Split(2), "output.picture=out.png", "output.timeline=time.png").values
        self.assertFalse((values[0] == 0).any(), "far above the set all points leave")
        self.assertTrue((values[-1] == 0).any(), "on the real axis some stay")
        field = png.field(png.read(self.folder / "out.png"), 99 * 9, 101 * 9)[4::9, 4::9]
        np.testing.assert_array_equal((field == 0x80).all(axis=2), values == 0)
        png.field(png.read(self.folder / "time.png"), 250, 1000)

    def test_report_tells_the_imbalance(self):
        self.counts(Region(64, 4001, 1000, -0.2, 0.2, -0.2, 8.0), Split(2, 1, "static"), "--report", "report.json")
        (phase,) = [phase for phase in json.loads((self.folder / "report.json").read_text())["phases"]
                    if phase["name"] == "mandelbrot"]
        # By how much, depends on the machine.
        self.assertGreaterEqual(phase["seconds"], phase["mean_seconds"])
        self.assertGreater(phase["mean_seconds"], 0)

    def test_wrong_decks(self):
        for says, change in (("must be above x_min, 0.6", "mandelbrot.x_max=0.6"),
                             ("must be above y_min", "mandelbrot.y_max=-3"),
                             ("is too far from 0", "mandelbrot.y_max=1e101"),
                             ("mandelbrot.limit is 0", "mandelbrot.limit=0"),
                             ('mandelbrot.x_min is "left"; it must be a number', 'mandelbrot.x_min="left"'),
                             ("mandelbrot.x_min is nan; it must be a number", "mandelbrot.x_min=nan"),
                             ("4000000000000000000 x 23 points are too many", "mandelbrot.rows=4e18"),
                             ("take mandelbrot.block_rows=2 or more", "mandelbrot.rows=2e6")):
            deck = self.write_deck(DECK.format(**REGION._replace(x_min=0.6 if "x_max" in change else -2.0)._asdict()))
            blocks = ["mandelbrot.block_rows=1"] if "block_rows" in says else []
            result = self.windrow("check", deck, change, *blocks)
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, says)

    def test_file_tells_what_it_is(self):
        self.counts(REGION, Split(2))
        with h5py.File(self.folder / "out.h5") as file:
            self.assertIn(b"radius 2", file["counts"].attrs["expression"])


if __name__ == "__main__":
    launch.main()
