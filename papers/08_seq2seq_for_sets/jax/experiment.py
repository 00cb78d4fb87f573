r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `pointing` for sorting, `joint` for stars; all switches are traced, so that the columns of table 1 share
               one program, and so do all stars
    training   one compiled update for each minibatch; Adam on all parameters in one vector, the gradient's norm limited
    search     before an update the order of each example is found: the greatest sum of a logarithm and the noise given is a draw

Arrays arrive in the precision in which they are to be used.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init, clip_by_global_norm

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
SIZES = {"variables": task.VARIABLES, "symbols": task.SYMBOLS}


def compiled(function: Callable, static: int = 0, level: int = 0) -> Callable:
    """LLVM's level 0 compiles sooner than 1, to what runs slower."""
    return jax.jit(
        function, static_argnums=tuple(range(static)), compiler_options={"xla_backend_optimization_level": level}
    )


def how(net: str) -> dict:
    """What is traced of a network's configuration."""
    names = ("steps", "glimpse", "reuse") if net in task.SORTS else ("told",)
    return {name: task.config(net)[name] for name in names}


def whole(net: str, params: Arrays) -> dict:
    """The parameters, with zeros for the glimpse of a network that has none."""
    known = dict(params)
    if net in task.SORTS:
        known.setdefault("glimpse.weight", np.zeros_like(known["key.weight"]))
    return {name: jnp.asarray(value) for name, value in known.items()}


def update(
    sorting: bool, theta: Array, state: tuple, params: dict, batch: dict, rate: Array, traced: dict, clip: float
) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name; and the loss."""
    _, named = ravel_pytree(params)

    def loss(theta: Array) -> Array:
        if sorting:
            return model.pointing(named(theta), batch, most=task.MOST, **traced)["loss"]
        return model.orders.joint(named(theta), batch["values"], batch["order"], **SIZES, **traced)["loss"]

    value, gradient = jax.value_and_grad(loss)(theta)
    return *adam(theta, clip_by_global_norm(gradient, clip), state, rate), value


# The first updates, in float64, take less time than a better program takes to compile.
PROGRAMS = {np.dtype(np.float32): compiled(update, 1, level=1), np.dtype(np.float64): compiled(update, 1)}


def train(training: Training) -> Trained:
    net, start = training.net, whole(training.net, training.start)
    theta, named = ravel_pytree(start)
    state, losses, program = adam_init(theta), [], PROGRAMS[np.dtype(theta.dtype)]
    for number, (index, rate) in enumerate(zip(training.order, training.rates, strict=True)):
        batch = {name: value[index] for name, value in training.data.items()}
        if (noise := batch.pop("noise", None)) is not None and number >= training.settings["random"]:
            batch["order"] = np.asarray(found_orders(named(theta), batch["values"], noise), batch["order"].dtype)
        theta, state, loss = program(net in task.SORTS, theta, state, start, batch, rate, how(net), training.clip)
        losses.append(loss)
    params = named(theta)
    return Trained({name: params[name] for name in training.start}, np.array(losses))


@compiled
def found_orders(params: dict, values: Array, noise: Array) -> Array:
    """Of the two orders the one with the greater log p + noise, or an order of all, drawn left to right."""
    if noise.ndim == 3:
        return jax.vmap(partial(model.orders.drawn_order, params, task.SYMBOLS))(values, noise)
    two = jnp.asarray(task.stars.both_orders(task.VARIABLES))
    likely = jax.vmap(lambda value: jax.vmap(partial(log_probability, params, False, value))(two))(values)  # (batch, 2)
    return two[jnp.argmax(likely + noise, 1)]


def log_probability(params: dict, told: Array, values: Array, order: Array) -> Array:
    """log p(Y_pi) of one example."""
    _, log_p = model.orders.chain(params, values, order, told=told, **SIZES)
    return model.orders.of_pairs(log_p, values, order).sum()


def drawn_orders(params: Arrays, values: Array, noise: Array) -> dict[str, Array]:
    return {"order": np.asarray(found_orders(dict(params), values, noise), np.int64)}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """Of sets what is written greedily, and the logarithm of its probability; of settings log p(Y_pi) in the order given."""
    if net in task.SORTS:
        places, log_p = written(whole(net, params), inputs["points"], inputs["point_mask"], how(net))
        return {"places": np.asarray(places, np.int64), "log_p": log_p}
    return {"log_p": log_probabilities(dict(params), how(net)["told"], inputs["values"], inputs["order"])}


@compiled
def log_probabilities(params: dict, told: Array, values: Array, order: Array) -> Array:
    return jax.vmap(partial(log_probability, params, told))(values, order)


@compiled
def written(params: dict, points: Array, mask: Array, traced: dict) -> tuple[Array, Array]:
    return jax.vmap(partial(written_one, params, traced))(points, mask)


def written_one(params: dict, traced: dict, points: Array, mask: Array) -> tuple[Array, Array]:
    """As `search.written`, of one set: places (input,), -1 behind the end, and the logarithm of their probability."""
    memory, _, state, _ = model.encode(params, points, mask, traced["steps"], False, task.MOST)

    def advance(carry: tuple, j: Array) -> tuple:
        state, given, total = carry
        state, decoded = model.step(params, "write", state, given)
        scores = model.pointers(params, memory, decoded, mask, traced["glimpse"])
        log_p = jax.nn.log_softmax(jnp.where(mask, scores, -jnp.inf))
        place, here = jnp.argmax(log_p), j < mask.sum()
        return (state, memory[place], total + jnp.where(here, log_p[place], 0)), jnp.where(here, place, -1)

    start = (state, params["start"], jnp.zeros((), points.dtype))
    (_, _, total), places = lax.scan(advance, start, jnp.arange(len(mask)))
    return places, total
