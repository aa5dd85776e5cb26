#!/usr/bin/python3
"""Wrong decks: every kind is told with its place, ends with status 2, and leaves nothing behind.

    /usr/bin/python3 bad_decks_test.py WINDROW [unittest arguments]
"""

import os
import re
import typing

import launch

DECK = """\
job = "populate"
[array]
rows = 30
cols = 10
value = "offset"
[output]
file = "out.h5"
"""


class Wrong(typing.NamedTuple):
    deck: str
    at: str  # "line:column" of the deck
    says: str  # a regular expression


def replaced(old, new):
    assert DECK.count(old) == 1
    return DECK.replace(old, new)


WRONG_DECKS = {
    "unknown key": Wrong(replaced("cols = 10", "colls = 10"), "4:1", "unknown key 'array.colls'.*'array.cols'"),
    "unknown key of the top level": Wrong("sed = 3\n" + DECK, "1:1", "unknown key 'sed'.*'seed'"),
    "unknown section": Wrong(DECK + "[memry]\npages = 'auto'\n", "8:1", r"unknown section \[memry\].*\[memory\]"),
    "text for a number": Wrong(replaced("30", '"many"'), "3:8", 'array.rows is "many"; .*whole number'),
    "number for a text": Wrong(replaced('"out.h5"', "5"), "7:8", "output.file is 5; .*text"),
    "fraction for a whole number": Wrong(replaced("30", "30.5"), "3:8", "array.rows is 30.5"),
    "list for a number": Wrong(replaced("30", "[30, 10]"), "3:8", "array.rows is a list"),
    "number for true or false": Wrong(DECK + "overwrite = 1\n", "8:13", "output.overwrite is 1; .*true or false"),
    "word that is no choice": Wrong(replaced("cols = 10", 'type = "float65"'), "4:8", '"float65"; .*"float64"'),
    "section for a key": Wrong(replaced("cols = 10", "cols = {a = 1}"), "4:[18]", "array.cols is a section"),
    "number for a section": Wrong("array = 5\njob = 'populate'\n", "1:9", "array is 5"),
    "zero": Wrong(replaced("30", "0"), "3:8", "array.rows is 0; .*at least 1"),
    "negative": Wrong(replaced("10", "-10"), "4:8", "array.cols is -10; .*at least 1"),
    "more than 64 bits": Wrong(replaced("30", "99999999999999999999"), "3:[0-9]+", "99999999999999999999.*64 bits"),
    "not finite": Wrong(replaced("30", "inf"), "3:8", "array.rows is inf"),
    "negative seed": Wrong("seed = -1\n" + DECK, "1:8", "seed is -1; .*at least 0"),
    "rows x cols x 8 of more than 64 bits": Wrong(replaced("30", "4e18"), "3:8",
                                                  "4000000000000000000 rows x 10 columns"),
    "rows x cols x 8 of 2^63": Wrong(replaced("rows = 30\ncols = 10", "rows = 1152921504606846976\ncols = 1"), "3:8",
                                     "1152921504606846976 rows x 1 columns"),
    "too many blocks": Wrong(replaced("30", "1e7") + "[populate]\nblock_rows = 1\n", "9:14", "blocks"),
    "missing key": Wrong(replaced("rows = 30\n", ""), "2:1", "array.rows is missing"),
    "missing section": Wrong('job = "populate"\n', "1:1", "array.rows is missing"),
    "missing job": Wrong(replaced('job = "populate"', ""), "1:1", "job is missing"),
    "empty": Wrong("", "1:1", "job is missing"),
    "unknown job": Wrong(replaced("populate", "popluate"), "1:7", "unknown job 'popluate'.*'populate'"),
    "job that is no text": Wrong(replaced('"populate"', "1"), "1:7", "job is 1; .*text"),
    "no TOML": Wrong(replaced("[array]", "[array"), "2:7", "not TOML"),
    "text without quotes": Wrong(replaced('"offset"', "offset"), "5:9", "quotes"),
    "key given twice": Wrong(replaced("cols = 10", "rows = 10"), "4:1", "'rows' is given twice"),
    "bytes that are no text": Wrong(DECK + "# caf\udce9\n", "8:6", "UTF-8"),
    "bytes of a program": Wrong("\x7fELF\x02\x01\x01\x00", "1:8", "NUL"),
    "nested lists": Wrong(DECK + "x = " + "[" * 100_000, "8:69", "nested"),
    "nested sections": Wrong(DECK + "x = " + "{a=" * 100_000, "8:197", "nested"),
    "key of many segments": Wrong("a" + ".a" * 100_000 + " = 1\n" + DECK, "1:[0-9]+", "segments"),
    "expression of an unknown name": Wrong(replaced("offset", "offset + x"), "5:19", "'x'"),
    "expression cut off": Wrong(replaced("offset", "(i + j"), "5:16", ""),
    "expression with a stranger": Wrong(replaced("offset", "i + $"), "5:14", ""),
    "expression of Python": Wrong(replaced("offset", "i ^ 0.5"), "5:12", r"\*\*"),
    "expression with too many arguments": Wrong(replaced("offset", "1 + where(i, j)"), "5:14", "where"),
    "empty expression": Wrong(replaced("offset", ""), "5:9", "expression"),
    "nested expression": Wrong(replaced("offset", "(" * 1000 + "i" + ")" * 1000), "5:[0-9]+", "nested|deep"),
    "long expression": Wrong(replaced("offset", "i" + " + i" * 100_000), "5:[0-9]+", "400001 characters"),
    "name of an array that is none": Wrong(replaced("rows = 30", 'rows = 30\nname = "a/b"'), "4:8", "'a/b'"),
    "array that the job does not have": Wrong(DECK + 'arrays = ["array", "other"]\n', "8:20", "'other'"),
}

