r"""Pointer Networks as PyTorch modules, paper 06 (Vinyals, Fortunato, Jaitly, 2015).

    (1)    p(C | P) = prod_i p(C_i | C_1, ..., C_{i-1}, P)
    (2)    loss = -mean over examples of log p(C | P)
    2.3    u^i_j = v^T tanh(W_1 e_j + W_2 d_i),   p(C_i | ...) = softmax(u^i)
    (3)    the rival: a^i = softmax(u^i),  d'_i = sum_j a^i_j e_j,  logits from (d_i, d'_i) over a fixed dictionary

    paper   name here                        paper   name here
    e, d    encoded, decoded                 =>, <=  start, which is read; stop, which is pointed at: both choice 0
    W_1     key.weight                       W_2, v  query.weight, score.weight

`reuse` lets a point be pointed at twice, `stop` lets <= be pointed at before the target's end; `dictionary`, if not 0, is the
number of points that the rival can name.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

State = tuple[Tensor, Tensor]


class Model(nn.Module):
    def __init__(self, features: int, hidden: int, dictionary: int = 0, reuse: bool = True, stop: bool = True) -> None:
        super().__init__()
        self.encoder, self.decoder = (nn.LSTM(features, hidden, batch_first=True) for _ in range(2))
        self.start, self.stop = (nn.Parameter(torch.empty(size).uniform_(-0.08, 0.08)) for size in (features, hidden))
        self.key, self.query = (nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.score = nn.Linear(hidden, 1, bias=False)
        if dictionary:
            self.readout = nn.Linear(2 * hidden, dictionary + 1)
        self.dictionary, self.reuse, self.may_stop = dictionary, reuse, stop

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names. Raises ValueError where a target is no choice."""
        points, mask, target, real = (batch[name] for name in ("points", "point_mask", "target", "target_mask"))
        last = self.dictionary or mask.shape[1]
        if not 0 <= target.min() <= target.max() <= last:
            raise ValueError(
                f"a target of {target.min()} to {target.max()} is no choice: they are 0, the end, to {last}"
            )
        encoded, state = self.encode(points, mask)
        # C_{i-1}, where C_0 is =>
        previous = F.pad(target[:, :-1], (1, 0))
        decoded, _ = self.decoder(self.read(points, mask, previous), state)  # (batch, output, hidden)
        scores = self.scores(encoded, decoded)  # (batch, output, 1 + input)
        if self.dictionary:
            logits = self.from_dictionary(encoded, decoded, scores, mask)
        else:
            logits = scores.masked_fill(~self.choices(mask, target, real), -math.inf)
        log_p = logits.log_softmax(-1)  # (batch, output, choice)
        # log p(C_i | C_1, ..., C_{i-1}, P)
        said = log_p.gather(-1, target[..., None])[..., 0]  # (batch, output)
        if said[real].isneginf().any():
            raise ValueError("a target is no choice: it points at padding, at a used point, or at a forbidden end")
        # -mean over examples of sum_i log p(C_i | ...)
        loss = -said.masked_fill(~real, 0).sum(1).mean()
        return {"encoded": encoded, "decoded": decoded, "scores": scores, "probability": log_p.exp(), "loss": loss}

    def encode(self, points: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        """e_j (batch, input, hidden), zero at padding, and the state after the last real point."""
        if not mask.any(1).all():
            raise ValueError("an input without any point: nothing can be pointed at")
        packed = pack_padded_sequence(points, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        out, state = self.encoder(packed)
        return pad_packed_sequence(out, batch_first=True, total_length=points.shape[1])[0], state

    def read(self, points: Tensor, mask: Tensor, choice: Tensor) -> Tensor:
        """What the decoder reads, (batch, step, feature): => for choice 0, the point itself for the others, zeros for a name of
        no point of the input."""
        known = F.pad(points.masked_fill(~mask[..., None], 0), (0, 0, 0, 1))
        table = torch.cat([self.start.expand(len(points), 1, -1), known], 1)  # (batch, 1 + input + 1, feature)
        return table.take_along_dim(choice.clamp(max=table.shape[1] - 1)[..., None], 1)

    def scores(self, encoded: Tensor, decoded: Tensor) -> Tensor:
        keys = torch.cat([self.stop.expand(len(encoded), 1, -1), encoded], 1)  # (batch, 1 + input, hidden)
        # u^i_j = v^T tanh(W_1 e_j + W_2 d_i)
        return self.score(torch.tanh(self.key(keys)[:, None] + self.query(decoded)[:, :, None])).squeeze(-1)

    def choices(self, mask: Tensor, target: Tensor, real: Tensor) -> Tensor:
        """What may be pointed at, (batch, output, 1 + input). Behind the end of a target it is <= alone."""
        points = mask[:, None] & real[..., None]  # (batch, output, input)
        if not self.reuse:
            chosen = F.one_hot(target, mask.shape[1] + 1)[..., 1:]
            points = points & ((chosen.cumsum(1) - chosen) == 0)
        end = ~real | self.may_stop  # (batch, output)
        return torch.cat([end[..., None], points], -1)

    def from_dictionary(self, encoded: Tensor, decoded: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        # a^i = softmax(u^i) over the points alone,  d'_i = sum_j a^i_j e_j
        weights = scores[..., 1:].masked_fill(~mask[:, None], -math.inf).softmax(-1)  # (batch, output, input)
        return self.readout(torch.cat([decoded, weights @ encoded], -1))  # (batch, output, 1 + dictionary)
