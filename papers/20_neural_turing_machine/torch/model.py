r"""The Neural Turing Machine as PyTorch modules, paper 20 (Graves, Wayne and Danihelka, 2014).

    (5), (6)   w^c = softmax(beta K[k, M(i)]),  K[u, v] = u v / (|u| |v|), and 0 where a norm is 0
    (7)        w^g = g w^c + (1 - g) w_{t-1}
    (8)        w~(i) = sum_d s(d) w^g(i - d), modulo N
    (9)        w(i) = w~(i)^gamma / sum_j w~(j)^gamma, and 0 where w~ is 0
    (3), (4)   M_t = M_{t-1} prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T
    (2)        r = w M_t

    symbol      name here                    symbol            name here
    M_t         memories[:, t]               w_t               weighting, write heads first
    k, beta, g  key, strength, gate          s, gamma          shift, sharpening
    e, a        erase, add                   r                 reads

Every array may have further axes in front, those of several nets side by side, if all parameters have them too.
"""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp x), which from 40 on is x to the last digit of a double."""
    return F.softplus(x, threshold=40)


def cosine(u: Tensor, v: Tensor) -> Tensor:
    """K of all rows of u (..., i, size) with all of v (..., j, size), (..., i, j): zero without a slope where a row is zero."""
    squares = u.square().sum(-1)[..., None] * v.square().sum(-1)[..., None, :]
    zero = squares == 0
    return (u @ v.mT * (squares + zero).rsqrt()).masked_fill(zero, 0.0)


def cost(logits: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
    """mean over sequences of sum_asked -(y log sigma(z) + (1 - y) log sigma(-z)), for (batch, time, output)."""
    costs = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (costs.sum(-1) * asked).sum(-1).mean(-1)


class Affine(nn.Module):
    """W x + b, for the nets side by side that W and b have in front."""

    def __init__(self, given: int, out: int) -> None:
        super().__init__()
        linear = nn.Linear(given, out)
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.mT + self.bias.unsqueeze(-2)


class Feedforward(nn.Module):
    """h = tanh(W [x; r] + b); its state is h, which it does not read."""

    def __init__(self, given: int, hidden: int) -> None:
        super().__init__()
        self.input = Affine(given, hidden)

    def start(self, count: int) -> tuple[Tensor, ...]:
        return ()

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self.input(x).tanh(),)


class Lstm(nn.Module):
    """c = f c + i tanh(g), h = o tanh(c), from learnt h_0 and c_0; rows of W i, f, g, o."""

    def __init__(self, given: int, hidden: int) -> None:
        super().__init__()
        self.input = Affine(given + hidden, 4 * hidden)
        self.h, self.c = (nn.Parameter(0.1 * torch.randn(hidden)) for _ in range(2))

    def start(self, count: int) -> tuple[Tensor, ...]:
        return tuple(at.unsqueeze(-2).expand(*at.shape[:-1], count, -1) for at in (self.h, self.c))

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        i, f, g, o = self.input(torch.cat([x, state[0]], -1)).chunk(4, -1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class Start(nn.Module):
    """The learnt row that every row of M_0 is, and r_0."""

    def __init__(self, read_heads: int, size: int) -> None:
        super().__init__()
        self.memory = nn.Parameter(0.1 * torch.randn(size))
        self.read = nn.Parameter(0.1 * torch.randn(read_heads, size))


class Model(nn.Module):
    def __init__(self, features: int, outputs: int, hidden: int, rows: int, size: int, write_heads: int, read_heads: int,
                 reach: int, controller: str) -> None:  # fmt: skip
        super().__init__()
        if controller not in ("feedforward", "lstm"):
            raise ValueError(f"controller must be one of feedforward, lstm, not {controller}")
        if min(rows, write_heads, read_heads) < 1 or reach < 0:
            raise ValueError("rows and heads must be at least 1, and reach at least 0")
        self.rows, self.size, self.reach = rows, size, reach
        self.write_heads, self.heads = write_heads, write_heads + read_heads
        self.addressing = [size, 1, 1, 2 * reach + 1, 1]  # k, beta, g, s, gamma
        given = features + read_heads * size
        self.controller = (Feedforward if controller == "feedforward" else Lstm)(given, hidden)
        self.address = Affine(hidden, self.heads * sum(self.addressing))
        self.write = Affine(hidden, write_heads * 2 * size)
        self.output = Affine(hidden + read_heads * size, outputs)
        self.start = Start(read_heads, size)
        # for each shift d, for all j and i, whether j + d = i modulo N
        turned = [torch.eye(rows).roll(d, 1) for d in range(-reach, reach + 1)]
        self.register_buffer("turns", torch.stack(turned).flatten(1), persistent=False)  # (shift, row * row)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        inputs = batch["inputs"]
        memory, weighting, reads = self.begin(batch)
        state, found = self.controller.start(inputs.shape[-3]), []
        for x in inputs.unbind(-2):
            state = self.controller(torch.cat([x, reads.flatten(-2)], -1), state)
            memory, weighting, reads, seen = self.step(state[0], memory, weighting)
            found.append({**seen, "h": state[0], "memories": memory, "reads": reads})
        axis = inputs.dim() - 2  # of time
        outputs = {name: torch.stack([seen[name] for seen in found], axis) for name in found[0]}
        # logits = W [h; r] + b
        both = torch.cat([outputs.pop("h"), outputs["reads"].flatten(-2)], -1).flatten(axis - 1, axis)
        logits = self.output(both).unflatten(-2, inputs.shape[-3:-1])  # (batch, time, output)
        return {**outputs, "logits": logits, "loss": cost(logits, batch["targets"], batch["asked"])}

    def begin(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """M_0 (batch, row, size), w_0 (batch, head, row) and r_0 (batch, read head, size)."""
        count = batch["inputs"].shape[-3]
        rows = self.start.memory[..., None, None, :]
        memory = batch.get("memory", rows.expand(*rows.shape[:-3], count, self.rows, self.size))
        first = F.one_hot(torch.zeros((), dtype=torch.long), self.rows).to(memory)
        weighting = batch.get("weighting", first.expand(*memory.shape[:-2], self.heads, -1))
        reads = self.start.read.unsqueeze(-3)
        return memory, weighting, reads.expand(*reads.shape[:-3], count, -1, -1)

    def step(self, h: Tensor, memory: Tensor, weighting: Tensor) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """M_t, w_t and r_t from the controller's h (batch, hidden), and what happened on the way."""
        emitted = self.address(h).unflatten(-1, (self.heads, -1))  # (batch, head, ...)
        key, strength, gate, shift, sharpening = emitted.split(self.addressing, -1)
        strength, gate, shift, sharpening = (
            softplus(strength),
            gate.sigmoid(),
            shift.softmax(-1),
            1 + softplus(sharpening),
        )
        # w^c = softmax(beta K[k, M(i)])
        content = (strength * cosine(key, memory)).softmax(-1)  # (batch, head, row)
        # w^g = g w^c + (1 - g) w_{t-1}
        gated = weighting.lerp(content, gate)
        # w~(i) = sum_d s(d) w^g(i - d) = sum_j w^g(j) (sum_d s(d) [j + d = i])
        turned = (shift @ self.turns).unflatten(-1, (self.rows, self.rows))  # (batch, head, j, i)
        shifted = (gated.unsqueeze(-1) * turned).sum(-2)
        # w = softmax(gamma log w~), which is w~^gamma over their sum
        none = shifted == 0
        weighting = (sharpening * (shifted + none).log()).masked_fill(none, -torch.inf).softmax(-1)
        w_write, w_read = weighting.split([self.write_heads, self.heads - self.write_heads], -2)
        erase, add = self.write(h).unflatten(-1, (self.write_heads, -1)).chunk(2, -1)
        erase = erase.sigmoid()  # (batch, write head, size)
        # M_t = M_{t-1} prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T
        at = w_write.unsqueeze(-1)  # (batch, write head, row, 1)
        kept = (1 - at * erase.unsqueeze(-2)).unbind(-3)  # of each write head, (batch, row, size)
        memory = reduce(torch.mul, kept, memory) + (at * add.unsqueeze(-2)).sum(-3)
        emitted = {"key": key, "strength": strength, "gate": gate, "shift": shift, "sharpening": sharpening}
        addressed = {"content": content, "gated": gated, "shifted": shifted, "weighting": weighting}
        # r = w M_t
        return memory, weighting, w_read @ memory, {**emitted, **addressed, "erase": erase, "add": add}
