r"""A trunk and n heads as a pure function, paper 27 (Gloeckle et al., 2024).

Everything is written for ONE sequence; `vmap` adds the batch and parallel heads, `scan` walks up the trunk and along heads that
read one another.

    2    P(x_{t+i} | x_t ... x_1) = softmax(f_u(f_{h_i}(f_s(x_t ... x_1)))),  i = 1 ... n
    (2)  L_n = - sum_t sum_i log P(x_{t+i} | z_t)
    B    causal: head i reads head i - 1;  anticausal: head i reads head i + 1

    symbol    name here                     symbol     name here
    f_s       embedding, trunk.l            n          future
    f_{h_i}   heads.{i - 1}                 d, V       model, vocabulary
    f_u       norm, unembedding             W_1, W_3   feed_forward.gate, .inner; W_2 .outer
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]
EPSILON, BASE = 1e-5, 10000.0


def forward(params: Params, batch: dict[str, Array], **config: Any) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names. Raises ValueError where the sizes do not fit, a name is unknown, or no sequence
    has a next token, once that can be seen."""
    check(**config)
    count = batch["mask"][:, 1:].sum()
    if not isinstance(count, jax.core.Tracer) and not count:
        raise ValueError("no sequence has a next token: there is nothing to predict")
    z, x, logits, terms = jax.vmap(partial(sequence, params, config))(batch["tokens"], batch["mask"])
    losses = terms.sum(0) / count
    return {"trunk": z, "heads": x, "logits": logits, "head_losses": losses, "loss": losses.sum()}


def gradient_head_by_head(params: Params, batch: dict[str, Array], config: dict[str, Any]) -> tuple[Array, Params]:
    """Figure 2, for parallel heads of one layer: the trunk forward once, a scan over the heads that carries their gradients at z and
    at f_u and holds one head's logits at a time, the trunk backward once. head_losses (future,), and the gradient of their sum."""
    z, to_trunk = jax.vjp(lambda p: jax.vmap(lambda row: trunk(p, row, config))(batch["tokens"]), params)
    shared = {name: params[name] for name in ("norm.weight", "unembedding.weight")}
    count = batch["mask"][:, 1:].sum()

    def loss(p: Params, shared: Params, z: Array, i: Array) -> Array:
        logits = unembed(shared, jax.vmap(lambda row: layer(p, row, config["attention_heads"]))(z), config)
        return (
            jax.vmap(lambda row, real, scores: lost(row, real, i, scores))(batch["tokens"], batch["mask"], logits).sum()
            / count
        )

    def one(
        gathered: tuple[Params, Array], head: tuple[Array, Params]
    ) -> tuple[tuple[Params, Array], tuple[Array, Params]]:
        i, p = head
        value, (own, *rest) = jax.value_and_grad(loss, argnums=(0, 1, 2))(p, shared, z, i)
        return jax.tree.map(jnp.add, gathered, tuple(rest)), (value, own)

    nothing = jax.tree.map(jnp.zeros_like, (shared, z))
    heads = jnp.arange(config["future"]), stacked(params, "heads", config["future"])
    (of_shared, of_z), (losses, of_heads) = lax.scan(one, nothing, heads)
    by_name = {f"heads.{i}.{name}": value[i] for name, value in of_heads.items() for i in range(config["future"])}
    return losses, {**to_trunk(of_z)[0], **of_shared, **by_name}


def check(*, model: int, attention_heads: int, future: int, head: str, arrangement: str, **_: Any) -> None:
    if model % (2 * attention_heads):
        raise ValueError(f"model {model} does not split into {attention_heads} heads of pairs")
    if future < 1:
        raise ValueError(f"future {future}: there must be a head for the next token")
    if head not in ("layer", "linear", "unembedding") or arrangement not in ("parallel", "causal", "anticausal"):
        raise ValueError(f"no such architecture: head {head}, arrangement {arrangement}")


def sequence(params: Params, config: dict[str, Any], tokens: Array, mask: Array) -> tuple[Array, Array, Array, Array]:
    """One sequence (time,): z (time, model), heads (future, time, model), logits (future, time, vocabulary), and what each head
    has lost on it (future,), in nats."""
    z = trunk(params, tokens, config)
    x = read(params, z, config)
    logits = unembed(params, x, config)
    return z, x, logits, jax.vmap(partial(lost, tokens, mask))(jnp.arange(config["future"]), logits)


def trunk(params: Params, tokens: Array, config: dict[str, Any]) -> Array:
    z, count = params["embedding.weight"][tokens], config["attention_heads"]
    return lax.scan(
        lambda z, p: (layer(p, z, count), None), z, stacked(params, "trunk", config["layers"]), unroll=True
    )[0]


