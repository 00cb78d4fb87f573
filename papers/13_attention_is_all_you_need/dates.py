r"""What both experiments share: dates in five written formats, to be translated to ISO 8601, and the figures.

    March 5, 1987    ->  1987-03-05          03/05/1987 (month first)  ->  1987-03-05
    5 March 1987     ->  1987-03-05          05.03.1987 (day first)    ->  1987-03-05
    05 Mar 87 (Thu)  ->  1987-03-05

A token is a word, a digit or a mark. Spaces are dropped. Source and target share one vocabulary, as in section 5.1.
Dates run from 1970-01-01 to 2068-12-31, so that two digits of a year fix the century. A tenth of the dates is held
out of training in every format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import numpy as np

from s30.corpus import sibling
from s30.vocabulary import Array, Bars, Figure, Heatmap, Lines

checks = sibling(__file__, "numpy_checks.py")

PAD, START, END = "<pad>", "<start>", "<end>"
FIRST, LAST = date(1970, 1, 1), date(2068, 12, 31)
FORMATS = ("March 5, 1987", "5 March 1987", "05 Mar 87 (Thu)", "03/05/1987", "05.03.1987")
SOURCE_LENGTH, TARGET_LENGTH = 10, 11  # the longest: «03/05/1987», «1987-03-05» and its <end>


def written(day: date, style: int) -> str:
    """`day` in the format of FORMATS[style], with English names whatever the locale."""
    month, weekday = MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    return (
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month} {day.year}",
        f"{day.day:02} {month[:3]} {day.year % 100:02} ({weekday})",
        f"{day.month:02}/{day.day:02}/{day.year}",
        f"{day.day:02}.{day.month:02}.{day.year}",
    )[style]


MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
TOKENS = [PAD, START, END, *"0123456789-/.,()", *dict.fromkeys([*MONTHS, *(month[:3] for month in MONTHS), *WEEKDAYS])]
IDS = {token: number for number, token in enumerate(TOKENS)}

# The Transformer of both experiments, its training, and what is taken away from it.
SIZES = {"vocabulary": len(TOKENS), "d_model": 64, "d_ff": 64, "heads": 8, "layers": 1, "smoothing": 0.1}
BATCH, HELD_OUT, PEAK, WARM_UP = 32, 400, 1.2e-2, 60
PROFILES = {"quick": {"seeds": 1, "steps": 280}, "full": {"seeds": 3, "steps": 360}}
VARIANTS: dict[str, dict[str, bool]] = {
    "": {},
    "_without_positions": {"positions": False},
    "_without_mask": {"causal": False},
}
WIDTHS, KEYS = (4, 16, 64, 256, 1024), 32  # of the scaling experiment: d_k, and how many keys each query sees


def tokens(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+|\d|[^\w\s]", text)


def batch_of(days: Sequence[date], styles: Sequence[int]) -> dict[str, Array]:
    """The arrays that the Transformer reads: source (count, 10) with its mask, target shifted by <start> and with <end>."""
    source = np.zeros((len(days), SOURCE_LENGTH), np.int64)
    target = np.empty((len(days), TARGET_LENGTH), np.int64)
    for row, (day, style) in enumerate(zip(days, styles, strict=True)):
        words = tokens(written(day, style))
        source[row, : len(words)] = [IDS[word] for word in words]
        target[row] = [*(IDS[digit] for digit in day.isoformat()), IDS[END]]
    shifted = np.concatenate([np.full((len(days), 1), IDS[START]), target[:, :-1]], 1)
    return {
        "source": source,
        "source_mask": source != IDS[PAD],
        "target_input": shifted,
        "target_output": target,
        "target_mask": np.ones_like(target, dtype=bool),
    }


def split(seed: int, train: int, test: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """`train` examples of nine tenths of the dates and `test` examples of the other tenth, each in a random format."""
    rng = np.random.default_rng([13, seed])
    days = rng.permutation(LAST.toordinal() - FIRST.toordinal() + 1) + FIRST.toordinal()
    cut = len(days) // 10

    def draw(pool: Array, count: int) -> dict[str, Array]:
        drawn = [date.fromordinal(day) for day in rng.choice(pool, count).tolist()]
        return batch_of(drawn, rng.integers(len(FORMATS), size=count).tolist())

    return draw(days[cut:], train), draw(days[:cut], test)


def initial(seed: int) -> dict[str, Array]:
    """The parameters from which both frameworks start: weights by Glorot's uniform rule, biases zero, gains one.

    The entries of sqrt(d_model) E get the standard deviation 1/2, so that at first the positions speak louder.
    """
    rng = np.random.default_rng([13, seed, 0])

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "embedding.weight":
            return rng.normal(0, 0.5 / np.sqrt(shape[1]), shape)
        if len(shape) == 2:
            return rng.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))
        return np.full(shape, float("norm.weight" in name))

    return {name: draw(name, shape) for name, shape in checks.shapes(**SIZES).items()}


def gaussians(seed: int, d_k: int) -> Array:
    """Independent standard normal queries and keys, as in footnote 4: (2, sample, KEYS, d_k)."""
    return np.random.default_rng([13, seed, d_k]).standard_normal((2, 64, KEYS, d_k), np.float32)


def floor() -> float:
    """The entropy in nats of a smoothed target, below which no loss can fall."""
    smoothed = np.full(SIZES["vocabulary"], SIZES["smoothing"] / SIZES["vocabulary"])
    smoothed[0] += 1 - SIZES["smoothing"]
    return float(-(smoothed * np.log(smoothed)).sum())


@cache
def limits_without_positions() -> tuple[float, float]:
    """Exact match that no model without positions exceeds, and the loss above its floor that it cannot get below, both
    in the mean over all dates in all formats.

    Without positions a source enters as a bag of tokens (the invariant `equivariance`). So dates with one bag get one
    answer, right for one of them. And a token's prediction depends on the bag and the tokens written so far: the loss is
    at least the entropy of the mean of the smoothed targets that follow these.
    """
    days = [date.fromordinal(day) for day in range(FIRST.toordinal(), LAST.toordinal() + 1)]
    parts = [batch_of(days, [style] * len(days)) for style in range(len(FORMATS))]
    source, target = (np.concatenate([part[name] for part in parts]) for name in ("source", "target_output"))
    _, bag = np.unique(np.sort(source, 1).astype(np.uint8).view(f"S{SOURCE_LENGTH}")[:, 0], return_inverse=True)
    words, smoothing, known, entropy = SIZES["vocabulary"], SIZES["smoothing"], bag, []
    never = smoothing / words  # q of a word that never follows
    for token in target.T:
        pairs, next_known, count = np.unique(known * words + token, return_inverse=True, return_counts=True)
        total = np.bincount(known)[pairs // words]  # how often the bag and the tokens before occur
        # H = -sum_k q_k log q_k,  q_k = (1 - eps) count_k / total + eps / vocabulary
        q = (1 - smoothing) * count / total + never
        seen = never * np.log(never) - q * np.log(q)  # (pair,); every other word adds -never log never
        entropy.append((total @ seen) / len(token) - words * never * np.log(never))
        known = next_known
    best = np.zeros(bag.max() + 1)
    np.maximum.at(best, bag, np.bincount(known)[known])
    return float(best.sum() / len(bag)), float(np.mean(entropy) - floor())


def attention_shares(batch: Mapping[str, Array], cross_attention: Array) -> dict[str, float]:
    """How often the last layer's attention, averaged over heads, is greatest at the word that states the digit written."""
    looked = cross_attention[:, -1].mean(1).argmax(-1)  # (batch, target)
    source = batch["source"]
    slash, dot, bracket = ((source == IDS[mark]).any(1) for mark in "/.(")
    numeric = slash | dot
    name = np.isin(source, [IDS[word] for month in MONTHS for word in (month, month[:3])]).argmax(1)
    # «1987-03-05» has its year's last digit at 3, the month at 5 and 6, the day at 8 and 9.
    last = np.where(bracket, 4, batch["source_mask"].sum(1) - 1)  # «05 Mar 87 (Thu)» alone goes on after its year
    own = np.where(slash[:, None], [0, 1, 3, 4], [3, 4, 0, 1])  # (batch, 4)
    return {
        "attention_to_last_year_digit": float((looked[:, 3] == last).mean()),
        "attention_to_month_name_tens": float((looked[:, 5] == name)[~numeric].mean()),
        "attention_to_month_name_units": float((looked[:, 6] == name)[~numeric].mean()),
        "attention_to_own_digit": float((looked[:, [5, 6, 8, 9]] == own)[numeric].mean()),
    }


