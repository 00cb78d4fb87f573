r"""The notes' gradient check (neural-networks-3.md) on the room's loss, in both precisions, and the order of two formulas.

    df/dx = (f(x + h) - f(x - h)) / 2h + O(h^2)       centred, «use instead»
    df/dx = (f(x + h) - f(x)) / h + O(h)              one-sided, «bad, do not use»
    |a - n| / max(|a|, |n|)                           relative error of the analytic and the numerical gradient

Both sides of a comparison are computed in the same precision; entries are drawn from every parameter.
"""

import numpy as np

from s30.room import Array, Framework, sibling

checks = sibling(__file__, "numpy_checks.py")

STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient
PRECISIONS = {"double": 5e-5, "single": 1e-3}  # and the h of the check itself
FEW = 60  # entries of each parameter, «a few dimensions for every separate parameter»


def check_gradients(seed: int, framework: Framework) -> tuple[dict[str, float], dict[str, Array]]:
    """The metrics, and by precision the errors (step, [one-sided, centred]) of the derivative along a direction of the
    last layer. Both sides of a comparison are computed in the same precision."""
    problem, rng = checks.problem(seed), np.random.default_rng(seed)
    entries = [(name, at) for name, value in problem.params.items() for at in rng.permutation(value.size)[:FEW]]
    direction = rng.standard_normal(problem.params["fc.weight"].shape)
    worst, errors = {}, {}
    for precision, h in PRECISIONS.items():
        # Rows: +h at each entry, -h at each entry, nothing, +STEPS and -STEPS along the direction. In the scores the loss
        # has no kink, so a direction of the last layer shows the order of the formula alone.
        above, below, here = len(entries), 2 * len(entries), 2 * len(entries) + 1
        displaced = {name: np.zeros((here + 2 * len(STEPS), *v.shape)) for name, v in problem.params.items()}
        for row, (name, at) in enumerate(entries):
            displaced[name][row].flat[at], displaced[name][above + row].flat[at] = h, -h
        displaced["fc.weight"][here:] = np.concatenate([STEPS, -STEPS])[:, None, None] * direction
        found = framework.ask("losses", problem.config, problem.params, problem.batch, displaced, precision)
        values, gradient = found.pop("loss").astype(float), found
        numerical = (values[:above] - values[above:below]) / (2 * h)
        analytic = np.array([gradient[name].flat[at] for name, at in entries])
        scale = np.maximum(np.maximum(np.abs(numerical), np.abs(analytic)), 1e-300)
        worst[precision] = float(np.max(np.abs(numerical - analytic) / scale))
        plus, minus = np.split(values[here:], 2)
        slopes = np.stack([(plus - values[below]) / STEPS, (plus - minus) / (2 * STEPS)], axis=1)
        errors[precision] = np.abs(slopes - (gradient["fc.weight"] * direction).sum())
    return {
        "gradient_error": worst["double"],
        "gradient_error_single": worst["single"],
        "forward_difference_order": _order(errors["double"][:, 0], 1e-5, 1e-2),
        "central_difference_order": _order(errors["double"][:, 1], 1e-3, 4e-2),
    }, errors


def _order(errors: Array, low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (low <= STEPS) & (high >= STEPS)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(errors[inside]), 1)[0])
