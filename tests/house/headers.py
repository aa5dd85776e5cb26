#!/usr/bin/python3
"""Every header compiles alone, and a second time after itself, with the flags of its folder."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess

import house
import includes

FLAGS = {}  # folder of the house -> compiler and flags
CACHE = None  # where the proofs of earlier runs are


def flags_of(command):
    """Compiler and flags of a compile command, without the launcher, the files and what belongs to one file only."""
    words = shlex.split(command)
    while not os.path.basename(words[0]).endswith(("++", "cc")) or os.path.basename(words[0]) == "ccache":
        words.pop(0)
    kept, skip = words[:1], False
    for word in words[1:]:
        if skip:
            skip = False
        elif word in {"-o", "-c", "-MF", "-MT", "-MQ"}:
            skip = True
        elif kept[-1] == "-isystem" or word.startswith(("-I", "-D", "-std", "-isystem", "-f")):
            kept.append(word)
    return kept


def prepare(arguments):
    global CACHE
    build = arguments.build or house.ROOT / "build/release"
    database = build / "compile_commands.json"
    if not database.exists():
        print(f"skipped: no {database}")
        raise SystemExit(house.SKIPPED)
    for entry in json.loads(database.read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(house.ROOT):
            folder, is_test = includes.folder_of(path.relative_to(house.ROOT))
            if folder and not is_test:
                FLAGS.setdefault(folder, flags_of(entry["command"]))
    CACHE = build / "Testing/headers"
    CACHE.mkdir(parents=True, exist_ok=True)


def closure(root, path, seen=None):
    """A header and all headers of the project that it brings in."""
    seen = set() if seen is None else seen
    if path not in seen:
        seen.add(path)
        for _, _, name in includes.includes(root, path):
            other = includes.project_file(root, path, name)
            if other:
                closure(root, other, seen)
    return seen


def compile_alone(root, path):
    """What the compiler says of a header, nothing if it is content."""
    folder, _ = includes.folder_of(path)
    flags = FLAGS.get(folder) or next(iter(FLAGS.values()))
    name = str(path.relative_to("src")) if path.parts[0] == "src" else str(path)
    # A proof holds for equal bytes wherever they lie: the self-test's copy compiles only what it seeds.
    proof = hashlib.sha256(" ".join(flags).encode())
    for part in sorted(closure(root, path)):
        proof.update(f"{part}\0".encode() + (root / part).read_bytes())
    stamp = CACHE / proof.hexdigest()
    if stamp.exists():
        return ""
    flags = [flag.replace(str(house.ROOT), str(root)) for flag in flags]
    done = subprocess.run([*flags, "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{name}"\n#include "{name}"\n',
                          capture_output=True, text=True, cwd=root)
    if done.returncode == 0:
        stamp.touch()
        return ""
    return done.stderr or "the compiler failed"


def check(root):
    headers = [path for path in house.files(root, ".hpp", below=("src", "jobs"))
               if not str(path).startswith(includes.EXEMPT)]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        answers = pool.map(lambda path: compile_alone(root, path), headers)
        return [f"{path}:1: does not compile alone:\n{answer}" for path, answer in zip(headers, answers) if answer]


SEEDS = [
    ("src/base/seed.hpp", "#pragma once\ninline std::string seed() { return {}; }\n", "a forgotten include"),
    ("src/base/seed.hpp", "inline int seed() { return 1; }\n", "a forgotten #pragma once"),
]

if __name__ == "__main__":
    house.main(check, SEEDS, prepare)
