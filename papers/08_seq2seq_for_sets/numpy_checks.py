r"""Order Matters: Sequence to sequence for sets, paper 08: a set is read, processed and pointed at; a set is written in some order.

Vinyals, Bengio, Kudlur, «Order Matters: Sequence to sequence for sets», 2015, arXiv:1511.06391.

    4.3    m_i = a small network of x_i, the same for all i                                  read
    (3)    q_t = LSTM(q*_{t-1}), which takes no inputs; q*_0 = 0                             process, P steps
    (4)    e_{i,t} = m_i . q_t         (5)  a_{i,t} = exp(e_{i,t}) / sum_j exp(e_{j,t})
    (6)    r_t = sum_i a_{i,t} m_i     (7)  q*_t = [q_t r_t]
    4.3    d_j = LSTM(m_{C_{j-1}}, d_{j-1}) from d_0 = W_0 q*_P; a glimpse g_j = eqs. (4)-(6) for the query d_j
           u_{ij} = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j),  p(C_j | ...) = softmax(u_j)      write
    (8)    P(y_1, ..., y_T) = prod_t P(y_t | y_1, ..., y_{t-1}), here in any order: `orders.py`

    paper    name here     shape                      paper     name here         shape
    x_i      points        (batch, input, feature)    W_0       context.weight    (hidden, 2 hidden)
    m_i      memory        (batch, input, hidden)     W_1       key.weight        (hidden, hidden)
    a_{i,t}  attention     (batch, P, input)          W_2, W_3  query.weight, glimpse.weight
    q*_P     context       (batch, 2 hidden)          v         score.weight      (1, hidden)
    d_j      decoded       (batch, output, hidden)    C_j       target            (batch, output), from 0
    p(C_j)   probability   (batch, output, input)     P         steps

    steps, glimpse   the columns of table 1
    ordered          the rival of table 1, Ptr-Net: m_i are the states of an LSTM that reads in the order given; d starts from its last
    reuse            whether an element may be pointed at twice
    told             whether the order of the variables is given; else each variable is chosen with its value
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "features": 2, "hidden": 5, "steps": 2, "glimpse": True, "ordered": False, "reuse": False, "variables": 3, "symbols": 2, "told": False,
}  # fmt: skip
State = tuple[Array, Array]  # hidden and cell, each (batch, hidden)


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """The names of the table, then those of `orders.joint`; `loss` is the sum of both, each a mean over examples in nats.

    Raises ValueError where a target is no choice, where an order names a variable twice, and where a set is empty.
    """
    written = pointing(params, batch, **config)
    joint = sibling(__file__, "orders.py").joint(params, batch["values"], batch["order"], **config)
    return {**written, **joint, "loss": written["loss"] + joint["loss"]}


def pointing(
    params: Arrays, batch: Arrays, *, steps: int, glimpse: bool, ordered: bool, reuse: bool, **_: Any
) -> dict[str, Array]:
    """From a set to a sequence of its elements. The memory of padding is zero, and nothing attends to it."""
    mask, target, real = batch["point_mask"], batch["target"], batch["target_mask"]
    memory, context, state, attention = encode(params, batch["points"], mask, steps=steps, ordered=ordered)
    # m_{C_{j-1}}, and `start` at the first step
    given = np.concatenate([start(params, memory), np.take_along_axis(memory, target[:, :-1, None], 1)], 1)
    decoded, _ = run(params, "write", given, state)  # (batch, output, hidden)
    scores = pointers(params, memory, decoded, mask, glimpse=glimpse)  # (batch, output, input)
    log_p = log_softmax(np.where(choices(mask, target, real, reuse=reuse), scores, -np.inf))
    # log p(C_j | C_1, ..., C_{j-1}, X)
    said = np.take_along_axis(log_p, target[..., None], -1)[..., 0]  # (batch, output)
    if np.isneginf(said[real]).any():
        raise ValueError("a target is no choice: it points at padding, or at an element that was used")
    # -mean over examples of sum_j log p(C_j | ...)
    loss = -np.where(real, said, 0).sum(1).mean()
    return {
        "memory": memory, **attention, "context": context, "decoded": decoded, "scores": scores, "probability": np.exp(log_p),
        "loss": np.asarray(loss),
    }  # fmt: skip


def encode(
    params: Arrays, points: Array, mask: Array, *, steps: int, ordered: bool
) -> tuple[Array, Array, State, dict[str, Array]]:
    """The memory, the context (batch, 2 hidden), the state from which is written, and the attention of every step."""
    if not mask.any(1).all():
        raise ValueError("an empty set: there is nothing to attend to")
    # m_i = A_2 tanh(A_1 x_i + b_1) + b_2
    inner = np.tanh(points @ params["read.0.weight"].T + params["read.0.bias"])
    memory = inner @ params["read.2.weight"].T + params["read.2.bias"]  # (batch, input, hidden)
    zero = np.zeros((len(points), memory.shape[2]))
    if ordered:
        memory, state = run(params, "encoder", memory, (zero, zero), mask)
        return memory, np.concatenate(state, 1), state, {}
    memory = np.where(mask[..., None], memory, 0)
    read, cell, seen = np.concatenate([zero, zero], 1), zero, []  # q*_0, and the cell
    for _ in range(steps):
        # q_t = LSTM(q*_{t-1})
        query, cell = gated(read @ params["process.weight"].T + params["process.bias"], cell)
        weights, glimpsed = attend(memory, query[:, None], mask)
        # q*_t = [q_t r_t]
        read = np.concatenate([query, glimpsed[:, 0]], 1)
        seen.append(weights)
    attention = {"attention": np.concatenate(seen, 1)} if steps else {}
    # d_0 = W_0 q*_P
    return memory, read, (read @ params["context.weight"].T, zero), attention


def attend(memory: Array, queries: Array, mask: Array) -> tuple[Array, Array]:
    """Equations (4) to (6) for queries (batch, query, hidden): the weights (batch, query, input), and what is read."""
    # e_i = m_i . q,  a = softmax(e)
    weights = np.exp(log_softmax(np.where(mask[:, None], queries @ memory.transpose(0, 2, 1), -np.inf)))
    # r = sum_i a_i m_i
    return weights, weights @ memory


def pointers(params: Arrays, memory: Array, decoded: Array, mask: Array, *, glimpse: bool) -> Array:
    """u (batch, output, input), whatever may be pointed at."""
    query = decoded @ params["query.weight"].T  # (batch, output, hidden)
    if glimpse:
        query = query + attend(memory, decoded, mask)[1] @ params["glimpse.weight"].T
    # u_{ij} = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j)
    inner = np.tanh((memory @ params["key.weight"].T)[:, None] + query[:, :, None])  # (batch, output, input, hidden)
    return (inner @ params["score.weight"].T)[..., 0]


def choices(mask: Array, target: Array, real: Array, *, reuse: bool) -> Array:
    """What may be pointed at, (batch, output, input): elements, and unless `reuse` only unused ones. Behind the end, all elements."""
    chosen = target[:, :, None] == np.arange(mask.shape[1])  # (batch, output, input)
    used = np.cumsum(chosen, 1) - chosen > 0  # before step j
    return mask[:, None] & (~used | reuse | ~real[:, :, None])


def start(params: Arrays, memory: Array) -> Array:
    return np.broadcast_to(params["start"], (len(memory), 1, memory.shape[2]))


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
    """One step of the cell of room 03, with inputs; blocks of rows are i, f, g, o."""
    gates = x @ params[f"{name}.weight_ih_l0"].T + params[f"{name}.bias_ih_l0"]
    return gated(gates + state[0] @ params[f"{name}.weight_hh_l0"].T + params[f"{name}.bias_hh_l0"], state[1])


def gated(gates: Array, cell: Array) -> State:
    """The new hidden state and cell."""
    i, f, g, o = np.split(gates, 4, 1)  # each (batch, hidden)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    # h_t = σ(o) * tanh(c_t)
    return sigmoid(o) * np.tanh(cell), cell


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), which never overflows."""
    result: Array = np.exp(-np.logaddexp(0.0, -a))
    return result


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def shapes(
    *, features: int, hidden: int, glimpse: bool, ordered: bool, variables: int, symbols: int, **_: Any
) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter."""
    return set_shapes(features, hidden, glimpse, ordered) | joint_shapes(hidden, variables, symbols)


def set_shapes(features: int, hidden: int, glimpse: bool, ordered: bool) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {"read.0.weight": (hidden, features), "read.0.bias": (hidden,)}
    found |= {"read.2.weight": (hidden, hidden), "read.2.bias": (hidden,)}
    if ordered:
        found |= lstm_shapes("encoder", hidden)
    else:
        found |= {"process.weight": (4 * hidden, 2 * hidden), "process.bias": (4 * hidden,)}
        found |= {"context.weight": (hidden, 2 * hidden)}
    found |= {**lstm_shapes("write", hidden), "start": (hidden,), "key.weight": (hidden, hidden)}
    found |= {"query.weight": (hidden, hidden), "score.weight": (1, hidden)}
    return found | ({"glimpse.weight": (hidden, hidden)} if glimpse else {})


def joint_shapes(hidden: int, variables: int, symbols: int) -> dict[str, tuple[int, ...]]:
    count = variables * symbols
    return {
        "joint.embedding.weight": (count, hidden), "joint.start": (hidden,), **lstm_shapes("joint.lstm", hidden),
        "joint.readout.weight": (count, hidden), "joint.readout.bias": (count,),
    }  # fmt: skip


def lstm_shapes(name: str, hidden: int) -> dict[str, tuple[int, ...]]:
    parts = {"weight_ih_l0": (4 * hidden, hidden), "weight_hh_l0": (4 * hidden, hidden)}
    return {
        f"{name}.{part}": shape
        for part, shape in {**parts, "bias_ih_l0": (4 * hidden,), "bias_hh_l0": (4 * hidden,)}.items()
    }


def problem(seed: int = 0) -> Problem:
    """Two sets, of 4 elements and of 2 or 3; three of the former are pointed at, two of the latter. And two settings of 3 variables."""
    rng = np.random.default_rng([8, seed])
    lengths = [int(rng.integers(2, 4)), 4]
    return drawn(rng, lengths, [list(rng.permutation(lengths[0])[:2]), list(rng.permutation(4)[:3])], CONFIG)


def drawn(rng: np.random.Generator, lengths: list[int], targets: list[list[int]], config: dict[str, Any]) -> Problem:
    """Sets of these sizes with these targets; numbers stand in the padding too, and must not matter."""
    width, outputs, count = max(lengths), max(map(len, targets)), len(lengths)
    batch = {
        "points": rng.normal(size=(count, width, config["features"])),
        "point_mask": np.arange(width) < np.array(lengths)[:, None],  # (batch, input)
        "target": np.array([list(target) + [0] * (outputs - len(target)) for target in targets]),
        "target_mask": np.arange(outputs) < np.array([len(target) for target in targets])[:, None],  # (batch, output)
        "values": rng.integers(0, config["symbols"], (count, config["variables"])),
        "order": np.array([rng.permutation(config["variables"]) for _ in range(count)]),
    }
    while count > 1 and any((batch[name] == batch[name][:1]).all() for name in ("values", "order")):
        batch["values"] = rng.integers(0, config["symbols"], (count, config["variables"]))
        batch["order"] = np.array([rng.permutation(config["variables"]) for _ in range(count)])
    params = {name: rng.normal(0, 0.8, shape) for name, shape in shapes(**config).items()}
    return Problem(config, params, batch, learning_rate=0.1)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
