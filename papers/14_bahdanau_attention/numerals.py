r"""The data of the experiment: English number words, to be translated into digits, and what can be known without reading them.

    three hundred forty two thousand five  ->  3 4 2 0 0 5 <end>

A token is a word or a digit. A zero has no word; a teen states two digits at once; «hundred», «thousand» and «million» state
none, but tell the places of the others. A number has 1 to 9 digits, each as often; its digits behind the first are 0 with
probability ZERO and else each as often. One number in eight is held out of training, by a hash of the number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s30.room import Array, Arrays

UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ("million", "thousand", "")
PAD, START, END = "<pad>", "<start>", "<end>"
WORDS = [PAD, *UNITS, *TEENS, *TENS, "hundred", "thousand", "million"]
SIGNS = [PAD, START, END, *"0123456789"]
IDS = {word: number for number, word in enumerate(WORDS)}
DIGITS, ZERO, HELD_OUT = 9, 0.2, 8
SOURCE_LENGTH, TARGET_LENGTH = 14, DIGITS + 1  # of the longest number, <end> included


def spoken(number: int) -> tuple[list[str], list[int]]:
    """Its words, and for each of its digits the place of the word that states it, or -1."""
    text = str(number)
    words: list[str] = []
    places = [-1] * DIGITS
    for group, scale in enumerate(SCALES):
        hundreds, tens, units = (int(digit) for digit in text.zfill(DIGITS)[3 * group : 3 * group + 3])
        at = 3 * group
        if hundreds:
            places[at] = len(words)
            words += [UNITS[hundreds - 1], "hundred"]
        if tens == 1:
            places[at + 1] = len(words)
            places[at + 2] = len(words) if units else -1
            words.append(TEENS[units])
        else:
            if tens:
                places[at + 1] = len(words)
                words.append(TENS[tens - 2])
            if units:
                places[at + 2] = len(words)
                words.append(UNITS[units - 1])
        if scale and (hundreds or tens or units):
            words.append(scale)
    return words, places[DIGITS - len(text) :]


def batch_of(numbers: Sequence[int]) -> dict[str, Array]:
    """The arrays that a translator reads: source (count, 14) with its mask, target shifted by <start> and with <end>, (count, 10)."""
    count = len(numbers)
    source, target = np.zeros((count, SOURCE_LENGTH), int), np.zeros((count, TARGET_LENGTH), int)
    for row, number in enumerate(numbers):
        words, text = spoken(number)[0], str(number)
        source[row, : len(words)] = [IDS[word] for word in words]
        target[row, : len(text) + 1] = [*(SIGNS.index(digit) for digit in text), SIGNS.index(END)]
    shifted = np.concatenate([np.full((count, 1), SIGNS.index(START)), target[:, :-1]], 1)
    real = target > 0
    return {
        "source": source, "source_mask": source > 0, "target_input": np.where(real, shifted, 0), "target_output": target,
        "target_mask": real,
    }  # fmt: skip


def places_of(numbers: Sequence[int]) -> Array:
    """For each digit the place of its word, -1 where it has none or is none: (count, 10)."""
    found = np.full((len(numbers), TARGET_LENGTH), -1)
    for row, number in enumerate(numbers):
        places = spoken(number)[1]
        found[row, : len(places)] = places
    return found


def drawn(rng: np.random.Generator, count: int, held_out: bool) -> Array:
    """Numbers that are held out of training, or that are not."""
    found: list[Array] = []
    while sum(map(len, found)) < count:
        digits = rng.integers(1, 10, (2 * count, DIGITS))
        digits[:, 1:] *= rng.random((2 * count, DIGITS - 1)) >= ZERO
        kept = rng.integers(1, DIGITS + 1, 2 * count)
        numbers = np.array([int("".join(map(str, row[:k]))) for row, k in zip(digits.tolist(), kept.tolist())])
        found.append(numbers[hidden(numbers) == held_out])
    return np.concatenate(found)[:count]


def hidden(numbers: Array) -> Array:
    """Which of these numbers are held out: by a multiplicative hash, so that neighbours differ."""
    return (numbers * 2654435761 % 2**32 >> 8) % HELD_OUT == 0


def lengths(numbers: Sequence[int]) -> Array:
    """How many words each has."""
    return np.array([len(spoken(number)[0]) for number in numbers])


def loss_without_source() -> float:
    """The entropy of a sign by its place, in nats: no less is expected of a loss where the source is not read, since the digits
    that went before tell nothing of those to come."""
    found = total = 0.0
    for place in range(DIGITS + 1):
        reached = min(1.0, (DIGITS + 1 - place) / DIGITS)  # numbers of at least `place` digits
        ends = 1 / (DIGITS + 1 - place) if place else 0.0  # of these, how many have no more
        zero = ZERO if place else 0.0
        shares = np.array([ends, (1 - ends) * zero, *[(1 - ends) * (1 - zero) / 9] * 9])
        found -= reached * float((shares * np.log(shares, where=shares > 0, out=np.zeros_like(shares))).sum())
        total += reached
    return found / total


def alignment_shares(alignment: Array, places: Array) -> dict[str, float]:
    """How often a digit that has a word is written while the alignment is greatest at this word, and how often the greatest
    alignment moves forwards from one such digit to the next that has another word."""
    looked, stated = alignment.argmax(-1), places >= 0
    moved = [(np.diff(row[here]) > 0)[np.diff(words[here]) > 0] for row, words, here in zip(looked, places, stated)]
    return {
        "aligned": float((looked == places)[stated].mean()),
        "forwards": float(np.concatenate(moved).mean()),
    }


def well_placed(batch: Arrays, places: Array) -> float:
    """The share of digits with a word, to judge by what this word can state by itself."""
    can = np.zeros((len(WORDS), 10), bool)
    for words, digits in ((UNITS, range(1, 10)), (TEENS, range(10)), (TENS, range(2, 10))):
        can[[IDS[word] for word in words], digits] = True
    can[[IDS[word] for word in TEENS], 1] = True
    words = np.take_along_axis(batch["source"], np.maximum(places, 0), 1)  # (count, target)
    digits = batch["target_output"] - SIGNS.index("0")
    return float(can[words[places >= 0], digits[places >= 0]].mean())


def middle_of(batch: Arrays, places: Array) -> float:
    """The same as `aligned` for whoever looks at the source's words in proportion to the place in the target."""
    count, length = batch["source_mask"].sum(1, keepdims=True), batch["target_mask"].sum(1, keepdims=True)
    guess = np.floor(np.arange(TARGET_LENGTH) * count / length)  # (count, target)
    return float((guess == places)[places >= 0].mean())
