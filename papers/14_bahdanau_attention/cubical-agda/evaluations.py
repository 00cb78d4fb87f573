"""RNNsearch's definitions in Agda, run: the encoder from embedded words, the decoder from annotations, the gate by itself."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
RUN = "Bahdanau-Run"


def evaluations() -> list[Evaluation]:
    encoder = [f"Bahdanau-Encoder.{name}" for name in ("annotate", "scan", "scanBack", "before", "firstOr")]
    return [
        Evaluation("annotations", encoder, RUN, lambda p: encoded(p, "halves"), full_annotations, on=("seed0", "one_word")),
        Evaluation("reversal", ["Bahdanau-Encoder.exchange"], RUN, lambda p: encoded(p, "halvesOfReverse"), full_annotations),
        Evaluation("initial_state", encoder[2:], RUN, first_state, lambda p, found: found["initial_state"][full(p)]),
        Evaluation(
            "states", ["Bahdanau-Search.states"], RUN, lambda p: decoded(p, "translated"),
            lambda p, found: found["states"],
        ),
        Evaluation(
            "logits", ["Bahdanau-Search.predictions"], RUN, lambda p: decoded(p, "logitsOf"),
            lambda p, found: found["logits"],
        ),
        Evaluation(
            "alignment", ["Bahdanau-Attention.alignments", "Bahdanau-Attention.alignment"], RUN, lambda p: attended(p, "aligned"),
            lambda p, found: found["alignment"][full(p)], on=("seed0", "one_word"),
        ),
        Evaluation(
            "context", ["Bahdanau-Attention.context"], RUN, lambda p: attended(p, "contexts"),
            lambda p, found: found["context"][full(p)],
        ),
        Evaluation(
            "fixed_vector", ["Bahdanau-Search.fixedStates"], RUN, given_vector, lambda p, found: found["states"], on=("fixed_vector",),
        ),
        Evaluation(
            "closed_form", [f"Bahdanau-Gate.{name}" for name in ("update", "kept", "taken", "weight")], RUN, closed,
            lambda p, found: np.array([found["states"][0, -1, 0]] * 2 + [1.0]),
        ),
    ]  # fmt: skip


def full(problem: Problem) -> int:
    """The sentence that has no padding."""
    return int(problem.batch["source_mask"].sum(1).argmax())


def trace(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def unit(problem: Problem, name: str) -> str:
    params, gates = problem.params, []
    context = params.get(f"{name}.context.weight", np.zeros((3 * problem.config["hidden"], 0)))
    parts = [params[f"{name}.input.weight"], params[f"{name}.input.bias"], params[f"{name}.state.weight"], context]
    for blocks in zip(*(np.split(part, 3) for part in parts)):
        gates.append(f"(gate {' '.join(literal(block) if block.size else '[]' for block in blocks)})")
    return f"(unit {' '.join(gates)})"


def encoded(problem: Problem, ask: str) -> str:
    words = problem.params["source_embedding.weight"][problem.batch["source"][full(problem)]]
    zero = np.zeros(problem.config["hidden"])
    return f"{ask} {unit(problem, 'forward_gru')} {unit(problem, 'backward_gru')} {literal(zero)} {literal(words)}"


def full_annotations(problem: Problem, found: Arrays) -> Array:
    return found["annotations"][full(problem)]


def first_state(problem: Problem) -> str:
    weights = f"{literal(problem.params['initial.weight'])} {literal(problem.params['initial.bias'])}"
    units = f"{unit(problem, 'forward_gru')} {unit(problem, 'backward_gru')}"
    return encoded(problem, "halves").replace(f"halves {units}", f"initial {weights} {unit(problem, 'backward_gru')}")


def translator(problem: Problem, ask: str) -> str:
    """`ask` of the translator with this problem's alignment model."""
    names = ("alignment.query.weight", "alignment.query.bias", "alignment.key.weight", "alignment.energy")
    parts = [literal(problem.params[name]) if name in problem.params else "[]" for name in names]
    return f"Translator.{ask} {2 * problem.config['hidden']} (aligning {' '.join(parts)})"


def decoder(problem: Problem, ask: str) -> str:
    names = [f"readout.{name}" for name in ("state.weight", "state.bias", "previous.weight", "context.weight")]
    parts = [literal(problem.params[name]) for name in (*names, "output.weight", "output.bias")]
    return f"{translator(problem, ask)} {unit(problem, 'decoder')} (reader {' '.join(parts)})"


def by_sentence(terms: list[str]) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def embedded(problem: Problem) -> Array:
    return problem.params["target_embedding.weight"][problem.batch["target_input"]]


def decoded(problem: Problem, ask: str) -> str:
    """Of every sentence: padding is no part of the multiset that is searched."""
    found = trace(problem)
    return by_sentence([
        f"{decoder(problem, ask)} {literal(found['initial_state'][b])} {literal(found['annotations'][b][real])} {literal(words)}"
        for b, (real, words) in enumerate(zip(problem.batch["source_mask"], embedded(problem)))
    ])  # fmt: skip


def given_vector(problem: Problem) -> str:
    found = trace(problem)
    return by_sentence([
        f"{decoder(problem, 'givenVector')} {literal(found['initial_state'][b])} {literal(found['context'][b, 0])} {literal(words)}"
        for b, words in enumerate(embedded(problem))
    ])  # fmt: skip


def attended(problem: Problem, ask: str) -> str:
    found, b = trace(problem), full(problem)
    before = np.concatenate([found["initial_state"][b][None], found["states"][b, :-1]])
    return f"{translator(problem, ask)} {literal(before)} {literal(found['annotations'][b])}"


def closed(problem: Problem) -> str:
    """The decoder's first unit in the first sentence; what was proposed follows from z and the states on both sides of it."""
    found = trace(problem)
    z, states = found["update_gate"][0, :, 0], found["states"][0, :, 0]
    before = np.append(found["initial_state"][0, 0], states[:-1])
    return f"closed {literal(before[0])} {literal(z)} {literal((states - (1 - z) * before) / z)}"
