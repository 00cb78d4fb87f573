r"""How the networks of `task.py` are trained and asked in JAX.

    training       a compiled update; the heads one by one, as in figure 2; Adam on one vector
    decoding       a compiled call, of one forward pass over all prompts, as often as it takes

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


@partial(jax.jit, static_argnames="net")
def update(theta: Array, state: tuple, params: dict, tokens: Array, rate: Array, clip: Array, net: str) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)
    batch = {"tokens": tokens, "mask": jnp.ones(tokens.shape, bool)}
    losses, gradient = model.gradient_head_by_head(unravel(theta), batch, task.switches(net))
    gradient = clip_by_global_norm(ravel_pytree(gradient)[0], clip)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), losses.sum()


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, kept = adam_init(theta), [], {}
    net = "three" if training.net == "scrambled" else training.net  # the same program
    for number, (index, rate) in enumerate(zip(training.order, training.rates, strict=True)):
        if number in training.keep:
            kept[number] = unravel(theta)
        theta, state, loss = update(theta, state, start, training.data["tokens"][index], rate, training.clip, net)
        losses.append(loss)
    if len(losses) in training.keep:
        kept[len(losses)] = unravel(theta)
    return Trained(unravel(theta), np.array(losses), kept)


@partial(jax.jit, static_argnames="net")
def logits(params: dict, tokens: Array, net: str) -> Array:
    """(text, future, time, token)"""
    config = task.switches(net)
    return jax.vmap(
        lambda row: model.unembed(params, model.read(params, model.trunk(params, row, config), config), config)
    )(tokens)


@partial(jax.jit, static_argnames=("net", "end"))
def call(params: dict, tokens: Array, known: Array, proposed: Array, net: str, end: int) -> tuple[Array, Array, Array]:
    """One forward pass over all prompts: tokens (prompt, time) of which so many are known, what is proposed behind them (prompt,
    n - 1), -1 where it is nothing. The same three, after what is kept and head 1's own token have been written."""
    n = task.switches(net)["future"]
    shown = jax.vmap(lambda row, at, draft: lax.dynamic_update_slice(row, draft, (at,)))(
        tokens, known, jnp.maximum(proposed, 0)
    )
    guesses = logits(params, shown, net).argmax(-1).astype(tokens.dtype)  # (prompt, future, time)

    def one(row: Array, at: Array, draft: Array, guess: Array) -> tuple[Array, Array, Array]:
        own = lax.dynamic_slice(guess[0], (at - 1,), (n,))  # of head 1, behind each proposal
        kept = jnp.minimum(jnp.cumprod(draft == own[:-1]).sum(), end - at)
        written = jnp.where(jnp.arange(n) <= kept, own, lax.dynamic_slice(row, (at,), (n,)))
        row = lax.dynamic_update_slice(row, written, (at,))
        return row, jnp.minimum(at + kept + 1, end), jnp.take(guess[1:], at - 1 + kept, axis=1)

    return jax.vmap(one)(shown, known, proposed, guesses)


def write(params: dict, prompt: np.ndarray, lender: np.ndarray | None, net: str) -> dict[str, np.ndarray]:
    """What is written behind each prompt, and in how many calls, with the drafts of prompt `lender`, or with none: greedy decoding."""
    start, n = prompt.shape[1], task.switches(net)["future"]
    end = start + task.WRITTEN
    # room behind the end for what is proposed there, which is never kept
    tokens, known = np.pad(prompt, ((0, 0), (0, task.WRITTEN + n))), np.full(len(prompt), start)
    nothing, calls = np.full((len(prompt), n - 1), -1, prompt.dtype), np.zeros(len(prompt), int)
    drafts = nothing
    while (unfinished := known < end).any():
        proposed = nothing if lender is None else drafts[lender]
        found = call(params, tokens, known, proposed, net, end)
        tokens, known, drafts = (
            np.where(unfinished.reshape(-1, *[1] * (new.ndim - 1)), new, old)
            for new, old in zip(found, (tokens, known, drafts))
        )
        calls += unfinished
    return {"written": tokens[:, start:end]} | ({} if lender is None else {"calls": calls})


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, np.ndarray]:
    net, params = "three" if net == "scrambled" else net, dict(params)
    if "tokens" in inputs:
        return {"logits": np.asarray(logits(params, inputs["tokens"], net))}
    return write(params, inputs["prompt"], inputs.get("lender"), net)
