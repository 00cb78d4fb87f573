"""LSTM's definitions in Agda, run on the checked problem: the cell under the gates that NumPy computed, and the whole network."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

numpy_checks = sibling(__file__, "../numpy_checks.py")


def gates(problem: Problem) -> Array:
    """What the NumPy layer gives the first unit of the first example: forget gate, input gate, candidate by step."""
    found = numpy_checks.forward(problem.params, problem.batch, **problem.config)
    return np.stack([found[name][0, :, 0] for name in ("forget_gate", "input_gate", "candidate")], axis=1)  # (time, 3)


def cells(problem: Problem) -> str:
    return f"cells {literal(problem.batch['cell'][0, 0])} {literal(gates(problem))}"


def closed_form(problem: Problem) -> str:
    return f"closedForm {literal(problem.batch['cell'][0, 0])} {literal(gates(problem))}"


def network(problem: Problem) -> str:
    params, batch = problem.params, problem.batch
    # PyTorch stacks i, f, g, o; the post's [h, x] puts the hidden state first
    weight = np.concatenate([params["lstm.weight_hh_l0"], params["lstm.weight_ih_l0"]], axis=1)
    bias = params["lstm.bias_hh_l0"] + params["lstm.bias_ih_l0"]
    i, f, g, o = (literal(w) for w in np.split(weight, 4))
    bi, bf, bg, bo = (literal(b) for b in np.split(bias, 4))
    hidden, features = problem.config["hidden"], problem.config["features"]
    state = f"{literal(batch['cell'])} {literal(batch['hidden'])} {literal(batch['inputs'])}"
    return f"runs {hidden} {features} {f} {i} {g} {o} {bf} {bi} {bg} {bo} {state}"


def states(problem: Problem, found: Arrays) -> Array:
    return np.stack([found["cell"], found["hidden"]], axis=2)  # (batch, time, 2, hidden)


def evaluations() -> list[Evaluation]:
    cell, whole = "LSTM-Cell.cellUpdate", ["LSTM.lstmStep", "LSTM.gatesFrom", "LSTM.outputGate"]
    product = ["LSTM-Cell.forgetProduct", "LSTM-Cell.weightedWrites"]
    return [
        Evaluation("cell", [cell], "LSTM-Run", cells, lambda problem, found: found["cell"][0, :, 0]),
        Evaluation("closed_form", product, "LSTM-Run", closed_form, lambda problem, found: found["cell"][0, -1, 0]),
        Evaluation("network", [cell, *whole], "LSTM-Run", network, states),
    ]
