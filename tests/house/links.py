#!/usr/bin/python3
"""Pages tell no lies about files: relative links and their anchors exist, and so does each ./command of the README."""
import re

import house

LINK = re.compile(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^\s*(```|~~~)")
COMMAND = re.compile(r"(?<![\w./])\./([A-Za-z][\w./-]*)")
DECK = re.compile(r"(?<![\w./])(?:input|slurm)/[\w-]+\.(?:toml|sbatch)")


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    fenced = False
    for line in page.split("\n"):
        fenced ^= bool(FENCE.match(line))
        if not fenced and re.match(r"#{1,6} ", line):
            heading = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower().replace("`", ""))
            found.add(heading.replace(" ", "-"))
    return found


def check(root):
    violations = []
    for path in house.files(root, ".md"):
        page = house.text(root, path)
        fenced = False
        for number, line in enumerate(page.split("\n"), 1):
            fenced ^= bool(FENCE.match(line))
            if not fenced:
                for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                    if re.match(r"[a-z]+:", target):
                        continue
                    name, _, anchor = target.partition("#")
                    other = (root / path).parent / name if name else root / path
                    if not other.exists():
                        violations.append(f"{path}:{number}: no file {target}")
                    elif anchor and other.suffix == ".md" and anchor not in anchors(other.read_text(encoding="utf-8")):
                        violations.append(f"{path}:{number}: no heading for {target}")
            if str(path) == "README.md":
                for name in COMMAND.findall(line):
                    if not name.startswith("build/") and not (root / name.rstrip(".")).exists():
                        violations.append(f"{path}:{number}: no command ./{name}")
            for name in DECK.findall(line):
                if "NAME" not in name and str(path) == "README.md" and not (root / name).exists():
                    violations.append(f"{path}:{number}: no file {name}")
    return violations


SEEDS = [
    ("README.md", "\n[page](docs/no-such-page.md)\n", "a link to nothing"),
    ("docs/seed.md", "[up](../README.md#no-such-heading)\n", "a link to no heading"),
    ("docs/seed.md", "[here](#nowhere)\n", "a link within the page"),
    ("README.md", "\nCall `./configure --prefix=there`.\n", "a command that is not there"),
    ("README.md", "\n    ./run input/no-such-deck.toml\n", "a deck that is not there"),
]

if __name__ == "__main__":
    house.main(check, SEEDS)
