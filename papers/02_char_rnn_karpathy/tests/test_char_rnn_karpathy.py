"""What no layer can be asked: the text, its windows, what counts and what compresses it."""

import itertools
from collections import Counter

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def texts(room: Paper):
    return room.module("corpus.py")


@pytest.fixture
def rivals(room: Paper):
    return room.module("rivals.py")


def test_no_paragraph_is_read_in_training_and_held_out(texts) -> None:
    both = texts.corpus()
    train, held = (
        [p for p in texts.spelt(part).split("\n\n") if len(p) > 20] for part in (both.train, both.held[:-200])
    )
    assert len(held) > 100
    assert not set(held) & set(train)
    assert len(set(train)) == len(train)


def test_a_target_is_the_next_character(texts) -> None:
    data = texts.windows(np.arange(1001) % 89, 4, 10)
    np.testing.assert_array_equal(data["targets"], (data["inputs"] + 1) % 89)
    starts = np.flatnonzero(data["fresh"])
    assert len(starts) == 4
    # a window goes on where the one before it ends
    inner = np.flatnonzero(~data["fresh"])
    np.testing.assert_array_equal(data["inputs"][inner, 0], data["targets"][inner - 1, -1])


def test_streams_begin_anew_within_the_first_updates(texts) -> None:
    data = texts.windows(np.arange(1001) % 89, 4, 10)
    fresh = data["fresh"][texts.order(data, 8)]
    assert fresh[3].all()
    assert not fresh[[0, 1, 2, 4, 5, 6, 7]].any()
    # and each update goes on where the one before it ended
    order = texts.order(data, 8)
    assert (np.diff(order, axis=0)[[0, 1, 3, 4, 5, 6]] == 1).all()


def test_quotations_end_with_their_paragraph(texts, monkeypatch) -> None:
    monkeypatch.setattr(texts, "spelt", lambda text: text)
    assert [bool(i) for i in texts.quoted('a"b"c')] == [False, True, True, False, False]
    assert not texts.quoted('"a\n\nb')[-1]


def test_words_that_were_cut_do_not_count(texts) -> None:
    assert texts.words("ab the cat, a dog") == ["the", "cat"]


def test_a_distribution_of_ngrams_sums_to_one_and_is_what_counting_gives(rivals) -> None:
    """All continuations of one context, against Witten and Bell's formula worked out by hand."""
    train = np.array([0, 1, 0, 2, 0, 1, 0, 1])
    total = 0.0
    for last in range(3):
        bits = rivals.ngram_bits(train, np.array([0, last]), 3, 1)[1]
        total += 2.0**-bits
        # a context counts from the position on at which the longest one fits: 7 pairs, of which 0 is followed by 1, 2, 1, 1
        order_0 = (np.bincount(train[1:], minlength=3)[last] + 3 * (1 / 3)) / (7 + 3)
        expected = (np.array([0, 3, 1])[last] + 2 * order_0) / (4 + 2)
        np.testing.assert_allclose(2.0**-bits, expected, rtol=1e-12)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_no_reader_of_one_character_goes_below_the_limit(rivals) -> None:
    """Brute force over distributions of two characters."""
    held = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 1])  # its ends differ: contexts are all but the last
    limit = rivals.entropy_limits(held, 2, 1)[1]
    pairs = list(itertools.pairwise(held))
    for p, q in itertools.product(np.linspace(0.05, 0.95, 19), repeat=2):
        one = np.array([p, q])  # the probability of a 1 after a 0 and after a 1
        surprise = [-np.log2(one[a] if b else 1 - one[a]) for a, b in pairs]
        assert np.mean(surprise) >= limit - 1e-12
    # and the shares that occur meet it: of 4 zeros 3 are followed by a 1, of 6 ones 4
    met = [-np.log2(one) for a, b in pairs for one in [(3 / 4 if b else 1 / 4) if a == 0 else (4 / 6 if b else 2 / 6)]]
    np.testing.assert_allclose(np.mean(met), limit, rtol=1e-12)


