r"""Multi-token prediction, paper 27: a shared trunk, n heads that each predict one of the next n tokens, a shared unembedding.

Gloeckle, Idrissi, Roziere, Lopez-Paz, Synnaeve, «Better & Faster Large Language Models via Multi-token Prediction», 2024
(arXiv:2404.19737).

    (1)  L_1 = - sum_t log P(x_{t+1} | x_t ... x_1)
    (2)  L_n = - sum_t log P(x_{t+n} ... x_{t+1} | x_t ... x_1) = - sum_t sum_{i=1}^n log P(x_{t+i} | z_t)
    2    P(x_{t+i} | x_t ... x_1) = softmax(f_u(f_{h_i}(f_s(x_t ... x_1))))
    B    causal: f_u f_{h_i} f_{h_{i-1}} ... f_{h_1} f_s;   anticausal: f_u f_{h_i} f_{h_{i+1}} ... f_{h_n} f_s

A layer, of the trunk or a head, is that of Llama, in whose format the authors' models are published:

    RMSNorm(x) = x / sqrt(mean x^2 + eps) * gain
    x <- x + W^O [softmax(R q (R k)^T / sqrt(d_k)) v]_heads        of RMSNorm(x); R turns the pair i of place t by t base^(-2i/d_k)
    x <- x + W_2 (silu(W_1 y) * W_3 y)                             y = RMSNorm(x)

    symbol        name here                        symbol     name here          value
    f_s           embedding, trunk.l               n          future             3
    z_t           trunk (batch, time, model)       d          model              8
    f_{h_i}       heads.{i - 1}                    V          vocabulary         7
    f_u           norm, unembedding                W_1, W_3   feed_forward.gate, .inner; W_2 .outer

A target beyond the end is no target. The loss is the sum in (2) over the number of real next tokens, so that all of its terms
weigh the same. A linear weight is stored (out, in).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "vocabulary": 7, "model": 8, "inner": 10, "attention_heads": 2, "layers": 1, "future": 3, "head": "layer",
    "arrangement": "parallel",
}  # fmt: skip
EPSILON, BASE = 1e-5, 10000.0  # inside the root of RMSNorm; of the rotary angles
HEADS = ("layer", "linear", "unembedding")  # one layer; one matrix; z itself, under an unembedding for each i
ARRANGEMENTS = ("parallel", "causal", "anticausal")


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """trunk (batch, time, model), heads (batch, future, time, model), logits (batch, future, time, vocabulary), head_losses
    (future,): what each head adds to the loss; loss in nats per real next token. In the order of computation.

    Raises ValueError where the sizes do not fit, a name is unknown, or no sequence has a next token.
    """
    check(**config)
    z = trunk(params, batch["tokens"], config)  # (batch, time, model)
    x = heads(params, z, config)  # (batch, future, time, model)
    logits = unembed(params, x, config)
    terms = head_losses(logits, batch["tokens"], batch["mask"])
    # L_n = - sum_t sum_i log P(x_{t+i} | z_t)
    return {"trunk": z, "heads": x, "logits": logits, "head_losses": terms, "loss": np.asarray(terms.sum())}


def check(*, model: int, attention_heads: int, future: int, head: str, arrangement: str, **_: Any) -> None:
    if model % (2 * attention_heads):
        raise ValueError(f"model {model} does not split into {attention_heads} heads of pairs")
    if future < 1:
        raise ValueError(f"future {future}: there must be a head for the next token")
    if head not in HEADS or arrangement not in ARRANGEMENTS:
        raise ValueError(f"no such architecture: head {head}, arrangement {arrangement}")


def trunk(params: Arrays, tokens: Array, config: Arrays) -> Array:
    """z = f_s(x), (batch, time, model)."""
    z = params["embedding.weight"][tokens]
    for number in range(config["layers"]):
        z = layer(params, f"trunk.{number}", z, config["attention_heads"])
    return z


def heads(params: Arrays, z: Array, config: Arrays) -> Array:
    """f_{h_i} of z, of the head before it, or of the head after it: (batch, future, time, model)."""

    def one(i: int, x: Array) -> Array:
        if config["head"] == "linear":
            return x @ params[f"heads.{i}.weight"].T
        return layer(params, f"heads.{i}", x, config["attention_heads"]) if config["head"] == "layer" else x

    n, found = config["future"], {}
    order = range(n)[::-1] if config["arrangement"] == "anticausal" else range(n)
    x = z
    for i in order:
        x = one(i, z if config["arrangement"] == "parallel" else x)
        found[i] = x
    return np.stack([found[i] for i in range(n)], 1)


def unembed(params: Arrays, x: Array, config: Arrays) -> Array:
    """f_u, the same for all heads, or an unembedding for each: (batch, future, time, vocabulary)."""
    x = rms_norm(x, params["norm.weight"])
    if config["head"] == "unembedding":
        return np.stack([x[:, i] @ params[f"unembedding.{i}.weight"].T for i in range(config["future"])], 1)
    return x @ params["unembedding.weight"].T


def head_losses(logits: Array, tokens: Array, mask: Array) -> Array:
    """- sum_t log P(x_{t+i} | z_t) of each head i over its real targets, by the number of real next tokens: (future,)."""
    count = mask[:, 1:].sum()
    if not count:
        raise ValueError("no sequence has a next token: there is nothing to predict")
    found = []
    for i in range(1, logits.shape[1] + 1):
        # log P(x_{t+i} | z_t), at each t whose x_{t+i} is real
        log_p = log_softmax(logits[:, i - 1, : max(tokens.shape[1] - i, 0)])  # (batch, time - i, vocabulary)
        right = np.take_along_axis(log_p, tokens[:, i:, None], -1)[..., 0]
        found.append(-right[mask[:, i:]].sum() / count)
    return np.array(found)


def layer(params: Arrays, name: str, x: Array, count: int) -> Array:
    """One transformer layer (batch, time, model), causal."""
    y = rms_norm(x, params[f"{name}.attention_norm.weight"])
    # x <- x + W^O [softmax(R q (R k)^T / sqrt(d_k)) v]_heads
    x = x + attend(params, f"{name}.attention", y, count)
    y = rms_norm(x, params[f"{name}.feed_forward_norm.weight"])
    gate, inner = (y @ params[f"{name}.feed_forward.{part}.weight"].T for part in ("gate", "inner"))
    # x <- x + W_2 (silu(W_1 y) * W_3 y)
    return x + (gate * sigmoid(gate) * inner) @ params[f"{name}.feed_forward.outer.weight"].T


def attend(params: Arrays, name: str, y: Array, count: int) -> Array:
    def split(part: str) -> Array:
        projected = y @ params[f"{name}.{part}.weight"].T
        return projected.reshape(*y.shape[:2], count, -1).swapaxes(1, 2)  # (batch, head, time, d_k)

    query, key, value = rotate(split("query")), rotate(split("key")), split("value")
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])  # (batch, head, time, time)
    past = np.tri(scores.shape[-1], dtype=bool)
    weights = np.exp(log_softmax(np.where(past, scores, -np.inf)))
    return (weights @ value).swapaxes(1, 2).reshape(y.shape) @ params[f"{name}.output.weight"].T


def rotate(x: Array) -> Array:
    """R: the pair (x_2i, x_{2i+1}) at place t turned by the angle t base^(-2i/d_k). x (..., time, d_k)."""
    time, width = x.shape[-2:]
    angle = np.arange(time)[:, None] * BASE ** (-np.arange(0, width, 2) / width)  # (time, d_k / 2)
    even, odd = x[..., ::2], x[..., 1::2]
    turned = even * np.cos(angle) - odd * np.sin(angle), even * np.sin(angle) + odd * np.cos(angle)
    return np.stack(turned, -1).reshape(x.shape)


def rms_norm(x: Array, gain: Array) -> Array:
    # x / sqrt(mean x^2 + eps) * gain
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * gain


def sigmoid(a: Array) -> Array:
    # 1 / (1 + exp(-a)) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 far out
    return np.exp(-np.logaddexp(0.0, -a))


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def shapes(
    *, vocabulary: int, model: int, inner: int, layers: int, future: int, head: str, **_: Any
) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter."""

    def block(name: str) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {f"{name}.attention_norm.weight": (model,)}
        found |= {f"{name}.attention.{part}.weight": (model, model) for part in ("query", "key", "value", "output")}
        found |= {f"{name}.feed_forward_norm.weight": (model,)}
        found |= {f"{name}.feed_forward.{part}.weight": (inner, model) for part in ("gate", "inner")}
        return found | {f"{name}.feed_forward.outer.weight": (model, inner)}

    found: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary, model)}
    for number in range(layers):
        found |= block(f"trunk.{number}")
    for i in range(future):
        found |= (
            block(f"heads.{i}")
            if head == "layer"
            else {f"heads.{i}.weight": (model, model)}
            if head == "linear"
            else {}
        )
    found |= {"norm.weight": (model,)}
    names = [f"unembedding.{i}" for i in range(future)] if head == "unembedding" else ["unembedding"]
    return found | {f"{name}.weight": (vocabulary, model) for name in names}


def problem(seed: int = 0) -> Problem:
    """Two sequences, one of 5 tokens, one of 2 to 4."""
    rng = np.random.default_rng([27, seed])
    return drawn(rng, [5, int(rng.integers(2, 5))], CONFIG)


def drawn(rng: np.random.Generator, lengths: list[int], config: Arrays) -> Problem:
    """Sequences of these lengths, padded with token 0 behind their ends."""
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]  # (batch, time)
    tokens = np.where(mask, rng.integers(1, config["vocabulary"], mask.shape), 0)
    params = {name: draw(rng, name, shape) for name, shape in shapes(**config).items()}
    return Problem(config, params, {"tokens": tokens, "mask": mask}, learning_rate=0.1)


def draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    if len(shape) == 1:
        return 1 + rng.normal(0, 0.3, shape)  # a gain
    return rng.normal(0, 1 if name.startswith("embedding") else 1.3 * shape[1] ** -0.5, shape)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
