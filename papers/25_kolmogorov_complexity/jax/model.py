r"""The mixture of adaptive Markov codes as one pass over the string: a code is a fold with a state.

Shen, Uspensky, Vereshchagin 2017, chapter 5 for the mixture; the code is Krichevsky and Trofimov's.

    p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)      M(x) = sum_k w_k prod_t p_kt      L = mean(-log2 M)

    symbol   code                   shape                 symbol     code                 shape
    x        batch["strings"]       (batch, time)         w_kt       step_weights         (batch, time, expert)
    -        batch["mask"]          (batch, time)         l_k        expert_bits          (batch, expert)
    a        pseudo                 (expert, 2)           posterior  posterior            (batch, expert)
    w        prior                  (expert,)             M(x_t|.)   mixture_predictive   (batch, time)
    p_kt     predictive             (batch, time, expert) -log2 M    mixture_bits         (batch,)

`lax.scan` carries what a decoder knows at step t: the counts, the last bits, and log w_k + log P_k(x_<t). `vmap` runs
it over the strings of the batch.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax, nn

State = tuple[Array, Array, Array]


def forward(params: dict[str, Array], batch: dict[str, Array], *, orders: tuple[int, ...]) -> dict[str, Array]:
    """Outputs of spec.md from `params` (log_weights (expert,), log_pseudo (expert, 2)) and `batch`: `strings` (batch, time)
    of 0 and 1, `mask` (batch, time), true inside of a string.

    Code lengths are in bits, log-weights in nats; `loss` is the mean of `mixture_bits` over the strings of the batch.
    """
    if min(orders) < 0:
        raise ValueError(f"orders {orders}: an order is at least 0")
    expert = jnp.arange(len(orders))
    contexts = 2 ** jnp.asarray(orders)  # (expert,): how many each expert tells apart
    # a_ks = 1/2 exp(log_pseudo_ks)
    pseudo = 0.5 * jnp.exp(params["log_pseudo"])  # (expert, 2)
    log_prior = nn.log_softmax(params["log_weights"])  # (expert,)

    def read(state: State, step: tuple[Array, Array]) -> tuple[State, tuple[Array, Array, Array]]:
        counts, history, log_joint = state  # (expert, context, 2), (), (expert,)
        symbol, inside = step  # (), ()
        context = history % contexts  # (expert,)
        seen = counts[expert, context]  # (expert, 2)
        # p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)
        predictive = (seen[:, symbol] + pseudo[:, symbol]) / (seen.sum(1) + pseudo.sum(1))  # (expert,)
        predictive = jnp.where(inside, predictive, 1.0)
        # w_kt = w_k P_k(x_<t) / sum_j w_j P_j(x_<t)
        step_weights = nn.softmax(log_joint)  # (expert,)
        # M(x_t | x_<t) = sum_k w_kt p_kt
        mixture = step_weights @ predictive  # ()
        counts = counts.at[expert, context, symbol].add(1)
        history = (2 * history + symbol) % 2 ** max(orders)
        return (counts, history, log_joint + jnp.log(predictive)), (predictive, step_weights, mixture)

    def code(string: Array, mask: Array) -> tuple[State, tuple[Array, Array, Array]]:
        counts = jnp.zeros((len(orders), 2 ** max(orders), 2), pseudo.dtype)
        start = (counts, jnp.zeros((), string.dtype), log_prior)  # before its first bit a string holds zeros
        return lax.scan(read, start, (string, mask))

    (_, _, log_joint), (predictive, step_weights, mixture) = jax.vmap(code)(batch["strings"], batch["mask"])
    # -log2 M(x) = -log2 sum_k w_k 2^(-l_k)
    mixture_bits = -nn.logsumexp(log_joint, axis=-1) / jnp.log(2.0)  # (batch,)
    return {
        "prior": jnp.exp(log_prior),  # (expert,)
        "predictive": predictive,  # (batch, time, expert)
        "step_weights": step_weights,  # (batch, time, expert)
        "mixture_predictive": mixture,  # (batch, time)
        "expert_bits": -jnp.log2(predictive).sum(1),  # (batch, expert): l_k = -sum_t log2 p_kt
        "posterior": nn.softmax(log_joint),  # (batch, expert): w_k 2^(-l_k) / M(x)
        "mixture_bits": mixture_bits,
        "loss": mixture_bits.mean(),
    }
