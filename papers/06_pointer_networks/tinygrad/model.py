r"""Pointer Networks in tinygrad, paper 06 (Vinyals, Fortunato, Jaitly, 2015): the chain unrolled.

    (1)    p(C | P) = prod_i p(C_i | C_1, ..., C_{i-1}, P)
    (2)    loss = -mean over examples of log p(C | P)
    2.3    u^i_j = v^T tanh(W_1 e_j + W_2 d_i),   p(C_i | ...) = softmax(u^i)
    (3)    the rival: a^i = softmax(u^i),  d'_i = sum_j a^i_j e_j,  logits from (d_i, d'_i) over a fixed dictionary

    paper   name here                        paper   name here
    e, d    encoded, decoded                 =>, <=  start, which is read; stop, which is pointed at: both choice 0
    W_1     key.weight                       W_2, v  query.weight, score.weight

While a graph is captured its numbers cannot be seen: then the loss of what is refused otherwise is infinite.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn
from tinygrad.engine.realize import capturing


class LSTM:
    """Names and blocks of rows (i, f, g, o) as in `torch.nn`."""

    def __init__(self, features: int, hidden: int) -> None:
        bound, rows = hidden**-0.5, 4 * hidden
        self.weight_ih_l0 = Tensor.uniform(rows, features, low=-bound, high=bound)
        self.weight_hh_l0 = Tensor.uniform(rows, hidden, low=-bound, high=bound)
        self.bias_ih_l0 = Tensor.uniform(rows, low=-bound, high=bound)
        self.bias_hh_l0 = Tensor.uniform(rows, low=-bound, high=bound)

    def given(self, inputs: Tensor) -> Tensor:
        """What all steps read, at once: (batch, time, 4 hidden)."""
        return stored(inputs.linear(self.weight_ih_l0.T, self.bias_ih_l0))

    def __call__(self, given: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = stored(given + hidden.linear(self.weight_hh_l0.T, self.bias_hh_l0)).chunk(4, dim=1)
        # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g),  h_t = σ(o) * tanh(c_t)
        cell = stored(f.sigmoid() * cell + i.sigmoid() * g.tanh())
        return stored(o.sigmoid() * cell.tanh()), cell


def stored(values: Tensor) -> Tensor:
    """Written to memory on the way there and back, so that no step's kernel grows over the steps before it."""
    return values.contiguous().contiguous_backward()


class Model:
    def __init__(self, features: int, hidden: int, dictionary: int = 0, reuse: bool = True, stop: bool = True) -> None:
        self.encoder, self.decoder = LSTM(features, hidden), LSTM(features, hidden)
        self.start, self.stop = (Tensor.uniform(size, low=-0.08, high=0.08) for size in (features, hidden))
        self.key, self.query = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.score = nn.Linear(hidden, 1, bias=False)
        if dictionary:
            self.readout = nn.Linear(2 * hidden, dictionary + 1)
        self.dictionary, self.reuse, self.may_stop = dictionary, reuse, stop

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names. Raises ValueError where a target is no choice, or an input has no point."""
        points, mask, target, real = (batch[name] for name in ("points", "point_mask", "target", "target_mask"))
        examples, count, steps = len(points), points.shape[1], target.shape[1]
        picked = target.one_hot(1 + count).cast(points.dtype)  # (batch, output, 1 + input)
        may = self.choices(mask, picked[:, :, 1:], real)  # (batch, output, choice)
        if not capturing:
            self.refuse(mask, target, real, may)
        zero = Tensor.zeros(examples, self.stop.shape[0])

        # e_j; at padding the state stays
        hidden, cell, encoded, given = zero, zero, [], self.encoder.given(points)
        for t in range(count):
            new, here = self.encoder(given[:, t], hidden, cell), mask[:, t : t + 1]
            hidden, cell = (stored(here.where(a, b)) for a, b in zip(new, (hidden, cell), strict=True))
            encoded.append(here.where(new[0], 0))
        keys = stored(Tensor.stack(self.stop.expand(examples, -1), *encoded, dim=1))  # (batch, 1 + input, hidden)

        # d_i, from => or P_{C_{i-1}}; a name of no point of the input picks zeros
        table = self.start.reshape(1, 1, -1).expand(examples, 1, -1).cat(mask.unsqueeze(2).where(points, 0), dim=1)
        start = Tensor.eye(1 + count)[:1].reshape(1, 1, -1).expand(examples, 1, -1)
        read = (start.cat(picked[:, :-1], dim=1) if steps > 1 else start) @ table  # (batch, output, feature)
        decoded, given = [], self.decoder.given(read)
        for t in range(steps):
            hidden, cell = self.decoder(given[:, t], hidden, cell)
            decoded.append(hidden)
        states = stored(Tensor.stack(*decoded, dim=1))  # (batch, output, hidden)

        # u^i_j = v^T tanh(W_1 e_j + W_2 d_i)
        inner = (self.key(keys).unsqueeze(1) + self.query(states).unsqueeze(2)).tanh()
        scores = stored(self.score(inner).squeeze(-1))  # (batch, output, 1 + input)
        if self.dictionary:
            # a^i = softmax(u^i) over the points alone,  d'_i = sum_j a^i_j e_j
            weights = mask.unsqueeze(1).where(scores[:, :, 1:], -math.inf).softmax(-1)
            logits = self.readout(states.cat(weights @ keys[:, 1:], dim=2))  # (batch, output, 1 + dictionary)
        else:
            logits = may.where(scores, -math.inf)
        log_p = logits.log_softmax()  # (batch, output, choice)
        # log p(C_i | ...), -infinity for what is no choice
        hit = target.one_hot(log_p.shape[2])
        known = hit.any(-1)
        said = known.where(hit.where(log_p, 0).sum(-1), -math.inf)  # (batch, output)
        # -mean over examples of sum_i log p(C_i | ...)
        said = mask.any(1).where((real | known.logical_not()).where(said, 0).sum(1), -math.inf)  # (batch,)
        loss = -said.mean()
        return {"encoded": keys[:, 1:], "decoded": states, "scores": scores, "probability": log_p.exp(), "loss": loss}

    def refuse(self, mask: Tensor, target: Tensor, real: Tensor, may: Tensor) -> None:
        if not mask.any(1).all().item():
            raise ValueError("an input without any point: nothing can be pointed at")
        hit = target.one_hot(self.dictionary + 1 if self.dictionary else may.shape[2])
        fits = hit.any(-1) if self.dictionary else (hit & may).any(-1)
        if not (fits | (real.logical_not() & hit.any(-1))).all().item():
            raise ValueError("a target is no choice: it names no point, padding, a used point, or a forbidden end")

    def choices(self, mask: Tensor, chosen: Tensor, real: Tensor) -> Tensor:
        """What may be pointed at, (batch, output, 1 + input). Behind the end of a target it is <= alone."""
        points = mask.unsqueeze(1) & real.unsqueeze(2)  # (batch, output, input)
        if not self.reuse:
            points = points & ((chosen.cumsum(1) - chosen) == 0)
        end = real.logical_not() | self.may_stop
        return end.unsqueeze(2).cat(points, dim=2)
