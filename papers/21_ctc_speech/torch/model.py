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

f is `F.hardtanh`, whose derivative is 0 at both kinks, where that of `clamp` is 1. A label without alignment has p = 0: `impossible` says
whether it is left out of the mean ("skip"), counted as 0 ("zero") or as +infinity ("infinite").
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
    skip = torch.where((l[:, 2:] != l[:, :-2]) & (l[:, 2:] != 0), 0.0, -math.inf).to(log_y.dtype)  # log of the bracket
    here = log_y.gather(-1, l.unsqueeze(1).expand(-1, log_y.shape[1], -1))  # (batch, time, state)
    state, ends = torch.arange(l.shape[1]), 2 * label_mask.sum(1, keepdim=True)
    last = (state == ends) | (state == ends - 1)
    nothing = torch.full_like(here[:, 0], -math.inf)

    def step(x: Tensor, sides: tuple[int, int], gate: Tensor) -> Tensor:
        """The sum of what three states lead here: x(s), x(s -+ 1) and, by the gate, x(s -+ 2), in logarithms."""
        near = F.pad(x, sides, value=-math.inf).unfold(-1, 3, 1)  # (batch, state, 3)
        return logsumexp(near + gate, -1)

    enter, leave = (F.pad(skip[..., None], (*place, *side)) for place, side in (((0, 2), (2, 0)), ((2, 0), (0, 2))))
    alpha, alphas = torch.where(state == 0, 0.0, nothing), []
    for real, y in zip(mask.T.unsqueeze(-1), here.unbind(1)):
        # alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [..] alpha_{t-1}(s-2)) y_t(l'_s)
        alpha = torch.where(real, step(alpha, (2, 0), enter) + y, alpha)
        alphas.append(alpha)
    # p(l | x) = alpha_T(2U) + alpha_T(2U - 1)
    log_p = logsumexp(torch.where(last, alpha, nothing), -1)
    if not backward:
        return log_p, log_p.new_empty(0)
    beta = torch.where(last, 0.0, nothing)
    betas = [beta]
    for real, y in zip(mask.T.flip(0)[:-1].unsqueeze(-1), here.flip(1).unbind(1)):
        # beta_{t-1}(s) = sum over s' in s, s+1, s+2 of beta_t(s') y_t(l'_{s'})
        beta = torch.where(real, step(beta + y, (0, 2), leave), beta)
        betas.append(beta)
    # occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
    whole = torch.where(log_p > -math.inf, log_p, 0.0)[:, None, None]
    shares = (torch.stack(alphas, 1) + torch.stack(betas[::-1], 1) - whole).exp() * mask.unsqueeze(-1)
    return log_p, shares @ F.one_hot(l, log_y.shape[-1]).to(shares.dtype)


def logsumexp(x: Tensor, dim: int) -> Tensor:
    """-infinity where all are, and the gradient zero there, where that of `torch.logsumexp` is NaN."""
    none = (x == -math.inf).all(dim)
    return x.masked_fill(none.unsqueeze(dim), 0.0).logsumexp(dim).masked_fill(none, -math.inf)


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
        given = self.norm(self.recurrent(F.hardtanh(x, 0.0, self.ceiling)), mask)  # (batch, time, hidden)
        if not self.recurrence:
            return F.hardtanh(given, 0.0, self.ceiling) * mask.unsqueeze(-1), mask
        if self.bidirectional:
            # h = h> + h<
            ahead, back = self.read([given, given.flip(1)], [mask, mask.flip(1)], [self.ahead, self.back])
            return ahead + back.flip(1), mask
        (hidden,) = self.read([given], [mask], [self.ahead])
        return self.row(hidden) * mask.unsqueeze(-1), mask

    def read(self, given: list[Tensor], masks: list[Tensor], layers: list[nn.Linear]) -> Tensor:
        """h_t = f(B(W h_t) + U h_{t-1}), zero at padding: (direction, batch, time, hidden), all directions side by side."""
        a, real = torch.stack(given), torch.stack(masks).unsqueeze(-1)  # (direction, batch, time, hidden)
        weight = torch.stack([layer.weight for layer in layers]).mT
        state, states = torch.zeros_like(a[:, :, 0]), []
        for a_t, real_t in zip(a.unbind(2), real.unbind(2)):
            state = F.hardtanh(torch.baddbmm(a_t, state, weight), 0.0, self.ceiling) * real_t
            states.append(state)
        return torch.stack(states, 2)