WRONG_OVERRIDES = {
    "unknown key": ("array.rws=3", "1:1", "unknown key 'array.rws'.*'array.rows'"),
    "wrong type": ("array.rows=many", "1:12", "array.rows"),
    "out of range": ("array.rows=0", "1:12", "array.rows is 0"),
    "no value": ("array.rows=", "1:12", "no value"),
    "no key": ("=5", "1:1", ""),
    "no assignment": ("array.rows", "1:1", "array.rows"),
    "expression": ("array.value=i+*j", "1:15", ""),
    "overflow": ("array.rows=4e18", "1:12", "4000000000000000000 rows"),
}


class BadDecks(launch.TestCase):
    """`check` tells what `run` tells; that is so is a test below."""

    def assert_refused(self, result, source, at, says):
        self.assert_status(result, launch.USAGE)
        self.assertEqual(result.out, "")
        pattern = rf"(?m)^(windrow: )?{re.escape(source)}:{at}: .*{says}"
        self.assertRegex(result.err, pattern)
        # Whatever the deck holds, a terminal survives the message.
        self.assertLess(max(map(len, result.err.splitlines())), 1000)
        self.assertTrue(all(character.isprintable() or character == "\n" for character in result.err), repr(result.err))

    def test_decks(self):
        for kind, wrong in WRONG_DECKS.items():
            with self.subTest(kind):
                path = self.folder / "wrong.toml"
                path.write_bytes(wrong.deck.encode(errors="surrogateescape"))
                result = self.windrow("check", "wrong.toml")
                self.assert_refused(result, "wrong.toml", wrong.at, wrong.says)
                self.assertLess(result.seconds, 5)

    def test_overrides(self):
        self.write_deck(DECK)
        for kind, (override, at, says) in WRONG_OVERRIDES.items():
            with self.subTest(kind):
                self.assert_refused(self.windrow("check", "deck.toml", override), "command line", at, says)

    def test_everything_that_is_wrong_is_told_at_once(self):
        deck = replaced("30", "0").replace("cols", "colls").replace("offset", "i + x").replace('"out.h5"', "5")
        self.write_deck(deck)
        result = self.windrow("check", "deck.toml", "seed=-1")
        self.assert_status(result, launch.USAGE)
        for place in ("deck.toml:3:8: ", "deck.toml:4:1: ", "deck.toml:5:14: ", "deck.toml:7:8: ",
                      "command line:1:6: "):
            self.assertIn(place, result.err)

    def test_standard_input(self):
        result = self.windrow("check", "-", input=replaced("30", "0"))
        self.assert_refused(result, "<stdin>", "3:8", "array.rows is 0")

    def test_files_that_are_no_decks(self):
        secret = self.write_deck(DECK, "secret.toml")
        secret.chmod(0)
        cases = [("missing.toml", "No such file"), (".", "[Dd]irectory"), ("/dev/zero", "")]
        if os.geteuid() != 0:
            cases.append(("secret.toml", "Permission denied"))
        for path, says in cases:
            with self.subTest(path):
                result = self.windrow("check", path)
                self.assert_status(result, launch.USAGE)
                self.assertRegex(result.err, rf"{re.escape(path)}.*{says}")
                self.assertEqual(result.err.count("\n"), 1)

    def test_runs_end_on_all_ranks_with_one_message(self):
        windows = self.folder / "windows"
        windows.mkdir()
        for kind in ("unknown key", "rows x cols x 8 of more than 64 bits", "nested expression", "no TOML"):
            with self.subTest(kind):
                wrong = WRONG_DECKS[kind]
                self.write_deck(wrong.deck)
                for ranks in (0, 3):
                    result = self.windrow("run", "deck.toml", "--shm-dir", windows, ranks=ranks)
                    self.assert_refused(result, "deck.toml", wrong.at, wrong.says)
                    self.assertEqual(result.err, self.windrow("check", "deck.toml").err)
        self.write_deck(DECK)
        result = self.windrow("run", "deck.toml", "array.rws=3", ranks=3)
        self.assert_refused(result, "command line", "1:1", "")
        self.assert_one_message(result, "unknown key")
        result = self.windrow("run", "missing.toml", ranks=3)
        self.assert_status(result, launch.USAGE)
        self.assert_one_message(result, "missing.toml")
        self.assertEqual(self.files(windows), [])
        self.assertEqual(self.files(), ["deck.toml", "windows"])

    def test_as_deep_as_can_be_on_a_small_stack(self):
        """256 KiB: what is allowed works, what is deeper is refused as anywhere."""
        segments = ".".join("a" * 16)
        for levels, status in ((64, launch.DONE), (65, launch.USAGE), (255, launch.USAGE)):
            for value in ("where(i<3,i," * levels + "i" + ")" * levels, "(" * levels + "i" + ")" * levels,
                          "normal(0," * levels + "i" + ")" * levels, "-" * levels + "i", "i**" * levels + "2"):
                with self.subTest(levels=levels, value=value[:12]):
                    self.write_deck(replaced("offset", value))
                    for ranks in (0, 2):
                        result = self.on_small_stack("run", "deck.toml", "--overwrite", ranks=ranks)
                        self.assert_status(result, status)
                        self.assertEqual("nested too deeply" in result.err, status != launch.DONE, str(result))
            for opening, closing in (("[", "]"), ("{a=", "}"), ("{" + segments + "=", "}")):
                with self.subTest(levels=levels, opening=opening):
                    value = opening * levels + "1" + closing * levels
                    self.write_deck(DECK + f"x = {value}\n")
                    result = self.on_small_stack("check", "deck.toml")
                    self.assert_status(result, launch.USAGE)
                    self.assertEqual("more than 64 lists" in result.err, levels > 64, str(result))

    def on_small_stack(self, *arguments, ranks=0):
        command = launch.command_line(ranks, *arguments)
        at = command.index(launch.Program.path)
        command[at:at] = ["sh", "-c", "ulimit -s 256 && exec \"$@\"", "sh"]
        return launch.run(command, cwd=self.folder)

    def test_no_number_of_ranks_is_wrong(self):
        self.write_deck(DECK)
        for ranks in (5, 13):
            result = self.windrow("run", "deck.toml", "--overwrite", "array.rows=3", ranks=ranks)
            self.assert_status(result, launch.DONE)


if __name__ == "__main__":
    launch.main()
