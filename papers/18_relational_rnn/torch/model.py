r"""The relational memory core as PyTorch modules, paper 18 (Santoro et al., 2018).

    [q, k, v] = LayerNorm([M; x^] W + b)                        x^ = W x_t + b, one more row beside the slots
    (1), (2)    A = softmax(q k^T / sqrt(d_k)),  R~ = [A_1 v_1 : ... : A_h v_h]
    g_psi       R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
    (4), (5)    i, f = sigma(W x^ + U tanh(M) + b), b^f raised by `forget_bias`
    (7)         M_t = f M_{t-1} + i tanh(M~)
    A.1         logits = readout([m_1, ..., m_N])

    symbol     name here                           symbol      name here
    M_t        memories[:, t]                      W, U of i, f  gate.input, gate.memory; first i, then f
    A          attention                           g_psi       attention_norm, mlp, mlp_norm

As in the authors' module all blocks share one MLP, and each has a projection and norms of its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MLP(nn.ModuleList):
    """Affine maps with a ReLU between each two, the same for every row; all blocks share it."""

    def forward(self, rows: Tensor) -> Tensor:
        for n, layer in enumerate(self):
            rows = layer(rows.relu() if n else rows)
        return rows


class Block(nn.Module):
    """Multi-head attention of all rows to all rows, and the norms around it and around the MLP."""

    def __init__(self, heads: int, head_size: int, key_size: int) -> None:
        super().__init__()
        self.heads, self.parts = heads, [key_size, key_size, head_size]
        size, projected = heads * head_size, heads * (2 * key_size + head_size)
        self.project, self.project_norm = nn.Linear(size, projected), nn.LayerNorm(projected)
        self.attention_norm, self.mlp_norm = nn.LayerNorm(size), nn.LayerNorm(size)

    def forward(self, rows: Tensor, mlp: nn.Module) -> tuple[Tensor, Tensor]:
        # [q, k, v] = LayerNorm(R W + b)
        projected = self.project_norm(self.project(rows)).unflatten(-1, (self.heads, -1))  # (batch, row, head, ...)
        query, key, value = projected.transpose(1, 2).split(self.parts, -1)  # (batch, head, row, ...)
        # A = softmax(q k^T / sqrt(d_k))
        weights = (query @ key.mT * key.shape[-1] ** -0.5).softmax(-1)  # (batch, head, row, row)
        # R <- LayerNorm(R + R~),  R <- LayerNorm(R + MLP(R))
        rows = self.attention_norm(rows + (weights @ value).transpose(1, 2).flatten(2))
        return self.mlp_norm(rows + mlp(rows)), weights


class Gates(nn.Module):
    """(4) and (5): one pair of gates for each entry, or one for each slot; i and f side by side."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.input, self.memory = nn.Linear(size, 2 * width), nn.Linear(size, 2 * width, bias=False)

    def forward(self, x: Tensor, memory: Tensor, raised: Tensor) -> tuple[Tensor, Tensor]:
        i, f = (self.input(x) + self.memory(memory.tanh()) + raised).sigmoid().chunk(2, -1)
        return i, f


class Model(nn.Module):
    def __init__(self, features: int, slots: int, heads: int, head_size: int, key_size: int, blocks: int, mlp_layers: int,
                 gate_style: str, forget_bias: float, input_bias: float, readout: int, classes: int) -> None:  # fmt: skip
        super().__init__()
        if gate_style not in ("unit", "memory", "none"):
            raise ValueError(f"gate_style must be one of unit, memory, none, not {gate_style}")
        if min(blocks, mlp_layers) < 1:
            raise ValueError(f"blocks and mlp_layers must be at least 1, not {blocks} and {mlp_layers}")
        size, self.slots = heads * head_size, slots
        self.embed = nn.Linear(features, size)
        self.blocks = nn.ModuleList(Block(heads, head_size, key_size) for _ in range(blocks))
        self.mlp = MLP(nn.Linear(size, size) for _ in range(mlp_layers))
        self.gate, width = None, size if gate_style == "unit" else 1
        if gate_style != "none":
            self.gate = Gates(size, width)
            raised = torch.tensor([input_bias, forget_bias]).repeat_interleave(width)
            self.register_buffer("raised", raised, persistent=False)
        self.readout = nn.ModuleDict(
            {"hidden": nn.Linear(slots * size, readout), "output": nn.Linear(readout, classes)}
        )

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        memory, found = self.initial_memory(batch), []
        for x in self.embed(batch["inputs"]).unbind(1):
            memory, seen = self.step(x, memory)
            found.append(seen)
        # logits = W_2 max(0, W_1 [m_1, ..., m_N] + b_1) + b_2
        logits = self.readout["output"](self.readout["hidden"](memory.flatten(1)).relu())  # (batch, classes)
        trace = {name: torch.stack([seen[name] for seen in found], 1) for name in found[0]}
        return {**trace, "logits": logits, "loss": F.cross_entropy(logits, batch["label"])}

    def initial_memory(self, batch: dict[str, Tensor]) -> Tensor:
        """M_0: rows of the identity, cut or filled with zeros, unless the batch brings another: (batch, slots, size)."""
        inputs, size = batch["inputs"], self.embed.out_features
        identity = torch.eye(self.slots, size, dtype=inputs.dtype, device=inputs.device)
        return batch.get("memory", identity.expand(len(inputs), -1, -1))

    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """M_t from x^ (batch, size) and M_{t-1} (batch, slots, size), and what happened on the way."""
        rows, weights = torch.cat([memory, x[:, None]], 1), []  # [M; x^]
        for block in self.blocks:
            rows, attention = block(rows, self.mlp)
            weights.append(attention)
        proposed, found = rows[:, :-1], {"attention": torch.stack(weights, 1)}
        if self.gate is None:
            return proposed, {**found, "candidate": proposed, "memories": proposed}
        # M_t = f M_{t-1} + i tanh(M~)
        i, f = self.gate(x[:, None], memory, self.raised)
        candidate = proposed.tanh()
        memory = f * memory + i * candidate
        return memory, {**found, "input_gate": i, "forget_gate": f, "candidate": candidate, "memories": memory}
