"""The definitions of the Agda layer, run on the room's problems: both layers under their masks, moments, paths."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
HARNESS = "Regularization-Run"
LAYER = [
    "Regularization.Layer.droppedStep",
    "Regularization.Layer.plainStep",
    "Regularization.masked",
    "Regularization.apply",
]


def evaluations() -> list[Evaluation]:
    return [
        Evaluation(
            "first layer", LAYER, HARNESS, lambda p: _layer(p, 0, p.params["embedding.weight"][p.batch["inputs"]]),
            lambda p, found: _states(found, 0),
        ),
        Evaluation(
            "second layer", LAYER, HARNESS,
            lambda p: _layer(p, 1, checks.forward(p.params, p.batch, **p.config)["hidden"][:, :, 0]),
            lambda p, found: _states(found, 1),
        ),
        Evaluation(
            "without dropout", ["Regularization.Layer.plainStep", "Regularization.apply"], HARNESS, _plain,
            lambda p, found: _unmasked(p),
        ),
        Evaluation(
            "path of the cell", ["Regularization.update", "Regularization.forgets"], HARNESS,
            lambda p: f"apart 1 0.5 -1.25 {literal(_gates(p))}",
            lambda p, found: np.full(2, found["forget_gate"][0, :, 0, 0].prod() * 1.75),
        ),
        Evaluation(
            "path of the rival", ["Regularization.rivalUpdate", "Regularization.keeps"], HARNESS,
            lambda p: f"apartDropped 1 0.5 -1.25 {literal(np.column_stack([_kept(p), _gates(p)]))}",
            lambda p, found: np.full(2, (found["forget_gate"][0, :, 0, 0] * _kept(p)).prod() * 1.75), ("seed0", "seed1"),
        ),
        Evaluation(
            "moments", [f"Regularization-Dropout.{n}" for n in ("mean", "meanOver", "through", "dropped", "kept", "power")], HARNESS,
            lambda p: f"moments {literal(p.config['dropout'])} 1.5 3 (true ∷ true ∷ [])",
            lambda p, found: _moments(p.config["dropout"], 1.5, 3), ("seed0", "one of each"),
        ),
        Evaluation(
            "thick line", [f"Regularization-Paths.{n}" for n in ("drops", "steps", "thickLine", "climb", "remembered")], HARNESS,
            lambda p: "thick 1 4 ∷ thick 0 0 ∷ thick 3 7 ∷ []", lambda p, found: np.array([[3, 4], [2, 0], [5, 7]]), exact=True,
        ),
    ]  # fmt: skip


def _gate(problem: Problem, layer: int, number: int) -> str:
    rows = slice(number * problem.config["hidden"], (number + 1) * problem.config["hidden"])
    params = [
        problem.params[f"lstm.{name}_l{layer}"][rows] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    return f"(gate {literal(params[0])} {literal(params[1])} {literal(params[2] + params[3])})"


def _gate_order(problem: Problem, layer: int) -> str:
    """I, F, O, G, as the paper has them; the rows are i, f, g, o."""
    return " ".join(_gate(problem, layer, number) for number in (0, 1, 3, 2))


def _layer(problem: Problem, layer: int, below: Array) -> str:
    keep = problem.batch["masks"][:, :, layer] / (1 - problem.config["dropout"])
    head = f"states {problem.config['hidden']} {_gate_order(problem, layer)}"
    asked = [
        f"({head} {' '.join(map(literal, parts))})"
        for parts in zip(problem.batch["cell"][:, layer], problem.batch["hidden"][:, layer], keep, below, strict=True)
    ]
    return " ∷ ".join([*asked, "[]"])


def _states(found: Arrays, layer: int) -> Array:
    return np.stack([found[name][:, :, layer] for name in ("cell", "hidden")], axis=2)  # (batch, time, 2, unit)


def _first_word(problem: Problem) -> Array:
    return problem.params["embedding.weight"][problem.batch["inputs"][0, 0]]


def _plain(problem: Problem) -> str:
    state = (problem.batch[name][0, 0] for name in ("cell", "hidden"))
    return " ".join(
        [f"plain {problem.config['hidden']}", _gate_order(problem, 0), *map(literal, (*state, _first_word(problem)))]
    )


def _unmasked(problem: Problem) -> Array:
    ones = {**problem.batch, "masks": np.ones_like(problem.batch["masks"])}
    found = checks.forward(problem.params, ones, **{**problem.config, "dropout": 0.0})
    return np.stack([found[name][0, 0, 0] for name in ("cell", "hidden")])


def _gates(problem: Problem) -> Array:
    """Forget gate and what is written, of the first unit of the first layer and text."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    forget, write, new = (found[name][0, :, 0, 0] for name in ("forget_gate", "input_gate", "candidate"))
    return np.column_stack([forget, write * new])


def _kept(problem: Problem) -> Array:
    return problem.batch["recurrent_masks"][0, :, 0, 1, 0] / (1 - problem.config["dropout"])


def _moments(rate: float, x: float, count: int) -> Array:
    scale = 1 / (1 - rate)
    return np.array([x, scale**count * x**2, scale**count * x**2, 1.0, scale**2 * x])
