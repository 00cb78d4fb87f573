r"""Read, process and write in tinygrad, paper 08 (Vinyals, Bengio, Kudlur, 2015): the chains unrolled; sets as outputs beside them.

    4.3    m_i = a small network of x_i                                                     read
    (3)    q_t = LSTM(q*_{t-1}), which takes no inputs; q*_0 = 0                            process
    (4-7)  e_i = m_i . q_t,  a = softmax(e),  r_t = sum_i a_i m_i,  q*_t = [q_t r_t]
    4.3    d_j = LSTM(m_{C_{j-1}}, d_{j-1}),  d_0 = W_0 q*_P,  g_j read as r_t is, with d_j  write
           u_ij = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j),  p(C_j | ...) = softmax(u_j)
    (8)    P(y_1, ..., y_T) = prod_t P(y_t | y_1, ..., y_{t-1}) in a given order

    paper     name here                     paper       name here
    m, q*_P   memory, context               W_0, v      context.weight, score.weight
    a         attention                     W_1..W_3    key.weight, query.weight, glimpse.weight

A graph cannot refuse bad input: its loss is infinite.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad import Tensor, nn


class LSTM:
    """Names and blocks of rows (i, f, g, o) as in `torch.nn`."""

    def __init__(self, hidden: int) -> None:
        bound, rows = hidden**-0.5, 4 * hidden
        self.weight_ih_l0 = Tensor.uniform(rows, hidden, low=-bound, high=bound)
        self.weight_hh_l0 = Tensor.uniform(rows, hidden, low=-bound, high=bound)
        self.bias_ih_l0 = Tensor.uniform(rows, low=-bound, high=bound)
        self.bias_hh_l0 = Tensor.uniform(rows, low=-bound, high=bound)

    def __call__(
        self, inputs: Tensor, hidden: Tensor, cell: Tensor, mask: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """inputs (batch, time, hidden) -> what is put out at each time, and the last state; where `mask` is false it stays."""
        given, seen = stored(inputs.linear(self.weight_ih_l0.T, self.bias_ih_l0)), []  # all steps at once
        for t in range(inputs.shape[1]):
            new = gated(given[:, t] + hidden.linear(self.weight_hh_l0.T, self.bias_hh_l0), cell)
            here = None if mask is None else mask[:, t : t + 1]
            hidden, cell = (
                new if here is None else (stored(here.where(a, b)) for a, b in zip(new, (hidden, cell), strict=True))
            )
            seen.append(new[0] if here is None else here.where(new[0], 0))
        return seen, hidden, cell


def gated(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = within(stored(gates)).chunk(4, dim=1)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g),  h_t = σ(o) * tanh(c_t)
    cell = stored(f.sigmoid() * cell + i.sigmoid() * g.tanh())
    return stored(o.sigmoid() * cell.tanh()), cell


def within(values: Tensor) -> Tensor:
    """In [-300, 300], beyond which sigmoid and tanh are flat: tinygrad has them by exp, whose overflow has no derivative."""
    return values.clip(-300, 300)


def stored(values: Tensor) -> Tensor:
    """Written to memory on the way there and back, so that no step's kernel grows over the steps before it."""
    return values.contiguous().contiguous_backward()


