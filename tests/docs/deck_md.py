#!/usr/bin/python3
"""Keeps the tables of docs/deck.md those that the program prints, between the two comments in the page.

    /usr/bin/python3 deck_md.py WINDROW            exit 1 if they differ
    /usr/bin/python3 deck_md.py WINDROW --write    write them
"""

import difflib
import subprocess
import sys

import pages

PAGE = pages.ROOT / "docs" / "deck.md"
BEGIN = "<!-- printed by `windrow help JOB --markdown`: begin -->\n"
END = "<!-- printed by `windrow help JOB --markdown`: end -->\n"


def printed(windrow):
    def output(*words):
        return subprocess.run([windrow, *words], check=True, capture_output=True, text=True).stdout

    jobs = [line.split()[0] for line in output("list").splitlines()]
    return "\n".join(output("help", job, "--markdown") for job in jobs)


def with_tables(page, tables):
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def main():
    words = [word for word in sys.argv[1:] if word != "--write"]
    if len(words) != 1:
        print(f"usage: {sys.argv[0]} WINDROW [--write]", file=sys.stderr)
        return 2
    page = PAGE.read_text(encoding="utf-8")
    fresh = with_tables(page, printed(words[0]))
    if "--write" in sys.argv:
        PAGE.write_text(fresh, encoding="utf-8")
    elif fresh != page:
        sys.stdout.writelines(difflib.unified_diff(page.splitlines(True), fresh.splitlines(True), "docs/deck.md",
                                                   "windrow help"))
        print("docs/deck.md is not what the program prints; write it anew: tests/docs/deck_md.py WINDROW --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
