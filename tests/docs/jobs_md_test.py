#!/usr/bin/python3
"""Follows docs/jobs.md in a copy of the checkout: writes its files, makes its edits, runs its commands.

    /usr/bin/python3 jobs_md_test.py FOLDER

FOLDER is made at the first time; a second time only what has changed is compiled.
"""

import os
import pathlib
import subprocess
import sys

import pages

PAGE = pages.ROOT / "docs" / "jobs.md"
NOT_COPIED = {".git", "build", "install", ".cache", "__pycache__"}


class WrongPage(Exception):
    pass


def checkout():
    """The files of the checkout, as paths below it."""
    for folder, folders, names in os.walk(pages.ROOT):
        folders[:] = [name for name in folders if name not in NOT_COPIED]
        for name in names:
            if not name.endswith((".h5", ".nc")):
                yield pathlib.Path(folder, name).relative_to(pages.ROOT)


def patched(text, block):
    """Applies a block of lines to keep (" ") and to add ("+"), in the order of the file."""
    lines, at = text.split("\n"), 0
    for line in block.text.rstrip("\n").split("\n"):
        if line.startswith("+"):
            lines.insert(at, line[1:])
            at += 1
        elif line[1:] in lines[at:]:
            at = lines.index(line[1:], at) + 1
        else:
            raise WrongPage(f"{PAGE}:{block.line}: {block.file} has no line {line[1:]!r}")
    return "\n".join(lines)


def write(path, content, mode):
    """Leaves a file alone that is as it must be: what depends on it is not made again."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path.chmod(mode)


def make_copy(folder, blocks):
    contents = {path: ((pages.ROOT / path).read_bytes(), (pages.ROOT / path).stat().st_mode) for path in checkout()}
    for block in blocks:
        if block.file and block.language == "diff":
            before, mode = contents[pathlib.Path(block.file)]
            contents[pathlib.Path(block.file)] = (patched(before.decode(), block).encode(), mode)
        elif block.file:
            if pathlib.Path(block.file) in contents:
                raise WrongPage(f"{PAGE}:{block.line}: {block.file} exists already")
            contents[pathlib.Path(block.file)] = (block.text.encode(), 0o644)
    for path in [path for path in folder.rglob("*") if path.is_file() and folder / "build" not in path.parents]:
        if path.relative_to(folder) not in contents:
            path.unlink()
    for path, (content, mode) in contents.items():
        write(folder / path, content, mode)


def unlisted(folder, blocks):
    """The tests that the page writes and that ctest does not find."""
    tree = folder / "build" / "listed"
    subprocess.run(["cmake", "-S", folder, "-B", tree, "-G", "Ninja", "-DWINDROW_TESTS=ON"], check=True,
                   stdout=subprocess.DEVNULL)
    listed = subprocess.run(["ctest", "--test-dir", tree, "-N", "-V"], check=True, capture_output=True, text=True).stdout
    tests = [block.file for block in blocks if block.file and block.file.startswith("tests/")]
    return [test for test in tests if test not in listed]


def main():
    (name,) = pages.arguments("FOLDER", 1)
    folder = pathlib.Path(name).resolve()
    blocks = pages.blocks(PAGE.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        make_copy(folder, blocks)
    except WrongPage as error:
        print(error, file=sys.stderr)
        return 1
    # A cached object is found for the same source in another folder, where ccache looks at paths below this one.
    environment = {**os.environ, "CCACHE_BASEDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    commands = [block for block in blocks if block.is_run("sh")]
    for block in commands:
        done = subprocess.run(["bash", "-exc", block.text], cwd=folder, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            print(f"{PAGE}:{block.line}: exit status {done.returncode}", file=sys.stderr)
            return 1
    if "warning:" in (folder / "build" / "release" / "build.log").read_text():
        print(f"{PAGE}: the compiler warns of the job", file=sys.stderr)
        return 1
    if missing := unlisted(folder, blocks):
        print(f"{PAGE}: ctest does not find {', '.join(missing)}", file=sys.stderr)
        return 1
    print(f"{len(commands)} blocks run, of {len(blocks)}")
    return 0 if commands else 1


if __name__ == "__main__":
    sys.exit(main())
