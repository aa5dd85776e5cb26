#!/usr/bin/python3
"""Kernels that lack what makes Windrow quick: the same bytes in the file, and the same promises.

    /usr/bin/python3 old_kernel_test.py WINDROW [unittest arguments]

Calls are refused by an interposed library or by a seccomp filter, as Linux before 6.1 (MADV_COLLAPSE), before 5.14
(MADV_POPULATE_*) and file systems without RENAME_NOREPLACE refuse them.
"""

import contextlib
import ctypes
import errno
import itertools
import json
import platform
import struct
import subprocess

import h5py

import interposed
from fault_case import FaultCase, launch

# More than 2 MiB a rank, so that there are huge pages to be had; and a number of rows that no rank count divides.
ARGUMENTS = ("array.rows=100003", "array.value=uniform() + i")
REFUSALS = {
    "nothing": "",
    "collapse": "collapse=EINVAL,hugepage=EINVAL",
    "populate": "populate_write=EINVAL,populate_read=EINVAL",
    "all three": "collapse=EINVAL,hugepage=EINVAL,populate_write=EINVAL,populate_read=EINVAL",
    "a second mapping": "mremap=EINVAL",
    "a new name at once": "renameat2=EINVAL",
    "everything": "collapse=EINVAL,hugepage=EINVAL,populate_write=EINVAL,populate_read=EINVAL,mremap=EINVAL,"
                  "renameat2=ENOSYS,link=EPERM",
}
ALL_THREE = REFUSALS["all three"]

# Numbers of system calls, by machine: madvise, mremap, renameat2.
CALLS = {"x86_64": (28, 25, 316), "aarch64": (233, 216, 276)}
ADVICES = {"hugepage": 14, "populate_read": 22, "populate_write": 23, "collapse": 25}


def filter_program(madvise, mremap, renameat2, advices):
    """A seccomp filter (classic BPF): EINVAL for these advices, and for mremap and renameat2."""
    def statement(code, jump_true, jump_false, value):
        return struct.pack("HBBI", code, jump_true, jump_false, value)

    load, equal, leave = 0x20, 0x15, 0x06
    refuse, allow = 0x00050000 | errno.EINVAL, 0x7FFF0000
    lines = [statement(load, 0, 0, 0)]  # the number of the call
    for number in (mremap, renameat2):
        lines += [statement(equal, 0, 1, number), statement(leave, 0, 0, refuse)]
    lines += [statement(equal, 1, 0, madvise), statement(leave, 0, 0, allow)]
    lines += [statement(load, 0, 0, 32)]  # the lower half of its third argument
    for advice in advices:
        lines += [statement(equal, 0, 1, advice), statement(leave, 0, 0, refuse)]
    return b"".join([*lines, statement(leave, 0, 0, allow)])


