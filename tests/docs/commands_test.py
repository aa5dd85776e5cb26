#!/usr/bin/python3
"""Runs what a page says can be run, in a folder with `input` and `slurm` in it, and compares what it prints.

    /usr/bin/python3 commands_test.py PAGE WINDROW
"""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import pages

LIMIT_S = 300
RELEASE = pages.ROOT / "build" / "release" / "windrow"
# For another build than that of ./run: starts what ./run would start.
LIKE_RUN = """#!/bin/sh
ranks=2
[ "$1" != -n ] || { ranks=$2; shift 2; }
[ $# -gt 0 ] || set -- input/populate.toml --overwrite
exec mpirun -q -n "$ranks" windrow run "$@"
"""


def make_folder(folder, windrow):
    """What a reader has: the checkout's folders, and ./run with a program that is built."""
    for name in ("input", "slurm"):
        (folder / name).symlink_to(pages.ROOT / name)
    run = folder / "run"
    if RELEASE.exists() and RELEASE.samefile(windrow):
        run.write_text(f'#!/bin/sh\nexec {shlex.quote(str(pages.ROOT / "run"))} "$@"\n')
    else:
        run.write_text(LIKE_RUN)
    run.chmod(0o755)


def masked(text):
    """A line of output without what differs from run to run: times, rates, host, ranks, the line that starts mpirun."""
    lines = []
    for line in text.rstrip("\n").split("\n"):
        if line.startswith("$ ") or line.startswith("Built "):
            continue
        line = re.sub(r"^(\w+: )\d+ ranks? on (\d+ nodes?), .*", r"\1RANKS on \2, HOST", line)
        line = re.sub(r"^(\w+) +\d+\.\d+( .*)?$", r"\1 TIMES", line)
        lines.append(line.rstrip())
    return "\n".join(lines).strip("\n")


def matches(shown, printed):
    parts = [re.escape(part.strip("\n")) for part in re.split(r"(?m)^…$", masked(shown))]
    return re.fullmatch("(?s:.*)".join(parts), masked(printed)) is not None


class Page:
    def __init__(self, path, windrow):
        self.path = path
        self.blocks = pages.blocks(path.read_text(encoding="utf-8"))
        self.environment = pages.environment(windrow, PYTHONDONTWRITEBYTECODE="1")
        self.failures = 0
        self.done = 0

    def execute(self, block, command, folder):
        print(f"--- {self.path.name}:{block.line}", flush=True)
        done = subprocess.run(command, cwd=folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S)
        print(done.stdout, end="", flush=True)
        self.done += 1
        if done.returncode != 0:
            self.fail(block, f"exit status {done.returncode}")
        return done.stdout

    def fail(self, block, why):
        self.failures += 1
        print(f"{self.path}:{block.line}: {why}", file=sys.stderr)

    def run_console(self, block, folder):
        command, shown = block.text.split("\n", 1)
        printed = self.execute(block, ["bash", "-ec", command.removeprefix("$ ")], folder)
        if not matches(shown, printed):
            self.fail(block, f"the page shows\n{masked(shown)}\n--- but printed is\n{masked(printed)}")

    def run_program(self, section, folder):
        """The Python of a section as one program, its checks at the end."""
        programs = [b for b in self.blocks if b.section == section and b.is_run("python")]
        checks = [b for b in self.blocks if b.section == section and b.language == "check"]
        if checks and not programs:
            self.fail(checks[0], "a check without a program")
        if programs:
            lines = [b.text for b in self.blocks if b.language == "python" and "always" in b.words]
            lines += [b.text for b in programs]
            lines += [f"assert {c.text}, {f'{self.path.name}:{c.line}: does not hold'!r}\n" for c in checks]
            program = folder / "program.py"
            program.write_text("\n".join(lines), encoding="utf-8")
            self.execute(programs[0], ["/usr/bin/python3", str(program)], folder)

    def run(self, folder):
        for section in sorted({block.section for block in self.blocks}):
            for block in self.blocks:
                if block.section == section and block.is_run("sh"):
                    self.execute(block, ["bash", "-exc", block.text], folder)
                elif block.section == section and block.is_run("console"):
                    self.run_console(block, folder)
            self.run_program(section, folder)


def main():
    name, windrow = pages.arguments("PAGE WINDROW", 2)
    page = Page(pathlib.Path(name), windrow)
    with tempfile.TemporaryDirectory(prefix="windrow-docs-") as folder:
        make_folder(pathlib.Path(folder), windrow)
        page.run(pathlib.Path(folder))
    print(f"{page.done} blocks run, {page.failures} failures")
    if page.done == 0:
        print(f"{page.path}: nothing to run", file=sys.stderr)
    return 1 if page.failures or page.done == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
