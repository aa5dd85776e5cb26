#!/usr/bin/python3
"""Words that are not left in the project: unfinished work, places of one machine, flags that change results."""
import re

import house

CODE = (".hpp", ".cpp", ".cmake", ".txt", ".json", ".py", ".sh", ".sbatch", ".toml")
EVERYWHERE = [
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"), "unfinished work"),
    (re.compile(r"(?<![\w./$])/(root|home|scratch|Users)/[\w.]"), "a place on one machine"),
]
IN_CODE = [
    (re.compile(r"\b(stub(bed)?|not implemented( yet)?|placeholder)\b|\bfor now\b", re.I), "unfinished work"),
    (re.compile(r"-march=native|-ffast-math|-Ofast"), "a flag that makes results depend on the machine"),
]
THIS = "tests/house/words.py"


def check(root):
    violations = []
    for path in house.files(root):
        name = str(path)
        if name == THIS or path.suffix in {".h5", ".nc"}:
            continue
        rules = list(EVERYWHERE)
        if name.endswith(CODE) or house.is_script(root, path):
            # Benchmarks compare with what others build.
            rules += [rule for rule in IN_CODE if not (name.startswith("tests/bench/") and "flag" in rule[1])]
        for number, line in enumerate(house.text(root, path).split("\n"), 1):
            for pattern, why in rules:
                match = pattern.search(line)
                if match:
                    violations.append(f"{name}:{number}: {why}: {match[0]}")
    return violations


SEEDS = [
    ("src/base/seed.cpp", "// TODO: later\n", "TODO"),
    ("README.md", "\nFIXME\n", "FIXME in a page"),
    ("src/base/seed.cpp", "// a stub\n", "stub"),
    ("docs/seed.md", "cd /home/someone/windrow\n", "a home folder"),
    ("slurm/seed.sbatch", "cd /scratch/here\n", "a machine's path"),
    ("CMakeLists.txt", "add_compile_options(-march=native)\n", "-march=native"),
    ("cmake/seed.cmake", 'set(CMAKE_CXX_FLAGS "-O3 -ffast-math")\n', "-ffast-math"),
    ("run", "# good enough for now\n", "words of delay in a script without a suffix"),
]

if __name__ == "__main__":
    house.main(check, SEEDS)
