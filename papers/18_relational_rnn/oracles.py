"""The memory core once more (paper 18): in 40 digits, with queries of the memory alone as in equation (2), with one slot in place of
equal ones; and how many parameters it has."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import exp, fdot, fsum, log, mpf, sqrt, tanh, workdps

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Vector = list[Any]  # of mpf


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations_in_40_digits", "attention, memories, logits and loss, row by row and head by head",
            "the reference's module, by mpmath",
            in_many_digits, ("one_slot", "two_blocks", "no_gates", "more_slots_than_features", "large_scores", "shut_gates",
            "large_logits"),
        ),
        Oracle(
            "queries_of_the_memory", "with one block what is proposed for the slots is equation (2): queries of M, keys and values of [M; "
            "x]",
            "equation (2), head by head", queries_of_memory, ("one_slot", "no_gates"),
        ),
        Oracle(
            "one_slot_for_equal_ones", "a core whose slots start equal computes what one slot does whose scores are higher by ln(slots)",
            "one slot in place of all", one_for_all,
        ),
        Oracle(
            "parameters", "the arrays have as many numbers as the reference's layers, and another number of slots changes the readout "
            "alone",
            "sizes of the reference's linear layers and norms", sizes, ("two_blocks", "no_gates"),
        ),
    ]  # fmt: skip


class Numbers:
    """Matrices and vectors of a problem in as many digits as are set."""

    def __init__(self, params: Arrays) -> None:
        self.params = {name: _exact(value) for name, value in params.items()}

    def affine(self, name: str, x: Vector) -> Vector:
        rows, biases = self.params[f"{name}.weight"], self.params[f"{name}.bias"]
        return [fdot(row, x) + b for row, b in zip(rows, biases)]

    def norm(self, name: str, x: Vector) -> Vector:
        mean = fsum(x) / len(x)
        root = sqrt(fsum((entry - mean) ** 2 for entry in x) / len(x) + mpf(1e-5))
        gains, biases = self.params[f"{name}.weight"], self.params[f"{name}.bias"]
        return [(entry - mean) / root * gain + bias for entry, gain, bias in zip(x, gains, biases)]


def _exact(value: Array) -> Any:
    return [_exact(inner) for inner in value] if value.ndim else mpf(float(value))


def sigma(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, theirs, losses = forward(problem.params, problem.batch), [], []
    names = [name for name in ("attention", "input_gate", "forget_gate", "memories", "logits") if name in found]
    with workdps(40):
        numbers = Numbers(problem.params)
        for inputs, label in zip(problem.batch["inputs"], problem.batch["label"]):
            one = sequence(numbers, problem.config, _exact(inputs))
            scores = one["logits"]
            losses.append(log(fsum(exp(score) for score in scores)) - scores[label])
            theirs.append(np.concatenate([np.array(one[name], dtype=float).ravel() for name in names]))
        loss = float(fsum(losses) / len(losses))
    ours = [np.concatenate([found[name][b].ravel() for name in names]) for b in range(len(theirs))]
    return np.append(np.concatenate(ours), found["loss"]), np.append(np.concatenate(theirs), loss)


def sequence(numbers: Numbers, config: Any, inputs: list[Vector]) -> dict[str, Any]:
    slots, size = config["slots"], config["heads"] * config["head_size"]
    memory = [[mpf(i == j) for j in range(size)] for i in range(slots)]
    found: dict[str, Any] = {"attention": [], "memories": [], "input_gate": [], "forget_gate": []}
    for x in inputs:
        x = numbers.affine("embed", x)
        rows, weights = [*memory, x], []
        for n in range(config["blocks"]):
            rows, of_block = block(numbers, f"blocks.{n}", rows, config)
            weights.append(of_block)
        found["attention"].append(weights)
        proposed = rows[:slots]
        if config["gate_style"] == "none":
            memory = proposed
        else:
            gates = [numbers.affine("gate.input", x) for _ in memory]
            for gate, slot in zip(gates, memory):
                for n, row in enumerate(numbers.params["gate.memory.weight"]):
                    gate[n] += fdot(row, [tanh(entry) for entry in slot])
            half = len(gates[0]) // 2
            i = [[sigma(a + mpf(config["input_bias"])) for a in gate[:half]] for gate in gates]
            f = [[sigma(a + mpf(config["forget_bias"])) for a in gate[half:]] for gate in gates]
            memory = [
                [b[n % half] * slot[n] + a[n % half] * tanh(new[n]) for n in range(size)]
                for a, b, slot, new in zip(i, f, memory, proposed)
            ]
            found["input_gate"].append(i)
            found["forget_gate"].append(f)
        found["memories"].append(memory)
    hidden = numbers.affine("readout.hidden", [entry for slot in memory for entry in slot])
    return {**found, "logits": numbers.affine("readout.output", [max(a, mpf(0)) for a in hidden])}


def block(numbers: Numbers, name: str, rows: list[Vector], config: Any) -> tuple[list[Vector], Any]:
    key, value = config["key_size"], config["head_size"]
    projected = [numbers.norm(f"{name}.project_norm", numbers.affine(f"{name}.project", row)) for row in rows]
    mixed, weights = [[] for _ in rows], []
    for h in range(config["heads"]):
        own = [row[h * (2 * key + value) : (h + 1) * (2 * key + value)] for row in projected]
        of_head = []
        for at, row in enumerate(own):
            scores = [exp(fdot(row[:key], other[key : 2 * key]) / sqrt(mpf(key))) for other in own]
            a = [score / fsum(scores) for score in scores]
            mixed[at] += [fdot(a, [other[2 * key + n] for other in own]) for n in range(value)]
            of_head.append(a)
        weights.append(of_head)
    rows = [numbers.norm(f"{name}.attention_norm", [a + b for a, b in zip(row, new)]) for row, new in zip(rows, mixed)]
    for at, row in enumerate(rows):
        new = row
        for n in range(config["mlp_layers"]):
            new = numbers.affine(f"mlp.{n}", [max(a, mpf(0)) for a in new] if n else new)
        rows[at] = numbers.norm(f"{name}.mlp_norm", [a + b for a, b in zip(row, new)])
    return rows, weights


def queries_of_memory(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What is proposed at each step from the memory before it; a candidate is its tanh where there are gates."""
    params, config, found = problem.params, problem.config, forward(problem.params, problem.batch)
    start = checks.initial_memory(len(problem.batch["label"]), **config)
    before = np.concatenate([start[:, None], found["memories"][:, :-1]], 1)  # (batch, time, slots, size)
    both = np.concatenate([before, checks.affine(params, "embed", problem.batch["inputs"])[:, :, None]], 2)
    key, each = config["key_size"], 2 * config["key_size"] + config["head_size"]
    heads = []
    for h in range(config["heads"]):
        own = checks.layer_norm(params, "blocks.0.project_norm", checks.affine(params, "blocks.0.project", both))
        own = own[..., h * each : (h + 1) * each]
        scores = np.einsum("btnk,btmk->btnm", own[:, :, :-1, :key], own[..., key : 2 * key]) / key**0.5
        raised = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(raised / raised.sum(-1, keepdims=True) @ own[..., 2 * key :])
    rows = checks.layer_norm(params, "blocks.0.attention_norm", before + np.concatenate(heads, -1))
    proposed = checks.layer_norm(params, "blocks.0.mlp_norm", rows + checks.mlp(params, rows, [], config["mlp_layers"]))
    return found["candidate"], proposed if config["gate_style"] == "none" else np.tanh(proposed)


