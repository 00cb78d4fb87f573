r"""What follows from the equations of RNNsearch, derived and proved: paper 14 (Bahdanau, Cho, Bengio, 2014).

    equation (6)   d alpha_j / d e_k = alpha_j ([j = k] - alpha_k); a constant added to all energies changes nothing
    equation (5)   d c / d e_k = alpha_k (h_k - c): the context moves towards an annotation by how far that is from the mean
    A.1.2          d e / d (W_a s + U_a h)_k = v_k (1 - tanh^2)
    A.1.1          d s_i / d s_{i-1}, which is 1 where the update gate is shut; what a constant gate remembers
    A.2.2          d loss / d logits = p - y

    symbol         name here            symbol      name here
    e_ij, h_j      e, h (one feature)   z, r, s~    z, r, new
    alpha_ij       alpha                U_z, U_r, U u_z, u_r, u (one unit)

The softmax has any number of keys, and the vocabulary any number of words; the gated unit is one unit.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

i, j, k, m = sp.symbols("i j k m", integer=True, nonnegative=True)
e, h = sp.IndexedBase("e", real=True), sp.IndexedBase("h", real=True)


def total(count: sp.Expr, weigh: bool = False) -> sp.Expr:
    """sum_l exp(e_l), or sum_l exp(e_l) h_l."""
    l = sp.Symbol("l", integer=True, nonnegative=True)
    return sp.Sum(sp.exp(e[l]) * (h[l] if weigh else 1), (l, 0, count - 1))


def sigma(a: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-a))


def identities() -> list[Identity]:
    return [*alignment(), *gates(), *prediction()]


def alignment() -> list[Identity]:
    count = j + k + m + 1  # any number of annotations, j and k among them
    alpha = lambda at: sp.exp(e[at]) / total(count)
    context = total(count, weigh=True) / total(count)
    shift, v, a = sp.symbols("b v a", real=True)
    few, values, others = (sp.symbols(f"{name}:3", real=True) for name in ("e", "h", "u"))
    weights = [sp.exp(x) / sum(map(sp.exp, few)) for x in few]
    mean = lambda *factors: sum(w * sp.prod(x) for w, x in zip(weights, zip(*factors)))
    moved = sum(sp.diff(mean(values), x) * u for x, u in zip(few, others))
    many = "any number of annotations, real energies"
    return [
        Identity(
            "softmax_jacobian", "d alpha_j / d e_k = alpha_j ([j = k] - alpha_k)",
            sp.Derivative(alpha(j), e[k]), alpha(j) * (sp.KroneckerDelta(j, k) - alpha(k)), many, "equation (6)",
            proof=("doit", "doit", "expand"),
        ),
        Identity(
            "context_gradient", "d c / d e_k = alpha_k (h_k - c): an energy moves the context towards its annotation, by its weight",
            sp.Derivative(context, e[k]), alpha(k) * (h[k] - context), many + "; one feature of h", "equations (5) and (6)",
            proof=("doit", "doit", "expand"),
        ),
        Identity(
            "context_covariance", "energies that move along u_1, u_2, u_3 move c by the covariance of h and u under alpha",
            moved, mean(values, others) - mean(values) * mean(others), "three annotations; c is the expected annotation", "section 3.1",
            proof=("expand",),
        ),
        Identity(
            "energy_shift", "exp(e_j + b) / sum_k exp(e_k + b) = alpha_j: an energy needs no bias",
            sp.exp(e[j] + shift) / total(count).replace(lambda x: x.func is sp.exp, lambda x: sp.exp(x.args[0] + shift)), alpha(j), many,
            "A.1.2, which has none",
        ),
        Identity(
            "energy_gradient", "d e / d a = v (1 - tanh^2 a), a one entry of W_a s + U_a h",
            sp.Derivative(v * sp.tanh(a), a), v * (1 - sp.tanh(a) ** 2), "one unit", "A.1.2", proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def unit() -> tuple[dict[str, sp.Symbol], dict[str, sp.Expr]]:
    """One gated hidden unit: its symbols, and z, r, s~ and the new state as functions of the old one."""
    at = {name: sp.Symbol(name, real=True) for name in ("s", "a_z", "a_r", "a_n", "u_z", "u_r", "u")}
    z, r = sigma(at["a_z"] + at["u_z"] * at["s"]), sigma(at["a_r"] + at["u_r"] * at["s"])
    new = sp.tanh(at["a_n"] + at["u"] * r * at["s"])
    return at, {"z": z, "r": r, "new": new, "state": (1 - z) * at["s"] + z * new}


def gates() -> list[Identity]:
    at, found = unit()
    s, z, r, new = at["s"], found["z"], found["r"], found["new"]
    a, start, by_gate, by_new = sp.symbols("a s_0 by_gate by_new", real=True)
    n, t = sp.symbols("n t", integer=True, positive=True)
    gate = sp.Symbol("z", positive=True)
    zs, news = sp.symbols("z_1:4", real=True), sp.symbols("n_1:4", real=True)
    state = start
    for gate_t, new_t in zip(zs, news):
        state = (1 - gate_t) * state + gate_t * new_t
    alone = "one unit, a_z, a_r, a_n what the gates and s~ read besides the state"
    return [
        Identity(
            "state_gradient", "ds_i / ds_{i-1} = 1 - z + (s~ - s) z (1 - z) u_z + z (1 - s~^2) u (r + s r (1 - r) u_r)",
            sp.Derivative(found["state"], s),
            1 - z + (new - s) * z * (1 - z) * at["u_z"] + z * (1 - new**2) * at["u"] * (r + s * r * (1 - r) * at["u_r"]), alone, "A.1.1",
            proof=("doit", "factor"),
        ),
        Identity(
            "shut_gate_passes_the_gradient", "as a_z goes to minus infinity that derivative goes to 1: a path along which nothing fades",
            sp.Limit(1 - sigma(a) + sigma(a) * (1 - sigma(a)) * by_gate + sigma(a) * by_new, a, -sp.oo), sp.S.One,
            "by_gate = (s~ - s) u_z and by_new = (1 - s~^2) u (r + s r (1 - r) u_r), which do not depend on a_z", "A.1.1, its paths of "
            "derivatives close to 1", proof=("doit",),
        ),
        Identity(
            "path_of_the_state", "ds_3 / ds_0 = (1 - z_1)(1 - z_2)(1 - z_3), gates and s~ held fixed",
            sp.Derivative(state, start), sp.prod([1 - gate_t for gate_t in zs]), "one unit, three steps; any number in Agda", "A.1.1",
            proof=("doit", "expand"),
        ),
        Identity(
            "what_a_gate_remembers", "a gate that stays at z gives s~ of all n steps together the weight 1 - (1 - z)^n, and s_0 the rest",
            sp.Sum(gate * (1 - gate) ** (n - t), (t, 1, n)), 1 - (1 - gate) ** n, "z > 0, any number of steps", "A.1.1",
            proof=("doit", "simplify"),
        ),
        Identity(
            "library_gate", "1 - sigma(a) = sigma(-a): `nn.GRU`, whose gate multiplies the old state, stores the weights of z negated",
            1 - sigma(a), sigma(-a), "real a", "A.1.1",
        ),
    ]  # fmt: skip


def prediction() -> list[Identity]:
    count = j + k + m + 1
    loss = -(e[j] - sp.log(total(count)))
    return [
        Identity(
            "loss_gradient", "d loss / d logit_k = p_k - [k is the word]",
            sp.Derivative(loss, e[k]), sp.exp(e[k]) / total(count) - sp.KroneckerDelta(j, k), "any number of words, logits e", "A.2.2",
            proof=("doit", "doit", "expand"),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return [
        Bridge("loss", "the mean over real words of log sum exp - the word's logit", "output:loss", mean_loss, "equation (2)"),
        Bridge(
            "output_bias", "the mean over real words of p - y", "gradient:output.bias", lambda p: by_logits(p).sum((0, 1)), "A.2.2",
        ),
        Bridge(
            "readout_of_the_context", "p - y through W_o and the larger unit of each pair, times c_i", "gradient:readout.context.weight",
            lambda p: np.einsum("bik,bih->kh", by_pairs(p), trace(p)["context"]), "A.2.2",
        ),
        Bridge(
            "alignment_energy", "d loss / d v_a through energies, alignments, contexts, gates and states of all steps, carried on by "
            "the derivatives that are proved here", "gradient:alignment.energy", by_energy, "equations (5) and (6), A.1.1, A.1.2",
        ),
    ]  # fmt: skip


def trace(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def mean_loss(problem: Problem) -> Array:
    words = problem.config["target_words"]
    logits = sp.symbols(f"a:{words}", real=True)
    log_sum = sp.lambdify([list(logits)], sp.log(sum(map(sp.exp, logits))), "numpy")
    real, found = problem.batch["target_mask"], trace(problem)["logits"]
    right = np.take_along_axis(found, problem.batch["target_output"][..., None], -1)[..., 0]
    return (log_sum(list(np.moveaxis(found, -1, 0))) - right)[real].mean()


def by_logits(problem: Problem) -> Array:
    """d loss / d logits, (batch, target, word): p - y over the number of real words, zero at padding."""
    words, real = problem.config["target_words"], problem.batch["target_mask"]
    logits = sp.symbols(f"a:{words}", real=True)
    slope = sp.lambdify([list(logits)], [sp.diff(sp.log(sum(map(sp.exp, logits))), logit) for logit in logits], "numpy")
    p = np.stack(slope(list(np.moveaxis(trace(problem)["logits"], -1, 0))), -1)
    return (p - np.eye(words)[problem.batch["target_output"]]) * real[..., None] / real.sum()


def by_pairs(problem: Problem) -> Array:
    """d loss / d t~, (batch, target, 2 maxout): all of a pair's slope goes to its larger unit."""
    params, found = problem.params, trace(problem)
    before = np.concatenate([found["initial_state"][:, None], found["states"][:, :-1]], 1)
    pairs = checks.affine(params, "readout.state", before)
    pairs = (
        pairs + params["target_embedding.weight"][problem.batch["target_input"]] @ params["readout.previous.weight"].T
    )
    pairs = pairs + found["context"] @ params["readout.context.weight"].T
    pairs = pairs.reshape(*pairs.shape[:-1], -1, 2)
    slope = (by_logits(problem) @ params["output.weight"])[..., None] * (pairs == pairs.max(-1, keepdims=True))
    return slope.reshape(*slope.shape[:-2], -1)