def test_the_limits_are_those_of_the_text_that_is_examined(room: Paper, texts) -> None:
    """Counted once more with dictionaries, on the held-out text."""
    held = texts.corpus().held[: texts.HELD].tolist()
    pairs, contexts = Counter(itertools.pairwise(held)), Counter(held[:-1])
    limit = -sum(n * np.log2(n / contexts[a]) for (a, _), n in pairs.items()) / (len(held) - 1)
    np.testing.assert_allclose(room.module("task.py").counted()["limit_one_character"], limit, rtol=1e-9)


def test_the_rnn_and_the_lstm_have_as_many_parameters(room: Paper) -> None:
    task = room.module("task.py")
    sizes = [sum(value.size for value in task.initial(cell, 0, 0).values()) for cell in ("rnn", "lstm")]
    assert abs(sizes[0] - sizes[1]) < 0.05 * sizes[0]


def test_roc_area_is_the_share_of_pairs_in_the_right_order(room: Paper) -> None:
    rng = np.random.default_rng(0)
    values, inside = rng.normal(size=40), rng.random(40) < 0.3
    pairs = [(a > b) for a in values[inside] for b in values[~inside]]
    np.testing.assert_allclose(room.module("task.py").roc_area(values, inside), np.mean(pairs), rtol=1e-12)


def test_of_pairs_equally_far_from_the_last_mark_its_echo_tells_nothing(room: Paper) -> None:
    rng, task = np.random.default_rng(1), room.module("task.py")
    since = rng.integers(0, 5, size=400)
    inside = rng.random(400) < 0.8 - 0.15 * since
    assert task.roc_area(-since + 1e-3 * rng.normal(size=400), inside) > 0.7
    values = 10.0 * since + inside + 0.1 * rng.normal(size=400)
    np.testing.assert_allclose(task.apart_area(values, inside, since), 1.0)
    pairs = [
        (values[i] > values[j]) for i in np.flatnonzero(inside) for j in np.flatnonzero(~inside) if since[i] == since[j]
    ]
    np.testing.assert_allclose(task.apart_area(values, inside, since), np.mean(pairs), rtol=1e-12)


def test_a_mark_was_read_as_many_characters_ago(texts, monkeypatch) -> None:
    monkeypatch.setattr(texts, "spelt", lambda text: text)
    assert texts.since_mark('a"bc"d').tolist() == [7, 0, 1, 2, 0, 1]


def test_a_unit_is_chosen_on_training_text_and_examined_on_held_out_text(room: Paper, texts) -> None:
    """Unit 1 knows the quotations of the training text, unit 2 those of the held-out text: the first is taken, and fails."""
    task, rng = room.module("task.py"), np.random.default_rng(3)
    both = texts.corpus()

    class Asked:
        def ask(self, name, cell, params, part):
            hidden = rng.normal(size=(*part.shape, task.UNITS[cell]))
            train = np.array_equal(part.ravel(), both.train[: part.size])
            hidden[..., 1 if train else 2] = texts.quoted(part.ravel()).reshape(part.shape) + 0.1 * hidden[..., 0]
            return hidden

    found, _ = task.quote_units(Asked(), {"rnn": {}, "lstm": {}}, {})
    for net in ("rnn", "lstm", "untrained"):
        assert abs(found[f"{net}_quote_unit"] - 0.5) < 0.05
        assert abs(found[f"{net}_quote_apart"] - 0.5) < 0.05


def test_every_net_starts_elsewhere(room: Paper) -> None:
    task = room.module("task.py")
    for cell in ("rnn", "lstm"):
        starts = [task.initial(cell, seed, k)[f"{cell}.weight_hh_l0"] for seed, k in ((0, 0), (0, 1), (1, 0))]
        assert not any(np.array_equal(a, b) for a, b in itertools.combinations(starts, 2))
