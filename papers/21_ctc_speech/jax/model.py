r"""Speech to symbols as a pure function in JAX, paper 21 (Amodei et al., 2015; Graves et al., 2006).

The normalisation needs the whole minibatch; the recurrence and the loss are written for ONE example, scanned and mapped.

    section 3.1  h_t = f(w * x)_t,  h>_t = f(B(W h_t) + U> h>_{t-1}),  h = h> + h<,  f(x) = min(max(x, 0), ceiling)
    section 3.2  B(a) = gamma (a - E a) / sqrt(Var a + eps) + beta, over the real frames
    section 3.7  r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}
    Graves, 4.1  alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [l'_s is no blank and not l'_{s-2}] alpha_{t-1}(s-2)) y_t(l'_s)
                 p(l | x) = alpha_T(2U) + alpha_T(2U - 1);  loss = -mean log p(l | x)

    symbol      name here                  symbol     name here
    w           conv                       U>, U<     ahead, back
    W           recurrent                  W_{i,j}    row.weight
    gamma, beta norm                       W_o, b_o   output

f' = 0 at both kinks. A label without alignment has p = 0: `impossible` says whether it is left
out of the mean ("skip"), counted as 0 ("zero") or as +infinity ("infinite").
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]
EPSILON = 1e-5


def forward(params: Params, batch: dict[str, Array], *, stride: int = 1, recurrence: bool = True, bidirectional: bool = True,
            ceiling: float = 20.0, impossible: str = "skip", **_sizes: int) -> dict[str, Array]:  # fmt: skip
    """The outputs that `numpy_checks.forward` names."""
    hidden, mask = encode(params, batch["frames"], batch["frame_mask"], stride, recurrence, bidirectional, ceiling)
    logits = hidden @ params["output.weight"].T + params["output.bias"]  # (batch, time, symbols)
    log_p, occupancy = jax.vmap(ctc)(jax.nn.log_softmax(logits), mask, batch["label"], batch["label_mask"])
    possible = log_p > -jnp.inf
    # loss = -mean log p(l | x)
    known = jnp.where(possible, log_p, 0.0)
    count = jnp.maximum(possible.sum(), 1) if impossible == "skip" else len(possible)
    loss = -(log_p if impossible == "infinite" else known).sum() / count
    return {
        "hidden": hidden, "logits": logits, "occupancy": occupancy, "log_likelihood": known, "possible": possible, "loss": loss,
    }  # fmt: skip


def encode(params: Params, frames: Array, frame_mask: Array, stride: int, recurrence: bool, bidirectional: bool,
           ceiling: float) -> tuple[Array, Array]:  # fmt: skip
    """The states (batch, time, hidden), and which frames are real."""
    given, mask = normalised(params, frames, frame_mask, stride, ceiling)
    real = mask[..., None]
    if not recurrence:
        return jnp.where(real, clip(given, ceiling), 0), mask
    walk = lambda weight, reverse: jax.vmap(partial(read, weight=weight, reverse=reverse, ceiling=ceiling))(given, mask)
    hidden = walk(params["ahead.weight"], reverse=False)
    if bidirectional:
        # h = h> + h<
        return hidden + walk(params["back.weight"], reverse=True), mask
    return jax.vmap(partial(row_convolution, params["row.weight"]))(hidden) * real, mask


def normalised(params: Params, frames: Array, frame_mask: Array, stride: int, ceiling: float) -> tuple[Array, Array]:
    """B(W f(w * x)), (batch, time, hidden), and which frames are real."""
    mask, w = frame_mask[:, ::stride], params["conv.weight"]
    around = w.shape[-1] // 2
    # h_t = f(w * x)_t
    x = jnp.where(frame_mask[..., None], frames, 0)
    a = lax.conv_general_dilated(x, w, (stride,), [(around, around)], dimension_numbers=("NWC", "OIW", "NWC"))
    given = clip(a + params["conv.bias"], ceiling) @ params["recurrent.weight"].T
    # B(a) = gamma (a - E a) / sqrt(Var a + eps) + beta
    real = mask[..., None]
    mean = given.mean((0, 1), where=real)  # (hidden,)
    variance = jnp.square(given - mean).mean((0, 1), where=real)
    return params["norm.weight"] * (given - mean) * lax.rsqrt(variance + EPSILON) + params["norm.bias"], mask


def read(given: Array, mask: Array, weight: Array, *, reverse: bool, ceiling: float) -> Array:
    """h_t = f(B(W h_t) + U h_{t-1}) of one example, (time, hidden), zero at padding."""

    def step(state: Array, frame: tuple[Array, Array]) -> tuple[Array, Array]:
        a, real = frame
        state = jnp.where(real, clip(a + weight @ state, ceiling), 0)
        return state, state

    return lax.scan(step, jnp.zeros(weight.shape[0], given.dtype), (given, mask), reverse=reverse)[1]


def row_convolution(weight: Array, hidden: Array) -> Array:
    """r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i} of one example, (time, hidden)."""
    one = lambda w, h: jnp.correlate(jnp.pad(h, (0, len(w) - 1)), w, mode="valid")
    return jax.vmap(one, (0, 1), 1)(weight, hidden)


def clip(a: Array, ceiling: float) -> Array:
    """f(a), whose derivative is 0 at both kinks."""
    return jnp.where((a > 0) & (a < ceiling), a, jnp.where(a > 0, ceiling, 0))


def ctc(log_y: Array, mask: Array, label: Array, label_mask: Array) -> tuple[Array, Array]:
    """log p(l | x), -infinity where there is no alignment, and the occupancy (time, symbols), zero there, of one example."""
    # l' = blank l_1 blank ... l_U blank
    l = jnp.zeros(2 * len(label) + 1, label.dtype).at[1::2].set(label)
    skip = jnp.zeros(len(l), bool).at[3::2].set(label[1:] != label[:-1])
    here = log_y[:, l]  # (time, state)
    state, end = jnp.arange(len(l)), 2 * label_mask.sum()
    last = jnp.where((state == end) | (state == end - 1), 0.0, -jnp.inf).astype(log_y.dtype)
    outside = jnp.full(2, -jnp.inf, log_y.dtype)

    def ahead(alpha: Array, frame: tuple[Array, Array]) -> tuple[Array, Array]:
        """alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [..] alpha_{t-1}(s-2)) y_t(l'_s)"""
        real, y = frame
        past = jnp.concatenate([outside, alpha])
        three = jnp.stack([past[2:], past[1:-1], jnp.where(skip, past[:-2], -jnp.inf)])
        alpha = jnp.where(real, logsumexp(three) + y, alpha)
        return alpha, alpha

    def back(beta: Array, frame: tuple[Array, Array]) -> tuple[Array, Array]:
        """beta_{t-1}(s) = sum over s' in s, s+1, s+2 of beta_t(s') y_t(l'_{s'})"""
        real, y = frame
        then = jnp.concatenate([beta + y, outside])
        leave = jnp.concatenate([skip[2:], jnp.zeros(2, bool)])
        three = jnp.stack([then[:-2], then[1:-1], jnp.where(leave, then[2:], -jnp.inf)])
        return jnp.where(real, logsumexp(three), beta), beta

    first = jnp.where(state == 0, 0.0, -jnp.inf).astype(log_y.dtype)
    alpha, alphas = lax.scan(ahead, first, (mask, here))
    _, betas = lax.scan(back, last, (mask, here), reverse=True)
    # p(l | x) = alpha_T(2U) + alpha_T(2U - 1)
    log_p = logsumexp(alpha + last)
    # occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
    whole = jnp.where(log_p > -jnp.inf, log_p, 0.0)
    shares = jnp.where(mask[:, None], jnp.exp(alphas + betas - whole), 0.0)
    return log_p, shares @ jax.nn.one_hot(l, log_y.shape[-1], dtype=shares.dtype)


def logsumexp(x: Array) -> Array:
    """Over the first axis; -infinity where all are, with the gradient zero."""
    top = lax.stop_gradient(x.max(0))
    top = jnp.where(top > -jnp.inf, top, 0.0)
    total = jnp.exp(x - top).sum(0)
    return jnp.where(total > 0, jnp.log(jnp.where(total > 0, total, 1.0)) + top, -jnp.inf)
