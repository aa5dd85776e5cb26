#!/usr/bin/python3
"""`windrow verify` refuses every damaged file, and whatever is not a file of Windrow's, in one line and at once.

    /usr/bin/python3 verify_test.py WINDROW [unittest arguments]
"""

import concurrent.futures
import os
import pathlib
import random
import resource
import subprocess

import h5py
import netCDF4
import numpy as np

from fault_case import FaultCase, launch

SEED = 20240607
# Far more than verify needs of its own, far less than a forged size could ask for.
MOST_MEMORY = 512 << 20
# name -> overrides and how the file is made: several groups and one, types, thin arrays, one and several nodes
FILES = {
    "several groups": (("array.rows=100003", "array.cols=5"), 0, ()),
    "int32, one column, 3 nodes": (("array.rows=1000003", "array.cols=1", "array.type=int32"), 3,
                                   ("--pretend-nodes", 3)),
    "float32, one row": (("array.rows=1", "array.cols=197", "array.type=float32"), 2, ()),
    "compressed, 2 nodes": (("array.rows=100003", "array.cols=5", "output.compression=1", "array.value=uniform()"), 2,
                            ("--pretend-nodes", 2)),
    "compressed, one chunk": (("array.rows=197", "array.cols=23", "output.compression=9"), 1, ()),
    "int64": (("array.rows=197", "array.cols=23", "array.type=int64", "array.name=counts"), 1, ()),
}


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


