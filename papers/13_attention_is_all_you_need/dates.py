r"""The data of the experiment: dates in three written formats, to be translated to ISO 8601, and what can be known of them.

    March 5, 1987    ->  1987-03-05
    03/05/1987       ->  1987-03-05          month first
    05.03.1987       ->  1987-03-05          day first

A token is a word, a digit or a mark. Spaces are dropped. Source and target share one vocabulary, as in section 5.1.
Dates run from 1970-01-01 to 2068-12-31. A tenth of them is held out of training in every format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np

from s30.room import Array

PAD, START, END = "<pad>", "<start>", "<end>"
FIRST, LAST = date(1970, 1, 1), date(2068, 12, 31)
STYLES = 3
SOURCE_LENGTH, TARGET_LENGTH = 10, 11  # the longest: «03/05/1987», «1987-03-05» and its <end>
MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
TOKENS = [PAD, START, END, *"0123456789-/.,", *MONTHS]
IDS = {token: number for number, token in enumerate(TOKENS)}


def batch_of(days: Sequence[date], styles: Sequence[int]) -> dict[str, Array]:
    """The arrays that the Transformer reads: source (count, 10) with its mask, target shifted by <start> and with <end>."""
    year, month, day = np.array([(day.year, day.month, day.day) for day in days]).T[..., None]  # each (count, 1)
    y, m, d, name = digits(year, 4), digits(month, 2), digits(day, 2), IDS[MONTHS[0]] + month - 1

    def joined(*parts: Array | str) -> Array:
        columns = [np.full_like(day, IDS[part]) if isinstance(part, str) else part for part in parts]
        return np.concatenate(columns, 1)

    named = np.where(day < 10, joined(name, d[:, 1:], ",", y, PAD, PAD, PAD), joined(name, d, ",", y, PAD, PAD))
    source = np.choose(np.array(styles)[:, None], [named, joined(m, "/", d, "/", y), joined(d, ".", m, ".", y)])
    target = joined(y, "-", m, "-", d, END)
    return {
        "source": source,
        "source_mask": source != IDS[PAD],
        "target_input": np.concatenate([np.full_like(day, IDS[START]), target[:, :-1]], 1),
        "target_output": target,
        "target_mask": np.ones_like(target, dtype=bool),
    }


def digits(number: Array, places: int) -> Array:
    """The tokens of its decimal digits: (count, 1) -> (count, places)."""
    return IDS["0"] + number // 10 ** np.arange(places)[::-1] % 10


def split(rng: np.random.Generator, train: int, test: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """`train` examples of nine tenths of the dates and `test` examples of the other tenth, each in a random format."""
    days = rng.permutation(LAST.toordinal() - FIRST.toordinal() + 1) + FIRST.toordinal()
    cut = len(days) // 10

    def draw(pool: Array, count: int) -> dict[str, Array]:
        drawn = [date.fromordinal(day) for day in rng.choice(pool, count).tolist()]
        return batch_of(drawn, rng.integers(STYLES, size=count).tolist())

    return draw(days[cut:], train), draw(days[:cut], test)


class Limits(NamedTuple):
    """The best that can be had in the mean over all dates in all formats, by whoever knows no more than so much."""

    exact_match: float  # share of dates
    token_accuracy: float  # share of tokens, given those before
    loss: float  # nats per token, given those before, against the smoothed target


def limits(of_bags: bool, smoothing: float) -> Limits:
    """Where the source is known as a bag of tokens, or, unless `of_bags`, not at all.

    Dates with one bag get one answer, right for one of them. And a token's prediction depends on the bag and the tokens
    written so far: it is right in the most frequent case, and its loss is at least the entropy of the mean of the smoothed
    targets that follow these.
    """
    bags, target = _all_dates()
    start = known = bags if of_bags else np.zeros_like(bags)
    words, right, entropy = len(TOKENS), [], []
    never = smoothing / words  # q of a word that never follows
    for token in target.T:
        pairs, following, count = np.unique(known * words + token, return_inverse=True, return_counts=True)
        total = np.bincount(known)[pairs // words]  # how often what is known occurs
        # H = -sum_k q_k log q_k,  q_k = (1 - eps) count_k / total + eps / vocabulary
        q = (1 - smoothing) * count / total + never
        seen = never * np.log(never) - q * np.log(q)  # (pair,); every other word adds -never log never
        entropy.append((total @ seen) / len(token) - words * never * np.log(never))
        right.append(_most(known, following).sum() / len(token))
        known = following
    return Limits(float(_most(start, known).sum() / len(target)), float(np.mean(right)), float(np.mean(entropy)))


@cache
def _all_dates() -> tuple[Array, Array]:
    """Of every date in every format a number that tells its bag of tokens, (date,), and its target, (date, 11)."""
    days = [date.fromordinal(day) for day in range(FIRST.toordinal(), LAST.toordinal() + 1)]
    parts = [batch_of(days, [style] * len(days)) for style in range(STYLES)]
    source, target = (np.concatenate([part[name] for part in parts]) for name in ("source", "target_output"))
    bags = np.sort(source, 1) @ len(TOKENS) ** np.arange(SOURCE_LENGTH)  # sorted tokens as the digits of one number
    return np.unique(bags, return_inverse=True)[1], target


def _most(known: Array, following: Array) -> Array:
    """How often the most frequent of what follows occurs, for each that is known."""
    most = np.zeros(known.max() + 1)
    np.maximum.at(most, known, np.bincount(following)[following])
    return most


def styles_of(source: Array) -> Array:
    """The format that each source is written in, by its mark: (count, 10) -> (count,)."""
    return np.argmax([(source == IDS[mark]).any(1) for mark in ",/."], 0)


def attention_shares(batch: Mapping[str, Array], cross_attention: Array) -> dict[str, float]:
    """How often the last layer's attention, averaged over heads, is greatest at the word that states the digit written."""
    looked = cross_attention[:, -1].mean(1).argmax(-1)  # (batch, target)
    source = batch["source"]
    style = styles_of(source)
    numeric = style > 0
    # «1987-03-05» has its year's last digit at 3, the month at 5 and 6, the day at 8 and 9. The year ends every format,
    # and the month's name begins one.
    last = batch["source_mask"].sum(1) - 1
    own = np.where(style[:, None] == 1, [0, 1, 3, 4], [3, 4, 0, 1])  # (batch, 4)
    return {
        "attention_to_last_year_digit": float((looked[:, 3] == last).mean()),
        "attention_to_month_name_units": float((looked[:, 6] == 0)[~numeric].mean()),
        "attention_to_own_digit": float((looked[:, [5, 6, 8, 9]] == own)[numeric].mean()),
    }
