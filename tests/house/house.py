"""What the rules of this folder share: finding files, running a rule, and proving that the rule can fail."""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "build", "install", ".cache", "__pycache__"}


def files(root, *suffixes, below=("",)):
    """The project's files below these folders, as paths relative to root, sorted."""
    found = []
    for top in below:
        for folder, folders, names in os.walk(root / top):
            folders[:] = [name for name in folders if name not in NOT_OURS]
            found += [pathlib.Path(folder, name).relative_to(root) for name in names
                      if not suffixes or name.endswith(suffixes)]
    return sorted(set(found))


def text(root, path):
    """A file's text, empty for one that is not text."""
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def is_script(root, path):
    first = text(root, path).split("\n", 1)[0]
    return first.startswith("#!") and ("bash" in first or "/sh" in first) or first.startswith("# shellcheck shell")


def tool(name):
    """The path of a tool, or leave as skipped; where CI=true asks for everything, its absence is told as well."""
    found = shutil.which(name)
    if not found:
        print(f"skipped: {name} is not installed")
        sys.exit(SKIPPED)
    return found


def _copy(root, where):
    for path in files(root):
        if path.suffix in {".h5", ".nc"}:
            continue
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, where / path)


def _append(path, addition):
    """Appends to a file, or makes it; gives the function that undoes this."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((before or b"") + addition.encode())
    return path.unlink if before is None else lambda: path.write_bytes(before)


def _self_test(check, seeds):
    """Seeds each violation into a copy of the project and sees that the rule names the file it is in."""
    failures = 0
    with tempfile.TemporaryDirectory(prefix="windrow-house-") as scratch:
        root = pathlib.Path(scratch)
        _copy(ROOT, root)
        for path, addition, why, *others in seeds:
            undo = [_append(root / name, more) for name, more in [(path, addition), *others]]
            caught = [violation for violation in check(root) if violation.startswith(f"{path}:")]
            print(f"{'caught' if caught else 'MISSED'}: {why}: {caught[0] if caught else path}")
            failures += not caught
            for step in undo:
                step()
    return failures


def main(check, seeds, prepare=lambda arguments: None):
    """Runs a rule: check(root) gives violations as "path:line: text". With --self-test, seeds are
    (path, text to append, what is wrong with it) and, where it takes more, further (path, text to append)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--self-test", action="store_true", help="prove that the rule can fail")
    parser.add_argument("--build", type=pathlib.Path, help="the build tree, for compile_commands.json")
    arguments = parser.parse_args()
    prepare(arguments)
    if arguments.self_test:
        sys.exit(1 if _self_test(check, seeds) else 0)
    violations = check(ROOT)
    print("\n".join(violations))
    sys.exit(1 if violations else 0)
