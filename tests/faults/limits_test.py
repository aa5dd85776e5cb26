#!/usr/bin/python3
"""Limits of processes and of control groups: met before anything is computed, or told by all ranks as one.

    /usr/bin/python3 limits_test.py WINDROW [unittest arguments]
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import time

import interposed
from fault_case import END_S, LONG, FaultCase, launch, wait_until

# A rank limits itself before it becomes windrow.
LIMITED = 'test "$OMPI_COMM_WORLD_RANK" != {rank} || ulimit {limit}; exec "$0" "$@"'


def rank_of(pid):
    for word in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if word.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(word.split(b"=")[1])
    raise AssertionError(f"process {pid} has no rank")


class Processes(FaultCase):
    def run_limited(self, rank, limit, *arguments, ranks=3):
        program = [launch.Program.path, "run", "deck.toml", "--overwrite", *arguments, "--report", "report.json"]
        command = ["mpirun", "-q", "-n", str(ranks), "sh", "-c", LIMITED.format(rank=rank, limit=limit), *program]
        return launch.run(command, env=self.env, cwd=self.folder)

    def assert_told(self, result, *parts):
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", *parts)
        self.assertIn("try: ", result.err)
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual(report["exit_status"], launch.RESOURCES)
        self.assertIn(report["error"], result.err)
        self.assertNotIn("populate", [phase["name"] for phase in report["phases"]])
        self.assert_nothing_left()

    def test_address_space_of_one_rank(self):
        for rank in (0, 2):
            with self.subTest(rank=rank):
                result = self.run_limited(rank, "-v 400000", "array.rows=4e6", LONG)
                self.assert_told(result, "each rank needs an address space of 32", "`ulimit -v` leaves ")
        self.assert_status(self.run_limited(1, "-v 900000"), launch.DONE)

    def test_size_of_files_of_one_rank(self):
        # The leader makes the file of the window; all write the output.
        self.assert_told(self.run_limited(0, "-f 12000", "array.rows=2e6", LONG), "the file behind the shared window",
                         "`ulimit -f` leaves ")
        self.assert_told(self.run_limited(2, "-f 12000", "array.rows=2e6", LONG), "the output output/out.h5 needs",
                         "`ulimit -f` leaves ")
        self.assert_status(self.run_limited(2, "-f 400000", "array.rows=2e6"), launch.DONE)

    def test_size_of_files_below_that_of_the_output(self):
        self.assert_told(self.run_limited(0, "-f 4000", LONG, ranks=1), "the output output/out.h5 needs",
                         "`ulimit -f` leaves ")

    def test_size_of_files_that_compression_exceeds(self):
        """Which is not known before; the output is named as the deck names it."""
        program = [launch.Program.path, "run", "deck.toml", "--output", "u.h5", "output.compression=1",
                   "array.value=uniform()"]
        result = launch.run(["sh", "-c", 'ulimit -f 2000; exec "$@"', "sh", *program], env=self.env, cwd=self.folder)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: cannot write u.h5: File too large\n", "try: `ulimit -f unlimited`")
        self.assertNotIn("u.h5", self.files())

    def test_memory_of_its_own_of_a_single_rank(self):
        self.assert_told(self.run_limited(0, "-d 100000", "array.rows=4e6", LONG, ranks=1), "`ulimit -d` leaves ")

    def test_allocation_that_fails_on_one_rank_alone(self):
        """What the preflight cannot see: the limit comes after it."""
        runs = 0
        for number, limit in ((resource.RLIMIT_AS, 256 << 20), (resource.RLIMIT_FSIZE, 8 << 20)):
            for victim in (0, 2) if number == resource.RLIMIT_AS else (0,):
                with self.subTest(limit=number, victim=victim):
                    process = self.start("array.rows=2e6", "--quiet", "--report", "report.json", ranks=3,
                                         WINDROW_FAULT="allocate.before:*:stop")
                    pids = self.stopped_ranks(process, 3)
                    for pid in pids:
                        if rank_of(pid) == victim:
                            resource.prlimit(pid, number, (limit, limit))
                        os.kill(pid, signal.SIGCONT)
                    result = launch.finish(process, END_S)
                    self.assert_told(result, "a window of 16", "cannot be allocated: ")
                    self.assertRegex(result.err, r"found: \d+\.\d MB (of address space left|allowed to a file) by")
                    runs += 1
        folder = self.mounted("full", "size=100m,nr_inodes=1")
        self.assert_told(self.run_limited(0, "-f unlimited", "--shm-dir", folder), "cannot be allocated: ")
        launch.figure("an allocation that fails on one rank ends all with one message",
                      "address space or size of files of one of 3 ranks limited after the preflight, leader and not; "
                      "a tmpfs without inodes", f"{runs + 1} runs, {runs + 1} times status 3, 0 hangs, report tells it")

    def run_interposed(self, rules, rank):
        command = interposed.command_line(3, rules, "run", "deck.toml", "--report", "report.json", rank=rank,
                                          scope="all")
        return launch.run(command, env=self.env, cwd=self.folder)

    def test_window_that_one_rank_cannot_map(self):
        """Open MPI 4.1 reports success there, while the others wait for that rank inside."""
        self.assert_told(self.run_interposed("open_window=EMFILE", rank=1), "a window of ", "cannot be allocated: ",
                         "could not map it")

    def test_messages_that_do_not_get_through(self):
        """MPI starts with a rank that cannot map what another sends through; the first message never comes."""
        result = self.run_interposed("open_segment@2=EMFILE", rank=1)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "messages between them have not got through", "try: ")
        self.assert_nothing_left()


class ControlGroup:
    """A group of the test's own, of version 1 or 2, with a limit of its memory."""

    def __init__(self, case):
        self.case = case
        memberships = dict(reversed(line.split(":", 2)[1:]) for line in
                           pathlib.Path("/proc/self/cgroup").read_text().splitlines())
        memory = [path for path, names in memberships.items() if "memory" in names.split(",")]
        root = pathlib.Path("/sys/fs/cgroup")
        self.is_version_1 = bool(memory)
        top = root / "memory" if memory else root
        self.path = top / f"windrow-test-{os.getpid()}-{time.monotonic_ns()}"
        try:
            self.path.mkdir()
        except OSError as error:
            case.skipTest(f"this machine lets nobody make control groups here: {error}")
        case.addCleanup(self.remove)
        if not (self.path / self.limit_file).exists():
            case.skipTest(f"control groups here have no memory controller: {self.path}")

    @property
    def limit_file(self):
        return "memory.limit_in_bytes" if self.is_version_1 else "memory.max"

    def limit(self, size_bytes):
        (self.path / self.limit_file).write_text(str(size_bytes))

    def number(self, version_1, version_2):
        return int((self.path / (version_1 if self.is_version_1 else version_2)).read_text())

    def peak_bytes(self):
        return self.number("memory.max_usage_in_bytes", "memory.peak")

    def reset_peak(self):
        with contextlib.suppress(OSError):
            (self.path / ("memory.max_usage_in_bytes" if self.is_version_1 else "memory.peak")).write_text("0")

    def kills(self):
        name = "memory.oom_control" if self.is_version_1 else "memory.events"
        return sum(int(line.split()[1]) for line in (self.path / name).read_text().splitlines()
                   if line.startswith("oom_kill "))

    def drop_cache(self):
        with contextlib.suppress(OSError):
            (self.path / ("memory.force_empty" if self.is_version_1 else "memory.reclaim")).write_text(
                "0" if self.is_version_1 else "1G")

    def run(self, command, **options):
        return launch.run(["sh", "-c", f"echo $$ > {self.path}/cgroup.procs && exec \"$@\"", "sh", *map(str, command)],
                          **options)

    def remove(self):
        self.drop_cache()
        wait_until(self.try_remove, "the control group is empty")

    def try_remove(self):
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class Groups(FaultCase):
    def setUp(self):
        super().setUp()
        self.group = ControlGroup(self)

    def run_in_group(self, *arguments, ranks=2):
        return self.group.run(launch.command_line(ranks, "run", "deck.toml", "--overwrite", "--quiet", *arguments),
                              env=self.env, cwd=self.folder)

    def planned(self, *arguments, ranks=2):
        plan = self.windrow("plan", "deck.toml", *arguments, "--ranks", ranks, "--json")
        return json.loads(plan.out)["per_node"][0]["memory_bytes"]

    def advised_limit(self, result):
        # Whether it is told as Docker's option or not depends on where the test runs.
        (advised,) = re.findall(r"try: (?:docker run --memory=|a limit of |sbatch --mem=)(\d+)(?:m| MiB|M)",
                                result.err)
        return int(advised) << 20

    def test_larger_than_the_group_is_refused_before_it_starts(self):
        self.group.limit(500 << 20)
        result = self.run_in_group("array.rows=1e7", LONG)
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", f"the control group {self.group.path} has ")
        self.assertEqual(self.group.kills(), 0)
        self.assert_nothing_left()

    def test_a_limit_as_advised_is_enough(self):
        followed = 0
        for ranks in (1, 3):
            need = self.planned("array.rows=3e6", ranks=ranks)
            self.group.limit(need - (8 << 20))
            result = self.run_in_group("array.rows=3e6", ranks=ranks)
            self.assert_status(result, launch.RESOURCES)
            self.group.limit(self.advised_limit(result))
            self.assert_status(self.run_in_group("array.rows=3e6", ranks=ranks), launch.DONE)
            self.assertEqual(self.group.kills(), 0)
            followed += 1
        launch.figure("what a message about shortage advises works", "the limit of a control group raised to what the "
                      "message says, 1 and 3 ranks", f"{followed} followed, {followed} work")

    def test_an_output_in_memory_counts(self):
        """A file on a tmpfs is no cache that gives way."""
        self.mounted("output", "size=400m")
        (self.folder / "link").symlink_to("output")
        runs = 0
        for path in ("output/out.h5", "link/out.h5"):
            self.group.drop_cache()
            self.group.limit(self.planned("array.rows=3e6") + (64 << 20))
            result = self.run_in_group("array.rows=3e6", "--output", path)
            self.assert_status(result, launch.RESOURCES)
            self.assert_one_message(result, "windrow: ", f" MB of it for the output {path}, whose folder",
                                    "try: a folder on a disk, --output DIR/out.h5")
            self.assertEqual(self.group.kills(), 0)
            self.assert_nothing_left()
            self.group.limit(self.advised_limit(result))
            self.assert_status(self.run_in_group("array.rows=3e6", "--output", path), launch.DONE)
            self.assertEqual(self.group.kills(), 0)
            self.assert_whole()
            (self.output / "out.h5").unlink()
            runs += 2
        launch.figure("a run that the plan lets through is not killed for its memory",
                      "240 MB written to a tmpfs, which is memory: in a control group without room for the file, and "
                      "in one as large as the message says",
                      f"{runs} runs, {runs // 2} refused, {self.group.kills()} kills")

    def test_what_just_fits_runs_and_is_not_killed(self):
        """The cache of the output counts as well, and must give way."""
        runs = 0
        for ranks in (1, 2, 4):
            for rows in ("1e5", "4e6"):
                with self.subTest(ranks=ranks, rows=rows):
                    need = self.planned(f"array.rows={rows}", ranks=ranks)
                    # mpirun is in the group as well, and what the ranks have taken already when they look.
                    self.group.drop_cache()
                    self.group.limit(need + (16 << 20) + ranks * (8 << 20))
                    result = self.run_in_group(f"array.rows={rows}", "output.durable=true", ranks=ranks)
                    self.assert_status(result, launch.DONE)
                    self.assertEqual(self.group.kills(), 0)
                    self.assert_whole()
                    runs += 1
        launch.figure("a run that the plan lets through is not killed for its memory",
                      "in a control group as large as the plan and mpirun; 8 and 320 MB, 1, 2 and 4 ranks, output too",
                      f"{runs} runs, {self.group.kills()} kills")

    def test_the_plan_covers_what_is_used(self):
        """Without a limit: what a run takes at its most, its programs and mpirun included, is what was planned."""
        deck = (self.folder / "deck.toml").read_text()
        self.write_deck(deck[:deck.index("[output]")])
        shares = []
        for ranks in (1, 2, 4):
            for rows in ("1e5", "4e6"):
                with self.subTest(ranks=ranks, rows=rows):
                    self.group.drop_cache()
                    before = self.group.number("memory.usage_in_bytes", "memory.current")
                    self.group.reset_peak()
                    command = launch.command_line(ranks, "run", "deck.toml", f"array.rows={rows}")
                    result = self.group.run(command, env=self.env, cwd=self.folder)
                    self.assert_status(result, launch.DONE)
                    used = self.group.peak_bytes() - before
                    need = self.planned(f"array.rows={rows}", ranks=ranks)
                    self.assertLess(used, need)
                    self.assertGreater(used, need // 8, "the peak is that of the run")
                    shares.append(used / need)
        launch.figure("the plan covers the memory that is used", "peak of the control group against `plan`; "
                      "8 and 320 MB on 1, 2 and 4 ranks", f"{min(shares):.0%} to {max(shares):.0%} of the plan used")


if __name__ == "__main__":
    launch.main(isolated=True)
