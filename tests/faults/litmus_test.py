#!/usr/bin/python3
"""The memory order of publish(), agree(), sleeping and waking, failures, tickets, groups and slots: millions of rounds.

    /usr/bin/python3 litmus_test.py WINDROW [unittest arguments]

The rounds are those of litmus.cpp, on ranks, and of litmus_threads.cpp, on threads under ThreadSanitizer; both programs
lie beside WINDROW.
"""

import pathlib
import shutil
import subprocess

from fault_case import launch

# Seconds of each of the eight tests: two ranks meet fastest, more than there are processors get few rounds.
SECONDS = {2: 1.0, 3: 0.2, 4: 0.2}
ALL_READ_ALL = "after publish() everybody reads what all have written"
WHAT = {
    "publish": (ALL_READ_ALL, "publish(), stores past the caches among them"),
    "store_buffering": (ALL_READ_ALL, "publish(), one store and one load"),
    "agree": (ALL_READ_ALL, "agree(), the end of a phase"),
    "sleep_and_wake": ("nobody sleeps on when it is its turn", "a turn goes round ranks that sleep"),
    "failures": ("a failure is told whole, and to its own phase", "a rank fails as soon as it leaves an agreement"),
    "tickets": ("each ticket is drawn once", "by it a row is leased, written, published and read"),
    "groups": ("who fills a group last writes what all have put there", "all ranks fill 16 groups in different orders"),
    "slots": ("who takes a slot reads what was put there", "one rank fills three slots, the others read them"),
}


def beside(name):
    return pathlib.Path(launch.Program.path).parent / "tests" / name


class Litmus(launch.TestCase):
    def test_nothing_is_seen_that_should_not_be(self):
        rounds, looks = dict.fromkeys(WHAT, 0), dict.fromkeys(WHAT, 0)
        for ranks, seconds in SECONDS.items():
            done = launch.run(["mpirun", "-q", "-n", str(ranks), beside("litmus"), str(seconds)])
            self.assert_status(done, launch.DONE)
            for line in done.out.splitlines():
                name, *numbers = line.split()
                with self.subTest(name, ranks=ranks):
                    now, seen, wrong = map(int, numbers)
                    # A wake-up can meet the end of the sleep; one that is lost is lost again and again.
                    self.assertLessEqual(wrong, now // 1000 if name == "sleep_and_wake" else 0, line)
                    rounds[name] += now
                    looks[name] += seen
        for name, (promise, tried) in WHAT.items():
            self.assertGreater(looks[name], 0, name)
            launch.figure(promise, f"{tried}; 2, 3 and 4 ranks",
                          f"{rounds[name]:,} rounds, {looks[name]:,} looks, 0 wrong")

    def test_threads_under_a_sanitizer(self):
        program = beside("litmus_threads")
        if not program.exists():
            self.skipTest("this compiler has no ThreadSanitizer")
        total = 0
        for threads, rounds in ((2, 50000), (3, 2000), (4, 2000)):
            # Where the kernel puts mappings at addresses that the sanitizer cannot take, it can be told not to.
            command = [*(["setarch", "-R"] if shutil.which("setarch") else []), program, str(threads), str(rounds)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=launch.LIMIT_S)
            if "unexpected memory mapping" in done.stderr or "personality" in done.stderr:
                self.skipTest(f"ThreadSanitizer cannot run here: {done.stderr.strip()}")
            self.assertEqual(done.returncode, 0, done.stderr[:4000])
            total += int(done.stdout)
        launch.figure(ALL_READ_ALL,
                      "by 2, 3 and 4 threads, ThreadSanitizer looking on: orders that this processor does not show",
                      f"{total:,} rounds, no two accesses without an order")


if __name__ == "__main__":
    launch.main()
