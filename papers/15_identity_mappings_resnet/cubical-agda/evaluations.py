"""The paper's definitions in Agda, run on the room's numbers."""

import itertools

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")


def entries(problem: Problem) -> str:
    """x_0 and the residuals of two units at every entry."""
    out = checks.forward(problem.params, problem.batch, **problem.config)
    rows = np.stack([out[name].ravel() for name in ("stem", "residual1", "residual2")], axis=1)
    scales = (literal(float(problem.config[name])) for name in ("shortcut_scale", "residual_scale"))
    return f"entries {' '.join(scales)} {literal(rows)}"


def branches(problem: Problem) -> Array:
    """Five branches relu(w x + b) cut out of the room's numbers."""
    return problem.params["fc.weight"][:5, :2]


def stacks(problem: Problem) -> str:
    return f"stacks {literal(branches(problem))} {literal(float(problem.params['fc.bias'][0]))}"


def stacks_at_once(problem: Problem, found: Arrays) -> Array:
    start = x = y = float(problem.params["fc.bias"][0])
    plain, added = max(-1.0, start), []

    def branch(row: Array, x: float) -> float:
        return max(0.0, row[0] * x + row[1])

    for row in branches(problem):
        added.append(branch(row, x))
        x, y = x + added[-1], y + branch(row, max(-1.0, y))
        plain = max(-1.0, branch(row, plain))
    return np.array([x, x, start, y, y, plain, plain, *added])


def slopes(problem: Problem) -> str:
    return f"slopes {literal(branches(problem))}"


def slopes_at_once(problem: Problem, found: Arrays) -> Array:
    scales, slopes = branches(problem).T
    whole, direct = np.prod(scales + slopes), np.prod(scales)
    return np.array([whole, direct, whole - direct, 0.5**5, 0.5**3])


def matrices(problem: Problem) -> tuple[Array, Array]:
    """Five 2 x 2 matrices and a signal."""
    return problem.params["fc.weight"][:5, :4], problem.params["fc.bias"][:2]


def unravel(problem: Problem) -> str:
    rows, signal = matrices(problem)
    return f"unravel {literal(rows)} {literal(signal)}"


def unravel_at_once(problem: Problem, found: Arrays) -> Array:
    """The product of 1 + J, and the sum over all sets of units of the products of their J, the first unit first."""
    rows, signal = matrices(problem)
    jacobians = rows.reshape(-1, 2, 2)
    product = np.eye(2)
    for jacobian in jacobians:
        product = (np.eye(2) + jacobian) @ product
    chosen = [order for n in range(6) for order in itertools.combinations(range(5), n)]
    terms = [np.linalg.multi_dot([np.eye(2), np.eye(2), *jacobians[list(order)][::-1]]) @ signal for order in chosen]
    return np.array([*product @ signal, *np.sum(terms, axis=0), len(terms)])


def evaluations() -> list[Evaluation]:
    units = [f"IdentityMap-Units.{name}" for name in ("unit", "run", "residuals", "total", "asymmetric", "post", "pre")]
    scaled = [f"IdentityMap-Scaled.{name}" for name in ("step", "run", "product", "scales", "absorbed")]
    terms = [f"IdentityMap-Scaled.{name}" for name in ("slope", "throughWeights", "power", "alike")]
    unravelled = [f"IdentityMap-Units.{name}" for name in ("Operator", "maps", "paths", "along")]

    def twice(problem: Problem, found: Arrays) -> Array:
        return np.stack([found["block2"].ravel()] * 2, axis=1)

    return [
        Evaluation("block2", scaled, "IdentityMap-Run", entries, twice, ("one image", "seed0")),
        Evaluation("stacks", units, "IdentityMap-Run", stacks, stacks_at_once, ("seed0", "seed1")),
        Evaluation("slopes", terms, "IdentityMap-Run", slopes, slopes_at_once, ("seed0", "seed1")),
        Evaluation("unravelled", unravelled, "IdentityMap-Run", unravel, unravel_at_once, ("seed0", "seed1")),
    ]
