r"""What follows from the formulas: the mixture's gradient and regret, the code's closed form, the counting of strings.

Shen, Uspensky, Vereshchagin 2017; the mixture and its symbols as in ../numpy_checks.py.

    gradient     dL/d log w_k = (w_k - posterior_k) / ln 2: in bits, prior minus posterior over ln 2
    regret       -log2 M(x) < l_k(x) - log2 w_k
    closed form  KT(n0 zeros, n1 ones) = Gamma(n0 + 1/2) Gamma(n1 + 1/2) / (pi Gamma(n0 + n1 + 1))
    learning     1/2 log2(2n + 1) <= regret on n zeros <= 1/2 log2 n + 1: the bits spent on the one unknown parameter
    counting     sum over k < n - c of 2^k = 2^(n - c) - 1: fewer than 2^(n - c) strings are that short
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.problem import Problem
from s30.vocabulary import Array, Bridge, Identity

theta, length = sp.IndexedBase("theta", real=True), sp.IndexedBase("l", positive=True)  # log_weights; l_k(x) in bits
weight = sp.symbols("w0:3", positive=True)
prob = sp.symbols("P0:3", positive=True)  # 2^(-l_k)
a0, a1 = sp.symbols("a0 a1", positive=True)  # pseudo-counts
n0, n1, n, m, c, j, k = sp.symbols("n0 n1 n m c j k", integer=True, nonnegative=True)
COUNT = k + m + 1  # a number of experts that is greater than k
half = sp.Rational(1, 2)


def loss(count):
    """-log2 M(x), M(x) = sum_k w_k 2^(-l_k), w = softmax(theta), for one string."""
    joint = sp.Sum(sp.exp(theta[j]) * 2 ** (-length[j]), (j, 0, count - 1))
    return (sp.log(sp.Sum(sp.exp(theta[j]), (j, 0, count - 1))) - sp.log(joint)) / sp.log(2)


# Gamma(n0 + a0) Gamma(n1 + a1) Gamma(a0 + a1) / (Gamma(a0) Gamma(a1) Gamma(n0 + n1 + a0 + a1)), of one context
beta_code = (
    sp.gamma(n0 + a0)
    * sp.gamma(n1 + a1)
    * sp.gamma(a0 + a1)
    / (sp.gamma(a0) * sp.gamma(a1) * sp.gamma(n0 + n1 + a0 + a1))
)
kt = sp.gamma(n0 + half) * sp.gamma(n1 + half) / (sp.pi * sp.gamma(n0 + n1 + 1))


def identities() -> list[Identity]:
    prior = sp.exp(theta[k]) / sp.Sum(sp.exp(theta[j]), (j, 0, COUNT - 1))
    posterior = sp.exp(theta[k]) * 2 ** (-length[k]) / sp.Sum(sp.exp(theta[j]) * 2 ** (-length[j]), (j, 0, COUNT - 1))
    step = (n1 + a1) / (n0 + n1 + a0 + a1)
    product = (
        sp.Product(j + half, (j, 0, n0 - 1)).doit()
        * sp.Product(j + half, (j, 0, n1 - 1)).doit()
        / sp.Product(j + 1, (j, 0, n0 + n1 - 1)).doit()
    )
    total = sum(w * p for w, p in zip(weight, prob, strict=True))
    zeros = kt.subs({n0: n, n1: 0})
    next_prob = sp.symbols("q0:3", positive=True)  # P_k(x_t | x_<t)
    after = sum(w * p * q for w, p, q in zip(weight, prob, next_prob, strict=True))
    weights_now = [w * p / total for w, p in zip(weight, prob, strict=True)]
    return [
        Identity(
            "gradient_is_prior_minus_posterior",
            "dL/d theta_k = (w_k - posterior_k) / ln 2",
            sp.Derivative(loss(COUNT), theta[k]),
            (prior - posterior) / sp.log(2),
            "theta real; any number of experts, k one of them",
            "chapter 4: the universal semimeasure as a weighted sum; the derivative is this room's",
            proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "mixture_dominates_each_expert",
            "M(x) > w_k P_k(x) for each of three experts, weights and probabilities positive",
            sp.Matrix([total] * 3),
            sp.Matrix([w * p for w, p in zip(weight, prob, strict=True)]),
            "w_k > 0, P_k > 0",
            "chapter 4: m is maximal up to a constant factor",
            relation=">",
            proof=("expand",),
        ),
        Identity(
            "regret_below_minus_log_weight",
            "l_k(x) - log2 w_k - (-log2 M(x)) = log2(M(x) / (w_k P_k(x))) > 0 for each of three experts",
            sp.Matrix([sp.log(sp.expand(total / (w * p))) / sp.log(2) for w, p in zip(weight, prob, strict=True)]),
            sp.zeros(3, 1),
            "w_k > 0, P_k = 2^(-l_k) > 0",
            "chapter 4: -log2 m(x) <= -log2 p(x) + O(1) for every lower semicomputable p",
            relation=">",
            proof=("expand_log",),
        ),
        Identity(
            "posterior_prediction_is_the_ratio_of_mixtures",
            "sum_k w_kt P_k(x_t | x_<t) = M(x_1 ... x_t) / M(x_1 ... x_(t-1))",
            sum(w * q for w, q in zip(weights_now, next_prob, strict=True)),
            after / total,
            "w_k > 0, P_k > 0, q_k > 0",
            "conditional probabilities of a measure on strings",
        ),
        Identity(
            "closed_form_by_one_more_bit",
            "closed form(n0, n1 + 1) / closed form(n0, n1) = (n1 + a1) / (n0 + n1 + a0 + a1), and the same for zeros",
            sp.Matrix([beta_code.subs(n1, n1 + 1) / beta_code, beta_code.subs(n0, n0 + 1) / beta_code]),
            sp.Matrix([step, (n0 + a0) / (n0 + n1 + a0 + a1)]),
            "a0, a1 > 0; n0, n1 >= 0 integers; value 1 at n0 = n1 = 0: an induction over the bits, in any order",
            "Krichevsky and Trofimov's estimator, the step of the code",
            proof=("gammasimp", "simplify"),
        ),
        Identity(
            "kt_closed_form",
            "prod (j + 1/2) prod (j + 1/2) / prod (j + 1) = Gamma(n0 + 1/2) Gamma(n1 + 1/2) / (pi Gamma(n0 + n1 + 1))",
            product,
            kt,
            "n0, n1 >= 0 integers",
            "Krichevsky and Trofimov's code of a string of n0 zeros and n1 ones",
            proof=("rewrite:gamma", "gammasimp", "simplify"),
        ),
        Identity(
            "regret_of_balanced_and_constant_strings",
            "4^n KT(n, n) = KT(n, 0): the regret on 2n bits, half of them ones, is that on n zeros",
            4**n * kt.subs({n0: n, n1: n}),
            zeros,
            "n >= 0 integer; the best parameter in hindsight codes the first with 2n bits, the second with none",
            "Krichevsky and Trofimov's code; the duplication formula of Gamma",
            proof=("gammasimp", "simplify"),
        ),
        Identity(
            "learning_costs_half_a_logarithm",
            "from n to n + 1 zeros, n KT(n, 0)^2 is multiplied by 1 + 1/(4n(n + 1)) and (n + 1/2) KT(n, 0)^2 by "
            "1 - 1/(4(n + 1)^2): the regret lies between 1/2 log2(2n + 1) and 1/2 log2 n + 1",
            sp.Matrix(
                [growth * zeros.subs(n, n + 1) ** 2 / zeros**2 for growth in ((n + 1) / n, (n + 3 * half) / (n + half))]
            ),
            sp.Matrix([1 + 1 / (4 * n * (n + 1)), 1 - 1 / (4 * (n + 1) ** 2)]),
            "n >= 1 in the first, which starts at KT(1, 0)^2 = 1/4; n >= 0 in the second, which starts at 1/2",
            "one parameter costs half a logarithm: the slope of the regret in the experiment",
            proof=("gammasimp", "expand_func", "simplify"),
        ),
        Identity(
            "number_of_short_descriptions",
            "sum over k < m of 2^k = 2^m - 1",
            sp.Sum(2**j, (j, 0, m - 1)),
            2**m - 1,
            "m >= 0 integer",
            "chapter 1: strings shorter than m",
            proof=("doit", "simplify"),
            induction=m,
            base=0,
        ),
        Identity(
            "fewer_than_2^(n-c)_short_descriptions",
            "2^(n - c) - sum over k < n - c of 2^k > 0",
            2 ** (n - c),
            sp.Sum(2**j, (j, 0, n - c - 1)),
            "integers with n >= c",
            "chapter 1, Theorem 7: fewer than 2^k strings have complexity below k",
            relation=">",
            proof=("doit", "simplify"),
        ),
    ]


def _cells(problem: Problem) -> list[list[list[tuple[int, int]]]]:
    """[string][expert] -> (zeros, ones) seen after each context, counted by hand over the whole string."""
    strings, mask = problem.batch["strings"], problem.batch["mask"]
    cells = []
    for row, inside in zip(strings, mask, strict=True):
        text = "00" + "".join(str(bit) for bit in row[inside])
        per_expert = []
        for order in problem.config["orders"]:
            seen: dict[str, list[int]] = {}
            for at in range(2, len(text)):
                seen.setdefault(text[at - order : at], [0, 0])[int(text[at])] += 1
            per_expert.append([(zeros, ones) for zeros, ones in seen.values()])
        cells.append(per_expert)
    return cells


def _expert_bits(problem: Problem) -> Array:
    """l_k(x) = -sum over contexts of log2 of the closed form, no step of the code taken: (batch, expert)."""
    bits = sp.lambdify((n0, n1, a0, a1), -sp.expand_log(sp.log(beta_code), force=True) / sp.log(2), "mpmath")
    pseudo = 0.5 * np.exp(problem.params["log_pseudo"])
    rows = [[sum(bits(*cell, *pseudo[k]) for cell in cells) for k, cells in enumerate(row)] for row in _cells(problem)]
    return np.array(rows, dtype=np.float64)


def _lambdify(problem: Problem, expression: sp.Expr | list[sp.Expr]) -> Array:
    """`expression` of the log-weights and of each string's code lengths, string after string: (batch, ...)."""
    value = sp.lambdify((theta, length), expression, "numpy")
    return np.array([value(problem.params["log_weights"], bits) for bits in _expert_bits(problem)])


