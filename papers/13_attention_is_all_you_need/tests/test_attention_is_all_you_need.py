"""Independent oracles for the Transformer: the frameworks' own modules, brute force, and the paper's tables."""

from collections import Counter, defaultdict
from datetime import date, datetime
from functools import partial

import numpy as np
import pytest

from s30.corpus import Paper
from s30.problem import INVARIANT_SEEDS, Problem

# Table 3: N, d_model, d_ff, and the parameters in millions. All have a vocabulary of about 37,000.
TABLE_3 = [
    (6, 512, 2048, 65),
    (2, 512, 2048, 36),
    (4, 512, 2048, 50),
    (8, 512, 2048, 80),
    (6, 256, 2048, 28),
    (6, 1024, 2048, 168),
    (6, 512, 1024, 53),
    (6, 512, 4096, 90),
    (6, 1024, 4096, 213),
]


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


@pytest.mark.parametrize(("name", "row"), [("source_mask", (1,)), ("target_mask", (1, 0))])
def test_padding_alone_before_a_query_is_an_error(checks, name: str, row: tuple[int, ...]) -> None:
    """A source of padding alone; a first target token that is masked, so that its row sees nothing."""
    problem = checks.problem(0)
    mask = problem.batch[name].copy()
    mask[row] = False
    with pytest.raises(ValueError, match="may attend to no key"):
        checks.forward(problem.params, {**problem.batch, name: mask}, **problem.config)


def test_heads_own_blocks_of_features(checks) -> None:
    x = np.arange(2 * 3 * 12.0).reshape(2, 3, 12)
    split = checks.split_heads(x, 3)
    assert split.shape == (2, 3, 3, 4)
    for head in range(3):
        np.testing.assert_array_equal(split[:, head], x[:, :, 4 * head : 4 * head + 4])
    np.testing.assert_array_equal(checks.join_heads(split), x)


def test_sinusoids_are_the_papers_entry_by_entry(checks) -> None:
    table = checks.sinusoids(40, 12)
    for pos, i in np.ndindex(40, 6):
        close(table[pos, 2 * i], np.sin(pos / 10000 ** (2 * i / 12)))
        close(table[pos, 2 * i + 1], np.cos(pos / 10000 ** (2 * i / 12)))


def test_wavelengths_form_a_geometric_progression_from_two_pi(checks) -> None:
    # The sine at position 1 is the sine of the frequency itself.
    frequency = np.arcsin(checks.sinusoids(2, 512)[1, 2::2])
    wavelengths = 2 * np.pi / np.concatenate([[1.0], frequency])
    close(wavelengths[1:] / wavelengths[:-1], np.full(255, 10000 ** (2 / 512)), rtol=1e-9)
    close(wavelengths[-1], 2 * np.pi * 10000 ** (510 / 512), rtol=1e-9)


def test_decoding_a_prefix_gives_the_logits_of_the_whole(checks, problem: Problem, outputs: dict) -> None:
    for length in range(1, 5):
        short = {name: v[:, :length] if name.startswith("target") else v for name, v in problem.batch.items()}
        prefix = checks.forward(problem.params, short, **problem.config)
        close(prefix["logits"], outputs["logits"][:, :length])
        close(prefix["cross_attention"], outputs["cross_attention"][..., :length, :])


def test_more_padding_changes_nothing(checks, problem: Problem, outputs: dict) -> None:
    padded = {
        name: np.pad(v, [(0, 0), (0, 3)]) if name.startswith("source") else v for name, v in problem.batch.items()
    }
    longer = checks.forward(problem.params, padded, **problem.config)
    close(longer["logits"], outputs["logits"])
    close(longer["memory"][:, :5], outputs["memory"])


def test_sublayers_leave_normalised_features(checks, problem: Problem, outputs: dict) -> None:
    """Post-norm: the encoder ends in LayerNorm, so undoing its gain and bias gives mean 0 and variance 1."""
    gain, bias = (problem.params[f"encoder.1.feed_forward_norm.{part}"] for part in ("weight", "bias"))
    normed = (outputs["memory"] - bias) / gain
    close(normed.mean(-1), np.zeros((2, 5)), atol=1e-12)
    close(normed.var(-1), np.ones((2, 5)), rtol=1e-4)


