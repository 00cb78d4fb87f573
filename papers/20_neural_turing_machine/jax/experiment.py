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


def machine(params: dict, inputs: Array, drawn: Array) -> dict[str, Array]:
    """One sequence (time, feature), from the learnt row and what is drawn on top of it, (row, size)."""
    found = model.follow(params, inputs, {"memory": params["start.memory"] + drawn}, **task.sizes(len(drawn)))
    return {"logits": found["logits"], "weighting": found["weighting"]}


def lstm(params: dict, inputs: Array, _: Array) -> dict[str, Array]:
    """One sequence (time, feature): the logits from every h."""

    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Array]:
        state = model.lstm(params, x, *state)
        return state, model.affine(params, "output", state[0])

    return {"logits": lax.scan(step, (params["controller.h"], params["controller.c"]), inputs)[1]}


@partial(jax.jit, static_argnames="net")
def answers(net: str, params: dict, inputs: Array, drawn: Array) -> dict[str, Array]:
    """The nets on sequences of their own, (sequence, net, time, feature)."""
    one = lstm if net == "lstm" else machine

    def of_net(params: dict, own: Array, drawn: Array) -> dict[str, Array]:
        return jax.vmap(lambda x: one(params, x, drawn))(own)

    return jax.vmap(of_net, (0, 1, 0), 1)(params, inputs, drawn)


@partial(jax.jit, static_argnames="net")
def update(
    net: str, theta: Array, state: tuple, params: dict, batch: dict, drawn: Array, rate: Array, limit: Array
) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)

    def loss(at: Array) -> tuple[Array, Array]:
        logits = answers(net, unravel(at), batch["inputs"], drawn)["logits"]
        costs = jax.vmap(model.cost, 1)(logits, batch["targets"], batch["asked"])  # (net,)
        return costs.sum(), costs[: task.counted(net, len(costs))].mean()

    (_, value), gradient = jax.value_and_grad(loss, has_aux=True)(theta)
    gradient = jnp.clip(gradient, -limit, limit)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


def drawn_rows(net: str, inputs: Array, rows: int) -> Array:
    """Nothing is drawn for an LSTM."""
    nets = inputs.shape[1]
    return jnp.asarray(np.zeros(nets) if net == "lstm" else task.drawn_rows(nets, rows), inputs.dtype)


def train(training: Training) -> Trained:
    net, start, data = training.net, {name: jnp.asarray(value) for name, value in training.start.items()}, training.data
    theta, _ = ravel_pytree(start)
    state, losses, (rows, limit) = adam_init(theta), [], (training.settings[name] for name in ("rows", "limit"))
    drawn = drawn_rows(net, data["inputs"], rows)
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in data.items()}
        theta, state, loss = update(net, theta, state, start, batch, drawn, rate, limit)
        losses.append(loss)
    return Trained(ravel_pytree(start)[1](theta), np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    x = inputs["inputs"]
    return answers(net, dict(params), x, drawn_rows(net, x, int(inputs["rows"][0])))
