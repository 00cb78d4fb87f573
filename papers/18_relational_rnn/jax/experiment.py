r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `follow`, and an LSTM, a scan of its own, with the same readout
    training   one compiled update for each minibatch; Adam on all parameters in one vector; cores of one size share the program

Arrays arrive in the precision in which they are to be used.
"""

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


def core(params: dict, inputs: Array, memory: Array) -> dict[str, Array]:
    """One sequence (step, feature) from M_0: its logits and its last memory."""
    found = model.follow(params, inputs, memory, **task.sizes("core", task.vectors_of(params)))
    return {"logits": found["logits"], "memory": found["memories"][-1]}


def lstm(params: dict, inputs: Array) -> dict[str, Array]:
    """One sequence (step, feature): the logits from the last hidden state."""
    weight = params["lstm.weight_hh_l0"]
    bias = params["lstm.bias_ih_l0"] + params["lstm.bias_hh_l0"]

    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], None]:
        h, c = state
        i, f, g, o = jnp.split(x + weight @ h, 4)
        # c_t = sigma(f) c_{t-1} + sigma(i) tanh(g),  h_t = sigma(o) tanh(c_t)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros(weight.shape[1], inputs.dtype)
    (h, _), _ = lax.scan(step, (zero, zero), inputs @ params["lstm.weight_ih_l0"].T + bias)
    hidden = jax.nn.relu(model.affine(params, "readout.hidden", h))
    return {"logits": model.affine(params, "readout.output", hidden)}


def given(net: str, params: Arrays, inputs: Array) -> tuple[Array, ...]:
    """What a network is called on: a memory core is told where it starts."""
    if net.startswith(("lstm", "blind")):
        return (inputs,)
    return inputs, jnp.asarray(task.memory(net, task.vectors_of(params), len(inputs)), inputs.dtype)


@jax.jit
def answers(params: dict, *known: Array) -> dict[str, Array]:
    """The network on all sequences: a memory core if its start is among what is known."""
    return jax.vmap(partial(core if len(known) > 1 else lstm, params))(*known)


@jax.jit
def update(theta: Array, state: tuple, params: dict, known: tuple, label: Array, rate: Array, clip: Array) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)

    def loss(at: Array) -> Array:
        log_p = jax.nn.log_softmax(answers(unravel(at), *known)["logits"])
        return -jnp.take_along_axis(log_p, label[:, None], -1).mean()

    value, gradient = jax.value_and_grad(loss)(theta)
    gradient = clip_by_global_norm(gradient, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, data = adam_init(theta), [], training.data
    _, *memory = given(training.net, training.start, jnp.asarray(data["inputs"][training.order[0]]))
    for index, rate in zip(training.order, training.rates, strict=True):
        known = (data["inputs"][index], *memory)
        theta, state, loss = update(theta, state, start, known, data["label"][index], rate, training.clip)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return answers(dict(params), *given(net, params, jnp.asarray(inputs["inputs"])))
