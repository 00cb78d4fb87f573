r"""What an RNN has to beat: models that count, and programs that compress. All are given the same training text; zlib looks no
further back than 32 KB of it.

n-gram       p(c | context) = (count(context c) + T p(c | shorter context)) / (count(context) + T), T the number of
             different characters that followed the context (Witten and Bell), down to 1/size: no constant to tune
compressor   what the held-out text adds to the compressed size of the training text, one byte a character
limit        H(c | last n characters) of the held-out text itself: no reader of n characters alone can go below it, since
             -Σ p log q >= -Σ p log p for each context (Gibbs); for small n, where contexts recur
"""

import bz2
import lzma
import zlib
from collections.abc import Callable

import numpy as np

from s30.room import Array

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": lambda data: zlib.compress(data, 9),
    "bz2": lambda data: bz2.compress(data, 9),
    "lzma": lambda data: lzma.compress(data, preset=9),
}


def grams(text: Array, size: int, length: int, skip: int) -> Array:
    """One number for each run of `length` characters that ends at position skip, skip + 1, …"""
    found = np.zeros(len(text) - skip, np.int64)
    for back in range(length - 1, -1, -1):
        found = found * size + text[skip - back : len(text) - back]
    return found


def ngram_bits(train: Array, held: Array, size: int, longest: int) -> list[float]:
    """Bits per character of held with contexts of 0, 1, …, `longest` characters; the first `longest` are not counted."""
    found, p = [], np.full(len(held) - longest, 1 / size)
    for length in range(longest + 1):
        known, counts = np.unique(grams(train, size, length + 1, longest), return_counts=True)
        contexts, of = np.unique(known // size if length else 0 * known, return_inverse=True)
        total, kinds = np.bincount(of, counts), np.bincount(of)
        asked = grams(held, size, length + 1, longest)
        before = asked // size if length else 0 * asked
        at, where = (np.minimum(np.searchsorted(a, b), len(a) - 1) for a, b in ((known, asked), (contexts, before)))
        seen = contexts[where] == before
        count = np.where(known[at] == asked, counts[at], 0)
        p = np.where(seen, (count + kinds[where] * p) / (total + kinds)[where], p)
        found.append(float(-np.log2(p).mean()))
    return found


def compressed_bits(train: Array, held: Array) -> dict[str, float]:
    """Bits that each character of held adds to the compressed training text."""
    texts = [np.concatenate(parts).astype(np.uint8).tobytes() for parts in ((train,), (train, held))]
    sizes = {name: [len(compress(text)) for text in texts] for name, compress in COMPRESSORS.items()}
    return {name: 8 * (whole - alone) / len(held) for name, (alone, whole) in sizes.items()}


def entropy_limits(held: Array, size: int, longest: int) -> list[float]:
    """H(c | last n characters) of held for n = 0, …, `longest`, in bits: H(context and c) - H(context)."""
    found = []
    for length in range(longest + 1):
        whole = grams(held, size, length + 1, longest)
        found.append(_entropy(whole) - _entropy(whole // size))  # the context is all but the last character
    return found


def _entropy(values: Array) -> float:
    _, counts = np.unique(values, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())
