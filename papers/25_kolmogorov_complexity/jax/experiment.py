r"""How the mixture of `task.py` is trained and asked in JAX, and two recursions as scans and maps.

training     one compiled scan over the updates
K, m         a scan over the lengths: min and logsumexp over the last instruction
NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y)), mapped over both documents
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax, nn

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import AdamState, adam, adam_init

forward = sibling(__file__, "model.py").forward
complexity = sibling(__file__, "../complexity.py")
machine = sibling(__file__, "../machine.py")
task = sibling(__file__, "../task.py")

Params = dict[str, Array]


@jax.jit
def outputs(params: Params, strings: Array) -> dict[str, Array]:
    """The outputs for strings that fill their rows."""
    return forward(params, {"strings": strings, "mask": jnp.ones(strings.shape, dtype=bool)}, orders=task.ORDERS)


@jax.jit
def descend(params: Params, strings: Array, order: Array, rates: Array) -> tuple[Params, Array, Params]:
    """The parameters at the end, the loss in front of each update, and the parameters after it."""

    def update(
        carry: tuple[Params, AdamState], step: tuple[Array, Array]
    ) -> tuple[tuple[Params, AdamState], tuple[Array, Params]]:
        params, state = carry
        index, rate = step
        loss, grads = jax.value_and_grad(lambda p: outputs(p, strings[index])["loss"])(params)
        params, state = adam(params, grads, state, rate)
        return (params, state), (loss, params)

    (params, _), (losses, after) = lax.scan(update, (params, adam_init(params)), (order, rates))
    return params, losses, after


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    params, losses, after = descend(start, training.data["strings"], training.order, training.rates)
    kept = {at: {name: np.asarray(value[at - 1]) for name, value in after.items()} for at in training.keep}
    return Trained({name: np.asarray(value) for name, value in params.items()}, np.asarray(losses), kept)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, np.ndarray]:
    found = outputs(params, inputs["strings"])
    return {name: np.asarray(value) for name, value in found.items() if name != "loss"}


def complexities(max_bits: int) -> dict[str, np.ndarray]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index."""
    steps = [complexity.last_instructions(n) for n in range(1, max_bits + 1)]
    ways, width = max(len(cost) for _, cost in steps), 2**max_bits
    # One shape for all lengths, so that one compiled step serves them: absent ways and strings have source -1.
    source = np.full((max_bits, ways, width), -1, dtype=np.int32)
    cost = np.zeros((max_bits, ways))
    for n, (before, bits) in enumerate(steps):
        source[n, : before.shape[0], : before.shape[1]] = before
        cost[n, : len(bits)] = bits

    def lengthen(tables: tuple[Array, Array], step: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], None]:
        shortest, mass = tables  # by machine.index; log2 of the mass
        source, cost, at = step  # (ways, width), (ways,), ()
        never, cost = source < 0, cost[:, None]
        # K(x) = min over the last instruction of K(before) + its bits
        best = jnp.where(never, jnp.inf, shortest[source] + cost).min(0)  # (width,)
        # m(x) = sum over the last instruction of m(before) 2^(-its bits)
        log_mass = nn.logsumexp(jnp.where(never, -jnp.inf, (mass[source] - cost) * math.log(2)), axis=0) / math.log(2)
        # A row is wider than 2^n; what it writes beyond is overwritten by the next, longer strings.
        return (lax.dynamic_update_slice(shortest, best, (at,)), lax.dynamic_update_slice(mass, log_mass, (at,))), None

    empty = jnp.zeros(2 * width - 1)
    starts = 2 ** jnp.arange(1, max_bits + 1) - 1
    (shortest, mass), _ = jax.jit(partial(lax.scan, lengthen))((empty, empty), (source, cost, starts))
    halt = len(machine.HALT)
    return {"complexity": np.asarray(shortest + halt), "minus_log_mass": np.asarray(halt - mass)}


@jax.jit
def distances(single: Array, pair: Array) -> tuple[Array, Array]:
    def one(c_x: Array, c_y: Array, c_xy: Array) -> Array:
        # NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))
        return (c_xy - jnp.minimum(c_x, c_y)) / jnp.maximum(c_x, c_y)

    distance = jax.vmap(jax.vmap(one, (None, 0, 0)), (0, None, 0))(single, single, pair)
    return distance, jnp.fill_diagonal(distance, jnp.inf, inplace=False).argmin(1)


def neighbours(single: np.ndarray, pair: np.ndarray) -> dict[str, np.ndarray]:
    """Compression distances (document, document) from compressed lengths, and each document's nearest other one."""
    distance, nearest = distances(single, pair)
    return {"distance": np.asarray(distance), "nearest": np.asarray(nearest)}
