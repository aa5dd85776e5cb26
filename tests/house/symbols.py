#!/usr/bin/python3
"""The kernels of an instruction set keep to themselves: a function of theirs that other code could be linked with would
run on processors that do not have the instructions. Their objects define one symbol each, the table.

    symbols.py LIBRARY [--self-test]
"""
import pathlib
import re
import subprocess
import sys
import tempfile

DEFINED = re.compile(r":(level_\w+)\.cpp\.o:[0-9a-f]* ([A-Z]|[vw]) (\S+)$")


def violations(library):
    listing = subprocess.run(["nm", "-A", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    found = [match.groups() for match in map(DEFINED.search, listing.split("\n")) if match]
    if not found:
        return [f"{library}: no object of an instruction set found"]
    return [f"{name}.cpp: {symbol} is visible to other objects" for name, _, symbol in found if "kernels" not in symbol]


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "level_seed.cpp")
        source.write_text("inline int leak() { return 1; }\nint (*seed_kernels)() = leak;\n")
        subprocess.run(["c++", "-c", source, "-o", f"{source}.o"], check=True)
        library = f"{folder}/seed.a"
        subprocess.run(["ar", "rc", library, f"{source}.o"], check=True)
        caught = violations(library)
        print("\n".join(caught) or "MISSED: an inline function")
        return 0 if len(caught) == 1 else 1


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        sys.exit(self_test())
    bad = violations(sys.argv[1])
    print("\n".join(bad))
    sys.exit(1 if bad else 0)
