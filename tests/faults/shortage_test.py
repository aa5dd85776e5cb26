#!/usr/bin/python3
"""Too little shared memory, memory or disk: said before anything is lost, with the right status.

    /usr/bin/python3 shortage_test.py WINDROW [unittest arguments]
"""

import contextlib
import json
import os
import re
import shlex
import subprocess

import interposed
from fault_case import DECK, LONG, FaultCase, go_on, launch


def without_room_reserved():
    """As on a file system that cannot do it."""
    return interposed.environment("fallocate=ENOSYS")


def remedies(result):
    return re.findall(r"^  try: (.*)$", result.err, re.MULTILINE)


class SharedMemory(FaultCase):
    def run_in(self, folder, *arguments, ranks=2):
        return self.run_deck("--shm-dir", folder, *arguments, ranks=ranks)

    def test_too_large_is_told_before_anything_is_allocated(self):
        folder = self.mounted("small", "size=8m")
        result = self.run_in(folder, "array.rows=1e6", "--report", "report.json")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", f"{folder} has 8.4 MB free")
        self.assertRegex(result.err, r"needs 9\d\.\d MB of shared memory on \S+, where")
        self.assertEqual(result.out, "")
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual([phase["name"] for phase in report["phases"] if phase["name"] != "start"], [])
        self.assertEqual(self.files(folder), [])
        self.assert_nothing_left()

    def test_pretended_nodes_share_the_memory_of_their_host(self):
        folder = self.mounted("small", "size=18m")
        self.assert_status(self.run_in(folder, "--pretend-nodes", 2, "array.rows=250000", ranks=4), launch.RESOURCES)
        self.assert_status(self.run_in(folder, "--pretend-nodes", 2, "array.rows=100000", ranks=4), launch.DONE)

    def test_as_large_as_what_is_free(self):
        """At the limit a run either works or is refused before it starts: nothing comes to light in between."""
        plan = json.loads(self.windrow("plan", "deck.toml", "--ranks", 2, "--json").out)
        (node,) = plan["per_node"]
        folder = self.mounted("exact", f"size={node['window_bytes'] - 4096}")
        self.assert_status(self.run_in(folder), launch.RESOURCES)
        for spare in (0, 4096, 65536, 1 << 20, 4 << 20):
            with self.subTest(spare=spare):
                self.remount(folder, f"size={node['window_bytes'] + spare}")
                result = self.run_in(folder, "--overwrite")
                if result.status != launch.DONE:
                    self.assert_status(result, launch.RESOURCES)
                    self.assertIn("windrow: the run needs ", result.err)
                self.assertEqual(self.files(folder), [])
        self.assert_status(result, launch.DONE)
        self.assert_whole()

    def test_output_beside_the_window(self):
        """Each of the two would fit alone, and the window is there when the file is written."""
        folder = self.mounted("small", "size=15m")
        result = self.run_in(folder, "--output", "small/out.h5")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "of shared memory on", "MB of it for the output small/out.h5",
                                "try: a folder on a disk, --output DIR/out.h5")
        self.assertEqual(self.files(folder), [])
        self.assert_status(self.run_in(folder, "--output", "output/out.h5"), launch.DONE)
        self.remount(folder, "size=22m")
        self.assert_status(self.run_in(folder, "--output", "small/out.h5"), launch.DONE)
        self.assert_whole("small/out.h5")

    def test_one_rank_needs_no_shared_memory(self):
        folder = self.mounted("small", "size=64k")
        self.assert_status(self.run_in(folder, ranks=1), launch.DONE)
        self.assert_whole()

    def test_folder_that_is_none(self):
        for folder in ("missing", "deck.toml"):
            result = self.run_in(folder)
            self.assert_status(result, launch.USAGE)
            self.assertIn(folder, result.err)
        self.assert_nothing_left()


