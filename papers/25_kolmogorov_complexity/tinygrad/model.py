r"""The mixture of adaptive Markov codes in tinygrad: counts as a comparison of every step with every earlier one.

Shen, Uspensky, Vereshchagin 2017, chapter 5 for the mixture; the code is Krichevsky and Trofimov's.

    n_s(t) = #{u < t : c_u = c_t, x_u = s}        p_kt = (n_x + a_kx) / (n_0 + n_1 + a_k0 + a_k1)
    M(x) = sum_k w_k prod_t p_kt                  L = mean(-log2 M)

    symbol   code                   shape                 symbol     code                 shape
    x        batch["strings"]       (batch, time)         w_kt       step_weights         (batch, time, expert)
    -        batch["mask"]          (batch, time)         l_k        expert_bits          (batch, expert)
    a        pseudo                 (expert, 2)           posterior  posterior            (batch, expert)
    w        prior                  (expert,)             M(x_t|.)   mixture_predictive   (batch, time)
    p_kt     predictive             (batch, time, expert) -log2 M    mixture_bits         (batch,)

The count before every step is wanted, not the last one that `Tensor.scatter` would leave: a (time, time) matrix of equal
contexts, cut below its diagonal, holds them all, and no table over the contexts is kept.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, dtypes


def contexts(strings: Tensor, order: int) -> Tensor:
    """c_t: the number formed by the `order` bits before x_t, the newest lowest, zeros before the start: (batch, time)."""
    steps = strings.shape[1]
    number = strings * 0
    for back in range(1, order + 1):
        number = number + strings.pad((None, (back, 0)))[:, :steps] * 2 ** (back - 1)
    return number


class Model:
    """Parameters log_weights (expert,) and log_pseudo (expert, 2); zeros are equal weights and Krichevsky and Trofimov's 1/2.

    A new model is drawn from N(0, 0.1^2) around that. Raises ValueError where an order is below 0.
    """

    def __init__(self, orders: tuple[int, ...] = (0, 1, 2)) -> None:
        if min(orders) < 0:
            raise ValueError(f"orders {orders}: an order is at least 0")
        self.orders = orders
        self.log_weights = 0.1 * Tensor.randn(len(orders))
        self.log_pseudo = 0.1 * Tensor.randn(len(orders), 2)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of spec.md from `strings` (batch, time) of 0 and 1 and `mask` (batch, time), true inside of a string.

        Code lengths are in bits, log-weights in nats; `loss` is the mean of `mixture_bits` over the strings of the batch.
        """
        strings, mask = batch["strings"], batch["mask"]  # (batch, time) each
        steps = strings.shape[1]
        earlier = Tensor.ones(steps, steps, dtype=dtypes.bool).tril(-1)  # (time, time): u < t
        one = strings.unsqueeze(2)  # (batch, time, 1): the symbol as a switch between the two pseudo-counts

        # a_ks = 1/2 exp(log_pseudo_ks)
        pseudo = 0.5 * self.log_pseudo.exp()  # (expert, 2)
        came, all_seen = [], []
        for order in self.orders:
            context = contexts(strings, order)
            same = (context.unsqueeze(2) == context.unsqueeze(1)) & earlier  # (batch, t, u)
            equal = same & (strings.unsqueeze(2) == strings.unsqueeze(1))
            came.append(equal.sum(2).cast(pseudo.dtype))  # (batch, time): n_x
            all_seen.append(same.sum(2).cast(pseudo.dtype))  # (batch, time): n_0 + n_1
        # p_kt = (n_x + a_kx) / (n_0 + n_1 + a_k0 + a_k1)
        prior_count = (one == 1).where(pseudo[:, 1], pseudo[:, 0])  # (batch, time, expert)
        predictive = (Tensor.stack(*came, dim=2) + prior_count) / (Tensor.stack(*all_seen, dim=2) + pseudo.sum(1))
        predictive = mask.unsqueeze(2).where(predictive, 1.0)  # (batch, time, expert)

        log_prior = self.log_weights.log_softmax()  # (expert,)
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
