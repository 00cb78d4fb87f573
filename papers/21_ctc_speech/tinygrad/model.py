r"""Speech to symbols in tinygrad, paper 21 (Amodei et al., 2015; Graves et al., 2006): all frames written into one graph.

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

from tinygrad import Tensor, nn


class SequenceNorm:
    """B: each unit's mean and biased variance over all real frames of the minibatch."""

    def __init__(self, hidden: int, eps: float = 1e-5) -> None:
        self.weight, self.bias, self.eps = Tensor.ones(hidden), Tensor.zeros(hidden), eps

    def __call__(self, a: Tensor, real: Tensor) -> Tensor:
        count = real.sum()
        mean = (a * real).sum((0, 1)) / count  # (hidden,)
        variance = ((a - mean).square() * real).sum((0, 1)) / count
        return (self.weight * (a - mean) * (variance + self.eps).rsqrt() + self.bias).contiguous()


class RowConvolution:
    """r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}"""

    def __init__(self, hidden: int, context: int) -> None:
        self.weight = Tensor.randn(hidden, context + 1) * (context + 1) ** -0.5

    def __call__(self, h: Tensor) -> Tensor:
        tau, time = self.weight.shape[1] - 1, h.shape[1]
        ahead = h.pad((None, (0, tau), None))  # (batch, time + tau, hidden)
        return sum((ahead[:, j : j + time] * self.weight[:, j] for j in range(tau + 1)), start=Tensor.zeros_like(h))


def clip(a: Tensor, ceiling: float) -> Tensor:
    """f(a), whose derivative is 0 at both kinks."""
    return ((a > 0) & (a < ceiling)).where(a, (a > 0).where(ceiling, 0.0))


def ctc(log_y: Tensor, real: Tensor, label: Tensor, label_mask: Tensor) -> tuple[Tensor, Tensor]:
    """log p(l | x), (batch,), -infinity where there is no alignment, and the occupancy (batch, time, symbols), zero there."""
    # l' = blank l_1 blank ... l_U blank
    l = Tensor.stack(label, Tensor.zeros_like(label), dim=-1).flatten(1).pad((None, (1, 0)))  # (batch, state)
    skip = (l[:, 2:] != l[:, :-2]) & (l[:, 2:] != 0)
    chosen = l.one_hot(log_y.shape[-1]).cast(log_y.dtype)  # (batch, state, symbols)
    here = log_y.matmul(chosen.transpose(1, 2)).contiguous()  # (batch, time, state)
    state, ends = Tensor.arange(l.shape[1]), 2 * label_mask.sum(1, keepdim=True)
    last = ((state == ends) | (state == ends - 1)).where(0.0, -math.inf)
    first = (state == 0).where(0.0, -math.inf).expand(l.shape)
    enter, leave = (skip.pad((None, side)) for side in ((2, 0), (0, 2)))

    def shift(x: Tensor, by: int) -> Tensor:
        kept = x[:, :-by] if by > 0 else x[:, -by:]
        return kept.pad((None, (by, 0) if by > 0 else (0, -by)), value=-math.inf)

    alpha, beta, alphas, betas = first, last, [], [last]
    for t in range(log_y.shape[1]):
        # alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [..] alpha_{t-1}(s-2)) y_t(l'_s)
        three = Tensor.stack(alpha, shift(alpha, 1), enter.where(shift(alpha, 2), -math.inf))
        alpha = real[:, t].where(logsumexp(three, 0) + here[:, t], alpha).contiguous()
        alphas.append(alpha)
    # p(l | x) = alpha_T(2U) + alpha_T(2U - 1)
    log_p = logsumexp(alpha + last, -1)
    for t in reversed(range(1, log_y.shape[1])):
        # beta_{t-1}(s) = sum over s' in s, s+1, s+2 of beta_t(s') y_t(l'_{s'})
        then = beta + here[:, t]
        three = Tensor.stack(then, shift(then, -1), leave.where(shift(then, -2), -math.inf))
        beta = real[:, t].where(logsumexp(three, 0), beta).contiguous()
        betas.append(beta)
    # occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
    whole = (log_p > -math.inf).where(log_p, 0.0).reshape(-1, 1, 1)
    both = Tensor.stack(*alphas, dim=1) + Tensor.stack(*reversed(betas), dim=1)
    return log_p, real.where((both - whole).exp(), 0.0).matmul(chosen)


def logsumexp(x: Tensor, axis: int) -> Tensor:
    """-infinity where all are, with the gradient zero."""
    top = x.max(axis, keepdim=True).detach()
    top = (top > -math.inf).where(top, 0.0)
    total = (x - top).exp().sum(axis)
    return (total > 0).where((total > 0).where(total, 1.0).log() + top.squeeze(axis), -math.inf)


class Model:
    def __init__(self, frequency: int, channels: int, kernel: int, stride: int, hidden: int, symbols: int, recurrence: bool = True,
                 bidirectional: bool = True, context: int = 0, ceiling: float = 20.0, impossible: str = "skip") -> None:  # fmt: skip
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

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        frame_mask = batch["frame_mask"].unsqueeze(-1)  # (batch, input, 1)
        real = frame_mask[:, :: self.stride]  # (batch, time, 1)
        x = self.conv(frame_mask.where(batch["frames"], 0.0).transpose(1, 2)).transpose(1, 2)
        given = self.norm(self.recurrent(clip(x, self.ceiling)), real.cast(x.dtype))  # (batch, time, hidden)
        hidden = self.states(given, real)
        logits = self.output(hidden).contiguous()  # (batch, time, symbols)
        log_p, occupancy = ctc(logits.log_softmax(), real, batch["label"], batch["label_mask"])
        possible = log_p > -math.inf
        # loss = -mean log p(l | x)
        known = possible.where(log_p, 0.0)
        total = (log_p if self.impossible == "infinite" else known).sum()
        count = possible.sum().cast(total.dtype).maximum(1.0) if self.impossible == "skip" else len(batch["label"])
        return {
            "hidden": hidden, "logits": logits, "occupancy": occupancy, "log_likelihood": known, "possible": possible,
            "loss": -total / count,
        }  # fmt: skip

    def states(self, given: Tensor, real: Tensor) -> Tensor:
        """The states (batch, time, hidden), zero at padding."""
        if not self.recurrence:
            return real.where(clip(given, self.ceiling), 0.0).contiguous()
        hidden = Tensor.stack(*self.read(given, real, self.ahead), dim=1)
        if self.bidirectional:
            # h = h> + h<
            back = self.read(given.flip(1), real.flip(1), self.back)
            return (hidden + Tensor.stack(*reversed(back), dim=1)).contiguous()
        return real.where(self.row(hidden), 0.0).contiguous()

    def read(self, given: Tensor, real: Tensor, weight: nn.Linear) -> list[Tensor]:
        """h_t = f(B(W h_t) + U h_{t-1}), zero at padding."""
        state, states = Tensor.zeros(given.shape[0], given.shape[2]), []
        for t in range(given.shape[1]):
            state = real[:, t].where(clip(given[:, t] + weight(state), self.ceiling), 0.0).contiguous()
            states.append(state)
        return states
