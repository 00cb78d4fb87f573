"""The room's definitions in Agda, run on the checked problem and on tables that machine.py and complexity.py compute.

A bit string goes in as Agda's list; what comes out for it is the number whose binary digits are 1 and the string.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np

from s30.room import Evaluation, Problem, literal, sibling

complexity = sibling(__file__, "../complexity.py")
machine = sibling(__file__, "../machine.py")
numpy_checks = sibling(__file__, "../numpy_checks.py")

TAPES = [*machine.strings(6), *(program for program, y in machine.programs(4) if len(program) <= 14)]
SMALL = {"0": "", "10": "1", "110": "1", "111": "0"}  # the harness's decompressor of four descriptions


def listed(items: Iterable[str]) -> str:
    return "(" + " ∷ ".join([*items, "[]"]) + ")"


def bits(text: str) -> str:
    return listed("true" if bit == "1" else "false" for bit in text)


def strings(texts: Iterable[str]) -> str:
    return listed(map(bits, texts))


def number(text: str | None) -> int:
    return 0 if text is None else int("1" + text, 2)


# --- the mixture ---


def mixture(problem: Problem) -> str:
    """orders, pseudo-counts, strings and mask, as the harness takes them."""
    orders = literal(np.array(problem.config["orders"]))
    pseudo = literal(0.5 * np.exp(problem.params["log_pseudo"]))
    return f"{orders} {pseudo} {literal(problem.batch['strings'].astype(bool))} {literal(problem.batch['mask'])}"


def weighted(problem: Problem) -> str:
    weights = np.exp(problem.params["log_weights"])
    return f"mixtures {literal(weights / weights.sum())} {mixture(problem)}"


# --- the machine ---


def exact(tape: str) -> str | None:
    """What the tape describes when the machine reads all of it."""
    run = machine.read(tape)
    return run[1] if run and run[0] == tape else None


def selected(tape: str) -> str | None:
    """What `universal` makes of it: after 0 the tape itself, after 1…10 the machine."""
    ones = len(tape) - len(tape.lstrip("1"))
    rest = tape[ones + 1 :]
    return None if ones == len(tape) else rest if ones == 0 else exact(rest)


INSTRUCTIONS = [  # each is Agda's term, its bits, and what it makes of y
    ("writing (true ∷ []) (false ∷ true ∷ true ∷ [])", "00" + "011" + "011", lambda y: y + "011"),
    ("inverting", "110", lambda y: y + y.translate(str.maketrans("01", "10"))),
    ("mirroring", "1110", lambda y: y + y[::-1]),
    ("repeating (false ∷ [])", "01" + "010", lambda y: y * 3),
    ("holding (false ∷ true ∷ [])", "1111" + "00101", lambda y: y + y[-1] * 5),
]
SEQUENCES = [(0, 1, 2), (0, 2, 4, 1), (0, 3, 0, 2), (0,)]


def run_by_hand(sequence: tuple[int, ...]) -> tuple[int, int]:
    program, y = "", ""
    for at in sequence:
        _, code, effect = INSTRUCTIONS[at]
        program, y = program + code, effect(y)
    return number(program + "10"), number(y)


def mass(described: dict[str, str], N: int) -> dict[str, int]:
    """m_N(x) in units of 2^(-N), from descriptions of at most N bits."""
    found: dict[str, int] = {}
    for p, x in described.items():
        if len(p) <= N:
            found[x] = found.get(x, 0) + 2 ** (N - len(p))
    return found


def asked(N: int) -> list[tuple[int, str]]:
    """(d, x) in the order in which 2^(-d) <= m_n(x) is first seen, n < N, l(x) <= n: the requests of the coding theorem."""
    found: list[tuple[int, str]] = []
    for n in range(N):
        known = mass(SMALL, n)
        seen = [(d, x) for x in machine.strings(n) for d in range(n + 1) if 2 ** (n - d) <= known.get(x, 0)]
        found += [pair for pair in seen if pair not in found]
    return found


# --- codes ---


def allocate(lengths: Iterable[int]) -> list[str]:
    """For each length the first extension of the longest free string that is not longer; its siblings stay free."""
    free, given = [""], []
    for length in lengths:
        start = max((f for f in free if len(f) <= length), key=len)
        free.remove(start)
        free += [start + "0" * k + "1" for k in range(length - len(start))]
        given.append(start.ljust(length, "0"))
    return given


def shannon(problem: Problem) -> list[int]:
    """The mixture's code lengths of all strings of 5 bits, rounded up: their Kraft sum is at most 1."""
    every = np.arange(32)[:, None] >> np.arange(5)[::-1] & 1
    batch = {"strings": every, "mask": np.ones(every.shape, dtype=bool)}
    lengths = numpy_checks.forward(problem.params, batch, **problem.config)["mixture_bits"]
    return [int(length) for length in np.ceil(lengths)]


# A tree: "leaf", "unused", or a pair of trees.
TREES = [("leaf", ("unused", "leaf")), (("leaf", "leaf"), ("leaf", ("leaf", "unused"))), ("unused", ("leaf", "leaf"))]


def written(tree: object) -> str:
    return tree if isinstance(tree, str) else f"(branch {written(tree[0])} {written(tree[1])})"