def by_energy(problem: Problem) -> Array:
    """d loss / d v_a: the rates of change of e, c and s by every entry of v_a are carried along, step by step."""
    params, batch, found = problem.params, problem.batch, trace(problem)
    a, v, alpha, h_k, c = sp.symbols("a v alpha h c", real=True)
    of_energy = sp.lambdify((v, a), sp.diff(v * sp.tanh(a), a), "numpy")
    of_context = sp.lambdify((alpha, h_k, c), alpha * (h_k - c), "numpy")  # context_gradient
    of_gate, of_new = (sp.lambdify(a, sp.diff(f(a), a), "numpy") for f in (sigma, sp.tanh))
    U_z, U_r, U = np.split(params["decoder.state.weight"], 3)
    C_z, C_r, C = np.split(params["decoder.context.weight"], 3)
    annotations, slope = found["annotations"], by_pairs(problem)
    embedded = params["target_embedding.weight"][batch["target_input"]]
    s, d_s = found["initial_state"], np.zeros((*found["initial_state"].shape, problem.config["alignment"]))
    gradient = np.zeros(problem.config["alignment"])
    for at in range(embedded.shape[1]):
        inner = checks.affine(params, "alignment.query", s)[:, None] + annotations @ params["alignment.key.weight"].T
        # de_j / dv = tanh(W_a s + U_a h_j) + the same through s
        d_e = np.tanh(inner) + np.einsum(
            "bjk,kh,bhv->bjv", of_energy(params["alignment.energy"], inner), params["alignment.query.weight"], d_s
        )
        context = found["context"][:, at]
        moved = of_context(
            found["alignment"][:, at, :, None], annotations, context[:, None]
        )  # (batch, source, 2 hidden)
        d_c = np.einsum("bjh,bjv->bhv", moved, d_e)
        gradient += np.einsum(
            "bk,bkv->v", slope[:, at], params["readout.state.weight"] @ d_s + params["readout.context.weight"] @ d_c
        )
        given = checks.affine(params, "decoder.input", embedded[:, at]) + context @ params["decoder.context.weight"].T
        a_z, a_r, a_n = np.split(given, 3, -1)
        a_z, a_r = a_z + s @ U_z.T, a_r + s @ U_r.T
        z, r = checks.sigmoid(a_z), checks.sigmoid(a_r)
        a_n = a_n + (r * s) @ U.T
        d_z, d_r = of_gate(a_z)[..., None] * (U_z @ d_s + C_z @ d_c), of_gate(a_r)[..., None] * (U_r @ d_s + C_r @ d_c)
        d_n = of_new(a_n)[..., None] * (U @ (d_r * s[..., None] + r[..., None] * d_s) + C @ d_c)
        d_s = (1 - z)[..., None] * d_s + z[..., None] * d_n + (np.tanh(a_n) - s)[..., None] * d_z
        s = found["states"][:, at]
    return gradient
