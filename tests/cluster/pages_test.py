#!/usr/bin/python3
"""What the README and docs/slurm.md show of a cluster, run on one: each block marked `sh cluster`, line by line.

    /usr/bin/python3 pages_test.py WINDROW [unittest arguments]
"""

import re
import sys

from cluster_case import HERE, ClusterCase, launch

sys.path.insert(0, str(HERE.parent / "docs"))

import pages

SUBMITTED = re.compile(r"^Submitted batch job (\d+)$", re.M)


def all_of(elements):
    """Slurm tells those that wait as a range."""
    for element in elements:
        first, _, last = element.partition("%")[0].partition("-")
        yield from range(int(first), int(last or first) + 1)


class Pages(ClusterCase):
    def run_blocks(self, page):
        """In a folder like a checkout of which all hosts have the program. What is submitted must end well."""
        for name in ("input", "slurm"):
            (self.folder / name).symlink_to(launch.REPOSITORY / name)
        environment = pages.environment(launch.Program.path, WINDROW=launch.Program.path)
        lines = [line for block in pages.blocks((launch.REPOSITORY / page).read_text(encoding="utf-8"))
                 if "cluster" in block.words for line in block.text.replace("\\\n", "").splitlines()]
        submitted = 0
        for line in lines:
            with self.subTest(page=page, line=line):
                result = self.on("login", "bash", "-c", line, env={"PATH": environment["PATH"],
                                                                   "WINDROW": environment["WINDROW"]})
                self.assert_status(result, launch.DONE)
                for number in SUBMITTED.findall(result.out):
                    submitted += 1
                    for job in self.elements_of(number):
                        self.assert_ended(self.wait_for(job), launch.DONE)
        self.assertGreater(submitted, 0, f"{page} submits nothing")
        outputs = list(self.folder.rglob("*.h5"))
        self.assertTrue(outputs, "nothing is written")
        for path in outputs:
            self.assert_status(self.windrow("verify", path), launch.DONE)

    def elements_of(self, number):
        """Of a job array, each; else the job."""
        queue = self.on("login", "scontrol", "--oneliner", "show", "job", number).out.splitlines()
        elements = re.findall(r"ArrayTaskId=(\S+)", "\n".join(queue))
        return [number] if not elements else [f"{number}_{element}" for element in all_of(elements)]

    def test_readme(self):
        self.run_blocks("README.md")

    def test_slurm_page(self):
        self.run_blocks("docs/slurm.md")


if __name__ == "__main__":
    launch.main()
