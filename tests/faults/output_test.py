#!/usr/bin/python3
"""Outputs that exist, that cannot be made, that two runs want, and what dead runs leave.

    /usr/bin/python3 output_test.py WINDROW [unittest arguments]
"""

import fcntl
import json
import os
import signal
import socket

from fault_case import ENDLESS, LONG, FaultCase, go_on, launch, told


class Output(FaultCase):
    def assert_refused_before_computing(self, says, *arguments):
        result = self.run_deck(LONG, *arguments, "--report", "report.json")
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "windrow: ")
        self.assertIn(says, result.err)
        report = json.loads((self.folder / "report.json").read_text())
        self.assertEqual(report["exit_status"], launch.IO)
        self.assertNotIn("populate", [phase["name"] for phase in report["phases"]])

    def test_exists(self):
        path = self.output / "out.h5"
        path.write_text("precious")
        self.assert_refused_before_computing("out.h5 exists already")
        self.assertEqual(path.read_text(), "precious")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_folder_is_missing(self):
        self.assert_refused_before_computing("the folder missing does not exist", "--output", "missing/out.h5")

    def test_folder_is_none(self):
        self.assert_refused_before_computing("deck.toml", "--output", "deck.toml/out.h5")

    def test_output_is_a_folder(self):
        self.assert_refused_before_computing("output", "--output", "output", "--overwrite")
        self.assert_nothing_left()

    def test_folder_that_another_node_does_not_see(self):
        """The last of three ranks, a node of its own, has something else mounted there."""
        if not launch.is_isolated():
            self.skipTest("needs a mount namespace (unshare --mount), which this machine does not allow")
        command = launch.command_line(3, "run", "deck.toml", LONG, "--pretend-nodes", 2, "--report", "report.json")
        at = command.index(launch.Program.path)
        hidden = "[ $OMPI_COMM_WORLD_RANK != 2 ] || mount -t tmpfs tmpfs output && exec \"$@\""
        command[at:at] = ["unshare", "--mount", "sh", "-c", hidden, "sh"]
        result = launch.run(command, env=self.env, cwd=self.folder)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "windrow: ", f"{socket.gethostname()} does not see the output's temporary",
                                "No such file or directory", "a folder that all nodes share")
        self.assertNotIn("populate", (self.folder / "report.json").read_text().split('"phases"')[1])
        self.assert_nothing_left()

    def test_file_system_is_read_only(self):
        self.mounted("output", "size=64m,ro")
        self.assert_refused_before_computing("output")

    def test_file_that_appears_during_the_run_is_kept_and_so_is_the_result(self):
        process, ranks = self.start_and_stop_in_phase()
        (self.output / "out.h5").write_text("precious")
        go_on(ranks)
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assertIn("out.1.h5", result.err)
        self.assertEqual((self.output / "out.h5").read_text(), "precious")
        self.assert_whole("output/out.1.h5")
        self.assertEqual(self.files(self.output), ["out.1.h5", "out.h5"])

    def test_output_that_is_replaced_stays_until_the_new_one_is_whole(self):
        self.assert_status(self.run_deck(), launch.DONE)
        before = (self.output / "out.h5").read_bytes()
        process, ranks = self.start_and_wait_for_phase(ENDLESS, "--overwrite")
        os.kill(ranks[0], signal.SIGTERM)
        self.assertNotEqual(launch.finish(process).status, 0)
        self.assertEqual((self.output / "out.h5").read_bytes(), before)

    def test_second_live_run_to_one_output(self):
        process, ranks = self.start_and_stop_in_phase()
        for second in (2, 0):
            result = self.run_deck("--overwrite", ranks=second)
            self.assert_status(result, launch.IO)
            self.assert_one_message(result, "windrow: ", "another run is writing it", f"process {ranks[0]}")
        go_on(ranks)
        self.assert_status(launch.finish(process), launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_runs_that_start_at_the_same_moment(self):
        results = [launch.finish(process) for process in [self.start(ranks=0) for _ in range(5)]]
        statuses = sorted(result.status for result in results)
        self.assertEqual(statuses, [launch.DONE] + [launch.IO] * 4)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_runs_under_mpirun_that_start_at_the_same_moment(self):
        processes = [self.start("--pretend-nodes", nodes, ranks=4) for nodes in (2, 1)]
        results = [launch.finish(process) for process in processes]
        statuses = sorted(result.status for result in results)
        self.assertEqual(statuses, [launch.DONE, launch.IO], "\n".join(map(str, results)))
        (refused,) = [result for result in results if result.status == launch.IO]
        self.assert_one_message(refused, "windrow: ")
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])


