"""The room's definitions in Agda, run: decoding on the tables of the room's own predictors, peaks, sums, and cross-entropies of tables
that its heads give."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
decoding = sibling(__file__, "../decoding.py")
RUN = "MTP-Run"


def evaluations() -> list[Evaluation]:
    decoder = [f"MTP-Decoding.{name}" for name in ("onto", "judge", "verify", "speculate")]
    entropies = ("expectation", "crossX", "crossY", "crossXGivenY", "crossYGivenX", "divergence", "information")
    return [
        Evaluation("speculation", decoder, RUN, lambda p: decoded(p, "decoded"), speculated, on=("seed0", "seed1", "seed2", "next_token"),
                   exact=True),
        Evaluation("greedy", ["MTP-Decoding.greedy"], RUN, lambda p: decoded(p, "greedily"), greedy, on=("seed0", "seed1"), exact=True),
        Evaluation("accepted", ["MTP-Decoding.agreement"], RUN, drafted, agreements, on=("seed0", "seed1", "seed2"), exact=True),
        Evaluation("peaks", [f"MTP-Order.{name}" for name in ("alive", "peak", "makes", "frees", "pairs", "atOnce", "inOrder")], RUN, peaks,
                   simulated, on=("seed0", "next_token"), exact=True),
        Evaluation("loss", ["MTP-Order.gathered"], RUN, lambda p: f"inTurn {literal(outputs(p)['head_losses'])}",
                   lambda p, found: found["loss"]),
        Evaluation("entropies", [f"MTP-Information.{name}" for name in entropies], RUN, entropy_term, entropies_of),
    ]  # fmt: skip


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def ask(problem: Problem) -> decoding.Ask:
    mask = np.ones_like(problem.batch["mask"])
    return lambda tokens: checks.forward(problem.params, {"tokens": tokens, "mask": mask}, **problem.config)[
        "logits"
    ].argmax(-1)


def prompts(problem: Problem) -> tuple[Array, int]:
    tokens = problem.batch["tokens"]
    return tokens[:, :1], tokens.shape[1] - 1


def text(problem: Problem) -> Array:
    first, steps = prompts(problem)
    return np.concatenate([first, decoding.greedy(ask(problem), first, steps)], 1)  # (batch, time)


def table(problem: Problem, b: int) -> tuple[str, list[str]]:
    """What the predictor says behind every beginning of sequence b's greedy text, and these beginnings. `verify` asks for no other:
    a proposal is read on only where it is the greedy token. Nothing is proposed behind the prompt."""
    tokens = text(problem)
    guesses, entries, contexts = ask(problem)(tokens)[b], [], []
    for known in range(1, tokens.shape[1]):
        context = literal(tokens[b, known - 1 :: -1])
        draft = literal(guesses[1:, known - 2]) if known > 1 else "[]"
        entries.append(f"({context} , ({guesses[0, known - 1]} , {draft}))")
        contexts.append(context)
    return "(" + " ∷ ".join([*entries, "[]"]) + ")", contexts


def by_sequence(terms: list[str]) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def decoded(problem: Problem, name: str) -> str:
    first, steps = prompts(problem)
    return by_sequence([f"{name} {table(problem, b)[0]} {steps} {literal(first[b])}" for b in range(len(first))])


def speculated(problem: Problem, found: Arrays) -> Array:
    written, calls = decoding.speculate(ask(problem), *prompts(problem))
    return np.concatenate([written, calls[:, None]], 1)


def greedy(problem: Problem, found: Arrays) -> Array:
    return text(problem)[:, 1:]


def drafted(problem: Problem) -> str:
    terms = []
    for b in range(len(problem.batch["tokens"])):
        entries, contexts = table(problem, b)
        terms.append(
            f"accepted {entries} {by_sequence(contexts[:-2])}"
        )  # behind these the text has room for a whole draft
    return by_sequence(terms)


def agreements(problem: Problem, found: Arrays) -> Array:
    tokens, rows = text(problem), []
    guesses = ask(problem)(tokens)
    for b, row in enumerate(tokens):
        kept = [0]  # nothing is proposed behind the prompt
        for known in range(2, len(row) - 2):
            right = guesses[b, 1:, known - 2] == row[known : known + 2]
            kept.append(int(np.cumprod(right).sum()))
        rows.append(kept)
    return np.array(rows)


def peaks(problem: Problem) -> str:
    places = problem.batch["tokens"].size
    return (
        f"peaks {problem.config['future']} {places * problem.config['vocabulary']} {places * problem.config['model']}"
    )


def simulated(problem: Problem, found: Arrays) -> Array:
    """By running sums over what is made and freed."""
    logits, trunk, n = found["logits"][:, 0].size, found["trunk"].size, problem.config["future"]
    at_once = [trunk, *[logits] * n, *[-logits] * n]
    in_order = [trunk, *[logits, -logits] * n]
    return np.array([np.cumsum(at_once).max(), np.cumsum(in_order).max()])


def tables(problem: Problem) -> tuple[Array, Array]:
    """Two joint tables of two tokens: mixtures of what pairs of heads say at the first place, so that neither is a product."""
    one, two, three = np.exp(checks.log_softmax(outputs(problem)["logits"][0, :, 0]))
    p = 0.5 * np.outer(one, two) + 0.5 * np.outer(three, one)
    return p, 0.3 * np.outer(two, three) + 0.7 * np.outer(one, one)


def entropy_term(problem: Problem) -> str:
    p, q = tables(problem)
    arrays = (p, np.log(p), np.log(q), np.log(q.sum(1)), np.log(q.sum(0)))
    return f"parts {len(p)} {len(p)} {' '.join(literal(value) for value in arrays)}"


def entropies_of(problem: Problem, found: Arrays) -> Array:
    """H(p_X, q_X), H(p_Y, q_Y), H(p_{X|Y}, q_{X|Y}), H(p_{Y|X}, q_{Y|X}), D(p || q), I_{p||q}, from the definitions."""
    p, q = tables(problem)
    x, y = q.sum(1, keepdims=True), q.sum(0, keepdims=True)
    divergence = (p * np.log(p / q)).sum()
    return np.array([
        -(p.sum(1) * np.log(x[:, 0])).sum(), -(p.sum(0) * np.log(y[0])).sum(), -(p * np.log(q / y)).sum(), -(p * np.log(q / x)).sum(),
        divergence, (p * np.log(p / (x * y))).sum() - divergence,
    ])  # fmt: skip
