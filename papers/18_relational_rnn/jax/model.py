r"""The relational memory core as a pure function, paper 18 (Santoro et al., 2018).

Everything is written for ONE sequence; `scan` walks along it, `vmap` adds heads and batch.

    [q, k, v] = LayerNorm([M; x^] W + b)                        x^ = W x_t + b, one more row beside the slots
    (1), (2)    A = softmax(q k^T / sqrt(d_k)),  R~ = [A_1 v_1 : ... : A_h v_h]
    g_psi       R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
    (4), (5)    i, f = sigma(W x^ + U tanh(M) + b), b^f raised by `forget_bias`
    (7)         M_t = f M_{t-1} + i tanh(M~)
    A.1         logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2

    symbol     name here                           symbol        name here
    M_t        memories[t], (slots, size)          W, U of i, f  gate.input, gate.memory; first i, then f
    A          attention                           x^            x in `step`
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]


def forward(params: Params, batch: dict[str, Array], **config: Any) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names, and its errors."""
    if config["gate_style"] not in ("unit", "memory", "none"):
        raise ValueError(f"gate_style must be one of unit, memory, none, not {config['gate_style']}")
    if min(config["blocks"], config["mlp_layers"]) < 1:
        raise ValueError(f"blocks and mlp_layers must be at least 1, not {config['blocks']} and {config['mlp_layers']}")
    one = partial(follow, params, **config)
    # M_0: rows of the identity, cut or filled with zeros, unless the batch brings another
    outputs = jax.vmap(one)(batch["inputs"], batch["memory"]) if "memory" in batch else jax.vmap(one)(batch["inputs"])
    # loss = -mean log softmax(logits)_label
    log_p = jnp.take_along_axis(jax.nn.log_softmax(outputs["logits"]), batch["label"][:, None], -1)
    return {**outputs, "loss": -log_p.mean()}


def follow(
    params: Params, inputs: Array, memory: Array | None = None, *, slots: int, **config: Any
) -> dict[str, Array]:
    """One sequence (time, feature), its logits (classes,), and what happened at each step."""
    embedded = affine(params, "embed", inputs)  # x^, (time, size)
    if memory is None:
        memory = jnp.eye(slots, embedded.shape[-1], dtype=embedded.dtype)
    memory, found = lax.scan(partial(step, params, **config), memory, embedded)
    # logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2
    hidden = jax.nn.relu(affine(params, "readout.hidden", memory.ravel()))  # (readout,)
    return {**found, "logits": affine(params, "readout.output", hidden)}


def step(params: Params, memory: Array, x: Array, *, blocks: int, gate_style: str, forget_bias: float, input_bias: float,
         **config: Any) -> tuple[Array, dict[str, Array]]:  # fmt: skip
    """M_t from M_{t-1} (slots, size) and x^ (size,), and what happened on the way."""
    rows, weights = jnp.concatenate([memory, x[None]]), []  # [M; x^]
    for n in range(blocks):
        mixed, attention = attend(params, f"blocks.{n}", rows, **config)
        weights.append(attention)
        # R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
        rows = layer_norm(params, f"blocks.{n}.attention_norm", rows + mixed)
        rows = layer_norm(params, f"blocks.{n}.mlp_norm", rows + mlp(params, rows, config["mlp_layers"]))
    found, proposed = {"attention": jnp.stack(weights)}, rows[:-1]
    if gate_style == "none":
        return proposed, {**found, "candidate": proposed, "memories": proposed}
    # i = sigma(W^i x^ + U^i tanh(M) + b^i),  f = sigma(W^f x^ + U^f tanh(M) + b^f + forget_bias)
    gates = affine(params, "gate.input", x) + jnp.tanh(memory) @ params["gate.memory.weight"].T  # (slots, 2 size or 2)
    i, f = jnp.split(gates, 2, -1)
    i, f = jax.nn.sigmoid(i + input_bias), jax.nn.sigmoid(f + forget_bias)
    # M_t = f M_{t-1} + i tanh(M~)
    candidate = jnp.tanh(proposed)
    memory = f * memory + i * candidate
    return memory, {**found, "input_gate": i, "forget_gate": f, "candidate": candidate, "memories": memory}


def attend(params: Params, block: str, rows: Array, *, heads: int, key_size: int, **_: int) -> tuple[Array, Array]:
    """R~ (row, size) and A (head, row, row)."""
    # [q, k, v] = LayerNorm(R W + b)
    projected = layer_norm(params, f"{block}.project_norm", affine(params, f"{block}.project", rows))

    def head(own: Array) -> tuple[Array, Array]:
        """One head's [q, k, v], (row, 2 key_size + head_size)."""
        query, key, value = jnp.split(own, [key_size, 2 * key_size], -1)
        # A = softmax(q k^T / sqrt(d_k))
        weights = jax.nn.softmax(query @ key.T / key_size**0.5)
        return weights @ value, weights

    mixed, weights = jax.vmap(head, in_axes=1, out_axes=(1, 0))(projected.reshape(len(rows), heads, -1))
    return mixed.reshape(rows.shape), weights


def mlp(params: Params, rows: Array, layers: int) -> Array:
    """Affine maps with a ReLU between each two, on (row, size)."""
    rows = affine(params, "mlp.0", rows)
    for n in range(1, layers):
        rows = affine(params, f"mlp.{n}", jax.nn.relu(rows))
    return rows


def layer_norm(params: Params, name: str, x: Array) -> Array:
    return jax.nn.standardize(x, epsilon=1e-5) * params[f"{name}.weight"] + params[f"{name}.bias"]


def affine(params: Params, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]
