#!/usr/bin/python3 -B
"""The experiment of input/sharing.toml in Python: processes that fill a part of an array each, or hand it to another.

    ways.py WAY NUMBERS FILLS PROCESSES

Prints the seconds for all fills, from the moment that all processes are ready; the sums are verified.

window      a shared Array without a lock, as numpy sees it by np.frombuffer
private     an array of each process
elements    the Array, element by element
locked      the same with its lock
server      lists of a Manager, which every process assigns whole
read        one process fills a shared array, the next one reads it; an Event each way
queue       arrays through a Queue, pickled
pipe        bytes through a Pipe
file        np.save and np.load
memmap      np.memmap, an Event each way
"""

import multiprocessing as mp
import os
import sys
import tempfile
import time

import numpy as np


def values(numbers, rank, fill):
    return float(rank + fill) + np.arange(numbers) % 1024


def verify(total, numbers, rank, fill):
    expected = numbers * (rank + fill) + int((np.arange(numbers) % 1024).sum())
    if total != expected:
        sys.exit(f"rank {rank}: the sum is {total}, not {expected}")


def fill_in_place(part, pattern, rank, fill):
    np.add(pattern, float(rank + fill), out=part)


class Fill:
    """Every process its part."""

    def __init__(self, numbers, fills, processes):
        self.numbers, self.fills, self.processes = numbers, fills, processes
        self.ready = mp.Barrier(processes + 1)
        self.done = mp.Barrier(processes + 1)
        self.pattern = np.arange(numbers, dtype=float) % 1024

    def prepare(self):
        pass

    def work(self, rank):
        raise NotImplementedError

    def check(self):
        pass

    def process(self, rank):
        begin = getattr(self, "begin", lambda rank: None)
        begin(rank)
        self.ready.wait()
        self.work(rank)
        self.done.wait()

    def measure(self):
        self.prepare()
        workers = [mp.Process(target=self.process, args=(rank,)) for rank in range(self.processes)]
        for worker in workers:
            worker.start()
        self.ready.wait()
        started = time.perf_counter()
        self.done.wait()
        seconds = time.perf_counter() - started
        for worker in workers:
            worker.join()
            if worker.exitcode != 0:
                sys.exit(f"a process ended with {worker.exitcode}")
        self.check()
        return seconds


class Window(Fill):
    def prepare(self):
        self.shared = mp.Array("d", self.numbers * self.processes, lock=False)

    def part(self, rank):
        return np.frombuffer(self.shared)[rank * self.numbers : (rank + 1) * self.numbers]

    def work(self, rank):
        part = self.part(rank)
        for fill in range(self.fills):
            fill_in_place(part, self.pattern, rank, fill)

    def check(self):
        for rank in range(self.processes):
            verify(self.part(rank).sum(), self.numbers, rank, self.fills - 1)


class Private(Fill):
    def work(self, rank):
        part = np.empty(self.numbers)
        for fill in range(self.fills):
            fill_in_place(part, self.pattern, rank, fill)
        verify(part.sum(), self.numbers, rank, self.fills - 1)


class Elements(Window):
    def work(self, rank):
        shared, begin = self.shared, rank * self.numbers
        for fill in range(self.fills):
            for n in range(self.numbers):
                shared[begin + n] = rank + fill + n % 1024


class Locked(Elements):
    def prepare(self):
        self.shared = mp.Array("d", self.numbers * self.processes)

    def check(self):
        self.shared = self.shared.get_obj()
        super().check()


class Server(Fill):
    def prepare(self):
        self.manager = mp.Manager()
        self.lists = [self.manager.list([[0.0]]) for _ in range(self.processes)]

    def work(self, rank):
        own = np.empty(self.numbers)
        for fill in range(self.fills):
            fill_in_place(own, self.pattern, rank, fill)
            self.lists[rank][0] = own

    def check(self):
        for rank in range(self.processes):
            verify(np.asarray(self.lists[rank][0]).sum(), self.numbers, rank, self.fills - 1)


class Pairs(Fill):
    """Even processes give, odd ones take."""

    def prepare(self):
        self.links = [self.link() for _ in range(self.processes // 2)]

    def link(self):
        raise NotImplementedError

    def work(self, rank):
        if rank // 2 == len(self.links):
            return
        link = self.links[rank // 2]
        own = np.empty(self.numbers)
        for fill in range(self.fills):
            if rank % 2 == 0:
                fill_in_place(own, self.pattern, rank, fill)
                self.give(link, own)
            else:
                verify(self.take(link, own).sum(), self.numbers, rank - 1, fill)


class Queue(Pairs):
    def link(self):
        return mp.Queue(2)

    def give(self, link, own):
        link.put(own.copy())  # the queue's thread pickles it later

    def take(self, link, own):
        return link.get()


class Pipe(Pairs):
    def link(self):
        return mp.Pipe()

    def give(self, link, own):
        link[0].send_bytes(own)

    def take(self, link, own):
        link[1].recv_bytes_into(own)
        return own


class InTurns(Pairs):
    """What both see, and an event each way."""

    def link(self):
        return self.memory(), mp.Event(), mp.Event()

    def give(self, link, own):
        memory, filled, read = link
        if memory.used:
            read.wait()
            read.clear()
        memory.used = True
        memory.put(own)
        filled.set()

    def take(self, link, own):
        memory, filled, read = link
        filled.wait()
        filled.clear()
        found = memory.get().sum()
        read.set()
        return np.array([found])


class SharedMemory:
    def __init__(self, numbers):
        self.raw, self.used = mp.RawArray("d", numbers), False

    def put(self, own):
        np.frombuffer(self.raw)[:] = own

    def get(self):
        return np.frombuffer(self.raw)


class Read(InTurns):
    def memory(self):
        return SharedMemory(self.numbers)


class MappedFile:
    def __init__(self, numbers, path):
        self.map, self.used = np.memmap(path, dtype=float, mode="w+", shape=numbers), False

    def put(self, own):
        self.map[:] = own

    def get(self):
        return self.map


class SavedFile(MappedFile):
    def __init__(self, numbers, path):
        self.path, self.used = path + ".npy", False

    def put(self, own):
        np.save(self.path, own)

    def get(self):
        return np.load(self.path)


class Memmap(InTurns):
    file = MappedFile

    def memory(self):
        self.folder = tempfile.TemporaryDirectory(dir=os.getcwd())
        return self.file(self.numbers, os.path.join(self.folder.name, "numbers"))


class File(Memmap):
    file = SavedFile


WAYS = {"window": Window, "private": Private, "elements": Elements, "locked": Locked, "server": Server, "read": Read,
        "queue": Queue, "pipe": Pipe, "file": File, "memmap": Memmap}


def main():
    way, (numbers, fills, processes) = sys.argv[1], map(int, sys.argv[2:5])
    mp.set_start_method("fork")
    print(f"{WAYS[way](numbers, fills, processes).measure():.6f}")


if __name__ == "__main__":
    main()
