r"""The Neural Turing Machine as a pure function, paper 20 (Graves, Wayne and Danihelka, 2014).

Everything is written for ONE sequence, and addressing for ONE head; `scan` walks along the sequence, `vmap` adds heads and batch.

    (5), (6)   w^c = softmax(beta K[k, M(i)]),  K[u, v] = u v / (|u| |v|), and 0 where a norm is 0
    (7)        w^g = g w^c + (1 - g) w_{t-1}
    (8)        w~(i) = sum_d s(d) w^g(i - d), modulo N
    (9)        w(i) = w~(i)^gamma / sum_j w~(j)^gamma, and 0 where w~ is 0
    (3), (4)   M_t = M_{t-1} prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T
    (2)        r = w M_t

    symbol      name here                       symbol            name here
    M_t         memories[t], (row, size)        w_t               weighting (head, row), write heads first
    k, beta, g  key, strength, gate             s, gamma          shift, sharpening
    e, a        erase, add                      r                 reads
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]


def forward(params: Params, batch: dict[str, Array], **config: Any) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names, and its errors."""
    if config["controller"] not in ("feedforward", "lstm"):
        raise ValueError(f"controller must be one of feedforward, lstm, not {config['controller']}")
    if min(config["rows"], config["write_heads"], config["read_heads"]) < 1 or config["reach"] < 0:
        raise ValueError("rows and heads must be at least 1, and reach at least 0")
    given = {name: batch[name] for name in ("memory", "weighting") if name in batch}
    outputs = jax.vmap(lambda inputs, given: follow(params, inputs, given, **config))(batch["inputs"], given)
    return {**outputs, "loss": cost(outputs["logits"], batch["targets"], batch["asked"])}


def cost(logits: Array, targets: Array, asked: Array) -> Array:
    """mean over sequences of sum_asked -(y log sigma(z) + (1 - y) log sigma(-z)), for (batch, time, output)."""
    costs = jax.nn.softplus(logits) - targets * logits
    return (costs.sum(-1) * asked).sum(-1).mean()


def follow(
    params: Params, inputs: Array, given: dict[str, Array], *, rows: int, controller: str, **config: int
) -> dict[str, Array]:
    """One sequence (time, feature): what happens at each step. `given` may hold M_0 and w_0."""
    first = jnp.zeros((config["write_heads"] + config["read_heads"], rows), inputs.dtype).at[:, 0].set(1)
    memory = given.get("memory", jnp.broadcast_to(params["start.memory"], (rows, config["size"])))
    recurrent = controller == "lstm"
    state = (
        (params["controller.h"], params["controller.c"]) if recurrent else (jnp.zeros(config["hidden"], inputs.dtype),)
    )

    def step(carry: tuple, x: Array) -> tuple[tuple, dict[str, Array]]:
        state, memory, weighting, reads = carry
        state = (lstm if recurrent else feedforward)(params, jnp.concatenate([x, reads.ravel()]), *state)
        memory, weighting, reads, seen = access(params, state[0], memory, weighting, **config)
        # logits = W [h; r] + b
        logits = affine(params, "output", jnp.concatenate([state[0], reads.ravel()]))
        return (state, memory, weighting, reads), {**seen, "memories": memory, "reads": reads, "logits": logits}

    return lax.scan(step, (state, memory, given.get("weighting", first), params["start.read"]), inputs)[1]


def feedforward(params: Params, given: Array, h: Array) -> tuple[Array]:
    """h = tanh(W [x; r] + b), whatever h was."""
    return (jnp.tanh(affine(params, "controller.input", given)),)


def lstm(params: Params, given: Array, h: Array, c: Array) -> tuple[Array, Array]:
    """c = sigma(f) c + sigma(i) tanh(g), h = sigma(o) tanh(c)"""
    i, f, g, o = jnp.split(affine(params, "controller.input", jnp.concatenate([given, h])), 4)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def access(params: Params, h: Array, memory: Array, weighting: Array, *, write_heads: int, read_heads: int, size: int,
           reach: int, **_: int) -> tuple[Array, Array, Array, dict[str, Array]]:  # fmt: skip
    """M_t, w_t and r_t from the controller's h (hidden,), and what happened on the way."""
    emitted = affine(params, "address", h).reshape(write_heads + read_heads, -1)
    seen = jax.vmap(partial(address, unit(memory), size=size, reach=reach))(emitted, weighting)
    w_write, w_read = jnp.split(seen["weighting"], [write_heads])
    erase, add = jnp.split(affine(params, "write", h).reshape(write_heads, -1), 2, -1)
    erase = jax.nn.sigmoid(erase)  # (write head, size)
    # M_t = M_{t-1} prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T
    kept = 1 - jnp.einsum("hn,hm->hnm", w_write, erase)
    memory = memory * (kept[0] if write_heads == 1 else kept.prod(0)) + w_write.T @ add
    return memory, seen["weighting"], w_read @ memory, {**seen, "erase": erase, "add": add}


def address(units: Array, emitted: Array, before: Array, *, size: int, reach: int) -> dict[str, Array]:
    """One head: every stage of its weighting, from M_{t-1} with rows of length 1, and from its own weighting before."""
    key, strength, gate, shift, sharpening = jnp.split(emitted, [size, size + 1, size + 2, size + 2 * reach + 3])
    strength, gate, shift, sharpening = (
        jax.nn.softplus(strength), jax.nn.sigmoid(gate), jax.nn.softmax(shift), 1 + jax.nn.softplus(sharpening),
    )  # fmt: skip
    # w^c = softmax(beta K[k, M(i)])
    content = jax.nn.softmax(strength * (units @ unit(key)))
    # w^g = g w^c + (1 - g) w_{t-1}
    gated = gate * content + (1 - gate) * before
    # w~(i) = sum_d s(d) w^g(i - d)
    shifted = shift @ jnp.stack([jnp.roll(gated, d) for d in range(-reach, reach + 1)])
    # w = softmax(gamma log w~), which is w~^gamma over their sum
    some = shifted > 0
    logs = jnp.log(jnp.where(some, shifted, 1.0))
    weighting = jax.nn.softmax(jnp.where(some, sharpening * logs, -jnp.inf))
    emission = {"key": key, "strength": strength, "gate": gate, "shift": shift, "sharpening": sharpening}
    return {**emission, "content": content, "gated": gated, "shifted": shifted, "weighting": weighting}


def unit(u: Array) -> Array:
    """u / |u|, and zero without a slope where u is zero."""
    square = (u * u).sum(-1, keepdims=True)
    some = square > 0
    return jnp.where(some, u * lax.rsqrt(jnp.where(some, square, 1.0)), 0.0)


def affine(params: Params, name: str, x: Array) -> Array:
    return params[f"{name}.weight"] @ x + params[f"{name}.bias"]
