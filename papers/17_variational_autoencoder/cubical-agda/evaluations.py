"""TODO: the paper's definitions in Agda, run on the room's numbers."""

from s30.room import Evaluation, Problem, literal


def prediction(problem: Problem) -> str:
    numbers = (problem.params["weight"], problem.params["bias"], problem.batch["inputs"])
    return " ".join(["predictions", *map(literal, numbers)])


def evaluations() -> list[Evaluation]:
    return [
        Evaluation(
            "prediction",
            ["VariationalAutoencoder.affine", "VariationalAutoencoder.weighted"],
            "VariationalAutoencoder-Run",
            prediction,
            lambda problem, found: found["prediction"],
            ("seed0", "one example"),
        )
    ]
