r"""The message passing network in tinygrad, paper 12 (Gilmer et al., 2017): gathering and summing along edges are products with
one-hot matrices.

    (1)    m_v = [sum over edges w -> v of A_in(e) h_w ; sum over edges v -> w of A_out(e) h_w],  A(e) the edge network
    (2)    h_v = GRU(h_v, m_v), the same weights in all rounds
    5.3    n_v = P (h_v^T, x_v);  q_t = LSTM(q*_{t-1}),  a_t = softmax_v(n_v . q_t),  q*_t = [q_t; sum_v a_tv n_v]
    (3)    y = W_2 relu(W_1 q*_M + b_1) + b_2
    (4)    with readout "gated":  y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T);    with "sum":  q* is sum_v n_v

    symbol    name here                     symbol      name here
    A_in      edge_in.hidden, .matrix       P, n_v      project, memories
    A_out     edge_out                      LSTM        set2set.gates, rows i, f, g, o
    W, U      gru.message, gru.state        W_1, W_2    output.hidden, output.prediction
    i, j      gate, value                   q*_M        embedding

Masks are boolean, true = is there; a graph without a vertex gives NaN.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn


def within(a: Tensor) -> Tensor:
    """In [-300, 300], beyond which sigma and tanh are flat: they stand on an exp here, and of one that overflows the derivative is
    0 times infinity wherever it is not cancelled symbolically."""
    return a.clip(-300, 300)


class EdgeNetwork:
    """A(e), (graph, edge, hidden, hidden), from the edge's features (graph, edge, bond)."""

    def __init__(self, bond: int, edge_hidden: int, hidden: int) -> None:
        self.hidden, self.matrix = nn.Linear(bond, edge_hidden), nn.Linear(edge_hidden, hidden * hidden)
        self.side = hidden

    def __call__(self, bonds: Tensor) -> Tensor:
        flat = self.matrix(self.hidden(bonds).relu())
        return flat.reshape(*flat.shape[:-1], self.side, self.side).contiguous()


class GRU:
    """The gated unit of Cho et al., rows z, r, h~; z keeps the old state."""

    def __init__(self, hidden: int) -> None:
        self.message, self.state = nn.Linear(2 * hidden, 3 * hidden), nn.Linear(hidden, 3 * hidden, bias=False)

    def __call__(self, m: Tensor, h: Tensor) -> Tensor:
        z_given, r_given, new_given = self.message(m).chunk(3, -1)
        U_z, U_r, U = self.state.weight.transpose().chunk(3, -1)
        # z = sigma(W_z m + U_z h),  r = sigma(W_r m + U_r h)
        z, r = within(z_given + h @ U_z).sigmoid(), within(r_given + h @ U_r).sigmoid()
        # h~ = tanh(W m + U [r h]);  z h + (1 - z) h~
        return z * h + (1 - z) * within(new_given + (r * h) @ U).tanh()


