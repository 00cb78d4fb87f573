r"""What follows from the bound of a lossy autoencoder, derived and proved: paper 17 (Chen et al., 2016).

(2), (9)      L = log p(x) - D_KL(q || p(z|x)), in a model whose code has two values
(4)           D_KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1) / 2 - log s, by the integral
(5) to (7)    the two-part code less log q is the bound
3.2           a flow of two units: its inverse, its log-determinant; that of two flows is the sum; eq. (12) is eq. (14)
appendix C    the slope of the penalty; what the best q is where the code is ignored
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

m, x, z, n = sp.symbols("m x z n", real=True)
s, a, b = sp.symbols("s a b", positive=True)

NORMAL = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)  # the density of the standard normal


def over_noise(value: sp.Expr) -> sp.Expr:
    """The mean of a value over standard normal noise n."""
    return sp.Integral(sp.expand(value * NORMAL.subs(z, n)), (n, -sp.oo, sp.oo))


def gaussian_kl() -> tuple[sp.Expr, sp.Expr]:
    """E_q[log q - log p] with z = m + s n, over the density of n."""
    log_q = -(n**2) / 2 - sp.log(s) - sp.log(2 * sp.pi) / 2
    log_p = -((m + s * n) ** 2) / 2 - sp.log(2 * sp.pi) / 2
    return over_noise(log_q - log_p), (m**2 + s**2 - 1) / 2 - sp.log(s)


# A code of two values: q and prior weights, and what each of them makes of x.
q, p0, l0, l1 = sp.symbols("q p l_0 l_1", positive=True)  # q = q(0|x), p = p(0), l_k = p(x | z = k)
r, t = sp.symbols("r t", positive=True)  # 1 - q and 1 - p, as positive numbers
BOUND = q * (sp.log(p0) + sp.log(l0) - sp.log(q)) + r * (sp.log(t) + sp.log(l1) - sp.log(r))
EVIDENCE = p0 * l0 + t * l1


def discrete_bound() -> tuple[sp.Expr, sp.Expr]:
    post0, post1 = p0 * l0 / EVIDENCE, t * l1 / EVIDENCE
    gap = q * (sp.log(q) - sp.log(post0)) + r * (sp.log(r) - sp.log(post1))
    return BOUND.subs(r, 1 - q), (sp.log(EVIDENCE) - gap).subs(r, 1 - q)


# Two units: mu_1, log sigma_1 are constants; mu_2, log sigma_2 are functions of the first.
y1, y2, e1, e2, c, d = sp.symbols("y_1 y_2 e_1 e_2 c d", real=True)
mu, ls = sp.Function("mu", real=True), sp.Function("lambda", real=True)


def whiten(first: sp.Expr, second: sp.Expr) -> sp.Matrix:
    """eps_i = (y_i - mu_i(y_<i)) exp(-log sigma_i(y_<i))."""
    return sp.Matrix([(first - c) * sp.exp(-d), (second - mu(first)) * sp.exp(-ls(first))])


def generate(first: sp.Expr, second: sp.Expr) -> sp.Matrix:
    """y_i = eps_i exp(log sigma_i(y_<i)) + mu_i(y_<i)."""
    y = first * sp.exp(d) + c
    return sp.Matrix([y, second * sp.exp(ls(y)) + mu(y)])


def af_and_iaf() -> tuple[sp.Expr, sp.Expr]:
    """The bound of z, over the encoder's noise; and that of epsilon, over its own density N(m, s^2), where z has m' = c + exp(d) m and
    s' = exp(d) s."""
    log_normal = -(z**2) / 2 - sp.log(2 * sp.pi) / 2
    code = c + sp.exp(d) * (m + s * n)
    af = over_noise(
        -a * (x - code) ** 2
        + log_normal.subs(z, (code - c) * sp.exp(-d))
        - d
        - log_normal.subs(z, n)
        + sp.log(sp.exp(d) * s)
    )
    density = NORMAL.subs(z, (e1 - m) / s) / s
    iaf = -a * (x - c - sp.exp(d) * e1) ** 2 + log_normal.subs(z, e1) - log_normal.subs(z, (e1 - m) / s) + sp.log(s)
    # quadratic in epsilon: moment by moment
    moments = sp.Poly(sp.expand(iaf), e1).terms()
    return af, sp.Add(*(k * sp.Integral(e1**power * density, (e1, -sp.oo, sp.oo)) for (power,), k in moments))


