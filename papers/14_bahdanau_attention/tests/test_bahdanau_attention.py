"""What no layer can be asked: the number words, which of them state a digit, and that held-out numbers stay out."""

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def numerals(room: Paper):
    return room.module("numerals.py")


def value(words: list[str], numerals) -> int:
    """The number that its words mean, read by another rule than the one that wrote them."""
    ones = {w: n + 1 for n, w in enumerate(numerals.UNITS)} | {w: n + 10 for n, w in enumerate(numerals.TEENS)}
    ones |= {w: 10 * n + 20 for n, w in enumerate(numerals.TENS)}
    total = group = 0
    for word in words:
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million"):
            total, group = total + group * (1000 if word == "thousand" else 10**6), 0
        else:
            group += ones[word]
    return total + group


def test_words_mean_their_number(numerals) -> None:
    for number in [*range(1, 1200), 10_010, 700_001, 110_000_010, 999_999_999, 17_017_017]:
        assert value(numerals.spoken(number)[0], numerals) == number


def test_each_digit_but_a_zero_is_stated_by_one_word_and_in_the_order_of_the_words(numerals) -> None:
    for number in numerals.drawn(np.random.default_rng(0), 500, held_out=False).tolist():
        words, places = numerals.spoken(number)
        stated = [place for place in places if place >= 0]
        assert stated == sorted(stated)
        for digit, place in zip(str(number), places, strict=True):
            assert (place < 0) == (digit == "0")
            assert place < 0 or words[place] not in ("hundred", "thousand", "million")


def test_held_out_numbers_are_never_trained_on(numerals) -> None:
    rng = np.random.default_rng(0)
    out, kept = (numerals.drawn(rng, 3000, held_out=held) for held in (True, False))
    assert not np.isin(out, kept).any()
    assert 0.09 < numerals.hidden(np.arange(1, 10**5)).mean() < 0.16


def test_the_loss_without_the_source_is_the_entropy_of_the_signs_by_their_place(numerals) -> None:
    batch = numerals.batch_of(numerals.drawn(np.random.default_rng(1), 20000, held_out=False))
    lost = count = 0.0
    for column, real in zip(batch["target_output"].T, batch["target_mask"].T):
        seen = np.bincount(column[real])
        lost -= (seen[seen > 0] * np.log(seen[seen > 0] / real.sum())).sum()
        count += real.sum()
    assert lost / count == pytest.approx(numerals.loss_without_source(), abs=0.01)


def test_the_fixed_vector_has_at_least_as_many_parameters(room: Paper) -> None:
    task = room.module("task.py")
    sizes = {
        net: sum(v.size for v in task.initial(np.random.default_rng(0), net).values()) for net in ("search", "fixed")
    }
    assert sizes["search"] <= sizes["fixed"] <= 1.05 * sizes["search"]


def test_training_starts_as_in_appendix_b(room: Paper) -> None:
    params = room.module("task.py").initial(np.random.default_rng(0), "search")
    for name in ("forward_gru", "backward_gru", "decoder"):
        for block in np.split(params[f"{name}.state.weight"], 3):  # U_z, U_r, U
            np.testing.assert_allclose(block @ block.T, np.eye(len(block)), rtol=0, atol=1e-12)
    assert not any(params[name].any() for name in params if name.endswith("bias") or name == "alignment.energy")
    assert all(value.any() for name, value in params.items() if name.endswith("weight"))
