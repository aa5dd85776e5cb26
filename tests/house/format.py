#!/usr/bin/python3
"""The sources look as clang-format lays them out; the version that decides is 14, which others differ from."""
import re
import subprocess

import house

CLANG_FORMAT = house.tool("clang-format")


def check(root):
    sources = [str(path) for path in house.files(root, ".hpp", ".cpp", below=("src", "jobs", "tests"))]
    if not sources:
        return []
    done = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *sources], cwd=root, capture_output=True, text=True)
    places = {}  # the first place of each file is enough: clang-format -i mends them all
    for path, line in re.findall(r"^([^ :]+):(\d+):\d+: error", done.stderr, re.M):
        places.setdefault(path, line)
    if done.returncode and not places:
        raise SystemExit(done.stderr)
    return [f"{path}:{line}: not as clang-format lays it out" for path, line in places.items()]


def prepare(_):
    version = subprocess.run([CLANG_FORMAT, "--version"], capture_output=True, text=True).stdout
    if " 14." not in version:
        print(f"skipped: {version.strip()}")
        raise SystemExit(house.SKIPPED)


SEEDS = [
    ("src/base/seed.cpp", "int  f( ){return 1 ;}\n", "spaces"),
    ("tests/unit/base/seed_test.cpp", "namespace windrow {\n  int *f();\n}\n", "a pointer's side"),
]

if __name__ == "__main__":
    house.main(check, SEEDS, prepare)