class Verify(FaultCase):
    def make(self, name, overrides, ranks, options):
        path = self.output / f"{name}.h5"
        self.assert_status(self.run_deck(*overrides, "--output", path, *options, ranks=ranks), launch.DONE)
        return path

    def verified(self, path, limit_s=10):
        """Bounded in memory and time; its status, and its one line."""
        done = subprocess.run([launch.Program.path, "verify", path], cwd=self.folder, capture_output=True, text=True,
                              errors="replace", timeout=limit_s, preexec_fn=limit_memory, stdin=subprocess.DEVNULL)
        return launch.Result(done.returncode, done.stdout, done.stderr, 0)

    def assert_refused(self, path, *statuses):
        result = self.verified(path)
        self.assertIn(result.status, statuses or (launch.VERIFICATION,), f"{path}\n{result}")
        self.assertTrue(result.err.startswith("windrow: "), str(result))
        self.assertLessEqual(len(result.err.splitlines()), 2, str(result))
        self.assertNotIn("whole", result.out)

    def test_every_damage_is_noticed(self):
        program = pathlib.Path(launch.Program.path).parent / "tests/damage"
        self.assertTrue(program.exists(), f"{program} is not built: ninja damage")
        paths = [self.make(name, *how) for name, how in FILES.items()]
        totals = {}

        def damage(path):
            return subprocess.run([program, path, str(SEED)], capture_output=True, text=True, timeout=200)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for path, done in zip(paths, pool.map(damage, paths)):
                self.assertEqual(done.returncode, 0, f"{path}\n{done.stdout}{done.stderr}")
                for line in done.stdout.splitlines():
                    kind, tried, refused = line.rsplit(" ", 2)
                    tried_before, refused_before = totals.get(kind, (0, 0))
                    totals[kind] = tried_before + int(tried), refused_before + int(refused)
        for kind, (tried, refused) in totals.items():
            self.assertEqual(tried, refused, kind)
        self.assertGreater(totals["metadata"][0], 3 * 4 * 10_000)
        self.assertEqual(totals["data"][0], 1000 * len(FILES))
        self.assertGreater(totals["swapped groups"][0], 0)
        launch.figure("verify notices every damage",
                      f"{len(FILES)} files of 1 to 3 nodes: each byte outside of the arrays in 3 ways, 1000 bytes of "
                      "the arrays, lengths in steps of 4 KiB, appended bytes, exchanged groups",
                      ", ".join(f"{tried} {kind}" for kind, (tried, _) in totals.items()) + ": all refused")

    def test_the_command_says_what_has_changed(self):
        path = self.make("a", ("array.rows=100003",), 2, ())
        self.assert_status(self.verified(path), launch.DONE)
        with h5py.File(path, "r") as file:
            offset = file["array"].id.get_offset()
        whole = bytearray(path.read_bytes())
        whole[offset + 50_000 * 80] ^= 4
        path.write_bytes(whole)
        result = self.verified(path)
        self.assert_status(result, launch.VERIFICATION)
        self.assertRegex(result.err, r"dataset 'array', rows \d+ to \d+")
        first, last = map(int, result.err.split("rows ")[1].split(" (")[0].split(" to "))
        self.assertLessEqual(first, 50_000)
        self.assertGreaterEqual(last, 50_000)

    def strangers(self):
        """Files that are not ours, by name."""
        generator = random.Random(SEED)
        path = self.make("model", ("array.rows=197", "array.cols=23"), 0, ())
        whole = path.read_bytes()
        path.unlink()
        files = {"empty": b"", "one byte": b"\x89", "text": b"job = \"populate\"\n" * 1000, "zeros": bytes(100_000),
                 "magic": b"\x89HDF\r\n\x1a\n", "end": b"windrow\n", "magic and end": b"\x89HDF\r\n\x1a\nwindrow\n",
                 "only its seal": whole[-200:], "without its head": whole[4096:], "twice": whole + whole,
                 "netCDF-3": b"CDF\x01" + bytes(200)}
        for number in range(20):
            noise = generator.randbytes(generator.randrange(30_000))
            files[f"noise {number}"] = noise
            files[f"noise with our marks {number}"] = (b"\x89HDF\r\n\x1a\n" + noise + b"WNDRSEAL" +
                                                       generator.randbytes(generator.randrange(400)) + b"windrow\n")
            # A seal whose words are anything: sizes of exabytes, negative ones, and its checksum as it was.
            forged = bytearray(whole)
            for _ in range(3):
                at = len(forged) - 8 * generator.randrange(1, 25)
                forged[at:at + 8] = generator.choice((b"\xff" * 8, bytes(8), b"\x00" * 6 + b"\x10\x00",
                                                      generator.randbytes(8)))
            if forged != whole:
                files[f"forged seal {number}"] = bytes(forged)
        return files

    def test_strangers(self):
        tried = 0
        for name, content in self.strangers().items():
            with self.subTest(name):
                path = self.output / name.replace(" ", "-")
                path.write_bytes(content)
                self.assert_refused(path)
                path.unlink()
                tried += 1
        with h5py.File(self.output / "other.h5", "w", libver="latest") as file:
            file["array"] = np.arange(10_000.0)
            file.attrs["windrow_format"] = 1
        with h5py.File(self.output / "chunked.h5", "w") as file:
            file.create_dataset("array", data=np.arange(10_000.0), chunks=True, compression="gzip")
        with netCDF4.Dataset(self.output / "other.nc", "w") as file:
            file.createDimension("row", 10)
            file.createVariable("array", "f8", ("row",))[:] = np.arange(10.0)
        with netCDF4.Dataset(self.output / "classic.nc", "w", format="NETCDF3_CLASSIC") as file:
            file.createDimension("row", 10)
        for name in ("other.h5", "chunked.h5", "other.nc", "classic.nc"):
            with self.subTest(name):
                self.assert_refused(self.output / name)
                tried += 1
        os.mkfifo(self.output / "fifo")
        for path in (self.output / "fifo", self.output, "/dev/null", "/dev/zero", "/proc/self/mem", "/dev/full",
                     self.output / "missing", self.output / ("x" * 300), ""):
            with self.subTest(path=path):
                self.assert_refused(path, launch.VERIFICATION, launch.IO)
                tried += 1
        giant = self.output / "giant"
        with open(giant, "wb") as file:
            file.write(b"\x89HDF\r\n\x1a\n")
            file.truncate(1 << 40)
        with self.subTest("a sparse terabyte"):
            self.assert_refused(giant)
        launch.figure("verify survives what is not ours",
                      "noise with our marks, forged seals, other HDF5 and netCDF files, devices, folders, a fifo, a "
                      "sparse terabyte; 10 s and 512 MiB allowed", f"{tried + 1} files: all refused in a line")

    def test_truncated_files(self):
        """By the command as well: cut at random places."""
        path = self.make("a", ("array.rows=1000",), 2, ())
        whole = path.read_bytes()
        generator = random.Random(SEED)
        for _ in range(50):
            path.write_bytes(whole[:generator.randrange(len(whole))])
            self.assert_refused(path)


if __name__ == "__main__":
    launch.main(isolated=True)
