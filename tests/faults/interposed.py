"""Runs of windrow in which chosen system calls fail, by the library that interposer.cpp is built as."""

import pathlib

from fault_case import launch


def library():
    """It is built beside the tests of the program's tree."""
    path = pathlib.Path(launch.Program.path).parent / "tests/libinterposer.so"
    if not path.exists():
        raise AssertionError(f"{path} is not built: ninja interposer")
    return path


def environment(rules, log=None, rank=None, scope=None):
    """What has a rank suffer `rules`, such as "pwrite@7=ENOSPC" or "collapse=EINVAL": interposer.cpp reads them."""
    wanted = {"LD_PRELOAD": library(), "INTERPOSE": rules, "INTERPOSE_LOG": log, "INTERPOSE_RANK": rank,
              "INTERPOSE_SCOPE": scope}
    return {name: str(value) for name, value in wanted.items() if value is not None}


def command_line(ranks, rules, *arguments, **options):
    """`windrow ARGUMENTS` that suffers `rules` on all ranks, or on one."""
    return command_line_with(ranks, environment(rules, **options), *arguments)


def command_line_with(ranks, environment, *arguments):
    """`windrow ARGUMENTS` with the library and what it is told."""
    # The ranks load it, their mpirun does not.
    variables = [f"{name}={value}" for name, value in environment.items()]
    launcher = ["mpirun", "-q", "-n", str(ranks)] if ranks else []
    return [*launcher, "env", *variables, launch.Program.path, *map(str, arguments)]
