r"""The Transformer as a pure function, paper 13 (Vaswani et al., 2017), post-norm as in section 3.1.

Everything is written for ONE head of ONE sentence; `vmap` adds the heads, then the batch; `scan` walks up the layers.

    (1)    Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V
    3.2.2  MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O,  head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)
    (2)    FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    3.1    every sub-layer becomes LayerNorm(x + Sublayer(x))
    3.4    x = sqrt(d_model) E[token] + PE;  logits = x E^T
    3.5    PE(pos, 2i) = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(pos / 10000^(2i/d_model))
    5.4    loss = -mean over tokens of sum_k q_k log p_k,  q = (1 - eps) onehot(label) + eps / vocabulary

    symbol   name here                                    symbol   name here
    h        heads                                        E        params["embedding.weight"]
    W^Q_i    rows i d_k .. (i + 1) d_k of query.weight    z        memory, the encoder's output

Masks are boolean, true = may attend; a row that may attend to nothing is an error, or NaN where it is traced.
The switches `encoder_positions`, `decoder_positions` and `causal` may be traced: one compiled function serves every ablation.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

Params = dict[str, jax.Array]


def forward(params: Params, batch: dict[str, jax.Array], *, heads: int, layers: int, smoothing: float,
            encoder_positions: bool, decoder_positions: bool, scaled: bool, causal: bool,
            **_sizes: int) -> dict[str, jax.Array]:  # fmt: skip
    """The outputs that `numpy_checks.forward` names. Raises ValueError where a query may attend to no key, once it can be seen, and
    where d_model does not split into the heads."""
    for row in (batch["source_mask"].any(-1), batch["target_mask"][:, 0]):
        if not isinstance(row, jax.core.Tracer) and not row.all():
            raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
    if (width := params["embedding.weight"].shape[1]) % heads:
        raise ValueError(f"d_model {width} does not split into {heads} heads")
    size = {"heads": heads, "layers": layers, "scaled": scaled}
    source_mask, target_mask = batch["source_mask"], batch["target_mask"]
    encoding = jax.vmap(partial(encode, params, positions=encoder_positions, **size))
    memory, encoder_attention = encoding(batch["source"], source_mask)  # (batch, source, model)
    decoding = jax.vmap(partial(decode, params, positions=decoder_positions, causal=causal, **size))
    logits, decoder_attention, cross_attention = decoding(batch["target_input"], target_mask, memory, source_mask)
    # -sum_k q_k log p_k = -(1 - eps) log p_label - eps mean_k log p_k
    log_p = jax.nn.log_softmax(logits)  # (batch, target, vocabulary)
    label_log_p = jnp.take_along_axis(log_p, batch["target_output"][..., None], -1)[..., 0]
    token_loss = -(1 - smoothing) * label_log_p - smoothing * log_p.mean(-1)  # (batch, target)
    return {
        "encoder_attention": encoder_attention,
        "memory": memory,
        "decoder_attention": decoder_attention,
        "cross_attention": cross_attention,
        "logits": logits,
        "loss": jnp.mean(token_loss, where=target_mask),
    }


def encode(params: Params, source: jax.Array, source_mask: jax.Array, *, heads: int, layers: int, positions: bool,
           scaled: bool) -> tuple[jax.Array, jax.Array]:  # fmt: skip
    """One sentence (source,) -> memory (source, model) and attention (layer, head, source, source)."""

    def layer(x: jax.Array, p: Params) -> tuple[jax.Array, jax.Array]:
        mixed, weights = multi_head(p, "attention", x, x, source_mask[None, :], heads, scaled)
        x = add_and_norm(p, "attention_norm", x, mixed)
        return add_and_norm(p, "feed_forward_norm", x, feed_forward(p, "feed_forward", x)), weights

    return jax.lax.scan(layer, embed(params, source, positions), stack_of(params, "encoder", layers))


def decode(params: Params, target: jax.Array, target_mask: jax.Array, memory: jax.Array, source_mask: jax.Array, *,
           heads: int, layers: int, positions: bool, scaled: bool, causal: bool) -> tuple[jax.Array, jax.Array, jax.Array]:  # fmt: skip
    """One shifted target (target,) -> logits (target, vocabulary) and two kinds of attention (layer, head, target, key)."""
    past = jnp.tri(target.shape[0], dtype=bool) | jnp.logical_not(causal)  # (target, target)

    def layer(x: jax.Array, p: Params) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        mixed, own = multi_head(p, "self_attention", x, x, past & target_mask[None, :], heads, scaled)
        x = add_and_norm(p, "self_attention_norm", x, mixed)
        mixed, cross = multi_head(p, "cross_attention", x, memory, source_mask[None, :], heads, scaled)
        x = add_and_norm(p, "cross_attention_norm", x, mixed)
        return add_and_norm(p, "feed_forward_norm", x, feed_forward(p, "feed_forward", x)), (own, cross)

    x, (own, cross) = jax.lax.scan(layer, embed(params, target, positions), stack_of(params, "decoder", layers))
    # logits = x E^T
    return x @ params["embedding.weight"].T, own, cross


def stack_of(params: Params, stack: str, layers: int) -> Params:
    """The parameters of a stack's identical layers, each with a leading axis (layer, ...) over which `scan` walks."""
    own = [name.removeprefix(f"{stack}.0.") for name in params if name.startswith(f"{stack}.0.")]
    return {name: jnp.stack([params[f"{stack}.{n}.{name}"] for n in range(layers)]) for name in own}