class Set2Set:
    """Section 5.3, equations (3) to (7) of Vinyals et al. (2015)."""

    def __init__(self, memory: int, steps: int) -> None:
        self.gates, self.steps = nn.Linear(2 * memory, 4 * memory), steps

    def __call__(self, memories: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """q*_M (graph, 2 memory) and a (graph, step, vertex)."""
        cell, found = Tensor.zeros(memories.shape[0], memories.shape[-1], dtype=memories.dtype), []
        star = Tensor.zeros(memories.shape[0], 2 * memories.shape[-1], dtype=memories.dtype)
        for _ in range(self.steps):
            # q_t = LSTM(q*_{t-1})
            i, f, g, o = within(self.gates(star)).chunk(4, -1)
            cell = (f.sigmoid() * cell + i.sigmoid() * g.tanh()).contiguous()
            q = o.sigmoid() * cell.tanh()
            # a_t = softmax_v(n_v . q_t)
            scores = (memories * q.unsqueeze(1)).sum(-1).contiguous()
            weights = mask.where(scores, -math.inf).softmax(-1).contiguous()
            # q*_t = [q_t; sum_v a_tv n_v]
            star = q.cat((weights.unsqueeze(-1) * memories).sum(1), dim=-1).contiguous()
            found.append(weights)
        return star, Tensor.stack(*found, dim=1)


class Output:
    def __init__(self, embedding: int, hidden: int, targets: int) -> None:
        self.hidden, self.prediction = nn.Linear(embedding, hidden), nn.Linear(hidden, targets)

    def __call__(self, embedding: Tensor) -> Tensor:
        # y = W_2 relu(W_1 q* + b_1) + b_2
        return self.prediction(self.hidden(embedding).relu())


class Model:
    def __init__(self, features: int, bond: int, edge_hidden: int, hidden: int, memory: int, output_hidden: int, targets: int,
                 rounds: int, steps: int, readout: str) -> None:  # fmt: skip
        self.padding, self.rounds, self.readout = hidden - features, rounds, readout
        if rounds:
            self.edge_in, self.edge_out = EdgeNetwork(bond, edge_hidden, hidden), EdgeNetwork(bond, edge_hidden, hidden)
            self.gru = GRU(hidden)
        if readout == "gated":
            self.gate, self.value = nn.Linear(hidden + features, targets), nn.Linear(hidden, targets)
        else:
            self.project = nn.Linear(hidden + features, memory)
            if readout == "set2set":
                self.set2set = Set2Set(memory, steps)
            self.output = Output(2 * memory if readout == "set2set" else memory, output_hidden, targets)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        atoms, mask = batch["atoms"], batch["vertex_mask"]
        there = mask.unsqueeze(-1).cast(atoms.dtype)
        # h_v^0 = [x_v; 0]
        h, found, trace = atoms.pad((None, None, (0, self.padding))) * there, {}, []
        if self.rounds:
            real = batch["edge_mask"].unsqueeze(-1).cast(atoms.dtype)
            source, target = (
                batch[name].one_hot(mask.shape[1]).cast(atoms.dtype) * real for name in ("source", "target_vertex")
            )
            channels = (self.edge_in(batch["bonds"]), source, target), (self.edge_out(batch["bonds"]), target, source)
            for _ in range(self.rounds):
                m = along(*channels[0], h).cat(along(*channels[1], h), dim=-1).contiguous()
                h = (self.gru(m, h) * there).contiguous()  # (graph, vertex, hidden)
                trace.append((m, h))
            found["messages"], found["states"] = (Tensor.stack(*values, dim=1) for values in zip(*trace))
        both = h.cat(atoms, dim=-1)  # (h_v^T, x_v)
        if self.readout == "gated":
            # y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T)
            prediction = (self.gate(both).sigmoid() * self.value(h) * there).sum(1)
        else:
            found["memories"] = (self.project(both) * there).contiguous()  # (graph, vertex, memory)
            if self.readout == "set2set":
                found["embedding"], found["attention"] = self.set2set(found["memories"], mask)
            else:
                found["embedding"] = found["memories"].sum(1)
            # a rectifier takes NaN for 0, so what has no vertex is told by the mask
            prediction = mask.any(1, keepdim=True).where(self.output(found["embedding"]), math.nan)  # (graph, target)
        # loss = mean (y - target)^2
        return {**found, "prediction": prediction, "loss": (prediction - batch["target"]).square().mean()}


def along(A: Tensor, begin: Tensor, end: Tensor, h: Tensor) -> Tensor:
    """The sum at each vertex of A(e) h_w over the edges that end there, (graph, vertex, hidden); ends are one-hot, zero where there is
    no edge."""
    # A(e) h_w
    sent = (A * (begin @ h).unsqueeze(2)).sum(-1).contiguous()  # (graph, edge, hidden)
    # m_v = sum over the edges at v
    return end.transpose(1, 2) @ sent