def test_problem_has_real_masks_and_no_kink(checks) -> None:
    for seed in INVARIANT_SEEDS:
        problem = checks.problem(seed)
        _, relu_inputs = checks._trace(problem.params, problem.batch, **problem.config)
        assert len(relu_inputs) == 4
        assert min(np.abs(inner).min() for inner in relu_inputs) > 1e-4
        assert not problem.batch["source_mask"].all()
        assert not problem.batch["target_mask"].all()


@pytest.mark.parametrize("row", TABLE_3)
def test_shapes_add_up_to_table_3(checks, row: tuple[int, ...]) -> None:
    """Every row agrees within 7 %, base and big within 5 %. All counts but the last lie below the paper's."""
    layers, d_model, d_ff, millions = row
    shapes = checks.shapes(vocabulary=37000, d_model=d_model, d_ff=d_ff, layers=layers)
    count = sum(np.prod(shape) for shape in shapes.values())
    assert abs(count / 1e6 - millions) < (0.05 if millions in (65, 213) else 0.07) * millions


def test_one_vocabulary_gives_the_eight_rows_of_base_type_but_not_big(checks) -> None:
    """41,004 to 41,208 words give all eight printed millions, and no other number does; big alone needs 36,344 at most."""

    def printed(vocabulary: int, row: tuple[int, ...]) -> bool:
        layers, d_model, d_ff, millions = row
        shapes = checks.shapes(vocabulary=vocabulary, d_model=d_model, d_ff=d_ff, layers=layers)
        return round(sum(int(np.prod(shape)) for shape in shapes.values()) / 1e6) == millions

    def all_of_base_type(vocabulary: int) -> bool:
        return all(printed(vocabulary, row) for row in TABLE_3[:-1])

    assert [all_of_base_type(v) for v in (41003, 41004, 41208, 41209)] == [False, True, True, False]
    assert [printed(v, TABLE_3[-1]) for v in (35367, 35368, 36344, 36345, 41004)] == [False, True, True, False, False]


def test_rate_of_equation_3_peaks_at_step_4000() -> None:
    step = np.arange(1, 100001)
    rate = 512**-0.5 * np.minimum(step**-0.5, step * 4000**-1.5)
    assert step[rate.argmax()] == 4000
    close(rate.max(), (512 * 4000) ** -0.5)


# --- the experiment's data ---


@pytest.mark.parametrize("day", [date(1987, 3, 5), date(2024, 2, 29), date(1999, 12, 31), date(2068, 5, 9)])
def test_written_dates_are_read_back_by_datetime(room: Paper, day: date) -> None:
    dates = room.module("dates.py")
    for style, form in enumerate(["%B %d, %Y", "%d %B %Y", "%d %b %y (%a)", "%m/%d/%Y", "%d.%m.%Y"]):
        text = dates.written(day, style)
        assert datetime.strptime(text, form).date() == day, text
        words = dates.tokens(text)
        assert "".join(words) == text.replace(" ", "")
        assert all(word in dates.IDS for word in words), words


def test_held_out_dates_are_not_trained_on_in_any_format(room: Paper) -> None:
    dates = room.module("dates.py")
    train, held_out = dates.split(0, 3000, 400)
    assert not {tuple(row) for row in train["target_output"]} & {tuple(row) for row in held_out["target_output"]}
    assert {len(set(part["source_mask"].sum(1))) for part in (train, held_out)} != {1}, "no padding"
    np.testing.assert_array_equal(train["target_input"][:, 1:], train["target_output"][:, :-1])