def restrict():
    """Puts the filter on this process and all that it starts. Raises OSError where that is not allowed."""
    code = ctypes.create_string_buffer(filter_program(*CALLS[platform.machine()], ADVICES.values()))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", (len(code) - 1) // 8, ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    if prctl(no_new_privileges, 1, 0, 0, 0) != 0 or prctl(set_seccomp, filter_mode, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class OldKernels(FaultCase):
    def run_refused(self, rules, ranks, *arguments, preexec_fn=None, **options):
        """A run that suffers `rules`; its result and its report."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        command = interposed.command_line(ranks, rules, "run", "deck.toml", "--quiet", "--overwrite", "--report",
                                          report, *arguments, **options)
        done = subprocess.run(command, env=launch.environment(**self.env), cwd=self.folder, capture_output=True,
                              text=True, timeout=launch.LIMIT_S, preexec_fn=preexec_fn)
        with contextlib.suppress(OSError):
            return launch.Result(done.returncode, done.stdout, done.stderr, 0), json.loads(report.read_text())
        return launch.Result(done.returncode, done.stdout, done.stderr, 0), None

    def content(self):
        """Every byte of every dataset that is the same for every run."""
        with h5py.File(self.output / "out.h5", "r") as file:
            return file["array"][()].tobytes(), file["provenance/checksums/array"][()].tobytes()

    def assert_pages(self, report, refused, ranks):
        memory = report["memory"]
        self.assertEqual(memory["huge_bytes"] + memory["populated_bytes"] + memory["read_bytes"] > 0, True)
        if "collapse" in refused:
            self.assertEqual(memory["huge_bytes"], 0, memory)
        if "populate_write" in refused:
            self.assertEqual(memory["populated_bytes"], 0, memory)
            self.assertIn("(read)" if memory["huge_bytes"] == 0 else "", memory["pages"])
        if refused == ALL_THREE:
            self.assertGreaterEqual(memory["read_bytes"], 100003 * 10 * 8, memory)

    def test_same_bytes_whatever_is_refused(self):
        expected = None
        runs = 0
        for (name, rules), ranks in itertools.product(REFUSALS.items(), (0, 1, 3)):
            with self.subTest(refused=name, ranks=ranks):
                (self.output / "out.h5").unlink(missing_ok=True)
                result, report = self.run_refused(rules, ranks, *ARGUMENTS)
                self.assert_status(result, launch.DONE)
                self.assert_pages(report, rules, ranks)
                self.assert_whole()
                expected = expected or self.content()
                self.assertEqual(self.content(), expected)
                self.assertEqual(self.files(self.output), ["out.h5"])
                self.assertEqual(self.files(self.shared), [])
                runs += 1
        launch.figure("older kernels give the same bytes",
                      "MADV_COLLAPSE, MADV_POPULATE_WRITE and _READ, a second mapping, RENAME_NOREPLACE refused, "
                      "separately and together; 1 and 3 ranks", f"{runs} runs, {runs} files alike and whole")

    def test_refused_by_the_kernel_itself(self):
        if platform.machine() not in CALLS:
            self.skipTest(f"the numbers of system calls on {platform.machine()} are not known here")
        try:
            subprocess.run(["true"], preexec_fn=restrict, check=True)
        except (OSError, subprocess.SubprocessError):
            self.skipTest("this machine allows no seccomp filter")
        self.assert_status(self.run_deck(*ARGUMENTS), launch.DONE)
        expected = self.content()
        for ranks in (0, 2):
            with self.subTest(ranks=ranks):
                (self.output / "out.h5").unlink()
                result, report = self.run_refused("", ranks, *ARGUMENTS, preexec_fn=restrict)
                self.assert_status(result, launch.DONE)
                self.assert_pages(report, ALL_THREE, ranks)
                self.assertEqual(self.content(), expected)
                self.assert_whole()
        launch.figure("older kernels give the same bytes", "the same calls refused by a seccomp filter; 1 and 2 ranks",
                      "2 runs, 2 files alike and whole")

    def test_shortage_is_still_told_and_never_a_bus_error(self):
        """The look at what is free is deceived, so that the shortage shows at the first touch."""
        folder = self.mounted("small", "size=6m")
        refused = {name: rules for name, rules in REFUSALS.items() if name != "a new name at once"}
        for name, rules in refused.items():
            with self.subTest(refused=name):
                result, _ = self.run_refused(",".join(filter(None, (rules, "statvfs=plenty"))), 2,
                                             *ARGUMENTS, "--shm-dir", folder, scope="all")
                self.assert_status(result, launch.RESOURCES)
                self.assert_one_message(result, "windrow: ", "ran out while the array was touched")
                self.assertEqual(self.files(folder), [])
                self.assert_nothing_left()
        launch.figure("shortage is told on older kernels as well, never as a bus error",
                      "6 MB of shared memory for a window of 8 MB, where every look at it saw plenty; 2 ranks",
                      f"{len(refused)} sets of refused calls, {len(refused)} times status 3, 0 bus errors")


if __name__ == "__main__":
    launch.main(isolated=True)
