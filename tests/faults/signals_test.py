#!/usr/bin/python3
"""Ranks and mpirun that are told to end, or killed: no half file, nothing left, nobody waits for ever.

    /usr/bin/python3 signals_test.py WINDROW [unittest arguments]
"""

import contextlib
import itertools
import os
import pty
import signal
import subprocess
import threading
import time
import unittest.mock

import interposed
from fault_case import END_S, ENDLESS, LONG, FaultCase, is_running, launch, state_of, wait_until


class Signals(FaultCase):
    """What is killed, and when: the output is absent or whole, and nobody waits for ever."""

    def finish(self, process, ranks):
        result = launch.finish(process, END_S)
        wait_until(lambda: not any(map(is_running, ranks)), "the ranks have ended")
        return result

    def test_mpirun_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
                os.kill(process.pid, number)
                result = self.finish(process, ranks)
                self.assert_status(result, 1)
                self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
                self.assert_nothing_left()

    def test_a_rank_that_waits_for_the_disk_does_not_hear_it(self):
        log = self.folder / "log"
        deaf = interposed.environment("fsync@1=deaf", log=log, rank=0)
        process = self.start("output.durable=true", ranks=3, **deaf)
        wait_until(lambda: process.poll() is not None or log.exists(), "rank 0 waits for the disk")
        self.assertIsNone(process.poll(), "the run has ended already")
        ranks = launch.children(process.pid)
        os.kill(process.pid, signal.SIGINT)
        result = self.finish(process, ranks)
        self.assert_status(result, 1)
        self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
        self.assert_nothing_left()

    def test_a_run_is_told_to_end_as_soon_as_its_temporary_is_there(self):
        process = self.start(ranks=0, WINDROW_FAULT="start.created:0:stop")
        wait_until(lambda: state_of(process.pid) == "T", "the rank has stopped")
        self.assertEqual(len(self.temporaries()), 1)
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        result = self.finish(process, [])
        self.assert_status(result, -signal.SIGTERM)
        self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
        self.assert_nothing_left()

    def test_a_run_without_mpirun_is_told_to_end(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
                self.assertEqual(len(self.lone_sessions()), 1)
                os.kill(process.pid, number)
                result = self.finish(process, ranks)
                self.assert_status(result, -number)
                self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
                self.assert_nothing_left()
                self.assertEqual(list(self.folder.glob("ompi.*")), [])

    def lone_sessions(self):
        """Open MPI's empty folders for a process without mpirun."""
        return list(self.folder.glob("ompi.*/jf.0/1/0"))

    def test_a_session_that_others_use_stays(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
        (session,) = self.lone_sessions()
        (session / "segment").touch()
        os.kill(process.pid, signal.SIGTERM)
        self.assert_status(self.finish(process, ranks), -signal.SIGTERM)
        self.assertTrue((session / "segment").exists())

    def test_the_next_run_removes_the_session_of_one_that_is_killed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=0)
        os.kill(process.pid, signal.SIGKILL)
        self.finish(process, ranks)
        self.assertEqual(len(self.lone_sessions()), 1)
        self.assert_status(self.run_deck(ranks=0), launch.DONE)
        self.assertEqual(list(self.folder.glob("ompi.*")), [])

    def test_a_rank_is_killed(self):
        for victim in (0, 2):
            with self.subTest(victim=victim):
                process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
                os.kill(ranks[victim], signal.SIGKILL)
                result = self.finish(process, ranks)
                self.assert_status(result, 128 + signal.SIGKILL)
                # Rank 0 has made the temporary; without it the others remove it.
                self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
                self.assert_nothing_left()

    def test_rank_0_is_killed_as_soon_as_its_temporary_is_there(self):
        process = self.start(ranks=3, WINDROW_FAULT="start.created:0:stop")
        wait_until(lambda: process.poll() is not None or self.temporaries(), "the temporary is there")
        ranks = launch.children(process.pid)
        wait_until(lambda: "T" in map(state_of, ranks), "rank 0 has stopped")
        (maker,) = (pid for pid in ranks if state_of(pid) == "T")
        os.kill(maker, signal.SIGKILL)
        result = self.finish(process, ranks)
        self.assert_status(result, 128 + signal.SIGKILL)
        self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
        self.assert_nothing_left()

    def test_a_window_that_not_all_have_mapped_yet(self):
        """Until then it has a name in shared memory, which nobody but us takes away."""
        victims = {"rank 0": 0, "the rank that has not": 1, "another": 2, "mpirun": None}
        for (name, victim), number in itertools.product(victims.items(), (signal.SIGKILL, signal.SIGTERM)):
            with self.subTest(name, number=number):
                log = self.folder / f"{name} {number}"
                process = self.start(ranks=3, **interposed.environment("open_window=stuck", log, rank=1, scope="all"))
                wait_until(lambda: process.poll() is not None or log.exists(), "rank 1 is about to map the window")
                ranks = launch.children(process.pid)
                self.assertEqual([file.split(".")[0] for file in self.files(self.shared) if "osc" in file], ["osc_sm"])
                os.kill(process.pid if victim is None else ranks[victim], number)
                self.finish(process, ranks)
                self.assertEqual([file for file in self.files(self.shared) if "osc" in file], [])
                self.assertEqual(self.files(self.output), [])

    def test_the_message_needs_nobody_who_passes_it_on(self):
        """mpirun may end before it has read what its ranks said last: here it never can."""
        silent = self.folder / "windrow"
        silent.write_text(f'#!/bin/sh\nexec {launch.Program.path} "$@" 2> /dev/null\n')
        silent.chmod(0o755)
        with unittest.mock.patch.object(launch.Program, "path", str(silent)):
            process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
        os.kill(process.pid, signal.SIGTERM)
        result = self.finish(process, ranks)
        self.assert_one_message(result, "windrow: ", "ended by a signal; the output was not written")
        self.assert_nothing_left()

    def test_the_only_rank_is_killed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=1)
        os.kill(ranks[0], signal.SIGKILL)
        self.assert_status(self.finish(process, ranks), 128 + signal.SIGKILL)
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_one_message(result, "which a dead run left", f"process {ranks[0]}")
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_mpirun_is_killed(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
        os.kill(process.pid, signal.SIGKILL)
        self.assert_status(self.finish(process, ranks), -signal.SIGKILL)
        self.assert_remains_go_away()

    def test_mpirun_is_interrupted_without_patience(self):
        process, ranks = self.start_and_wait_for_phase(ENDLESS, ranks=3)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
        self.finish(process, ranks)
        self.assert_remains_go_away()

    def test_a_run_can_follow_at_once(self):
        """Also where mpirun is gone before its ranks have heard of it."""
        process, _ = self.start_and_wait_for_phase(ENDLESS, ranks=3)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assertEqual(result.err, "")
        self.assert_whole()

    def test_a_thread_of_the_launcher_ends(self):
        """Which is not the end of the launcher, although the kernel tells of both in the same way."""
        started = []

        def start():
            started.append(self.start(LONG, ranks=0, PMI_SIZE=1))
            wait_until(lambda: started[0].poll() is not None or self.temporaries(), "the run has begun")

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        self.assert_status(launch.finish(started[0]), launch.DONE)
        self.assert_whole()

    def test_nothing_is_shown_behind_the_message(self):
        """What ranks print while mpirun ends them comes to the terminal at the end."""
        terminal, own_end = pty.openpty()
        process = subprocess.Popen(launch.command_line(2, "run", "deck.toml", ENDLESS), stdin=subprocess.DEVNULL,
                                   stdout=own_end, stderr=own_end, env=launch.environment(**self.env), cwd=self.folder,
                                   start_new_session=True)
        self.addCleanup(launch.end, process)
        os.close(own_end)
        shown = b""
        with open(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):  # EIO: the other end is closed
            while part := screen.read(4096):
                if b"%" not in shown and b"%" in part:
                    process.send_signal(signal.SIGINT)
                shown += part
        self.assertEqual(process.wait(END_S), 1, shown)
        self.assertRegex(shown.decode(), r"%[^\n]*\r\nwindrow: ended by a signal; the output was not written\r\n\Z")
        self.assert_nothing_left()

    def assert_remains_go_away(self):
        """What docs/reliability.md says of a run whose mpirun was ended by force."""
        self.assertEqual(self.files(self.output), [])
        self.assertEqual([name for name in self.files(self.shared) if not name.startswith("vader_segment.")], [])
        self.clean_with_doctor()
        result = self.run_deck()
        self.assert_status(result, launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_everybody_is_killed_while_the_file_is_written(self):
        for delay_s in (0.0, 0.02, 0.1, 0.3):
            with self.subTest(delay_s=delay_s):
                process = self.start("array.rows=3e6", "--overwrite")
                wait_until(lambda: process.poll() is not None or self.is_written(), "the file is being written")
                time.sleep(delay_s)
                ranks = launch.children(process.pid)
                for pid in [process.pid, *ranks]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.finish(process, ranks)
                if (self.output / "out.h5").exists():
                    self.assert_whole()
        self.assert_status(self.run_deck("--overwrite"), launch.DONE)
        self.assertEqual(self.files(self.output), ["out.h5"])

    def test_standard_output_that_nobody_reads(self):
        process = self.start(ranks=0)
        process.stdout.close()
        process.stdout = None
        err = launch.finish(process, END_S).err
        # A reader that has seen enough misses nothing: the result is in the file.
        self.assertEqual((process.returncode, err), (launch.DONE, ""))
        self.assert_whole()


if __name__ == "__main__":
    launch.main(isolated=True)
