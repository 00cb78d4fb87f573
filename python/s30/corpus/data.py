"""Real data that needs no download, and the order in which a training loop visits it.

- digits: 1,797 real handwritten 8x8 digits, shipped inside the scikit-learn package (UCI «Optical Recognition of
  Handwritten Digits», test part). The file is read directly, since importing scikit-learn costs seconds.
- documentation: CPython's own documentation text, shipped in `pydoc_data.topics`.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from s30.corpus.vocabulary import Array
from s30.errors import S30Error


class Digits(NamedTuple):
    """images (count, 8, 8) float64 in [0, 1]; labels (count,) int64 in 0..9."""

    images: Array
    labels: Array


class Split(NamedTuple):
    """Two disjoint parts of a data set."""

    train: Digits
    test: Digits


@cache
def digits() -> Digits:
    """All 1,797 digits in the file's order; grey values 0..16 are divided by 16. Raises S30Error without scikit-learn."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(_digits_file().read_bytes())), delimiter=",")
    return Digits(table[:, :-1].reshape(-1, 8, 8) / 16.0, table[:, -1].astype(np.int64))


def digits_split(test_fraction: float = 0.3, seed: int = 26) -> Split:
    """A fixed random split, the same for every framework: 1,258 digits for training and 539 for testing by default."""
    data = digits()
    order = np.random.default_rng(seed).permutation(len(data.labels))
    cut = len(order) - int(len(order) * test_fraction)
    parts = [Digits(data.images[index], data.labels[index]) for index in (order[:cut], order[cut:])]
    return Split(*parts)


@cache
def documentation() -> str:
    """CPython's language reference as plain text, about 465,000 characters; it differs between Python versions."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def digests() -> dict[str, str]:
    """sha256 of each data set as found on this machine, for the record."""
    found = {"documentation": hashlib.sha256(documentation().encode()).hexdigest()}
    with contextlib.suppress(S30Error):  # without scikit-learn there are no digits to digest
        found["digits"] = hashlib.sha256(gzip.decompress(_digits_file().read_bytes())).hexdigest()
    return dict(sorted(found.items()))


def minibatches(rng: np.random.Generator, count: int, size: int) -> Iterator[Array]:
    """Index arrays of one epoch in random order, each of exactly `size`; a last incomplete batch is dropped."""
    if not 0 < size <= count:
        raise S30Error(f"a minibatch of {size} cannot be drawn from {count} examples")
    order = rng.permutation(count)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def _digits_file() -> Path:
    spec = importlib.util.find_spec("sklearn")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise S30Error("the digits are part of scikit-learn, which is not installed: run `make setup`")
    return path
