r"""How the networks of `task.py` are trained and asked in JAX.

    nets       one program for all of them: what a net lacks stands where it makes no difference, and stays there
    training   one compiled update for each minibatch; Adam on all parameters in one vector; what of the occupancies nobody asks for is
               not computed

    lacks              stands there
    a wider window     zeros around the kernel
    U>, U<             zeros: h_t = f(B(W h_t) + 0)
    a row convolution  W_{i,0} = 1 and zeros: r = h
    a direction        its states times zero

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
STRIDE, CEILING = task.SIZES["stride"], task.SIZES["ceiling"]
WIDEST = max(task.switches(net)["kernel"] for net in task.NETS)
AHEAD = 1 + max(task.switches(net)["context"] for net in task.NETS)


def around(kernel: int) -> slice:
    """Where a kernel stands in the widest one."""
    return slice((WIDEST - kernel) // 2, (WIDEST + kernel) // 2)


def whole(params: Arrays, missing: float = 1.0) -> dict[str, np.ndarray]:
    """All parameters that any net has. What the net lacks is such that it makes no difference (times `missing`)."""
    w, bias = params["conv.weight"], params["norm.bias"]
    kernel = np.zeros((*w.shape[:-1], WIDEST), w.dtype)
    kernel[..., around(w.shape[-1])] = w
    square, row = np.zeros((len(bias), len(bias)), w.dtype), np.zeros((len(bias), AHEAD), w.dtype)
    row[:, 0] = missing
    return {"ahead.weight": square, "back.weight": square, "row.weight": row, **params, "conv.weight": kernel}


def logits(params: dict, frames: Array, frame_mask: Array, both: Array) -> tuple[Array, Array]:
    """The logits (batch, time, symbols), and which frames are real; `both` is 1 for two directions and 0 for one."""
    given, mask = model.normalised(params, frames, frame_mask, STRIDE, CEILING)
    turned = lambda x: jnp.stack([x, x[:, ::-1]])  # (direction, batch, time, ...)
    walk = jax.vmap(partial(model.read, reverse=False, ceiling=CEILING), (0, 0, None))
    ahead, back = jax.vmap(walk)(
        turned(given), turned(mask), jnp.stack([params["ahead.weight"], params["back.weight"]])
    )
    row = jax.vmap(partial(model.row_convolution, params["row.weight"]))(ahead) * mask[..., None]
    return (row + both * back[:, ::-1]) @ params["output.weight"].T + params["output.bias"], mask


def update(
    theta: Array, state: tuple, has: Array, params: dict, batch: dict, rate: Array, clip: Array, both: Array
) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name; only what the net `has`
    is moved."""
    _, unravel = ravel_pytree(params)

    def loss(at: Array) -> Array:
        known = unravel(at)
        a, mask = logits(known, batch["frames"], batch["frame_mask"], both)
        log_p, _ = jax.vmap(model.ctc)(jax.nn.log_softmax(a), mask, batch["label"], batch["label_mask"])
        return -log_p.mean()

    value, gradient = jax.value_and_grad(loss)(theta)
    gradient = clip_by_global_norm(gradient * has, clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), value


# LLVM's first level for the first updates in float64 too: without it they take eight times as long.
OPTIONS = {"xla_backend_optimization_level": 1, "xla_llvm_disable_expensive_passes": False}
program = jax.jit(update, compiler_options=OPTIONS)


def train(training: Training) -> Trained:
    start = whole(training.start)
    theta, unravel = ravel_pytree(start)
    has, _ = ravel_pytree(whole({name: np.ones_like(value) for name, value in training.start.items()}, missing=0.0))
    both = np.asarray("back.weight" in training.start, theta.dtype)
    state, losses = adam_init(theta), []
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = program(theta, state, has, start, batch, rate, training.clip, both)
        losses.append(loss)
    found = {name: np.asarray(value) for name, value in unravel(theta).items() if name in training.start}
    found["conv.weight"] = found["conv.weight"][..., around(training.start["conv.weight"].shape[-1])]
    return Trained(found, np.array(losses))


@jax.jit
def asked(params: dict, inputs: dict, both: Array) -> Array:
    return logits(params, inputs["frames"], inputs["frame_mask"], both)[0]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"logits": asked(whole(params), dict(inputs), np.asarray("back.weight" in params, float))}
