r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `forward`, with or without search
    training   one compiled update for each minibatch; Adam on all parameters in one vector
    greedy     a scan over the signs, whose carried state is the decoder's and the last sign

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


@partial(jax.jit, static_argnames="search")
def update(theta: Array, state: tuple, params: dict, batch: dict, rate: Array, clip: Array, search: bool) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)
    loss, gradient = jax.value_and_grad(lambda at: model.forward(unravel(at), batch, search=search)["loss"])(theta)
    gradient = clip_by_global_norm(gradient, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), loss


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, search = adam_init(theta), [], task.NETS[training.net]["search"]
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(theta, state, start, batch, rate, training.clip, search)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


@partial(jax.jit, static_argnames="search")
def told(params: dict, inputs: dict, search: bool) -> dict[str, Array]:
    """Logits and alignment, given the signs before each place."""
    one = partial(model.translate, params, search=search, late_readout=False)
    found = jax.vmap(one)(inputs["source"], inputs["source_mask"], inputs["target_input"])
    return {name: found[name] for name in ("logits", "alignment") if name in found}


@partial(jax.jit, static_argnames="search")
def greedy(params: dict, inputs: dict, search: bool) -> Array:
    """The signs that are written, (number, target)."""

    def one(source: Array, mask: Array) -> Array:
        sentence, initial = model.encode(params, source, mask, search)

        def write(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
            state, word = carry
            previous = params["target_embedding.weight"][word]
            new, seen = model.step(params, sentence, state, previous)
            t = model.readout(params, state, previous, seen["context"])
            word = model.affine(params, "output", t).argmax().astype(word.dtype)
            return (new, word), word

        start = jnp.asarray(task.numerals.SIGNS.index(task.numerals.START))
        return lax.scan(write, (initial, start), length=task.numerals.TARGET_LENGTH)[1]

    return jax.vmap(one)(inputs["source"], inputs["source_mask"])


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    search, known = task.NETS[net]["search"], dict(inputs)
    return (
        told(dict(params), known, search)
        if "target_input" in known
        else {"written": greedy(dict(params), known, search)}
    )
