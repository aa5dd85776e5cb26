#!/usr/bin/python3 -B
"""The job of input/pipeline.toml as one writes it in Python: samples of uniform numbers through x*x, x*3 and x + 1, and
the sum of each, or all of it in a file. Prints two numbers: the seconds from the end of the imports to the result, and
how many of them the start of processes or threads took; then the sum of all.

    samples.py WAY COUNT ROWS COLS WORKERS [FILE]

pool-sums        a pool of processes: each makes whole samples and returns their sums
threads-sums     a pool of threads that does the same
pool-arrays      a pool of processes that return arrays, which are pickled; written to FILE by h5py
queue-pickled    a process for each stage, arrays from one to the next through queues, pickled
queue-shared     a process for each stage, arrays in shared memory, their numbers through queues
queue-threads    a thread for each stage, arrays through queues

All work in place, in buffers that they keep; a sample's numbers are drawn by a generator of its own.
"""

import concurrent.futures
import multiprocessing
import multiprocessing.shared_memory
import queue
import sys
import threading
import time

import h5py
import numpy as np

SLOTS = 3
buffers = threading.local()


def fill(sample, x):
    """The sample itself."""
    np.random.Generator(np.random.SFC64(sample)).random(out=x)


def square(x):
    np.multiply(x, x, out=x)


def triple(x):
    np.multiply(x, 3.0, out=x)


def add_one(x):
    np.add(x, 1.0, out=x)


def buffer_of(shape):
    """An array of the process's, or the thread's, own."""
    if not hasattr(buffers, "x"):
        buffers.x = np.empty(shape)
    return buffers.x


def whole(task):
    """A whole sample: all stages in one place."""
    sample, shape = task
    x = buffer_of(shape)
    fill(sample, x)
    square(x)
    triple(x)
    add_one(x)
    return sample, x


def whole_sum(task):
    sample, x = whole(task)
    return sample, float(x.sum())


def tasks(count, shape):
    return ((sample, shape) for sample in range(count))


def pool_sums(count, shape, workers, _):
    with multiprocessing.Pool(workers) as pool:
        pool.map(abs, range(workers), chunksize=1)
        yield
        yield sum(value for _, value in sorted(pool.imap_unordered(whole_sum, tasks(count, shape), chunksize=4)))


def threads_sums(count, shape, workers, _):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield
        yield sum(value for _, value in pool.map(whole_sum, tasks(count, shape)))


def pool_arrays(count, shape, workers, path):
    with multiprocessing.Pool(workers) as pool, h5py.File(path, "w") as file:
        samples = file.create_dataset("samples", (count, *shape), "f8")
        pool.map(abs, range(workers), chunksize=1)
        yield
        for sample, x in pool.imap_unordered(whole, tasks(count, shape)):
            samples[sample] = x
        yield 0.0


def forward(stage, source, target):
    """A stage that takes arrays from one queue and puts them into the next."""
    while (item := source.get()) is not None:
        stage(item[1])
        target.put(item)
    target.put(None)


def queue_of_arrays(start, make_queue, count, shape):
    """Stages that hand arrays on, each a process or a thread."""
    queues = [make_queue(SLOTS) for _ in range(3)]

    def produce():
        for sample in range(count):
            x = np.empty(shape)
            fill(sample, x)
            square(x)
            queues[0].put((sample, x))
        queues[0].put(None)

    workers = [start(target=produce), start(target=forward, args=(triple, *queues[:2])),
               start(target=forward, args=(add_one, *queues[1:]))]
    for worker in workers:
        worker.start()
    yield
    total = 0.0
    while (item := queues[2].get()) is not None:
        total += float(item[1].sum())
    for worker in workers:
        worker.join()
    yield total


def queue_pickled(count, shape, _, __):
    context = multiprocessing.get_context("fork")
    return queue_of_arrays(context.Process, context.Queue, count, shape)


def queue_threads(count, shape, _, __):
    return queue_of_arrays(threading.Thread, queue.Queue, count, shape)


def attach(memory, shape):
    return [np.ndarray(shape, buffer=memory.buf, offset=n * 8 * shape[0] * shape[1]) for n in range(SLOTS * 3)]


def produce_shared(memory, shape, count, free, target):
    slots = attach(memory, shape)
    for sample in range(count):
        slot = free.get()
        fill(sample, slots[slot])
        square(slots[slot])
        target.put(slot)
    target.put(None)


def forward_shared(memory, shape, stage, source, target):
    """Works in the slot itself: nothing is copied."""
    slots = attach(memory, shape)
    while (slot := source.get()) is not None:
        stage(slots[slot])
        target.put(slot)
    target.put(None)


def sum_shared(memory, shape, source, free, result):
    slots = attach(memory, shape)
    total = 0.0
    while (slot := source.get()) is not None:
        add_one(slots[slot])
        total += float(slots[slot].sum())
        free.put(slot)
    result.put(total)


def queue_shared(count, shape, _, __):
    context = multiprocessing.get_context("fork")
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=8 * shape[0] * shape[1] * SLOTS * 3)
    free, squared, tripled, result = (context.SimpleQueue() for _ in range(4))
    for slot in range(SLOTS * 3):
        free.put(slot)
    workers = [context.Process(target=produce_shared, args=(memory, shape, count, free, squared)),
               context.Process(target=forward_shared, args=(memory, shape, triple, squared, tripled)),
               context.Process(target=sum_shared, args=(memory, shape, tripled, free, result))]
    for worker in workers:
        worker.start()
    yield
    total = result.get()
    for worker in workers:
        worker.join()
    memory.unlink()
    yield total


def main():
    begin = time.perf_counter()
    way, (count, rows, cols, workers), path = sys.argv[1], map(int, sys.argv[2:6]), (sys.argv[6:] or [""])[0]
    steps = globals()[way.replace("-", "_")](count, (rows, cols), workers, path)
    next(steps)
    started = time.perf_counter() - begin
    total = next(steps)
    steps.close()
    print(f"{time.perf_counter() - begin:.6f} {started:.6f} {total!r}")


if __name__ == "__main__":
    main()
