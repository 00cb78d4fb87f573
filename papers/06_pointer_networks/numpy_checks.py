r"""Pointer Networks, paper 06: the softmax over the inputs is the output distribution.

Vinyals, Fortunato, Jaitly, «Pointer Networks», 2015, arXiv:1506.03134.

    (1)    p(C | P) = prod_i p(C_i | C_1, ..., C_{i-1}, P)
    (2)    theta* = argmax sum log p(C | P):  loss = -mean over examples of log p(C | P), in nats a sequence
    2.1    an LSTM reads P_1, ..., P_n into e_1, ..., e_n; another starts from its last state and gives d_1, ..., d_m
    2.3    u^i_j = v^T tanh(W_1 e_j + W_2 d_i),   p(C_i | ...) = softmax(u^i),   the decoder's next input is P_{C_i}
    (3)    the rival: a^i = softmax(u^i),  d'_i = sum_j a^i_j e_j,  and a dictionary of fixed size reads (d_i, d'_i)

    paper    name here          shape                      paper      name here      shape
    P        points             (batch, input, feature)    W_1        key.weight     (hidden, hidden)
    e_j      encoded            (batch, input, hidden)     W_2        query.weight   (hidden, hidden)
    C_i      target             (batch, output)            v          score.weight   (1, hidden)
    d_i      decoded            (batch, output, hidden)    =>         start          (feature,)
    u^i      scores             (batch, output, 1 + input) <=         stop           (hidden,)
    p(C_i)   probability        (batch, output, choice)    m(P)       target_mask    (batch, output)

Choice j is the point P_j, as in the paper counted from 1; choice 0 is => where it is read and <= where it is pointed at.
The paper gives <= no place among the inputs: here a learned vector `stop` stands for its encoder state.

    reuse   stop    what may be pointed at                          for
    True    True    any point, and <=                               hulls, «where the decoder was unconstrained»
    False   True    points not yet used, and <=                     a partial injection
    False   False   points not yet used                             tours: «only valid tours», and sorting
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {"features": 2, "hidden": 5, "dictionary": 0, "reuse": True, "stop": True}
State = tuple[Array, Array]  # hidden and cell, each (batch, hidden)


def forward(params: Arrays, batch: Arrays, *, features: int, hidden: int, dictionary: int, reuse: bool,
            stop: bool) -> dict[str, Array]:  # fmt: skip
    """The names of the table, in the order of computation; `loss` in nats a sequence. Choices are 0, 1, ..., n of the longest
    input, or 0, ..., `dictionary` where that is not 0. Padding is encoded as zeros.

    Raises ValueError where a target is no choice, and where an input has no point.
    """
    mask, target, real = batch["point_mask"], batch["target"], batch["target_mask"]
    last = dictionary or mask.shape[1]
    if target.min() < 0 or target.max() > last:
        raise ValueError(f"a target of {target.min()} to {target.max()} is no choice: they are 0, the end, to {last}")
    encoded, state = encode(params, batch["points"], mask)  # (batch, input, hidden)
    # C_{i-1}, where C_0 is =>
    previous = np.concatenate([np.zeros_like(target[:, :1]), target[:, :-1]], 1)  # (batch, output)
    decoded, _ = run(params, "decoder", read(params, batch["points"], mask, previous), state)  # (batch, output, hidden)
    keys = candidates(params, encoded)  # (batch, 1 + input, hidden)
    scores = additive(params, keys[:, None], decoded[:, :, None])  # (batch, output, 1 + input)
    if dictionary:
        logits, allowed = from_dictionary(params, encoded, decoded, scores, mask), np.ones((1, 1, 1), bool)
    else:
        logits, allowed = scores, choices(mask, target, real, reuse=reuse, stop=stop)
    log_p = log_softmax(np.where(allowed, logits, -np.inf))  # (batch, output, choice)
    # log p(C_i | C_1, ..., C_{i-1}, P)
    said = np.take_along_axis(log_p, target[..., None], -1)[..., 0]  # (batch, output)
    if np.isneginf(said[real]).any():
        raise ValueError("a target is no choice: it points at padding, at a point that was used, or at a forbidden end")
    # -mean over examples of sum_i log p(C_i | ...)
    loss = -np.where(real, said, 0).sum(1).mean()
    return {
        "encoded": encoded,
        "decoded": decoded,
        "scores": scores,
        "probability": np.exp(log_p),
        "loss": np.asarray(loss),
    }


def encode(params: Arrays, points: Array, mask: Array) -> tuple[Array, State]:
    """e_j (batch, input, hidden), zero at padding, and the state after the last real point."""
    if not mask.any(1).all():
        raise ValueError("an input without any point: nothing can be pointed at")
    zero = np.zeros((len(points), params["encoder.weight_hh_l0"].shape[1]))
    return run(params, "encoder", points, (zero, zero), mask)


def run(params: Arrays, name: str, inputs: Array, state: State, mask: Array | None = None) -> tuple[Array, State]:
    """The hidden states (batch, time, hidden) and the last state. Where `mask` is false the state stays, and zero is put out."""
    seen = []
    for t in range(inputs.shape[1]):
        new = lstm(params, name, inputs[:, t], state)
        here = np.ones((len(inputs), 1), bool) if mask is None else mask[:, t, None]
        state = (np.where(here, new[0], state[0]), np.where(here, new[1], state[1]))
        seen.append(np.where(here, new[0], 0))
    return np.stack(seen, 1), state


def lstm(params: Arrays, name: str, x: Array, state: State) -> State:
    """One step of the cell of room 03; blocks of rows are i, f, g, o."""
    hidden, cell = state
    gates = x @ params[f"{name}.weight_ih_l0"].T + params[f"{name}.bias_ih_l0"]
    gates = gates + hidden @ params[f"{name}.weight_hh_l0"].T + params[f"{name}.bias_hh_l0"]
    i, f, g, o = np.split(gates, 4, 1)  # each (batch, hidden)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    # h_t = σ(o) * tanh(c_t)
    return sigmoid(o) * np.tanh(cell), cell


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), which never overflows."""
    small = np.exp(-np.abs(a))
    return np.where(a < 0, small, 1) / (1 + small)


