#!/usr/bin/python3
"""Every shell script is parsed by bash, and has nothing that shellcheck warns of."""
import re
import subprocess

import house

SHELLCHECK = house.tool("shellcheck")


def check(root):
    scripts = [str(path) for path in house.files(root) if house.is_script(root, path)]
    violations = []
    for script in scripts:
        done = subprocess.run(["bash", "-n", script], cwd=root, capture_output=True, text=True)
        violations += [f"{script}: {line}" for line in done.stderr.split("\n") if line]
    done = subprocess.run([SHELLCHECK, "-x", "-f", "gcc", "-S", "warning", *scripts], cwd=root, capture_output=True,
                          text=True)
    return violations + [line for line in done.stdout.split("\n") if re.match(r"[^ ]+:\d+:", line)]


SEEDS = [
    ("run", "\nif true; then\n", "a syntax error"),
    ("tests/scripts/seed.sh", "#!/bin/bash\nrm -rf $1/*\n", "a word without quotes"),
]

if __name__ == "__main__":
    house.main(check, SEEDS)
