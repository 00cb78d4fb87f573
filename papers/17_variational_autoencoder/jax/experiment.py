r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `encode` and `terms`; what the decoder hears of the code is a value, so that nets of one form share a program
    training   one compiled update for each minibatch; Adam on all parameters in one vector

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import AdamState, adam, clip_by_global_norm

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
# Much of the time here is compiling: what runs once is not optimised, and what runs often as little as pays.
quickly, well = ({"xla_backend_optimization_level": level} for level in (0, 1))


def form(net: str) -> tuple[int, str]:
    """What a program is compiled for: how many flows, and which decoder."""
    config = task.config(net)
    return config["flows"], config["decoder"]


def switches(net: str, dtype: np.dtype) -> tuple[Any, ...]:
    """Which pixels hear the code, whether the decoder is told epsilon, and whether it reads the image: a window of no pixel is the window
    of 3 x 3 over a blank one."""
    config = task.config(net)
    told = (
        np.arange(config["height"] * config["width"])
        < {"all": config["height"] * config["width"], "first": 1, "none": 0}[config["told"]]
    )
    return (
        told.reshape(config["height"], config["width"]).astype(dtype),
        np.array(config["iaf"]),
        np.array(config["kernel"] > 1),
    )


def widened(net: str, params: Arrays) -> dict[str, Any]:
    """The masks of a window of no pixel as wide as the others, so that they share a program."""
    border = [(0, 0), (0, 0), *[((task.SIZES["kernel"] - task.config(net)["kernel"]) // 2,) * 2] * 2]
    return {name: np.pad(value, border) if np.ndim(value) == 4 else np.asarray(value) for name, value in params.items()}


def narrowed(net: str, weight: Any) -> Any:
    border = (task.SIZES["kernel"] - task.config(net)["kernel"]) // 2
    return weight[..., border : weight.shape[2] - border, border : weight.shape[3] - border]


def ask(form: tuple, params: dict, batch: dict, switches: tuple) -> dict[str, Array]:
    """The divergence (image,), and z, log p(x|z) and the bound of every sample."""
    (flows, decoder), (hears, iaf, reads) = form, switches
    mean, log_sigma = jax.vmap(partial(model.encode, params))(batch["coded"])
    one = partial(
        model.terms, params, hears=hears, flows=flows, iaf=iaf, maps=task.SIZES["maps"], decoder=decoder, layers=1
    )
    found = jax.vmap(jax.vmap(one, (None, None, None, None, 0)))(
        batch["images"], batch["images"] * reads, mean, log_sigma, batch["noise"]
    )
    # in closed form where the prior is the Gaussian
    closed = 0.5 * (mean**2 + jnp.exp(2 * log_sigma) - 1 - 2 * log_sigma).sum(-1)
    kept = {name: found[name] for name in ("z", "log_likelihood", "bound")}
    return kept | {"mean": mean, "kl": found["kl"].mean(1) if flows else closed}


@partial(jax.jit, static_argnums=(0, 1), compiler_options=well)
def update(
    form: tuple, shapes: tuple, theta: Array, state: AdamState, batch: dict, switches: tuple, rate: Array, clip: Array
) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector."""

    def loss(at: Array) -> Array:
        found = ask(form, named(at, shapes), batch, switches)
        return found["kl"].mean() - found["log_likelihood"].mean()

    value, gradient = jax.value_and_grad(loss)(theta)
    gradient = clip_by_global_norm(gradient, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


answers = jax.jit(ask, static_argnums=0, compiler_options=quickly)


def named(theta: Any, shapes: tuple) -> dict:
    """The parameters by name, out of one vector."""
    ends = np.cumsum([np.prod(shape, dtype=int) for _, shape in shapes])
    return {
        name: theta[end - np.prod(shape, dtype=int) : end].reshape(shape)
        for (name, shape), end in zip(shapes, ends, strict=True)
    }


def train(training: Training) -> Trained:
    start, losses = widened(training.net, training.start), []
    shapes = tuple((name, value.shape) for name, value in start.items())
    theta = np.concatenate([value.ravel() for value in start.values()])
    state, given = (
        AdamState(np.zeros((), np.int32), np.zeros_like(theta), np.zeros_like(theta)),
        switches(training.net, theta.dtype),
    )
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(form(training.net), shapes, theta, state, batch, given, rate, training.clip)
        losses.append(loss)
    found = named(np.asarray(theta), shapes)
    return Trained(
        {name: found[name] if value.ndim < 4 else narrowed(training.net, found[name]) for name, value in start.items()},
        np.array(losses),
    )


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return answers(form(net), widened(net, params), task.batch(inputs), switches(net, inputs["drawn"].dtype))
