#!/usr/bin/python3
"""No step in which one rank talks to all others one by one where a tree would do: what ranks send is counted.

    /usr/bin/python3 messages_test.py WINDROW [unittest arguments]
"""

import counting
from counting import launch


class Messages(launch.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.counted = counting.count_all()

    def check_each(self, check, *jobs):
        """Calls `check` with the bound of the messages, the ranks, the nodes, and what each rank has counted."""
        for job in jobs:
            for (name, ranks, nodes), found in self.counted.items():
                if name == job.name:
                    with self.subTest(job=name, ranks=ranks, nodes=nodes):
                        check(job.bound(ranks, nodes), ranks, nodes, found)

    def test_grow_as_the_logarithm(self):
        def check(bound, ranks, nodes, found):
            self.assertLessEqual(max(rank.messages for rank in found), bound)
            # Of the tree over ranks and of the one over leaders.
            self.assertLessEqual(max(rank.partners for rank in found),
                                 counting.doublings(ranks) + counting.doublings(nodes))
        self.check_each(check, counting.STATIC, counting.DYNAMIC, counting.EVALUATE, counting.WHOLE)

    def test_chunks_go_to_the_one_who_stores_them(self):
        def check(bound, ranks, nodes, found):
            # The size of each, and its bytes.
            self.assertLessEqual(max(rank.messages for rank in found), bound + 2 * counting.CHUNKS)
            self.assertLessEqual(max(rank.partners for rank in found),
                                 counting.doublings(ranks) + counting.doublings(nodes) + counting.CHUNKS)
        self.check_each(check, counting.COMPRESSED)

    def test_who_looks_for_blocks_need_not_ask_every_node(self):
        def check(bound, ranks, nodes, found):
            # A node that has blocks left is asked by all that have none, so the mean counts: two rounds of questions
            # and answers for each doubling, and what is said of a block that is lent, at both ends.
            of_blocks = 2 * 4 * counting.BLOCKS
            self.assertLessEqual(sum(rank.messages for rank in found),
                                 ranks * (bound + 2 * 4 * counting.doublings(ranks)) + of_blocks)
        self.check_each(check, counting.POOL)

    def test_samples_stay_on_their_node(self):
        def check(bound, ranks, nodes, found):
            on_node = -(-ranks // nodes)
            in_group = -(-on_node // 3)
            # Each sample is asked for, announced and sent, twice; and each consumer hears the end of each producer.
            of_samples = 2 * 2 * (3 * counting.SAMPLES + nodes * 2 * in_group**2)
            self.assertLessEqual(sum(rank.messages for rank in found), ranks * bound + of_samples)
            self.assertLessEqual(max(rank.partners for rank in found), on_node - 1 + 2 * counting.doublings(ranks))
        self.check_each(check, counting.STAGES)

    def test_what_is_sent_is_received(self):
        def check(bound, ranks, nodes, found):
            self.assertEqual(sum(rank.sent for rank in found), sum(rank.received for rank in found))
        self.check_each(check, *counting.JOBS)

    def test_collective_calls_do_not_depend_on_the_ranks(self):
        for job in counting.JOBS:
            calls = [found[0].calls for (name, ranks, nodes), found in self.counted.items()
                     if name == job.name and ranks == nodes]
            with self.subTest(job=job.name):
                self.assertEqual(calls, calls[:1] * len(calls))


if __name__ == "__main__":
    launch.main()
