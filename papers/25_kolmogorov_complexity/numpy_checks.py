r"""A Bayesian mixture of adaptive Markov codes: a computable relative of the a priori probability on the binary tree.

A. Shen, V. A. Uspensky, N. Vereshchagin, «Kolmogorov Complexity and Algorithmic Randomness», AMS 2017: chapter 5 builds
the largest lower semicomputable semimeasure on the binary tree, a weighted sum of all of them. Here the sum is over three
measures. (Chapter 4's m(x), a sum over programs, is another object: its values for ALL strings sum to at most 1, while here
the strings of EACH length do. Its relative is the machine of machine.py.)

    expert k          p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)       x = x_t, c = the k bits before x_t
    pseudo-counts     a_ks = 1/2 exp(log_pseudo_ks)                             zero: Krichevsky and Trofimov's 1/2
    code lengths      l_k(x) = -sum_t log2 p_kt                                 bits
    mixture           M(x) = sum_k w_k 2^(-l_k(x)),  w = softmax(log_weights)
    prediction        M(x_t | x_<t) = sum_k w_kt p_kt                           w_kt: weights given x_1 ... x_(t-1)
    loss              L = mean over strings of -log2 M(x)                       bits
    gradient          dL/d log_weights = mean over strings of (w - posterior) / ln 2

    symbol   code                   shape                 symbol     code                 shape
    x        batch["strings"]       (batch, time)         w_kt       step_weights         (batch, time, expert)
    -        batch["mask"]          (batch, time)         l_k        expert_bits          (batch, expert)
    a        pseudo                 (expert, 2)           posterior  posterior            (batch, expert)
    w        prior                  (expert,)             M(x_t|.)   mixture_predictive   (batch, time)
    p_kt     predictive             (batch, time, expert) -log2 M    mixture_bits         (batch,)

A step where the mask is false is outside of the string: it has probability one and costs no bits. Before its first
bit a string is taken to hold zeros, so that every step has a context.
"""

from __future__ import annotations

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

LN2 = np.log(2.0)


def problem(seed: int = 0) -> Problem:
    """Five strings of at most 13 bits from a source of order 2; weights and pseudo-counts away from symmetry."""
    rng = np.random.default_rng(2500 + seed)
    lengths = np.array([13, 11, 13, 8, 12])
    while True:
        strings = rng.integers(0, 2, (5, 13))
        for t in range(2, 13):
            # after 01 and 10 the source prefers to repeat the bit before the last
            strings[:, t] = np.where(rng.random(5) < 0.7, strings[:, t - 2] ^ strings[:, t - 1] ^ 1, strings[:, t])
        params = {"log_weights": rng.normal(0, 0.7, 3), "log_pseudo": rng.normal(0, 0.5, (3, 2))}
        batch = {"strings": strings, "mask": np.arange(13) < lengths[:, None]}
        bits = forward(params, batch, orders=(0, 1, 2))["expert_bits"]
        if np.abs(np.diff(np.sort(bits, axis=1), axis=1)).min() > 0.1:  # the experts disagree on every string
            return Problem({"orders": (0, 1, 2)}, params, batch, learning_rate=0.1)


def forward(params: Arrays, batch: Arrays, *, orders: tuple[int, ...]) -> dict[str, Array]:
    """Outputs of spec.md for `params` (log_weights (expert,), log_pseudo (expert, 2)) and `batch`: `strings` (batch, time)
    of 0 and 1, `mask` (batch, time), true inside of a string. Raises ValueError where an order is below 0.

    Code lengths are in bits, log-weights in nats; `loss` is the mean of `mixture_bits` over the strings of the batch.
    """
    if min(orders) < 0:
        raise ValueError(f"orders {orders}: an order is at least 0")
    strings, mask = batch["strings"], batch["mask"]  # (batch, time) each
    size, steps = strings.shape
    row = np.arange(size)

    # a_ks = 1/2 exp(log_pseudo_ks)
    pseudo = 0.5 * np.exp(params["log_pseudo"])  # (expert, 2)
    # w = softmax(log_weights)
    log_prior = params["log_weights"] - log_sum_exp(params["log_weights"])  # (expert,)

    predictive = np.ones((size, steps, len(orders)))  # (batch, time, expert)
    for k, order in enumerate(orders):
        counts = np.zeros((size, 2**order, 2))  # n_cs, of the steps before t
        context = np.zeros(size, dtype=np.int64)  # the last `order` bits as a number, the newest bit the lowest
        for t in range(steps):
            symbol = strings[:, t]  # (batch,)
            seen = counts[row, context]  # (batch, 2)
            # p_kt = (n_c,x + a_kx) / (n_c0 + n_c1 + a_k0 + a_k1)
            predictive[:, t, k] = (seen[row, symbol] + pseudo[k, symbol]) / (seen.sum(1) + pseudo[k].sum())
            counts[row, context, symbol] += 1
            context = (2 * context + symbol) % 2**order
    predictive = np.where(mask[:, :, None], predictive, 1.0)

    # log w_k + log P_k(x_1 ... x_t)
    log_joint = log_prior + np.cumsum(np.log(predictive), axis=1)  # (batch, time, expert)
    # w_kt = w_k P_k(x_<t) / sum_j w_j P_j(x_<t)
    start = np.broadcast_to(log_prior, (size, 1, len(orders)))
    step_weights = softmax(np.concatenate([start, log_joint[:, :-1]], axis=1))  # (batch, time, expert)
    # -log2 M(x) = -log2 sum_k w_k 2^(-l_k)
    mixture_bits = -log_sum_exp(log_joint[:, -1]) / LN2  # (batch,)
    return {
        "prior": np.exp(log_prior),
        "predictive": predictive,
        "step_weights": step_weights,
        "mixture_predictive": (step_weights * predictive).sum(-1),  # M(x_t | x_<t) = sum_k w_kt p_kt
        "expert_bits": -np.log(predictive).sum(1) / LN2,  # l_k = -sum_t log2 p_kt
        "posterior": softmax(log_joint[:, -1]),  # w_k 2^(-l_k) / M(x)
        "mixture_bits": mixture_bits,
        "loss": np.asarray(mixture_bits.mean()),
    }


