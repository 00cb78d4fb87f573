"""Checks beyond the floor: brute force in NumPy, the paper's tables, the experiment's data and limits, traps of the frameworks."""

import re
from collections import Counter, defaultdict
from datetime import date, datetime
from functools import partial

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS, Problem
from s30.corpus.registry import Paper


@pytest.fixture(params=[0, 1, 2])
def problem(room: Paper, request: pytest.FixtureRequest) -> Problem:
    return room.module("numpy_checks.py").problem(request.param)


@pytest.fixture
def checks(room: Paper):
    return room.module("numpy_checks.py")


@pytest.fixture
def outputs(checks, problem: Problem) -> dict:
    return checks.forward(problem.params, problem.batch, **problem.config)


def close(observed, expected, rtol: float = 1e-11, atol: float = 1e-13) -> None:
    np.testing.assert_allclose(np.asarray(observed), np.asarray(expected), rtol=rtol, atol=atol)


# --- brute force and closed forms ---


def test_attention_is_a_weighted_sum_one_query_at_a_time(checks) -> None:
    rng = np.random.default_rng(0)
    query, key, value = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(2, 3, 6, 7))
    mask = rng.random((2, 1, 4, 6)) < 0.5
    mask[..., 0] = True
    mixed, weights = checks.attention(query, key, value, mask)
    for b, h, q in np.ndindex(2, 3, 4):
        scores = [np.exp(query[b, h, q] @ key[b, h, k] / 5**0.5) if mask[b, 0, q, k] else 0.0 for k in range(6)]
        close(weights[b, h, q], np.array(scores) / sum(scores))
        close(mixed[b, h, q], sum(s * v for s, v in zip(scores, value[b, h])) / sum(scores))


def test_fully_masked_query_is_an_error(checks) -> None:
    mask = np.ones((1, 1, 2, 3), bool)
    mask[..., 1, :] = False
    with pytest.raises(ValueError, match="may attend to no key"):
        checks.attention(np.ones((1, 1, 2, 4)), np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 4)), mask)


def test_heads_own_blocks_of_features(checks) -> None:
    x = np.arange(2 * 3 * 12.0).reshape(2, 3, 12)
    split = checks.split_heads(x, 3)
    assert split.shape == (2, 3, 3, 4)
    for head in range(3):
        np.testing.assert_array_equal(split[:, head], x[:, :, 4 * head : 4 * head + 4])
    np.testing.assert_array_equal(checks.join_heads(split), x)


def test_wavelengths_form_a_geometric_progression_from_two_pi(checks) -> None:
    # The sine at position 1 is the sine of the frequency itself.
    frequency = np.arcsin(checks.sinusoids(2, 512)[1, 2::2])
    wavelengths = 2 * np.pi / np.concatenate([[1.0], frequency])
    close(wavelengths[1:] / wavelengths[:-1], np.full(255, 10000 ** (2 / 512)), rtol=1e-9)
    close(wavelengths[-1], 2 * np.pi * 10000 ** (510 / 512), rtol=1e-9)


def test_more_padding_changes_nothing(checks, problem: Problem, outputs: dict) -> None:
    padded = {
        name: np.pad(v, [(0, 0), (0, 3)]) if name.startswith("source") else v for name, v in problem.batch.items()
    }
    longer = checks.forward(problem.params, padded, **problem.config)
    close(longer["logits"], outputs["logits"])
    close(longer["memory"][:, :5], outputs["memory"])


def test_problem_has_real_masks_and_no_kink(checks) -> None:
    for seed in INVARIANT_SEEDS:
        problem = checks.problem(seed)
        _, steps = checks.trace(problem.params, problem.batch, **problem.config)
        relu_inputs = [value for name, value in steps.items() if name.endswith(".inner")]
        assert len(relu_inputs) == 4
        assert min(np.abs(inner).min() for inner in relu_inputs) > 1e-4
        assert not problem.batch["source_mask"].all()
        assert not problem.batch["target_mask"].all()


