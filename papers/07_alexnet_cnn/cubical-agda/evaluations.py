"""The small AlexNet's definitions in Agda, run on the room's numbers, position by position; the paper's network counted."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")

architecture = sibling(__file__, "../architecture.py")
COUNTED = architecture.counted(architecture.LAYERS, architecture.SIDE)
PARAMETERS = [count for count in COUNTED["parameters"] if count]  # pooling has none
SPATIAL = 8  # CONV and POOL come first


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def second_layer(name: str, problem: Problem) -> str:
    """At the first position of the first example: what conv2's taps see, with zeros around, by group."""
    weight, bias = problem.params["conv2.weight"], problem.params["conv2.bias"]
    patch = np.pad(outputs(problem)["pooled"][0], [(0, 0), (1, 1), (1, 1)])[:, :3, :3]  # (map, 3, 3)
    groups, count = problem.config["groups"], weight[0].size
    rows = weight.reshape(groups, -1, count)  # (group, kernel, map and tap)
    return f"{name} {rows.shape[1]} {count} {literal(rows)} {literal(bias)} {literal(patch.reshape(groups, -1))}"


def first_position(problem: Problem, found: Arrays) -> Array:
    return found["conv2"][0, :, 0, 0]


def near(problem: Problem) -> Array:
    """1 where map j is near map i."""
    place = np.arange(problem.config["kernels1"])
    return (np.abs(place[:, None] - place) <= problem.config["near"] // 2) * 1.0


def norms(problem: Problem) -> str:
    conv1, config = outputs(problem)["conv1"][0], problem.config  # (map, height, width)
    constants = " ".join(literal(float(config[name])) for name in ("k", "alpha", "beta"))
    return f"norms {len(conv1)} {constants} {literal(near(problem))} {literal(conv1.reshape(len(conv1), -1).T)}"


def everywhere(problem: Problem, found: Arrays) -> Array:
    return found["norm1"][0].reshape(found["norm1"].shape[1], -1).T


def kept(problem: Problem) -> Array:
    """fc2.weight times the hidden neurons of the first example before any is dropped: (class, hidden)."""
    ones = {**problem.batch, "mask": np.ones_like(problem.batch["mask"])}
    return problem.params["fc2.weight"] * checks.forward(problem.params, ones, **problem.config)["hidden"][0]


def dropouts(problem: Problem) -> str:
    return f"dropouts {problem.config['hidden']} {literal(kept(problem))}"


def at_test_time(problem: Problem, found: Arrays) -> Array:
    """Twice the sum over 2^n masks is 2^n times twice what test time reads, bias apart."""
    tested = checks.forward(problem.params, problem.batch, **{**problem.config, "training": False})["logits"][0]
    return 2 ** problem.config["hidden"] * 2 * (tested - problem.params["fc2.bias"])


def evaluations() -> list[Evaluation]:
    layers = "AlexNet-Layers"
    return [
        Evaluation(
            "kernels by groups", [f"{layers}.grouped"], "AlexNet-Run", lambda problem: second_layer("asGroups", problem),
            first_position,
        ),
        Evaluation(
            "kernels with zeros", [f"{layers}.whole", f"{layers}.δ"], "AlexNet-Run",
            lambda problem: second_layer("asWhole", problem), first_position,
        ),
        Evaluation(
            "normalisation", [f"{layers}.normalised"], "AlexNet-Run", norms, everywhere, ("seed0", "tanh", "ties"),
        ),
        Evaluation("masks", [f"{layers}.overMasks"], "AlexNet-Run", dropouts, at_test_time),
        Evaluation(
            "number of masks", [f"{layers}.masks"], "AlexNet-Run", lambda problem: "howMany 7",
            lambda problem, found: np.array([128.0]),
        ),
        Evaluation(
            "parameters", ["AlexNet-Sizes.total", "AlexNet-Sizes.alexNet", "AlexNet-Sizes.parameters"], "AlexNet-Run",
            lambda problem: "counts", lambda problem, found: np.array([sum(PARAMETERS), *PARAMETERS]), exact=True,
        ),
        Evaluation(
            "receptive fields", ["AlexNet-Sizes.fields", "AlexNet-Sizes.windows"], "AlexNet-Run", lambda problem: "seen",
            lambda problem, found: np.array([COUNTED["field"][:SPATIAL], COUNTED["stride"][:SPATIAL]]), exact=True,
        ),
    ]  # fmt: skip
