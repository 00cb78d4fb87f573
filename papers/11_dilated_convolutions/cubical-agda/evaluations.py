"""The context module's definitions in Agda, run on the room's numbers, layer by layer, and its fields and paths in integers."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
stern = sibling(__file__, "../invariants.py").stern

TABLE1 = (1, 1, 2, 4, 8, 16, 1)


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def taps(problem: Problem, number: int) -> str:
    """Filters and biases of a layer, the taps of a filter in one row."""
    weight = problem.params[f"layer{number}.weight"]
    return f"{literal(weight.reshape(*weight.shape[:2], -1))} {literal(problem.params[f'layer{number}.bias'])}"


def pixels(places: Array) -> str:
    return literal(np.asarray(places), signed=True)


def buffer_of(number: int, problem: Problem) -> int:
    """How far before the first pixel of the maps the first output of a layer stands."""
    return sum(problem.config["dilations"][number:])


CORNERS = [[-8, -8], [-1, 2], [0, 0], [3, 6], [6, 3], [13, 14]]  # in the buffer, at the border and inside


def first_layer(problem: Problem) -> str:
    return f"one 3 3 1 {taps(problem, 1)} {literal(problem.batch['maps'][0])} {pixels(CORNERS)}"


def in_first_layer(problem: Problem, found: Arrays) -> Array:
    y, x = (np.array(CORNERS) + buffer_of(1, problem)).T
    return found["layer1"][0][:, y, x].T


INSIDE = [[4, 4], [5, 9], [11, 12]]  # places of layer 4's filters on layer 3's maps


def fourth_layer(problem: Problem) -> str:
    return f"one 3 3 4 {taps(problem, 4)} {literal(outputs(problem)['layer3'][0])} {pixels(INSIDE)}"


def in_fourth_layer(problem: Problem, found: Arrays) -> Array:
    y, x = np.array(INSIDE).T - 4
    return found["layer4"][0][:, y, x].T


def last_layer(problem: Problem) -> str:
    places = np.stack(np.indices((6, 7)), axis=-1).reshape(-1, 2) + 1
    return f"one 3 3 1 {taps(problem, 5)} {literal(outputs(problem)['layer4'][0])} {pixels(places)}"


def two_layers(problem: Problem) -> str:
    layers = " ".join(taps(problem, number) for number in (4, 5))
    return f"two 3 3 3 4 1 {layers} {literal(outputs(problem)['layer3'][0])} {pixels([[7, 8]])}"


SOME = [[0, 0], [2, 5], [5, 6]]


def started(problem: Problem) -> str:
    return f"started 3 (2 ∷ 1 ∷ []) {literal(problem.batch['maps'][0])} {pixels(SOME)}"


def truncated(problem: Problem, found: Arrays) -> Array:
    y, x = np.array(SOME).T
    return np.maximum(0.0, problem.batch["maps"][0][:, y, x].T)


def divided(problem: Problem) -> str:
    """Three maps, each of which becomes two."""
    groups, next_groups = literal(np.arange(3)), literal(np.arange(6) * 3 // 6)
    return f"divided 3 6 2 4 {groups} {next_groups} 0.5 {literal(problem.batch['maps'][0])} {pixels(SOME)}"


def divided_at_once(problem: Problem, found: Arrays) -> Array:
    y, x = np.array(SOME).T
    before = problem.batch["maps"][0][:, y, x].T  # (place, map)
    after = before @ checks.identity_start(3, 6, 3).T
    return np.concatenate([np.ravel(part) for part in (after, before, before)])


def counted(dilations: tuple[int, ...]) -> Array:
    """Coefficients of the product of 1 + z^l + z^{2l}."""
    counts = np.ones(1, int)
    for dilation in dilations:
        filter_ = np.zeros(2 * dilation + 1, int)
        filter_[::dilation] = 1
        counts = np.convolve(counts, filter_)
    return counts


def ladder(dilations: tuple[int, ...]) -> str:
    return literal(np.array(dilations[::-1]))


def evaluations() -> list[Evaluation]:
    layers = ["Dilated-Module.conv", "Dilated-Module.run"]
    shares = [f"Dilated-Start.{name}" for name in ("sharing", "groupSum", "central", "δ")]

    def run(name, definitions, term, expected):
        return Evaluation(name, definitions, "Dilated-Run", term, expected)

    def line(name, definitions, term, expected):
        return Evaluation(name, definitions, "Dilated-Line-Run", lambda _: term, lambda *_: expected, exact=True)

    prefixes = [TABLE1[:number] for number in range(1, 8)]
    return [
        run("first layer", layers, first_layer, in_first_layer),
        run("layer 4", layers, fourth_layer, in_fourth_layer),
        run("layer 5", layers, last_layer, lambda problem, found: found["layer5"][0].reshape(3, -1).T),
        run("layers 4 and 5", layers, two_layers, lambda problem, found: found["layer5"][0][None, :, 2, 3]),
        run("start", ["Dilated-Start.identity", "Dilated-Start.starts"], started, truncated),
        run("shares", shares, divided, divided_at_once),
        line(
            "fields of Table 1", ["Dilated-Field.width"], f"widths ({' ∷ '.join(map(ladder, prefixes))} ∷ [])",
            np.array([3, 5, 9, 17, 33, 65, 67]),
        ),
        line("Table 1", ["Dilated-Field.table1"], "table", np.array([67, *TABLE1[::-1]])),
        line(
            "doubled fields", ["Dilated-Field.exponential"], f"doubling {literal(np.arange(8))}",
            2 ** (np.arange(8) + 1) - 1,
        ),
        line("tripled fields", ["Dilated-Field.tripled"], f"tripling {literal(np.arange(5))}", 3 ** np.arange(5)),
        line(
            "paths", ["Dilated-Module.run"], f"paths 1 {ladder((1, 2, 4, 8, 16))} {literal(np.arange(64))}",
            np.array([stern(32 - abs(place - 31)) for place in range(64)]),
        ),
        line(
            "paths, rescaled", ["Dilated-Module.rescale"], f"paths 2 {ladder((1, 1, 2))} {literal(np.arange(18))}",
            np.append(counted((2, 2, 4)), 0),
        ),
        line(
            "ladder", ["Dilated-Line.ladder"], f"dilations {ladder((1, 1, 2, 4, 1))}",
            np.array([1, 4, 2, 1, 1]),
        ),
    ]  # fmt: skip
