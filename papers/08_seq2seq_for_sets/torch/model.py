r"""Read, process and write as PyTorch modules, paper 08 (Vinyals, Bengio, Kudlur, 2015); sets as outputs stand in `orders.py`.

    4.3    m_i = a small network of x_i                                                     read
    (3)    q_t = LSTM(q*_{t-1}), which takes no inputs; q*_0 = 0                            process
    (4-7)  e_i = m_i . q_t,  a = softmax(e),  r_t = sum_i a_i m_i,  q*_t = [q_t r_t]
    4.3    d_j = LSTM(m_{C_{j-1}}, d_{j-1}),  d_0 = W_0 q*_P,  g_j read as r_t is, with d_j  write
           u_ij = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j),  p(C_j | ...) = softmax(u_j)

    paper     name here                     paper       name here
    m, q*_P   memory, context               W_0, v      context.weight, score.weight
    a         attention                     W_1..W_3    key.weight, query.weight, glimpse.weight

`ordered` is the rival, Ptr-Net: the memory is what an LSTM makes of the elements in the order given.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from s30.room import sibling

orders = sibling(__file__, "orders.py")

State = tuple[Tensor, Tensor]  # hidden and cell, each (layer, batch, hidden)


class SetToSequence(nn.Module):
    def __init__(self, features: int, hidden: int, steps: int, glimpse: bool, ordered: bool, reuse: bool) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, hidden))
        if ordered:
            self.encoder = nn.LSTM(hidden, hidden, batch_first=True)
        else:
            self.process = nn.Linear(2 * hidden, 4 * hidden)
            self.context = nn.Linear(2 * hidden, hidden, bias=False)
        self.write = nn.LSTM(hidden, hidden, batch_first=True)
        self.start = nn.Parameter(torch.empty(hidden).uniform_(-0.08, 0.08))
        self.key, self.query = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        if glimpse:
            self.glimpse = nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.steps, self.glimpses, self.ordered, self.reuse = steps, glimpse, ordered, reuse

    def pointing(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of `numpy_checks.pointing`. Raises ValueError where a target is no choice, and where a set is empty."""
        mask, target, real = (batch[name] for name in ("point_mask", "target", "target_mask"))
        memory, context, state, attention = self.encode(batch["points"], mask)
        # m_{C_{j-1}}, and `start` at the first step
        given = memory.take_along_dim(target[:, :-1, None], 1)
        decoded, _ = self.write(torch.cat([self.first(memory), given], 1), state)  # (batch, output, hidden)
        scores = self.pointers(memory, decoded, mask)  # (batch, output, input)
        log_p = scores.masked_fill(~self.choices(mask, target, real), -math.inf).log_softmax(-1)
        # log p(C_j | C_1, ..., C_{j-1}, X)
        said = log_p.gather(-1, target[..., None])[..., 0]  # (batch, output)
        if said[real].isneginf().any():
            raise ValueError("a target is no choice: it points at padding, or at an element that was used")
        # -mean over examples of sum_j log p(C_j | ...)
        loss = -said.masked_fill(~real, 0).sum(1).mean()
        return {
            "memory": memory, **attention, "context": context, "decoded": decoded, "scores": scores, "probability": log_p.exp(),
            "loss": loss,
        }  # fmt: skip

    def encode(self, points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, State, dict[str, Tensor]]:
        """The memory, the context (batch, 2 hidden), the state from which is written, and the attention of every step."""
        if not mask.any(1).all():
            raise ValueError("an empty set: there is nothing to attend to")
        memory = self.read(points)  # (batch, input, hidden)
        if self.ordered:
            packed = pack_padded_sequence(memory, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
            out, state = self.encoder(packed)
            memory = pad_packed_sequence(out, batch_first=True, total_length=points.shape[1])[0]
            return memory, torch.cat([state[0][0], state[1][0]], 1), state, {}
        memory = memory.masked_fill(~mask[..., None], 0)
        cell = torch.zeros_like(memory[:, 0])
        read, seen = torch.cat([cell, cell], 1), []  # q*_0
        for _ in range(self.steps):
            # q_t = LSTM(q*_{t-1}); blocks of rows are i, f, g, o
            i, f, g, o = self.process(read).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            query = o.sigmoid() * cell.tanh()
            weights, glimpsed = attend(memory, query[:, None], mask)
            # q*_t = [q_t r_t]
            read = torch.cat([query, glimpsed[:, 0]], 1)
            seen.append(weights)
        attention = {"attention": torch.cat(seen, 1)} if seen else {}
        # d_0 = W_0 q*_P
        hidden = self.context(read)[None]
        return memory, read, (hidden, torch.zeros_like(hidden)), attention

    def first(self, memory: Tensor) -> Tensor:
        return self.start.expand(len(memory), 1, -1)

    def pointers(self, memory: Tensor, decoded: Tensor, mask: Tensor) -> Tensor:
        """u (batch, output, input), whatever may be pointed at."""
        query = self.query(decoded)
        if self.glimpses:
            query = query + self.glimpse(attend(memory, decoded, mask)[1])
        # u_ij = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j)
        return self.score(torch.tanh(self.key(memory)[:, None] + query[:, :, None])).squeeze(-1)

    def choices(self, mask: Tensor, target: Tensor, real: Tensor) -> Tensor:
        """What may be pointed at, (batch, output, input). Behind the end of a target, all elements."""
        chosen = F.one_hot(target, mask.shape[1])
        unused = (chosen.cumsum(1) - chosen) == 0
        return mask[:, None] & (unused | self.reuse | ~real[..., None])


def attend(memory: Tensor, queries: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Equations (4) to (6): the weights (batch, query, input), and what is read (batch, query, hidden)."""
    # e_i = m_i . q,  a = softmax(e)
    weights = (queries @ memory.mT).masked_fill(~mask[:, None], -math.inf).softmax(-1)
    # r = sum_i a_i m_i
    return weights, weights @ memory


class Model(SetToSequence):
    """Both halves of the paper: a set that is read, and a set that is written in some order."""

    def __init__(self, variables: int, symbols: int, told: bool, **config: Any) -> None:
        super().__init__(**config)
        self.joint = orders.Joint(config["hidden"], variables, symbols, told)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names; the loss is the sum of both."""
        written, joint = self.pointing(batch), self.joint(batch["values"], batch["order"])
        return {**written, **joint, "loss": written["loss"] + joint["loss"]}
