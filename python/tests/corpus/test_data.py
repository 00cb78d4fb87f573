"""The data are what they are said to be, and every example is visited once."""

from __future__ import annotations

import builtins
import importlib.util

import numpy as np
import pytest

from s30.corpus import data
from s30.errors import S30Error


def test_the_digits_are_those_of_scikit_learn():
    bunch = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = data.digits()
    assert np.array_equal(images * 16, bunch.images)
    assert np.array_equal(labels, bunch.target)
    assert (images.dtype, labels.dtype, images.shape) == (np.float64, np.int64, (1797, 8, 8))
    assert (images.min(), images.max()) == (0.0, 1.0)


def test_the_split_is_a_partition_with_the_sizes_it_states():
    train, test = data.digits_split()
    assert (len(train.labels), len(test.labels)) == (1258, 539)
    joined = [
        np.concatenate([images.reshape(-1, 64), labels[:, None]], axis=1)
        for images, labels in (train, test, data.digits())
    ]
    assert sorted(map(tuple, np.concatenate(joined[:2]))) == sorted(map(tuple, joined[2]))


def test_the_split_depends_on_its_seed_alone():
    assert np.array_equal(data.digits_split().test.labels, data.digits_split().test.labels)
    assert not np.array_equal(data.digits_split(seed=1).test.labels, data.digits_split().test.labels)
    assert len(data.digits_split(0.5).test.labels) == 898


@pytest.mark.parametrize(("count", "size", "batches"), [(10, 3, 3), (9, 3, 3), (5, 5, 1), (4, 1, 4)])
def test_minibatches_visit_no_example_twice(count, size, batches):
    found = list(data.minibatches(np.random.default_rng(0), count, size))
    assert [len(batch) for batch in found] == [size] * batches
    visited = np.concatenate(found)
    assert len(set(visited.tolist())) == len(visited) == size * batches
    assert set(visited.tolist()) <= set(range(count))
    again = np.concatenate(list(data.minibatches(np.random.default_rng(0), count, size)))
    assert np.array_equal(visited, again)


def test_each_epoch_has_an_order_of_its_own():
    rng = np.random.default_rng(0)
    one, other = (np.concatenate(list(data.minibatches(rng, 50, 10))) for _ in range(2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("size", [0, -1, 11])
def test_an_impossible_minibatch_is_refused(size):
    with pytest.raises(S30Error, match="cannot be drawn from 10 examples"):
        next(data.minibatches(np.random.default_rng(0), 10, size))


def test_the_documentation_is_a_long_text():
    text = data.documentation()
    assert len(text) > 100_000
    assert "assert" in text


def test_the_data_on_record_change_with_the_data(monkeypatch):
    digests = data.digests()
    assert set(digests) == {"digits", "documentation"}
    assert all(len(digest) == 64 for digest in digests.values())
    monkeypatch.setattr(data, "documentation", lambda: "other")
    assert data.digests()["documentation"] != digests["documentation"]
    assert data.digests()["digits"] == digests["digits"]


def test_without_scikit_learn_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    data.digits.cache_clear()
    with pytest.raises(S30Error, match="scikit-learn, which is not installed: run `make setup`"):
        data.digits()
    assert set(data.digests()) == {"documentation"}


def test_reading_the_digits_does_not_import_scikit_learn(monkeypatch):
    original = builtins.__import__

    def refuse(name, *rest):
        assert not name.startswith("sklearn"), "scikit-learn was imported"
        return original(name, *rest)

    data.digits.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert len(data.digits().labels) == 1797