def identities() -> list[Identity]:
    epsilon = whiten(y1, y2)
    jacobian = epsilon.jacobian([y1, y2])
    g = sp.Function("g", real=True)  # another flow on top, which shifts and scales its second unit
    h = sp.Function("h", real=True)
    second = sp.Matrix([e1, (e2 - g(e1)) * sp.exp(-h(e1))])
    both = second.subs({e1: epsilon[0], e2: epsilon[1]}, simultaneous=True).jacobian([y1, y2])
    two_part = -q * (sp.log(p0) + sp.log(l0)) - r * (sp.log(t) + sp.log(l1))
    entropy = -q * sp.log(q) - r * sp.log(r)
    gamma, lam, kl = sp.symbols("gamma lambda K", positive=True)
    kl_left, kl_right = gaussian_kl()
    bound_left, bound_right = discrete_bound()
    u = sp.symbols("u", positive=True)
    return [
        Identity(
            "gaussian_kl", "the mean of log q - log p over q = N(m, s^2) is (m^2 + s^2 - 1) / 2 - log s", kl_left, kl_right,
            "m real, s > 0",
            "equation (4)", proof=("doit", "expand", "simplify"),
        ),
        Identity(
            "kl_slope", "in m and in log s the divergence has the slopes m and s^2 - 1: both are zero at the prior alone",
            sp.Matrix([sp.Derivative(kl_right, m), s * sp.Derivative(kl_right, s)]), sp.Matrix([m, s**2 - 1]), "m real, s > 0",
            "section 2.2, D_KL(q||p)", proof=("doit", "expand"),
        ),
        Identity(
            "bound_and_gap", "with a code of two values the bound is log p(x) less the divergence of q from the true posterior", bound_left,
            bound_right, "probabilities between 0 and 1", "equations (2), (8) and (9)", proof=("expand_log", "expand", "simplify"),
        ),
        Identity(
            "gap_is_not_negative", "log u <= u - 1, from which D_KL >= 0: u - 1 - log u has the slope (u - 1) / u, zero at u = 1 alone, "
            "and "
            "is 0 there", sp.Matrix([sp.Derivative(u - 1 - sp.log(u), u) * u, (u - 1 - sp.log(u)).subs(u, 1)]), sp.Matrix([u - 1, 0]),
            "u > 0",
            "section 2.2, the divergence is never negative", proof=("doit", "expand"),
        ),
        Identity(
            "bits_back", "with a code of two values the mean of the two-part code less the entropy of q, which is read back, is the "
            "bound with its sign "
            "changed", two_part - entropy, -BOUND, "probabilities between 0 and 1", "equations (5) to (7)", proof=("expand",),
        ),
        Identity(
            "flow_is_inverted", "a flow of two units is undone, the second with the first already known",
            generate(e1, e2).applyfunc(lambda y: sp.Subs(y, (e1, e2), tuple(epsilon))), sp.Matrix([y1, y2]),
            "mu and log sigma any functions", "section 3.2", proof=("doit", "simplify"),
        ),
        Identity(
            "flow_is_whitened", "and the other way round", epsilon.applyfunc(lambda e: sp.Subs(e, (y1, y2), tuple(generate(e1, e2)))),
            sp.Matrix([e1, e2]),
            "mu and log sigma any functions", "section 3.2", proof=("doit", "simplify"),
        ),
        Identity(
            "log_determinant", "d epsilon / d y is triangular: its determinant is exp(-log sigma_1 - log sigma_2)", jacobian.det(),
            sp.exp(-d - ls(y1)), "mu and log sigma any functions", "section 3.2, simple determinant", proof=("doit", "simplify"),
        ),
        Identity(
            "determinants_multiply", "the determinant of two flows is the product of theirs, at the places they are asked", both.det(),
            sp.exp(-d - ls(y1)) * sp.exp(-h(epsilon[0])), "mu and log sigma any functions", "appendix A, 4 steps of flow",
            proof=("doit", "simplify"),
        ),
        Identity(
            "af_prior_is_iaf_posterior", "one unit, z = c + exp(d) epsilon, a decoder log p(x|z) = -a (x - z)^2: the bound with the "
            "flow in "
            "the prior is the bound of the code epsilon with the flow in the posterior, integrated over that posterior itself",
            *af_and_iaf(), "a, s > 0", "equations (12) to (14)", proof=("doit", "expand_log", "expand", "simplify"),
        ),
        Identity(
            "iaf_density", "what q(z|x) = N(m, s^2) becomes under epsilon = (z - c) exp(-d): a normal of mean (m - c) exp(-d) and "
            "deviation "
            "s exp(-d), whose log-density is log q + d",
            sp.log(NORMAL.subs(z, (z - m) / s) / s) + d,
            sp.log(NORMAL.subs(z, ((z - c) * sp.exp(-d) - (m - c) * sp.exp(-d)) / (s * sp.exp(-d))) / (s * sp.exp(-d))), "s > 0",
            "section 3.2, the IAF posterior", proof=("expand_log", "simplify"),
        ),
        Identity(
            "free_nats_slope", "above the free nats the penalty has the slope gamma, below them none: twice the slope is gamma (1 + sign)",
            sp.Derivative(gamma * (lam + (kl - lam + sp.Abs(kl - lam)) / 2), kl), gamma * (1 + sp.sign(kl - lam)) / 2, "away from the kink",
            "appendix C", proof=("doit", "simplify"),
        ),
        Identity(
            "nats_of_the_paper", "13.3 nats are fewer than 19.25 bits", sp.log(2) * sp.Rational(77, 4), sp.Rational(133, 10), "",
            "section 4.1, 13.3 nats = 19.2 bits", relation=">", proof=("expand",),
        ),
        Identity(
            "bits_of_the_paper", "and more than 19.15 bits", sp.Rational(133, 10), sp.log(2) * sp.Rational(383, 20), "",
            "section 4.1, 13.3 nats = 19.2 bits", relation=">", proof=("expand",),
        ),
        Identity(
            "mnist_window", "six masked layers of filter size 3 reach 6 pixels to the left and, r rows above, 6 to the left and r to "
            "the right: "
            "69 pixels", sp.Sum(6 + z + 1, (z, 1, 6)) + 6, sp.Integer(69), "", "section 4, 6 layers of masked convolution",
            proof=("doit",),
        ),
    ]  # fmt: skip


