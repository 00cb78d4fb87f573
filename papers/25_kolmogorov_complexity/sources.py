"""What the experiment measures on: strings from known Markov sources, three corpora, and modules of one of them, with their
compressed lengths and with the distances of a rival that compresses nothing."""

from __future__ import annotations

import bz2
import lzma
import sysconfig
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from s30.room import Array, digits, documentation

CORPORA = ("documentation", "python", "digits")
Continued = Callable[[bytes], int]  # from what comes next to the bytes of all, compressed


def zlib_after(first: bytes) -> Continued:
    """`first` is read once: what the compressor knows after it is copied for whatever comes next."""
    begun = zlib.compressobj(6)
    written = len(begun.compress(first))

    def length(more: bytes) -> int:
        one = begun.copy()
        return written + len(one.compress(more)) + len(one.flush())

    return length


# No header, checksum or container: 40 bytes would weigh on documents this short. And no alignment to four bytes (`pb`),
# which text does not have.
RAW = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 13, "pb": 0, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC4}]
COMPRESSORS: dict[str, Callable[[bytes], Continued]] = {
    "zlib": zlib_after,
    "bz2": lambda first: lambda more: len(bz2.compress(first + more, 9)),
    "lzma": lambda first: lambda more: len(lzma.compress(first + more, lzma.FORMAT_RAW, filters=RAW)),
}


def markov_strings(rng: np.random.Generator, chance: Array, length: int) -> Array:
    """(count, length) bits, one string from each source; chance (count, 2^order) holds P(1 | context), newest bit lowest."""
    count, contexts = chance.shape
    uniform = rng.random((length, count))
    strings = np.empty((count, length), dtype=np.int64)
    row, context = np.arange(count), np.zeros(count, dtype=np.int64)
    for t in range(length):
        strings[:, t] = uniform[t] < chance[row, context]
        context = (2 * context + strings[:, t]) % contexts
    return strings


def jeffreys_strings(rng: np.random.Generator, orders: Array, length: int) -> Array:
    """(len(orders), length): string i from a source of order orders[i] whose every P(1 | context) is drawn from Beta(1/2, 1/2)."""
    strings = np.empty((len(orders), length), dtype=np.int64)
    for order in np.unique(orders):
        chosen = orders == order
        strings[chosen] = markov_strings(rng, rng.beta(0.5, 0.5, (chosen.sum(), 2**order)), length)
    return strings


def without_repetition(text: str) -> str:
    """The text with each paragraph kept where it stands first.

    The interpreter's documentation repeats whole sections under several topics: two documents that share one would be
    neighbours for that reason alone.
    """
    return "\n\n".join(dict.fromkeys(text.split("\n\n")))


def documents(per_corpus: int, size: int, rng: np.random.Generator) -> list[bytes]:
    """`per_corpus` documents of `size` bytes of each of CORPORA, corpus after corpus, at random disjoint places.

    The Python source is that of the running interpreter's standard library; a digit is 64 bytes, its grey values 0..16.
    """
    library = Path(sysconfig.get_path("stdlib"))
    source = b"".join(path.read_bytes() for path in sorted(library.glob("*.py")))
    images = (digits().images * 16).astype(np.uint8).tobytes()
    chosen = []
    for text in (without_repetition(documentation()).encode(), source, images):
        starts = rng.choice(len(text) // size, per_corpus, replace=False) * size
        chosen += [text[start : start + size] for start in starts]
    return chosen


def module_pieces(modules: int, per_module: int, size: int, rng: np.random.Generator) -> tuple[list[bytes], Array]:
    """`per_module` disjoint pieces of `size` bytes of each of `modules` modules of the standard library, with their labels.

    All pieces are Python source: what they share with their own module is names and phrases, hardly the mix of bytes.
    """
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    long = [text for path in paths if len(text := path.read_bytes()) >= per_module * size]
    pieces = []
    for number in rng.choice(len(long), modules, replace=False):
        starts = rng.choice(len(long[number]) // size, per_module, replace=False) * size
        pieces += [long[number][start : start + size] for start in starts]
    return pieces, np.repeat(np.arange(modules), per_module)


def gram_distances(texts: list[bytes], size: int) -> Array:
    """The rival: Hellinger distances between how often each string of `size` bytes occurs, (document, document).

    sqrt(1 - sum_g sqrt(p_g q_g)); strings of more than one byte share 2^14 places by a hash.
    """
    roots = np.zeros((len(texts), 1 << 14))
    for row, text in zip(roots, texts, strict=True):
        values = np.frombuffer(text, np.uint8).astype(np.uint64)
        grams = sum(values[k : len(values) - size + 1 + k] << np.uint64(8 * (size - 1 - k)) for k in range(size))
        place = (grams * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(50)  # the first 14 bits of a multiplicative hash
        row += np.sqrt(np.bincount(place.astype(np.int64), minlength=1 << 14) / len(grams))
    return np.sqrt(np.maximum(0.0, 1.0 - roots @ roots.T))


def compressed_lengths(texts: list[bytes], after: Callable[[bytes], Continued]) -> tuple[Array, Array]:
    """Bytes of each compressed document (count,), and of each compressed concatenation of two (count, count), symmetric."""
    begun = [after(text) for text in texts]
    single = np.array([length(b"") for length in begun], dtype=np.float64)
    pair = np.zeros((len(texts), len(texts)))
    for i, length in enumerate(begun):
        for j in range(i + 1):
            pair[i, j] = pair[j, i] = length(texts[j])
    return single, pair
