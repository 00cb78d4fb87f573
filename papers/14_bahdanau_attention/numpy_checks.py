r"""RNNsearch, paper 14: a decoder that searches through the annotations of a sentence while it translates.

Bahdanau, Cho, Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate», 2014 (arXiv:1409.0473).

    A.1.1  z_i = sigma(W_z e(y_{i-1}) + U_z s_{i-1} + C_z c_i)          update gates: 1 takes the new state, 0 keeps the old
           r_i = sigma(W_r e(y_{i-1}) + U_r s_{i-1} + C_r c_i)          reset gates, before the matrix U
           s~_i = tanh(W e(y_{i-1}) + U [r_i s_{i-1}] + C c_i)
           s_i = (1 - z_i) s_{i-1} + z_i s~_i                           the encoder's units are the same without C c_i
    (7)    h_j = [h>_j; h<_j]      h> reads x_1 ... x_j from zero, h< reads x_T ... x_j from zero
    A.2.2  s_0 = tanh(W_s h<_1)
    A.1.2  e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    (6)    alpha_ij = exp(e_ij) / sum_k exp(e_ik)
    (5)    c_i = sum_j alpha_ij h_j
    A.2.2  t~_i = U_o s_{i-1} + V_o E y_{i-1} + C_o c_i,   t_i = [max(t~_{i,2j-1}, t~_{i,2j})]_j,   p(y_i) ~ exp(y_i^T W_o t_i)
    (2)    loss = -mean over tokens of log p(y_i | y_1 ... y_{i-1}, x)

    symbol           name here                              symbol        name here
    E x, E y         source_embedding, target_embedding     h_j           annotations
    W, U, C of s     decoder.input, .state, .context        alpha_ij, c_i alignment, context
    W, U of h>, h<   forward_gru, backward_gru              s_i, z_i      states, update_gate
    W_s              initial                                t_i           readout
    W_a, U_a, v_a    alignment.query, .key, .energy         W_o           output
    U_o, V_o, C_o    readout.state, .previous, .context     m, n, n', l   embedding, hidden, alignment, maxout

Rows of a unit's weights: z, r, s~, each `hidden` of them. Masks are boolean: true = may attend. A weight is stored (out, in).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "source_words": 11, "target_words": 9, "embedding": 6, "hidden": 5, "alignment": 7, "maxout": 4,
    "search": True, "late_readout": False,
}  # fmt: skip
KINK = 1e-4  # no pair of maxout units of a Problem is nearer to a tie than this


def forward(params: Arrays, batch: Arrays, *, search: bool, late_readout: bool, **_: int) -> dict[str, Array]:
    """annotations (batch, source, 2 hidden); initial_state (batch, hidden); alignment (batch, target, source); context, update_gate,
    states, readout and logits, each (batch, target, ...); loss in nats per real token. In the order of computation.

    Without `search` the context is [h>_T; h<_1] at every step, and there is no alignment. With `late_readout` t~_i reads s_i,
    as equation (4) has it, in place of s_{i-1}. Raises ValueError where a sentence has no real word.
    """
    annotations, ends = encode(params, batch["source"], batch["source_mask"])
    # s_0 = tanh(W_s h<_1)
    initial = np.tanh(affine(params, "initial", ends[:, ends.shape[1] // 2 :]))  # (batch, hidden)
    embedded = params["target_embedding.weight"][batch["target_input"]]  # (batch, target, embedding)
    sentence = {"annotations": annotations, "mask": batch["source_mask"], "ends": ends}
    trace = decode(params, embedded, initial, sentence, search)
    states = trace["states"]  # (batch, target, hidden)
    seen = states if late_readout else np.concatenate([initial[:, None], states[:, :-1]], 1)
    t, logits = predict(params, seen, embedded, trace["context"])
    # loss = -mean log p(y_i)
    log_p = np.take_along_axis(log_softmax(logits), batch["target_output"][..., None], -1)[..., 0]  # (batch, target)
    loss = -log_p[batch["target_mask"]].mean()
    return {
        "annotations": annotations, "initial_state": initial, **trace, "readout": t, "logits": logits, "loss": np.asarray(loss),
    }  # fmt: skip


def encode(params: Arrays, source: Array, mask: Array) -> tuple[Array, Array]:
    """h (batch, source, 2 hidden), and [h>_T; h<_1] (batch, 2 hidden), what each direction knows at its end.

    A padded position is passed over: the state stays as it is, so h< starts at the last real word.
    """
    embedded = params["source_embedding.weight"][source]  # (batch, source, embedding)
    halves, ends = [], []
    for name, order in (("forward_gru", slice(None)), ("backward_gru", slice(None, None, -1))):
        given = affine(params, f"{name}.input", embedded)[:, order]  # (batch, source, 3 hidden)
        state, states = np.zeros((len(source), given.shape[-1] // 3)), []
        for x, real in zip(given.swapaxes(0, 1), mask[:, order].T):
            state = np.where(real[:, None], gated(x, state, params[f"{name}.state.weight"])[0], state)
            states.append(state)
        halves.append(np.stack(states, 1)[:, order])
        ends.append(state)
    # h_j = [h>_j; h<_j]
    return np.concatenate(halves, -1), np.concatenate(ends, -1)


def gated(given: Array, state: Array, weight: Array) -> tuple[Array, Array]:
    """The new state and z, from the old state and what else the unit reads, W e + C c: (batch, 3 hidden) in blocks z, r, s~."""
    z_given, r_given, new_given = np.split(given, 3, -1)
    U_z, U_r, U = np.split(weight, 3)
    # z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c)
    z, r = sigmoid(z_given + state @ U_z.T), sigmoid(r_given + state @ U_r.T)  # (batch, hidden)
    # s~ = tanh(W e + U [r s] + C c)
    new = np.tanh(new_given + (r * state) @ U.T)
    # s_i = (1 - z_i) s_{i-1} + z_i s~_i
    return (1 - z) * state + z * new, z


def decode(params: Arrays, embedded: Array, state: Array, sentence: Arrays, search: bool) -> dict[str, Array]:
    """What happens at each target position, (batch, target, ...), given the words before it."""
    trace: dict[str, list[Array]] = {}
    key = sentence["annotations"] @ params["alignment.key.weight"].T if search else None  # U_a h_j, once
    for e in embedded.swapaxes(0, 1):
        state, found = step(params, e, state, sentence, key)
        for name, value in found.items():
            trace.setdefault(name, []).append(value)
    return {name: np.stack(values, 1) for name, values in trace.items()}


def step(params: Arrays, e: Array, state: Array, sentence: Arrays, key: Array | None) -> tuple[Array, dict[str, Array]]:
    """s_i from e(y_{i-1}) and s_{i-1}. Without a key, U_a h, the context is what the encoder knows at its ends."""
    found, context = {}, sentence["ends"]
    if key is not None:
        query = affine(params, "alignment.query", state)  # W_a s_{i-1}, (batch, alignment)
        context, found["alignment"] = attention(
            query, key, sentence["annotations"], sentence["mask"], params["alignment.energy"]
        )
    given = affine(params, "decoder.input", e) + context @ params["decoder.context.weight"].T  # (batch, 3 hidden)
    state, update = gated(given, state, params["decoder.state.weight"])
    return state, {**found, "context": context, "update_gate": update, "states": state}


def attention(query: Array, key: Array, value: Array, mask: Array, energy: Array) -> tuple[Array, Array]:
    """c_i (batch, 2 hidden) and alpha_i (batch, source). Raises ValueError where `mask` leaves a query without any key."""
    if not mask.any(-1).all():
        raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
    # e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    scores = np.tanh(query[:, None] + key) @ energy  # (batch, source)
    # alpha_ij = exp(e_ij) / sum_k exp(e_ik), where a forbidden energy is -inf
    weights = np.exp(log_softmax(np.where(mask, scores, -np.inf)))
    # c_i = sum_j alpha_ij h_j
    return np.einsum("bj,bjh->bh", weights, value), weights


def predict(params: Arrays, seen: Array, embedded: Array, context: Array) -> tuple[Array, Array]:
    """t (..., maxout) and the logits (..., target_words)."""
    # t~_i = U_o s_{i-1} + V_o E y_{i-1} + C_o c_i
    pairs = affine(params, "readout.state", seen) + embedded @ params["readout.previous.weight"].T
    pairs = pairs + context @ params["readout.context.weight"].T  # (..., 2 maxout)
    # t_i = [max(t~_{i,2j-1}, t~_{i,2j})]_j
    t = pairs.reshape(*pairs.shape[:-1], -1, 2).max(-1)
    # log p(y_i) = y_i^T W_o t_i + const
    return t, affine(params, "output", t)


def affine(params: Arrays, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def sigmoid(a: Array) -> Array:
    # sigma(a) = 1 / (1 + exp(-a)) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = -1000 or 1000
    return np.exp(-np.logaddexp(0.0, -a))


def log_softmax(scores: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def shapes(*, source_words: int, target_words: int, embedding: int, hidden: int, alignment: int, maxout: int, search: bool = True,
           **_: bool) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter; without `search` there is no alignment model."""
    both, gates, pairs = 2 * hidden, 3 * hidden, 2 * maxout

    def unit(name: str) -> dict[str, tuple[int, ...]]:
        input_ = {f"{name}.input.weight": (gates, embedding), f"{name}.input.bias": (gates,)}
        return input_ | {f"{name}.state.weight": (gates, hidden)}

    found = {"source_embedding.weight": (source_words, embedding), "target_embedding.weight": (target_words, embedding)}
    found |= unit("forward_gru") | unit("backward_gru") | unit("decoder")
    found |= {"decoder.context.weight": (gates, both), "initial.weight": (hidden, hidden), "initial.bias": (hidden,)}
    if search:
        found |= {"alignment.query.weight": (alignment, hidden), "alignment.query.bias": (alignment,)}
        found |= {"alignment.key.weight": (alignment, both), "alignment.energy": (alignment,)}
    found |= {"readout.state.weight": (pairs, hidden), "readout.state.bias": (pairs,)}
    found |= {"readout.previous.weight": (pairs, embedding), "readout.context.weight": (pairs, both)}
    return found | {"output.weight": (target_words, maxout), "output.bias": (target_words,)}


