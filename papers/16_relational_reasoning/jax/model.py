r"""The relation network as pure functions of one set of objects in JAX, paper 16 (Santoro et al., 2017).

    (1), section 4   a = f_phi( sum_{i,j} g_theta(o_i, o_j, q) ),   over all ordered pairs or those in `edges`

    paper     name here                       paper        name here
    o_i       objects, mask                   g_theta      relation.k.weight, relation.k.bias: a ReLU behind each layer
    q         question                        f_phi        readout.k.weight, readout.k.bias: behind each but the last

`vmap` carries the function of one example over a batch. The first layer of g is linear, so it is applied to objects and not to
pairs: W [o_i, o_j, q] = W_1 o_i + W_2 o_j + W_q q, 2 n products of a vector in place of 2 n^2.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import relu

Params = dict[str, Array]


def forward(params: Params, batch: dict[str, Array], *, features: int, bits: int, relation: tuple[int, ...],
            readout: tuple[int, ...], answers: int, reads: str = "pairs", places: int = 0) -> dict[str, Array]:  # fmt: skip
    """The outputs that `numpy_checks.forward` names. Raises ValueError where a target is no answer, once it can be seen."""
    names, target = ("objects", "mask", "edges", "question"), batch["target"]
    one = partial(example, params, depth=len(relation), last=len(readout), reads=reads)
    outputs = jax.vmap(one)(*(batch[name] for name in names))
    log_p = jax.nn.log_softmax(outputs["logits"])  # (batch, answer)
    # what lies outside the answers has no logarithm, and -1 is no last answer
    reached = jnp.where(target < 0, answers, target)
    said = jnp.take_along_axis(log_p, reached[:, None], 1, mode="fill", fill_value=-jnp.inf)[:, 0]
    if not isinstance(said, jax.core.Tracer) and jnp.isneginf(said).any():
        raise ValueError(f"a target is no answer: there are {answers}, from 0 to {answers - 1}")
    return {**outputs, "loss": -said.mean()}


def example(params: Params, objects: Array, mask: Array, edges: Array, question: Array, *, depth: int, last: int,
            reads: str) -> dict[str, Array]:  # fmt: skip
    """objects (object, feature), question (bit,) -> relations (tuple, relation), their total, and logits (answer,)."""
    # what the question and the bias add to every tuple
    weight = params["relation.0.weight"]
    shared = weight[:, -len(question) :] @ question + params["relation.0.bias"]  # (unit,)
    by_object = weight[:, : -len(question)]  # (unit, features of a tuple)
    if reads == "pairs":
        # W_1 o_i + W_2 o_j + W_q q
        first, second = (objects @ part.T for part in jnp.split(by_object, 2, 1))  # (object, unit)
        read = (first[:, None] + second + shared).reshape(-1, len(shared))
        considered = (mask[:, None] & mask & edges).ravel()
    elif reads == "objects":
        read, considered = objects @ by_object.T + shared, mask
    else:
        listed = jnp.where(mask[:, None], objects, 0).ravel()
        read, considered = (by_object @ listed + shared)[None], jnp.ones(1, bool)
    # g(o_i, o_j, q), summed over what is considered
    hidden = relu(read)
    for k in range(1, depth):
        hidden = relu(affine(params, f"relation.{k}", hidden))
    relations = jnp.where(considered[:, None], hidden, 0)  # (tuple, relation)
    total = relations.sum(0)
    # f(.)
    logits = total
    for k in range(last):
        logits = relu(affine(params, f"readout.{k}", logits))
    return {"relations": relations, "total": total, "logits": affine(params, f"readout.{last}", logits)}


def affine(params: Params, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]
