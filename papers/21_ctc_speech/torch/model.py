r"""Speech to symbols in PyTorch, paper 21 (Amodei et al., 2015; Graves et al., 2006).

    section 3.1  h_t = f(w * x)_t,  h>_t = f(B(W h_t) + U> h>_{t-1}),  h = h> + h<,  f(x) = min(max(x, 0), ceiling)
    section 3.2  B(a) = gamma (a - E a) / sqrt(Var a + eps) + beta, over the real frames
    section 3.7  r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}
    Graves, 4.1  alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [l'_s is no blank and not l'_{s-2}] alpha_{t-1}(s-2)) y_t(l'_s)
                 p(l | x) = alpha_T(2U) + alpha_T(2U - 1);  loss = -mean log p(l | x)

    symbol      name here                  symbol     name here
    w           conv                       U>, U<     ahead, back
    W           recurrent                  W_{i,j}    row.weight
    gamma, beta norm                       W_o, b_o   output

f' = 0 at both kinks. A label without alignment has p = 0: `impossible` says whether it is left
out of the mean ("skip"), counted as 0 ("zero") or as +infinity ("infinite").
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ClippedReLU(torch.autograd.Function):
    """f(x) = min(max(x, 0), ceiling), with the derivative 0 at both kinks."""

    @staticmethod
    def forward(ctx, x: Tensor, ceiling: float) -> Tensor:
        ctx.save_for_backward((x > 0) & (x < ceiling))
        return x.clamp(0, ceiling)

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None]:
        return upstream * ctx.saved_tensors[0], None


class SequenceNorm(nn.Module):
    """B: each unit's mean and biased variance over all real frames of the minibatch."""

    def __init__(self, hidden: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(hidden)), nn.Parameter(torch.zeros(hidden)), eps

    def forward(self, a: Tensor, mask: Tensor) -> Tensor:
        variance, mean = torch.var_mean(a[mask], 0, correction=0)  # (hidden,)
        return self.weight * (a - mean) * (variance + self.eps).rsqrt() + self.bias


class RowConvolution(nn.Module):
    """r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}: each unit looks tau frames ahead, by itself."""

    def __init__(self, hidden: int, context: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(hidden, context + 1) * (context + 1) ** -0.5)

    def forward(self, h: Tensor) -> Tensor:
        ahead = F.pad(h.mT, (0, self.weight.shape[1] - 1))  # (batch, hidden, time + tau)
        return F.conv1d(ahead, self.weight.unsqueeze(1), groups=len(self.weight)).mT


def ctc(log_y: Tensor, mask: Tensor, label: Tensor, label_mask: Tensor, backward: bool = True) -> tuple[Tensor, Tensor]:
    """log p(l | x), (batch,), -infinity where there is no alignment, and the occupancy (batch, time, symbols), zero there.
    Without `backward` there are no occupancies."""
    # l' = blank l_1 blank ... l_U blank
    l = F.pad(torch.stack([label, torch.zeros_like(label)], -1).flatten(1), (1, 0))  # (batch, state)
    skip = F.pad((l[:, 2:] != l[:, :-2]) & (l[:, 2:] != 0), (2, 0))
    here = log_y.gather(-1, l.unsqueeze(1).expand(-1, log_y.shape[1], -1))  # (batch, time, state)
    state, ends = torch.arange(l.shape[1]), 2 * label_mask.sum(1, keepdim=True)
    last = (state == ends) | (state == ends - 1)
    nothing = torch.full_like(here[:, 0], -math.inf)

    def shift(x: Tensor, by: int) -> Tensor:
        return F.pad(x[:, :-by] if by > 0 else x[:, -by:], (by, 0) if by > 0 else (0, -by), value=-math.inf)

    def step(x: Tensor, sign: int, gate: Tensor) -> Tensor:
        """x(s) + x(s -+ 1) + [gate] x(s -+ 2) in logarithms."""
        return logsumexp(torch.stack([x, shift(x, sign), torch.where(gate, shift(x, 2 * sign), nothing)]), 0)

    alpha, alphas = torch.where(state == 0, torch.zeros_like(nothing), nothing), []
    for real, y in zip(mask.T, here.unbind(1)):
        # alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [..] alpha_{t-1}(s-2)) y_t(l'_s)
        alpha = torch.where(real[:, None], step(alpha, 1, skip) + y, alpha)
        alphas.append(alpha)
    # p(l | x) = alpha_T(2U) + alpha_T(2U - 1)
    log_p = logsumexp(torch.where(last, alpha, nothing), -1)
    if not backward:
        return log_p, log_p.new_empty(0)
    beta = torch.where(last, torch.zeros_like(nothing), nothing)
    betas, leave = [beta], F.pad(skip[:, 2:], (0, 2))
    for real, y in zip(mask.T.flip(0)[:-1], here.flip(1).unbind(1)):
        # beta_{t-1}(s) = sum over s' in s, s+1, s+2 of beta_t(s') y_t(l'_{s'})
        beta = torch.where(real[:, None], step(beta + y, -1, leave), beta)
        betas.append(beta)
    # occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
    whole = torch.where(log_p > -math.inf, log_p, 0.0)[:, None, None]
    shares = (torch.stack(alphas, 1) + torch.stack(betas[::-1], 1) - whole).exp() * mask.unsqueeze(-1)
    return log_p, shares @ F.one_hot(l, log_y.shape[-1]).to(shares.dtype)


