"""Star-like graphical models (paper 08, section 5.1.4): a head, variable 0, and leaves that depend on the head alone."""

from __future__ import annotations

import numpy as np

from s30.room import Array

Star = tuple[Array, Array]  # p(head) (symbol,), and p(leaf | head) (leaf, head, symbol)


def star(rng: np.random.Generator, variables: int, symbols: int, peak: float) -> Star:
    """Softmaxes of normal numbers, of scale 1/2 for the head and of scale `peak` for leaves: the greater, the more a leaf follows from
    the head."""
    head, leaves = np.exp(rng.normal(0, 0.5, symbols)), np.exp(rng.normal(0, peak, (variables - 1, symbols, symbols)))
    return head / head.sum(), leaves / leaves.sum(-1, keepdims=True)


def sample(rng: np.random.Generator, law: Star, count: int) -> Array:
    """Settings (example, variable)."""
    head, leaves = law
    first = _drawn(rng, np.tile(head, (count, 1)))
    return np.stack([first, *(_drawn(rng, leaf[first]) for leaf in leaves)], 1)


def _drawn(rng: np.random.Generator, rows: Array) -> Array:
    """One symbol by each row of probabilities."""
    found: Array = (rng.random((len(rows), 1)) > rows.cumsum(1)).sum(1)
    return np.minimum(found, rows.shape[1] - 1)


def log_probability(law: Star, values: Array) -> Array:
    """log p(y_1, ..., y_T) of each setting under the star itself, (example,)."""
    head, leaves = law
    first = values[:, 0]
    # p(head) prod_i p(leaf_i | head)
    result: Array = np.log(head[first]) + sum(np.log(leaf[first, values[:, 1 + i]]) for i, leaf in enumerate(leaves))
    return result


def both_orders(variables: int) -> Array:
    """Head first, and head last: (2, variable)."""
    return np.stack([np.arange(variables), np.roll(np.arange(variables), -1)])


def rank_of_first(values: Array, order: Array) -> Array:
    """Where the value that is written first stands among the values of its setting, from 0 for the most frequent among these settings
    to 1 for the rarest."""
    frequency = np.stack([np.bincount(column, minlength=values.max() + 1) for column in values.T])  # (variable, symbol)
    own = frequency[np.arange(values.shape[1]), values]  # (example, variable)
    chosen = own[np.arange(len(values)), order[:, 0]]
    result: Array = (own > chosen[:, None]).mean(1)
    return result