def figures(
    matches: Mapping[str, float], losses: Mapping[str, Array], held_out: Mapping[str, Array], cross_attention: Array
) -> dict[str, Figure]:
    """Exact match and losses (step,) by variant; cross_attention (batch, layer, head, target, source) of the whole model."""

    def label(variant: str) -> str:
        return variant.replace("_without_", "no ") or "whole model"

    return _alignments(held_out, cross_attention) | {
        "learning_curves": Lines(
            "Teacher-forced loss above its floor", "step", "nats per token",
            {label(variant): _smooth(values - floor()) for variant, values in losses.items()}, log_y=True,
        ),
        "exact_match": Bars(
            "Held-out dates written without an error", "exact match",
            {label(variant): value for variant, value in matches.items()}, y_limits=(0, 1.08),
        ),
        "positions": Heatmap(
            "Sinusoidal positions", checks.sinusoids(24, 24),
            [str(n) for n in range(24)], [str(n) for n in range(24)], "feature", "position",
        ),
    }  # fmt: skip


def scaling_figure(series: Mapping[str, Sequence[float]]) -> Lines:
    lines = {name: (WIDTHS, values) for name, values in series.items()}
    return Lines(
        f"Softmax over {KEYS} keys", "d_k", "nats; Frobenius norm", lines, log_x=True, log_y=True, markers=True
    )


def _alignments(batch: Mapping[str, Array], cross_attention: Array) -> dict[str, Figure]:
    """The last layer's cross-attention, averaged over heads, for the first held-out date with a slash, «(» and «,»."""
    found: dict[str, Figure] = {}
    for mark, kind in {"/": "numbers", "(": "short", ",": "words"}.items():
        row = int(np.argmax((batch["source"] == IDS[mark]).any(1)))
        words = [TOKENS[token] for token in batch["source"][row] if token]
        target = [TOKENS[token] for token in batch["target_output"][row]]
        weights = cross_attention[row, -1].mean(0)[:, : len(words)]  # (target, source)
        found[f"alignment_{kind}"] = Heatmap(
            f"Cross-attention, «{' '.join(words)}»", weights, target, words, "source", "target", limits=(0, 1)
        )
    return found


def _smooth(losses: Array, width: int = 10) -> tuple[list[float], list[float]]:
    """Means of `width` successive steps, at their middles."""
    means = losses[: len(losses) // width * width].reshape(-1, width).mean(1)
    return [width * (n + 0.5) for n in range(len(means))], means.tolist()
