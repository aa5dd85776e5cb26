"""The project's pages as the tests of this folder see them: fenced blocks, and what runs them.

A block is marked by words behind its language. A page viewer does not show them:

    sh run          commands that are run, one block after the other, in a folder of the page's own
    python run      a program that is run after the commands of its section
    python always   what every program of the page begins with
    sh cluster      lines that are run on a cluster of two hosts, by tests/cluster/pages_test.py
    console run     a command after "$ " and what it prints; a line of a lone ellipsis stands for any lines

and `file=PATH`, for a file that the reader is told to write. A comment `<!-- check: EXPRESSION -->` is Python that must
hold at the end of its section, in the program of the section's blocks.
"""

import os
import pathlib
import re
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE

OPEN = re.compile(r"^(```+)\s*(\S*)\s*(.*)$")
CHECK = re.compile(r"^<!-- check: (.*) -->$")


class Block(typing.NamedTuple):
    language: str
    words: typing.Tuple[str, ...]
    text: str
    line: int  # of its first line, from 1
    section: int  # number of headings before it

    @property
    def file(self):
        return next((word[5:] for word in self.words if word.startswith("file=")), None)

    def is_run(self, language):
        return self.language == language and "run" in self.words


def blocks(page):
    """The fenced blocks of a page, and its checks as blocks of the language "check"."""
    found, body, fence, section = [], [], None, 0
    for number, line in enumerate(page.split("\n"), 1):
        if fence:
            if line.rstrip() == fence[0]:
                found.append(Block(fence[1], fence[2], "\n".join(body) + "\n", fence[3], section))
                fence = None
            else:
                body.append(line)
        elif match := OPEN.match(line):
            fence, body = (match[1], match[2], tuple(match[3].split()), number + 1), []
        elif match := CHECK.match(line):
            found.append(Block("check", (), match[1], number, section))
        elif line.startswith("#"):
            section += 1
    if fence:
        raise ValueError(f"the block that begins at line {fence[3]} does not end")
    return found


def prose(page):
    """The lines of a page outside its fenced blocks, numbered."""
    fenced = False
    for number, line in enumerate(page.split("\n"), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def all_pages():
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))


def environment(windrow, **changes):
    """Of a command in a page: the program under test is on the PATH, and the system's Python is `python3`."""
    folders = [str(pathlib.Path(windrow).resolve().parent), "/usr/bin", os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(folders), **changes}


def arguments(usage, count):
    if len(sys.argv) != count + 1:
        print(f"usage: {sys.argv[0]} {usage}", file=sys.stderr)
        sys.exit(2)
    return sys.argv[1:]
