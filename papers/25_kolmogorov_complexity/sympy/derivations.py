r"""What follows from the formulas: the mixture's gradient and regret, the code's closed form, the counting of strings, and
what the machine of ../machine.py cannot do.

Shen, Uspensky, Vereshchagin 2017; the mixture and its symbols as in ../numpy_checks.py.

    gradient     dL/d log w_k = (w_k - posterior_k) / ln 2: in bits, prior minus posterior over ln 2
    regret       -log2 M(x) < l_k(x) - log2 w_k
    closed form  KT(n0 zeros, n1 ones) = Gamma(n0 + 1/2) Gamma(n1 + 1/2) / (pi Gamma(n0 + n1 + 1))
    learning     1/2 log2(2n + 1) <= regret on n zeros <= 1/2 log2 n + 1: the bits spent on the one unknown parameter
    counting     sum over k < n - c of 2^k = 2^(n - c) - 1: fewer than 2^(n - c) strings are that short
    machine      half of all tapes halt; K + log2 m >= (j - 1) log2 1.5 on 2^j zeros, hence unbounded

    symbol   code              symbol    code              symbol             code
    l_k      length[k]         w_k       weight[k]         n0, n1             n0, n1 (zeros and ones seen)
    theta    theta             P_k       prob[k]           a_0, a_1           a0, a1
    L        loss(count)       KT        kt                P_k(x_t | x_<t)    next_prob[k]
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

oracles = sibling(__file__, "../oracles.py")

theta, length = sp.IndexedBase("theta", real=True), sp.IndexedBase("l", positive=True)  # log_weights; l_k(x) in bits
weight, prob = sp.IndexedBase("w", positive=True), sp.IndexedBase("P", positive=True)  # P_k = 2^(-l_k)
next_prob = sp.IndexedBase("q", positive=True)  # P_k(x_t | x_<t)
a0, a1 = sp.symbols("a0 a1", positive=True)  # pseudo-counts
n0, n1, n, m, c, j, k = sp.symbols("n0 n1 n m c j k", integer=True, nonnegative=True)
N = sp.symbols("N", integer=True, positive=True)  # a number of experts
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
    mixture = sp.Sum(weight[j] * prob[j], (j, 0, N - 1))
    # The expert in question is numbered last: k + 1 others stand before it.
    others, own = sp.Sum(weight[j] * prob[j], (j, 0, k)), weight[k + 1] * prob[k + 1]
    zeros = kt.subs({n0: n, n1: 0})
    posterior_now = weight[k] * prob[k] / mixture
    return [
        Identity(
            "gradient_is_prior_minus_posterior",
            "dL/d theta_k = (w_k - posterior_k) / ln 2",
            sp.Derivative(loss(COUNT), theta[k]),
            (prior - posterior) / sp.log(2),
            "theta real; any number of experts, k one of them",
            "chapter 5: the largest semimeasure on the tree as a weighted sum; the derivative is this room's",
            proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "mixture_dominates_each_expert",
            "M(x) > w_k P_k(x) for each of any number of experts, at least two, weights and probabilities positive",
            others + own,
            own,
            "w_k > 0, P_k > 0; the experts numbered so that the one in question is the last",
            "chapter 5: the largest semimeasure on the tree is maximal up to a constant factor",
            relation=">",
            proof=("expand",),
        ),
        Identity(
            "regret_below_minus_log_weight",
            "l_k(x) - log2 w_k - (-log2 M(x)) = log2(M(x) / (w_k P_k(x))) > 0, for any number of experts, at least two",
            sp.log(sp.expand((others + own) / own)) / sp.log(2),
            0,
            "w_k > 0, P_k = 2^(-l_k) > 0; the experts numbered so that the one in question is the last",
            "chapter 5: -log2 of the a priori probability on the tree is at most -log2 P(x) + O(1) for every computable P",
            relation=">",
            proof=("expand_log",),
        ),
        Identity(
            "posterior_prediction_is_the_ratio_of_mixtures",
            "sum_k w_kt P_k(x_t | x_<t) = M(x_1 ... x_t) / M(x_1 ... x_(t-1))",
            sp.Sum(posterior_now * next_prob[k], (k, 0, N - 1)),
            sp.Sum(weight[k] * prob[k] * next_prob[k], (k, 0, N - 1)) / mixture,
            "any number N of experts; w_k > 0, P_k > 0, q_k > 0",
            "conditional probabilities of a measure on the tree",
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
        Identity(
            "half_of_all_tapes_halt",
            "gamma is a complete code, the opcodes are one, and 1/4 (HALT at once) + 1/4 (WRITE) sum_i (3/4)^i 1/4 = 1/2",
            sp.Matrix(
                [
                    sp.Sum(2**j * 2 ** (-(2 * j + 1)), (j, 0, sp.oo)),
                    3 * sp.Rational(1, 4) + sp.Rational(1, 8) + 2 * sp.Rational(1, 16),
                    sp.Rational(1, 4) + sp.Sum(sp.Rational(3, 4) ** j / 4, (j, 0, sp.oo)) / 4,
                ]
            ),
            sp.Matrix([1, 1, half]),
            "once y is not empty each instruction halts with probability 1/4; the other half of all tapes fails at an empty y",
            "chapter 4: the sum of m(x) over all strings is the probability that the machine halts; this machine's",
            proof=("doit", "simplify"),
        ),
        Identity(
            "repetitions_by_powers_of_two",
            "sum over m of C(j - 1, m - 1) programs of 6 + 2j + m bits: 2^(-7 - 2j) (3/2)^(j - 1) of m(0^(2^j)), j = n + 1",
            sp.Sum(sp.binomial(n, k) * 2 ** (-(6 + 2 * (n + 1) + k + 1)), (k, 0, n)),
            2 ** (-7 - 2 * (n + 1)) * sp.Rational(3, 2) ** n,
            "n >= 0 integer, k = m - 1: WRITE 0, then REPEATs by the factors 2^k_1 ... 2^k_m with sum j, then HALT",
            "this machine's: with K(0^(2^j)) = 2j + 7 it makes K + log2 m at least (j - 1) log2 1.5",
            proof=("doit", "simplify"),
        ),
    ]


def _expert_bits(problem: Problem) -> Array:
    """l_k(x) = -sum over contexts of log2 of the closed form, no step of the code taken: (batch, expert)."""
    bits = sp.lambdify((n0, n1, a0, a1), -sp.expand_log(sp.log(beta_code), force=True) / sp.log(2), "mpmath")
    pseudo = 0.5 * np.exp(problem.params["log_pseudo"])
    rows = [
        [sum(bits(*cell, *pseudo[k]) for cell in cells) for k, cells in enumerate(row)]
        for row in oracles.cells(problem)
    ]
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
        for row in oracles.cells(problem)
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
