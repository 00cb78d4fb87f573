r"""The Transformer, paper 13: an encoder-decoder made of attention and position-wise layers alone.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin, «Attention Is All You Need», 2017.

    (1)    Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V
    3.2.2  MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
    (2)    FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    3.1    every sub-layer becomes LayerNorm(x + Sublayer(x))                                   (post-norm)
    3.4    x = sqrt(d_model) E[token] + PE;  logits = x E^T with the same E for source, target and output
    3.5    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))
    5.4    loss = -mean over tokens of sum_k q_k log p_k,  q = (1 - eps) onehot(label) + eps / vocabulary

    symbol     name here          shape or value        symbol     name here           shape or value
    Q, K, V    query, key, value  (batch, head, time, d_k)   N     layers              2 + 2
    h          heads              3                     d_model    d_model             12, so d_k = d_v = 4
    d_ff       d_ff               20                    eps_ls     smoothing           0.1
    E          embedding.weight   (11, 12)              z          memory              (batch, source, model)

Masks are boolean: true = may attend. A linear weight is stored (out, in), as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s30.problem import Problem
from s30.vocabulary import EXACT, Array, Arrays, Forward, Invariant

CONFIG: dict[str, Any] = {
    "vocabulary": 11, "d_model": 12, "d_ff": 20, "heads": 3, "layers": 2, "smoothing": 0.1,
    "positions": True, "scaled": True, "causal": True,
}  # fmt: skip
EPSILON = 1e-5  # inside the root of LayerNorm; the paper gives no value
WORDS = CONFIG["vocabulary"]
KINK = 1e-4  # no ReLU of a Problem has an input nearer to zero than this
Sides = Callable[[Forward, Problem, np.random.Generator], tuple[Array, Array]]


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """logits (batch, target, vocabulary); loss in nats per real token; memory (batch, source, model); and the weights
    of the three kinds of attention, each (batch, layer, head, query, key).

    Raises ValueError where a query may attend to no key, which is a source sentence of padding alone.
    """
    outputs, _ = _trace(params, batch, **config)
    return outputs


def _trace(params: Arrays, batch: Arrays, *, heads: int, layers: int, smoothing: float, positions: bool, scaled: bool,
           causal: bool, **_sizes: int) -> tuple[dict[str, Array], list[Array]]:  # fmt: skip
    """The outputs, and every input that a ReLU received."""
    relu_inputs: list[Array] = []

    def attend(name: str, x: Array, memory: Array, mask: Array) -> tuple[Array, Array]:
        query = split_heads(x @ params[f"{name}.query.weight"].T, heads)  # (batch, head, query, d_k)
        key = split_heads(memory @ params[f"{name}.key.weight"].T, heads)  # (batch, head, key, d_k)
        value = split_heads(memory @ params[f"{name}.value.weight"].T, heads)  # (batch, head, key, d_k)
        mixed, weights = attention(query, key, value, mask, scaled)
        # Concat(head_1, ..., head_h) W^O
        return join_heads(mixed) @ params[f"{name}.output.weight"].T, weights  # (batch, query, model), (..., key)

    def feed_forward(name: str, x: Array) -> Array:
        # FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
        inner = x @ params[f"{name}.inner.weight"].T + params[f"{name}.inner.bias"]  # (batch, time, d_ff)
        relu_inputs.append(inner)
        return np.maximum(0, inner) @ params[f"{name}.outer.weight"].T + params[f"{name}.outer.bias"]

    def add_and_norm(name: str, x: Array, sublayer: Array) -> Array:
        # LayerNorm(x + Sublayer(x))
        return layer_norm(x + sublayer, params[f"{name}.weight"], params[f"{name}.bias"])

    def embed(tokens: Array) -> Array:
        # x = sqrt(d_model) E[token] + PE
        table = params["embedding.weight"]
        x = np.sqrt(table.shape[1]) * table[tokens]  # (batch, time, model)
        return x + sinusoids(*x.shape[1:]) if positions else x

    # The encoder: every position attends to every real source position.
    source_mask = batch["source_mask"][:, None, None, :]  # (batch, 1, 1, source)
    x, encoder_attention = embed(batch["source"]), []  # (batch, source, model)
    for layer in (f"encoder.{n}" for n in range(layers)):
        mixed, weights = attend(f"{layer}.attention", x, x, source_mask)
        x = add_and_norm(f"{layer}.attention_norm", x, mixed)
        x = add_and_norm(f"{layer}.feed_forward_norm", x, feed_forward(f"{layer}.feed_forward", x))
        encoder_attention.append(weights)  # (batch, head, source, source)
    memory = x

    # The decoder: position i attends to target positions up to and including i, and to the whole source.
    target_mask = batch["target_mask"][:, None, None, :]  # (batch, 1, 1, target)
    if causal:
        target_mask = target_mask & np.tri(batch["target_input"].shape[1], dtype=bool)  # (batch, 1, target, target)
    x, decoder_attention, cross_attention = embed(batch["target_input"]), [], []  # (batch, target, model)
    for layer in (f"decoder.{n}" for n in range(layers)):
        mixed, weights = attend(f"{layer}.self_attention", x, x, target_mask)
        x = add_and_norm(f"{layer}.self_attention_norm", x, mixed)
        decoder_attention.append(weights)  # (batch, head, target, target)
        mixed, weights = attend(f"{layer}.cross_attention", x, memory, source_mask)
        x = add_and_norm(f"{layer}.cross_attention_norm", x, mixed)
        cross_attention.append(weights)  # (batch, head, target, source)
        x = add_and_norm(f"{layer}.feed_forward_norm", x, feed_forward(f"{layer}.feed_forward", x))

    # logits = x E^T
    logits = x @ params["embedding.weight"].T  # (batch, target, vocabulary)
    # q = (1 - eps) onehot(label) + eps / vocabulary;  loss = -mean sum_k q_k log p_k
    smoothed = (1 - smoothing) * np.eye(logits.shape[-1])[batch["target_output"]] + smoothing / logits.shape[-1]
    token_loss = -(smoothed * log_softmax(logits)).sum(-1)  # (batch, target)
    outputs = {
        "logits": logits,
        "loss": np.asarray(token_loss[batch["target_mask"]].mean()),
        "memory": memory,
        "encoder_attention": np.stack(encoder_attention, 1),
        "decoder_attention": np.stack(decoder_attention, 1),
        "cross_attention": np.stack(cross_attention, 1),
    }
    return outputs, relu_inputs


def attention(query: Array, key: Array, value: Array, mask: Array, scaled: bool = True) -> tuple[Array, Array]:
    """Equation (1) for a whole batch of heads. Raises ValueError where `mask` leaves a query without any key."""
    if not mask.any(-1).all():
        raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
    # S = Q K^T / sqrt(d_k)
    scores = query @ key.swapaxes(-1, -2) / (np.sqrt(query.shape[-1]) if scaled else 1)  # (batch, head, query, key)
    # A = softmax(S), where a forbidden score is -inf
    weights = np.exp(log_softmax(np.where(mask, scores, -np.inf)))
    # A V
    return weights @ value, weights


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def layer_norm(x: Array, gain: Array, bias: Array) -> Array:
    """(x - mean) / sqrt(variance + eps) * gain + bias over the last axis, with the biased variance."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * gain + bias


