r"""The relational memory core, paper 18: a recurrent network whose memory slots attend to one another at every step.

Santoro et al., «Relational recurrent neural networks», 2018 (arXiv:1806.01822), and the authors' own module, to which section 3.3
refers for the exact formulation: deepmind/sonnet 1, `relational_memory.py`.

    reference   x^ = W x_t + b                                        the input as one more row
                [q, k, v] = LayerNorm(R W + b), of all heads at once  R = [M; x^], rows = slots + 1
    (1), (2)    A = softmax(q k^T / sqrt(d_k)),  R~ = [A_1 v_1 : ... : A_h v_h]
    g_psi       R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))   per row; repeated `blocks` times, with one MLP for all
    (4), (5)    f = sigma(W^f x^ + U^f tanh(M) + b^f + 1),  i = sigma(W^i x^ + U^i tanh(M) + b^i)
    (7)         M_t = f M_{t-1} + i tanh(M~),  M~ the slots' rows of R  i + f is not 1: no convex combination
    A.1         logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2,  loss = -mean log softmax(logits)_label

    symbol     name here                           symbol      name here
    M_t        memories[:, t], (slots, size)       i, f        input_gate, forget_gate
    M_0        batch["memory"], else identity      tanh(M~)    candidate
    d_k, h     key_size, heads                     A           attention

A row of W's output holds head after head, each [q, k, v]. Gates: 'unit' has one for each entry, 'memory' one for each slot, 'none'
takes M~ as it is. M_0 is the identity, cut or filled with zeros to (slots, size). A weight is stored (out, in).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "features": 7, "slots": 4, "heads": 3, "head_size": 2, "key_size": 4, "blocks": 1, "mlp_layers": 2, "gate_style": "unit",
    "forget_bias": 1.0, "input_bias": 0.0, "readout": 8, "classes": 5,
}  # fmt: skip
GATES = ("unit", "memory", "none")
KINK = 1e-4  # no input of a ReLU of a Problem is nearer to zero than this


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """attention (batch, time, block, head, row, row); input_gate, forget_gate, candidate and memories (batch, time, slots, size),
    a gate's last axis being 1 under 'memory' and absent under 'none'; logits (batch, classes) of the last step; loss in nats.

    `batch` holds inputs (batch, time, feature), label (batch,) and, if it shall not be the identity, M_0: memory (batch, slots, size).
    Raises ValueError for a gate style that is none of `GATES`, and for fewer than one block or one layer of the MLP.
    """
    return trace(params, batch, **config)[0]


def trace(params: Arrays, batch: Arrays, **config: Any) -> tuple[dict[str, Array], list[Array]]:
    """What `forward` returns, and the inputs of all ReLUs."""
    check(**config)
    inputs, kinks, seen = batch["inputs"], [], {}
    memory = batch["memory"] if "memory" in batch else initial_memory(len(inputs), **config)
    for x in inputs.swapaxes(0, 1):
        memory, found = step(params, x, memory, kinks, **config)
        for name, value in found.items():
            seen.setdefault(name, []).append(value)
    outputs = {name: np.stack(values, 1) for name, values in seen.items()}
    logits = read(params, memory, kinks)
    # loss = -mean log softmax(logits)_label
    loss = -np.take_along_axis(log_softmax(logits), batch["label"][:, None], -1).mean()
    return {**outputs, "logits": logits, "loss": np.asarray(loss)}, kinks


def check(*, gate_style: str, blocks: int, mlp_layers: int, **_: Any) -> None:
    """Raises ValueError where the reference does."""
    if gate_style not in GATES:
        raise ValueError(f"gate_style must be one of {', '.join(GATES)}, not {gate_style}")
    if blocks < 1 or mlp_layers < 1:
        raise ValueError(f"blocks and mlp_layers must be at least 1, not {blocks} and {mlp_layers}")


def initial_memory(count: int, *, slots: int, heads: int, head_size: int, **_: Any) -> Array:
    """Rows of the identity, all different as long as there are at most size + 1 of them: (count, slots, size)."""
    return np.broadcast_to(np.eye(slots, heads * head_size), (count, slots, heads * head_size))


def step(params: Arrays, x: Array, memory: Array, kinks: list[Array], *, blocks: int, gate_style: str, forget_bias: float,
         input_bias: float, **config: Any) -> tuple[Array, dict[str, Array]]:  # fmt: skip
    """M_t from x_t (batch, feature) and M_{t-1} (batch, slots, size), and what happened on the way."""
    # x^ = W x + b
    x = affine(params, "embed", x)[:, None]  # (batch, 1, size)
    rows, weights = np.concatenate([memory, x], 1), []  # (batch, slots + 1, size)
    for n in range(blocks):
        mixed, attention = attend(params, f"blocks.{n}", rows, **config)
        weights.append(attention)
        # R <- LayerNorm(R + R~)
        rows = layer_norm(params, f"blocks.{n}.attention_norm", rows + mixed)
        # R <- LayerNorm(R + MLP(R))
        rows = layer_norm(params, f"blocks.{n}.mlp_norm", rows + mlp(params, rows, kinks, config["mlp_layers"]))
    found, proposed = {"attention": np.stack(weights, 1)}, rows[:, :-1]  # the input's own row is dropped
    if gate_style == "none":
        return proposed, {**found, "candidate": proposed, "memories": proposed}
    # i = sigma(W^i x^ + U^i tanh(M) + b^i),  f = sigma(W^f x^ + U^f tanh(M) + b^f + 1)
    gates = (
        affine(params, "gate.input", x) + np.tanh(memory) @ params["gate.memory.weight"].T
    )  # (batch, slots, 2 size or 2)
    i, f = np.split(gates, 2, -1)
    i, f = sigmoid(i + input_bias), sigmoid(f + forget_bias)
    # M_t = f M_{t-1} + i tanh(M~)
    candidate = np.tanh(proposed)
    memory = f * memory + i * candidate
    return memory, {**found, "input_gate": i, "forget_gate": f, "candidate": candidate, "memories": memory}


def attend(
    params: Arrays, block: str, rows: Array, *, heads: int, head_size: int, key_size: int, **_: Any
) -> tuple[Array, Array]:
    """R~ (batch, row, size) and A (batch, head, row, row): all rows attend to all rows."""
    # [q, k, v] = LayerNorm(R W + b)
    projected = layer_norm(params, f"{block}.project_norm", affine(params, f"{block}.project", rows))
    split = projected.reshape(*rows.shape[:2], heads, -1).swapaxes(1, 2)  # (batch, head, row, 2 key_size + head_size)
    query, key, value = np.split(split, [key_size, 2 * key_size], -1)
    # A = softmax(q k^T / sqrt(d_k))
    weights = np.exp(log_softmax(query @ key.swapaxes(-1, -2) / np.sqrt(key_size)))
    # R~ = [A_1 v_1 : ... : A_h v_h]
    return (weights @ value).swapaxes(1, 2).reshape(rows.shape), weights


def mlp(params: Arrays, rows: Array, kinks: list[Array], layers: int) -> Array:
    """`layers` affine maps with a ReLU between each two, the same for every row."""
    for n in range(layers):
        if n:
            kinks.append(rows)
        rows = affine(params, f"mlp.{n}", np.maximum(rows, 0) if n else rows)
    return rows


def read(params: Arrays, memory: Array, kinks: list[Array]) -> Array:
    """logits (batch, classes) from M (batch, slots, size), one slot after the other."""
    # logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2
    kinks.append(affine(params, "readout.hidden", memory.reshape(len(memory), -1)))  # (batch, readout)
    return affine(params, "readout.output", np.maximum(kinks[-1], 0))


def affine(params: Arrays, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def layer_norm(params: Arrays, name: str, x: Array) -> Array:
    # (x - mean) / sqrt(variance + 1e-5) * gain + bias, with the biased variance
    centred = x - x.mean(-1, keepdims=True)
    normed = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return normed * params[f"{name}.weight"] + params[f"{name}.bias"]


def sigmoid(a: Array) -> Array:
    # sigma(a) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = -1000 or 1000
    return np.exp(-np.logaddexp(0.0, -a))


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def shapes(*, features: int, slots: int, heads: int, head_size: int, key_size: int, blocks: int, mlp_layers: int, gate_style: str,
           readout: int, classes: int, **_: float) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter. The number of slots is in the readout alone."""
    size, projected = heads * head_size, heads * (2 * key_size + head_size)

    def map_(name: str, out: int, given: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (out, given), f"{name}.bias": (out,)}

    found = map_("embed", size, features)
    for n in range(blocks):
        found |= map_(f"blocks.{n}.project", projected, size)
        norms = {"project": projected, "attention": size, "mlp": size}
        found |= {
            f"blocks.{n}.{at}_norm.{part}": (width,) for at, width in norms.items() for part in ("weight", "bias")
        }
    for n in range(mlp_layers):
        found |= map_(f"mlp.{n}", size, size)
    if gate_style != "none":
        gates = 2 * (size if gate_style == "unit" else 1)
        found |= map_("gate.input", gates, size) | {"gate.memory.weight": (gates, size)}
    return found | map_("readout.hidden", readout, slots * size) | map_("readout.output", classes, readout)


def problem(seed: int = 0) -> Problem:
    """Two sequences of three inputs."""
    return drawn(np.random.default_rng([18, seed]), 2, 3, CONFIG)


def drawn(rng: np.random.Generator, count: int, time: int, config: dict[str, Any], scale: float = 1.0) -> Problem:
    """So many sequences of that length. Weights have the variance scale / fan-in, gains lie around 1, biases around 0. Redrawn until
    no input of a ReLU is near zero."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if len(shape) == 1:
            return rng.normal(1.0 if name.endswith("norm.weight") else 0.0, 0.3, shape)
        return rng.normal(0, (scale / shape[1]) ** 0.5, shape)

    while True:
        params = {name: draw(name, shape) for name, shape in shapes(**config).items()}
        batch = {
            "inputs": rng.normal(size=(count, time, config["features"])),
            "label": rng.integers(config["classes"], size=count),
        }
        if min(np.abs(kink).min() for kink in trace(params, batch, **config)[1]) > KINK:
            return Problem(config, params, batch, learning_rate=0.1)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
