"""CS231n's definitions in Agda, run on the checked problem, layer by layer: each reads what the NumPy layer gave the one before."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

numpy_checks = sibling(__file__, "../numpy_checks.py")


def outputs(problem: Problem) -> Arrays:
    return numpy_checks.forward(problem.params, problem.batch, **problem.config)


def convolution(problem: Problem) -> str:
    """The arguments of a CONV layer: channels, filters, height, width, taps in one row, biases."""
    weight = problem.params["conv.weight"]  # (filter, channel, 3, 3)
    filters, channels = weight.shape[:2]
    height, width = problem.batch["images"].shape[2:]
    taps = literal(weight.reshape(filters, channels, -1))
    return f"{channels} {filters} {height} {width} {taps} {literal(problem.params['conv.bias'])}"


def convolved(problem: Problem) -> str:
    return f"convolved {convolution(problem)} {literal(problem.batch['images'])}"


def activated(problem: Problem) -> str:
    return f"activated {convolution(problem)} {literal(problem.batch['images'][:1])}"


def pooled(problem: Problem) -> str:
    activation = outputs(problem)["activation"]  # (batch, filter, height, width)
    _, filters, height, width = activation.shape
    return f"pooled {filters} {height // 2} {width // 2} {literal(activation)}"


def scores(problem: Problem) -> str:
    weight, bias = problem.params["fc.weight"], problem.params["fc.bias"]
    pooled = outputs(problem)["pooled"].reshape(-1, weight.shape[1])  # (batch, feature)
    return f"scores {len(weight)} {weight.shape[1]} {literal(weight)} {literal(bias)} {literal(pooled)}"


def hinges(problem: Problem) -> str:
    scores, labels = outputs(problem)["scores"], problem.batch["labels"]
    margin = literal(float(problem.config["margin"]))
    return f"hinges {scores.shape[1] - 1} {margin} {literal(labels)} {literal(scores)}"


def hinge_of_each(problem: Problem, found: Arrays) -> Array:
    """The NumPy layer's mean over a batch of one is that example's loss."""
    one_by_one = range(len(problem.batch["labels"]))
    batches = ({name: value[i : i + 1] for name, value in problem.batch.items()} for i in one_by_one)
    return np.array([numpy_checks.forward(problem.params, batch, **problem.config)["hinge"] for batch in batches])


def evaluations() -> list[Evaluation]:
    grid = ["CS231n-Grid.digitNet", "CS231n-Grid.around", "CS231n.conv", "CS231n.run"]

    def evaluation(name, definitions, term, expected):
        return Evaluation(name, definitions, "CS231n-Run", term, expected)

    return [
        evaluation("convolved", grid, convolved, lambda problem, found: found["convolved"]),
        evaluation(
            "activation", [*grid, "CS231n.pointwise"], activated, lambda problem, found: found["activation"][:1]
        ),
        evaluation("pooled", ["CS231n-Grid.pool2x2"], pooled, lambda problem, found: found["pooled"]),
        evaluation("scores", ["CS231n.affine"], scores, lambda problem, found: found["scores"]),
        evaluation("hinge", ["CS231n.hinge"], hinges, hinge_of_each),
    ]
