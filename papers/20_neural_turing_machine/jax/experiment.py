r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `follow`, and its LSTM cell with a readout, for one sequence of one net; `vmap` adds sequences and nets
    training   one compiled update for each minibatch; Adam on all parameters of all nets in one vector, the gradient cut entry by entry

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def machine(params: dict, inputs: Array, memory: Array | None, rows: int) -> dict[str, Array]:
    """One sequence (time, feature), from a learnt memory or from this one."""
    found = model.follow(params, inputs, {} if memory is None else {"memory": memory}, **task.sizes(rows))
    return {"logits": found["logits"], "weighting": found["weighting"]}


def lstm(params: dict, inputs: Array, *_: object) -> dict[str, Array]:
    """One sequence (time, feature): the logits from every h."""

    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Array]:
        state = model.lstm(params, x, *state)
        return state, model.affine(params, "output", state[0])

    return {"logits": lax.scan(step, (params["controller.h"], params["controller.c"]), inputs)[1]}


@partial(jax.jit, static_argnames=("net", "rows"))
def answers(net: str, rows: int, params: dict, inputs: Array, memory: Array | None) -> dict[str, Array]:
    """The nets on sequences of their own, (sequence, net, time, feature)."""
    one = lstm if net == "lstm" else machine
    return jax.vmap(lambda params, own: jax.vmap(lambda x: one(params, x, memory, rows))(own), (0, 1), 1)(params, inputs)


@partial(jax.jit, static_argnames=("net", "rows"))
def update(net: str, rows: int, theta: Array, state: tuple, params: dict, batch: dict, memory: Array | None, rate: Array,
           limit: Array) -> tuple:  # fmt: skip
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)

    def loss(at: Array) -> tuple[Array, Array]:
        logits = answers(net, rows, unravel(at), batch["inputs"], memory)["logits"]
        costs = jax.vmap(model.cost, 1)(logits, batch["targets"], batch["asked"])  # (net,)
        return costs.sum(), costs.mean()

    (_, value), gradient = jax.value_and_grad(loss, has_aux=True)(theta)
    gradient = jnp.clip(gradient, -limit, limit)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


def kind(net: str) -> str:
    """Machines share one program; which memory they start from is an argument."""
    return "lstm" if net == "lstm" else "machine"


def begun(net: str, rows: int, dtype: np.dtype) -> Array | None:
    start = task.memory(net, rows)
    return None if start is None else jnp.asarray(start, dtype)


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, data = adam_init(theta), [], training.data
    rows, limit = training.settings["rows"], training.settings["limit"]
    memory = begun(training.net, rows, data["inputs"].dtype)
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in data.items()}
        theta, state, loss = update(kind(training.net), rows, theta, state, start, batch, memory, rate, limit)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    rows = int(inputs["rows"][0])
    return answers(kind(net), rows, dict(params), inputs["inputs"], begun(net, rows, inputs["inputs"].dtype))
