r"""The relational memory core in tinygrad, paper 18 (Santoro et al., 2018): every step and block written into one graph.

[q, k, v] = LayerNorm([M; x^] W + b)                        x^ = W x_t + b, one more row beside the slots
(1), (2)    A = softmax(q k^T / sqrt(d_k)),  R~ = [A_1 v_1 : ... : A_h v_h]
g_psi       R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
(4), (5)    i, f = sigma(W x^ + U tanh(M) + b), b^f raised by `forget_bias`
(7)         M_t = f M_{t-1} + i tanh(M~)
A.1         logits = readout([m_1, ..., m_N])

symbol     name here                           symbol        name here
M_t        memories[:, t]                      W, U of i, f  gate.input, gate.memory; first i, then f
A          attention                           g_psi         attention_norm, mlp, mlp_norm
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn


class LayerNorm:
    """(x - mean) / sqrt(variance + 1e-5) * gain + bias over the last axis, with the biased variance."""

    def __init__(self, width: int) -> None:
        self.weight, self.bias = Tensor.ones(width), Tensor.zeros(width)

    def __call__(self, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        return centred * (centred.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * self.weight + self.bias


class Block:
    def __init__(self, heads: int, head_size: int, key_size: int) -> None:
        self.heads, self.parts = heads, [key_size, key_size, head_size]
        size, projected = heads * head_size, heads * (2 * key_size + head_size)
        self.project, self.project_norm = nn.Linear(size, projected), LayerNorm(projected)
        self.attention_norm, self.mlp_norm = LayerNorm(size), LayerNorm(size)

    def attend(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """R~ (batch, row, size) and A (batch, head, row, row)."""
        # [q, k, v] = LayerNorm(R W + b)
        projected = self.project_norm(self.project(rows)).reshape(*rows.shape[:2], self.heads, -1).transpose(1, 2)
        query, key, value = projected.contiguous().split(self.parts, -1)  # (batch, head, row, ...)
        # A = softmax(q k^T / sqrt(d_k))
        weights = (query @ key.transpose(-1, -2) / math.sqrt(self.parts[0])).softmax(-1).contiguous()
        return (weights @ value).transpose(1, 2).flatten(2), weights


class Gates:
    def __init__(self, size: int, width: int) -> None:
        self.input, self.memory = nn.Linear(size, 2 * width), nn.Linear(size, 2 * width, bias=False)


class Readout:
    def __init__(self, given: int, hidden: int, classes: int) -> None:
        self.hidden, self.output = nn.Linear(given, hidden), nn.Linear(hidden, classes)


class Model:
    def __init__(self, features: int, slots: int, heads: int, head_size: int, key_size: int, blocks: int, mlp_layers: int,
                 gate_style: str, forget_bias: float, input_bias: float, readout: int, classes: int) -> None:  # fmt: skip
        if gate_style not in ("unit", "memory", "none"):
            raise ValueError(f"gate_style must be one of unit, memory, none, not {gate_style}")
        if blocks < 1 or mlp_layers < 1:
            raise ValueError(f"blocks and mlp_layers must be at least 1, not {blocks} and {mlp_layers}")
        size = heads * head_size
        self.embed, self.readout = nn.Linear(features, size), Readout(slots * size, readout, classes)
        self.blocks = [Block(heads, head_size, key_size) for _ in range(blocks)]
        self.mlp = [nn.Linear(size, size) for _ in range(mlp_layers)]
        if gate_style != "none":
            self.gate = Gates(size, size if gate_style == "unit" else 1)
        self.slots, self.classes, self.gated, self.raised = (
            slots,
            classes,
            gate_style != "none",
            (input_bias, forget_bias),
        )

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        x, found = self.embed(batch["inputs"]), []  # x^, (batch, time, size)
        memory = batch["memory"] if "memory" in batch else self.identity(x.shape[0], x.shape[2])
        for t in range(x.shape[1]):
            memory, seen = self.step(x[:, t : t + 1].contiguous(), memory)
            found.append(seen)
        # logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2
        logits = self.readout.output(self.readout.hidden(memory.flatten(1)).relu())  # (batch, classes)
        # loss = -mean log softmax(logits)_label
        loss = -(logits.log_softmax() * batch["label"].one_hot(self.classes)).sum(-1).mean()
        trace = {name: Tensor.stack(*(seen[name] for seen in found), dim=1) for name in found[0]}
        return {**trace, "logits": logits, "loss": loss}

    def identity(self, count: int, size: int) -> Tensor:
        """M_0: rows of the identity, cut or filled with zeros, (batch, slots, size)."""
        return Tensor.eye(self.slots, size).unsqueeze(0).expand(count, self.slots, size).contiguous()

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """M_t from x^ (batch, 1, size) and M_{t-1} (batch, slots, size), and what happened on the way."""
        rows, weights = memory.cat(x, dim=1), []  # [M; x^]
        for block in self.blocks:
            mixed, attention = block.attend(rows)
            weights.append(attention)
            # R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
            rows = block.attention_norm(rows + mixed).contiguous()
            rows = block.mlp_norm(rows + self.through(rows)).contiguous()
        proposed, found = rows[:, : self.slots], {"attention": Tensor.stack(*weights, dim=1)}
        if not self.gated:
            return proposed, {**found, "candidate": proposed, "memories": proposed}
        # i = sigma(W^i x^ + U^i tanh(M) + b^i),  f = sigma(W^f x^ + U^f tanh(M) + b^f + forget_bias)
        i, f = (self.gate.input(x) + self.gate.memory(memory.tanh())).chunk(2, -1)
        i, f = (i + self.raised[0]).sigmoid(), (f + self.raised[1]).sigmoid()
        # M_t = f M_{t-1} + i tanh(M~); stored at every step, so that all steps are the same kernels
        candidate = proposed.tanh()
        memory = (f * memory + i * candidate).contiguous()
        return memory, {**found, "input_gate": i, "forget_gate": f, "candidate": candidate, "memories": memory}

    def through(self, rows: Tensor) -> Tensor:
        """The MLP that all blocks share: affine maps with a ReLU between each two."""
        for n, layer in enumerate(self.mlp):
            rows = layer(rows.relu() if n else rows)
        return rows
