#!/usr/bin/python3
"""Tasks that fail, and ranks that are killed, while blocks of very uneven cost are handed out.

    /usr/bin/python3 pool_test.py WINDROW [unittest arguments]
"""

import re

from fault_case import FaultCase, launch, told

# So many blocks that a rank which comes late to its share still finds some of it.
DECK = """\
job = "mandelbrot"
[mandelbrot]
rows = 997
cols = 2003
limit = 100000
block_rows = 3
schedule = "SCHEDULE"
[output]
file = "output/out.h5"
picture = "output/out.png"
timeline = "output/time.png"
"""
INTERNAL = 6
KILLED = 137
UNEVEN = ("mandelbrot.y_min=-1", "mandelbrot.y_max=8", "mandelbrot.rows=1997")
LAYOUTS = ((2, 1), (3, 1), (4, 2), (7, 3))


class Pool(FaultCase):
    def run_with_fault(self, schedule, ranks, nodes, fault, *arguments):
        self.write_deck(DECK.replace("SCHEDULE", schedule))
        # Nobody has to wait for another's grace, and who does fails its test.
        env = {**self.env, "WINDROW_GRACE": "1000", "WINDROW_FAULT": fault}
        return self.windrow("run", "deck.toml", "--pretend-nodes", nodes, *arguments, ranks=ranks, env=env)

    def test_task_that_fails_is_named(self):
        for schedule in ("static", "dynamic", "guided"):
            for ranks, nodes in LAYOUTS:
                for rank in (0, ranks - 1):
                    with self.subTest(schedule=schedule, ranks=ranks, nodes=nodes, rank=rank):
                        result = self.run_with_fault(schedule, ranks, nodes, f"phase.block:{rank}:throw")
                        self.assert_status(result, INTERNAL)
                        found = re.fullmatch(r"windrow: block (\d+) \(rows (\d+) to (\d+)\): a fault was asked for at "
                                             r"phase.block", told(result))
                        self.assertIsNotNone(found, str(result))
                        block, first, last = map(int, found.groups())
                        self.assertEqual((first // 3, last // 3), (block, block))
                        self.assert_nothing_left()

    def test_task_that_fails_on_a_rank_of_another_node(self):
        """The points of the upper half leave at once: its node soon computes for the other."""
        for schedule in ("dynamic", "guided"):
            for ranks, nodes in ((2, 2), (4, 2), (7, 2)):
                for action, status in (("throw", INTERNAL), ("bad_alloc", launch.RESOURCES), ("kill", KILLED)):
                    with self.subTest(schedule=schedule, ranks=ranks, nodes=nodes, action=action):
                        result = self.run_with_fault(schedule, ranks, nodes, f"phase.lent:0:{action}", *UNEVEN)
                        self.assert_status(result, status)
                        if action == "throw":
                            self.assertRegex(told(result), r"^windrow: block \d+ \(rows \d+ to \d+\): a fault was asked "
                                                           r"for at phase.lent$")
                        self.assert_nothing_left()

    def test_rank_that_is_killed_in_a_task(self):
        for schedule in ("dynamic", "guided"):
            for ranks, nodes in LAYOUTS:
                with self.subTest(schedule=schedule, ranks=ranks, nodes=nodes):
                    result = self.run_with_fault(schedule, ranks, nodes, f"phase.block:{ranks - 1}:kill")
                    self.assert_status(result, KILLED)
                    self.assert_nothing_left()

    def test_run_after_all_that(self):
        self.run_with_fault("dynamic", 3, 1, "phase.block:1:throw")
        self.assert_status(self.windrow("run", "deck.toml", ranks=3, env=self.env), launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5", "out.png", "time.png"])


if __name__ == "__main__":
    launch.main()
