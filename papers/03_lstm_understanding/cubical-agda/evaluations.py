"""The definitions of the Agda layer, run on the room's problems: networks whole, and the cell with its gates given."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
jacobians = sibling(__file__, "../jacobians.py")
NETWORKS, CELL = "LSTM-Run", "Cell-Run"  # the harnesses
GATES = ("forget_gate", "input_gate", "candidate")
FEW = 2  # steps, where a definition computes what came before anew for each entry


def evaluations() -> list[Evaluation]:
    shared = ["LSTM.Network.step", "LSTM.affine", "LSTM-Cell.cellUpdate"]
    return [
        Evaluation("lstm", [*shared, *_of("Standard", "lstmStep")], NETWORKS, lambda p: _network(p, "lstm"), _states("")),
        Evaluation(
            "peephole", [*shared, *_of("Peephole", "peepholeStep")], NETWORKS, lambda p: _network(p, "peephole"),
            _states("peephole_"),
        ),
        Evaluation(
            "coupled", [*shared, *_of("Coupled", "coupledStep")], NETWORKS, lambda p: _network(p, "coupled"),
            _states("coupled_"),
        ),
        Evaluation(
            "gru", ["LSTM.GRU.gruStep", "LSTM-Coupled.gruUpdate"], NETWORKS, lambda p: _network(p, "gru"),
            lambda p, found: found["gru_hidden"],
        ),
        Evaluation("rnn", ["RNN.rnnStep", "RNN.preactivation", "RNN.times"], NETWORKS, _rnn, lambda p, found: found["rnn_hidden"]),
        Evaluation(
            "gates along the way", ["LSTM.Network.gateTrace"], NETWORKS, _gates_along,
            lambda p, found: np.stack([found[name][0, :FEW] for name in GATES], axis=1), on=("seed0", "one of each"),
        ),
        Evaluation("cell", ["LSTM-Cell.cellUpdate"], CELL, lambda p: f"cells {_first_unit(p)}", _cells),
        Evaluation(
            "closed form",
            [f"LSTM-Cell.{name}" for name in ("forgetProduct", "weightedWrites", "composite", "_after_", "apply", "slope", "offset")],
            CELL, _endings, lambda p, found: np.repeat(found["cell"][0, -1, 0], 4),
        ),
        Evaluation("weights", ["LSTM-Coupled.candidateWeight", "LSTM-Cell.withFuture"], CELL, _weights, _left_of_inputs),
        Evaluation(
            "drift", ["LSTM-Bounds.forgotten", "LSTM-Bounds.taken"], CELL, lambda p: f"drift {_first_unit(p)}",
            lambda p, found: np.sum((1 - found["forget_gate"]) * p.batch["cell"][:, None] + found["input_gate"], 1)[0, 0],
        ),
        Evaluation(
            "power", ["RNN-Bound.power"], CELL, lambda p: f"powerOf {literal(_norm(p))} {p.batch['inputs'].shape[1]}",
            lambda p, found: np.asarray(np.linalg.norm(p.params["rnn.weight_hh_l0"], np.inf) ** p.batch["inputs"].shape[1]),
        ),
        Evaluation(
            "derivative of the cell", ["LSTM-Derivative.fixedGates"], CELL,
            lambda p: f"rate {_first_unit(p)}",
            lambda p, found: np.array([found["cell"][0, -1, 0], found["forget_gate"][0, :, 0].prod()]),
        ),
        Evaluation(
            "derivative of the RNN", ["RNN-Gradient.dualStep"], CELL, lambda p: _derivative(p, "rnnRate"),
            lambda p, found: np.stack([found["rnn_hidden"][0, -1], _moved(p, found)]),
        ),
        Evaluation(
            "product of Jacobians", ["RNN-Gradient.tangent", "RNN-Gradient.slopes"], CELL,
            lambda p: _derivative(p, "rnnTangent"), _moved,
        ),
        Evaluation(
            "product by its definition", ["RNN-Gradient.slopeTrace"], CELL, lambda p: _derivative(p, "rnnProduct", FEW),
            lambda p, found: _moved(p, found, FEW),
        ),
    ]  # fmt: skip


def _of(module: str, step: str) -> list[str]:
    return [f"LSTM.{module}.{name}" for name in (step, "gatesFrom", "shown")]


def _sizes(problem: Problem) -> str:
    return f"{problem.config['hidden']} {problem.config['features']}"


def _network(problem: Problem, kind: str) -> str:
    """The gates in the order of the post's equations: the matrix on [C, h, x] or [h, x] with its bias for each."""
    params, units, batch = problem.params, problem.config["hidden"], problem.batch
    order = {"lstm": "figo", "peephole": "figo", "coupled": "fgo", "gru": "zrn"}[kind]
    stored = {"lstm": "ifgo", "peephole": "ifgo", "coupled": "fgo", "gru": "rzn"}[kind]
    gates = []
    for name in order:
        rows = slice(stored.index(name) * units, (stored.index(name) + 1) * units)
        parts = [params[f"{kind}.weight_hh_l0"][rows], params[f"{kind}.weight_ih_l0"][rows]]
        if kind == "peephole" and name != "g":
            at = "ifo".index(name) * units
            parts.insert(0, params["peephole.weight_ch_l0"][at : at + units])
        sign = -1.0 if name == "z" else 1.0  # the update gate is stored with the opposite sign
        bias = params[f"{kind}.bias_hh_l0"][rows] + params[f"{kind}.bias_ih_l0"][rows]
        gates.append(f"(rows {literal(sign * np.concatenate(parts, axis=1))} {literal(sign * bias)})")
    cells = [] if kind == "gru" else [literal(batch["cell"])]
    return " ".join([kind, _sizes(problem), *gates, *cells, literal(batch["hidden"]), literal(batch["inputs"])])


