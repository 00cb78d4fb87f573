r"""A source of text whose every entropy is known: words of three letters and a space, each word chosen after the one before it.

    choice     behind a space the next word is one of three, with the probabilities .6, .25 and .15
    letters    at each of its three places a word has a letter that no other word has there, though others have it elsewhere: the first
               letter tells the word, and the other two and the space follow

So each word holds one choice point between transitions that leave no doubt, as in figure 9 of the paper (paper 27), and a letter
of the next word is as uncertain as that word, seen from any place before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s30.room import Array

WORDS, LENGTH, SPACE = 16, 4, 0  # words in the lexicon; letters of a word, its space included
CHANCES = np.array([0.6, 0.25, 0.15])


@dataclass(frozen=True)
class Lexicon:
    """spelling (word, LENGTH): letters are 1 ... WORDS. after (word, choice): the words that may follow."""

    spelling: Array
    after: Array


def lexicon(rng: np.random.Generator) -> Lexicon:
    letters = np.stack([rng.permutation(WORDS) for _ in range(LENGTH - 1)], 1) + 1
    circle = rng.permutation(WORDS)
    after = np.empty((WORDS, len(CHANCES)), int)
    for choice, step in enumerate((1, 3, 8)):  # the likeliest words lead through the whole lexicon
        after[circle, choice] = np.roll(circle, -step)
    return Lexicon(np.concatenate([letters, np.full((WORDS, 1), SPACE)], 1), after)


def drawn(rng: np.random.Generator, known: Lexicon, count: int, words: int, held_out: bool) -> Array:
    """So many different rows of words (row, word), of those that are held out or of the others."""
    found = np.empty((0, words), int)
    while len(found) < count:
        rows = [rng.integers(WORDS, size=4 * count)]
        for _ in range(words - 1):
            choice = rng.choice(len(CHANCES), size=len(rows[0]), p=CHANCES)
            rows.append(known.after[rows[-1], choice])
        new = np.stack(rows, 1)
        found = np.concatenate([found, new[hidden(new) == held_out]])
    return found[:count]


def hidden(rows: Array) -> Array:
    """Whether a row of words is held out: one in five, by a hash of all its words."""
    key = np.zeros(len(rows), np.uint64)
    for word in rows.T:
        key = key * np.uint64(6364136223846793005) + word.astype(np.uint64) + np.uint64(1442695040888963407)
    return (key >> np.uint64(33)) % np.uint64(5) == 0


def spelt(known: Lexicon, rows: Array) -> Array:
    """The text of rows of words, (row, time)."""
    return known.spelling[rows].reshape(len(rows), -1)


def crosses(i: int, time: int) -> Array:
    """(time,): whether the token i places on is a letter of a word that has not begun yet: a choice lies between. i = 1 ... 3."""
    inside = np.arange(time) % LENGTH  # the place in its word of what was read last
    return (inside + i >= LENGTH) & ((inside + i) % LENGTH != LENGTH - 1)


def surprise(known: Lexicon, rows: Array, i: int) -> Array:
    """- log P(x_{t+i} | x_t ... x_1) of the source itself, (row, time - i): the least that head i can lose in the mean."""
    chosen = np.zeros(rows.shape)
    chosen[:, 1:] = -np.log(CHANCES)[(known.after[rows[:, :-1]] == rows[:, 1:, None]).argmax(-1)]
    time = rows.shape[1] * LENGTH
    by_target = np.repeat(chosen, LENGTH, 1)[:, i:]  # (row, time - i): of the word to which the target belongs
    return by_target * crosses(i, time)[: time - i]


def entropy() -> float:
    """H of one choice, in nats."""
    return float(-(CHANCES * np.log(CHANCES)).sum())


def terms(heads: int) -> int:
    """How many loss terms for each word are uncertain, counted one by one over a word's places."""
    return int(sum(crosses(i, LENGTH).sum() for i in range(1, heads + 1)))


def joint(known: Lexicon, word: int, inside: int) -> Array:
    """P(X = next token, Y = the token after it), (WORDS + 1, WORDS + 1), behind so many letters of a word."""
    table = np.zeros((WORDS + 1, WORDS + 1))
    for chance, following in zip(CHANCES, known.after[word]):
        text = np.concatenate([known.spelling[word], known.spelling[following]])
        table[text[inside + 1], text[inside + 2]] += chance
    return table


def parts(table: Array) -> dict[str, float]:
    """H(X), H(Y), H(X|Y), H(Y|X) and I(X;Y) of a joint table, each from its own definition."""

    def expected(minus_log: Array) -> float:
        return float((table * np.where(table > 0, minus_log, 0)).sum())

    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = table.sum(1, keepdims=True), table.sum(0, keepdims=True)
        return {
            "H(X)": expected(-np.log(x) * np.ones_like(table)), "H(Y)": expected(-np.log(y) * np.ones_like(table)),
            "H(X|Y)": expected(-np.log(table / y)), "H(Y|X)": expected(-np.log(table / x)),
            "I(X;Y)": expected(np.log(table / (x * y))),
        }  # fmt: skip
