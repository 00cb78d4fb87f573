"""What no layer can be asked: that the source has the entropies it is said to have, that decoding of given tables is greedy decoding
whatever is drafted, and that the peaks and counts of the paper come out when they are simulated."""

from itertools import product

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def source(room: Paper):
    return room.module("source.py")


@pytest.fixture
def decoding(room: Paper):
    return room.module("decoding.py")


def test_a_letter_tells_the_word_at_each_of_its_places(source) -> None:
    known = source.lexicon(np.random.default_rng(0))
    for place in range(source.LENGTH - 1):
        assert len(set(known.spelling[:, place])) == source.WORDS
    assert (known.spelling[:, -1] == source.SPACE).all()
    assert len({tuple(word) for word in known.spelling}) == source.WORDS
    assert all(len(set(row)) == len(source.CHANCES) for row in known.after)


def test_likeliest_words_lead_through_the_whole_lexicon(source) -> None:
    known, word, seen = source.lexicon(np.random.default_rng(1)), 0, set()
    while word not in seen:
        seen.add(word)
        word = int(known.after[word, 0])
    assert len(seen) == source.WORDS


def test_source_surprise_is_the_exact_conditional_log_probability(source) -> None:
    """Against all continuations of a word, weighed one by one."""
    known = source.lexicon(np.random.default_rng(2))
    rows = source.drawn(np.random.default_rng(3), known, 3, 3, held_out=False)
    text = source.spelt(known, rows)
    for i in (1, 2, 3):
        found = source.surprise(known, rows, i)
        for b, row in enumerate(rows):
            for t in range(source.LENGTH, 2 * source.LENGTH):  # inside the second word
                word, inside, chance = row[1], t - source.LENGTH, 0.0
                for p, following in zip(source.CHANCES, known.after[word]):
                    both = np.concatenate([known.spelling[word], known.spelling[following]])
                    chance += p * (both[inside + i] == text[b, t + i])
                assert found[b, t] == pytest.approx(-np.log(chance), abs=1e-12)


def test_the_decomposition_holds_on_the_source_and_says_where_information_is(source) -> None:
    known, h = source.lexicon(np.random.default_rng(4)), source.entropy()
    for word, inside in product(range(source.WORDS), range(source.LENGTH)):
        parts = source.parts(source.joint(known, word, inside))
        assert parts["H(X)"] + parts["H(Y)"] == pytest.approx(
            parts["H(X|Y)"] + 2 * parts["I(X;Y)"] + parts["H(Y|X)"], abs=1e-12
        )
        assert parts["H(X)"] == pytest.approx(parts["H(X|Y)"] + parts["I(X;Y)"], abs=1e-12)
        # behind the space both tokens are letters of a word that is not chosen yet: all that X says, Y says too
        assert parts["I(X;Y)"] == pytest.approx(h if inside == source.LENGTH - 1 else 0, abs=1e-12)
        # in front of it X is the space, and Y the first letter of that word
        assert parts["H(Y|X)"] == pytest.approx(h if inside == source.LENGTH - 2 else 0, abs=1e-12)


def test_a_choice_has_n_n_plus_one_half_terms(source) -> None:
    assert [source.terms(n) for n in (1, 2, 3)] == [1, 3, 6]


def test_held_out_rows_stay_out(source) -> None:
    known, rng = source.lexicon(np.random.default_rng(5)), np.random.default_rng(6)
    out, kept = (source.drawn(rng, known, 800, 8, held_out=held) for held in (True, False))
    assert not {tuple(row) for row in out} & {tuple(row) for row in kept}
    everything = source.drawn(rng, known, 4000, 8, held_out=False)
    assert not source.hidden(everything).any()


@pytest.mark.parametrize("seed", range(8))
def test_speculation_is_greedy_on_random_tables_with_random_drafts(decoding, seed: int) -> None:
    """`ask` answers by a hash of the prefix: head 1 is a function of it, the other heads of it and of the call."""
    rng = np.random.default_rng(seed)
    salt, heads, letters = rng.integers(1, 10**6), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    prompts, steps = rng.integers(0, letters, (3, 2)), 17

    def ask(tokens: np.ndarray) -> np.ndarray:
        guesses = rng.integers(0, letters, (len(tokens), heads, tokens.shape[1]))
        for b, row in enumerate(tokens):
            for t in range(len(row)):
                guesses[b, 0, t] = hash((int(salt), *map(int, row[: t + 1]))) % letters
        return guesses

    greedy = decoding.greedy(ask, prompts, steps)
    for lender in (None, np.array([1, 2, 0])):
        written, calls = decoding.speculate(ask, prompts, steps, lender)
        np.testing.assert_array_equal(written, greedy)
        assert (calls <= steps).all()
        assert (calls >= 1 + -(-(steps - 1) // heads)).all()
        assert letters > 1 or (calls == 1 + -(-(steps - 1) // heads)).all()  # of one letter every draft is right


def test_ties_go_to_the_first_token(decoding) -> None:
    equal = lambda tokens: np.zeros((*tokens.shape, 3)).argmax(-1)[:, None]
    assert (decoding.greedy(equal, np.array([[2]]), 3) == 0).all()


def test_task_starts_both_nets_with_as_many_parameters(room: Paper) -> None:
    task = room.module("task.py")
    sizes = {net: sum(v.size for v in task.initial(np.random.default_rng(0), net).values()) for net in ("one", "three")}
    assert sizes["one"] == sizes["three"]


def test_loss_by_frequency_is_the_entropy_of_a_token_at_random(room: Paper, source) -> None:
    task, known = room.module("task.py"), source.lexicon(np.random.default_rng(7))
    text = source.spelt(known, source.drawn(np.random.default_rng(8), known, 20000, 8, held_out=False)).ravel()
    share = np.bincount(text) / len(text)
    assert -(share * np.log(share)).sum() == pytest.approx(task.by_frequency(), abs=2e-3)