def multi_head(params: Params, name: str, x: jax.Array, memory: jax.Array, mask: jax.Array, heads: int,
               scaled: bool) -> tuple[jax.Array, jax.Array]:  # fmt: skip
    """Section 3.2.2: (query, model) and the weights (head, query, key)."""

    def split(part: str, inputs: jax.Array) -> jax.Array:
        return (inputs @ params[f"{name}.{part}.weight"].T).reshape(inputs.shape[0], heads, -1)  # (time, head, d_k)

    heads_of = jax.vmap(partial(attention, scaled=scaled), in_axes=(1, 1, 1, None), out_axes=(1, 0))
    mixed, weights = heads_of(split("query", x), split("key", memory), split("value", memory), mask)
    # Concat(head_1, ..., head_h) W^O
    return mixed.reshape(x.shape) @ params[f"{name}.output.weight"].T, weights  # (query, model)


def attention(
    query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array, scaled: bool = True
) -> tuple[jax.Array, jax.Array]:
    """Equation (1) for one head: query (query, d_k), key and value (key, d_k), mask broadcast to (query, key)."""
    # S = Q K^T / sqrt(d_k)
    scores = query @ key.T / (jnp.sqrt(query.shape[-1]) if scaled else 1)  # (query, key)
    # A = softmax(S), where a forbidden score is -inf
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
    return weights @ value, weights


def feed_forward(params: Params, name: str, x: jax.Array) -> jax.Array:
    # FFN(x) = max(0, x W_1 + b_1) W_2 + b_2
    inner = jax.nn.relu(x @ params[f"{name}.inner.weight"].T + params[f"{name}.inner.bias"])  # (time, d_ff)
    return inner @ params[f"{name}.outer.weight"].T + params[f"{name}.outer.bias"]  # (time, model)


def add_and_norm(params: Params, name: str, x: jax.Array, sublayer: jax.Array) -> jax.Array:
    # LayerNorm(x + Sublayer(x)), with the biased variance
    normed = jax.nn.standardize(x + sublayer, epsilon=1e-5)
    return normed * params[f"{name}.weight"] + params[f"{name}.bias"]


def embed(params: Params, tokens: jax.Array, positions: bool) -> jax.Array:
    table = params["embedding.weight"]  # (vocabulary, model)
    encoding = jnp.where(positions, sinusoids(len(tokens), table.shape[1], table.dtype), 0)
    # x = sqrt(d_model) E[token] + PE
    return jnp.sqrt(table.shape[1]) * table[tokens] + encoding  # (time, model)


def sinusoids(length: int, d_model: int, dtype: Any) -> jax.Array:
    """Section 3.5: PE (length, d_model), sines at even features and cosines at odd ones."""
    if d_model % 2:
        raise ValueError(f"d_model {d_model} is odd: sines and cosines come in pairs")
    # angle = pos / 10000^(2i / d_model)
    frequency = 10000 ** (-jnp.arange(0, d_model, 2, dtype=dtype) / d_model)
    angle = jnp.arange(length, dtype=dtype)[:, None] * frequency  # (time, d_model / 2)
    return jnp.stack([jnp.sin(angle), jnp.cos(angle)], -1).reshape(length, d_model)
