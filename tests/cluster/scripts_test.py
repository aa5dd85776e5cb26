#!/usr/bin/python3
"""Sweeps, scaling and planned scripts, submitted to Slurm on two hosts.

    /usr/bin/python3 scripts_test.py WINDROW [unittest arguments]
"""

import csv
import shutil
import subprocess
import xml.etree.ElementTree

import h5py
import numpy as np

from cluster_case import ClusterCase, launch

DECK = """
job = "populate"
[array]
rows = 1009
cols = 101
value = "uniform() + i*cols + j"
[output]
file = "out.h5"
"""
SLURM = launch.REPOSITORY / "slurm"


def array_of(path):
    with h5py.File(path) as file:
        return file["array"][()]


class Scripts(ClusterCase):
    def setUp(self):
        super().setUp()
        self.write_deck(DECK)

    def alone(self, *words):
        """The array that one process on one host makes."""
        result = self.on("node1", launch.Program.path, "run", "deck.toml", "--output", "alone.h5", "--overwrite",
                         "--quiet", *words)
        self.assert_status(result, launch.DONE)
        return array_of(self.folder / "alone.h5")

    def wait_until_ended(self, number):
        """A job, or all elements of a job array."""
        self.wait_until(lambda: self.on("login", "squeue", "--noheader", "--jobs", number).out == "", f"{number} ends")

    def log(self, name):
        return (self.folder / name).read_text()

    def test_sweep(self):
        for launcher in ("mpirun", "srun"):
            with self.subTest(launcher):
                number = self.submit("deck.toml", "seed", "11", "12", "--", "--output", f"{launcher}-%a.h5",
                                     script=SLURM / "array.sbatch", WINDROW_LAUNCHER=launcher,
                                     options=("--array=0-2%2", "-N2", "--ntasks-per-node=2"))
                self.wait_until_ended(number)
                for element in (0, 1):
                    log = self.log(f"windrow-array-{number}_{element}.out")
                    self.assertIn(f"element {element}: seed = {11 + element}\n", log)
                    self.assertIn("4 ranks on 2 nodes", log)
                    np.testing.assert_array_equal(array_of(self.folder / f"{launcher}-{element}.h5"),
                                                  self.alone(f"seed={11 + element}"))
                self.assertEqual(self.log(f"windrow-array-{number}_2.out"),
                                 "array.sbatch: element 2 has no value: seed has 2; try: sbatch --array=0-1 ...\n")
                self.assertFalse((self.folder / f"{launcher}-2.h5").exists())

    def test_one_element_once_more(self):
        number = self.submit("deck.toml", "seed", "11", "12", script=SLURM / "array.sbatch",
                             options=("--array=1", "-n2"))
        self.wait_until_ended(number)
        np.testing.assert_array_equal(array_of(self.folder / "deck-1.h5"), self.alone("seed=12"))
        self.assertFalse((self.folder / "deck-0.h5").exists())

    def scaling(self, *words, **options):
        """The rows of the table, as texts; the picture is one, and nothing else is left."""
        before = self.files()
        number = self.submit(*words, script=SLURM / "scaling.sbatch", **options)
        self.wait_until_ended(number)
        name = f"windrow-scaling-{number}"
        self.assertEqual(sorted({*self.files()} - {*before}), [f"{name}.csv", f"{name}.out", f"{name}.svg"],
                         self.log(f"{name}.out"))
        picture = xml.etree.ElementTree.parse(self.folder / f"{name}.svg").getroot()
        self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
        with open(self.folder / f"{name}.csv", newline="") as file:
            table = list(csv.DictReader(file))
        self.assertEqual(len(picture.findall(".//*[@class='dot']")), len(table))
        return table

    def test_scaling_over_nodes(self):
        for launcher in ("mpirun", "srun"):
            with self.subTest(launcher):
                table = self.scaling("--repeats", "2", "deck.toml", "array.cols=11", WINDROW_LAUNCHER=launcher)
                self.assertEqual([(row["kind"], row["nodes"], row["ranks"], row["size"]) for row in table],
                                 [("strong", "1", "2", "1009"), ("strong", "2", "4", "1009"),
                                  ("weak", "1", "2", "1009"), ("weak", "2", "4", "2018")])
                self.assertEqual(list(table[0])[:6], ["kind", "nodes", "ranks", "size", "seconds", "efficiency"])
                self.assertEqual(list(table[0])[6:], ["start", "allocate", "populate", "write"])
                for row in table:
                    phases = sum(float(row[phase]) for phase in ("allocate", "populate", "write"))
                    self.assertAlmostEqual(float(row["seconds"]), phases, delta=1e-4 * phases)
                    first = next(float(other["seconds"]) for other in table if other["kind"] == row["kind"])
                    parts = int(row["nodes"]) if row["kind"] == "strong" else 1
                    expected = first / float(row["seconds"]) / parts
                    self.assertAlmostEqual(float(row["efficiency"]), expected, delta=1e-4 * expected)

    def test_scaling_over_the_ranks_of_a_node(self):
        table = self.scaling("--repeats", "1", "deck.toml", options=("-N1", "--ntasks-per-node=3"))
        self.assertEqual([(row["kind"], row["nodes"], row["ranks"], row["size"]) for row in table],
                         [(kind, "1", str(ranks), str(1009 * (ranks if kind == "weak" else 1)))
                          for kind in ("strong", "weak") for ranks in (1, 2, 3)])

    def test_scaling_of_fixed_rows(self):
        table = self.scaling("--repeats", "1", "--grow", "none", "deck.toml", options=("-N1", "--ntasks-per-node=2"))
        self.assertEqual([(row["kind"], row["ranks"], row["size"]) for row in table],
                         [("strong", "1", "1009"), ("strong", "2", "1009")])

    def test_scaling_leaves_out_what_does_not_fit(self):
        """Not on one node, but on two."""
        table = self.scaling("--repeats", "1", "deck.toml", "array.rows=900000", "output.durable=false")
        self.assertEqual([(row["kind"], row["nodes"], row["size"], row["efficiency"]) for row in table],
                         [("strong", "2", "900000", "1")])

    def test_scaling_of_what_never_fits_or_fails(self):
        for words, status, told, said in (
                (["array.rows=1e12"], launch.RESOURCES, "windrow: the run needs ", "nothing fits into memory"),
                (["nothing=1"], launch.USAGE, "command line:1:1: unknown key 'nothing'", "this has failed: ")):
            with self.subTest(words=words):
                number = self.submit("deck.toml", *words, script=SLURM / "scaling.sbatch")
                self.assertEqual(self.wait_for(number).status, status)
                log = self.log(f"windrow-scaling-{number}.out")
                self.assertIn(told, log)
                self.assertIn(f"scaling.sbatch: {said}", log)

    def test_scaling_that_is_cancelled(self):
        """While a run of it does not come to an end: it ends well, and no other begins."""
        for launcher, signal, state in (("mpirun", [], "CANCELLED"), ("srun", [], "CANCELLED"),
                                        ("mpirun", ["--batch", "--signal=USR1"], "FAILED")):
            with self.subTest(launcher=launcher, signal=signal):
                before = self.files()
                number = self.submit("deck.toml", script=SLURM / "scaling.sbatch", WINDROW_LAUNCHER=launcher,
                                     WINDROW_FAULT="write.gather:1:hang")
                self.wait_until(lambda: any("windrow-tmp" in name for name in self.files()), "there is a temporary")
                self.assert_status(self.on("login", "scancel", *signal, number), 0)
                self.assertEqual(self.wait_for(number).state, state)
                self.cluster.wait_until_idle()
                log = f"windrow-scaling-{number}.out"
                self.assertEqual(self.log(log).count("windrow: ended by a signal; the output was not written"), 1,
                                 self.log(log))
                self.assertEqual(self.files(), sorted([*before, log]))
                self.assert_hosts_clean()

    def planned(self, *words, deck="deck.toml"):
        """Submits what `windrow plan --sbatch` prints, by a pipe."""
        script = subprocess.run([launch.Program.path, "plan", deck, "--sbatch", *words], cwd=self.folder,
                                check=True, capture_output=True, text=True).stdout
        return launch.run(self.cluster.command("login", "sbatch", "--parsable"), cwd=self.folder, input=script)

    def test_planned_scripts(self):
        shutil.copy(self.folder / "deck.toml", self.folder / "it's a deck.toml")
        for ranks, per_node, launcher in (("4", "2(x2)", "mpirun"), ("4", "2(x2)", "srun"), ("3", "2,1", "mpirun")):
            with self.subTest(ranks=ranks, launcher=launcher):
                out = f"planned-{ranks}-{launcher}.h5"
                script = self.folder / "planned.sbatch"
                words = ("plan", "it's a deck.toml", "title=two words", "--nodes", "2", "--ranks", ranks, "--sbatch")
                script.write_text(self.on("login", launch.Program.path, *words).out)
                number = self.on("login", "sbatch", "--parsable", script, "--output", out,
                                 env={"WINDROW_LAUNCHER": launcher}).out.strip()
                job = self.wait_for(number)
                self.assertEqual(job.status, launch.DONE, str(job))
                self.assertIn(f"{ranks} ranks on 2 nodes", self.log(f"it-s-a-deck-{number}.out"))
                self.assertRegex(self.job(number)["TRES"], r"cpu=\d+,mem=\d+M,node=2")
                np.testing.assert_array_equal(array_of(self.folder / out), self.alone())

    def test_planned_script_by_a_pipe_and_one_that_no_node_can_hold(self):
        result = self.planned("--ranks", "4", "--nodes", "2")
        self.assert_status(result, 0)
        self.assertEqual(self.wait_for(result.out.strip()).status, launch.DONE)
        np.testing.assert_array_equal(array_of(self.folder / "out.h5"), self.alone())
        result = self.planned("--ranks", "4", "--nodes", "2", "array.rows=1e8")
        self.assertNotEqual(result.status, 0)
        self.assertIn("Memory specification can not be satisfied", result.err)


if __name__ == "__main__":
    launch.main()
