#!/usr/bin/python3
"""Pictures of arrays and of who filled which block: the pixels read back and compared with the elements."""

import h5py
import numpy as np

import launch
import png

DECK = """\
job = "populate"
[array]
rows = 197
cols = 23
value = "VALUE"
[populate]
block_rows = 10
[output]
file = "out.h5"
picture = "out.png"
timeline = "time.png"
overwrite = true
"""
# Pixels for an element: what 1000 pixels have room for, and a quarter of them for a side at least.
ROW_PIXELS, COL_PIXELS = 1000 // 197, 250 // 23


def elements_shown(picture):
    """The colours of the elements, each from the middle of its pixels."""
    field = png.field(picture, 197 * ROW_PIXELS, 23 * COL_PIXELS)
    return field[ROW_PIXELS // 2 :: ROW_PIXELS, COL_PIXELS // 2 :: COL_PIXELS]


class Picture(launch.TestCase):
    def draw(self, value, *arguments, ranks=2, nodes=1):
        deck = self.write_deck(DECK.replace("VALUE", value))
        result = self.windrow("run", deck, "--pretend-nodes", nodes, *arguments, ranks=ranks)
        self.assert_status(result, launch.DONE)
        return result

    def test_light_tells_the_value_on_every_number_of_ranks(self):
        first = None
        for ranks, nodes in ((1, 1), (2, 1), (3, 2), (4, 2), (7, 3)):
            result = self.draw("i*cols + (j*7) % 23", ranks=ranks, nodes=nodes)
            self.assertIn("drawn: out.png", result.out)
            whole = (self.folder / "out.png").read_bytes()
            first = first or whole
            self.assertEqual(whole, first, f"{ranks} ranks on {nodes} nodes draw something else")
        with h5py.File(self.folder / "out.h5") as file:
            values = file["array"][:]
        colours = elements_shown(png.read(self.folder / "out.png"))
        self.assertEqual(colours.shape[:2], values.shape)
        # In the order of the values, lightness does not fall by more than a bit of a colour's parts.
        light = (colours.astype(float) @ (0.2126, 0.7152, 0.0722)).ravel()[np.argsort(values, axis=None)]
        self.assertGreater(np.diff(light).min(), -1.0)
        self.assertGreater(light[-1] - light[0], 150)

    def test_what_is_not_finite_is_grey(self):
        self.draw("sqrt(i - 50) + 1/(j - 3)")
        with h5py.File(self.folder / "out.h5") as file:
            is_finite = np.isfinite(file["array"][:])
        is_grey = (elements_shown(png.read(self.folder / "out.png")) == 0x80).all(axis=2)
        np.testing.assert_array_equal(is_grey, ~is_finite)
        self.assertTrue(0 < is_grey.sum() < is_grey.size)

    def test_every_type_has_pictures(self):
        for type_ in ("float32", "int64", "int32"):
            self.draw("i - j", f"array.type={type_}")
            colours = elements_shown(png.read(self.folder / "out.png"))
            np.testing.assert_array_equal(colours[30:, 1:], colours[29:-1, :-1], err_msg=f"diagonals of {type_}")

    def test_array_that_is_larger_than_the_picture(self):
        self.draw("i > 12345", "array.rows=20011", "array.cols=1009", ranks=3, nodes=2)
        field = png.field(png.read(self.folder / "out.png"), 1000, 250)
        colours, counts = np.unique(field[:, 100], axis=0, return_counts=True)
        self.assertEqual(len(colours), 2)
        # Pixel p shows a row of the p-th thousandth.
        self.assertIn(round(12346 / 20011 * 1000), set(counts) | set(counts + 1) | set(counts - 1))

    def test_bars_of_a_timeline_are_those_of_the_record(self):
        self.draw("i", "populate.block_rows=66", ranks=3)
        blocks = launch.read_output(self.folder / "out.h5").blocks
        lanes = png.field(png.read(self.folder / "time.png"), 250, 1000)[250 // 6 :: 250 // 3]
        begin = blocks["start"].min()
        whole = (blocks["start"] + blocks["seconds"]).max() - begin
        for rank, start, seconds in zip(blocks["world_rank"], blocks["start"], blocks["seconds"]):
            middle = (start - begin + seconds / 2) / whole * 1000
            if seconds / whole > 0.01:
                self.assertFalse((lanes[rank][int(middle)] == 0xEE).all(), f"no bar of rank {rank} at {middle}")

    def test_title_of_the_deck_in_any_letters(self):
        self.draw("i", "title=Größe 大きさ")

    def test_refused_before_computing(self):
        deck = self.write_deck(DECK.replace("VALUE", "i"))
        (self.folder / "taken.png").write_text("precious")
        for status, says, *arguments in (
                (launch.USAGE, "the name must end with .png", "output.picture=a.jpg"),
                (launch.USAGE, "the timeline and the picture are one file", "output.timeline=./out.png"),
                (launch.USAGE, "the picture and the output are one file", "output.picture=x.png", "output.file=x.png"),
                (launch.IO, "choose another output.picture", "output.picture=missing/a.png"),
                (launch.IO, "choose another output.timeline", "output.overwrite=false", "output.timeline=taken.png")):
            for command in ("run", "plan"):
                here = ("--here",) if command == "plan" else ()
                result = self.windrow(command, deck, *arguments, *here, ranks=2 if command == "run" else 0)
                self.assert_status(result, status)
                self.assert_one_message(result, says)
        self.assertEqual((self.folder / "taken.png").read_text(), "precious")
        self.assertEqual(self.files(), ["deck.toml", "taken.png"])

    def test_no_other_file_is_replaced(self):
        deck = self.write_deck(DECK.replace("VALUE", "i"), "deck.png")
        np.save(self.folder / "in", np.zeros((3, 3)))
        (self.folder / "in.npy").rename(self.folder / "in.png")
        (self.folder / "link.png").symlink_to("deck.png")
        for key in ("picture", "timeline"):
            for target in ("deck.png", "in.png", "link.png"):
                before = (self.folder / target).read_bytes()
                result = self.windrow("run", deck, f"output.{key}={target}", ranks=2)
                self.assert_status(result, launch.USAGE)
                self.assert_one_message(result, f"{target} exists and is no PNG file; choose another output.{key}")
                self.assertEqual((self.folder / target).read_bytes(), before)
            result = self.windrow("run", deck, f"output.{key}=r.png", "--report", "r.png", ranks=2)
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, "the report and a picture are one file, r.png")

    def test_no_array_of_two_dimensions(self):
        deck = self.write_deck('job = "evaluate"\n[arrays.u]\nrows = 10\nvalue = "i"\n[evaluate]\nstatements = '
                               '["v = u + 1"]\n[output]\nfile = "out.h5"\npicture = "out.png"\n')
        result = self.windrow("check", deck)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "deck.toml:9:11: no array of the output has two dimensions")

    def test_arrays_that_pass_through_memory(self):
        deck = self.write_deck('job = "evaluate"\n[arrays.u]\nrows = 10\ncols = 3\nvalue = "i"\n[evaluate]\n'
                               'statements = ["v = u + 1"]\n[output]\nfile = "out.h5"\npicture = "out.png"\n'
                               '[memory]\nstream = "always"\n')
        result = self.windrow("check", deck)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "deck.toml:10:11: arrays that pass through memory are not drawn")


if __name__ == "__main__":
    launch.main()