class Disk(FaultCase):
    def test_too_large_is_told_before_computing(self):
        self.mounted("output", "size=1m")
        result = self.run_deck(LONG)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "output/out.h5", "1.0 MB free", "try: another folder")
        self.assert_nothing_left()

    def test_disk_that_a_neighbour_fills_does_not_hurt_a_run(self):
        """Room for the file is reserved before anything is computed."""
        runs = 0
        for kind, mounted in (("tmpfs", lambda: self.mounted("output", "size=16m")),
                              ("ext4", lambda: self.mounted_ext4("output", 24 << 20))):
            with self.subTest(kind):
                output = mounted()
                process, ranks = self.start_and_stop_in_phase()
                with open(output / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
                    while file.write(bytes(4096)):
                        pass
                self.assertLess(os.statvfs(output).f_bavail * os.statvfs(output).f_frsize, 4096)
                go_on(ranks)
                self.assert_status(launch.finish(process), launch.DONE)
                self.assert_whole()
                # What was reserved beyond need is given back.
                status = (output / "out.h5").stat()
                self.assertLess(status.st_blocks * 512, status.st_size + 64 * 1024)
                runs += 1
        launch.figure("a disk that is full costs no half file",
                      "filled to the last block by a neighbour while the array is computed; tmpfs and ext4",
                      f"{runs} runs, {runs} times a whole file: its room had been reserved")

    def test_disk_without_inodes(self):
        self.mounted("output", "size=16m,nr_inodes=1")
        result = self.run_deck()
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: cannot write output/out.h5: No space left on device", "df -i")

    def test_disk_that_fills_during_the_run(self):
        output = self.mounted("output", "size=16m")
        for free in (0, 512 << 10, 4 << 20):
            with self.subTest(free=free):
                process, ranks = self.start_and_stop_in_phase(**without_room_reserved())
                filler = output / "filler"
                filler.write_bytes(bytes((16 << 20) - free - 65536))
                go_on(ranks)
                result = launch.finish(process)
                self.assert_status(result, launch.RESOURCES)
                self.assert_one_message(result, "windrow: cannot write output/out.h5: No space left on device",
                                        "output has ", " free\n  try: free room there, or another folder")
                filler.unlink()
                self.assert_nothing_left()
        self.assert_status(self.run_deck(), launch.DONE)

    def test_old_output_that_takes_the_room(self):
        self.mounted("output", "size=12m")
        self.assert_status(self.run_deck(), launch.DONE)
        result = self.run_deck("--overwrite")
        self.assert_status(result, launch.RESOURCES)
        self.assert_whole()
        (command,) = re.findall(r"^  try: (rm \S+), which frees 8\.\d MB: ", result.err, re.MULTILINE)
        # Where it would not be enough, it is not advised.
        self.assertNotIn("try: rm", self.run_deck("--overwrite", "array.rows=2e5").err)
        subprocess.run(shlex.split(command), cwd=self.folder, check=True)
        self.assert_status(self.run_deck("--overwrite"), launch.DONE)
        self.assert_whole()

    def test_windows_on_a_disk_are_told_of(self):
        disk = self.mounted_ext4("disk", 24 << 20)
        result = self.run_deck("--shm-dir", disk)
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, "windrow: the shared windows, ", f"lie in {disk}, which is on a disk (ext4)",
                                "try: --shm-dir /")
        plan = self.windrow("plan", "deck.toml", "output.overwrite=true", "--here", "--ranks", 2,
                            env={**self.env, "OMPI_MCA_osc_sm_backing_directory": disk})
        self.assert_status(plan, launch.DONE)
        self.assertEqual(plan.err, result.err)
        result = self.run_deck("--shm-dir", disk, "--overwrite", ranks=1)
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")

    def test_too_large_for_a_real_small_file_system(self):
        self.mounted_ext4("output", 12 << 20)
        result = self.run_deck(LONG, "array.rows=3e5")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "output/out.h5 needs 24.", "try: another folder")
        (setting,) = re.findall(r"try: (array\.type=float32) in another folder, which needs 12\.\d MB", result.err)
        self.assertEqual(self.outputs(), [])
        # What is told to fit does.
        self.assert_status(self.run_deck("array.rows=2e5"), launch.RESOURCES)
        self.assert_status(self.run_deck("array.rows=2e5", setting), launch.DONE)
        self.assert_whole()

    def test_real_small_file_system_that_fills_during_the_run(self):
        output = self.mounted_ext4("output", 24 << 20)
        runs = 0
        for durable, free in (("false", 0), ("false", 512 << 10), ("true", 4 << 20)):
            with self.subTest(free=free, durable=durable):
                process, ranks = self.start_and_stop_in_phase(f"output.durable={durable}", **without_room_reserved())
                filler = output / "filler"
                status = os.statvfs(output)
                with open(filler, "wb") as file:
                    os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - free - 65536)
                go_on(ranks)
                result = launch.finish(process)
                self.assert_status(result, launch.RESOURCES)
                self.assert_one_message(result, "windrow: cannot write output/out.h5: No space left on device",
                                        "output has ", " free\n  try: free room there, or another folder")
                filler.unlink()
                self.assertEqual(self.outputs(), [])
                runs += 1
        self.assert_status(self.run_deck(), launch.DONE)
        launch.figure("a disk that is full costs no half file", "an ext4 of 24 MB that reserves no room, filled while the array is "
                      "computed; with and without fsync", f"{runs} runs, {runs} times status 3, 0 files left")

    def test_compressed_output_on_a_real_small_file_system(self):
        """How much it needs is known when it is written: 40 MB that become small fit into 24, noise does not."""
        self.mounted_ext4("output", 24 << 20)
        for ranks, nodes in ((0, 1), (3, 1), (4, 2)):
            for durable in ("false", "true"):
                with self.subTest(ranks=ranks, nodes=nodes, durable=durable):
                    arguments = ("array.rows=5e5", "output.compression=1", f"output.durable={durable}",
                                 "--pretend-nodes", nodes)
                    result = self.run_deck("array.value=uniform()", *arguments, ranks=ranks)
                    self.assert_status(result, launch.RESOURCES)
                    self.assert_one_message(result, "windrow: cannot write output/out.h5: No space left on device",
                                            "output has ", " free\n  try: free room there, or another folder")
                    self.assertEqual(self.outputs(), [])
                    self.assert_status(self.run_deck(*arguments, ranks=ranks), launch.DONE)
                    self.assert_whole()
                    (self.output / "out.h5").unlink()

    def outputs(self):
        return [name for name in self.files(self.output) if name != "lost+found"]

    def mounted_ext4(self, name, size_bytes):
        """A new ext4, of blocks of 1 KiB, in a file of the test's folder."""
        if not launch.is_isolated():
            self.skipTest("needs a mount namespace (unshare --mount), which this machine does not allow")
        path = self.folder / name
        path.mkdir(exist_ok=True)
        image = self.folder / f"{name}.ext4"
        for command in (["truncate", "--size", str(size_bytes), image],
                        ["mkfs.ext4", "-q", "-b", "1024", "-m", "0", "-O", "^has_journal", image],
                        ["mount", "-o", "loop", image, path]):
            try:
                done = subprocess.run(command, capture_output=True, text=True)
            except FileNotFoundError as error:
                self.skipTest(f"cannot make a small ext4: {error}")
            if done.returncode != 0:
                self.skipTest(f"cannot make a small ext4: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", path], check=True)
        return path