def split_heads(x: Array, heads: int) -> Array:
    """(batch, time, model) -> (batch, head, time, d_k): head i owns the i-th block of d_k features."""
    batch, time, model = x.shape
    return x.reshape(batch, time, heads, model // heads).swapaxes(1, 2)


def join_heads(x: Array) -> Array:
    """(batch, head, time, d_k) -> (batch, time, model), the inverse of `split_heads`."""
    batch, heads, time, size = x.shape
    return x.swapaxes(1, 2).reshape(batch, time, heads * size)


def sinusoids(length: int, d_model: int) -> Array:
    """Section 3.5: PE (length, d_model), sines at even features and cosines at odd ones; d_model is even."""
    # angle = pos / 10000^(2i / d_model)
    angle = np.arange(length)[:, None] / 10000 ** (np.arange(0, d_model, 2) / d_model)  # (time, d_model / 2)
    return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(length, d_model)


def shapes(*, vocabulary: int, d_model: int, d_ff: int, layers: int, **_: Any) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter."""

    def norm(name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (d_model,), f"{name}.bias": (d_model,)}

    def attention_block(name: str) -> dict[str, tuple[int, ...]]:
        square = {f"{name}.{part}.weight": (d_model, d_model) for part in ("query", "key", "value", "output")}
        return square | norm(f"{name}_norm")

    def feed_forward_block(name: str) -> dict[str, tuple[int, ...]]:
        inner = {f"{name}.inner.weight": (d_ff, d_model), f"{name}.inner.bias": (d_ff,)}
        outer = {f"{name}.outer.weight": (d_model, d_ff), f"{name}.outer.bias": (d_model,)}
        return inner | outer | norm(f"{name}_norm")

    found: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary, d_model)}
    for n in range(layers):
        found |= attention_block(f"encoder.{n}.attention") | feed_forward_block(f"encoder.{n}.feed_forward")
    for n in range(layers):
        found |= attention_block(f"decoder.{n}.self_attention") | attention_block(f"decoder.{n}.cross_attention")
        found |= feed_forward_block(f"decoder.{n}.feed_forward")
    return found


def problem(seed: int = 0) -> Problem:
    """Two sentence pairs with sources of 5 and 3 tokens and targets of 3 and 4; token 0 is padding, 1 starts a target."""
    rng = np.random.default_rng([13, seed])
    while True:
        params = {name: _draw(rng, name, shape) for name, shape in shapes(**CONFIG).items()}
        source_mask = np.arange(5) < np.array([[5], [3]])  # (batch, source)
        target_mask = np.arange(4) < np.array([[3], [4]])  # (batch, target)
        words = rng.integers(2, WORDS, size=(2, 4))
        batch = {
            "source": np.where(source_mask, rng.integers(2, WORDS, size=(2, 5)), 0),
            "source_mask": source_mask,
            "target_input": np.where(target_mask, np.concatenate([np.ones((2, 1), int), words[:, :-1]], 1), 0),
            "target_output": np.where(target_mask, words, 0),
            "target_mask": target_mask,
        }
        _, relu_inputs = _trace(params, batch, **CONFIG)
        if min(np.abs(inner).min() for inner in relu_inputs) > KINK:
            return Problem(CONFIG, params, batch, learning_rate=0.1)


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    if len(shape) == 2:
        return rng.normal(0, shape[1] ** -0.5, shape)
    return rng.normal("norm.weight" in name, 0.3, shape)  # a norm's gain lies around one, every bias around zero


def invariants() -> list[Invariant]:
    def causality(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        batch, cut = problem.batch, int(rng.integers(1, 4))
        other = batch["target_input"].copy()
        other[:, cut:] = (other[:, cut:] + rng.integers(1, WORDS, (2, 4 - cut))) % WORDS
        sides = [forward(problem.params, batch), forward(problem.params, {**batch, "target_input": other})]
        return tuple(_flat(o["logits"][:, :cut], o["cross_attention"][..., :cut, :]) for o in sides)

    def padding(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        batch = problem.batch
        noise = np.where(batch["source_mask"], batch["source"], rng.integers(1, WORDS, (2, 5)))
        sides = [forward(problem.params, batch), forward(problem.params, {**batch, "source": noise})]
        return tuple(_flat(o["logits"], o["memory"][batch["source_mask"]]) for o in sides)

    def permuted(positions: bool) -> Sides:
        def sides(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
            order = rng.permutation(5)
            # A cyclic shift would keep distances modulo 5, and so hide a use of them.
            while np.ptp((order - np.arange(5)) % 5) == 0:
                order = rng.permutation(5)
            moved = {name: problem.batch[name][:, order] for name in ("source", "source_mask")}
            still = forward(problem.params, problem.batch, positions=positions)
            other = forward(problem.params, {**problem.batch, **moved}, positions=positions)
            if positions:  # how far the encoder is from equivariance, and the logits from being unchanged
                memory = np.abs(other["memory"] - still["memory"][:, order]).max()
                return np.stack([memory, np.abs(other["logits"] - still["logits"]).max()]), np.full(2, 0.01)
            return _flat(other["memory"], other["logits"]), _flat(still["memory"][:, order], still["logits"])

        return sides

    def rows(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        outputs = forward(problem.params, problem.batch)
        sums = _flat(*(outputs[f"{kind}_attention"].sum(-1) for kind in ("encoder", "decoder", "cross")))
        return sums, np.ones_like(sums)

    def forbidden(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        outputs, mask = forward(problem.params, problem.batch), problem.batch["source_mask"][:, None, None, None]
        future = ~np.tri(4, dtype=bool)
        weights = _flat(*(np.where(mask, 0, outputs[f"{kind}_attention"]) for kind in ("encoder", "cross")),
                        np.where(future, outputs["decoder_attention"], 0))  # fmt: skip
        return weights, np.zeros_like(weights)

    def separate(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        other = {name: value.copy() for name, value in problem.batch.items()}
        other["source"][1] = rng.integers(1, WORDS, 5)
        other["source_mask"][1] = True
        other["target_input"][1] = rng.integers(1, WORDS, 4)
        sides = [forward(problem.params, problem.batch), forward(problem.params, other)]
        return tuple(_flat(o["logits"][0], o["memory"][0], o["cross_attention"][0]) for o in sides)

    def smoothed_target(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        epsilon, label = problem.config["smoothing"], rng.integers(WORDS)
        q = np.full(WORDS, epsilon / WORDS)
        q[label] += 1 - epsilon
        # A last norm of gain 0 puts out its bias alone. With E bias = log q the softmax is q itself.
        last = {
            "weight": np.zeros(CONFIG["d_model"]),
            "bias": np.linalg.lstsq(problem.params["embedding.weight"], np.log(q))[0],
        }
        params = problem.params | {f"decoder.1.feed_forward_norm.{part}": value for part, value in last.items()}
        batch = {**problem.batch, "target_output": np.full_like(problem.batch["target_output"], label)}
        return forward(params, batch)["loss"], -(q * np.log(q)).sum()

    def reach(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
        # The first sentence pair, as it is and with each of its five source tokens replaced by another word.
        batch = {name: np.repeat(value[:1], 6, 0) for name, value in problem.batch.items()}
        words = batch["source"][0]
        batch["source"][np.arange(1, 6), np.arange(5)] = (words - 2 + rng.integers(1, WORDS - 2, 5)) % (WORDS - 2) + 2
        params = {name: value for name, value in problem.params.items() if ".1." not in name}
        logits = forward(params, batch, layers=1)["logits"]  # (6, target, vocabulary)
        change = np.abs(logits[1:] - logits[0])
        return change, np.full_like(change, 1e-9)

    return [
        Invariant(
            "causality", "a future target token changes no past logit and no past cross-attention weight",
            "section 3.2.3", causality, tolerance=EXACT,
        ),
        Invariant(
            "padding", "the token in a padded source position changes no logit and no memory of a real position",
            "section 3.2.3", padding, tolerance=EXACT,
        ),
        Invariant(
            "equivariance", "without positions, permuting the source permutes the memory and leaves the logits",
            "section 3.5", permuted(False),
        ),
        Invariant(
            "order_matters", "with positions, permuting the source changes memory and logits by more than 0.01",
            "section 3.5", permuted(True), relation=">",
        ),
        Invariant(
            "rows_sum_to_one", "each query's attention weights sum to one, in all three kinds of attention",
            "equation (1)", rows,
        ),
        Invariant(
            "forbidden_keys", "a padded source position and a future target position get weight zero",
            "section 3.2.3", forbidden, tolerance=EXACT,
        ),
        Invariant(
            "examples_do_not_mix", "changing one sentence pair leaves the other's outputs as they were",
            "section 3.2", separate, tolerance=EXACT,
        ),
        Invariant(
            "loss_at_the_smoothed_target", "where the softmax is the smoothed target, the loss is the target's entropy",
            "section 5.4", smoothed_target,
        ),
        Invariant(
            "one_layer_reaches_all", "with one layer on each side every source token changes every logit",
            "section 4, table 1", reach, relation=">",
        ),
    ]  # fmt: skip


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
