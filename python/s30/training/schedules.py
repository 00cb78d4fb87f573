"""Learning rates of every update, (update,), worked out once for both frameworks."""

from __future__ import annotations

import numpy as np

from s30.corpus.vocabulary import Array


def linear_decay(peak: float, updates: int, warm_up: int = 0) -> Array:
    """Rises linearly to `peak` during the first `warm_up` updates, then falls linearly towards zero."""
    update = np.arange(updates)
    rising = (update + 1) / warm_up if warm_up else np.ones(updates)
    rates: Array = peak * np.minimum(rising, (updates - update) / (updates - warm_up))
    return rates


def cosine_decay(peak: float, updates: int) -> Array:
    """peak (1 + cos(pi u / updates)) / 2, from `peak` towards zero."""
    rates: Array = peak * (1 + np.cos(np.pi * np.arange(updates) / updates)) / 2
    return rates


def constant(rate: float, updates: int) -> Array:
    """The same rate throughout."""
    return np.full(updates, rate)
