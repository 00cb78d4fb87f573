"""The gradients of paper 18 by hand: what is proved in `derivations.py`, evaluated on a problem.

The biases of the gates act at every step and on all later ones. So the rates of change of rows, scores, gates and memories by each of
these biases are carried along, step by step, in a last axis: (..., bias).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

a = sp.Symbol("a", real=True)
of_gate, of_tanh = (sp.lambdify(a, sp.diff(f, a), "numpy") for f in (1 / (1 + sp.exp(-a)), sp.tanh(a)))


def by_logits(problem: Problem) -> Array:
    """d loss / d logits, (batch, classes): p - y over the number of sequences."""
    logits = checks.forward(problem.params, problem.batch, **problem.config)["logits"]
    symbols = sp.symbols(f"s:{logits.shape[1]}", real=True)
    slope = sp.lambdify([list(symbols)], [sp.diff(sp.log(sum(map(sp.exp, symbols))), at) for at in symbols], "numpy")
    p = np.stack(slope(list(logits.T)), -1)
    return (p - np.eye(p.shape[1])[problem.batch["label"]]) / len(p)


def last_memory(problem: Problem) -> Array:
    """(batch, slots size)"""
    found = checks.forward(problem.params, problem.batch, **problem.config)["memories"]
    return found[:, -1].reshape(len(found), -1)


def by_hidden(problem: Problem) -> Array:
    """d loss / d (what the readout's ReLUs read), (batch, readout)."""
    hidden = checks.affine(problem.params, "readout.hidden", last_memory(problem))
    return by_logits(problem) @ problem.params["readout.output.weight"] * (hidden > 0)


def norm(problem: Problem, name: str, x: Array, d_x: Array) -> tuple[Array, Array]:
    """LayerNorm(x) and its rates, by `norm_jacobian`."""
    root = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    normed = (x - x.mean(-1, keepdims=True)) / root
    along = (normed[..., None] * d_x).mean(-2, keepdims=True)
    d_normed = (d_x - d_x.mean(-2, keepdims=True) - normed[..., None] * along) / root[..., None]
    gain = problem.params[f"{name}.weight"]
    return normed * gain + problem.params[f"{name}.bias"], d_normed * gain[:, None]


def affine(problem: Problem, name: str, x: Array, d_x: Array) -> tuple[Array, Array]:
    return checks.affine(problem.params, name, x), problem.params[f"{name}.weight"] @ d_x


def attend(problem: Problem, name: str, rows: Array, d_rows: Array) -> tuple[Array, Array]:
    """What all rows read, and its rates, by `softmax_jacobian`."""
    key, heads = problem.config["key_size"], problem.config["heads"]
    projected, d_projected = norm(problem, f"{name}.project_norm", *affine(problem, f"{name}.project", rows, d_rows))
    read, d_read = [], []
    for own, d_own in zip(np.split(projected, heads, -1), np.split(d_projected, heads, -2)):
        (q, k, v), (d_q, d_k, d_v) = np.split(own, [key, 2 * key], -1), np.split(d_own, [key, 2 * key], -2)
        scores = np.einsum("bnk,bmk->bnm", q, k) / key**0.5
        d_scores = (np.einsum("bnkx,bmk->bnmx", d_q, k) + np.einsum("bnk,bmkx->bnmx", q, d_k)) / key**0.5
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights = (weights / weights.sum(-1, keepdims=True))[..., None]
        d_weights = weights * (d_scores - (weights * d_scores).sum(-2, keepdims=True))
        read.append(weights[..., 0] @ v)
        d_read.append(np.einsum("bnmx,bmv->bnvx", d_weights, v) + np.einsum("bnm,bmvx->bnvx", weights[..., 0], d_v))
    return np.concatenate(read, -1), np.concatenate(d_read, -2)


def by_gate_bias(problem: Problem) -> Array:
    """d loss / d gate.input.bias, (2 size,), of unit gates."""
    params, config, count = problem.params, problem.config, len(problem.batch["label"])
    memory = checks.initial_memory(count, **config)
    biases, size = len(params["gate.input.bias"]), memory.shape[-1]
    d_memory = np.zeros((*memory.shape, biases))
    for x in checks.affine(params, "embed", problem.batch["inputs"]).swapaxes(0, 1)[:, :, None]:  # (batch, 1, size)
        rows, d_rows = np.concatenate([memory, x], 1), np.concatenate([d_memory, np.zeros((count, 1, size, biases))], 1)
        for n in range(config["blocks"]):
            read, d_read = attend(problem, f"blocks.{n}", rows, d_rows)
            rows, d_rows = norm(problem, f"blocks.{n}.attention_norm", rows + read, d_rows + d_read)
            new, d_new = rows, d_rows
            for layer in range(config["mlp_layers"]):
                if layer:
                    new, d_new = np.maximum(new, 0), d_new * (new > 0)[..., None]
                new, d_new = affine(problem, f"mlp.{layer}", new, d_new)
            rows, d_rows = norm(problem, f"blocks.{n}.mlp_norm", rows + new, d_rows + d_new)
        proposed, d_proposed = rows[:, :-1], d_rows[:, :-1]
        # what the sigmoids read, and its rates: one by its own bias, and U through tanh(M)
        given = checks.affine(params, "gate.input", x) + np.tanh(memory) @ params["gate.memory.weight"].T
        given = given + np.repeat([config["input_bias"], config["forget_bias"]], size)
        d_given = params["gate.memory.weight"] @ (of_tanh(memory)[..., None] * d_memory) + np.eye(biases)
        d_i, d_f = np.split(of_gate(given)[..., None] * d_given, 2, -2)
        i, f = np.split(checks.sigmoid(given), 2, -1)
        candidate, d_candidate = np.tanh(proposed), of_tanh(proposed)[..., None] * d_proposed
        # M = f M + i tanh(M~)
        d_memory = (
            d_f * memory[..., None] + f[..., None] * d_memory + d_i * candidate[..., None] + i[..., None] * d_candidate
        )
        memory = f * memory + i * candidate
    return np.einsum(
        "br,rm,bmx->x", by_hidden(problem), params["readout.hidden.weight"], d_memory.reshape(count, -1, biases)
    )
