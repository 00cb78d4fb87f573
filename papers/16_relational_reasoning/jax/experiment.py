r"""How the networks of `task.py` are trained and asked in JAX: this room's `forward`, all updates in one `lax.scan`.

`multiplications` counts what a forward pass does, from the program that JAX traces.
"""

from collections.abc import Iterator
from functools import partial
from math import prod

import jax
import numpy as np
from jax import Array, lax
from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init

forward = sibling(__file__, "model.py").forward
task = sibling(__file__, "../task.py")


@partial(jax.jit, static_argnums=0)
def updates(net: str, params: dict, data: dict, order: Array, rates: Array) -> tuple[dict, Array]:
    """Parameters after the minibatches of `order`, (update, size), and their losses, (update,)."""
    theta, unravel = ravel_pytree(params)  # one vector, so that Adam is compiled once and not per name
    config = task.config(net)

    def update(carry: tuple, given: tuple) -> tuple:
        theta, state = carry
        index, rate = given
        batch = {name: value[index] for name, value in data.items()}
        loss, gradient = jax.value_and_grad(lambda theta: forward(unravel(theta), batch, **config)["loss"])(theta)
        return adam(theta, gradient, state, rate), loss

    (theta, _), losses = lax.scan(update, (theta, adam_init(theta)), (order, rates))
    return unravel(theta), losses


@partial(jax.jit, static_argnums=0)
def logits(net: str, params: dict, inputs: dict) -> Array:
    return forward(params, asked(inputs), **task.config(net))["logits"]


def asked(inputs: dict) -> dict:
    """The network asks for targets; these are none."""
    return {**inputs, "target": np.zeros(len(inputs["mask"]), int)}


def train(training: Training) -> Trained:
    params, losses = updates(training.net, training.start, training.data, training.order, training.rates)
    return Trained(params, np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"logits": logits(net, dict(params), dict(inputs))}


def multiplications(net: str, objects: int) -> np.ndarray:
    """Of one set of so many objects: those of all products of matrices in the traced program."""
    config = {**task.config(net), "places": objects}
    params = {name: np.zeros(shape) for name, shape in task.shapes(**config).items()}
    program = jax.make_jaxpr(partial(forward, **config))(params, asked(task.blank(net, objects)))
    return np.array(sum(products(program.jaxpr)))


def products(program: Jaxpr) -> Iterator[int]:
    """Multiplications of each product of matrices: the size of the result times what is summed over."""
    for equation in program.eqns:
        for value in equation.params.values():
            if isinstance(value, ClosedJaxpr):
                yield from products(value.jaxpr)
        if equation.primitive.name == "dot_general":
            (over, _), _ = equation.params["dimension_numbers"]
            yield prod(equation.outvars[0].aval.shape) * prod(equation.invars[0].aval.shape[axis] for axis in over)