def problem(seed: int = 0) -> Problem:
    """Two sentence pairs, one source and one target of full length (4 and 3 words), the others shorter."""
    rng = np.random.default_rng([14, seed])
    sources, targets = [4, rng.integers(2, 4)], [rng.integers(1, 3), 3]
    return drawn(rng, sources, targets, CONFIG)


def drawn(rng: np.random.Generator, sources: list[int], targets: list[int], config: dict[str, Any]) -> Problem:
    """Sentence pairs of these lengths; word 0 is padding, word 1 starts a target. Redrawn until no pair of maxout units is near a
    tie. Weights have the variance 1 / fan-in, v_a is larger, so that alignments are uneven."""
    count, source, target = len(sources), max(sources), max(targets)
    source_mask = np.arange(source) < np.array(sources)[:, None]  # (batch, source)
    target_mask = np.arange(target) < np.array(targets)[:, None]  # (batch, target)
    while True:
        params = {name: _draw(rng, name, shape) for name, shape in shapes(**config).items()}
        written = rng.integers(2, config["target_words"], size=(count, target))
        shifted = np.concatenate([np.ones((count, 1), int), written[:, :-1]], 1)
        batch = {
            "source": np.where(source_mask, rng.integers(2, config["source_words"], size=(count, source)), 0),
            "source_mask": source_mask,
            "target_input": np.where(target_mask, shifted, 0),
            "target_output": np.where(target_mask, written, 0),
            "target_mask": target_mask,
        }
        if margins(Problem(config, params, batch)).min() > KINK:
            return Problem(config, params, batch, learning_rate=0.2)


def margins(problem: Problem) -> Array:
    """|t~_{i,2j-1} - t~_{i,2j}|: with each pair's units negated, their maximum becomes minus their minimum."""
    negated = {name: -value if name.startswith("readout.") else value for name, value in problem.params.items()}
    high, low = (forward(p, problem.batch, **problem.config)["readout"] for p in (problem.params, negated))
    return np.abs(high + low)


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    if name.endswith("embedding.weight"):
        return rng.normal(0, 1, shape)
    return rng.normal(0, shape[-1] ** -0.5 if len(shape) == 2 else 1.5 if name == "alignment.energy" else 0.3, shape)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
