#!/usr/bin/python3
"""The job `sharing`: every way runs, on any number of ranks, and leaves nothing behind.

    /usr/bin/python3 sharing_test.py WINDROW [unittest arguments]

That numbers have arrived is looked at by the job itself, sum by sum; here it is looked at that it notices when they have
not, and what the table says of memory and ranks.
"""

import json
import os
import pathlib
import signal
import struct
import time

import h5py
import numpy as np

import launch

DECK = """job = "sharing"
[sharing]
numbers = 300_007
fills = 3
[output]
file = "out.h5"
durable = false
"""
FILL = ("computation", "private", "window", "window-lock", "elements", "elements-lock")
MOVE = ("read", "messages", "put", "get", "serialised", "pipe", "fifo", "queue", "disk-file", "tmpfs-file", "mapped-file")
SERVE = ("server-one", "server-all", "server-lost")
LOAD = ("load-once", "load-each")
ALL = FILL + MOVE + SERVE + LOAD


def left_behind():
    folders = [pathlib.Path("/dev/shm"), pathlib.Path("/dev/mqueue")]
    return [path.name for folder in folders if folder.is_dir() for path in folder.glob("windrow-sharing.*")]


class Sharing(launch.TestCase):
    def setUp(self):
        super().setUp()
        self.write_deck(DECK)

    def run_deck(self, *arguments, ranks=2, **options):
        result = self.windrow("run", "deck.toml", "--overwrite", "--report", "report.json", *arguments, ranks=ranks,
                              **options)
        self.assert_status(result, launch.DONE)
        return result

    def columns(self):
        with h5py.File(self.folder / "out.h5", "r") as file:
            names = file["seconds"].attrs["expression"].decode().split("ways: ")[1].split(", ")
            return names, {name: dict(zip(names, file[name][()]))
                           for name in ("seconds", "rate", "cpu_seconds", "server_cpu_seconds", "memory")}

    def test_every_way_on_any_number_of_ranks(self):
        for ranks, nodes in ((0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (7, 1), (7, 3)):
            with self.subTest(ranks=ranks, nodes=nodes):
                result = self.run_deck("--pretend-nodes", nodes, "sharing.numbers=10007", ranks=ranks)
                names, columns = self.columns()
                self.assertEqual(tuple(names), ALL)
                alone = ranks < 2 or nodes == ranks
                for name in ALL:
                    is_run = not alone or name in FILL + LOAD
                    self.assertEqual(np.isfinite(columns["seconds"][name]), is_run, name)
                self.assertEqual("needs two ranks a node" in result.out, alone)
                self.assertEqual(left_behind(), [])
                phases = [phase["name"] for phase in json.loads((self.folder / "report.json").read_text())["phases"]]
                self.assertEqual([name for name in ALL if name in phases],
                                 [name for name in ALL if np.isfinite(columns["seconds"][name])])

    def test_memory_is_what_a_way_holds(self):
        numbers = 1_000_003
        self.run_deck(f"sharing.numbers={numbers}", ranks=2)
        memory = self.columns()[1]["memory"]
        # In parts: pages aside, and what libraries keep for themselves.
        for name, parts in {"computation": 0, "private": 2, "window": 2, "elements": 2, "read": 2, "messages": 2, "put": 3,
                            "get": 3, "pipe": 2, "tmpfs-file": 3, "mapped-file": 1, "server-all": 2, "load-once": 2,
                            "load-each": 4}.items():
            self.assertAlmostEqual(memory[name] / (8*numbers), parts, delta=0.6, msg=name)

    def test_servers_tell_their_processor_time(self):
        self.run_deck(ranks=3)
        _, columns = self.columns()
        for name in ALL:
            self.assertEqual(columns["server_cpu_seconds"][name] > 0, name in SERVE, name)
        self.assertTrue(all(columns["rate"][name] > 0 for name in ALL))

    def test_the_table_is_shown(self):
        result = self.run_deck(ranks=2)
        self.assertIn("\n300007 numbers a rank, filled 3 times, 2 ranks; each way's numbers were added up and found right\n",
                      result.out)
        for line in ("shared window, in place .* MB  Array, np.frombuffer",
                     "server, asked by all .* MB  Manager\\(\\).list",
                     "    the change is lost: the server's numbers are the old ones"):
            self.assertRegex(result.out, line)

    def test_the_table_is_drawn(self):
        for ranks in (1, 2):
            self.run_deck("output.picture=ways.png", ranks=ranks)
            picture = (self.folder / "ways.png").read_bytes()
            self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", picture[16:24])
            self.assertTrue(600 < width < 1200 and len(ALL)*20 < height < len(ALL)*40, (width, height))

    def test_some_ways(self):
        self.run_deck('sharing.ways=["pipe", "window"]', ranks=2)
        self.assertEqual(self.columns()[0], ["window", "pipe"])

    def test_a_folder_that_has_no_room_for_files(self):
        result = self.run_deck("sharing.folder=/proc", 'sharing.ways=["disk-file", "window"]', ranks=2)
        self.assertRegex(result.out, r"file on a disk +not here: (/proc/|a file in /proc)")
        self.assertTrue(np.isnan(self.columns()[1]["seconds"]["disk-file"]))

    def test_wrong_decks(self):
        for argument, says in (('sharing.ways=["pip"]', "there is no way 'pip'; the ways are: computation, private"),
                               ('sharing.ways=["pipe", "pipe"]', "'pipe' is named twice"),
                               ("sharing.numbers=0", "sharing.numbers is 0"), ("sharing.fills=0", "sharing.fills is 0"),
                               ("sharing.folder=nowhere", "there is no folder nowhere")):
            with self.subTest(argument):
                result = self.windrow("check", "deck.toml", argument)
                self.assert_status(result, launch.USAGE)
                self.assertIn(says, result.err)

    def test_a_rank_that_is_killed_ends_all_and_leaves_nothing(self):
        for way in ("window", "elements-lock", *MOVE, *SERVE, "load-once"):
            with self.subTest(way):
                process = launch.start(3, "run", "deck.toml", f'sharing.ways=["{way}"]', "sharing.fills=1e9",
                                       env={"WINDROW_GRACE": "3"}, cwd=self.folder)
                self.addCleanup(launch.end, process)
                deadline = time.monotonic() + 20
                while len(launch.children(process.pid)) < 3 and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(0.8)
                os.kill(launch.children(process.pid)[1], signal.SIGKILL)
                self.assert_status(launch.finish(process), 128 + signal.SIGKILL)
                self.assertEqual(left_behind(), [])
                self.assertEqual(self.files(), ["deck.toml"])


if __name__ == "__main__":
    launch.main(isolated=True)