class Aftermath(FaultCase):
    def temporary_of(self, host, pid):
        """A temporary as a run of that host and process would have named it, which started at another time."""
        path = self.output / f".out.h5@{host}.{pid}.1.windrow-tmp"
        path.touch()
        return path

    def test_process_number_that_was_used_again(self):
        left = self.temporary_of(socket.gethostname(), os.getpid())
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, f"removed output/{left.name}", f"process {os.getpid()}")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_temporary_that_somebody_removes_or_replaces(self):
        """Rows are in a file that has lost its name: nothing gets the output's name, and that is said."""
        changes = {"removed": lambda path: path.unlink(),
                   "another": lambda path: self.replace(path, path.read_bytes()),
                   "shorter": lambda path: self.replace(path, b"short")}
        for compression, steps in ((0, ("start.reserved", "start.skeleton", "phase.block", "write.collect", "write.seal",
                                        "write.rename")),
                                   (5, ("start.open", "phase.block", "write.store", "write.checksums", "write.seal"))):
            for step in steps:
                for change, make in changes.items():
                    with self.subTest(step=step, compression=compression, change=change):
                        self.assert_loss_is_told(step, make, f"output.compression={compression}")

    @staticmethod
    def replace(path, content):
        path.unlink()
        path.write_bytes(content)

    def assert_loss_is_told(self, step, make, *arguments):
        process = self.start(*arguments, WINDROW_FAULT=f"{step}:0:stop")
        ranks = self.stopped_ranks(process, 1)
        (temporary,) = self.temporaries()
        make(temporary)
        go_on(ranks)
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assertEqual(told(result), "windrow: cannot write output/out.h5: somebody has removed, moved or replaced "
                         f"output/{temporary.name} during the run; the result is lost")
        self.assert_nothing_left()

    def test_folder_that_is_moved_away(self):
        """Every node misses the temporary then, and none of them is to blame."""
        away = self.folder / "away"
        for step in ("start.reserved", "phase.block"):
            with self.subTest(step):
                process = self.start("--pretend-nodes", 2, WINDROW_FAULT=f"{step}:0:stop")
                ranks = self.stopped_ranks(process, 1)
                (temporary,) = self.temporaries()
                self.output.rename(away)
                go_on(ranks)
                result = launch.finish(process)
                self.assert_status(result, launch.IO)
                self.assertEqual(told(result), "windrow: cannot write output/out.h5: somebody has removed, moved or "
                                 f"replaced output/{temporary.name} during the run; the result is lost")
                (away / temporary.name).unlink()
                away.rename(self.output)

    def test_temporary_that_is_removed_as_soon_as_it_is_made(self):
        process = self.start(WINDROW_FAULT="start.created:0:stop")
        ranks = self.stopped_ranks(process, 1)
        (temporary,) = self.temporaries()
        temporary.unlink()
        go_on(ranks)
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, f"windrow: cannot write output/out.h5: output/{temporary.name} has been removed",
                                "by another run to this output or by somebody else")
        self.assert_nothing_left()

    def test_link_that_appears_as_the_output(self):
        process = self.start(WINDROW_FAULT="start.created:0:stop")
        ranks = self.stopped_ranks(process, 1)
        (self.output / "out.h5").symlink_to("nowhere")
        go_on(ranks)
        result = launch.finish(process)
        self.assert_status(result, launch.IO)
        self.assert_one_message(result, "windrow: cannot write output/out.h5: it is a symbolic link, not a regular file")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_run_on_another_host_is_alive_while_it_holds_its_lock(self):
        left = self.temporary_of("elsewhere", 4711)
        with open(left) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            result = self.run_deck()
            self.assert_status(result, launch.IO)
            self.assert_one_message(result, "another run is writing it (host elsewhere, process 4711)")
            self.assertEqual(self.files(self.output), [left.name])
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, f"removed output/{left.name}, which a dead run left (host elsewhere")
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_temporaries_of_dead_runs_alone_are_removed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
        os.kill(process.pid, signal.SIGKILL)
        launch.finish(process)
        (left,) = self.temporaries()
        other = self.output / left.name.replace("out.h5", "other.h5")
        other.touch()
        lookalike = self.output / ".out.h5.windrow-tmp"
        lookalike.touch()
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, f"removed output/{left.name}", f"process {process.pid}")
        self.assertEqual(set(self.files(self.output)), {"out.h5", other.name, lookalike.name})
        self.assert_whole()


if __name__ == "__main__":
    launch.main(isolated=True)