def test_one_vocabulary_gives_ten_rows_of_table_3_but_not_big(room: Paper) -> None:
    """41,004 to 41,208 words give all ten printed millions, and no other number does; big alone needs 36,344 at most."""
    oracles = room.module("oracles.py")

    def ten_rows(vocabulary: int) -> bool:
        return all(oracles.millions(vocabulary, row) == row[-1] for row in oracles.TABLE_3)

    assert [ten_rows(v) for v in (41003, 41004, 41208, 41209)] == [False, True, True, False]
    big = [oracles.millions(v, oracles.BIG) == 213 for v in (35367, 35368, 36344, 36345, 41004)]
    assert big == [False, True, True, False, False]


def test_every_row_of_table_3_is_near_with_37000_words(room: Paper) -> None:
    """Base and big within 5 %, every row within 7 %."""
    oracles = room.module("oracles.py")
    for row in (*oracles.TABLE_3, oracles.BIG):
        assert abs(oracles.millions(37000, row) - row[-1]) < (0.05 if row[-1] in (65, 213) else 0.07) * row[-1]


def test_rate_of_equation_3_peaks_at_step_4000() -> None:
    step = np.arange(1, 100001)
    rate = 512**-0.5 * np.minimum(step**-0.5, step * 4000**-1.5)
    assert step[rate.argmax()] == 4000
    close(rate.max(), (512 * 4000) ** -0.5)


@pytest.mark.parametrize("variance", [1.0, 4.0])
def test_expected_entropy_is_that_of_many_draws(room: Paper, variance: float) -> None:
    scores = np.random.default_rng(0).normal(0, variance**0.5, (200_000, 32))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)
    error = entropy.std() / len(entropy) ** 0.5
    expected = room.module("task.py").expected_entropy(32, variance)
    assert abs(entropy.mean() - expected) < 4 * error < 0.005
    close(expected, {1.0: 3.0134, 4.0: 2.1252}[variance], atol=1e-4)


# --- the experiment's data ---


@pytest.mark.parametrize("day", [date(1987, 3, 5), date(2024, 2, 29), date(1999, 12, 31), date(2068, 5, 9)])
def test_written_dates_are_read_back_by_datetime(room: Paper, day: date) -> None:
    dates = room.module("dates.py")
    batch = dates.batch_of([day] * 3, range(3))
    for style, form in enumerate(["%B%d,%Y", "%m/%d/%Y", "%d.%m.%Y"]):
        text = "".join(dates.TOKENS[token] for token in batch["source"][style][batch["source_mask"][style]])
        assert datetime.strptime(text, form).date() == day, text
        assert [dates.TOKENS[token] for token in batch["target_output"][style]] == [*day.isoformat(), dates.END]
    assert dates.styles_of(batch["source"]).tolist() == [0, 1, 2]


def test_held_out_dates_are_not_trained_on_in_any_format(room: Paper) -> None:
    train, held_out = room.module("dates.py").split(np.random.default_rng(0), 3000, 400)
    assert not {tuple(row) for row in train["target_output"]} & {tuple(row) for row in held_out["target_output"]}
    assert {len(set(part["source_mask"].sum(1))) for part in (train, held_out)} != {1}, "no padding"
    np.testing.assert_array_equal(train["target_input"][:, 1:], train["target_output"][:, :-1])


