#!/usr/bin/python3
"""Who may include whom: main -> jobs -> job -> {io, array, expr, deck} -> {mpi, kernel} -> base."""
import pathlib
import re

import house

# Each folder, and all the folders below it that it may include. expr, kernel and deck know no MPI.
BELOW = {
    "base": set(),
    "kernel": {"base"},
    "mpi": {"base"},
    "expr": {"kernel", "base"},
    "deck": {"kernel", "base"},
    "array": {"mpi", "kernel", "base"},
    "io": {"array", "mpi", "kernel", "base"},
}
BELOW["job"] = set(BELOW)
BELOW["jobs"] = set(BELOW)
BELOW["main"] = set(BELOW)
WITHOUT_MPI = {"base", "kernel", "expr", "deck"}

# Comparing raw mechanisms is their purpose.
EXEMPT = ("jobs/sharing/", "tests/bench/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MPI_HEADER = re.compile(r"^mpi(-ext)?\.h$")
HDF5_HEADER = re.compile(r"^(hdf5(_hl)?|H5\w+)\.h$")


def folder_of(path):
    """The folder of the house that a file belongs to and whether it is a test; None for what no rule is about."""
    parts = path.parts
    if parts[0] == "src":
        return ("main" if len(parts) == 2 else parts[1]), False
    if parts[0] == "jobs":
        return "jobs", False
    if parts[:2] == ("tests", "unit") and len(parts) > 3:
        return parts[2], True
    return None, False


def includes(root, path):
    """Line number, whether in quotes, and name of everything a file includes."""
    for number, line in enumerate(house.text(root, path).split("\n"), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] == '"', match[2]


def project_file(root, path, name):
    """The project's file that an include names, relative to root, or None."""
    for candidate in (path.parent / name, pathlib.Path("src", name), pathlib.Path(name), pathlib.Path("tests", name)):
        if (root / candidate).is_file():
            return pathlib.Path(*pathlib.Path(candidate).parts)
    return None


def check(root):
    violations = []
    sources = [path for path in house.files(root, ".hpp", ".cpp", ".h", below=("src", "jobs", "tests/unit"))
               if not str(path).startswith(EXEMPT)]
    hdf5_headers = {path for path in sources if path.suffix == ".hpp" and path.parts[:2] == ("src", "io")
                    and any(HDF5_HEADER.match(name) for _, _, name in includes(root, path))}
    for path in sources:
        folder, is_test = folder_of(path)
        if folder is None:
            continue
        if folder not in BELOW:
            violations.append(f"{path}:1: {folder}/ is not a folder of the house")
            continue
        for number, quoted, name in includes(root, path):
            where = f"{path}:{number}"
            if MPI_HEADER.match(name) and (folder in WITHOUT_MPI if is_test else folder != "mpi"):
                violations.append(f"{where}: <{name}> outside src/mpi")
            if HDF5_HEADER.match(name) and folder != "io":
                violations.append(f"{where}: <{name}> outside src/io")
            other = project_file(root, path, name)
            if other is None:
                if quoted:
                    violations.append(f"{where}: \"{name}\" is no file of the project; others go in <>")
                continue
            if not quoted:
                violations.append(f"{where}: <{name}> is the project's own; it goes in quotes")
            target, _ = folder_of(other)
            if target is not None and target != folder and target not in BELOW[folder]:
                violations.append(f"{where}: {folder} may not include {target}")
            # A header with <hdf5.h> in it is private to the .cpp files of src/io and to others of its kind.
            if other in hdf5_headers and not (folder == "io" and (path.suffix == ".cpp" or path in hdf5_headers)):
                violations.append(f"{where}: \"{name}\" brings in <hdf5.h>")
    return violations


SEEDS = [
    ("src/base/seed.hpp", '#include "mpi/communicator.hpp"\n', "base includes mpi"),
    ("src/expr/seed.cpp", '#include "array/shared_array.hpp"\n', "expr includes array"),
    ("src/deck/seed.cpp", '#include "mpi/communicator.hpp"\n', "deck includes mpi"),
    ("src/array/seed.hpp", "#include <mpi.h>\n", "<mpi.h> outside src/mpi"),
    ("src/main.cpp", "#include <mpi.h>\n", "<mpi.h> in main"),
    ("jobs/seed.cpp", "#  include <mpi.h>\n", "<mpi.h> in a job"),
    ("src/job/seed.cpp", "#include <hdf5.h>\n", "<hdf5.h> outside src/io"),
    ("src/io/hdf5_handles.hpp", '#include "job/seed.hpp"\n#include "jobs/seed.hpp"\n', "an unknown header"),
    ("src/array/seed.cpp", '#include "io/file_layout.hpp"\n', "array includes io"),
    ("src/job/seed.cpp", '#include "io/seed.hpp"\n', "<hdf5.h> by way of a private header",
     ("src/io/seed.hpp", "#include <hdf5.h>\n")),
    ("src/base/seed.cpp", "#include <base/units.hpp>\n", "own header in <>"),
    ("tests/unit/kernel/seed_test.cpp", "#include <mpi.h>\n", "MPI in a test of kernel"),
    ("tests/unit/array/seed_test.cpp", '#include "io/file_layout.hpp"\n', "a test of array includes io"),
    ("src/nowhere/seed.cpp", "int seed();\n", "a folder that is not of the house"),
]

if __name__ == "__main__":
    house.main(check, SEEDS)
