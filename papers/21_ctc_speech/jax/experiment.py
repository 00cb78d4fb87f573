r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `forward` in the three forms of `task.NETS`
    training   one compiled update for each minibatch; Adam on all parameters in one vector; what of the occupancies nobody asks for is
               not computed

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial

import jax
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init, clip_by_global_norm

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


@partial(jax.jit, static_argnames="net")
def update(theta: Array, state: tuple, params: dict, batch: dict, rate: Array, clip: Array, net: str) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)
    loss, gradient = jax.value_and_grad(lambda at: model.forward(unravel(at), batch, **task.switches(net))["loss"])(
        theta
    )
    gradient = clip_by_global_norm(gradient, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), loss


def train(training: Training) -> Trained:
    start = {name: jax.numpy.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses = adam_init(theta), []
    kind = training.net if task.NETS[training.net] else "both"
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(theta, state, start, batch, rate, training.clip, kind)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


@partial(jax.jit, static_argnames="net")
def asked(params: dict, inputs: dict, net: str) -> Array:
    config = task.switches(net)
    switches = (config[key] for key in ("stride", "recurrence", "bidirectional", "ceiling"))
    hidden, _ = model.encode(params, inputs["frames"], inputs["frame_mask"], *switches)
    return hidden @ params["output.weight"].T + params["output.bias"]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"logits": asked(dict(params), dict(inputs), net)}