class Remedies(FaultCase):
    """What the messages advise is done, and works."""

    def test_remedies_for_shared_memory(self):
        self.mounted("small", "size=8m")
        larger = self.mounted("larger", "size=120m")
        shm = ["--shm-dir", "small"]
        rows = "array.rows=1e6"
        told = remedies(self.run_deck(rows, *shm))
        self.assertRegex(told[0], r"^--shm-dir \S+, which has \d+\.\d [MG]B free")
        followed = 0

        def follow(*arguments, ranks=2):
            nonlocal followed
            self.assert_status(self.run_deck(rows, "--overwrite", *arguments, ranks=ranks), launch.DONE)
            followed += 1

        follow(*told[0].split(",")[0].split())
        (mount,) = [remedy for remedy in told if remedy.startswith("as root, ")]
        subprocess.run(shlex.split(mount.split(", ")[1]), check=True)
        follow(*shm)
        self.remount(self.folder / "small", "size=8m")
        self.assertTrue(any(remedy.startswith("1 rank") for remedy in told))
        follow(*shm, ranks=1)
        self.remount(self.folder / "small", "size=50m")
        told = remedies(self.run_deck(rows, "--overwrite", *shm))
        (smaller,) = [remedy.split(",")[0] for remedy in told if remedy.startswith("array.type=")]
        follow(smaller, *shm)
        self.assertEqual(self.files(larger), [])
        # More nodes, by the plan: just enough of them.
        (nodes,) = {int(number) for number in re.findall(r"--nodes=(\d+)", "\n".join(told))}
        for number, verdict in ((nodes, "yes"), (nodes - 1, "no: ")):
            plan = self.windrow("plan", "deck.toml", rows, "--ranks", 2 * number, "--nodes", number, "--node-shm",
                                "50M")
            self.assertIn(f"fits         {verdict}", plan.out)
        followed += 1
        launch.figure("what a message about shortage advises works",
                      "each remedy for too little shared memory followed: other folder, larger tmpfs, one rank, "
                      "smaller type, more nodes (by plan)", f"{followed} followed, {followed} work")

    def test_plan_here_refuses_the_outputs_that_the_run_refuses(self):
        (self.output / "out.h5").write_text("old")
        (self.folder / "deck.h5").write_text(DECK)
        for arguments, status in ((["deck.toml"], launch.IO), (["deck.toml", "output.overwrite=true"], launch.DONE),
                                  (["deck.toml", "output.file=output"], launch.IO),
                                  (["deck.toml", "output.file=missing/a.h5"], launch.IO),
                                  (["deck.h5", "output.file=deck.h5"], launch.USAGE)):
            for ranks in (0, 2):
                with self.subTest(arguments=arguments, ranks=ranks):
                    plan = self.windrow("plan", *arguments, "--here", env=self.env)
                    self.assert_status(plan, status)
                    self.assertEqual(plan.err, self.windrow("run", *arguments, ranks=ranks, env=self.env).err)
                    (self.output / "out.h5").write_text("old")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_plan_here_says_what_the_run_says(self):
        small = self.mounted("small", "size=20m")
        self.mounted("output", "size=10m")
        same = 0
        for arguments in ([], ["array.rows=1.2e5"], ["array.rows=2e5"], ["array.rows=1e6"], ["array.rows=1e12"],
                          ["array.rows=1e6", "array.type=float32"]):
            for ranks in (1, 2):
                with self.subTest(arguments=arguments, ranks=ranks):
                    env = {**self.env, "OMPI_MCA_osc_sm_backing_directory": small}
                    plan = self.windrow("plan", "deck.toml", "--here", "--ranks", ranks, *arguments, env=env)
                    run = self.windrow("run", "deck.toml", *arguments, ranks=ranks, env=env)
                    (self.output / "out.h5").unlink(missing_ok=True)
                    self.assertEqual(plan.status, run.status, f"{plan}\n{run}")
                    # The memory that is available is another one a moment later; the two small file systems are the
                    # test's own.
                    first = [re.sub(r"has \d+\.\d [kMGT]B available$", "", result.err.split("\n  try:")[0].strip())
                             for result in (plan, run)]
                    self.assertEqual(*first)
                    same += 1
        launch.figure("`plan --here` tells beforehand what the run will tell",
                      "decks that fit, and that are too large for shared memory, memory or disk; 1 and 2 ranks",
                      f"{same} decks, {same} same answers")


if __name__ == "__main__":
    launch.main(isolated=True)
