"""The memory core's definitions in Agda, run: whole sequences from rows of the identity, with and without gates, one slot among the
others, attention to equal slots, and one entry's gates."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
RUN = "RMC-Run"


def evaluations() -> list[Evaluation]:
    slots = [f"RMC-Slots.{name}" for name in ("step", "propose")]
    return [
        Evaluation(
            "memories", [*slots, "RMC-Start.initial", "RMC-Start.row"], RUN, lambda p: sequence(p, "memoryAfter"),
            lambda p, found: found["memories"][:1, -1], on=("seed0", "one_slot", "more_slots_than_features"),
        ),
        Evaluation(
            "proposal", slots, RUN, lambda p: sequence(p, "memoryAfter"), lambda p, found: found["memories"][:1, -1], on=("no_gates",),
        ),
        Evaluation(
            "first_slot", [f"RMC-Slots.{name}" for name in ("runSlot", "stepSlot", "proposeSlot")], RUN, lambda p: sequence(p, "firstSlot"),
            lambda p, found: found["memories"][:1, -1, 0], on=("two_blocks",),
        ),
        Evaluation(
            "equal_slots", ["RMC-Slots.copies", "RMC-Slots.slotAt"], RUN, copied, lambda p, found: found["memories"][:1, -1, [1, 3]],
            on=("equal_slots",),
        ),
        Evaluation(
            "attention_to_equal_slots", ["RMC-Attention.attend", "RMC-Attention.times"], RUN, lambda p: counted(p, False), read,
            on=("equal_slots",),
        ),
        Evaluation(
            "one_slot_of_more_weight", ["RMC-Attention.number"], RUN, lambda p: counted(p, True), read, on=("equal_slots",),
        ),
        Evaluation(
            "gates", [f"RMC-Gate.{name}" for name in ("update", "kept", "written")], RUN, entry,
            lambda p, found: np.array([found["memories"][0, -1, 0, 0]] * 2),
        ),
        Evaluation("zero_rows", ["RMC-Start.zeros", "RMC-Start.row"], RUN, lambda p: "zeros 3 ∷ row 3 4 ∷ []",
                   lambda p, found: np.zeros((2, 3))),
    ]  # fmt: skip


def affine(problem: Problem, name: str) -> str:
    return f"(affine {literal(problem.params[f'{name}.weight'])} {literal(problem.params[f'{name}.bias'])})"


def norm(problem: Problem, name: str) -> str:
    return f"(norm {literal(problem.params[f'{name}.weight'])} {literal(problem.params[f'{name}.bias'])})"


def core(problem: Problem) -> str:
    """`Core` applied to the problem's sizes and parameters."""
    config = problem.config
    blocks = (f"blocks.{n}" for n in range(config["blocks"]))
    listed = " ∷ ".join(
        f"block {affine(problem, f'{b}.project')} {norm(problem, f'{b}.project_norm')} {norm(problem, f'{b}.attention_norm')} "
        f"{norm(problem, f'{b}.mlp_norm')}"
        for b in blocks
    )
    layers = " ∷ ".join(affine(problem, f"mlp.{n}") for n in range(config["mlp_layers"]))
    scale = literal(float(config["key_size"] ** -0.5))
    sizes = f"{config['heads']} {config['key_size']} {config['head_size']} {scale}"
    return f"{sizes} {affine(problem, 'embed')} ({layers} ∷ []) ({listed} ∷ [])"


def gate(problem: Problem) -> str:
    config = problem.config
    if config["gate_style"] == "none":
        return "noGate"
    size = config["heads"] * config["head_size"]
    spread = "perEntry" if config["gate_style"] == "unit" else f"(perSlot {size})"
    memory, biases = literal(problem.params["gate.memory.weight"]), (config["input_bias"], config["forget_bias"])
    numbers = " ".join(literal(float(bias)) for bias in biases)
    return f"(gated (gatesOf {affine(problem, 'gate.input')} {memory} {numbers}) {spread})"


def sequence(problem: Problem, ask: str, start: str = "") -> str:
    """The first sequence, from rows of the identity unless another start is given."""
    config = problem.config
    start = start or f"(initial {config['slots']} {config['heads'] * config['head_size']})"
    return f"Core.Gated.{ask} {core(problem)} {gate(problem)} {literal(problem.batch['inputs'][0])} {start} ∷ []"


def copied(problem: Problem) -> str:
    """Slots 1 and 3 after the sequence from so many copies of one slot."""
    given = f"{core(problem)} {gate(problem)}"
    start = f"(Core.Gated.copies {given} {problem.config['slots']} {literal(problem.batch['memory'][0, 0])})"
    after = sequence(problem, "memoryAfter", start).removesuffix(" ∷ []")
    return f"Core.Gated.slotsAt {given} (1 ∷ 3 ∷ []) ({after}) ∷ []"


def parts(problem: Problem) -> tuple[Array, Array, Array]:
    """Query, key and value of the first head, for a slot and for the input, at the first step: (2, size) each."""
    params, config = problem.params, problem.config
    x = checks.affine(params, "embed", problem.batch["inputs"][0, 0])
    rows = np.stack([problem.batch["memory"][0, 0], x])
    projected = checks.layer_norm(params, "blocks.0.project_norm", checks.affine(params, "blocks.0.project", rows))
    k = config["key_size"]
    return projected[:, :k], projected[:, k : 2 * k], projected[:, 2 * k : 2 * k + config["head_size"]]


def counted(problem: Problem, as_one: bool) -> str:
    """What a slot's query reads from all slots, which are equal, and the input."""
    query, key, value = (literal(part[0]) for part in parts(problem))
    of_input = [literal(part[1]) for part in parts(problem)]
    slots, size, given = problem.config["slots"], problem.config["head_size"], core(problem)
    row, last = f"({key} , vector 0.0 {value})", f"(({of_input[1]} , vector 0.0 {of_input[2]}) ◂ ∅)"
    if not as_one:
        return f"list {{n = {size}}} (Core.attend {given} {query} (Core.times {given} {slots} {row} ∪ {last}))"
    weight = f"(Core.number {given} {slots} · exp (dot {query} {key} · {literal(float(problem.config['key_size'] ** -0.5))}))"
    return (
        f"list {{n = {size}}} (λ j → ({weight} · vector 0.0 {value} j +F Core.numerator {given} {query} {last} j) "
        f"/ ({weight} +F Core.denominator {given} {query} {last}))"
    )


def read(problem: Problem, found: Arrays) -> Array:
    """The same from NumPy's attention: the first head, the first row."""
    weights = found["attention"][0, 0, 0, 0, 0]  # (slots + 1,)
    value = parts(problem)[2]
    return weights[:-1].sum() * value[0] + weights[-1] * value[1]


def entry(problem: Problem) -> str:
    found = checks.forward(problem.params, problem.batch, **problem.config)
    rows = np.stack([found[name][0, :, 0, 0] for name in ("forget_gate", "input_gate", "candidate")], -1)
    return f"entryAfter 1.0 {literal(rows)}"
