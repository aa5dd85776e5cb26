#!/usr/bin/python3
"""Gives `windrow verify` files that it must refuse, written by other programs.

    /usr/bin/python3 foreign_test.py WINDROW FILE

WINDROW is the program, FILE a whole file that it wrote (it is copied, not changed).
Exit status: 0 all were refused with status 5 and one clear line, 1 otherwise, 2 usage.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py
import netCDF4
import numpy as np

VERIFICATION_FAILED = 5


def write_h5py(path):
    with h5py.File(path, "w") as file:
        file["array"] = np.arange(12.0).reshape(3, 4)
        file.attrs["windrow"] = "not at all"


def write_h5py_latest(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["array"] = np.arange(12.0).reshape(3, 4)


def write_imitation(path):
    with h5py.File(path, "w", libver=("v108", "v108")) as file:
        file.attrs["windrow_format"] = 1
        file["array"] = np.arange(12.0)


def write_netcdf(path, model):
    with netCDF4.Dataset(path, "w", format=model) as dataset:
        dataset.createDimension("row", 3)
        dataset.createVariable("array", "f8", ("row",))[:] = [1.0, 2.0, 3.0]


def write_numpy(path):
    with open(path, "wb") as file:
        np.save(file, np.arange(1000.0))


def foreign_files(folder):
    """Name and path of every file that was never Windrow's."""
    writers = {
        "h5py": write_h5py,
        "h5py, latest format": write_h5py_latest,
        "imitation": write_imitation,
        "netCDF-4": lambda path: write_netcdf(path, "NETCDF4"),
        "netCDF-3": lambda path: write_netcdf(path, "NETCDF3_CLASSIC"),
        "numpy": write_numpy,
    }
    for name, write in writers.items():
        path = folder / name
        write(path)
        yield name, path


def changed_files(folder, original):
    """Name and path of copies of a whole file that another program has changed, each in its way."""

    def copy(name):
        return name, pathlib.Path(shutil.copy(original, folder / name))

    name, path = copy("attribute added by h5py")
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "changed"
    yield name, path

    name, path = copy("element changed by h5py")
    with h5py.File(path, "r+") as file:
        array = next(d for d in file.values() if isinstance(d, h5py.Dataset) and d.shape and "NAME" not in d.attrs)
        first = (0,) * array.ndim
        array[first] = array[first] + 1
    yield name, path

    name, path = copy("dataset added by netCDF4")
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.createVariable("added", "f8", ())
    yield name, path

    path = folder / "rewritten by h5repack"
    subprocess.run(["h5repack", original, path], check=True)
    yield path.name, path


def verify(windrow, path):
    return subprocess.run([windrow, "verify", path], capture_output=True, text=True, timeout=60)


def main(arguments):
    if len(arguments) != 2:
        print("usage: foreign_test.py WINDROW FILE", file=sys.stderr)
        return 2
    windrow, original = arguments
    whole = verify(windrow, original)
    if whole.returncode != 0:
        print(f"{original} is not whole to begin with: {whole.stderr}", file=sys.stderr)
        return 1
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind, path in [*foreign_files(folder), *changed_files(folder, original)]:
            result = verify(windrow, path)
            print(f"{kind}: exit status {result.returncode}: {result.stderr.strip()}")
            if result.returncode != VERIFICATION_FAILED or str(path) not in result.stderr:
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