def test_limits_without_positions_by_listing_every_bag(room: Paper) -> None:
    """Two months of dates, by hand: bags as sorted words, the entropy of each mean target word by word."""
    dates = room.module("dates.py")
    dates.FIRST, dates.LAST = date(1987, 1, 1), date(1987, 2, 28)
    dates.limits_without_positions.cache_clear()
    ceiling, above_floor = dates.limits_without_positions()
    days = [date(1987, 1, day) for day in range(1, 32)] + [date(1987, 2, day) for day in range(1, 29)]
    follows, answers = defaultdict(Counter), defaultdict(Counter)
    for day, style in ((day, style) for day in days for style in range(5)):
        bag = tuple(sorted(dates.tokens(dates.written(day, style))))
        target = (*day.isoformat(), dates.END)
        answers[bag][target] += 1
        for t, token in enumerate(target):
            follows[bag, target[:t]][token] += 1
    assert any(len(answer) > 1 for answer in answers.values())
    close(ceiling, sum(max(answer.values()) for answer in answers.values()) / (5 * len(days)))
    spread = 0.0
    for counts in follows.values():
        q = [0.9 * counts[token] / counts.total() + 0.1 / len(dates.TOKENS) for token in dates.TOKENS]
        spread -= counts.total() * np.dot(q, np.log(q)) / (5 * len(days) * 11)
    close(above_floor, spread - dates.floor())


def test_attention_shares_are_those_of_a_map_drawn_by_hand(room: Paper) -> None:
    """Attention from each digit to the word that states it, then with one digit in each format led astray."""
    dates = room.module("dates.py")
    batch = dates.batch_of([date(1987, 3, 5)] * 5, range(5))
    # Where the digits 0, 3, 5, 6, 8, 9 of «1987-03-05» stand in each of the five formats.
    stated = [[3, 6, 0, 0, 1, 1], [2, 5, 1, 1, 0, 0], [3, 4, 2, 2, 0, 1], [6, 9, 0, 1, 3, 4], [6, 9, 3, 4, 0, 1]]
    attention = np.full((5, 1, 8, 11, 10), 0.05)  # (batch, layer, head, target, source)
    for row, places in enumerate(stated):
        attention[row, 0, :, [0, 3, 5, 6, 8, 9], places] = 0.5
    assert set(dates.attention_shares(batch, attention).values()) == {1.0}
    attention[2, 0, :, [3, 6], 9] = 0.9
    attention[4, 0, :, 8, 9] = 0.9
    close(list(dates.attention_shares(batch, attention).values()), [4 / 5, 1, 2 / 3, 7 / 8])


# --- the switches of the ablations ---

SWITCHES = [{name: False} for name in ("positions", "scaled", "causal")] + [
    {"positions": False, "scaled": False, "causal": False}
]


