r"""The Neural Turing Machine, paper 20: a controller that addresses the rows of a memory by content and by location.

Graves, Wayne and Danihelka, «Neural Turing Machines», 2014 (arXiv:1410.5401), section 3. At each step, for every head:

    (5), (6)   w^c(i) = exp(beta K[k, M(i)]) / sum_j exp(beta K[k, M(j)]),  K[u, v] = u v / (|u| |v|)
    (7)        w^g = g w^c + (1 - g) w_{t-1}                               its own previous weighting
    (8)        w~(i) = sum_j w^g(j) s(i - j)                               indices modulo N
    (9)        w(i) = w~(i)^gamma / sum_j w~(j)^gamma
    (3), (4)   M_t(i) = M_{t-1}(i) prod_h [1 - w_h(i) e_h] + sum_h w_h(i) a_h   all erasures, then all additions
    (2)        r = sum_i w(i) M_t(i)
    4.1        logits = W [h; r] + b,  loss = mean over sequences of sum_asked -(y log sigma(z) + (1 - y) log sigma(-z))

    symbol      name here                    symbol        name here
    N, M        rows, size                   w^c, w^g      content, gated
    M_t         memories[:, t], (N, M)       w~, w         shifted, weighting; write heads first
    k, beta, g  key, strength, gate          h             what the controller says
    s, gamma    shift, sharpening            e, a, r       erase, add, reads

What the paper leaves open: beta = softplus, g = sigma, s = softmax over the shifts -reach ... reach, gamma = 1 + softplus, e = sigma of
affine maps of h; k and a are such maps themselves. All heads are addressed by M_{t-1}; the controller reads [x_t; r_{t-1}]. Every row of
M_0 is one learnt vector, so the number of rows is in no parameter; w_0 is all on row 0.
Conventions: K is 0, without a slope, where a norm is 0; where w~ is 0 so is w, without a slope, whatever gamma is. A weight is stored
(out, in).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "features": 6, "outputs": 3, "hidden": 8, "rows": 7, "size": 5, "write_heads": 2, "read_heads": 1, "reach": 2,
    "controller": "feedforward",
}  # fmt: skip
CONTROLLERS = ("feedforward", "lstm")


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """key (batch, time, head, size); strength, gate and sharpening (batch, time, head, 1); shift (batch, time, head, 2 reach + 1);
    content, gated, shifted and weighting (batch, time, head, row); erase and add (batch, time, write head, size); memories (batch, time,
    row, size); reads (batch, time, read head, size); logits (batch, time, output); loss in nats per sequence.

    `batch` holds inputs (batch, time, feature), targets of 0 and 1 (batch, time, output), asked (batch, time), true where an output
    counts, and, where they shall be others, M_0: memory (batch, row, size), and w_0: weighting (batch, head, row).
    Raises ValueError for a controller that is none of `CONTROLLERS`, for no row or head, and for a reach below 0.
    """
    check(**config)
    count, seen = len(batch["inputs"]), {}
    memory, weighting, reads, state = start(params, batch, count, **config)
    for x in batch["inputs"].swapaxes(0, 1):
        state = control(params, np.concatenate([x, reads.reshape(count, -1)], -1), state, **config)
        memory, weighting, reads, found = step(params, state[0], memory, weighting, **config)
        # logits = W [h; r] + b
        logits = affine(params, "output", np.concatenate([state[0], reads.reshape(count, -1)], -1))
        for name, value in {**found, "memories": memory, "reads": reads, "logits": logits}.items():
            seen.setdefault(name, []).append(value)
    outputs = {name: np.stack(values, 1) for name, values in seen.items()}
    # -(y log sigma(z) + (1 - y) log sigma(-z)) = log(1 + exp z) - y z
    costs = softplus(outputs["logits"]) - batch["targets"] * outputs["logits"]
    loss = (costs.sum(-1) * batch["asked"]).sum(-1).mean()
    return {**outputs, "loss": np.asarray(loss)}


def check(*, controller: str, rows: int, write_heads: int, read_heads: int, reach: int, **_: Any) -> None:
    """Raises ValueError for what there is no machine for."""
    if controller not in CONTROLLERS:
        raise ValueError(f"controller must be one of {', '.join(CONTROLLERS)}, not {controller}")
    if min(rows, write_heads, read_heads) < 1 or reach < 0:
        raise ValueError("rows and heads must be at least 1, and reach at least 0")


def start(params: Arrays, batch: Arrays, count: int, *, rows: int, write_heads: int, read_heads: int, controller: str,
          **_: Any) -> tuple[Array, Array, Array, tuple[Array, ...]]:  # fmt: skip
    """M_0 (batch, row, size), w_0 (batch, head, row), r_0 (batch, read head, size) and the controller's state."""
    memory = np.broadcast_to(params["start.memory"], (count, rows, len(params["start.memory"])))
    weighting = np.broadcast_to(np.eye(1, rows), (count, write_heads + read_heads, rows))
    reads = np.broadcast_to(params["start.read"], (count, *params["start.read"].shape))
    names = ("controller.h", "controller.c") if controller == "lstm" else ()
    state = tuple(np.broadcast_to(params[name], (count, len(params[name]))) for name in names)
    return batch.get("memory", memory), batch.get("weighting", weighting), reads, state


