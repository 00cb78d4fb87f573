r"""The mixture of adaptive Markov codes as an `nn.Module`, all steps of all strings at once.

Shen, Uspensky, Vereshchagin 2017; equations and symbols as in ../numpy_checks.py.

    p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)      M(x) = sum_k w_k prod_t p_kt      L = mean(-log2 M)

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
    def __init__(self, orders: tuple[int, ...] = (0, 1, 2)) -> None:
        super().__init__()
        self.orders = orders
        self.log_weights = nn.Parameter(torch.zeros(len(orders)))
        self.log_pseudo = nn.Parameter(torch.zeros(len(orders), 2))  # zero: Krichevsky and Trofimov's 1/2

    def predict(self, strings: Tensor) -> Tensor:
        """Each expert's probability of the symbol that came, from the symbols before it: (batch, time, expert)."""
        # a_ks = 1/2 exp(log_pseudo_ks)
        pseudo = 0.5 * self.log_pseudo.exp()  # (expert, 2)
        predictions = []
        for k, order in enumerate(self.orders):
            cell = context_cells(strings, order)[..., None]  # (batch, time, 1)
            now = F.one_hot(cell.squeeze(-1), 2 ** (order + 1))  # (batch, time, 2^(order + 1))
            before = now.cumsum(1) - now
            # p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)
            came = before.gather(2, cell).squeeze(-1)  # (batch, time)
            other = before.gather(2, cell ^ 1).squeeze(-1)
            predictions.append((came + pseudo[k][strings]) / (came + other + pseudo[k].sum()))
        return torch.stack(predictions, dim=-1)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        predictive = self.predict(batch["strings"]).where(batch["mask"][..., None], 1.0)  # (batch, time, expert)
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