def close_to_numpy(checks, problem: Problem, observed: dict, switches: dict) -> None:
    expected = checks.forward(problem.params, problem.batch, **{**problem.config, **switches})
    whole = checks.forward(problem.params, problem.batch, **problem.config)
    assert np.abs(expected["logits"] - whole["logits"]).max() > 0.01, "the switch does nothing"
    for name, value in expected.items():
        close(observed[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("switches", SWITCHES, ids=" ".join)
def test_torch_without_a_part_is_numpy_without_it(room: Paper, checks, problem: Problem, switches: dict) -> None:
    model, batch = torch_model(room, problem, **switches)
    observed = {name: value.detach() for name, value in model(batch).items()}
    close_to_numpy(checks, problem, observed, switches)


@pytest.mark.jax
@pytest.mark.parametrize("switches", SWITCHES, ids=" ".join)
def test_jax_without_a_part_is_numpy_without_it(room: Paper, checks, switches: dict) -> None:
    import jax

    problem = checks.problem(0)
    forward = jax.jit(partial(room.module("jax/model.py").forward, **{**problem.config, **switches}))
    close_to_numpy(checks, problem, forward(problem.params, problem.batch), switches)


@pytest.mark.tinygrad
@pytest.mark.parametrize("switches", SWITCHES, ids=" ".join)
def test_tinygrad_without_a_part_is_numpy_without_it(room: Paper, checks, switches: dict) -> None:
    from tinygrad import Tensor

    problem = checks.problem(0)
    model, batch = tinygrad_model(room, problem, **switches)
    outputs = model(batch)
    Tensor.realize(*outputs.values())
    close_to_numpy(checks, problem, {name: value.numpy() for name, value in outputs.items()}, switches)


# --- PyTorch's own Transformer ---


def torch_model(room: Paper, problem: Problem, **switches: bool):
    import torch

    model = room.module("torch/model.py").Model(**{**problem.config, **switches})
    model.load_state_dict({name: torch.from_numpy(value) for name, value in problem.params.items()})
    return model, {name: torch.from_numpy(value) for name, value in problem.batch.items()}


def tinygrad_model(room: Paper, problem: Problem, **switches: bool):
    from tinygrad import Tensor, nn

    from s30.layers.tinygrad import mend_constants

    mend_constants()
    model = room.module("tinygrad/model.py").Model(**{**problem.config, **switches})
    nn.state.load_state_dict(model, {name: Tensor(v) for name, v in problem.params.items()}, verbose=False)
    return model, {name: Tensor(value) for name, value in problem.batch.items()}


def packed(attention):
    """The state of nn.MultiheadAttention that equals the room's attention: projections stacked, biases zero."""
    import torch

    stacked = torch.cat([attention.query.weight, attention.key.weight, attention.value.weight])
    zeros = torch.zeros(len(stacked))
    out = attention.output.weight
    return {
        "in_proj_weight": stacked,
        "in_proj_bias": zeros,
        "out_proj.weight": out,
        "out_proj.bias": zeros[: len(out)],
    }


def layer_state(layer, attentions: dict[str, str], norms: list[str]):
    state = {f"{theirs}.{n}": v for ours, theirs in attentions.items() for n, v in packed(getattr(layer, ours)).items()}
    for number, norm in enumerate(norms, 1):
        state |= {f"norm{number}.{n}": v for n, v in getattr(layer, norm).state_dict().items()}
    inner, outer = layer.feed_forward.inner.state_dict(), layer.feed_forward.outer.state_dict()
    return state | {f"linear1.{n}": v for n, v in inner.items()} | {f"linear2.{n}": v for n, v in outer.items()}


@pytest.mark.torch
def test_encoder_is_torchs_post_norm_encoder(room: Paper, problem: Problem, outputs: dict) -> None:
    import torch

    model, batch = torch_model(room, problem)
    x = model.embed(batch["source"])
    for layer in model.encoder:
        oracle = torch.nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, batch_first=True, norm_first=False)
        oracle.load_state_dict(layer_state(layer, {"attention": "self_attn"}, ["attention_norm", "feed_forward_norm"]))
        x = oracle(x, src_key_padding_mask=~batch["source_mask"])
    close(outputs["memory"], x.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.torch
def test_decoder_is_torchs_post_norm_decoder(room: Paper, problem: Problem, outputs: dict) -> None:
    import torch

    model, batch = torch_model(room, problem)
    memory, x = torch.from_numpy(outputs["memory"]), model.embed(batch["target_input"])
    future = torch.ones(4, 4, dtype=torch.bool).triu(1)
    for layer in model.decoder:
        oracle = torch.nn.TransformerDecoderLayer(12, 3, 20, dropout=0.0, batch_first=True, norm_first=False)
        attentions = {"self_attention": "self_attn", "cross_attention": "multihead_attn"}
        norms = ["self_attention_norm", "cross_attention_norm", "feed_forward_norm"]
        oracle.load_state_dict(layer_state(layer, attentions, norms))
        x = oracle(
            x,
            memory,
            tgt_mask=future,
            tgt_key_padding_mask=~batch["target_mask"],
            memory_key_padding_mask=~batch["source_mask"],
        )
    close(outputs["logits"], (x @ model.embedding.weight.mT).detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.torch
def test_attention_is_torchs_scaled_dot_product_attention(checks) -> None:
    import torch
    from torch.nn import functional as F

    rng = np.random.default_rng(1)
    query, key, value = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(2, 3, 6, 7))
    mask = rng.random((2, 1, 4, 6)) < 0.6
    mask[..., 2] = True
    mixed, _ = checks.attention(query, key, value, mask)
    close(mixed, F.scaled_dot_product_attention(*map(torch.from_numpy, (query, key, value, mask))))


@pytest.mark.torch
def test_attention_weights_are_those_of_torchs_multihead_attention(room: Paper, problem: Problem) -> None:
    import torch

    model, batch = torch_model(room, problem)
    attention, x = model.encoder[0].attention, model.embed(batch["source"])
    oracle = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    oracle.load_state_dict(packed(attention))
    mixed, weights = oracle(x, x, x, key_padding_mask=~batch["source_mask"], average_attn_weights=False)
    ours, our_weights = attention(x, x, batch["source_mask"][:, None, None, :])
    close(ours.detach(), mixed.detach(), rtol=1e-10, atol=1e-12)
    close(our_weights.detach(), weights.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.torch
def test_loss_is_torchs_label_smoothed_cross_entropy(problem: Problem, outputs: dict) -> None:
    import torch
    from torch.nn import functional as F

    real = problem.batch["target_mask"]
    logits, labels = torch.from_numpy(outputs["logits"][real]), torch.from_numpy(problem.batch["target_output"][real])
    close(outputs["loss"], F.cross_entropy(logits, labels, label_smoothing=0.1))


@pytest.mark.torch
def test_loss_is_divergence_from_the_smoothed_target_plus_its_entropy(room: Paper, problem: Problem) -> None:
    import torch
    from torch.nn import functional as F

    model, batch = torch_model(room, problem)
    found = model(batch)
    real = batch["target_mask"]
    target = 0.9 * F.one_hot(batch["target_output"][real], 11) + 0.1 / 11
    divergence = F.kl_div(found["logits"][real].log_softmax(-1), target, reduction="batchmean")
    close(found["loss"].detach(), (divergence + torch.special.entr(target).sum(-1).mean()).detach())


@pytest.mark.torch
@pytest.mark.parametrize(("name", "row"), [("base", TABLE_3[0]), ("big", TABLE_3[-1])])
def test_instantiated_model_has_the_papers_size(room: Paper, name: str, row: tuple[int, ...]) -> None:
    import torch

    layers, d_model, d_ff, millions = row
    with torch.device("meta"):
        model = room.module("torch/model.py").Model(37000, d_model, d_ff, heads=d_model // 64, layers=layers)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count == 37000 * d_model + 2 * layers * (2 * d_model * (3 * d_model + d_ff) + 6 * d_model + d_ff)
    assert abs(count / 1e6 - millions) <= 0.05 * millions, f"{name}: {count:,}"


@pytest.mark.torch
def test_torch_rejects_a_query_without_keys(room: Paper, problem: Problem) -> None:
    """A source of padding alone, for the whole model and for each stack; and a first target token that is masked."""
    model, batch = torch_model(room, problem)
    padding, masked = batch["source_mask"] & False, batch["target_mask"].clone()
    masked[1, 0] = False
    memory, _ = model.encode(batch["source"], batch["source_mask"])
    for call in (
        lambda: model({**batch, "source_mask": padding}),
        lambda: model.encode(batch["source"], padding),
        lambda: model.decode(batch["target_input"], batch["target_mask"], memory, padding),
        lambda: model({**batch, "target_mask": masked}),
        lambda: model.decode(batch["target_input"], masked, memory, batch["source_mask"]),
    ):
        with pytest.raises(ValueError, match="may attend to no key"):
            call()


# --- the other frameworks' own attention ---


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
    """The experiment passes `positions` and `causal` as traced arguments; the checks pass them as Python values."""
    import jax

    problem = checks.problem(0)
    forward = room.module("jax/model.py").forward
    sizes = {name: v for name, v in problem.config.items() if name not in ("positions", "causal")}
    traced = jax.jit(
        lambda p, b, positions, causal: forward(p, b, **sizes, positions=positions, causal=causal)["logits"]
    )
    for positions, causal in ((True, True), (False, True), (True, False)):
        expected = checks.forward(problem.params, problem.batch, **sizes, positions=positions, causal=causal)["logits"]
        close(traced(problem.params, problem.batch, positions, causal), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.jax
def test_a_row_without_keys_gives_nan_instead_of_a_wrong_number(room: Paper) -> None:
    mixed, weights = room.module("jax/model.py").attention(
        np.ones((1, 4)), np.ones((2, 4)), np.ones((2, 4)), np.zeros((1, 2), bool)
    )
    assert np.isnan(mixed).all()
    assert np.isnan(weights).all()


@pytest.mark.tinygrad
def test_tinygrads_row_without_keys_gives_nan(room: Paper, checks) -> None:
    problem = checks.problem(0)
    masked = problem.batch["target_mask"].copy()
    masked[1, 0] = False
    model, batch = tinygrad_model(
        room, Problem(problem.config, problem.params, {**problem.batch, "target_mask": masked})
    )
    logits = model(batch)["logits"].numpy()
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