def log_sum_exp(scores: Array) -> Array:
    """log sum_j exp(s_j) over the last axis. The largest goes before exp: a string of 1,100 bits has 2^(-1100), which is 0."""
    largest = scores.max(-1, keepdims=True)
    return np.log(np.exp(scores - largest).sum(-1)) + largest[..., 0]


def softmax(scores: Array) -> Array:
    return np.exp(scores - log_sum_exp(scores)[..., None])


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "all_strings_sum_to_one",
            "the probabilities 2^(-bits) of all 32 strings of length 5 sum to 1, for each expert and for the mixture",
            "chapter 5: a semimeasure on the tree; here a measure, since every string goes on",
            _all_strings,
        ),
        Invariant(
            "adding_an_expert_costs_its_weight",
            "a third expert of weight w makes the mixture at most -log2(1 - w) bits longer than that of the first two",
            "chapter 5: the largest semimeasure on the tree dominates each of its terms up to the weight",
            _added_expert,
            "<=",
        ),
        Invariant(
            "regret_is_below_minus_log_weight",
            "-log2 M(x) < l_k(x) - log2 w_k for every string and expert",
            "chapter 5: the weighted sum is at least w_k times its k-th term",
            _regret,
            "<",
        ),
        Invariant(
            "order_zero_forgets_the_order",
            "permuting the bits of each string changes no code length of the expert of order 0",
            "the code depends on the counts of zeros and ones alone; chapter 7, Shannon entropy",
            _permuted,
        ),
        Invariant(
            "predictions_multiply_to_the_mixture",
            "the bits of the sequential predictions M(x_t | x_<t) sum to -log2 M(x)",
            "chain rule: a measure on the tree is the product of its conditional probabilities",
            _chain_rule,
        ),
        Invariant(
            "padding_costs_nothing",
            "flipping every bit outside of the strings changes no output, exactly",
            "strings of different lengths share a batch: what stands after the end is not read",
            _padding,
            tolerance=EXACT,
        ),
        Invariant(
            "negative_orders_are_refused",
            "orders (0, -1, 2) are no mixture: a context has at least 0 bits",
            "spec.md: config",
            lambda forward, problem, rng: forward(problem.params, problem.batch, orders=(0, -1, 2)),
            "raises",
            message="an order is at least 0",
        ),
    ]


def _all_strings(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    strings = np.arange(32)[:, None] >> np.arange(5)[::-1] & 1  # (32, 5)
    out = forward(problem.params, {"strings": strings, "mask": np.ones((32, 5), dtype=bool)})
    bits = np.column_stack([out["expert_bits"], out["mixture_bits"]])  # (32, 4)
    return (2.0**-bits).sum(0), np.ones(4)


def _added_expert(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    two = {name: value[:2] for name, value in problem.params.items()}
    three, before = forward(problem.params, problem.batch), forward(two, problem.batch, orders=(0, 1))
    return three["mixture_bits"], before["mixture_bits"] - np.log2(three["prior"][:2].sum())


def _regret(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch)
    bound = out["expert_bits"] - np.log2(out["prior"])  # (batch, expert)
    return np.broadcast_to(out["mixture_bits"][:, None], bound.shape), bound


def _permuted(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    strings, mask = problem.batch["strings"], problem.batch["mask"]
    mixed = strings.copy()
    for i, length in enumerate(mask.sum(1)):
        mixed[i, :length] = rng.permutation(strings[i, :length])
    same = forward(problem.params, problem.batch)["expert_bits"][:, 0]
    return forward(problem.params, {"strings": mixed, "mask": mask})["expert_bits"][:, 0], same


def _chain_rule(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch)
    return -np.log2(out["mixture_predictive"]).sum(1), out["mixture_bits"]


def _padding(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    strings, mask = problem.batch["strings"], problem.batch["mask"]
    here = forward(problem.params, problem.batch)
    there = forward(problem.params, {"strings": np.where(mask, strings, 1 - strings), "mask": mask})
    return tuple(np.concatenate([out[name].ravel() for name in sorted(here)]) for out in (there, here))