def attend(memory: Tensor, queries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    # e_i = m_i . q,  a = softmax(e),  r = sum_i a_i m_i
    scores = stored(queries @ memory.transpose(1, 2))
    weights = stored(mask.unsqueeze(1).where(scores, -math.inf).softmax())  # (batch, query, input)
    return weights, weights @ memory


class Read:
    """The small network, under the names that a list of layers gives in `torch.nn`."""

    def __init__(self, features: int, hidden: int) -> None:
        setattr(self, "0", nn.Linear(features, hidden))
        setattr(self, "2", nn.Linear(hidden, hidden))

    def __call__(self, points: Tensor) -> Tensor:
        return getattr(self, "2")(getattr(self, "0")(points).tanh())


class Joint:
    def __init__(self, hidden: int, variables: int, symbols: int, told: bool) -> None:
        self.embedding = nn.Embedding(variables * symbols, hidden)
        self.start = Tensor.uniform(hidden, low=-0.08, high=0.08)
        self.lstm, self.readout = LSTM(hidden), nn.Linear(hidden, variables * symbols)
        self.variables, self.symbols, self.told = variables, symbols, told

    def __call__(self, values: Tensor, order: Tensor) -> dict[str, Tensor]:
        """The outputs of `orders.joint` in NumPy."""
        batch, steps = order.shape
        chosen = order.one_hot(self.variables)  # (batch, step, variable)
        used = (chosen.cumsum(1) - chosen) > 0
        # the pair (variable, value) that is written at each step
        pair = chosen.unsqueeze(3).cast("bool") & values.one_hot(self.symbols).unsqueeze(1).cast("bool")
        pair = pair.reshape(batch, steps, -1)  # (batch, step, pair)
        start = self.start.reshape(1, 1, -1).expand(batch, 1, -1)
        written = pair.cast(start.dtype) @ self.embedding.weight
        zero = Tensor.zeros(batch, start.shape[2])
        seen, _, _ = self.lstm(start.cat(written[:, :-1], dim=1) if steps > 1 else start, zero, zero)
        known = stored(Tensor.stack(*seen, dim=1))  # (batch, step, hidden)
        left = chosen.cast("bool") if self.told else used.logical_not()
        left = left.unsqueeze(3).expand(-1, -1, -1, self.symbols).reshape(*pair.shape)
        log_p = left.where(self.readout(known), -math.inf).log_softmax()
        # -mean over examples of sum_t log p(y_t | y_1, ..., y_{t-1})
        twice = (used & chosen.cast("bool")).any(2).where(-math.inf, 0.0)
        loss = -(pair.where(log_p, 0).sum(2) + twice).sum(1).mean()
        return {
            "known": known,
            "joint_probability": log_p.exp().reshape(batch, steps, self.variables, self.symbols),
            "loss": loss,
        }


class Model:
    def __init__(
        self, features: int, hidden: int, steps: int, glimpse: bool, ordered: bool, reuse: bool, **joint: Any
    ) -> None:
        self.read = Read(features, hidden)
        if ordered:
            self.encoder = LSTM(hidden)
        else:
            self.process, self.context = nn.Linear(2 * hidden, 4 * hidden), nn.Linear(2 * hidden, hidden, bias=False)
        self.write, self.start = LSTM(hidden), Tensor.uniform(hidden, low=-0.08, high=0.08)
        self.key, self.query = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.glimpse = nn.Linear(hidden, hidden, bias=False) if glimpse else None
        self.score = nn.Linear(hidden, 1, bias=False)
        self.steps, self.ordered, self.reuse = steps, ordered, reuse
        self.joint = Joint(hidden, **joint)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        mask, target, real = (batch[name] for name in ("point_mask", "target", "target_mask"))
        memory, context, state, attention = self.encode(batch["points"], mask)
        # d_j, from `start` or m_{C_{j-1}}
        chosen = target.one_hot(mask.shape[1])  # (batch, output, input)
        given = self.start.reshape(1, 1, -1).expand(len(memory), 1, -1)
        if target.shape[1] > 1:
            given = given.cat(chosen[:, :-1].cast(memory.dtype) @ memory, dim=1)
        seen, _, _ = self.write(given, *state)
        decoded = stored(Tensor.stack(*seen, dim=1))  # (batch, output, hidden)
        # u_ij = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j)
        query = self.query(decoded)
        if self.glimpse is not None:
            query = query + self.glimpse(attend(memory, decoded, mask)[1])
        scores = stored(
            self.score(within(self.key(memory).unsqueeze(1) + query.unsqueeze(2)).tanh()).squeeze(-1)
        )  # (batch, output, input)
        unused = (chosen.cumsum(1) - chosen) == 0
        may = mask.unsqueeze(1) & (unused | self.reuse | real.logical_not().unsqueeze(2))
        log_p = may.where(scores, -math.inf).log_softmax()
        # -mean over examples of sum_j log p(C_j | ...)
        said = chosen.where(log_p, 0).sum(2)
        loss = -(real.where(said, 0).sum(1) + mask.any(1).where(0.0, -math.inf)).mean()
        written = {
            "memory": memory,
            **attention,
            "context": context,
            "decoded": decoded,
            "scores": scores,
            "probability": log_p.exp(),
        }
        joint = self.joint(batch["values"], batch["order"])
        return {**written, **joint, "loss": loss + joint["loss"]}

    def encode(self, points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], dict[str, Tensor]]:
        """The memory, the context (batch, 2 hidden), the state from which is written, and the attention of every step."""
        memory = stored(self.read(points))  # (batch, input, hidden)
        # stored: TinyJit replays steps that begin at a constant wrongly
        zero = Tensor.zeros(len(points), memory.shape[2], dtype=memory.dtype).contiguous()
        if self.ordered:
            seen, hidden, cell = self.encoder(memory, zero, zero, mask)
            return stored(Tensor.stack(*seen, dim=1)), hidden.cat(cell, dim=1), (hidden, cell), {}
        memory = stored(mask.unsqueeze(2).where(memory, 0))
        read, cell, weights = zero.cat(zero, dim=1), zero, []  # q*_0
        for _ in range(self.steps):
            # q_t = LSTM(q*_{t-1}),  q*_t = [q_t r_t]
            query, cell = gated(self.process(read), cell)
            weight, glimpsed = attend(memory, query.unsqueeze(1), mask)
            read = stored(query.cat(glimpsed.squeeze(1), dim=1))
            weights.append(weight)
        # d_0 = W_0 q*_P
        attention = {"attention": weights[0].cat(*weights[1:], dim=1)} if weights else {}
        return memory, read, (self.context(read), zero), attention
