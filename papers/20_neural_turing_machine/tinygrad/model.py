r"""The Neural Turing Machine in tinygrad, paper 20 (Graves, Wayne and Danihelka, 2014): every step written into one graph.

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
"""

from __future__ import annotations

from tinygrad import Tensor, nn

EMITTED = ("key", "strength", "gate", "shift", "sharpening")


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp x) = max(x, 0) + log(1 + exp(-|x|))"""
    return x.maximum(0) + ((-x.abs()).exp() + 1).log()


def unit(u: Tensor) -> Tensor:
    """u / |u|, and zero without a slope where u is zero."""
    square = u.square().sum(-1, keepdim=True)
    return (square > 0).where(u * (square > 0).where(square, 1.0).rsqrt(), 0.0)


class Feedforward:
    """h = tanh(W [x; r] + b)"""

    def __init__(self, given: int, hidden: int) -> None:
        self.input = nn.Linear(given, hidden)

    def start(self, count: int) -> tuple[Tensor, ...]:
        return ()

    def __call__(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (self.input(x).tanh(),)


class Lstm:
    """c = f c + i tanh(g), h = o tanh(c), from learnt h_0 and c_0; rows of W i, f, g, o."""

    def __init__(self, given: int, hidden: int) -> None:
        self.input = nn.Linear(given + hidden, 4 * hidden)
        self.h, self.c = Tensor.randn(hidden) * 0.1, Tensor.randn(hidden) * 0.1

    def start(self, count: int) -> tuple[Tensor, ...]:
        return tuple(at.unsqueeze(0).expand(count, -1) for at in (self.h, self.c))

    def __call__(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        i, f, g, o = self.input(x.cat(state[0], dim=-1)).chunk(4, -1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class Start:
    """The learnt row that every row of M_0 is, and r_0."""

    def __init__(self, read_heads: int, size: int) -> None:
        self.memory, self.read = Tensor.randn(size) * 0.1, Tensor.randn(read_heads, size) * 0.1


class Model:
    def __init__(self, features: int, outputs: int, hidden: int, rows: int, size: int, write_heads: int, read_heads: int,
                 reach: int, controller: str) -> None:  # fmt: skip
        if controller not in ("feedforward", "lstm"):
            raise ValueError(f"controller must be one of feedforward, lstm, not {controller}")
        if min(rows, write_heads, read_heads) < 1 or reach < 0:
            raise ValueError("rows and heads must be at least 1, and reach at least 0")
        self.rows, self.reach, self.write_heads, self.heads = rows, reach, write_heads, write_heads + read_heads
        self.addressing = [size, 1, 1, 2 * reach + 1, 1]  # k, beta, g, s, gamma
        given = features + read_heads * size
        self.controller = (Feedforward if controller == "feedforward" else Lstm)(given, hidden)
        self.address = nn.Linear(hidden, self.heads * sum(self.addressing))
        self.write = nn.Linear(hidden, write_heads * 2 * size)
        self.output = nn.Linear(hidden + read_heads * size, outputs)
        self.start = Start(read_heads, size)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        inputs, count = batch["inputs"], batch["inputs"].shape[0]
        memory = batch["memory"] if "memory" in batch else self.start.memory.expand(count, self.rows, -1).contiguous()
        # w_0 is all on row 0
        first = (Tensor.arange(self.rows) == 0).where(1.0, 0.0).expand(count, self.heads, self.rows)
        weighting = batch.get("weighting", first).contiguous()
        turns = self.turns()
        reads, state, found = self.start.read.expand(count, -1, -1).contiguous(), self.controller.start(count), []
        for t in range(inputs.shape[1]):
            state = self.controller(inputs[:, t].cat(reads.flatten(1), dim=-1), state)
            h = state[0].contiguous()
            memory, weighting, seen = self.step(h, memory, weighting, turns)
            reads = (weighting[:, self.write_heads :] @ memory).contiguous()  # r = w M_t
            found.append({**seen, "h": h, "memories": memory, "reads": reads})
        trace = {name: Tensor.stack(*(seen[name] for seen in found), dim=1).contiguous() for name in found[0]}
        # logits = W [h; r] + b
        logits = self.output(trace.pop("h").cat(trace["reads"].flatten(2), dim=-1))
        emitted = dict(zip(EMITTED, trace.pop("emitted").split(self.addressing, -1)))
        written = dict(zip(("erase", "add"), trace.pop("written").chunk(2, -1)))
        # loss = mean over sequences of sum_asked -(y log sigma(z) + (1 - y) log sigma(-z))
        costs = softplus(logits) - batch["targets"] * logits
        loss = batch["asked"].where(costs.sum(-1), 0.0).sum(-1).mean()
        return {**emitted, **written, **trace, "logits": logits, "loss": loss}

    def emission(self, h: Tensor) -> Tensor:
        """What each head emits, (batch, head, size + 2 reach + 4): k, beta, g, s, gamma."""
        emitted = self.address(h).reshape(h.shape[0], self.heads, -1).contiguous()
        key, strength, gate, shift, sharpening = emitted.split(self.addressing, -1)
        return key.cat(
            softplus(strength), gate.sigmoid(), shift.softmax(-1), softplus(sharpening) + 1, dim=-1
        ).contiguous()

    def written(self, h: Tensor) -> Tensor:
        """What each write head erases and adds, (batch, write head, 2 size)."""
        erase, add = self.write(h).reshape(h.shape[0], self.write_heads, -1).chunk(2, -1)
        return erase.sigmoid().cat(add, dim=-1).contiguous()

    def turns(self) -> Tensor:
        """For each shift d, for all j and i, whether j + d = i modulo N: (shift, row * row)."""
        rows = Tensor.arange(self.rows)
        d = Tensor.arange(-self.reach, self.reach + 1).reshape(-1, 1, 1)
        around = (rows.reshape(-1, 1) + d - rows) % self.rows == 0
        return around.where(1.0, 0.0).reshape(2 * self.reach + 1, -1).contiguous()

    def step(
        self, h: Tensor, memory: Tensor, weighting: Tensor, turns: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """M_t and w_t from the controller's h (batch, hidden), and what happened on the way."""
        emitted, written = self.emission(h), self.written(h)
        key, strength, gate, shift, sharpening = emitted.split(self.addressing, -1)
        erase, add = written.chunk(2, -1)
        # w^c = softmax(beta K[k, M(i)])
        content = (strength * (unit(key) @ unit(memory).transpose(-1, -2))).softmax(-1).contiguous()
        # w^g = g w^c + (1 - g) w_{t-1}
        gated = gate * content + (1 - gate) * weighting
        # w~(i) = sum_d s(d) w^g(i - d) = sum_j w^g(j) (sum_d s(d) [j + d = i])
        turned = (shift @ turns).reshape(*gated.shape, -1)  # (batch, head, j, i)
        shifted = (gated.contiguous().unsqueeze(-2) @ turned.contiguous()).squeeze(-2).contiguous()
        # w = softmax(gamma log w~), which is w~^gamma over their sum
        logs = (shifted > 0).where(shifted, 1.0).log()
        weighting = (shifted > 0).where(sharpening * logs, -float("inf")).softmax(-1).contiguous()
        # M_t = M_{t-1} prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T
        added = weighting[:, : self.write_heads].transpose(1, 2) @ add
        for n in range(self.write_heads):
            memory = memory * (1 - weighting[:, n].unsqueeze(-1) * erase[:, n].unsqueeze(1))
        memory = (memory + added).contiguous()
        stages = {"content": content, "gated": gated, "shifted": shifted, "weighting": weighting}
        return memory, weighting, {**stages, "emitted": emitted, "written": written}
