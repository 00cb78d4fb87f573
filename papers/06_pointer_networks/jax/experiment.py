r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `forward`; what may be pointed at is traced, so that hulls and tours share one compiled update
    training   one compiled update for each minibatch; Adam on all parameters in one vector, the gradient's norm limited
    search     a beam of fixed width under `vmap`; greedy decoding is the same beam with all sequences but the first shut out

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


def compiled(function: Callable, level: int = 0) -> Callable:
    """A program for each size of the dictionary. LLVM's level 0 compiles sooner than 1, to what runs slower."""
    return jax.jit(function, static_argnums=0, compiler_options={"xla_backend_optimization_level": level})


def update(
    dictionary: int, theta: Array, state: tuple, params: dict, batch: dict, rate: Array, how: dict, clip: float
) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name; and the loss."""
    _, named = ravel_pytree(params)

    def loss(theta: Array) -> Array:
        return model.forward(named(theta), batch, features=2, hidden=task.HIDDEN, dictionary=dictionary, **how)["loss"]

    value, gradient = jax.value_and_grad(loss)(theta)
    return *adam(theta, clip_by_global_norm(gradient, clip), state, rate), value


# The first updates, in float64, take less time than a better program takes to compile.
PROGRAMS = {np.dtype(np.float32): compiled(update, level=1), np.dtype(np.float64): compiled(update)}


def train(training: Training) -> Trained:
    config, start = task.config(training.net), {name: jnp.asarray(value) for name, value in training.start.items()}
    how = {name: config[name] for name in ("reuse", "stop")}
    theta, named = ravel_pytree(start)
    state, losses, program = adam_init(theta), [], PROGRAMS[np.dtype(theta.dtype)]
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = program(config["dictionary"], theta, state, start, batch, rate, how, training.clip)
        losses.append(loss)
    return Trained(named(theta), np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """What the network writes, by greedy decoding and by beam search, and the logarithm of its probability."""
    answers = {}
    for name, (width, how) in task.searches(net).items():
        asked = (task.config(net)["dictionary"], dict(params), inputs["points"], inputs["point_mask"], width, how)
        written, answers[f"{name}_log_p"] = search(*asked)
        answers[name] = np.asarray(written, np.int64)
    return answers


@compiled
def search(dictionary: int, params: dict, points: Array, mask: Array, width: Array, how: dict) -> tuple[Array, Array]:
    return jax.vmap(partial(search_one, dictionary, params, width=width, **how))(points, mask)


def search_one(
    dictionary: int, params: dict, points: Array, mask: Array, *, width: Array, reuse: Array, stop: Array
) -> tuple:
    """The best sequence for one point set, (step,), and the logarithm of its probability; see `search.py`."""
    encoded, start = model.encode(params, points, mask)
    keys, size, room = model.candidates(params, encoded), len(mask), jnp.arange(task.WIDTH)
    step = jax.vmap(partial(model.step, params))
    choose = jax.vmap(partial(model.choices, mask), in_axes=(0, 0, None))
    everywhere = jnp.ones(task.WIDTH, bool)

    def advance(beam: tuple, at: Array) -> tuple:
        total, state, used, ended, last, written = beam
        state, hidden = step(state, model.read(params, points, mask, last))  # (beam, hidden)
        scores = jax.vmap(partial(model.additive, params, keys))(hidden)  # (beam, 1 + input)
        if dictionary:
            logits = jax.vmap(partial(model.from_dictionary, params, encoded, mask))(hidden, scores)
            may = jnp.ones_like(logits, bool)
        else:
            logits, may = scores, choose(used & ~reuse, everywhere, stop)
        ended = ended | ~may.any(1)
        log_p = jax.nn.log_softmax(jnp.where(may | ended[:, None], logits, -jnp.inf))
        over = jnp.where(jnp.arange(logits.shape[1]) == 0, 0, -jnp.inf)
        grown = (total[:, None] + jnp.where(ended[:, None], over, log_p)).ravel()  # (beam * choice,)
        total, best = lax.top_k(grown, task.WIDTH)  # of equal ones the earlier comes first
        total = jnp.where(room < width, total, -jnp.inf)
        origin, last = jnp.divmod(best, logits.shape[1])
        written = written[origin].at[:, at].set(last)
        used = used[origin] | (last[:, None] == jnp.arange(1, size + 1))
        state = tuple(value[origin] for value in state)
        return (total, state, used, ended[origin] | (last == 0), last, written), None

    state = tuple(jnp.broadcast_to(value, (task.WIDTH, len(value))) for value in start)
    none = jnp.zeros((task.WIDTH, size), bool), jnp.zeros(task.WIDTH, bool), jnp.zeros(task.WIDTH, jnp.int32)
    first = jnp.where(room == 0, 0.0, -jnp.inf).astype(points.dtype)
    beam = (first, state, *none, jnp.zeros((task.WIDTH, size + 2), jnp.int32))
    (total, *_, written), _ = lax.scan(advance, beam, jnp.arange(size + 2))
    return written[0], total[0]
