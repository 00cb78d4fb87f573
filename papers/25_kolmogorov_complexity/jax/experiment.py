r"""What the theory predicts, measured with JAX: a machine's K and m, learned weights, regret, and compression distance.

    K(x) = min over programs, m(x) = sum over programs of 2^(-length): one recursion over the last instruction, with
    min and logsumexp, as a scan over the lengths; held against the enumeration of all programs (machine.py)
    weights w and pseudo-counts a learned by gradient descent on the mixture's bits, the whole descent one compiled scan
    regret of the expert of order k in n bits: 2^k / 2 log2 n + O(1)
    NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y)), C the length after compression

The enumeration and the compressors are the same in both experiments; all else is computed with JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, nn
from jax.scipy.special import xlogy

from s30.corpus import sibling
from s30.training.jax import AdamState, adam, adam_init
from s30.vocabulary import Experiment, Lines

forward = sibling(__file__, "model.py").forward
machine = sibling(__file__, "../machine.py")
report = sibling(__file__, "../report.py")
sources = sibling(__file__, "../sources.py")

Params = dict[str, Array]

ORDERS = (0, 1, 2)
SHARES = (0.5, 0.3, 0.2)  # of the orders among the sources whose strings teach the weights
SIZES = {  # strings and steps for learning; strings per order for regret; documents per corpus; modules
    "quick": {"strings": 600, "steps": 60, "regret": 300, "documents": 12, "modules": 8},
    "full": {"strings": 2000, "steps": 120, "regret": 1000, "documents": 24, "modules": 24},
}
LENGTH, REGRET_LENGTH, DOCUMENT_BYTES, PER_MODULE = 96, 1024, 4096, 4


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    rng, sizes = np.random.default_rng([25, seed]), SIZES[profile]
    metrics, figures = {}, {}
    parts = (
        (0.0, "learning the weights", lambda: learn(rng, sizes["strings"], sizes["steps"])),
        (0.4, "regret", lambda: regret(rng, sizes["regret"])),
        (0.6, "running every program", lambda: report.machine_report(*complexities(report.RECURSION_BITS))),
        (0.7, "compressing pairs of documents", lambda: distances(rng, sizes["documents"], sizes["modules"])),
    )
    for fraction, text, part in parts:
        progress(fraction, text)
        measured, drawn = part()
        metrics |= measured
        figures |= drawn
    progress(1.0, "done")
    return Experiment(metrics, figures)


def complexities(max_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index."""
    steps = [machine.last_instructions(n) for n in range(1, max_bits + 1)]
    ways, width = max(len(cost) for _, cost in steps), 2**max_bits
    # One shape for all lengths, so that one compiled step serves them: absent ways and strings have source -1.
    source = np.full((max_bits, ways, width), -1, dtype=np.int32)
    cost = np.zeros((max_bits, ways), dtype=np.float32)
    for n, (before, bits) in enumerate(steps):
        source[n, : before.shape[0], : before.shape[1]] = before
        cost[n, : len(bits)] = bits

    def lengthen(tables: tuple[Array, Array], step: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], None]:
        shortest, mass = tables  # by machine.index; log2 of the mass
        source, cost, at = step  # (ways, width), (ways,), ()
        cost = cost[:, None]
        # K(x) = min over the last instruction of K(before) + its bits
        best = jnp.where(source < 0, jnp.inf, shortest[source] + cost).min(0)  # (width,)
        # m(x) = sum over the last instruction of m(before) 2^(-its bits)
        log_mass = nn.logsumexp(
            jnp.where(source < 0, -jnp.inf, (mass[source] - cost) * math.log(2)), axis=0
        ) / math.log(2)
        # A row is wider than 2^n; what it writes beyond is overwritten by the next, longer strings.
        return (lax.dynamic_update_slice(shortest, best, (at,)), lax.dynamic_update_slice(mass, log_mass, (at,))), None

    empty = jnp.zeros(2 * width - 1)
    starts = 2 ** jnp.arange(1, max_bits + 1) - 1
    (shortest, mass), _ = jax.jit(lambda *xs: lax.scan(lengthen, (empty, empty), xs))(source, cost, starts)
    halt = len(machine.HALT)
    return np.asarray(shortest, np.float64) + halt, halt - np.asarray(mass, np.float64)