def read(params: Params, z: Array, config: dict[str, Any]) -> Array:
    """f_{h_i} of z, of the head before it, or of the head after it: (future, time, model)."""
    n, count = config["future"], config["attention_heads"]
    if config["head"] == "unembedding":
        return jnp.broadcast_to(z, (n, *z.shape))
    weights = stacked(params, "heads", n)

    def one(p: Params, x: Array) -> Array:
        return x @ p["weight"].T if config["head"] == "linear" else layer(p, x, count)

    if config["arrangement"] == "parallel":
        return jax.vmap(one, in_axes=(0, None))(weights, z)

    def next_head(x: Array, p: Params) -> tuple[Array, Array]:
        x = one(p, x)
        return x, x

    return lax.scan(next_head, z, weights, reverse=config["arrangement"] == "anticausal")[1]


def unembed(params: Params, x: Array, config: dict[str, Any]) -> Array:
    """f_u, the same for all heads, or an unembedding for each: (future, time, vocabulary)."""
    x = rms_norm(x, params["norm.weight"])
    if config["head"] == "unembedding":
        return jnp.einsum("itd,ivd->itv", x, stacked(params, "unembedding", config["future"])["weight"])
    return x @ params["unembedding.weight"].T


def lost(tokens: Array, mask: Array, i: Array, logits: Array) -> Array:
    """- sum_t log P(x_{t+1+i} | z_t) over the real targets of head i = 0 ... n - 1."""
    at = jnp.arange(len(tokens)) + 1 + i  # (time,): where the target stands, perhaps beyond the end
    target, real = tokens.at[at].get(mode="fill", fill_value=0), mask.at[at].get(mode="fill", fill_value=False)
    log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], -1)[:, 0]
    return -jnp.sum(log_p, where=real)


def stacked(params: Params, name: str, count: int) -> Params:
    """The parameters of `count` modules of one kind, each with a leading axis (module, ...)."""
    own = [key.removeprefix(f"{name}.0.") for key in params if key.startswith(f"{name}.0.")]
    return {key: jnp.stack([params[f"{name}.{k}.{key}"] for k in range(count)]) for key in own}


def layer(p: Params, x: Array, count: int) -> Array:
    """One transformer layer on x (time, model), with the parameters of that layer alone."""
    y = rms_norm(x, p["attention_norm.weight"])
    query, key, value = (
        (y @ p[f"attention.{part}.weight"].T).reshape(len(x), count, -1) for part in ("query", "key", "value")
    )  # (time, head, d_k)
    mixed = jax.vmap(attention, in_axes=1, out_axes=1)(query, key, value)
    # x <- x + W^O [softmax(R q (R k)^T / sqrt(d_k)) v]_heads
    x = x + mixed.reshape(x.shape) @ p["attention.output.weight"].T
    y = rms_norm(x, p["feed_forward_norm.weight"])
    # x <- x + W_2 (silu(W_1 y) * W_3 y)
    gate = jax.nn.silu(y @ p["feed_forward.gate.weight"].T)
    return x + (gate * (y @ p["feed_forward.inner.weight"].T)) @ p["feed_forward.outer.weight"].T


def attention(query: Array, key: Array, value: Array) -> Array:
    """One head, each (time, d_k): softmax(R q (R k)^T / sqrt(d_k)) v, causal."""
    scores = rotate(query) @ rotate(key).T / jnp.sqrt(query.shape[-1])  # (time, time)
    past = jnp.tri(len(query), dtype=bool)
    return jax.nn.softmax(jnp.where(past, scores, -jnp.inf)) @ value


def rotate(x: Array) -> Array:
    """x (time, d_k): the pair (x_2i, x_{2i+1}) at place t turned by t base^(-2i/d_k), by one rotation matrix for each."""
    time, width = x.shape
    angle = jnp.arange(time, dtype=x.dtype)[:, None] * BASE ** (-jnp.arange(0, width, 2, dtype=x.dtype) / width)
    cosine, sine = jnp.cos(angle), jnp.sin(angle)  # (time, d_k / 2)
    turn = jnp.stack([jnp.stack([cosine, -sine], -1), jnp.stack([sine, cosine], -1)], -2)  # (time, d_k / 2, 2, 2)
    return jnp.einsum("tiab,tib->tia", turn, x.reshape(time, -1, 2)).reshape(x.shape)


def rms_norm(x: Array, gain: Array) -> Array:
    # x / sqrt(mean x^2 + eps) * gain
    return x * lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + EPSILON) * gain
