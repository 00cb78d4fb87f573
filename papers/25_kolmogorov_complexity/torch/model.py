r"""The mixture of adaptive Markov codes as an `nn.Module`, all steps of all strings at once.

Shen, Uspensky, Vereshchagin 2017, chapter 5 for the mixture; the code is Krichevsky and Trofimov's.

    p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)      M(x) = sum_k w_k prod_t p_kt      L = mean(-log2 M)

    symbol   code                   shape                 symbol     code                 shape
    x        batch["strings"]       (batch, time)         w_kt       step_weights         (batch, time, expert)
    -        batch["mask"]          (batch, time)         l_k        expert_bits          (batch, expert)
    a        pseudo                 (expert, 2)           posterior  posterior            (batch, expert)
    w        prior                  (expert,)             M(x_t|.)   mixture_predictive   (batch, time)
    p_kt     predictive             (batch, time, expert) -log2 M    mixture_bits         (batch,)

The counts before step t are a running sum of one-hot vectors over the 2^k contexts times 2 symbols, less the step itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def context_cells(strings: Tensor, order: int) -> Tensor:
    """2 c + x_t at every step, c the number formed by the `order` bits before it (zeros before the start): (batch, time)."""
    width = order + 1
    windows = F.pad(strings, (order, 0)).unfold(1, width, 1)  # (batch, time, order + 1)
    powers = 2 ** torch.arange(width - 1, -1, -1, device=strings.device)
    return (windows * powers).sum(-1)


class Model(nn.Module):
    """Parameters log_weights (expert,) and log_pseudo (expert, 2); zeros are equal weights and Krichevsky and Trofimov's 1/2.

    A new model is drawn from N(0, 0.1^2) around that. Raises ValueError where an order is below 0.
    """

    def __init__(self, orders: tuple[int, ...] = (0, 1, 2)) -> None:
        super().__init__()
        if min(orders) < 0:
            raise ValueError(f"orders {orders}: an order is at least 0")
        self.orders = orders
        self.log_weights = nn.Parameter(0.1 * torch.randn(len(orders)))
        self.log_pseudo = nn.Parameter(0.1 * torch.randn(len(orders), 2))

    def counts(self, strings: Tensor) -> Tensor:
        """How often, before each step, its context was followed by the symbol that came, and by the other.

        No parameter enters, so that they need to be counted once for many updates. (batch, time, expert, 2)
        """
        counted = []
        for order in self.orders:
            cell = context_cells(strings, order)[..., None]  # (batch, time, 1)
            now = F.one_hot(cell.squeeze(-1), 2 ** (order + 1))  # (batch, time, 2^(order + 1))
            before = now.cumsum(1) - now
            counted.append(before.gather(2, torch.cat([cell, cell ^ 1], dim=-1)))  # (batch, time, 2)
        return torch.stack(counted, dim=2)

    def predict(self, strings: Tensor, counts: Tensor) -> Tensor:
        """Each expert's probability of the symbol that came, from the symbols before it: (batch, time, expert)."""
        # a_ks = 1/2 exp(log_pseudo_ks)
        pseudo = 0.5 * self.log_pseudo.exp()  # (expert, 2)
        # p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)
        return (counts[..., 0] + pseudo.T[strings]) / (counts.sum(-1) + pseudo.sum(-1))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of spec.md from `strings` (batch, time) of 0 and 1 and `mask` (batch, time), true inside of a string."""
        return self.code(batch, self.counts(batch["strings"]))

    def code(self, batch: dict[str, Tensor], counts: Tensor) -> dict[str, Tensor]:
        """The same, the batch being counted already.

        Code lengths are in bits, log-weights in nats; `loss` is the mean of `mixture_bits` over the strings of the batch.
        """
        predictive = self.predict(batch["strings"], counts)  # (batch, time, expert)
        predictive = predictive.where(batch["mask"][..., None], 1.0)
        log_prior = F.log_softmax(self.log_weights, dim=0)  # (expert,)
        log_steps = predictive.log()
        # log w_k + log P_k(x_1 ... x_t)
        log_joint = log_prior + log_steps.cumsum(1)  # (batch, time, expert)
        # w_kt = w_k P_k(x_<t) / sum_j w_j P_j(x_<t)
        step_weights = (log_joint - log_steps).softmax(-1)  # (batch, time, expert)
        # -log2 M(x) = -log2 sum_k w_k 2^(-l_k)
        mixture_bits = -log_joint[:, -1].logsumexp(-1) / math.log(2)  # (batch,)
        return {
            "prior": log_prior.exp(),
            "predictive": predictive,
            "step_weights": step_weights,
            "mixture_predictive": (step_weights * predictive).sum(-1),  # M(x_t | x_<t) = sum_k w_kt p_kt
            "expert_bits": -log_steps.sum(1) / math.log(2),  # l_k = -sum_t log2 p_kt
            "posterior": log_joint[:, -1].softmax(-1),  # w_k 2^(-l_k) / M(x)
            "mixture_bits": mixture_bits,
            "loss": mixture_bits.mean(),
        }
