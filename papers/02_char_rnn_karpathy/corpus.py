r"""The text that is read: CPython's documentation, one index a character.

Topics of the documentation repeat each other's paragraphs, a fifth of the text: of each the first is kept, so that nothing
is held out that was read before. Every `EVERY`-th block of `BLOCK` paragraphs is held out. Characters seen fewer than `RARE`
times in training are one symbol, number 0.

The state that units are asked for is whether one is inside of a quotation, an odd number of " since the paragraph began.
"""

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np

from s30.room import Array, documentation

BLOCK, EVERY, RARE = 4, 10, 5
HELD = 25_600  # characters that are held out
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Corpus(NamedTuple):
    """characters, of which the first stands for the rare ones; train and held as indices, 1-D."""

    characters: str
    train: Array
    held: Array


@cache
def corpus() -> Corpus:
    paragraphs = list(dict.fromkeys(filter(str.strip, documentation().split("\n\n"))))
    blocks = ["\n\n".join(paragraphs[at : at + BLOCK]) + "\n\n" for at in range(0, len(paragraphs), BLOCK)]
    held = "".join(blocks[EVERY - 1 :: EVERY])[: HELD + 1]
    train = "".join(block for number, block in enumerate(blocks, 1) if number % EVERY)
    characters = UNKNOWN + "".join(sorted(c for c, count in Counter(train).items() if count >= RARE))
    number = {character: at for at, character in enumerate(characters)}
    return Corpus(characters, *(np.array([number.get(c, 0) for c in text]) for text in (train, held)))


def spelt(text: Array) -> str:
    characters = corpus().characters
    return "".join(characters[at] for at in text.tolist())


def windows(text: Array, streams: int, length: int, without: Array | None = None) -> dict[str, Array]:
    """`streams` readers side by side, each with its own stretch of the text, in windows of `length` characters.

    inputs, targets (window, length), fresh (window,): stream after stream; a stream begins anew at its first window. Windows
    that `without` (window, length) has as well, rulers of tables and the like, are skipped.
    """
    count = (len(text) - 1) // (streams * length)  # of each stream
    inputs, targets = (text[at : at + streams * count * length].reshape(streams, count, length) for at in (0, 1))
    known = set() if without is None else {row.tobytes() for row in without}
    kept = [[at for at, row in enumerate(stream) if row.tobytes() not in known] for stream in inputs]
    count = min(map(len, kept))
    both = {"inputs": inputs, "targets": targets}
    found = {
        name: np.concatenate([stream[at[:count]] for stream, at in zip(part, kept, strict=True)])
        for name, part in both.items()
    }
    return {**found, "fresh": np.arange(streams * count) % count == 0}


def order(data: dict[str, Array], updates: int) -> Array:
    """Which windows each update reads, one of every stream, in the order of the text; (update, stream).

    The first epoch is its last three windows alone, so that the first updates already see where the text begins anew.
    """
    starts = np.flatnonzero(data["fresh"])
    count = len(data["fresh"]) // len(starts)
    return starts + (np.arange(count - 3, count - 3 + updates) % count)[:, None]


def quoted(text: Array) -> Array:
    """Whether each character, once it is read, leaves the reader inside of a quotation."""
    marks = re.sub(r"\n\n", "\N{PILCROW SIGN}\n", spelt(text))
    inside, found = False, []
    for character in marks:
        inside = character != "\N{PILCROW SIGN}" and inside ^ (character == '"')
        found.append(inside)
    return np.array(found)


def since_mark(text: Array) -> Array:
    """How many characters ago the last " was read, 0 at one; before the first, more than there are characters."""
    marks = np.array(list(spelt(text))) == '"'
    at = np.arange(len(text))
    return at - np.maximum.accumulate(np.where(marks, at, -len(text) - 1))


def words(text: str) -> list[str]:
    """Runs of at least two letters between other characters; the first and the last may have been cut, and do not count."""
    return re.findall(r"(?<=[^A-Za-z])[A-Za-z]{2,}(?=[^A-Za-z])", text)


@cache
def known_words() -> frozenset[str]:
    """All words of the text that is trained on."""
    return frozenset(words(spelt(corpus().train)))