def one_for_all(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, config, count = problem.params, problem.config, len(problem.batch["label"])
    slots, size, key = config["slots"], config["heads"] * config["head_size"], config["key_size"]
    slot = np.linspace(-1, 1, count * size).reshape(count, size)
    ours = forward(params, {**problem.batch, "memory": np.repeat(slot[:, None], slots, 1)})["memories"]
    theirs = []
    for x in checks.affine(params, "embed", problem.batch["inputs"]).swapaxes(0, 1):
        own = [
            checks.layer_norm(params, "blocks.0.project_norm", checks.affine(params, "blocks.0.project", row))
            for row in (slot, x)
        ]
        own = [row.reshape(count, config["heads"], -1) for row in own]
        own_score, of_input = ((own[0][..., :key] * row[..., key : 2 * key]).sum(-1) / key**0.5 for row in own)
        # softmax over slots + 1 rows, of which the slots' are equal, is sigma of the difference of two scores
        a = checks.sigmoid(own_score + np.log(slots) - of_input)[..., None]
        mixed = (a * own[0][..., 2 * key :] + (1 - a) * own[1][..., 2 * key :]).reshape(count, size)
        rows = checks.layer_norm(params, "blocks.0.attention_norm", slot + mixed)
        rows = checks.layer_norm(params, "blocks.0.mlp_norm", rows + checks.mlp(params, rows, [], config["mlp_layers"]))
        gates = checks.affine(params, "gate.input", x) + np.tanh(slot) @ params["gate.memory.weight"].T
        i, f = (
            checks.sigmoid(gates[:, :size] + config["input_bias"]),
            checks.sigmoid(gates[:, size:] + config["forget_bias"]),
        )
        slot = f * slot + i * np.tanh(rows)
        theirs.append(np.repeat(slot[:, None], slots, 1))
    return ours, np.stack(theirs, 1)


def sizes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Numbers in the core and in the readout; in the core with one slot more."""
    config, listed = problem.config, checks.shapes(**{**problem.config, "slots": problem.config["slots"] + 1})
    ours = [
        sum(value.size for name, value in problem.params.items() if name.startswith("readout") == last)
        for last in (False, True)
    ]
    ours.append(sum(int(np.prod(shape)) for name, shape in listed.items() if not name.startswith("readout")))
    size, heads = config["heads"] * config["head_size"], config["heads"]
    projected = heads * (2 * config["key_size"] + config["head_size"])
    gate = {"unit": size, "memory": 1, "none": 0}[config["gate_style"]]
    core = (config["features"] + 1) * size + config["mlp_layers"] * (size + 1) * size + 2 * gate * (2 * size + 1)
    core += config["blocks"] * ((size + 1) * projected + 2 * projected + 4 * size)
    read = (config["slots"] * size + 1) * config["readout"] + (config["readout"] + 1) * config["classes"]
    return np.array(ours), np.array([core, read, core])
