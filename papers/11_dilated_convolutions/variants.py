r"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

    one example         a batch of one; a label that is a class's number is left out
    Table 1             all seven dilations of the paper, on maps wide enough for a tap at 16; zeros around every layer
    large               widths that differ, as in «Large»: channels in and out, the groups of equation 5
    wide filters        r = 2
    reflection          the buffer reflects the maps
    loud maps           maps of 100,000, scores of millions: exp overflows without the shift
    low scores          all scores near -1,000: exp underflows, and log 0 is infinite
    nothing labelled    no pixel has a label: 0 / 0
    identity start      filters of equation 4 on maps with zeros: pre-activations of exactly 0

What is drawn at random is drawn as in `problem`; extremes and ties are differentiated as well.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
backward = sibling(__file__, "backward.py")
start = sibling(__file__, "invariants.py").start


def drawn(seed: int, size: tuple[int, int, int], **changes) -> Problem:
    return checks.draw(np.random.default_rng(seed), checks.CONFIG | changes, size)


def changed(**changes) -> Problem:
    """The checked problem with other arrays in the place of some."""
    problem = checks.problem(0)
    params = {name: changes.get(name.replace(".", "_"), value) for name, value in problem.params.items()}
    return Problem(problem.config, params, {name: changes.get(name, value) for name, value in problem.batch.items()})


def identity_start() -> Problem:
    """Equation 4 on maps of 0, 1 and 2: whole numbers throughout, so that every tie is exact."""
    problem, rng = checks.problem(0), np.random.default_rng(9)
    maps = rng.integers(0, 3, problem.batch["maps"].shape).astype(float)
    return Problem(problem.config, start(problem, problem.config["widths"]), {**problem.batch, "maps": maps})


def variants() -> list[Variant]:
    checked, tied = checks.problem(0), identity_start()
    by_hand = {name: value for name, value in backward.gradients(tied).items() if name in tied.params}
    return [
        Variant(
            "one example", "one example, in which pixels of class 1 are those left out, zeros around every layer",
            drawn(1, (1, 6, 7), padding="layers", ignored=1),
        ),
        Variant(
            "Table 1", "the paper's dilations 1, 1, 2, 4, 8, 16, 1 on two maps of 4 x 35: every layer but the last has taps inside",
            drawn(2, (1, 4, 35), channels=2, widths=(2,) * 7, dilations=(1, 1, 2, 4, 8, 16, 1), padding="layers"),
        ),
        Variant(
            "large", "two maps in and out, 4, 4, 8, 6 and 2 between: layers of different widths",
            drawn(3, (2, 5, 4), channels=2, widths=(4, 4, 8, 6, 2), padding="layers"),
        ),
        Variant(
            "wide filters", "filters of 5 x 5 taps, dilations 2, 1, 1, 2, 1, four classes, other widths",
            drawn(4, (3, 4, 5), channels=4, widths=(4, 3, 2, 4, 3), dilations=(2, 1, 1, 2, 1), kernel=5),
        ),
        Variant(
            "reflection", "a buffer of 4 reflected from maps of 5 x 8",
            drawn(5, (2, 5, 8), widths=(3, 3, 3), dilations=(1, 2, 1), padding="reflection"),
        ),
        Variant("loud maps", "maps of up to 300,000", changed(maps=1e5 * checked.batch["maps"]), "extreme"),
        Variant(
            "low scores", "scores near -1,000, all of them", changed(final_bias=checked.params["final.bias"] - 1e3), "extreme"
        ),
        Variant(
            "nothing labelled", "no pixel has a label: the loss is 0 and so is its gradient",
            changed(labels=np.full_like(checked.batch["labels"], checked.config["ignored"])), "extreme",
        ),
        Variant(
            "identity start", "equation 4 on maps with zeros: pre-activations of exactly 0 in every layer", tied, "tie",
            "relu'(0) = 0: where a map is zero the start passes nothing back", by_hand,
        ),
    ]  # fmt: skip