def control(params: Arrays, given: Array, state: tuple[Array, ...], *, controller: str, **_: Any) -> tuple[Array, ...]:
    """The controller's state, h (batch, hidden) first, from [x; r] (batch, feature + ...) and the state before."""
    if controller == "feedforward":
        # h = tanh(W [x; r] + b)
        return (np.tanh(affine(params, "controller.input", given)),)
    # i, f, g, o = W [x; r; h] + b,  c = sigma(f) c + sigma(i) tanh(g),  h = sigma(o) tanh(c)
    i, f, g, o = np.split(affine(params, "controller.input", np.concatenate([given, state[0]], -1)), 4, -1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def step(params: Arrays, h: Array, memory: Array, weighting: Array, *, write_heads: int, read_heads: int, size: int, reach: int,
         **_: Any) -> tuple[Array, Array, Array, dict[str, Array]]:  # fmt: skip
    """M_t, w_t and r_t from the controller's h (batch, hidden), M_{t-1} and w_{t-1}, and what happened on the way."""
    heads = write_heads + read_heads
    emitted = affine(params, "address", h).reshape(len(h), heads, -1)  # (batch, head, size + 2 reach + 4)
    key, strength, gate, shift, sharpening = np.split(emitted, [size, size + 1, size + 2, size + 2 * reach + 3], -1)
    strength, gate, shift, sharpening = softplus(strength), sigmoid(gate), softmax(shift), 1 + softplus(sharpening)
    # w^c(i) = exp(beta K[k, M(i)]) / sum_j exp(beta K[k, M(j)])
    content = softmax(strength * (unit(key) @ unit(memory).swapaxes(-1, -2)))  # (batch, head, row)
    # w^g = g w^c + (1 - g) w_{t-1}
    gated = gate * content + (1 - gate) * weighting
    # w~(i) = sum_d s(d) w^g(i - d)
    shifted = sum(shift[..., d + reach, None] * np.roll(gated, d, -1) for d in range(-reach, reach + 1))
    # w(i) = w~(i)^gamma / sum_j w~(j)^gamma
    weighting = sharpen(shifted, sharpening)
    w_write, w_read = np.split(weighting, [write_heads], 1)
    erase, add = np.split(affine(params, "write", h).reshape(len(h), write_heads, -1), 2, -1)
    erase = sigmoid(erase)  # (batch, write head, size)
    # M_t(i) = M_{t-1}(i) prod_h [1 - w_h(i) e_h] + sum_h w_h(i) a_h
    kept = (1 - w_write[..., None] * erase[:, :, None]).prod(1)  # (batch, row, size)
    memory = memory * kept + w_write.swapaxes(1, 2) @ add
    # r = sum_i w(i) M_t(i)
    reads = w_read @ memory  # (batch, read head, size)
    emitted = {"key": key, "strength": strength, "gate": gate, "shift": shift, "sharpening": sharpening}
    addressed = {"content": content, "gated": gated, "shifted": shifted, "weighting": weighting}
    return memory, weighting, reads, {**emitted, **addressed, "erase": erase, "add": add}


def unit(u: Array) -> Array:
    """u / |u| over the last axis, and zero where u is zero."""
    length = np.sqrt((u**2).sum(-1, keepdims=True))
    return np.divide(u, length, out=np.zeros_like(u), where=length > 0)


def sharpen(shifted: Array, sharpening: Array) -> Array:
    """w~^gamma / sum w~^gamma as softmax(gamma log w~): no power underflows before it is divided by the sum of all."""
    some = shifted > 0
    return softmax(np.where(some, sharpening * np.log(np.where(some, shifted, 1.0)), -np.inf))


def affine(params: Arrays, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def sigmoid(a: Array) -> Array:
    # sigma(a) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = -1000 or 1000
    return np.exp(-np.logaddexp(0.0, -a))


def softplus(a: Array) -> Array:
    """log(1 + exp a)"""
    return np.logaddexp(0.0, a)


def softmax(scores: Array) -> Array:
    """exp s / sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def shapes(*, features: int, outputs: int, hidden: int, size: int, write_heads: int, read_heads: int, reach: int, controller: str,
           **_: int) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter. The number of rows is in none."""
    lstm, given = controller == "lstm", features + read_heads * size
    maps = {
        "controller.input": (4 * hidden, given + hidden) if lstm else (hidden, given),
        "address": ((write_heads + read_heads) * (size + 2 * reach + 4), hidden),
        "write": (write_heads * 2 * size, hidden),
        "output": (outputs, hidden + read_heads * size),
    }
    found: dict[str, tuple[int, ...]] = {"start.memory": (size,), "start.read": (read_heads, size)}
    for name, shape in maps.items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return found | ({"controller.h": (hidden,), "controller.c": (hidden,)} if lstm else {})


def problem(seed: int = 0) -> Problem:
    """Two sequences of three steps, two write heads and a read head."""
    return drawn(np.random.default_rng([20, seed]), 2, 3, CONFIG)


def drawn(rng: np.random.Generator, count: int, time: int, config: dict[str, Any]) -> Problem:
    """So many sequences of that length, the last output of each asked, the first of every other one and others by chance.
    Weights have the variance 2 / fan-in, everything else a standard deviation of 0.5."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        return rng.normal(0, (2 / shape[1]) ** 0.5 if name.endswith("weight") else 0.5, shape)

    params = {name: draw(name, shape) for name, shape in shapes(**config).items()}
    asked = rng.random((count, time)) < 0.5
    asked[:, 0] = np.arange(count) % 2 == 0
    asked[:, -1] = True
    batch = {
        "inputs": rng.normal(size=(count, time, config["features"])),
        "targets": rng.integers(2, size=(count, time, config["outputs"])).astype(float),
        "asked": asked,
    }
    return Problem(config, params, batch, learning_rate=0.05)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