def _mixture_bits(problem: Problem) -> Array:
    return _lambdify(problem, loss(len(problem.config["orders"])).doit())


def _derivatives(problem: Problem, by: sp.IndexedBase) -> Array:
    """dL/d by_k for each string and expert, differentiated by SymPy: (batch, expert)."""
    experts = len(problem.config["orders"])
    return _lambdify(problem, [sp.diff(loss(experts).doit(), by[at]) for at in range(experts)])


def _weight_gradient(problem: Problem) -> Array:
    return _derivatives(problem, theta).mean(0)


def _pseudo_gradient(problem: Problem) -> Array:
    """dL/d log_pseudo_ks = mean over strings of dL/dl_k a_ks dl_k/da_ks, with digamma functions: (expert, 2)."""
    bits = -sp.expand_log(sp.log(beta_code), force=True) / sp.log(2)
    slope = sp.lambdify((n0, n1, a0, a1), [a * sp.diff(bits, a) for a in (a0, a1)], "mpmath")
    pseudo = 0.5 * np.exp(problem.params["log_pseudo"])
    slopes = [
        [np.sum([slope(*cell, *pseudo[at]) for cell in cells], axis=0) for at, cells in enumerate(row)]
        for row in _cells(problem)
    ]  # (batch, expert, 2)
    return (_derivatives(problem, length)[:, :, None] * np.array(slopes, dtype=np.float64)).mean(0)


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "gradient_of_the_weights",
            "dL/d log_weights = mean of (prior - posterior) / ln 2, lengths from the closed form",
            "gradient:log_weights",
            _weight_gradient,
            "identity gradient_is_prior_minus_posterior",
        ),
        Bridge(
            "gradient_of_the_pseudo_counts",
            "dL/d log_pseudo from the digamma functions of the closed form",
            "gradient:log_pseudo",
            _pseudo_gradient,
            "derivative of the Gamma closed form",
        ),
        Bridge(
            "closed_form_code_length",
            "l_k(x) from the Gamma functions of the counts, not from the sequence of predictions",
            "output:expert_bits",
            _expert_bits,
            "identity kt_closed_form, for pseudo-counts in place of 1/2",
        ),
        Bridge(
            "mixture_code_length",
            "-log2 sum_k softmax(log_weights)_k 2^(-l_k)",
            "output:mixture_bits",
            _mixture_bits,
            "the mixture's definition",
        ),
    ]
