#!/usr/bin/python3
"""Opens a file that Windrow wrote with every reader at hand and compares what they see.

    /usr/bin/python3 readers_test.py FILE

Readers: h5py, xarray (no engine named), netCDF4, ncdump, h5dump, and numpy, which maps an array where it lies:

    d = h5py.File("populate.h5", "r")["array"]
    a = np.memmap("populate.h5", mode="r", offset=d.id.get_offset(), shape=d.shape, dtype=d.dtype)
    print(a[:3, :3])

Exit status: 0 all agree, 1 they do not (the message says where), 2 usage.
"""

import sys

import command_line
import h5py
import netCDF4
import numpy as np
import xarray

NOT_A_VARIABLE = "This is a netCDF dimension but not a netCDF variable."
PAGE_BYTES = 4096
TYPES = {"float64": "double", "float32": "float", "int64": "int64", "int32": "int"}


class Mismatch(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Mismatch(message)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


def map_array(path, name):
    """The documented way; no HDF5 is involved once the offset is known."""
    with h5py.File(path, "r") as file:
        d = file[name]
        return np.memmap(path, mode="r", offset=d.id.get_offset(), shape=d.shape, dtype=d.dtype)


def is_dimension(dataset):
    return text(dataset.attrs.get("NAME", b"")).startswith(NOT_A_VARIABLE)


def dimension_names(dataset):
    """The names of the scales that h5py finds on each axis, which must be one each."""
    for axis, dimension in enumerate(dataset.dims):
        require(len(dimension) == 1, f"{dataset.name}: axis {axis} has {len(dimension)} dimension scales")
    return tuple(dimension[0].name.rsplit("/", 1)[-1] for dimension in dataset.dims)


def root_datasets(file):
    """Arrays and scalars by name, as h5py sees them; checks the dimensions on the way."""
    found = {}
    for name, item in file.items():
        if not isinstance(item, h5py.Dataset):
            continue
        if is_dimension(item):
            require(text(item.attrs["NAME"]) == f"{NOT_A_VARIABLE}{item.shape[0]:10d}", f"{name}: wrong NAME")
            require(item.id.get_storage_size() == 0, f"dimension {name} takes {item.id.get_storage_size()} bytes")
        else:
            found[name] = item
    return found


def check_h5py(path):
    """Checks what only HDF5 shows; returns of every array and scalar the values, axes and attributes."""
    with h5py.File(path, "r") as file:
        for name in ("Conventions", "title", "source"):
            value = file.attrs.get(name)
            require(isinstance(value, bytes), f"root attribute {name} is no text of fixed length: {value!r}")
        require(file.attrs["windrow_format"] == 1, f"windrow_format is {file.attrs['windrow_format']}")
        datasets = root_datasets(file)
        require(datasets, "there is neither an array nor a scalar in the file")
        for name, dataset in datasets.items():
            require(dataset.dtype.isnative, f"{name} is not in native byte order")
            require(str(dataset.dtype) in TYPES, f"{name} has type {dataset.dtype}")
            require(dataset.chunks is None, f"{name} is chunked")
            if dataset.shape:
                offset = dataset.id.get_offset()
                require(offset % PAGE_BYTES == 0, f"{name} starts at byte {offset}, not on a page")
        require("provenance" in file, "there is no group /provenance")
        for name in datasets:
            if datasets[name].shape:
                groups = -(-datasets[name].nbytes // file["provenance/checksums"].attrs["group_bytes"])
                sums = file[f"provenance/checksums/{name}"]
                require(sums.shape == (groups,) and sums.dtype == "uint64", f"checksums of {name}: {sums}")
        return {name: (d[()], dimension_names(d), own_attributes(d)) for name, d in datasets.items()}


def own_attributes(dataset):
    return {key: text(value) for key, value in dataset.attrs.items() if key != "DIMENSION_LIST"}


def check_memmap(path, expected):
    for name, (values, dimensions, _) in expected.items():
        if dimensions:
            require(same(map_array(path, name), values), f"np.memmap and h5py differ in {name}")


def check_xarray(path, expected):
    with xarray.open_dataset(path) as dataset:
        require(set(dataset.variables) == set(expected), f"xarray sees {set(dataset.variables)}, h5py {set(expected)}")
        require(not dataset.coords, f"xarray sees coordinates: {list(dataset.coords)}")
        require(dataset.attrs["windrow_format"] == 1, "xarray does not see windrow_format")
        for name, (values, dimensions, attributes) in expected.items():
            variable = dataset[name]
            require(variable.dims == dimensions, f"xarray calls the axes of {name} {variable.dims}, h5py {dimensions}")
            require(variable.dtype == values.dtype, f"{name} is {variable.dtype} in xarray, {values.dtype} in h5py")
            require(same(variable.values, values), f"xarray and h5py differ in {name}")
            seen = variable.attrs
            require(seen == attributes, f"attributes of {name}: {seen} in xarray, {attributes} in h5py")


def check_netcdf4(path, expected):
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        require(dataset.data_model == "NETCDF4", f"netCDF4 says the file is {dataset.data_model}")
        require(set(dataset.variables) == set(expected), f"netCDF4 sees {set(dataset.variables)}, h5py {set(expected)}")
        check_dimensions(dataset)
        for name, (values, dimensions, _) in expected.items():
            variable = dataset.variables[name]
            require(variable.dimensions == dimensions, f"netCDF4 calls the axes of {name} {variable.dimensions}")
            require(variable.dtype == values.dtype, f"{name} is {variable.dtype} in netCDF4, {values.dtype} in h5py")
            require(same(variable[...], values), f"netCDF4 and h5py differ in {name}")


def check_dimensions(group):
    """No axis, in any group, whose dimension netCDF had to invent; every variable can be read."""
    invented = [name for name in group.dimensions if name.startswith("phony_dim")]
    require(not invented, f"netCDF4 had to invent dimensions in {group.path}: {invented}")
    for variable in group.variables.values():
        variable[...]
    for child in group.groups.values():
        check_dimensions(child)


def check_provenance(path):
    """What stands under /provenance is the same in h5py and netCDF4, and no file without it."""
    with h5py.File(path, "r") as file, netCDF4.Dataset(path) as dataset:
        netcdf = dataset.groups["provenance"]
        group = file["provenance"]
        require(set(netcdf.groups) == {name for name in group if isinstance(group[name], h5py.Group)}, "groups differ")
        for name, variable in netcdf.variables.items():
            values = group[name][()]
            seen = variable[...]
            agree = text(values) == seen if isinstance(values, bytes) and values else same(values, seen)
            require(agree or values == b"", f"netCDF4 and h5py differ in provenance/{name}: {seen!r}, {values!r}")
        for name in netcdf.ncattrs():
            require(text(group.attrs[name]) == netcdf.getncattr(name), f"attribute {name} of provenance differs")
        for array, blocks in group["blocks"].items():
            rows = np.column_stack([blocks["first_row"], blocks["rows"]])
            rows = rows[np.argsort(rows[:, 0])]
            require(rows[0, 0] == 0, f"the block records of {array} do not begin at row 0")
            require(same(rows[1:, 0], rows[:-1].sum(axis=1)), f"the block records of {array} leave rows out or overlap")
            require(rows[-1].sum() == file[array].shape[0], f"the block records of {array} do not end at the last row")


def check_ncdump(path, expected):
    header = command_line.output("ncdump", "-h", path)
    root = header.split("\ngroup:")[0]
    for name, (values, dimensions, _) in expected.items():
        axes = f"({', '.join(dimensions)})" if dimensions else ""
        line = f"\t{TYPES[str(values.dtype)]} {name}{axes} ;"
        require(line in root, f"ncdump -h has no line {line!r}:\n{root}")
        for dimension, length in zip(dimensions, values.shape):
            line = f"\t{dimension} = {length} ;"
            require(line in root, f"ncdump -h has no line {line!r}:\n{root}")
    require(":windrow_format = 1" in root, "ncdump -h does not show windrow_format")
    require("phony_dim" not in header, "ncdump -h shows invented dimensions")
    command_line.output("ncdump", path, limit=1_000_000)


def check_h5dump(path, expected):
    header = command_line.output("h5dump", "-H", path)
    for name, (values, _, _) in expected.items():
        require(f'DATASET "{name}" {{' in header, f"h5dump -H does not show {name}")
        dump = command_line.output("h5dump", "-H", "-p", "-d", f"/{name}", path)
        shape = ", ".join(str(length) for length in values.shape)
        space = f"SIMPLE {{ ( {shape} ) / ( {shape} ) }}" if shape else "SCALAR"
        require(space in dump, f"h5dump shows another dataspace of {name}:\n{dump}")
        require("CONTIGUOUS" in dump, f"h5dump: {name} is not contiguous:\n{dump}")


def main(arguments):
    if len(arguments) != 1:
        print("usage: readers_test.py FILE", file=sys.stderr)
        return 2
    path = arguments[0]
    try:
        expected = check_h5py(path)
        check_memmap(path, expected)
        check_xarray(path, expected)
        check_netcdf4(path, expected)
        check_provenance(path)
        check_ncdump(path, expected)
        check_h5dump(path, expected)
    except (Mismatch, command_line.CommandFailed, KeyError, OSError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    for name, (values, dimensions, _) in expected.items():
        print(f"{name}{list(dimensions)} {values.dtype}: h5py, xarray, netCDF4, ncdump, h5dump and np.memmap agree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