SLOPES = sp.lambdify([m, s], [sp.diff(gaussian_kl()[1], m), s * sp.diff(gaussian_kl()[1], s)])
CLOSED = sp.lambdify([m, s], gaussian_kl()[1])


def _kl(problem: Problem) -> Array:
    mean, log_sigma = checks.encode(problem.params, problem.batch["images"])
    found: Array = CLOSED(mean, np.exp(log_sigma)).sum(-1)
    return found


def _output_bias(problem: Problem) -> Array:
    """d loss / d (bias of the logits): the mean over images and samples of the sum of sigma(a) - x."""
    slope = sp.lambdify([n, x], sp.diff(sp.log(1 + sp.exp(n)) - x * n, n))
    logits = checks.forward(problem.params, problem.batch, **problem.config)["logits"]
    return np.array([slope(logits, problem.batch["images"][:, None]).sum((2, 3)).mean()])


def _log_determinant(problem: Problem) -> Array:
    """The determinant of one flow, entry by entry of the derived Jacobian: -sum of log sigma."""
    z_ = checks.forward(problem.params, problem.batch, **problem.config)["z"]
    _, log_scale = checks.shift_and_scale(problem.params, 0, z_)
    log_det = sp.lambdify([d, ls(y1)], sp.expand_log(sp.log(sp.exp(-d - ls(y1))), force=True))
    first = log_det(log_scale[..., 0], log_scale[..., 1])
    return (first - log_scale[..., 2:].sum(-1))[..., None]


def bridges() -> list[Bridge]:
    return [
        Bridge("gaussian_kl", "the closed form, derived", "output:gaussian_kl", _kl, "equation (4)"),
        Bridge("output_bias", "d loss / d (bias of the logits) = mean of sum_i (sigma(a_i) - x_i)", "gradient:output.bias", _output_bias,
               "section 2.1, log p(x|z)"),
        Bridge("log_determinant", "minus the sum of log sigma, of which the first two units' are derived", "output:log_determinants",
               _log_determinant, "section 3.2"),
    ]  # fmt: skip
