#!/usr/bin/python3
"""Where ranks run: what a run tells of it, compared with what the kernel says, and what it warns of.

This machine may have one NUMA domain only: that there are more, hwloc is told by its variable HWLOC_SYNTHETIC.
"""

import json
import os
import pathlib
import unittest

import launch

DECK = """\
job = "populate"
[array]
rows = 19700
cols = 23
value = "i + j"
[populate]
block_rows = 100
[output]
file = "out.h5"
overwrite = true
"""
OPEN = sorted(os.sched_getaffinity(0))
FIRST = str(OPEN[0])


def processors_in(kernels_list):
    """The numbers of "0-2,5"."""
    ends = [part.split("-") for part in kernels_list.split(",")]
    return {number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)}


class PlacementCase(launch.TestCase):
    def start(self, *launcher, ranks=2, env=None):
        """Runs the deck; each rank is started by `launcher`, and has the kernel's word on it written down before."""
        self.write_deck(DECK)
        note = 'grep Cpus_allowed_list: /proc/$$/status >rank.$OMPI_COMM_WORLD_RANK; exec "$@"'
        command = ["mpirun", "-q", "-n", str(ranks), *launcher, "sh", "-c", note, "sh",
                   *launch.command_line(0, "run", "deck.toml", "--report", "report.json")]
        result = launch.run(command, cwd=self.folder, env=env)
        self.assert_status(result, launch.DONE)
        (self.placement,) = json.loads((self.folder / "report.json").read_text())["placement"]
        self.assertEqual(self.placement["ranks"], ranks)
        told = [(self.folder / f"rank.{rank}").read_text().split()[1] for rank in range(ranks)]
        self.allowed = [processors_in(text) for text in told]
        return result

    def assert_warned(self, result, *parts):
        self.assertEqual(result.err.count("windrow: "), 1, str(result))
        self.assertEqual(result.err.count("try: "), 1, str(result))
        for part in parts:
            self.assertIn(part, result.err, str(result))


@unittest.skipIf(len(OPEN) < 2, "needs two processors")
class Placement(PlacementCase):
    def test_report_tells_what_the_kernel_says(self):
        online = processors_in(pathlib.Path("/sys/devices/system/cpu/online").read_text())
        for binding in ("none", "core"):
            for ranks in (1, 2, 3, 7) if binding == "none" else (1, 2):
                with self.subTest(binding=binding, ranks=ranks):
                    result = self.start("--bind-to", binding, ranks=ranks)
                    self.assertEqual(result.err, "")
                    self.assertLessEqual(self.placement["processors"], len(online))
                    self.assertGreaterEqual(self.placement["processors"], len(set.union(*self.allowed)))
                    bound = sum(len(own) < self.placement["processors"] for own in self.allowed)
                    self.assertEqual(self.placement["ranks_bound"], bound)

    def test_more_ranks_than_cores_are_told_in_a_word(self):
        result = self.start("--bind-to", "none", ranks=2 * len(OPEN) + 1)
        self.assertEqual(result.err, "")
        cores = self.placement["cores"]
        self.assertRegex(result.out, rf"\Apopulate: \d+ ranks on 1 node, \S+ \({cores} cores?\)\n")
        self.assertEqual(self.placement["ranks_at_once"], self.placement["processors"])

    def test_ranks_on_one_core_are_warned_of(self):
        result = self.start("--bind-to", "none", "taskset", "-c", FIRST)
        self.assertEqual(self.allowed, [{OPEN[0]}] * 2)
        self.assertEqual(self.placement["ranks_at_once"], 1)
        self.assert_warned(result, "of the 2 ranks on ", "only 1 can run at a time", "the run may use no others")
        self.assertNotIn("windrow: ", result.out)
        whole = launch.read_output(self.folder / "out.h5").values.tobytes()
        self.start("--bind-to", "none")
        self.assertEqual(launch.read_output(self.folder / "out.h5").values.tobytes(), whole)

    def test_quiet_runs_warn(self):
        self.write_deck(DECK)
        command = ["mpirun", "-q", "-n", "2", "--bind-to", "none", "taskset", "-c", FIRST,
                   *launch.command_line(0, "run", "deck.toml", "--quiet")]
        result = launch.run(command, cwd=self.folder)
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.out, "")
        self.assert_warned(result, "only 1 can run at a time")

    def test_nodes_of_one_host_are_told_together(self):
        result = launch.windrow("run", self.write_deck(DECK), "--pretend-nodes", "2", "--report", "report.json",
                                ranks=2, cwd=self.folder)
        self.assert_status(result, launch.DONE)
        self.assertEqual(len(json.loads((self.folder / "report.json").read_text())["placement"]), 1)

    def test_doctor_tells_what_a_process_may_use(self):
        out = launch.run(["taskset", "-c", FIRST, *launch.command_line(0, "doctor")]).out
        self.assertRegex(out, rf"(?m)^warn +binding +this process may run on 1 of them: {FIRST}\n +try: ")
        out = launch.run(["mpirun", "-q", "-n", "1", "--bind-to", "none", "taskset", "-c", FIRST,
                          *launch.command_line(0, "doctor")]).out
        self.assertRegex(out, rf"(?m)^ok +binding +this process may run on 1 of them: {FIRST}$")


@unittest.skipIf(OPEN != [0, 1], "needs exactly the processors 0 and 1")
class TwoDomains(PlacementCase):
    """Two domains of one processor each, as hwloc believes."""

    def start(self, *launcher, **options):
        result = super().start("-x", "HWLOC_SYNTHETIC=numa:2 core:1 pu:1", *launcher, **options)
        if self.placement["numa_domains"] == 1:
            self.skipTest("windrow is built without hwloc")
        return result

    def test_unbound_ranks_are_warned_of(self):
        result = self.start("--bind-to", "none")
        self.assertEqual(self.placement["ranks_in_one_domain"], 0)
        self.assert_warned(result, "2 of the 2 ranks on ", "its 2 NUMA domains", "try: mpirun --bind-to core")

    def test_a_single_rank_and_ranks_that_take_turns_are_not(self):
        for ranks in (1, 3):
            self.assertEqual(self.start("--bind-to", "none", ranks=ranks).err, "")

    def test_pages_in_another_domain_are_warned_of(self):
        """The kernel knows that all memory is in domain 0."""
        result = self.start("--bind-to", "core")
        self.assertEqual(self.placement["ranks_in_one_domain"], 2)
        if self.placement["pages"] == 0:
            self.skipTest("this kernel does not tell where pages lie")
        apart = self.placement["pages_in_another_domain"]
        self.assertTrue(self.placement["pages"] // 4 < apart < self.placement["pages"], self.placement)
        self.assert_warned(result, f"of {self.placement['pages']} pages", f", {apart} lie in another NUMA domain")


if __name__ == "__main__":
    launch.main()