def _rnn(problem: Problem) -> str:
    return f"rnn {_weights_of_rnn(problem)} {literal(problem.batch['hidden'])} {literal(problem.batch['inputs'])}"


def _weights_of_rnn(problem: Problem) -> str:
    params = problem.params
    bias = params["rnn.bias_hh_l0"] + params["rnn.bias_ih_l0"]
    found = (params["rnn.weight_hh_l0"], params["rnn.weight_ih_l0"], bias)
    return " ".join([_sizes(problem), *map(literal, found)])


def _gates_along(problem: Problem) -> str:
    first = {name: problem.batch[name][0] for name in ("cell", "hidden")} | {"inputs": problem.batch["inputs"][0, :FEW]}
    return _network(Problem(problem.config, problem.params, {**problem.batch, **first}), "lstm").replace(
        "lstm", "gatesAlong", 1
    )


def _norm(problem: Problem) -> float:
    return float(np.abs(problem.params["rnn.weight_hh_l0"]).sum(axis=1).max())


def _states(prefix: str):
    return lambda problem, found: np.stack(
        [found[f"{prefix}cell"], found[f"{prefix}hidden"]], axis=2
    )  # (batch, time, 2, hidden)


def _gates(problem: Problem) -> Array:
    """What the NumPy layer gives the first unit of the first example: forget gate, input gate, candidate, (time, 3)."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    return np.stack([found[name][0, :, 0] for name in GATES], axis=1)


def _first_unit(problem: Problem) -> str:
    return f"{literal(problem.batch['cell'][0, 0])} {literal(_gates(problem))}"


def _cells(problem: Problem, found: Arrays) -> Array:
    return found["cell"][0, :, 0]


def _endings(problem: Problem) -> str:
    gates = _gates(problem)
    return f"endings {literal(problem.batch['cell'][0, 0])} {literal(gates[:2])} {literal(gates[2:])}"


def _weights(problem: Problem) -> str:
    return f"weights {literal(_gates(problem))}"


def _left_of_inputs(problem: Problem, found: Arrays) -> Array:
    """(Π_{s>t} f_s) i_t"""
    forget, taken = found["forget_gate"][0, :, 0], found["input_gate"][0, :, 0]
    return np.array([forget[t + 1 :].prod() * taken[t] for t in range(len(taken))])


def _direction(problem: Problem) -> Array:
    return np.linspace(-1.0, 1.0, problem.config["hidden"])


def _derivative(problem: Problem, ask: str, steps: int | None = None) -> str:
    given = (problem.batch["hidden"][0], _direction(problem), problem.batch["inputs"][0, :steps])
    return f"{ask} {_weights_of_rnn(problem)} {' '.join(map(literal, given))}"


def _moved(problem: Problem, found: Arrays, steps: int | None = None) -> Array:
    *_, jacobian = jacobians.rnn(problem.params["rnn.weight_hh_l0"], found["rnn_hidden"][:1, :steps])
    return jacobian[0] @ _direction(problem)
