r"""How the networks of `task.py` are trained and asked in JAX.

    nets         this room's `forward`; what `task.NETS` switches off is traced, so that all nets share one compiled update
    training     one compiled update for each minibatch; Adam on all parameters in one vector
    greedy       the buffer has its final length from the start, and a mask hides the tokens that are not yet written
    statistics   the room's own attention; d weights / d scores by `jax.jacrev`

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")

SIZES = {name: task.SIZES[name] for name in ("heads", "layers")} | {"scaled": True}
SWITCHES = ("encoder_positions", "decoder_positions", "causal")


def switches(net: str) -> dict[str, bool]:
    return {name: task.switches(net)[name] for name in SWITCHES}


@jax.jit
def update(theta: Array, state: tuple, params: dict, batch: dict, rate: Array, on: dict) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)
    forward = partial(model.forward, batch=batch, **SIZES, smoothing=task.SIZES["smoothing"], **on)
    loss, gradient = jax.value_and_grad(lambda theta: forward(unravel(theta))["loss"])(theta)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), loss


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses = adam_init(theta), []
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(theta, state, start, batch, rate, switches(training.net))
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


@jax.jit
def encode(params: dict, source: Array, source_mask: Array, on: dict) -> Array:
    memory, _ = jax.vmap(partial(model.encode, params, positions=on["encoder_positions"], **SIZES))(source, source_mask)
    return memory


@jax.jit
def decode(
    params: dict, target: Array, known: Array, memory: Array, source_mask: Array, on: dict
) -> tuple[Array, Array]:
    """logits (date, target, vocabulary) and cross-attention; `known` (target,) says which tokens are there to be read."""
    one = partial(model.decode, params, positions=on["decoder_positions"], causal=on["causal"], **SIZES)
    logits, _, aligned = jax.vmap(one, in_axes=(0, None, 0, 0))(target, known, memory, source_mask)
    return logits, aligned


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    on, source_mask, length = switches(net), inputs["source_mask"], task.dates.TARGET_LENGTH
    memory = encode(params, inputs["source"], source_mask, on)
    if "target_input" in inputs:
        logits, aligned = decode(params, inputs["target_input"], np.ones(length, bool), memory, source_mask, on)
        return {"logits": logits, "cross_attention": aligned}
    written = np.full((len(memory), length + 1), task.dates.IDS[task.dates.START])
    for time in range(length):
        logits, _ = decode(params, written[:, :-1], np.arange(length) <= time, memory, source_mask, on)
        written[:, time + 1] = logits[:, time].argmax(-1)
    return {"written": written[:, 1:]}


@jax.jit
def softmax_statistics(queries: list[Array], keys: list[Array]) -> dict[str, Array]:
    """Entropies and Jacobians of attention weights, (d_k, scaled or not, query); see `task.softmax_statistics`."""
    everywhere, settings = jnp.ones((1, task.KEYS), bool), [(n, s) for n in range(len(keys)) for s in (True, False)]
    weights, products = [], []
    for n, scaled in settings:
        _, a = jax.vmap(partial(model.attention, mask=everywhere, scaled=scaled))(queries[n], keys[n], keys[n])
        weights.append(a)
        products.append(keys[n] @ keys[n].mT / (keys[n].shape[-1] if scaled else 1))  # K K^T
    a = jnp.stack(weights)  # (setting, sample, query, key)
    # of any scores that have these weights, such as their logarithms
    jacobian = jnp.vectorize(jax.jacrev(jax.nn.softmax), signature="(k)->(k,k)")(jnp.log(jnp.maximum(a, 1e-300)))
    square = (jacobian * (jacobian @ jnp.stack(products)[:, :, None])).sum((-2, -1))
    found = {
        "entropy": jax.scipy.special.entr(a).sum(-1),
        "score_gradient": jnp.sqrt((jacobian**2).sum((-2, -1))),
        "query_gradient": jnp.sqrt(jnp.maximum(square, 0)),
    }
    return {name: values.reshape(len(keys), 2, -1) for name, values in found.items()}
