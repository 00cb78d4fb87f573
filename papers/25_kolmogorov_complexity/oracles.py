"""Independent ways to the same numbers: closed forms at 200 digits, another interpreter of the machine's table, every program
and every tape run one by one, brute force."""

from __future__ import annotations

from functools import cache
from itertools import product

import mpmath
import numpy as np

from s30.room import Array, Forward, Oracle, Problem, sibling

complexity = sibling(__file__, "complexity.py")
machine = sibling(__file__, "machine.py")
task = sibling(__file__, "task.py")

EVERY_VARIANT = ("one_bit", "one_expert", "orders_3_0", "long_string", "far_weights", "far_pseudo_counts")


def cells(problem: Problem) -> list[list[list[tuple[int, int]]]]:
    """[string][expert] -> (zeros, ones) seen after each context, counted over the whole string; zeros stand before it."""
    strings, mask, orders = problem.batch["strings"], problem.batch["mask"], problem.config["orders"]
    found = []
    for row, inside in zip(strings, mask, strict=True):
        text = "0" * max(orders) + "".join(str(bit) for bit in row[inside])
        per_expert = []
        for order in orders:
            seen: dict[str, list[int]] = {}
            for at in range(max(orders), len(text)):
                seen.setdefault(text[at - order : at], [0, 0])[int(text[at])] += 1
            per_expert.append([(zeros, ones) for zeros, ones in seen.values()])
        found.append(per_expert)
    return found