def learn(rng: np.random.Generator, count: int, steps: int) -> report.Report:
    """Weights and pseudo-counts by gradient descent on strings whose order, and whose parameters, were drawn."""
    drawn = np.repeat(ORDERS, np.round(np.array(SHARES) * count).astype(int))
    schedule = 0.05 * 0.5 * (1 + jnp.cos(jnp.pi * jnp.arange(steps) / steps))

    @jax.jit
    def descend(params: Params, strings: Array) -> tuple[Params, Array, Array, Array]:
        batch = {"strings": strings, "mask": jnp.ones_like(strings, dtype=bool)}

        def code(params: Params) -> tuple[Array, Array]:
            out = forward(params, batch, orders=ORDERS)
            return out["loss"], out["expert_bits"]

        def step(
            carry: tuple[Params, AdamState], learning_rate: Array
        ) -> tuple[tuple[Params, AdamState], tuple[Array, ...]]:
            params, state = carry
            (loss, bits), grads = jax.value_and_grad(code, has_aux=True)(params)
            return adam(params, grads, state, learning_rate), (loss, nn.softmax(params["log_weights"]), bits)

        # One step more than the schedule has, of rate 0, to see where the descent has ended.
        rates = jnp.append(schedule, 0.0)
        (params, _), (loss, priors, bits) = lax.scan(step, (params, adam_init(params)), rates)
        # Where dL/d log w = (w - mean posterior) / ln 2 vanishes: w is the mean posterior. Iterating that is EM.
        log_likelihood = -bits[-1] * math.log(2)
        uniform = jnp.full(len(ORDERS), 1 / len(ORDERS))
        optimum = lax.fori_loop(0, 200, lambda _, w: nn.softmax(jnp.log(w) + log_likelihood).mean(0), uniform)
        return params, loss, priors, optimum

    # a = 1, Laplace's rule: the 1/2 has to be found
    start = {"log_weights": jnp.zeros(len(ORDERS)), "log_pseudo": jnp.full((len(ORDERS), 2), math.log(2.0))}
    params, loss, priors, optimum = descend(start, jnp.asarray(sources.jeffreys_strings(rng, drawn, LENGTH)))
    pseudo = 0.5 * jnp.exp(params["log_pseudo"])
    x = list(range(1, steps + 1))
    metrics = {
        "bits_per_symbol_start": float(loss[0]) / LENGTH,
        "bits_per_symbol_end": float(loss[-1]) / LENGTH,
        "weight_gap_to_optimum": float(jnp.abs(priors[-1] - optimum).max()),
        "weight_gap_to_source": float(jnp.abs(priors[-1] - jnp.array(SHARES)).max()),
        "learned_pseudo_count": float(pseudo.mean()),
        "learned_pseudo_count_order_0": float(pseudo[0].mean()),
    }
    series = {f"w of order {k}": (x, priors[:-1, k].tolist()) for k in ORDERS}
    series |= {f"share of order {k}": ([1, steps], [share, share]) for k, share in zip(ORDERS, SHARES, strict=True)}
    return metrics, {"learning": Lines("Weights learned by gradient descent", "step", "weight", series)}


def regret(rng: np.random.Generator, count: int) -> report.Report:
    """Bits above the best parameters in hindsight at growing lengths, KT experts and uniform weights."""
    lengths = 2 ** np.arange(4, int(math.log2(REGRET_LENGTH)) + 1)
    drawn = [sources.markov_strings(rng, rng.uniform(0.15, 0.85, (count, 2**order)), REGRET_LENGTH) for order in ORDERS]
    params = {"log_weights": jnp.zeros(len(ORDERS)), "log_pseudo": jnp.zeros((len(ORDERS), 2))}

    @jax.jit
    def measure(strings: Array) -> tuple[Array, Array, Array]:  # (order, count, time) -> three of (order, length)
        inside = jnp.ones(strings.shape[1:], dtype=bool)
        out = jax.vmap(lambda x: forward(params, {"strings": x, "mask": inside}, orders=ORDERS))(strings)
        own = jnp.stack([out["predictive"][k, ..., k] for k in ORDERS])  # (order, count, time)
        best = jnp.stack([hindsight_bits(strings[k], k, lengths) for k in ORDERS])  # (order, count, length)
        bits = -jnp.log2(jnp.stack([own, out["mixture_predictive"]])).cumsum(-1)[..., lengths - 1] - best
        heaviest = out["step_weights"][:, :, lengths - 1].argmax(-1)  # (order, count, length)
        return *bits.mean(-2), (heaviest == jnp.asarray(ORDERS)[:, None, None]).mean(1)

    measured = measure(jnp.asarray(np.stack(drawn)))
    return report.regret_report(lengths, *(np.asarray(rows, np.float64) for rows in measured))


def hindsight_bits(strings: Array, order: int, lengths: np.ndarray) -> Array:
    """Code length under the parameters that fit each prefix best, sum_c n_c h(n_c1 / n_c): (count, length)."""
    steps = strings.shape[1]
    past = jnp.pad(strings, ((0, 0), (order, 0)))
    cell = sum(past[:, back : back + steps] * 2 ** (order - back) for back in range(order + 1))  # 2 c + x_t

    counts = nn.one_hot(cell, 2 ** (order + 1)).cumsum(1)[:, lengths - 1]  # (count, length, cell)
    counts = counts.reshape(*counts.shape[:2], 2**order, 2)  # (count, length, context, 2)
    total = counts.sum(-1, keepdims=True)
    return -(xlogy(counts, counts) - xlogy(counts, total)).sum((-1, -2)) / math.log(2)


def distances(rng: np.random.Generator, count: int, modules: int) -> report.Report:
    """Normalised compression distance among documents of three corpora, then among pieces of modules of one of them."""
    texts = sources.documents(count, DOCUMENT_BYTES, rng)
    labels = np.repeat(np.arange(len(sources.CORPORA)), count)
    distance, nearest = neighbours(texts)
    metrics, figures = report.distance_report(distance, nearest, labels, texts)
    pieces, module = sources.module_pieces(modules, PER_MODULE, DOCUMENT_BYTES, rng)
    return metrics | report.nearest_report("module", neighbours(pieces)[1], module, pieces), figures


def neighbours(texts: list[bytes]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """For each compressor the distances (document, document) and each document's nearest other one (document,)."""

    def one(c_x: Array, c_y: Array, c_xy: Array) -> Array:
        # NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))
        return (c_xy - jnp.minimum(c_x, c_y)) / jnp.maximum(c_x, c_y)

    ncd = jax.vmap(jax.vmap(one, (None, 0, 0)), (0, None, 0))
    distance, nearest = {}, {}
    for name, compress in sources.COMPRESSORS.items():
        single, pair = map(jnp.asarray, sources.compressed_lengths(texts, compress))
        matrix = ncd(single, single, pair)  # (document, document)
        distance[name] = np.asarray(matrix)
        nearest[name] = np.asarray(jnp.fill_diagonal(matrix, jnp.inf, inplace=False).argmin(1))
    return distance, nearest