def places(tree: object, kind: str, path: str = "") -> list[str]:
    """The ways to the places of that kind."""
    if isinstance(tree, str):
        return [path] if tree == kind else []
    return places(tree[0], kind, path + "0") + places(tree[1], kind, path + "1")


def of_tree(tree: tuple, N: int = 4) -> list[int]:
    words, gaps = places(tree, "leaf"), places(tree, "unused")
    sums = [sum(2 ** (N - len(word)) for word in part) for part in (words, gaps)]
    message = number("".join(words))
    return [max(map(len, words + gaps)), *sums, len(words), message, message]


# --- Berry's names ---


def berry(m: int) -> str:
    """The first string of m bits twice whose ones are at least m."""
    return next(text for text in map("".join, product("01", repeat=m)) if 2 * text.count("1") >= m)


def table(name: str, definitions: str, term: str, expected: Iterable) -> Evaluation:
    """An evaluation of integers that no problem changes."""
    return Evaluation(
        name, definitions.split(), "Kolmogorov-Run", lambda problem: term, lambda problem, found: np.array(expected), exact=True
    )  # fmt: skip


def evaluations() -> list[Evaluation]:
    of_machine = mass(dict(machine.programs(1)), 8)  # longer outputs have longer programs
    words = dict(zip(allocate(d + 1 for d, _ in asked(4)), [x for _, x in asked(4)], strict=True))
    looked_up = [*words, *machine.strings(2)]
    lists = [[1, 2, 3], [2, 1, 2], [4, 4, 4, 4, 1], []]
    return [
        Evaluation(
            "predictive",
            ["MixtureCode.adaptive", "MixtureCode.total", "MixtureCode.seen", "MixtureCode.context"],
            "Kolmogorov-Run",
            lambda problem: f"predictives {mixture(problem)}",
            lambda problem, found: found["predictive"],
            ("seed0", "orders_3_0"),
        ),
        Evaluation(
            "mixture_probability",
            ["MixtureCode.mixture", "MixtureCode.probability"],
            "Kolmogorov-Run",
            weighted,
            lambda problem, found: np.exp2(-found["mixture_bits"]),
            ("seed0", "orders_3_0"),
        ),
        table("machine", "PrefixMachine.machine PrefixMachine.run", f"outputs {strings(TAPES)}", [number(exact(p)) for p in TAPES]),
        table(
            "universal", "KolmogorovInvariance.universal", f"universals {strings(TAPES[:127])}",
            [number(selected(p)) for p in TAPES[:127]],
        ),
        table(
            "instructions", "PrefixMachineGrammar.program PrefixMachineGrammar.output",
            f"runs {listed(listed(INSTRUCTIONS[at][0] for at in sequence) for sequence in SEQUENCES)}",
            [run_by_hand(sequence) for sequence in SEQUENCES],
        ),
        table(
            "literal", "PrefixMachineLiteral.literal", f"literals {strings(machine.strings(4)[1:])}",
            [number(machine.WRITE + machine.gamma(len(x)) + x + machine.HALT) for x in machine.strings(4)[1:]],
        ),
        table("zeros", "PrefixMachineGrammar.zeros", f"zeroStrings {literal(np.arange(9))}", [2**n for n in range(9)]),
        table(
            "complexity", "PrefixMachineLiteral.K", f"complexities {strings(machine.strings(2))}",
            [complexity.enumerated(8)[0][x] for x in machine.strings(2)],
        ),
        table(
            "mass", "AprioriProbability.mass AprioriProbability.decided", f"masses 8 {strings(machine.strings(1))}",
            [of_machine.get(x, 0) for x in machine.strings(1)],
        ),
        table("requests", "CodingTheorem.asked", "askedFor 4", [(d, number(x)) for d, x in asked(4)]),
        table(
            "coding", "CodingTheorem.coding", f"codewords 4 {strings(looked_up)}",
            [number(words.get(p)) for p in looked_up],
        ),
        Evaluation(
            "allocation",
            ["Allocation.answer", "KraftConverse.request"],
            "Kolmogorov-Run",
            lambda problem: f"answers {literal(np.array(shannon(problem)))}",
            lambda problem, found: np.array(
                [(number(word), d, d) for word, d in zip(allocate(shannon(problem)), shannon(problem), strict=True)]
            ),
                        exact=True,
        ),
        table(
            "kraft_sum", "PrefixCode.kraftSum", f"kraft 4 {listed(literal(np.array(ds, int)) for ds in lists)}",
            [sum(2 ** (4 - d) for d in ds) for ds in lists],
        ),
        table(
            "trees",
            "PrefixTree.height PrefixTree.treeSum PrefixTree.complement PrefixTree.codeword PrefixTree.encode PrefixTree.decode "
            "PrefixCode.code",
            listed(f"tree 4 {written(left)} {written(right)}" for left, right in TREES),
            [of_tree(tree) for tree in TREES],
        ),
        table(
            "berry", "KolmogorovUncomputable.naming KolmogorovUncomputable.berry",
            f"named {strings(['', '1', '01', '110'])}", [number(berry(2**n)) for n in range(4)],
        ),
    ]  # fmt: skip
