r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `encode` and `terms`; which pixels are told of the code is a value, so that nets of one form share a program
    training   one compiled update for each minibatch; Adam on all parameters in one vector

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init, clip_by_global_norm

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
# LLVM's first level compiles in half of the time, and what it compiles runs as fast.
compiled = partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 1})


def form(net: str) -> tuple[int, bool, str]:
    """What a program is compiled for: how many flows, what the decoder reads of them, and which it is."""
    config = task.config(net)
    return config["flows"], config["iaf"], config["decoder"]


def hears(net: str, dtype: jnp.dtype) -> Array:
    config = task.config(net)
    return model.hears(config["told"], config["height"], config["width"]).astype(dtype)


def ask(form: tuple, params: dict, batch: dict, told: Array) -> dict[str, Array]:
    """The divergence (image,), and z, log p(x|z) and the bound of every sample."""
    flows, iaf, decoder = form
    mean, log_sigma = jax.vmap(partial(model.encode, params))(batch["coded"])
    one = partial(model.terms, params, hears=told, flows=flows, iaf=iaf, maps=task.SIZES["maps"], decoder=decoder, layers=1)
    found = jax.vmap(jax.vmap(one, (None, None, None, 0)))(batch["images"], mean, log_sigma, batch["noise"])
    # in closed form where the prior is the Gaussian
    closed = 0.5 * (mean**2 + jnp.exp(2 * log_sigma) - 1 - 2 * log_sigma).sum(-1)
    kept = {name: found[name] for name in ("z", "log_likelihood", "bound")}
    return kept | {"mean": mean, "kl": found["kl"].mean(1) if flows else closed}


@compiled
def update(form: tuple, theta: Array, state: tuple, params: dict, batch: dict, told: Array, rate: Array, clip: Array) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)

    def loss(at: Array) -> Array:
        found = ask(form, unravel(at), batch, told)
        return found["kl"].mean() - found["log_likelihood"].mean()

    value, gradient = jax.value_and_grad(loss)(theta)
    gradient = clip_by_global_norm(gradient, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


answers = compiled(ask)


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, told = adam_init(theta), [], hears(training.net, theta.dtype)
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(form(training.net), theta, state, start, batch, told, rate, training.clip)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return answers(form(net), dict(params), dict(inputs), hears(net, inputs["noise"].dtype))
