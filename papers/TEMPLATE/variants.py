r"""Further problems, on which every layer must agree with `numpy_checks.py` as on the checked one.

Together with problem(0) they change every key of the configuration, give every axis of every array a second size, one
example among them, and hold an extreme and the ties that the object has. An extreme of problem(0)'s own shapes costs
tinygrad and JAX nothing, since they have compiled it; another shape costs a program, so it is a small one.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checked = sibling(__file__, "numpy_checks.py")


def single() -> Problem:
    rng = np.random.default_rng(1)
    return Problem(
        config={"features": 2, "outputs": 3},
        params={"weight": rng.normal(size=(3, 2)), "bias": rng.normal(size=3)},
        batch={"inputs": rng.normal(size=(1, 2)), "targets": rng.normal(size=(1, 3))},
    )


def loud() -> Problem:
    quiet = checked.problem(0)
    return Problem(quiet.config, {name: 1e3 * value for name, value in quiet.params.items()}, quiet.batch)


def variants() -> list[Variant]:
    return [
        Variant("single", "one example, other sizes: an axis that is summed by mistake shows", single()),
        Variant("loud", "TODO: numbers at which a naive exp, log or power overflows or underflows", loud(), "extreme"),
    ]