@pytest.mark.parametrize("of_bags", [True, False])
def test_limits_by_listing_everything_that_is_known(room: Paper, of_bags: bool, monkeypatch) -> None:
    """Two months of dates, by hand: bags as sorted words, the entropy of each mean target word by word."""
    dates = room.module("dates.py")
    monkeypatch.setattr(dates, "FIRST", date(1987, 1, 1))
    monkeypatch.setattr(dates, "LAST", date(1987, 2, 28))
    dates._all_dates.cache_clear()
    limits = dates.limits(of_bags, 0.1)
    dates._all_dates.cache_clear()
    days = [date(1987, 1, day) for day in range(1, 32)] + [date(1987, 2, day) for day in range(1, 29)]
    follows, answers = defaultdict(Counter), defaultdict(Counter)
    for day, style in ((day, style) for day in days for style in range(3)):
        text = (f"{day:%B} {day.day}, {day.year}", f"{day:%m/%d/%Y}", f"{day:%d.%m.%Y}")[style]
        bag = tuple(sorted(re.findall(r"[A-Za-z]+|\d|[^\w\s]", text))) if of_bags else ()
        target = (*day.isoformat(), dates.END)
        answers[bag][target] += 1
        for t, token in enumerate(target):
            follows[bag, target[:t]][token] += 1
    assert any(len(answer) > 1 for answer in answers.values())
    count = 3 * len(days)
    close(limits.exact_match, sum(max(answer.values()) for answer in answers.values()) / count)
    close(limits.token_accuracy, sum(max(counts.values()) for counts in follows.values()) / (count * 11))
    spread = 0.0
    for counts in follows.values():
        q = [0.9 * counts[token] / counts.total() + 0.1 / len(dates.TOKENS) for token in dates.TOKENS]
        spread -= counts.total() * np.dot(q, np.log(q)) / (count * 11)
    close(limits.loss, spread)


def test_attention_shares_are_those_of_a_map_drawn_by_hand(room: Paper) -> None:
    """Attention from each digit to the word that states it, then with one digit in each numeric format led astray."""
    dates = room.module("dates.py")
    batch = dates.batch_of([date(1987, 3, 5)] * 3, range(3))
    # Where «1987-03-05» is stated in each format: the year's last digit, the month's two, the day's two.
    stated = [[batch["source_mask"][0].sum() - 1, 0, 0, 1, 1], [9, 0, 1, 3, 4], [9, 3, 4, 0, 1]]
    attention = np.full((3, 1, 8, 11, 10), 0.05)  # (batch, layer, head, target, source)
    for row, places in enumerate(stated):
        attention[row, 0, :, [3, 5, 6, 8, 9], places] = 0.5
    assert set(dates.attention_shares(batch, attention).values()) == {1.0}
    attention[2, 0, :, [3, 6], 7] = 0.9
    attention[1, 0, :, 8, 7] = 0.9
    close(list(dates.attention_shares(batch, attention).values()), [2 / 3, 1, 6 / 8])


# --- traps of the frameworks ---


