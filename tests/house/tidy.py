#!/usr/bin/python3
"""clang-tidy over the project's sources in compile_commands.json (.clang-tidy says which checks). A file whose bytes,
headers, flags and checks are those of an earlier clean run is passed over."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess

import headers
import house
import includes

CLANG_TIDY = house.tool("clang-tidy")
COMMANDS = {}  # source -> compile command
CACHE = None


def prepare(arguments):
    global CACHE
    # Minutes of work: where everything is asked for, or where somebody asks for this.
    if os.environ.get("CI") != "true" and not os.environ.get("WINDROW_TIDY"):
        print("skipped: set WINDROW_TIDY=1 to run clang-tidy")
        raise SystemExit(house.SKIPPED)
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True).stdout
    build = arguments.build or house.ROOT / "build/release"
    database = build / "compile_commands.json"
    if "version 14." not in version or not database.exists():
        print(f"skipped: clang-tidy is not version 14, or there is no {database}")
        raise SystemExit(house.SKIPPED)
    for entry in json.loads(database.read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(house.ROOT):
            COMMANDS[path.relative_to(house.ROOT)] = entry["command"]
    CACHE = build / "Testing/tidy"
    CACHE.mkdir(parents=True, exist_ok=True)


def tidy(root, path, command):
    """What clang-tidy says of a source, nothing if it is content."""
    proof = hashlib.sha256((root / ".clang-tidy").read_bytes() + command.encode())
    for part in sorted(headers.closure(root, path)):
        proof.update(f"{part}\0".encode() + (root / part).read_bytes())
    stamp = CACHE / proof.hexdigest()
    if stamp.exists():
        return []
    flags = [flag.replace(str(house.ROOT), str(root)) for flag in headers.flags_of(command)]
    # clang knows fewer options than GCC, and does not know GCC's own warnings.
    flags = [flag for flag in flags[1:] if not flag.startswith("-f") or flag.startswith("-fsanitize")]
    done = subprocess.run([CLANG_TIDY, "--quiet", str(root / path), "--", *flags, *machine_flags(command)],
                          capture_output=True, text=True, cwd=root)
    found = [f"{path_of(root, match[1])}:{match[2]}: {match[3]}"
             for match in re.finditer(r"^(/[^:\n]+):(\d+):\d+: (?:error|warning): (.*)$", done.stdout, re.M)]
    if done.returncode == 0 and not found:
        stamp.touch()
    elif not found:
        found = [f"{path}:1: clang-tidy failed: {done.stdout}{done.stderr}"]
    return found


def machine_flags(command):
    return [word for word in command.split() if word.startswith("-m")]


def path_of(root, name):
    path = pathlib.Path(name)
    return path.relative_to(root) if path.is_relative_to(root) else path


def check(root):
    sources = dict(COMMANDS)
    for path in house.files(root, ".cpp", below=("src", "jobs")):
        folder, _ = includes.folder_of(path)
        # A source that the build does not know yet is read with the flags of its neighbours.
        neighbour = next((command for other, command in COMMANDS.items()
                          if includes.folder_of(other) == (folder, False)), None)
        if neighbour:
            sources.setdefault(path, neighbour)
    chosen = [path for path in sources if path.parts[0] in {"src", "jobs"} and (root / path).exists()
              and not str(path).startswith(includes.EXEMPT)]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        answers = pool.map(lambda path: tidy(root, path, sources[path]), chosen)
        return sorted({line for answer in answers for line in answer})


SEEDS = [
    ("src/base/seed.cpp", "int BadName() { return 1; }\n", "a function's name"),
    ("src/base/seed.cpp", "class Seed {\n public:\n  Seed() = default;\n private:\n  int count = 0;\n};\n",
     "a member's name"),
    ("src/base/seed.cpp", "int* seed() { return 0; }\n", "0 for a null pointer"),
]

if __name__ == "__main__":
    house.main(check, SEEDS, prepare)
