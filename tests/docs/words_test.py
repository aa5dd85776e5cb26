#!/usr/bin/python3
"""What pages name exists: commands and options of windrow, keys of decks, files, settings of the environment.

    /usr/bin/python3 words_test.py WINDROW
"""

import re
import subprocess
import sys

import pages

CODE = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"\bwindrow ([a-z]+)((?: [^\s`|]+)*)")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
KEY = re.compile(r"(?<![\w./-])([a-z_]+)\.([a-z_]+)\b(?!\.|\()")
PATH = re.compile(r"^(?:src|jobs|tests|docs|cmake|input|slurm)/[\w./*-]+$")
SETTING = re.compile(r"\bWINDROW_[A-Z_]+\b")
# Words that follow the program's name in a sentence, not commands.
ENDINGS = {"h5", "nc", "toml", "md", "py", "cpp", "hpp", "cmake", "json", "sbatch", "svg", "txt"}


class Language:
    """The commands with their options, and the keys of all jobs, as the program tells them."""

    def __init__(self, windrow):
        def output(*words):
            return subprocess.run([windrow, *words], check=True, capture_output=True, text=True).stdout

        listed = output("--help").split("Subcommands:")[1]
        names = re.findall(r"^  ([a-z]+) ", listed, re.M)
        self.options = {name: set(OPTION.findall(output(name, "--help").replace(",", " "))) for name in names}
        self.keys = set()
        for job in (line.split()[0] for line in output("list").splitlines()):
            self.keys |= set(re.findall(r"^\| `([\w.]+)`", output("help", job, "--markdown"), re.M))
        self.sections = {key.split(".")[0] for key in self.keys if "." in key}


def settings():
    found = set()
    for folder in ("src", "cmake", "slurm", "tests"):
        for path in (pages.ROOT / folder).rglob("*"):
            if path.is_file() and "docs" not in path.parts:
                found |= set(SETTING.findall(path.read_text(encoding="utf-8", errors="ignore")))
    return found | set(SETTING.findall((pages.ROOT / "CMakeLists.txt").read_text()))


def faults(text, language, known_settings, own_files, own_keys=frozenset()):
    """What is wrong with the words of some code in a page."""
    for command in COMMAND.finditer(text):
        name = command[1]
        if name not in language.options:
            yield f"no command `windrow {name}`"
            continue
        for option in OPTION.findall(command[2]):
            if option not in language.options[name]:
                yield f"`windrow {name}` has no option {option}"
    for section, key in KEY.findall(text):
        if section in language.sections and key not in ENDINGS and f"{section}.{key}" not in language.keys | own_keys:
            yield f"no key `{section}.{key}`"
    if PATH.match(text) and text not in own_files and not list(pages.ROOT.glob(text.rstrip("/"))):
        yield f"no file {text}"
    for name in SETTING.findall(text):
        if name not in known_settings:
            yield f"nothing looks at {name}"


def check(page, language, known_settings):
    blocks = pages.blocks(page)
    own_files = {block.file for block in blocks if block.file}
    for number, line in pages.prose(page):
        for code in CODE.findall(line):
            for fault in faults(code, language, known_settings, own_files):
                yield number, fault
    for block in blocks:
        if block.language in ("sh", "console"):
            for offset, line in enumerate(block.text.split("\n")):
                for fault in faults(line, language, known_settings, own_files):
                    yield block.line + offset, fault


# Each must be found, or the test could not fail.
WRONG = ["`windrow rum`", "`windrow run --overwirte`", "`windrow plan DECK --quiet`", "`populate.block_row`",
         "`array.row`", "`src/base/no_such.hpp`", "`WINDROW_LEVLE`", "```sh\nwindrow run a.toml array.vlaue=1\n```"]


def main():
    (windrow,) = pages.arguments("WINDROW", 1)
    language, known = Language(windrow), settings()
    failures = [f"{wrong!r} is not found to be wrong" for wrong in WRONG if not list(check(wrong, language, known))]
    for path in pages.all_pages():
        failures += [f"{path}:{number}: {fault}"
                     for number, fault in check(path.read_text(encoding="utf-8"), language, known)]
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
