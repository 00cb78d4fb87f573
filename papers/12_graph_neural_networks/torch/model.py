r"""The message passing network as PyTorch modules, paper 12 (Gilmer et al., 2017).

    (1)    m_v = [sum over edges w -> v of A_in(e) h_w ; sum over edges v -> w of A_out(e) h_w],  A(e) the edge network
    (2)    h_v = GRU(h_v, m_v), the same weights in all rounds;  `nn.GRUCell` resets after the matrix U, Cho et al. before it
    5.3    n_v = P (h_v^T, x_v);  q_t = LSTM(q*_{t-1}),  a_t = softmax_v(n_v . q_t),  q*_t = [q_t; sum_v a_tv n_v]
    (3)    y = W_2 relu(W_1 q*_M + b_1) + b_2
    (4)    with readout "gated":  y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T);    with "sum":  q* is sum_v n_v

    symbol    name here                     symbol      name here
    A_in      edge_in.hidden, .matrix       P, n_v      project, memories
    A_out     edge_out                      LSTM        set2set.gates, rows i, f, g, o
    W, U      gru.message, gru.state        W_1, W_2    output.hidden, output.prediction
    i, j      gate, value                   q*_M        embedding

Masks are boolean, true = is there. A padded vertex has the state zero, a padded edge sends nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EdgeNetwork(nn.Module):
    """A(e), (..., hidden, hidden), from the edge's features (..., bond)."""

    def __init__(self, bond: int, edge_hidden: int, hidden: int) -> None:
        super().__init__()
        self.hidden, self.matrix = nn.Linear(bond, edge_hidden), nn.Linear(edge_hidden, hidden * hidden)
        self.side = hidden

    def forward(self, bonds: Tensor) -> Tensor:
        return self.matrix(self.hidden(bonds).relu()).unflatten(-1, (self.side, self.side))


class GRU(nn.Module):
    """The gated unit of Cho et al., rows z, r, h~; z keeps the old state."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.message, self.state = nn.Linear(2 * hidden, 3 * hidden), nn.Linear(hidden, 3 * hidden, bias=False)

    def forward(self, m: Tensor, h: Tensor) -> Tensor:
        width = h.shape[-1]
        gates, new = self.message(m).tensor_split([2 * width], -1)
        U, U_new = self.state.weight.tensor_split([2 * width])
        # z = sigma(W_z m + U_z h),  r = sigma(W_r m + U_r h)
        z, r = (gates + F.linear(h, U)).sigmoid().chunk(2, -1)
        # h~ = tanh(W m + U [r h]);  z h + (1 - z) h~
        return (new + F.linear(r * h, U_new)).tanh().lerp(h, z)


class Set2Set(nn.Module):
    """Section 5.3, equations (3) to (7) of Vinyals et al. (2015): an LSTM that reads nothing but its own q* and the set."""

    def __init__(self, memory: int, steps: int) -> None:
        super().__init__()
        self.gates, self.steps = nn.Linear(2 * memory, 4 * memory), steps

    def forward(self, memories: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """q*_M (graph, 2 memory) and a (graph, step, vertex)."""
        cell = memories.new_zeros(len(memories), memories.shape[-1])
        star, found = torch.cat([cell, cell], -1), []
        for _ in range(self.steps):
            # q_t = LSTM(q*_{t-1})
            i, f, g, o = self.gates(star).chunk(4, -1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            q = o.sigmoid() * cell.tanh()
            # a_t = softmax_v(n_v . q_t)
            weights = (memories @ q[..., None]).squeeze(-1).masked_fill(~mask, -math.inf).softmax(-1)
            # q*_t = [q_t; sum_v a_tv n_v]
            star = torch.cat([q, (weights[:, None] @ memories).squeeze(1)], -1)
            found.append(weights)
        return star, torch.stack(found, 1)


class Output(nn.Module):
    """W_2 relu(W_1 q* + b_1) + b_2."""

    def __init__(self, embedding: int, hidden: int, targets: int) -> None:
        super().__init__()
        self.hidden, self.prediction = nn.Linear(embedding, hidden), nn.Linear(hidden, targets)

    def forward(self, embedding: Tensor) -> Tensor:
        return self.prediction(self.hidden(embedding).relu())


class Model(nn.Module):
    def __init__(self, features: int, bond: int, edge_hidden: int, hidden: int, memory: int, output_hidden: int, targets: int,
                 rounds: int, steps: int, readout: str) -> None:  # fmt: skip
        super().__init__()
        self.padding, self.rounds, self.readout = hidden - features, rounds, readout
        if rounds:
            self.edge_in, self.edge_out = (EdgeNetwork(bond, edge_hidden, hidden) for _ in range(2))
            self.gru = GRU(hidden)
        if readout == "gated":
            self.gate, self.value = nn.Linear(hidden + features, targets), nn.Linear(hidden, targets)
        else:
            self.project = nn.Linear(hidden + features, memory)
            self.set2set = Set2Set(memory, steps) if readout == "set2set" else None
            self.output = Output(2 * memory if readout == "set2set" else memory, output_hidden, targets)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names. Raises ValueError where a graph has no vertex."""
        atoms, mask = batch["atoms"], batch["vertex_mask"]
        if not mask.any(-1).all():
            raise ValueError("readout: a graph has no vertex: its mask row is false throughout")
        there = mask[..., None]
        # h_v^0 = [x_v; 0]
        h, found, trace = F.pad(atoms, (0, self.padding)) * there, {}, []
        if self.rounds:
            channels = self.edge_in(batch["bonds"]), self.edge_out(batch["bonds"])
            for _ in range(self.rounds):
                m = messages(channels, h, batch)
                h = self.gru(m, h) * there  # (graph, vertex, hidden)
                trace.append((m, h))
            found["messages"], found["states"] = (torch.stack(values, 1) for values in zip(*trace, strict=True))
        both = torch.cat([h, atoms], -1)  # (h_v^T, x_v)
        if self.readout == "gated":
            # y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T)
            prediction = (self.gate(both).sigmoid() * self.value(h) * there).sum(1)
        else:
            found["memories"] = self.project(both) * there  # (graph, vertex, memory)
            if self.set2set is not None:
                found["embedding"], found["attention"] = self.set2set(found["memories"], mask)
            else:
                found["embedding"] = found["memories"].sum(1)
            prediction = self.output(found["embedding"])  # (graph, target)
        # loss = mean (y - target)^2
        return {**found, "prediction": prediction, "loss": F.mse_loss(prediction, batch["target"])}


def messages(channels: tuple[Tensor, Tensor], h: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """m (graph, vertex, 2 hidden): what comes along incoming edges, then along outgoing ones."""
    found = []
    ends = (batch["source"], batch["target_vertex"]), (batch["target_vertex"], batch["source"])
    for A, (begin, end) in zip(channels, ends, strict=True):
        at = begin[..., None].expand(-1, -1, h.shape[-1])
        # A(e) h_w
        sent = (A @ h.gather(1, at)[..., None]).squeeze(-1) * batch["edge_mask"][..., None]  # (graph, edge, hidden)
        # m_v = sum over the edges at v
        found.append(torch.zeros_like(h).scatter_add(1, end[..., None].expand_as(sent), sent))
    return torch.cat(found, -1)
