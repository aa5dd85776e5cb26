#!/usr/bin/python3
"""Another MPI than Open MPI: Debian's MPICH builds Windrow, and what it writes is the same.

    /usr/bin/python3 another_mpi_test.py WINDROW [unittest arguments]

It is built, once, in build/mpich, which is also what `cmake --preset mpich` configures.
"""

import os
import pathlib
import shutil
import subprocess
import unittest

import h5py

from fault_case import FaultCase, launch

MPIEXEC, COMPILER = "mpiexec.mpich", "mpicxx.mpich"
ARGUMENTS = ("array.rows=100003", "array.value=uniform() + i")
BUILD_LIMIT_S = 250


def tree():
    """Beside the tree of the program under test, if that is one of the project's own, else in it."""
    folder = pathlib.Path(launch.Program.path).parent
    return folder.parent / "mpich" if folder.parent == launch.REPOSITORY / "build" else folder / "mpich"


def build():
    """The program, built with MPICH; only what has changed is compiled."""
    if not (tree() / "build.ninja").exists():
        # With the same flags the compiler's cache knows all that includes no MPI.
        cache = (pathlib.Path(launch.Program.path).parent / "CMakeCache.txt").read_text()
        command = ["cmake", "-S", launch.REPOSITORY, "-B", tree(), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                   f"-DMPI_CXX_COMPILER={COMPILER}", f"-DMPIEXEC_EXECUTABLE={shutil.which(MPIEXEC)}",
                   "-DWINDROW_WERROR=" + ("ON" if "WINDROW_WERROR:BOOL=ON" in cache else "OFF")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["ninja", "-C", tree(), "-j", str(os.cpu_count()), "windrow"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=BUILD_LIMIT_S)
    if done.returncode != 0:
        raise AssertionError(f"the build with MPICH fails\n{done.stdout[-8000:]}")
    return tree() / "windrow"


class AnotherMpi(FaultCase):
    @classmethod
    def setUpClass(cls):
        for program in (MPIEXEC, COMPILER, "cmake", "ninja"):
            if shutil.which(program) is None:
                raise unittest.SkipTest(f"{program} is not installed")
        cls.program = build()
        linked = subprocess.run(["ldd", cls.program], capture_output=True, text=True, check=True).stdout
        assert "libmpich" in linked and "libopen-" not in linked, linked

    def command(self, ranks, *arguments):
        launcher = [MPIEXEC, "-n", str(ranks)] if ranks else []
        return [*launcher, self.program, *map(str, arguments)]

    def mpich(self, ranks, *arguments, **options):
        return self.run_command(self.command(ranks, *arguments), **options)

    def run_command(self, command, **options):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=launch.LIMIT_S,
                              stdin=subprocess.DEVNULL, **options)
        return launch.Result(done.returncode, done.stdout, done.stderr, 0)

    def content(self):
        with h5py.File(self.output / "out.h5", "r") as file:
            return file["array"][()].tobytes(), file["provenance/checksums/array"][()].tobytes()

    def assert_shared_memory_is_empty(self):
        if launch.is_isolated():
            self.assertEqual([name for name in self.files("/dev/shm") if not name.startswith("windrow-test-")], [])

    def test_same_bytes_as_with_open_mpi(self):
        self.assert_status(self.run_deck(*ARGUMENTS), launch.DONE)
        expected = self.content()
        runs = 0
        for ranks, more in ((0, ()), (1, ()), (2, ()), (3, ()), (3, ("--pretend-nodes", 2)),
                            (3, ("populate.schedule=dynamic",)), (2, ("memory.pages=read",))):
            with self.subTest(ranks=ranks, more=more):
                (self.output / "out.h5").unlink()
                result = self.mpich(ranks, "run", "deck.toml", *ARGUMENTS, *more)
                self.assert_status(result, launch.DONE)
                self.assertEqual(result.err, "")
                self.assertIn(f"{max(ranks, 1)} rank", result.out)
                self.assertEqual(self.content(), expected)
                self.assert_status(self.mpich(0, "verify", "output/out.h5"), launch.DONE)
                self.assert_shared_memory_is_empty()
                runs += 1
        with h5py.File(self.output / "out.h5", "r") as file:
            self.assertIn(b"MPICH", bytes(file["provenance"].attrs["mpi_version"]))
        launch.figure("another MPI gives the same bytes",
                      "Debian's MPICH; 1, 2, 3 ranks, pretended nodes, dynamic schedule, small pages",
                      f"{runs} runs, {runs} files as with Open MPI and whole")

    def test_too_large_a_window_is_refused(self):
        if not launch.is_isolated():
            self.skipTest("needs a /dev/shm of its own (unshare --mount), which this machine does not allow")
        subprocess.run(["mount", "-o", "remount,size=32m", "/dev/shm"], check=True)
        self.addCleanup(subprocess.run, ["mount", "-o", "remount,size=50%", "/dev/shm"], check=True)
        result = self.mpich(2, "run", "deck.toml", "array.rows=2e6")
        self.assert_status(result, launch.RESOURCES)
        self.assert_one_message(result, "windrow: ", "of shared memory on", "where /dev/shm has ")
        self.assert_nothing_left()
        self.assert_shared_memory_is_empty()

    def test_what_is_wrong_is_told_once_with_its_status(self):
        for arguments, status in ((("array.rows=many",), launch.USAGE), (("--output", "missing/out.h5"), launch.IO),
                                  (("--shm-dir", self.folder), launch.USAGE)):
            with self.subTest(arguments=arguments):
                self.assert_told_once(self.mpich(2, "run", "deck.toml", *arguments), status)

    def test_what_one_rank_alone_finds_wrong_is_told_once_with_its_status(self):
        right = [self.program, "run", "deck.toml"]
        for wrong in ([*right, "--progress", "loud"], ["env", "WINDROW_FAULT=nowhere:*:throw", *right]):
            for first, second in ((right, wrong), (wrong, right)):
                with self.subTest(first=first, second=second):
                    self.assert_told_once(self.run_command([MPIEXEC, "-n", "1", *first, ":", "-n", "1", *second]),
                                          launch.USAGE)

    def assert_told_once(self, result, status):
        self.assert_status(result, status)
        told = [line for line in result.err.splitlines() if line.startswith(("windrow: ", "command line:"))]
        self.assertEqual(len(told), 1, str(result))
        self.assert_nothing_left()

    def test_killed_rank(self):
        # Not before the window is made: until all have mapped it, a kill leaves MPICH's own file behind.
        result = self.mpich(2, "run", "deck.toml", "--quiet", env={**os.environ, "WINDROW_FAULT": "phase.block:1:kill"})
        self.assertNotEqual(result.status, launch.DONE)
        self.assertFalse((self.output / "out.h5").exists())
        self.assert_shared_memory_is_empty()
        self.assert_status(self.mpich(2, "run", "deck.toml"), launch.DONE)
        self.assert_whole()
        self.assertEqual(self.files(self.output), ["out.h5"])
        launch.figure("another MPI gives the same bytes",
                      "Debian's MPICH; kill -9 of one of 2 ranks, then the next run",
                      "no half file, nothing left in shared memory; the next run whole")

    def test_doctor_and_help(self):
        result = self.mpich(0, "doctor")
        self.assert_status(result, launch.DONE)
        self.assertIn("MPICH", result.out)


if __name__ == "__main__":
    launch.main(isolated=True)