def logsumexp(x: Tensor, dim: int) -> Tensor:
    """-infinity where all are, and the gradient zero there, where `torch.logsumexp` has NaN behind a mask."""
    top = x.detach().amax(dim, keepdim=True)
    top = torch.where(top > -math.inf, top, 0.0)
    total = (x - top).exp().sum(dim)
    some = total > 0
    return torch.where(some, torch.where(some, total, 1.0).log() + top.squeeze(dim), -math.inf)


class Model(nn.Module):
    def __init__(self, frequency: int, channels: int, kernel: int, stride: int, hidden: int, symbols: int, recurrence: bool = True,
                 bidirectional: bool = True, context: int = 0, ceiling: float = 20.0, impossible: str = "skip") -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv1d(frequency, channels, kernel, stride, padding=kernel // 2)
        self.recurrent, self.norm = nn.Linear(channels, hidden, bias=False), SequenceNorm(hidden)
        self.recurrence, self.bidirectional = recurrence, bidirectional
        if recurrence:
            self.ahead = nn.Linear(hidden, hidden, bias=False)
        if recurrence and bidirectional:
            self.back = nn.Linear(hidden, hidden, bias=False)
        elif recurrence:
            self.row = RowConvolution(hidden, context)
        self.output = nn.Linear(hidden, symbols)
        self.stride, self.ceiling, self.impossible = stride, ceiling, impossible

    def forward(self, batch: dict[str, Tensor], backward: bool = True) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        hidden, mask = self.encode(batch["frames"], batch["frame_mask"])
        logits = self.output(hidden)  # (batch, time, symbols)
        log_p, occupancy = ctc(logits.log_softmax(-1), mask, batch["label"], batch["label_mask"], backward)
        possible = log_p > -math.inf
        # loss = -mean log p(l | x)
        known = torch.where(possible, log_p, 0.0)
        total = log_p.sum() if self.impossible == "infinite" else known.sum()
        count = possible.sum().clamp(min=1) if self.impossible == "skip" else len(log_p)
        return {
            "hidden": hidden, "logits": logits, "occupancy": occupancy, "log_likelihood": known, "possible": possible,
            "loss": -total / count,
        }  # fmt: skip

    def encode(self, frames: Tensor, frame_mask: Tensor) -> tuple[Tensor, Tensor]:
        """The states (batch, time, hidden), and which frames are real."""
        mask = frame_mask[:, :: self.stride]  # (batch, time)
        x = self.conv((frames * frame_mask.unsqueeze(-1)).mT).mT  # (batch, time, channels)
        given = self.norm(self.recurrent(ClippedReLU.apply(x, self.ceiling)), mask)  # (batch, time, hidden)
        if not self.recurrence:
            return ClippedReLU.apply(given, self.ceiling) * mask.unsqueeze(-1), mask
        hidden = self.read(given, mask, self.ahead)
        if self.bidirectional:
            # h = h> + h<
            return hidden + self.read(given.flip(1), mask.flip(1), self.back).flip(1), mask
        return self.row(hidden) * mask.unsqueeze(-1), mask

    def read(self, given: Tensor, mask: Tensor, weight: nn.Linear) -> Tensor:
        """h_t = f(B(W h_t) + U h_{t-1}), zero at padding."""
        state, states = torch.zeros_like(given[:, 0]), []
        for a, real in zip(given.unbind(1), mask.T):
            state = ClippedReLU.apply(a + weight(state), self.ceiling) * real.unsqueeze(-1)
            states.append(state)
        return torch.stack(states, 1)
