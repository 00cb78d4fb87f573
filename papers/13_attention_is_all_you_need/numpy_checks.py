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

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "vocabulary": 11, "d_model": 12, "d_ff": 20, "heads": 3, "layers": 2, "smoothing": 0.1,
    "encoder_positions": True, "decoder_positions": True, "scaled": True, "causal": True,
}  # fmt: skip
EPSILON = 1e-5  # inside the root of LayerNorm; the paper gives no value
KINK = 1e-4  # no ReLU of a Problem has an input nearer to zero than this


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """memory (batch, source, model); the weights of the three kinds of attention, each (batch, layer, head, query, key);
    logits (batch, target, vocabulary); loss in nats per real token. In the order of computation.

    Raises ValueError where a query may attend to no key (a source of padding alone), where d_model is odd and positions
    are added, and where d_model does not split into the heads.
    """
    outputs, _ = trace(params, batch, **config)
    return outputs


Steps = dict[str, Array]  # query, key and value of each attention, what each norm and each ReLU received


def trace(params: Arrays, batch: Arrays, *, smoothing: float, **config: Any) -> tuple[dict[str, Array], Steps]:
    """The outputs, and the steps on the way to them."""
    steps: Steps = {}
    memory, encoder_attention = encode(params, batch["source"], batch["source_mask"], steps, **config)
    logits, decoder_attention, cross_attention = decode(
        params, batch["target_input"], batch["target_mask"], memory, batch["source_mask"], steps, **config
    )
    # q = (1 - eps) onehot(label) + eps / vocabulary;  loss = -mean sum_k q_k log p_k
    smoothed = (1 - smoothing) * np.eye(logits.shape[-1])[batch["target_output"]] + smoothing / logits.shape[-1]
    token_loss = -(smoothed * log_softmax(logits)).sum(-1)  # (batch, target)
    outputs = {
        "encoder_attention": encoder_attention,
        "memory": memory,
        "decoder_attention": decoder_attention,
        "cross_attention": cross_attention,
        "logits": logits,
        "loss": np.asarray(token_loss[batch["target_mask"]].mean()),
    }
    return outputs, steps


def encode(params: Arrays, source: Array, source_mask: Array, steps: Steps, *, heads: int, layers: int,
           encoder_positions: bool, scaled: bool, **_: Any) -> tuple[Array, Array]:  # fmt: skip
    """memory (batch, source, model) and its attention: every position attends to every real source position."""
    mask, seen = source_mask[:, None, None, :], []  # (batch, 1, 1, source)
    x = embed(params, source, encoder_positions)  # (batch, source, model)
    for layer in (f"encoder.{n}" for n in range(layers)):
        mixed, weights = attend(params, f"{layer}.attention", x, x, mask, heads, scaled, steps)
        x = add_and_norm(params, f"{layer}.attention_norm", x, mixed, steps)
        inner = feed_forward(params, f"{layer}.feed_forward", x, steps)
        x = add_and_norm(params, f"{layer}.feed_forward_norm", x, inner, steps)
        seen.append(weights)  # (batch, head, source, source)
    return x, np.stack(seen, 1)


def decode(params: Arrays, target: Array, target_mask: Array, memory: Array, source_mask: Array, steps: Steps, *,
           heads: int, layers: int, decoder_positions: bool, scaled: bool, causal: bool,
           **_: Any) -> tuple[Array, Array, Array]:  # fmt: skip
    """logits (batch, target, vocabulary), decoder attention and cross-attention: position i attends to real target
    positions up to and including i, and to the whole real source."""
    mask, memory_mask, seen, aligned = target_mask[:, None, None, :], source_mask[:, None, None, :], [], []
    if causal:
        mask = mask & np.tri(target.shape[1], dtype=bool)  # (batch, 1, target, target)
    x = embed(params, target, decoder_positions)  # (batch, target, model)
    for layer in (f"decoder.{n}" for n in range(layers)):
        mixed, weights = attend(params, f"{layer}.self_attention", x, x, mask, heads, scaled, steps)
        x = add_and_norm(params, f"{layer}.self_attention_norm", x, mixed, steps)
        seen.append(weights)  # (batch, head, target, target)
        mixed, weights = attend(params, f"{layer}.cross_attention", x, memory, memory_mask, heads, scaled, steps)
        x = add_and_norm(params, f"{layer}.cross_attention_norm", x, mixed, steps)
        aligned.append(weights)  # (batch, head, target, source)
        inner = feed_forward(params, f"{layer}.feed_forward", x, steps)
        x = add_and_norm(params, f"{layer}.feed_forward_norm", x, inner, steps)
    # logits = x E^T
    return x @ params["embedding.weight"].T, np.stack(seen, 1), np.stack(aligned, 1)


