#!/usr/bin/python3
"""Every command: what it prints, where, and its exit status.

    /usr/bin/python3 commands_test.py WINDROW [unittest arguments]

Ends with a table of the times that the quick commands take.
"""

import contextlib
import fcntl
import json
import mmap
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "jobs"))

import h5py
import numpy as np

import launch

INPUT = launch.REPOSITORY / "input"
DECK = """\
job = "populate"
title = "a test"
[array]
rows = 30
cols = 10
value = "i*cols + j"
[output]
file = "out.h5"
"""
EXPECTED = np.arange(300.0).reshape(30, 10)


class CommandCase(launch.TestCase):
    def setUp(self):
        super().setUp()
        self.write_deck(DECK)

    def output_of(self, *arguments, **options):
        result = self.windrow(*arguments, **options)
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")
        return result.out

    def assert_usage(self, says, *arguments, **options):
        result = self.windrow(*arguments, **options)
        self.assert_status(result, launch.USAGE)
        self.assertEqual(result.out, "")
        self.assertRegex(result.err, r"\Awindrow: ")
        self.assertRegex(result.err, says)
        return result

    def array(self, path="out.h5", name="array"):
        with h5py.File(self.folder / path, "r") as file:
            return file[name][()]


class Help(CommandCase):
    COMMANDS = ("run", "check", "plan", "deck", "list", "help", "verify", "doctor")

    def test_of_the_program(self):
        text = self.output_of("--help")
        for command in self.COMMANDS:
            self.assertRegex(text, rf"(?m)^ +{command} +\S")
        self.assertEqual(self.output_of("help"), text)
        self.assertRegex(self.output_of("--version"), r"\Awindrow \d+\.\d+\.\d+\n\Z")

    def test_of_every_command(self):
        for command in self.COMMANDS:
            self.assertIn(f"windrow {command}", self.output_of(command, "--help"))
        text = self.output_of("run", "--help")
        for option in ("--output", "--overwrite", "--report", "--progress", "--shm-dir", "--pretend-nodes", "--quiet"):
            self.assertIn(option, text)
        # What the library of the command line would say if it were not told otherwise.
        self.assertNotIn("->", text)
        text = self.output_of("plan", "--help")
        for option in ("--ranks", "--nodes", "--node-memory", "--node-shm", "--here", "--json", "--sbatch"):
            self.assertIn(option, text)

    def test_of_a_job(self):
        self.assertRegex(self.output_of("list"), r"(?m)^populate +\S")
        text = self.output_of("help", "populate")
        for key in ("job", "title", "seed", "array.name", "array.rows", "array.cols", "array.type", "array.value",
                    "populate.block_rows", "populate.schedule", "output.file", "output.overwrite", "memory.pages"):
            self.assertRegex(text, rf"(?m)^{re.escape(key)} +\S")
        self.assertTrue(all(len(line) <= 100 for line in text.splitlines()))
        self.assertIn("| `array.rows` |", self.output_of("help", "populate", "--markdown"))
        self.assert_usage("'popluate'.*'populate'", "help", "popluate")

    def test_wrong_usage(self):
        for says, *arguments in [
            ("windrow --help",),
            ("frobnicate", "frobnicate"),
            ("DECK", "run"),
            ("--frobnicate", "run", "deck.toml", "--frobnicate"),
            ("--progress.*bar.*lines.*none", "run", "deck.toml", "--progress", "loud"),
            ("--progress.*bar.*lines.*none", "run", "deck.toml", "--progress", "2"),
            ("--pretend-nodes", "run", "deck.toml", "--pretend-nodes", "0"),
            ("--pretend-nodes 2 are more than the 1 rank of ", "run", "deck.toml", "--pretend-nodes", "2"),
            ("--shm-dir /proc: .*no folder", "run", "deck.toml", "--shm-dir", "/proc"),
            ("--ranks", "plan", "deck.toml", "--ranks", "0"),
            ("--ranks", "plan", "deck.toml", "--ranks", "many"),
            ("lots", "plan", "deck.toml", "--node-memory", "lots"),
            ("--nodes", "plan", "deck.toml", "--ranks", "2", "--nodes", "3"),
            ("--json", "plan", "deck.toml", "--json", "--sbatch"),
            ("'popluate'", "deck", "popluate"),
        ]:
            with self.subTest(" ".join(arguments)):
                result = self.assert_usage(says, *arguments)
                # What the library of the command line would say if it were not told otherwise.
                self.assertNotIn("->", result.err)
                self.assertLess(len(result.err), 300)

    def test_wrong_usage_is_told_once_on_many_ranks(self):
        for arguments in (["run", "deck.toml", "--progress", "loud"], ["run", "deck.toml", "--shm-dir", "missing"],
                          ["run", "deck.toml", "--shm-dir", "/proc"], ["run", "deck.toml", "--pretend-nodes", "4"]):
            result = self.windrow(*arguments, ranks=3)
            self.assert_status(result, launch.USAGE)
            self.assert_one_message(result, "windrow: " + arguments[2])

    def test_commands_but_run_speak_for_themselves(self):
        """Also as another than the first process of a launcher."""
        second = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}
        self.assert_usage("--frobnicate", "check", "deck.toml", "--frobnicate", env=second)
        result = self.windrow("verify", "missing.h5", env=second)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "windrow: ", "missing.h5")

    FULL = "standard output (/dev/full) cannot be written: No space left on device"
    CLOSED = "standard output is closed, or not open for writing"

    def without_standard_output(self, *arguments, ranks=0):
        """Twice: on a full disk, and with a closed standard output; each with what is to be said."""
        line = launch.command_line(ranks, *arguments)
        for says, redirection in ((self.FULL, "> /dev/full"), (self.CLOSED, ">&-")):
            yield says, launch.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *line], cwd=self.folder)

    def test_what_a_command_cannot_show_is_an_error(self):
        self.output_of("run", "deck.toml", "--quiet")
        for arguments in (["list"], ["help"], ["help", "run"], ["help", "populate"], ["--help"], ["--version"],
                          ["plan", "--help"], ["deck", "populate"], ["check", "deck.toml"], ["plan", "deck.toml"],
                          ["plan", "deck.toml", "output.overwrite=true", "--here"],
                          ["verify", "out.h5"], ["doctor"]):
            for says, result in self.without_standard_output(*arguments):
                with self.subTest(arguments, says=says):
                    self.assertEqual((result.status, result.err), (launch.IO, f"windrow: {says}\n"))

    def test_what_a_run_cannot_show_is_in_its_files(self):
        for says, result in self.without_standard_output("run", "deck.toml", "--overwrite", "--report", "r.json"):
            with self.subTest(says):
                self.assertEqual((result.status, result.err),
                                 (launch.DONE, f"windrow: {says}; the results are in out.h5\n"))
                self.assertEqual(json.loads((self.folder / "r.json").read_text())["exit_status"], launch.DONE)
                self.output_of("verify", "out.h5")

    def test_results_that_are_shown_alone_and_lost_are_an_error(self):
        self.write_deck('job = "evaluate"\n[arrays.u]\nrows = 9\nvalue = "i"\n[evaluate]\nstatements = "s = sum(u)"\n')
        for says, result in self.without_standard_output("run", "deck.toml"):
            with self.subTest(says):
                self.assert_status(result, launch.IO)
                self.assert_one_message(result, f"windrow: {says}; the results are lost", "try: --report FILE.json")
        for says, result in self.without_standard_output("run", "deck.toml", "--report", "r.json"):
            with self.subTest(says, report=True):
                self.assertEqual((result.status, result.err),
                                 (launch.DONE, f"windrow: {says}; the results are in r.json\n"))
                self.assertEqual(json.loads((self.folder / "r.json").read_text())["results"], {"s": 36.0})
        for says, result in self.without_standard_output("run", "deck.toml", "--quiet"):
            self.assertEqual((result.status, result.err), (launch.DONE, ""))

    def test_files_do_not_take_the_place_of_what_is_closed(self):
        """Messages would be written into them."""
        for descriptor in (0, 1, 2):
            line = launch.command_line(0, "run", "deck.toml", "--overwrite", "output.durable=false")
            process = subprocess.Popen(["sh", "-c", f'exec "$@" {descriptor}>&-', "sh", *line], cwd=self.folder,
                                       env=launch.environment(WINDROW_FAULT="write.rename:0:stop"),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(launch.end, process)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            place = os.readlink(f"/proc/{process.pid}/fd/{descriptor}")
            process.send_signal(signal.SIGCONT)
            launch.finish(process)
            self.assertEqual((process.returncode, place), (launch.DONE, "/dev/null"))


class CheckAndDeck(CommandCase):
    def test_effective_deck_has_the_same_effect(self):
        overrides = ["array.rows=6e1", "array.value=i+j", "title=a = b, \"quoted\"", "output.file=a b.h5",
                     "populate.schedule=dynamic", "seed=0x10"]
        effective = self.output_of("check", "deck.toml", *overrides)
        for line in ("rows = 60", 'value = "i+j"', 'schedule = "dynamic"', "seed = 16", "durable = true"):
            self.assertRegex(effective, rf"(?m)^{re.escape(line)}( |$)")
        self.write_deck(effective, "effective.toml")
        again = self.output_of("check", "effective.toml")
        without_comments = [re.sub(r" +#.*", "", text) for text in (effective, again)]
        self.assertEqual(*without_comments)
        self.output_of("run", "effective.toml", "--quiet")
        np.testing.assert_array_equal(self.array("a b.h5"), np.add.outer(np.arange(60.0), np.arange(10.0)))
        with h5py.File(self.folder / "a b.h5", "r") as file:
            self.assertEqual(file.attrs["title"], b'a = b, "quoted"')
            self.assertEqual(file["provenance"].attrs["seed"], 16)

    def test_effective_deck_is_in_the_file(self):
        self.output_of("run", "deck.toml", "array.rows=20", "--quiet")
        with h5py.File(self.folder / "out.h5", "r") as file:
            given, effective = (file[f"provenance/{name}"][()].decode() for name in ("deck", "effective_deck"))
        self.assertTrue(given.startswith(DECK))
        self.assertIn("array.rows=20", given)
        self.assertEqual(effective, self.output_of("check", "deck.toml", "array.rows=20"))
        for text in (given, effective):
            self.write_deck(text, "from file.toml")
            self.output_of("check", "from file.toml")

    def test_deck_to_start_from_runs(self):
        for job in [line.split()[0] for line in self.output_of("list").splitlines()]:
            self.write_deck(self.output_of("deck", job), f"{job}.toml")
            self.output_of("check", f"{job}.toml")
            result = self.windrow("run", f"{job}.toml", "--output", f"{job}.h5", ranks=2)
            self.assert_status(result, launch.DONE)
            # Whoever takes the comment signs away has a deck, too.
            text = (self.folder / f"{job}.toml").read_text()
            self.write_deck(re.sub(r"(?m)^# (\w+ = )", r"\1", text), "all.toml")
            self.output_of("check", "all.toml")

    def test_standard_input_and_overrides(self):
        self.assertEqual(self.output_of("check", "-", input=DECK), self.output_of("check", "deck.toml"))
        result = self.windrow("run", "-", "array.value=7", "--quiet", ranks=2, input=DECK)
        self.assert_status(result, launch.DONE)
        np.testing.assert_array_equal(self.array(), np.full((30, 10), 7.0))

    def test_every_deck_of_the_repository(self):
        decks = sorted(INPUT.glob("*.toml"))
        self.assertIn(INPUT / "populate.toml", decks)
        with h5py.File(self.folder / "measured.h5", "w") as file:  # of statistics.toml
            file["temperature"] = np.linspace(270.0, 310.0, 197 * 23).reshape(197, 23)
        # It is meant for twelve processors, and fills ten thousand times.
        shorter = {"sharing-original.toml": ("sharing.fills=3",)}
        for deck in decks:
            with self.subTest(deck.name):
                self.output_of("check", deck)
                self.output_of("plan", deck)
                result = self.windrow("run", deck, *shorter.get(deck.name, ()), "--overwrite", ranks=3)
                self.assert_status(result, launch.DONE)
                path = re.search(r"(?m)^written: (.*)$", result.out)
                if path:
                    self.assert_status(self.windrow("verify", path[1]), launch.DONE)


class Run(CommandCase):
    def test_alone(self):
        result = self.windrow("run", "deck.toml")
        self.assert_status(result, launch.DONE)
        np.testing.assert_array_equal(self.array(), EXPECTED)
        self.assertIn(f"array =\n{EXPECTED}\n", result.out)
        self.assertRegex(result.out + result.err, r"mpirun (-q )?-n \d+ (\S*/)?windrow run deck\.toml")
        for phase in ("start", "allocate", "populate", "write"):
            self.assertRegex(result.out, rf"(?m)^{phase} +\d+\.\d+")

    def test_closing_lines_on_many_ranks(self):
        result = self.windrow("run", "deck.toml", ranks=3)
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")
        self.assertRegex(result.out, r"(?m)^phase +seconds +GB/s +imbalance$")
        self.assertEqual(result.out.count("written: out.h5\n"), 1)
        self.assertNotIn("mpirun", result.out)
        self.assertTrue(all(character.isprintable() or character == "\n" for character in result.out), repr(result.out))

    def test_quiet(self):
        result = self.windrow("run", "deck.toml", "--quiet", ranks=2)
        self.assertEqual((result.status, result.out, result.err), (launch.DONE, "", ""))
        result = self.windrow("run", "deck.toml", "--quiet")
        self.assertEqual((result.status, result.out), (launch.IO, ""))
        self.assertIn("exists", result.err)

    def test_output_and_overwrite(self):
        self.output_of("run", "deck.toml", "--quiet", "--output", "other.nc")
        np.testing.assert_array_equal(self.array("other.nc"), EXPECTED)
        before = (self.folder / "other.nc").read_bytes()
        result = self.windrow("run", "deck.toml", "--output", "other.nc", ranks=2)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "other.nc exists", "--overwrite")
        self.assertEqual((self.folder / "other.nc").read_bytes(), before)
        self.output_of("run", "deck.toml", "--quiet", "--output", "other.nc", "--overwrite", "array.value=3")
        np.testing.assert_array_equal(self.array("other.nc"), np.full((30, 10), 3.0))
        self.assertEqual(self.files(), ["deck.toml", "other.nc"])

    def test_line_that_reads_the_output_whatever_its_name(self):
        for name in ("a b.h5", "it's.h5", 'a "b" \\ $HOME `id`.h5', "two\nlines\t.h5", "Größe.h5"):
            with self.subTest(name):
                out = self.output_of("run", "deck.toml", "--output", name)
                (line,) = re.findall(r"(?m)^read it: (.*)$", out)
                done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=self.folder,
                                      env={**os.environ, "PATH": f"/usr/bin:{os.environ['PATH']}"})
                self.assertEqual(done.stdout, f"{EXPECTED}\n", done.stderr)

    def test_without_output_nothing_is_written(self):
        self.write_deck(DECK[: DECK.index("[output]")])
        out = self.output_of("run", "deck.toml", ranks=2)
        self.assertIn(f"array =\n{EXPECTED}\n", out)
        self.assertNotIn("written", out)
        self.assertEqual(self.files(), ["deck.toml"])

    def test_progress(self):
        for style in ("auto", "bar", "lines", "none"):
            result = self.windrow("run", "deck.toml", "--progress", style, "--overwrite", ranks=2)
            self.assert_status(result, launch.DONE)

    # A second or so of computing in little memory.
    LONG = ["array.rows=1e5", "array.value=" + " + ".join(["normal()"] * 900)]

    def on_terminal(self, *arguments, ranks, columns):
        """What a run shows on a terminal of so many columns."""
        terminal, own_end = pty.openpty()
        fcntl.ioctl(own_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(launch.command_line(ranks, *arguments), stdout=own_end, stdin=own_end,
                                   stderr=subprocess.PIPE, cwd=self.folder, env=launch.environment())
        self.addCleanup(launch.end, process)
        os.close(own_end)
        shown = b""
        with open(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := screen.read(4096):
                shown += part
        self.assertEqual(process.wait(launch.LIMIT_S), launch.DONE, process.stderr.read())
        return shown.decode()

    def test_bar_on_a_terminal(self):
        for ranks, columns in ((2, 80), (0, 80), (2, 50)):
            with self.subTest(ranks=ranks, columns=columns):
                shown = self.on_terminal("run", "deck.toml", *self.LONG, "--overwrite", ranks=ranks, columns=columns)
                frames = re.findall(r"\r([^\r\n]*%[^\r\n]*)\x1b\[K", shown)
                self.assertGreater(len(frames), 2, shown)
                # A longer one would be broken into two lines, of which only the last is wiped.
                self.assertLess(max(map(len, frames)), columns)
                self.assertTrue(all("populate" in frame or "write" in frame for frame in frames))
                percents = [int(re.search(r"(\d+) %", frame)[1]) for frame in frames if "populate" in frame]
                self.assertEqual(percents, sorted(percents))
                # Wiped before the result is shown.
                self.assertRegex(shown, r"\r\x1b\[K\r?\n?array =")

    def test_no_bar_elsewhere(self):
        for ranks in (2, 0):
            result = self.windrow("run", "deck.toml", *self.LONG, "--overwrite", ranks=ranks)
            self.assert_status(result, launch.DONE)
            self.assertNotIn("\r", result.out)

    def test_processes_that_do_not_find_each_other(self):
        for variable in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
            with self.subTest(variable):
                (self.folder / "out.h5").write_text("precious")
                result = self.windrow("run", "deck.toml", "--overwrite", "--report", "r.json", env={variable: "4"})
                self.assert_status(result, launch.USAGE)
                self.assertRegex(result.err, "(?s)4 processes.*try: ")
                self.assertEqual((self.folder / "out.h5").read_text(), "precious")
                self.assertEqual(self.files(), ["deck.toml", "out.h5"])
        self.assertNotIn("MPI_ABORT", result.err)


class Report(CommandCase):
    KEYS = {"schema", "version", "job", "ranks", "nodes", "exit_status", "error", "results", "output", "memory",
            "phases"}

    def report(self, *arguments, status=launch.DONE, ranks=2):
        result = self.windrow("run", *arguments, "--report", "report.json", ranks=ranks)
        self.assert_status(result, status)
        report = json.loads((self.folder / "report.json").read_text())
        self.assertLessEqual(self.KEYS, set(report))
        self.assertEqual(report["exit_status"], status)
        self.assertEqual(report["schema"], 1)
        self.assertEqual(report["ranks"], max(ranks, 1))
        return report, result

    def test_of_a_run(self):
        report, result = self.report("deck.toml", "array.rows=100000", "--pretend-nodes", "2")
        self.assertIn(report["version"], self.output_of("--version"))
        self.assertEqual((report["job"], report["nodes"], report["error"]), ("populate", 2, None))
        self.assertEqual((report["output"], report["results"]), ("out.h5", {}))
        self.assertGreaterEqual(report["memory"]["window_bytes"], 8_000_000)
        self.assertIn("pages", report["memory"])
        phases = {phase["name"]: phase for phase in report["phases"]}
        self.assertEqual(list(phases), ["start", "allocate", "populate", "write"])
        # What is filled is written at once: nothing is left for the phase `write`.
        self.assertEqual([phases[name]["bytes"] for name in phases], [0, 0, 8_000_000, 0])
        self.assertTrue(all(0 < phase["seconds"] <= result.seconds for phase in report["phases"]))

    def test_of_every_kind_of_pages(self):
        for mode in ("auto", "collapse", "populate", "read"):
            report, result = self.report("deck.toml", "array.rows=100000", f"memory.pages={mode}", "--overwrite")
            memory = report["memory"]
            self.assertIn(f"\nmemory       {memory['pages']}\n", result.out)
            touched = memory["huge_bytes"] + memory["populated_bytes"] + memory["read_bytes"]
            self.assertGreaterEqual(touched, 8_000_000)
            if mode in ("populate", "read"):
                self.assertEqual(memory["huge_bytes"], 0)
            if mode == "read":
                self.assertEqual(memory["populated_bytes"], 0)
                self.assertGreaterEqual(memory["read_bytes"], 8_000_000)

    def test_of_runs_that_fail(self):
        report, result = self.report("deck.toml", "array.rows=0", status=launch.USAGE)
        self.assertIn("array.rows is 0", report["error"])
        self.assertIn(report["error"], result.err)
        report, _ = self.report("missing.toml", status=launch.USAGE)
        self.assertIn("missing.toml", report["error"])
        report, _ = self.report("deck.toml", "array.rows=4e16", "populate.block_rows=1e12", status=launch.RESOURCES)
        self.assertEqual((report["job"], report["output"]), ("populate", None))
        report, _ = self.report("deck.toml", "--output", "missing/out.h5", status=launch.IO, ranks=0)
        self.assertIn("missing", report["error"])

    def test_replaces_a_report_and_nothing_else(self):
        self.report("deck.toml")
        self.report("deck.toml", "--overwrite")
        self.report("missing.toml", status=launch.USAGE)
        (self.folder / "report.json").write_text("")
        self.report("deck.toml", "--overwrite")
        plan = self.output_of("plan", "deck.toml", "--json")
        for text in (plan, "{}\n", '{"precious": 1}\n', '{"schema": 1, "job": "populate"}\n', "[1]", DECK):
            with self.subTest(text[:20]):
                (self.folder / "notes.json").write_text(text)
                for deck in ("deck.toml", "missing.toml"):
                    result = self.windrow("run", deck, "--output", "other.h5", "--report", "notes.json", ranks=2)
                    self.assertIn(result.status, (launch.IO, launch.USAGE))
                    self.assert_one_message(result, "windrow: ")
                    self.assertEqual((self.folder / "notes.json").read_text(), text)
                    if deck == "deck.toml":
                        self.assert_status(result, launch.IO)
                        self.assert_one_message(result, "notes.json exists and is no report of a run; choose another")
                self.assertFalse((self.folder / "other.h5").exists())

    def test_that_cannot_be_written(self):
        result = self.windrow("run", "deck.toml", "--report", "missing/report.json", ranks=2)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "missing/report.json")


class Plan(CommandCase):
    def plan(self, *arguments):
        return json.loads(self.output_of("plan", "deck.toml", "--json", *arguments))

    def test_json(self):
        plan = self.plan("--ranks", 64, "--nodes", 3, "array.rows=6e8", "array.cols=10")
        self.assertEqual((plan["schema"], plan["ranks"], plan["nodes"]), (1, 64, 3))
        (array,) = plan["arrays"]
        self.assertEqual(array, {"name": "array", "type": "float64", "rows": 600_000_000, "cols": 10,
                                 "bytes": 48_000_000_000})
        nodes = plan["per_node"]
        self.assertEqual([node["ranks"] for node in nodes], [22, 21, 21])
        ends = [0] + [node["rows"][1] for node in nodes]
        self.assertEqual([node["rows"][0] for node in nodes], ends[:-1])
        self.assertEqual(ends[-1], 600_000_000)
        for node in nodes:
            rows = node["rows"][1] - node["rows"][0]
            self.assertGreaterEqual(node["window_bytes"], rows * 80)
            self.assertLess(node["window_bytes"], rows * 80 + (8 << 20))
            self.assertGreater(node["memory_bytes"], node["window_bytes"])
        self.assertGreater(plan["file_bytes"], array["bytes"])
        self.assertEqual(plan["file"], "out.h5")

    def test_file_is_at_most_as_large_as_planned(self):
        # Texts that the file holds several times: in the deck, in the effective one, and as an attribute.
        long_title, long_value = "title=" + 60_000 * "a", "array.value=i" + 65_000 * " " + "+1"
        escaped = "title=" + 10_000 * "\x7f"
        for overrides in ([], ["array.rows=3000", "populate.block_rows=1"], ["array.rows=1", "array.type=int32"],
                          [long_title], [long_value], [long_title, long_value], [escaped], 200 * ["seed=1"]):
            planned = self.plan("--ranks", 2, *overrides)["file_bytes"]
            self.output_of("run", "deck.toml", "--quiet", "--overwrite", *overrides, ranks=2)
            size = (self.folder / "out.h5").stat().st_size
            self.assertLessEqual(size, planned)
            # The promise: within about a hundred kilobytes.
            self.assertLess(planned - size, 150_000)

    def test_window_is_the_one_planned(self):
        for overrides in ([], ["array.rows=100003", "array.cols=7"]):
            planned = self.plan("--ranks", 3, *overrides)["per_node"][0]["window_bytes"]
            self.output_of("run", "deck.toml", "--quiet", "--overwrite", "--report", "r.json", *overrides, ranks=3)
            self.assertEqual(json.loads((self.folder / "r.json").read_text())["memory"]["window_bytes"], planned)

    def test_text(self):
        text = self.output_of("plan", "deck.toml", "--ranks", 7, "--nodes", 2, "array.rows=6e7")
        for words in ("60000000 x 10 of float64", "4.8 GB", "7 on 2 nodes", "8571428 to 8571429",
                      "out.h5, at most 4.8 GB"):
            self.assertIn(words, text)

    def test_batch_lines(self):
        text = self.output_of("plan", "deck.toml", "--sbatch", "--ranks", 8, "--nodes", 2, "array.rows=6e7")
        self.assertTrue(text.startswith("#!/bin/bash\n"), text)
        self.assertIn("#SBATCH --nodes=2\n", text)
        self.assertIn("#SBATCH --ntasks-per-node=4\n", text)
        # Half of 4.8 GB, and what four processes take.
        mebibytes = int(re.search(r"--mem=(\d+)M", text)[1])
        self.assertGreater(mebibytes << 20, 2.4e9)
        self.assertLess(mebibytes << 20, 4e9)

    def test_batch_script_keeps_words_together(self):
        name = self.write_deck(DECK, "it's a deck.toml").name
        text = self.output_of("plan", name, "--sbatch", "--ranks", 1, "title=two words; rm $HOME")
        self.assertIn("#SBATCH --job-name=it-s-a-deck\n", text)
        script = self.folder / "run.sbatch"
        script.write_text(text)
        result = launch.run(["bash", script, "--output", "batch.h5", "--quiet"], cwd=self.folder)
        self.assert_status(result, launch.DONE)
        with h5py.File(self.folder / "batch.h5") as file:
            self.assertEqual(file.attrs["title"], b"two words; rm $HOME")
        self.assert_usage("standard input", "plan", "-", "--sbatch")

    def test_batch_lines_ask_for_as_many_ranks_as_planned(self):
        text = self.output_of("plan", "deck.toml", "--sbatch", "--ranks", 7, "--nodes", 2)
        per_node = int(re.search(r"--ntasks-per-node=(\d+)", text)[1])
        self.assertTrue("--ntasks=7" in text or per_node * 2 == 7, text)

    def test_verdict_on_a_node_that_is_described(self):
        def verdict(*arguments):
            return self.output_of("plan", "deck.toml", "--ranks", 4, "array.rows=1e8", *arguments)

        self.assertNotIn("fits", verdict())
        self.assertRegex(verdict("--node-memory", "64GiB"), r"(?m)^fits +yes$")
        self.assertRegex(verdict("--node-memory", "9GB"), r"(?m)^fits +no: .*8\.4 GB.*4\.5 GB")
        self.assertRegex(verdict("--node-memory", "9GB", "--node-shm", "9GB"), r"(?m)^fits +yes$")
        self.assertRegex(verdict("--node-shm", "4GB"), r"(?m)^fits +no: ")
        # The window and the processes do not fit where the window alone does.
        self.assertRegex(verdict("--node-memory", "8.1GB", "--node-shm", "8.5GB"), r"(?m)^fits +no: .*of memory")

    def test_verdict_on_this_machine(self):
        self.output_of("plan", "deck.toml", "--here")
        petabytes = ["array.rows=1e14", "populate.block_rows=1e10"]
        result = self.windrow("plan", "deck.toml", "--here", "--ranks", 2, *petabytes)
        self.assert_status(result, launch.RESOURCES)
        self.assertRegex(result.err, r"(?s)needs 8\.4 PB of shared memory.*free.*try: ")
        self.assertIn("8.0 PB", result.out)
        # Without it a plan is a plan.
        self.output_of("plan", "deck.toml", *petabytes)


class Verify(CommandCase):
    def setUp(self):
        super().setUp()
        self.output_of("run", "deck.toml", "array.rows=50000", "--quiet")
        self.file = self.folder / "out.h5"

    def refused(self, path, says):
        result = self.windrow("verify", path)
        self.assert_status(result, launch.VERIFICATION)
        self.assertRegex(result.err, rf"\Awindrow: .*{re.escape(str(path))}")
        self.assertRegex(result.err, says)
        self.assertNotIn("whole", result.out)

    def test_whole(self):
        self.assertRegex(self.output_of("verify", "out.h5"), r"out\.h5 is whole and unchanged")

    def test_changed(self):
        with h5py.File(self.file, "r") as file:
            offset = file["array"].id.get_offset()
        content = bytearray(self.file.read_bytes())
        for place in (offset, offset + 50000 * 80 - 1, 100, len(content) - 1, len(content) // 2):
            changed = bytearray(content)
            changed[place] ^= 1
            (self.folder / "changed.h5").write_bytes(changed)
            with self.subTest(place=place):
                self.refused("changed.h5", "changed|not")

    def test_changed_element_is_named(self):
        with h5py.File(self.file, "r+") as file:
            file["array"][49999, 9] += 1
        self.refused("out.h5", "array")

    def test_cut_off_and_longer(self):
        content = self.file.read_bytes()
        for size in (0, 1, 4096, len(content) // 2, len(content) - 1):
            (self.folder / "cut.h5").write_bytes(content[:size])
            self.refused("cut.h5", "empty|cut off|not")
        (self.folder / "long.h5").write_bytes(content + b"\0")
        self.refused("long.h5", "1 bytes? too many|not")

    def test_foreign(self):
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file["array"] = EXPECTED
        self.refused("foreign.h5", "not one that Windrow")
        self.refused("deck.toml", "not a Windrow file")

    def test_moved_and_renamed_is_unchanged(self):
        shutil.copy(self.file, self.folder / "renamed.nc")
        self.output_of("verify", "renamed.nc")

    def test_not_there(self):
        for path in ("missing.h5", "."):
            result = self.windrow("verify", path)
            self.assert_status(result, launch.IO)
            self.assertIn("windrow: ", result.err)


class Doctor(CommandCase):
    def need_to_tell_the_dead(self):
        if not launch.is_isolated():
            self.skipTest("needs a /dev/shm of its own (unshare --mount), which this machine does not allow")
        if not launch.sees_all_processes():
            self.skipTest("in a container nothing is told dead, since not all processes are seen")

    def leftover(self, name, age_s=3600):
        path = pathlib.Path("/dev/shm") / name
        path.write_bytes(bytes(8192))
        os.utime(path, (time.time() - age_s,) * 2)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def session(self, pid):
        session = self.folder / f"ompi.{socket.gethostname()}.0" / f"pid.{pid}"
        session.mkdir(parents=True)
        (session / "segment").write_bytes(bytes(8192))
        os.utime(session, (0, 0))
        return session

    def doctor(self, *arguments):
        # Open MPI's session folders are looked for where temporary files are.
        return self.output_of("doctor", *arguments, env={"TMPDIR": self.folder})

    def test_advice(self):
        out = self.doctor()
        for line in out.splitlines():
            self.assertRegex(line, r"^(ok    |warn  |      +try: )")
        for subject in ("processors", "MPI", "memory", "shared memory", "leftovers"):
            self.assertRegex(out, rf"(?m)^(ok|warn) +{subject} ")

    def test_pages_are_those_that_a_run_gets(self):
        self.output_of("run", "deck.toml", "array.rows=100000", "--quiet", "--report", "r.json", ranks=2)
        memory = json.loads((self.folder / "r.json").read_text())["memory"]
        said = re.search(r"(?m)^\w+ +pages +(.*)$", self.doctor())[1]
        self.assertEqual(memory["huge_bytes"] > 0, said.startswith("2 MiB"), said)

    def test_clean_removes_what_a_dead_run_left(self):
        self.need_to_tell_the_dead()
        dead = self.leftover("vader_segment.test.0.1.0")
        mapped = self.leftover("vader_segment.test.0.1.1")
        foreign = self.leftover("somebody-elses")
        session = self.session(999999999)  # larger than any process number
        # A live one's, from a container: its process number is another one here.
        live_session = self.session(999999998)
        with open(mapped, "r+b") as file, mmap.mmap(file.fileno(), 0), \
                open(live_session / "segment", "r+b") as data, mmap.mmap(data.fileno(), 0):
            out = self.doctor()
            for path in (dead, session):
                self.assertRegex(out, rf"(?m)^warn +leftovers +{re.escape(str(path))} ")
                self.assertTrue(path.exists())
            out = self.doctor("--clean")
            for path in (dead, session):
                self.assertRegex(out, rf"(?m)^ok +leftovers +{re.escape(str(path))} .*: removed$")
                self.assertFalse(path.exists())
            self.assertTrue(mapped.exists(), "a live run's segment was removed")
            self.assertTrue(live_session.exists(), "a live run's session was removed")
        self.assertTrue(foreign.exists())

    def test_clean_spares_what_was_made_just_now(self):
        """A run that is starting has made its segment and not mapped it yet."""
        self.need_to_tell_the_dead()
        young = self.leftover("vader_segment.test.0.2.0", age_s=0)
        self.doctor("--clean")
        self.assertTrue(young.exists())

    def test_clean_in_a_container_spares_what_may_be_in_use_outside(self):
        if not launch.is_isolated():
            self.skipTest("needs a /dev/shm of its own (unshare --mount), which this machine does not allow")
        container = ["unshare", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*container, "true"], capture_output=True).returncode != 0:
            self.skipTest("needs a pid namespace (unshare --pid), which this machine does not allow")
        segment = self.leftover("vader_segment.test.0.3.0")
        session = self.session(999999999)
        with open(segment, "r+b") as file, mmap.mmap(file.fileno(), 0):
            result = launch.run([*container, *launch.command_line(0, "doctor", "--clean")], cwd=self.folder,
                                env={"TMPDIR": self.folder})
        self.assert_status(result, launch.DONE)
        for path in (segment, session):
            self.assertRegex(result.out, rf"(?m)^warn +leftovers +{re.escape(str(path))}, .*, perhaps of a live run: ")
            self.assertTrue(path.exists())


def print_times():
    """What a user waits for: median of ten."""
    deck = str(INPUT / "populate.toml")
    print(f"\n{'command':<32} {'milliseconds':>12}   (median of 10)")
    for arguments in (["--version"], ["--help"], ["list"], ["help", "populate"], ["deck", "populate"], ["check", deck],
                      ["plan", deck], ["plan", deck, "--here"]):
        seconds = sorted(launch.windrow(*arguments).seconds for _ in range(10))
        shown = " ".join(pathlib.Path(argument).name for argument in arguments)
        print(f"windrow {shown:<24} {1000 * statistics.median(seconds):>12.1f}")


if __name__ == "__main__":
    launch.main(afterwards=print_times, isolated=True)