def code_lengths(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """l_k = -log2 prod_c B(n_c0 + a_0, n_c1 + a_1) / B(a_0, a_1), and -log2 sum_k w_k 2^(-l_k): (batch, expert + 1)."""
    out = forward(problem.params, problem.batch)
    with mpmath.workdps(200):
        pseudo = [[mpmath.exp(value) / 2 for value in row] for row in problem.params["log_pseudo"].tolist()]
        weights = [mpmath.exp(value) for value in problem.params["log_weights"].tolist()]
        rows = []
        for per_expert in cells(problem):
            codes = [
                mpmath.fprod(mpmath.beta(n0 + a0, n1 + a1) / mpmath.beta(a0, a1) for n0, n1 in seen)
                for seen, (a0, a1) in zip(per_expert, pseudo, strict=True)
            ]
            mixture = mpmath.fdot(weights, codes) / mpmath.fsum(weights)
            rows.append([float(-mpmath.log(code, 2)) for code in (*codes, mixture)])
    return np.column_stack([out["expert_bits"], out["mixture_bits"]]), np.array(rows)


def interpret(tape: str) -> tuple[str, str] | None:
    """Reads one program from the front of the tape by the table of spec.md: (program, output), None if it never halts."""
    at, y = 0, ""

    def bit() -> str:
        nonlocal at
        at += 1
        return tape[at - 1]  # IndexError: the machine waits for a bit that never comes

    def number() -> int:
        zeros = 0
        while bit() == "0":
            zeros += 1
        return int("1" + "".join(bit() for _ in range(zeros)), 2)

    try:
        while True:
            first, second = bit(), bit()
            if first == "0" and second == "0":
                y += "".join(bit() for _ in range(number()))
                continue
            if first == "1" and second == "0":
                return tape[:at], y
            if not y:
                return None
            if first == "0":
                y *= number() + 1
            elif bit() == "0":
                y += "".join("1" if symbol == "0" else "0" for symbol in y)
            elif bit() == "0":
                y += y[::-1]
            else:
                y += y[-1] * number()
    except IndexError:
        return None


def interpret_plain(tape: str) -> str | None:
    """The plain reading by way of the other one: whole instructions up to the end, or up to a HALT that names the rest."""
    if (run := interpret(tape + "10")) and run[0] == tape + "10":
        return run[1]
    if run := interpret(tape):
        return run[1] + tape[len(run[0]) :]
    return None


def numbered(run: tuple[str, str] | None) -> tuple[int, int]:
    """The length of the program and the number of its output; (-1, -1) for none."""
    return (len(run[0]), machine.index(run[1])) if run else (-1, -1)


@cache
def readings() -> tuple[Array, Array]:
    """Every tape of 14 bits, then every tape of at most 12 bits in the plain reading."""
    tapes = ["".join(bits) for bits in product("01", repeat=14)]
    ours = [numbered(machine.read(tape)) for tape in tapes]
    theirs = [numbered(interpret(tape)) for tape in tapes]
    for tape in machine.strings(12):
        run, described = machine.read(tape, plain=True), interpret_plain(tape)
        ours.append((0, numbered(run)[1]))
        theirs.append((0, -1 if described is None else machine.index(described)))
    return np.array(ours), np.array(theirs)


@cache
def programs() -> tuple[Array, Array]:
    """Every program whose output has at most 6 bits, with more tape behind it: it halts where it ends, with that output."""
    found = list(machine.programs(6))
    return np.array([numbered(run) for run in found]), np.array([numbered(interpret(run[0] + "0110")) for run in found])


@cache
def recursions() -> tuple[Array, Array]:
    """K, -log2 m and the mass of each length up to 8 bits, C up to 14 bits, zeros: by recursion, and by running all."""
    names, bits = machine.strings(8), 8
    exact, mass = complexity.enumerated(bits)
    found, minus_log_mass = complexity.by_recursion(14)
    tapes = complexity.of_every_tape(16)
    zeros, zeros_log_mass = complexity.zeros(bits)
    of_length = [float(sum(mass[y] for y in names if len(y) == n)) for n in range(bits + 1)]
    ours = [found[:511], minus_log_mass[:511], complexity.mass_by_length(bits), complexity.plain(found)]
    theirs = [[exact[y] for y in names], [-mpmath.log(mass[y], 2) for y in names], of_length]
    theirs.append([tapes.get(y, -1) for y in machine.strings(14)])
    ours += [zeros, zeros_log_mass]
    theirs += [[exact["0" * n] for n in range(bits + 1)], [-mpmath.log(mass["0" * n], 2) for n in range(bits + 1)]]
    return np.concatenate(ours), np.concatenate([np.array(part, dtype=np.float64) for part in theirs])


def nearest(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Each document's nearest other one, of 20 with lengths drawn from the problem's bits."""
    rng = np.random.default_rng(problem.batch["strings"].ravel())
    single, joint = rng.uniform(100, 200, 20), rng.uniform(0, 100, (20, 20))
    pair = np.maximum(single[:, None], single) + joint + joint.T
    theirs = [
        min((j for j in range(20) if j != i), key=lambda j: (pair[i, j] - min(single[i], single[j])) / max(single[i], single[j]))
        for i in range(20)
    ]  # fmt: skip
    return task.neighbours(single, pair)["nearest"], np.array(theirs)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "beta_functions",
            "code lengths of the experts and of the mixture from Beta functions of the counts, no prediction being made",
            "mpmath at 200 digits, where neither exp nor a product underflows",
            code_lengths,
            EVERY_VARIANT,
        ),
        Oracle(
            "another_interpreter",
            "the machine reads all tapes of 14 bits, and in the plain reading all of at most 12, as spec.md's table says",
            "an interpreter that asks for one bit after another, and stops where there is none",
            lambda forward, problem: readings(),
        ),
        Oracle(
            "programs_halt",
            "every enumerated program is read to its end and no further, and writes what the enumeration says",
            "the same interpreter",
            lambda forward, problem: programs(),
        ),
        Oracle(
            "every_program_and_tape",
            "K, m, their sums by length, C and zeros: the recursions over the last instruction give what all programs with an "
            "output of at most 8 bits, and all tapes of at most 16 bits, give",
            "brute force over 227,127 programs and 131,071 tapes, in exact fractions",
            lambda forward, problem: recursions(),
        ),
        Oracle(
            "nearest_other",
            "the nearest other document by compression distance",
            "brute force, one pair after another",
            nearest,
        ),
    ]