@pytest.mark.torch
@pytest.mark.parametrize(("name", "row"), [("base", (6, 512, 2048, 65)), ("big", (6, 1024, 4096, 213))])
def test_instantiated_model_has_the_papers_size(room: Paper, name: str, row: tuple[int, ...]) -> None:
    import torch

    layers, d_model, d_ff, millions = row
    with torch.device("meta"):
        model = room.module("torch/model.py").Model(37000, d_model, d_ff, heads=d_model // 64, layers=layers)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == 37000 * d_model + 2 * layers * (2 * d_model * (3 * d_model + d_ff) + 6 * d_model + d_ff)
    assert abs(count / 1e6 - millions) <= 0.05 * millions, f"{name}: {count:,}"


@pytest.mark.torch
def test_torch_rejects_a_query_without_keys_in_each_stack(room: Paper, problem: Problem) -> None:
    import torch

    model = room.module("torch/model.py").Model(**problem.config)
    batch = {name: torch.from_numpy(value) for name, value in problem.batch.items()}
    padding, masked = batch["source_mask"] & False, batch["target_mask"].clone()
    masked[1, 0] = False
    memory, _ = model.encode(batch["source"], batch["source_mask"])
    for call in (
        lambda: model.encode(batch["source"], padding),
        lambda: model.decode(batch["target_input"], batch["target_mask"], memory, padding),
        lambda: model.decode(batch["target_input"], masked, memory, batch["source_mask"]),
    ):
        with pytest.raises(ValueError, match="may attend to no key"):
            call()


@pytest.mark.jax
def test_attention_is_jaxs_to_single_precision(room: Paper) -> None:
    """JAX's helper computes its softmax in float32 even for float64, which is why the room writes attention out."""
    import jax

    rng = np.random.default_rng(2)
    query, key, value, mask = (
        rng.normal(size=(4, 1, 5)),
        rng.normal(size=(6, 1, 5)),
        rng.normal(size=(6, 1, 5)),
        rng.random((4, 6)) < 0.7,
    )
    mask[:, 3] = True
    ours, _ = room.module("jax/model.py").attention(query[:, 0], key[:, 0], value[:, 0], mask)
    close(ours, jax.nn.dot_product_attention(query, key, value, mask=mask[None])[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.jax
def test_traced_switches_equal_static_ones(room: Paper, checks) -> None:
    """The experiment passes the switches as traced arguments; the checks pass them as Python values."""
    import jax

    problem = checks.problem(0)
    forward = room.module("jax/model.py").forward
    names = ("encoder_positions", "decoder_positions", "causal")
    sizes = {name: v for name, v in problem.config.items() if name not in names}
    traced = jax.jit(lambda p, b, on: forward(p, b, **sizes, **on)["logits"])
    for on in (dict.fromkeys(names, True), *({**dict.fromkeys(names, True), name: False} for name in names)):
        expected = checks.forward(problem.params, problem.batch, **sizes, **on)["logits"]
        close(traced(problem.params, problem.batch, on), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.jax
def test_a_row_without_keys_gives_nan_where_it_is_traced(room: Paper, checks) -> None:
    import jax

    problem = checks.problem(0)
    masked = problem.batch["target_mask"].copy()
    masked[1, 0] = False
    forward = jax.jit(partial(room.module("jax/model.py").forward, **problem.config))
    logits = forward(problem.params, {**problem.batch, "target_mask": masked})["logits"]
    assert np.isnan(logits[1, 0]).all()
    assert not np.isnan(logits[0]).any()


@pytest.mark.tinygrad
def test_attention_is_tinygrads_scaled_dot_product_attention(checks) -> None:
    from tinygrad import Tensor

    rng = np.random.default_rng(1)
    query, key, value = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(2, 3, 6, 7))
    mask = rng.random((2, 1, 4, 6)) < 0.6
    mask[..., 2] = True
    mixed, _ = checks.attention(query, key, value, mask)
    oracle = Tensor(query).scaled_dot_product_attention(Tensor(key), Tensor(value), attn_mask=Tensor(mask))
    close(mixed, oracle.numpy(), rtol=1e-9)


@pytest.mark.tinygrad
def test_tinygrads_table_of_positions_is_numpys(room: Paper, checks) -> None:
    close(room.module("tinygrad/model.py").sinusoids(50, 12), checks.sinusoids(50, 12))


# --- the symbolic layer ---


@pytest.mark.sympy
def test_variance_of_three_entries_by_expanding_every_monomial(room: Paper) -> None:
    """Skewed, heavy-tailed entries: the third and fourth moments must drop out."""
    import sympy as sp

    derivations = room.module("sympy/derivations.py")
    third, fourth = sp.symbols("m_3 m_4")
    q, k = sp.symbols("q:3"), sp.symbols("k:3")
    moments = dict.fromkeys((*q, *k), (1, 0, 1, third, fourth))
    product = sum(a * b for a, b in zip(q, k))
    assert derivations.expectation(product, moments) == 0
    assert derivations.expectation(product**2, moments) == 3
    assert derivations.expectation(product**4, moments).has(fourth)


@pytest.mark.sympy
def test_symbolic_parameter_count_is_that_of_the_shapes(room: Paper, checks) -> None:
    derivations = room.module("sympy/derivations.py")
    sizes = {"vocabulary": 11, "d_model": 12, "d_ff": 20, "layers": 2}
    count = sum(int(np.prod(shape)) for shape in checks.shapes(**sizes).values())
    assert derivations.parameter_count(**sizes) == count == sum(v.size for v in checks.problem(0).params.values())
