"""The gradients of paper 20 by hand: what is proved in `derivations.py`, evaluated on a problem.

A bias of what heads are addressed by acts at every step and on all later ones. So the rates of change of weightings, memory, reads and the
controller by each of these biases are carried along, step by step, in a last axis: (..., bias).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

z = sp.Symbol("z", real=True)
sigma, of_sigma, of_tanh, of_softplus = (
    sp.lambdify(z, f, "numpy")
    for f in (1 / (1 + sp.exp(-z)), *(sp.diff(f, z) for f in (1 / (1 + sp.exp(-z)), sp.tanh(z), sp.log(1 + sp.exp(z)))))
)


def by_logits(problem: Problem) -> Array:
    """d loss / d logits, (batch, time, output): sigma(z) - y over the number of sequences, where it is asked."""
    found, batch = checks.forward(problem.params, problem.batch, **problem.config), problem.batch
    return (sigma(found["logits"]) - batch["targets"]) * batch["asked"][..., None] / len(batch["inputs"])


def said(problem: Problem) -> Array:
    """[h; r] at every step, (batch, time, hidden + ...), of a feedforward controller."""
    params, batch = problem.params, problem.batch
    reads = checks.forward(params, batch, **problem.config)["reads"]
    first = np.broadcast_to(params["start.read"], reads[:, :1].shape)
    before = np.concatenate([first, reads[:, :-1]], 1).reshape(*reads.shape[:2], -1)
    h = np.tanh(checks.affine(params, "controller.input", np.concatenate([batch["inputs"], before], -1)))
    return np.concatenate([h, reads.reshape(*reads.shape[:2], -1)], -1)


def by_output_weight(problem: Problem) -> Array:
    return np.einsum("bto,bti->oi", by_logits(problem), said(problem))


def softmax(scores: Array, d_scores: Array) -> tuple[Array, Array]:
    """softmax over the last axis and its rates, by `content_by_similarity` with beta = 1."""
    w = np.exp(scores - scores.max(-1, keepdims=True))
    w = w / w.sum(-1, keepdims=True)
    return w, w[..., None] * (d_scores - (w[..., None] * d_scores).sum(-2, keepdims=True))


def unit(u: Array, d_u: Array) -> tuple[Array, Array]:
    """u / |u| and its rates, as in `cosine_slope`."""
    length = np.sqrt((u**2).sum(-1, keepdims=True))
    along = (u[..., None] * d_u).sum(-2, keepdims=True) / length[..., None] ** 2
    return u / length, (d_u - along * u[..., None]) / length[..., None]


def by_address_bias(problem: Problem) -> Array:
    """d loss / d address.bias, of a feedforward controller."""
    params, batch, config = problem.params, problem.batch, problem.config
    count, heads, size, reach = (
        len(batch["inputs"]),
        config["write_heads"] + config["read_heads"],
        config["size"],
        config["reach"],
    )
    memory, weighting, reads, _ = checks.start(params, batch, count, **config)
    biases = len(params["address.bias"])
    d_memory, d_weighting, d_reads = (np.zeros((*value.shape, biases)) for value in (memory, weighting, reads))
    own = np.eye(biases).reshape(1, heads, -1, biases)  # the rate of what a head emits by its own biases
    slope, total = by_logits(problem), np.zeros(biases)
    for t, x in enumerate(batch["inputs"].swapaxes(0, 1)):
        given = checks.affine(params, "controller.input", np.concatenate([x, reads.reshape(count, -1)], -1))
        of_reads = params["controller.input.weight"][:, config["features"] :]
        h, d_h = np.tanh(given), of_tanh(given)[..., None] * (of_reads @ d_reads.reshape(count, -1, biases))
        emitted = checks.affine(params, "address", h).reshape(count, heads, -1)
        d_emitted = (params["address.weight"] @ d_h).reshape(*emitted.shape, biases) + own
        cuts = [size, size + 1, size + 2, size + 2 * reach + 3]
        (key, strength, gate, shift, sharp), (d_key, d_strength, d_gate, d_shift, d_sharp) = (
            np.split(part, cuts, 2) for part in (emitted, d_emitted)
        )
        d_strength, d_gate, d_sharp = (
            of(a)[..., None] * d
            for of, a, d in (
                (of_softplus, strength, d_strength),
                (of_sigma, gate, d_gate),
                (of_softplus, sharp, d_sharp),
            )
        )
        strength, gate, sharp = np.log(1 + np.exp(strength)), sigma(gate), 1 + np.log(1 + np.exp(sharp))
        # w^c = softmax(beta K)
        (k, d_k), (m, d_m) = unit(key, d_key), unit(memory, d_memory)
        similar = k @ m.swapaxes(1, 2)
        d_similar = np.einsum("bhmx,bnm->bhnx", d_k, m) + np.einsum("bhm,bnmx->bhnx", k, d_m)
        content, d_content = softmax(
            strength * similar, d_strength * similar[..., None] + strength[..., None] * d_similar
        )
        # w^g = g w^c + (1 - g) w_{t-1}
        d_gated = (
            d_gate * (content - weighting)[..., None]
            + gate[..., None] * d_content
            + (1 - gate)[..., None] * d_weighting
        )
        gated = gate * content + (1 - gate) * weighting
        # w~(i) = sum_d s(d) w^g(i - d)
        shift, d_shift = softmax(shift, d_shift)
        turns = range(-reach, reach + 1)
        shifted = sum(shift[..., d + reach, None] * np.roll(gated, d, 2) for d in turns)
        d_shifted = sum(
            d_shift[:, :, d + reach, None] * np.roll(gated, d, 2)[..., None]
            + shift[:, :, d + reach, None, None] * np.roll(d_gated, d, 2)
            for d in turns
        )
        # w = softmax(gamma log w~)
        logs, d_logs = np.log(shifted), d_shifted / shifted[..., None]
        weighting, d_weighting = softmax(sharp * logs, d_sharp * logs[..., None] + sharp[..., None] * d_logs)
        # M = M prod_h (1 - w e) + sum_h w a
        erase, add = np.split(checks.affine(params, "write", h).reshape(count, config["write_heads"], -1), 2, -1)
        d_erase, d_add = np.split(
            (params["write.weight"] @ d_h).reshape(count, config["write_heads"], -1, biases), 2, 2
        )
        erase, d_erase = sigma(erase), of_sigma(erase)[..., None] * d_erase
        for n in range(config["write_heads"]):
            w, d_w, e, d_e = (
                weighting[:, n, :, None],
                d_weighting[:, n, :, None],
                erase[:, n, None],
                d_erase[:, n, None],
            )
            d_memory = d_memory * (1 - w * e)[..., None] - memory[..., None] * (d_w * e[..., None] + w[..., None] * d_e)
            memory = memory * (1 - w * e)
        for n in range(config["write_heads"]):
            w, d_w, a, d_a = weighting[:, n, :, None], d_weighting[:, n, :, None], add[:, n, None], d_add[:, n, None]
            d_memory = d_memory + d_w * a[..., None] + w[..., None] * d_a
            memory = memory + w * a
        # r = w M
        w, d_w = weighting[:, config["write_heads"] :], d_weighting[:, config["write_heads"] :]
        d_reads = np.einsum("bhnx,bnm->bhmx", d_w, memory) + np.einsum("bhn,bnmx->bhmx", w, d_memory)
        reads = w @ memory
        d_said = np.concatenate([d_h, d_reads.reshape(count, -1, biases)], 1)
        total += np.einsum("bo,oi,bix->x", slope[:, t], params["output.weight"], d_said)
    return total