def read(params: Arrays, points: Array, mask: Array, choice: Array) -> Array:
    """What the decoder reads: => for choice 0, the point itself for the others, zeros for a name of no point of the input, which a
    dictionary may hold. choice (batch, ...)."""
    start = np.broadcast_to(params["start"], (len(points), 1, points.shape[2]))
    known = np.where(mask[..., None], points, 0)
    table = np.concatenate([start, known, np.zeros_like(start)], 1)  # (batch, 1 + input + 1, feature)
    return table[np.arange(len(points))[:, None], np.minimum(choice, table.shape[1] - 1)]


def candidates(params: Arrays, encoded: Array) -> Array:
    """<= and the encoded points, (batch, 1 + input, hidden)."""
    end = np.broadcast_to(params["stop"], (len(encoded), 1, encoded.shape[2]))
    return np.concatenate([end, encoded], 1)


def additive(params: Arrays, keys: Array, queries: Array) -> Array:
    # u^i_j = v^T tanh(W_1 e_j + W_2 d_i)
    inner = np.tanh(keys @ params["key.weight"].T + queries @ params["query.weight"].T)  # (..., hidden)
    return (inner @ params["score.weight"].T)[..., 0]


def choices(mask: Array, target: Array, real: Array, *, reuse: bool, stop: bool) -> Array:
    """What may be pointed at, (batch, output, 1 + input). Behind the end of a target it is <= alone."""
    points = np.broadcast_to(mask[:, None], (*target.shape, mask.shape[1]))  # (batch, output, input)
    if not reuse:
        chosen = target[:, :, None] == np.arange(1, mask.shape[1] + 1)  # (batch, output, input)
        used = np.cumsum(chosen, 1) - chosen > 0  # before step i
        points = points & ~used
    end = np.broadcast_to(stop | ~real, target.shape)
    return np.concatenate([end[:, :, None], points & real[:, :, None]], 2)


def from_dictionary(params: Arrays, encoded: Array, decoded: Array, scores: Array, mask: Array) -> Array:
    """Logits (batch, output, 1 + dictionary) of the rival that attends to the points, and names one of a fixed number."""
    # a^i = softmax(u^i) over the points alone
    weights = np.exp(log_softmax(np.where(mask[:, None], scores[..., 1:], -np.inf)))  # (batch, output, input)
    # d'_i = sum_j a^i_j e_j
    both = np.concatenate([decoded, weights @ encoded], 2)  # (batch, output, 2 hidden)
    return both @ params["readout.weight"].T + params["readout.bias"]


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def shapes(*, features: int, hidden: int, dictionary: int, **_: Any) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter."""
    found: dict[str, tuple[int, ...]] = {}
    for name in ("encoder", "decoder"):
        found |= {f"{name}.weight_ih_l0": (4 * hidden, features), f"{name}.weight_hh_l0": (4 * hidden, hidden)}
        found |= {f"{name}.bias_ih_l0": (4 * hidden,), f"{name}.bias_hh_l0": (4 * hidden,)}
    found |= {"start": (features,), "stop": (hidden,), "key.weight": (hidden, hidden)}
    found |= {"query.weight": (hidden, hidden), "score.weight": (1, hidden)}
    if dictionary:
        found |= {"readout.weight": (dictionary + 1, 2 * hidden), "readout.bias": (dictionary + 1,)}
    return found


def problem(seed: int = 0) -> Problem:
    """Two point sets, of 4 points and of 2 or 3; one target of 3 steps, <= included, and one of 2."""
    rng = np.random.default_rng([6, seed])
    lengths = [int(rng.integers(2, 4)), 4]
    targets = [[*(1 + rng.permutation(lengths[0])[:2]), 0], [int(rng.integers(1, 5)), 0]]
    return drawn(rng, lengths, targets, CONFIG)


def drawn(rng: np.random.Generator, lengths: list[int], targets: list[list[int]], config: dict[str, Any],
          size: float = 1.0) -> Problem:  # fmt: skip
    """Point sets of these lengths with these targets; numbers stand in the padding too, and must not matter."""
    width, steps = max(lengths), max(map(len, targets))
    point_mask = np.arange(width) < np.array(lengths)[:, None]  # (batch, input)
    target_mask = np.arange(steps) < np.array([len(target) for target in targets])[:, None]  # (batch, output)
    batch = {
        "points": rng.normal(size=(len(lengths), width, config["features"])),
        "point_mask": point_mask,
        "target": np.array([target + [0] * (steps - len(target)) for target in targets]),
        "target_mask": target_mask,
    }
    params = {name: size * rng.normal(0, 0.8, shape) for name, shape in shapes(**config).items()}
    return Problem(config, params, batch, learning_rate=0.1)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
