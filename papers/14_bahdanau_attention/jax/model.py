r"""RNNsearch as a pure function, paper 14 (Bahdanau, Cho, Bengio, 2014).

Everything is written for ONE sentence pair; `scan` walks along the sentence and along its translation, `vmap` adds the batch.

    A.1.1  z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c),  s~ = tanh(W e + U [r s] + C c)
           s_i = (1 - z_i) s_{i-1} + z_i s~_i
    (7)    h_j = [h>_j; h<_j],  s_0 = tanh(W_s h<_1)
    A.1.2  e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    (5, 6) alpha_i = softmax(e_i),  c_i = sum_j alpha_ij h_j
    A.2.2  t_i = maxout(U_o s_{i-1} + V_o E y_{i-1} + C_o c_i),  p(y_i) ~ exp(y_i^T W_o t_i)

    symbol          name here                          symbol           name here
    W, U, C         decoder.input, .state, .context    W_a, U_a, v_a    alignment.query, .key, .energy
    W_s             initial                            U_o, V_o, C_o    readout.state, .previous, .context

Masks are boolean, true = may attend; a sentence without any word is an error, or NaN where its mask is traced.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]
Sentence = dict[str, Array]


def forward(
    params: Params, batch: dict[str, Array], *, search: bool = True, late_readout: bool = False, **_sizes: int
) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names. Raises ValueError where a sentence has no word, once it can be seen."""
    real = batch["source_mask"].any(-1)
    if search and not isinstance(real, jax.core.Tracer) and not real.all():
        raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
    one = partial(translate, params, search=search, late_readout=late_readout)
    outputs = jax.vmap(one)(batch["source"], batch["source_mask"], batch["target_input"])
    # loss = -mean log p(y_i) over real words
    log_p = jnp.take_along_axis(jax.nn.log_softmax(outputs["logits"]), batch["target_output"][..., None], -1)[..., 0]
    return {**outputs, "loss": -jnp.mean(log_p, where=batch["target_mask"])}


def translate(
    params: Params, source: Array, mask: Array, target: Array, *, search: bool, late_readout: bool
) -> dict[str, Array]:
    """One sentence (source,) and the words written before each place, (target,)."""
    sentence, initial = encode(params, source, mask, search)
    embedded = params["target_embedding.weight"][target]  # (target, embedding)
    _, trace = lax.scan(lambda state, e: step(params, sentence, state, e), initial, embedded)
    states = trace["states"]  # (target, hidden)
    seen = states if late_readout else jnp.concatenate([initial[None], states[:-1]])
    t = readout(params, seen, embedded, trace["context"])
    logits = affine(params, "output", t)  # (target, target_words)
    return {"annotations": sentence["annotations"], "initial_state": initial, **trace, "readout": t, "logits": logits}


def encode(params: Params, source: Array, mask: Array, search: bool = True) -> tuple[Sentence, Array]:
    """What of the sentence the decoder reads, and s_0."""
    embedded = params["source_embedding.weight"][source]  # (source, embedding)

    def read(name: str, reverse: bool) -> tuple[Array, Array]:
        """Its state at the end, (hidden,), and after each word, (source, hidden)."""
        weight = params[f"{name}.state.weight"]

        def one(state: Array, word: tuple[Array, Array]) -> tuple[Array, Array]:
            given, real = word
            state = jnp.where(real, gated(given, state, weight)[0], state)  # padding is passed over
            return state, state

        start = jnp.zeros(weight.shape[1], embedded.dtype)
        return lax.scan(one, start, (affine(params, f"{name}.input", embedded), mask), reverse=reverse)

    (last, forward_states), (first, backward_states) = read("forward_gru", False), read("backward_gru", True)
    # h_j = [h>_j; h<_j]
    annotations = jnp.concatenate([forward_states, backward_states], -1)  # (source, 2 hidden)
    sentence = {"annotations": annotations, "mask": mask, "ends": jnp.concatenate([last, first])}
    if search:
        sentence["key"] = annotations @ params["alignment.key.weight"].T  # U_a h_j
    # s_0 = tanh(W_s h<_1)
    return sentence, jnp.tanh(affine(params, "initial", first))


def step(params: Params, sentence: Sentence, state: Array, e: Array) -> tuple[Array, dict[str, Array]]:
    """s_i from s_{i-1} and e(y_{i-1}), and what happened on the way."""
    seen, context = {}, sentence["ends"]
    if "key" in sentence:
        query = affine(params, "alignment.query", state)  # W_a s_{i-1}
        energy = params["alignment.energy"]
        context, seen["alignment"] = attention(
            query, sentence["key"], sentence["annotations"], sentence["mask"], energy
        )
    given = affine(params, "decoder.input", e) + params["decoder.context.weight"] @ context  # (3 hidden,)
    state, update = gated(given, state, params["decoder.state.weight"])
    return state, {**seen, "context": context, "update_gate": update, "states": state}


def attention(query: Array, key: Array, value: Array, mask: Array, energy: Array) -> tuple[Array, Array]:
    """One query (alignment,) against all keys (source, alignment): c_i (2 hidden,) and alpha_i (source,)."""
    # e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    scores = jnp.tanh(query + key) @ energy  # (source,)
    # alpha_i = softmax(e_i), where a forbidden energy is -inf
    weights = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf))
    # c_i = sum_j alpha_ij h_j
    return weights @ value, weights


def gated(given: Array, state: Array, weight: Array) -> tuple[Array, Array]:
    """The new state and z, from W e + C c, (3 hidden,), and the old state, (hidden,)."""
    z_given, r_given, new_given = jnp.split(given, 3)
    U_z, U_r, U = jnp.split(weight, 3)
    # z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c)
    z, r = jax.nn.sigmoid(z_given + U_z @ state), jax.nn.sigmoid(r_given + U_r @ state)
    # s~ = tanh(W e + U [r s] + C c)
    new = jnp.tanh(new_given + U @ (r * state))
    # s_i = (1 - z_i) s_{i-1} + z_i s~_i
    return (1 - z) * state + z * new, z


def readout(params: Params, seen: Array, embedded: Array, context: Array) -> Array:
    # t~_i = U_o s_{i-1} + V_o E y_{i-1} + C_o c_i
    pairs = affine(params, "readout.state", seen) + embedded @ params["readout.previous.weight"].T
    pairs = pairs + context @ params["readout.context.weight"].T  # (..., 2 maxout)
    # t_i = [max(t~_{i,2j-1}, t~_{i,2j})]_j, where equals share the gradient
    return pairs.reshape(*pairs.shape[:-1], -1, 2).max(-1)  # (..., maxout)


def affine(params: Params, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]
