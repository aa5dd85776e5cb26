"""The random numbers of Windrow, computed with numpy from their documentation (src/kernel/random.hpp)."""

import numpy as np

LOW_32 = np.uint64(0xFFFFFFFF)
LOW_64 = (1 << 64) - 1


def mix(x):
    """SplitMix64's output function."""
    x = (x + 0x9E3779B97F4A7C15) & LOW_64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & LOW_64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & LOW_64
    return x ^ (x >> 31)


def fnv_1a(text):
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = ((state ^ byte) * 0x100000001B3) & LOW_64
    return state


def key_of(seed, array, call, sample=0):
    return mix(mix(mix(mix(seed) ^ fnv_1a(array)) ^ call) ^ sample)


def philox(key, counter):
    """Philox4x32-10 of a key of 64 bits and four arrays of 32-bit words, in arrays of type uint64."""
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    key0, key1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        product0 = c0 * np.uint64(0xD2511F53)
        product1 = c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = ((product1 >> np.uint64(32)) ^ c1 ^ np.uint64(key0), product1 & LOW_32,
                          (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(key1), product0 & LOW_32)
        key0 = (key0 + 0x9E3779B9) & 0xFFFFFFFF
        key1 = (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def bits(shape, key):
    """The 64 random bits of the even and of the odd column of every pair of columns: two arrays (rows, pairs)."""
    rows, cols = shape if len(shape) == 2 else (1, shape[0])
    row = np.arange(rows, dtype=np.uint64)[:, None]
    pair = np.arange((cols + 1) // 2, dtype=np.uint64)[None, :]
    row, pair = np.broadcast_arrays(row, pair)
    shift = np.uint64(32)
    w0, w1, w2, w3 = philox(key, (pair & LOW_32, pair >> shift, row & LOW_32, row >> shift))
    return w0 | w1 << shift, w2 | w3 << shift


def interleave(even, odd, shape):
    both = np.stack([even, odd], axis=-1).reshape(even.shape[0], -1)
    cols = shape[-1]
    return np.ascontiguousarray(both[:, :cols]).reshape(shape)


def uniform(shape, seed=0, array="array", call=0):
    even, odd = bits(shape, key_of(seed, array, call))
    return interleave((even >> np.uint64(11)) * 2.0**-53, (odd >> np.uint64(11)) * 2.0**-53, shape)


def normal(shape, seed=0, array="array", call=0):
    even, odd = bits(shape, key_of(seed, array, call))
    u = ((even >> np.uint64(11)) + np.uint64(1)) * 2.0**-53
    turn = 2 * np.pi * ((odd >> np.uint64(11)) * 2.0**-53)
    radius = np.sqrt(-2 * np.log(u))
    return interleave(radius * np.cos(turn), radius * np.sin(turn), shape)