def embed(params: Arrays, tokens: Array, positions: bool) -> Array:
    # x = sqrt(d_model) E[token] + PE
    table = params["embedding.weight"]
    x = np.sqrt(table.shape[1]) * table[tokens]  # (batch, time, model)
    return x + sinusoids(*x.shape[1:]) if positions else x


def attend(params: Arrays, name: str, x: Array, memory: Array, mask: Array, heads: int, scaled: bool,
           steps: Steps) -> tuple[Array, Array]:  # fmt: skip
    """Section 3.2.2: queries from x, keys and values from memory, which is x itself in self-attention."""
    query = split_heads(x @ params[f"{name}.query.weight"].T, heads)  # (batch, head, query, d_k)
    key = split_heads(memory @ params[f"{name}.key.weight"].T, heads)  # (batch, head, key, d_k)
    value = split_heads(memory @ params[f"{name}.value.weight"].T, heads)  # (batch, head, key, d_k)
    steps.update({f"{name}.query": query, f"{name}.key": key, f"{name}.value": value})
    mixed, weights = attention(query, key, value, mask, scaled)
    # Concat(head_1, ..., head_h) W^O
    return join_heads(mixed) @ params[f"{name}.output.weight"].T, weights  # (batch, query, model), (..., key)


def feed_forward(params: Arrays, name: str, x: Array, steps: Steps) -> Array:
    # FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    inner = x @ params[f"{name}.inner.weight"].T + params[f"{name}.inner.bias"]  # (batch, time, d_ff)
    steps[f"{name}.inner"] = inner
    return np.maximum(0, inner) @ params[f"{name}.outer.weight"].T + params[f"{name}.outer.bias"]


def add_and_norm(params: Arrays, name: str, x: Array, sublayer: Array, steps: Steps) -> Array:
    # LayerNorm(x + Sublayer(x))
    steps[name] = x + sublayer  # (batch, time, model)
    return layer_norm(x + sublayer, params[f"{name}.weight"], params[f"{name}.bias"])


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
    if model % heads:
        raise ValueError(f"d_model {model} does not split into {heads} heads")
    return x.reshape(batch, time, heads, model // heads).swapaxes(1, 2)


def join_heads(x: Array) -> Array:
    """(batch, head, time, d_k) -> (batch, time, model), the inverse of `split_heads`."""
    batch, heads, time, size = x.shape
    return x.swapaxes(1, 2).reshape(batch, time, heads * size)


def sinusoids(length: int, d_model: int) -> Array:
    """Section 3.5: PE (length, d_model), sines at even features and cosines at odd ones."""
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd: sines and cosines come in pairs")
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
    """Two sentence pairs, one source and one target of full length (5 and 4 tokens), the others shorter."""
    rng = np.random.default_rng([13, seed])
    sources, targets = [5, rng.integers(2, 5)], [rng.integers(2, 4), 4]
    return drawn(rng, sources, targets, CONFIG)


def drawn(rng: np.random.Generator, sources: list[int], targets: list[int], config: dict[str, Any]) -> Problem:
    """Sentence pairs of these lengths; token 0 is padding, token 1 starts a target. Redrawn until no ReLU is near its
    kink."""
    count, source, target, words = len(sources), max(sources), max(targets), config["vocabulary"]
    source_mask = np.arange(source) < np.array(sources)[:, None]  # (batch, source)
    target_mask = np.arange(target) < np.array(targets)[:, None]  # (batch, target)
    while True:
        params = {name: _draw(rng, name, shape) for name, shape in shapes(**config).items()}
        written = rng.integers(2, words, size=(count, target))
        shifted = np.concatenate([np.ones((count, 1), int), written[:, :-1]], 1)
        batch = {
            "source": np.where(source_mask, rng.integers(2, words, size=(count, source)), 0),
            "source_mask": source_mask,
            "target_input": np.where(target_mask, shifted, 0),
            "target_output": np.where(target_mask, written, 0),
            "target_mask": target_mask,
        }
        _, steps = trace(params, batch, **config)
        if min(np.abs(step).min() for name, step in steps.items() if name.endswith(".inner")) > KINK:
            return Problem(config, params, batch, learning_rate=0.1)


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    if len(shape) == 2:
        return rng.normal(0, shape[1] ** -0.5, shape)
    return rng.normal("norm.weight" in name, 0.3, shape)  # a norm's gain lies around one, every bias around zero


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
