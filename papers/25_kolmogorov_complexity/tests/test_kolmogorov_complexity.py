"""Oracles that share no code with the room: another interpreter of the machine's table, closed forms, explicit sums."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

KT = {"log_weights": np.zeros(3), "log_pseudo": np.zeros((3, 2))}


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


@pytest.fixture(scope="module")
def machine(room):
    return room.module("machine.py")


@pytest.mark.numpy
def test_every_tape_of_15_bits_runs_the_enumerated_programs_and_no_others(machine):
    found = {}
    for bits in product("01", repeat=15):
        if run := interpret("".join(bits)):
            found[run[0]] = run[1]
    longest = max(map(len, found.values()))
    assert longest == 16  # 00 1 0, 01 0001111, 10: a zero, and fifteen more
    short = {program: y for program, y in found.items() if len(y) <= 6}
    assert short == {program: y for program, y in machine.programs(6) if len(program) <= 15}
    assert len(short) > 100


@pytest.mark.numpy
def test_the_machine_reads_every_tape_of_14_bits_as_the_interpreter_does(machine):
    tapes = ["".join(bits) for bits in product("01", repeat=14)]
    assert [machine.read(tape) for tape in tapes] == [interpret(tape) for tape in tapes]


def interpret_plain(tape: str) -> str | None:
    """The plain reading by way of the other one: whole instructions up to the end, or up to a HALT that names the rest."""
    if (run := interpret(tape + "10")) and run[0] == tape + "10":
        return run[1]
    if run := interpret(tape):
        return run[1] + tape[len(run[0]) :]
    return None


@pytest.mark.numpy
def test_the_plain_reading_ends_with_the_tape_or_takes_its_rest(machine):
    for tape in machine.strings(12):
        read = machine.read(tape, plain=True)
        assert (read and read[1]) == interpret_plain(tape)
    # by hand: nothing; HALT names the rest; WRITE 0, INVERT, then 11 as it stands; half an instruction
    for tape, y in {"": "", "10" + "0110": "0110", "0010" + "110" + "10" + "11": "0111", "0010" + "11": None}.items():
        assert (machine.read(tape, plain=True) or ("", None))[1] == y
    complexity = machine.plain_complexity(12)
    assert all(complexity[y] <= len(y) + 2 for y in machine.strings(10))
    assert all(sum(found < k for found in complexity.values()) < 2**k for k in range(14))


@pytest.mark.numpy
def test_mass_by_length_is_that_of_the_programs_and_stays_below_one_half(machine):
    found = list(machine.programs(6))
    expected = [sum(Fraction(1, 2 ** len(p)) for p, y in found if len(y) == n) for n in range(7)]
    assert machine.mass_by_length(6, Fraction(1)) == expected
    total = np.cumsum(machine.mass_by_length(600))
    assert 0.47 < total[-1] < 0.5


@pytest.mark.numpy
def test_zeros_have_many_programs_of_nearly_the_same_length(machine):
    shortest, minus_log_mass = machine.zeros(128)
    exact, mass = machine.enumerate_complexity(list(machine.programs(8)))
    for n in range(9):
        assert shortest[n] == exact["0" * n]
        assert minus_log_mass[n] == pytest.approx(-math.log2(mass["0" * n]), abs=1e-12)

    def factors(j: int) -> list[list[int]]:
        return [[first, *rest] for first in range(1, j + 1) for rest in factors(j - first)] if j else [[]]

    for j in range(1, 8):
        found = {"0010" + "".join("01" + machine.gamma(2**k - 1) for k in parts) + "10" for parts in factors(j)}
        assert len(found) == 2 ** (j - 1)
        assert all(interpret(program) == (program, "0" * 2**j) for program in found)
        assert sum(Fraction(1, 2 ** len(p)) for p in found) == Fraction(3, 2) ** (j - 1) / 2 ** (7 + 2 * j)
        assert min(map(len, found)) == shortest[2**j] == 2 * j + 7
        assert shortest[2**j] - minus_log_mass[2**j] >= (j - 1) * math.log2(1.5)


@pytest.mark.numpy
def test_every_enumerated_program_runs_to_its_output_in_the_interpreter(machine):
    for program, y in machine.programs(5):
        assert interpret(program) == (program, y)
        assert interpret(program + "0110") == (program, y), "the machine reads on after HALT"


@pytest.mark.numpy
def test_no_program_is_a_prefix_of_another(machine):
    programs = sorted(program for program, _ in machine.programs(7))
    assert len(set(programs)) == len(programs) > 30_000
    assert not [pair for pair in pairwise(programs) if pair[1].startswith(pair[0])]


@pytest.mark.numpy
def test_enumeration_gives_each_string_its_shortest_program_and_total_mass(machine):
    programs = list(machine.programs(6))
    complexity, mass = machine.enumerate_complexity(programs)
    assert sorted(complexity) == sorted(machine.strings(6))
    for y in machine.strings(6):
        lengths = [len(program) for program, output in programs if output == y]
        assert complexity[y] == min(lengths)
        assert mass[y] == sum((Fraction(1, 2**length) for length in lengths), Fraction())
    assert sum(mass.values()) < 1


@pytest.mark.numpy
def test_the_table_of_the_specification_gives_these_programs(machine):
    complexity, _ = machine.enumerate_complexity(list(machine.programs(8)))
    # written by hand from spec.md: WRITE 0, REPEAT 8 times, HALT; WRITE 01, REPEAT 4 times, HALT
    for program, y in {"0010" + "0100111" + "10": "0" * 8, "0001001" + "01011" + "10": "01" * 4, "10": ""}.items():
        assert interpret(program) == (program, y)
        assert complexity[y] == len(program)
    # 0110 1001, the Thue-Morse word: WRITE 0, three times INVERT, HALT
    assert interpret("0010" + "110" * 3 + "10") == ("0010" + "110" * 3 + "10", "01101001")
    assert complexity["01101001"] == 15


@pytest.mark.numpy
def test_the_recursion_over_the_last_instruction_gives_the_enumerated_complexities(machine):
    complexity, mass = machine.enumerate_complexity(list(machine.programs(7)))
    shortest, log_mass = np.zeros(1), np.zeros(1)
    for n in range(1, 8):
        source, cost = machine.last_instructions(n)
        shortest = np.append(shortest, np.where(source < 0, np.inf, shortest[source] + cost[:, None]).min(0))
        parts = np.where(source < 0, 0.0, 2.0 ** (log_mass[source] - cost[:, None]))
        log_mass = np.append(log_mass, np.log2(parts.sum(0)))
    for y in machine.strings(7):
        assert shortest[machine.index(y)] + 2 == complexity[y]
        assert log_mass[machine.index(y)] - 2 == pytest.approx(math.log2(mass[y]), abs=1e-12)


def gamma_bits(text: str, order: int) -> float:
    """KT code length from the Gamma functions of each context's counts; the string is preceded by zeros."""
    padded = "0" * order + text
    total = 0.0
    for context in {padded[at : at + order] for at in range(len(text))}:
        after = [padded[at + order] for at in range(len(text)) if padded[at : at + order] == context]
        zeros, ones = after.count("0"), after.count("1")
        total -= math.lgamma(zeros + 0.5) + math.lgamma(ones + 0.5) - math.log(math.pi) - math.lgamma(zeros + ones + 1)
    return total / math.log(2)


def sequential_probability(text: str, order: int) -> Fraction:
    """Krichevsky and Trofimov's product of (2 n_x + 1) / (2 n + 2), in exact fractions."""
    value, padded = Fraction(1), "0" * order + text
    for at, symbol in enumerate(text):
        before = [padded[u + order] for u in range(at) if padded[u : u + order] == padded[at : at + order]]
        value *= Fraction(2 * before.count(symbol) + 1, 2 * len(before) + 2)
    return value


def texts_of(batch) -> list[str]:
    return ["".join(map(str, row[inside])) for row, inside in zip(batch["strings"], batch["mask"], strict=True)]


@pytest.mark.numpy
def test_code_lengths_are_krichevsky_and_trofimovs_by_gamma_functions_and_by_exact_fractions(room):
    checks = room.module("numpy_checks.py")
    batch = checks.problem(0).batch
    bits = checks.forward(KT, batch, orders=(0, 1, 2))["expert_bits"]
    for row, text in zip(bits, texts_of(batch), strict=True):
        for order in (0, 1, 2):
            assert row[order] == pytest.approx(gamma_bits(text, order), rel=1e-12)
            assert row[order] == pytest.approx(-math.log2(sequential_probability(text, order)), rel=1e-12)


@pytest.mark.numpy
def test_probabilities_of_all_strings_are_those_of_an_explicit_mixture_in_fractions(room):
    checks = room.module("numpy_checks.py")
    every = np.array(list(product((0, 1), repeat=6)))
    weights = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    params = {"log_weights": np.log([float(w) for w in weights]), "log_pseudo": np.zeros((3, 2))}
    out = checks.forward(params, {"strings": every, "mask": np.ones(every.shape, dtype=bool)}, orders=(0, 1, 2))
    total = Fraction(0)
    for text, bits, posterior in zip(product("01", repeat=6), out["mixture_bits"], out["posterior"], strict=True):
        joint = [w * sequential_probability("".join(text), order) for order, w in enumerate(weights)]
        total += sum(joint)
        assert bits == pytest.approx(-math.log2(sum(joint)), rel=1e-12)
        assert posterior == pytest.approx([float(part / sum(joint)) for part in joint], rel=1e-12)
    assert total == 1


@pytest.mark.numpy
@pytest.mark.parametrize("n", [1, 2, 5, 100, 10_000])
def test_kt_regret_on_zeros_lies_between_the_proved_bounds(n):
    regret = -(math.lgamma(n + 0.5) - 0.5 * math.log(math.pi) - math.lgamma(n + 1)) / math.log(2)
    assert 0.5 * math.log2(2 * n + 1) <= regret <= 0.5 * math.log2(n) + 1 + 1e-12


@pytest.mark.numpy
def test_kt_regret_lies_between_half_logarithms_for_all_counts_up_to_200():
    for n in range(1, 201):
        for ones in range(n + 1):
            zeros = n - ones
            log_code = math.lgamma(zeros + 0.5) + math.lgamma(ones + 0.5) - math.log(math.pi) - math.lgamma(n + 1)
            best = sum(count * math.log(count / n) for count in (zeros, ones) if count)
            regret = (best - log_code) / math.log(2)
            assert 0.5 * math.log2(n + 1) - 1e-12 <= regret <= 0.5 * math.log2(n) + 1 + 1e-12, (zeros, ones)


@pytest.mark.torch
def test_torch_finds_the_symbol_after_each_context(room):
    import torch

    cells = room.module("torch/model.py").context_cells(torch.tensor([[0, 1, 1, 0, 1]]), 2)
    assert cells.tolist() == [[0b000, 0b001, 0b011, 0b110, 0b101]]


@pytest.mark.torch
def test_torch_recursion_gives_the_enumerated_complexities(room, machine):
    complexity, minus_log_mass = room.module("torch/experiment.py").complexities(6)
    _compare(machine, complexity, minus_log_mass)


@pytest.mark.jax
def test_jax_recursion_gives_the_enumerated_complexities(room, machine):
    complexity, minus_log_mass = room.module("jax/experiment.py").complexities(6)
    _compare(machine, complexity, minus_log_mass)


def _compare(machine, complexity, minus_log_mass) -> None:
    exact, mass = machine.enumerate_complexity(list(machine.programs(6)))
    assert complexity.tolist() == [exact[y] for y in machine.strings(6)]
    assert minus_log_mass == pytest.approx([-math.log2(mass[y]) for y in machine.strings(6)], rel=1e-5)


@pytest.mark.torch
def test_hindsight_bits_are_the_entropy_of_the_counts(room):
    import torch

    hindsight = room.module("torch/experiment.py").hindsight_bits
    text = torch.tensor([[0, 0, 1, 0, 0, 1, 1, 1]])
    assert hindsight(text, 0, np.array([4, 8]))[0].tolist() == pytest.approx([4 * 0.8112781245, 8.0], abs=1e-5)
    # after 0: 0 0 1 0 1 (first step from the zero before the string), after 1: 0 1 1
    expected = 5 * 0.9709505945 + 3 * 0.9182958341
    assert hindsight(text, 1, np.array([8]))[0].item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.numpy
def test_documents_are_disjoint_pieces_of_their_corpora(room):
    sources = room.module("sources.py")
    texts = sources.documents(5, 512, np.random.default_rng(0))
    assert [len(text) for text in texts] == [512] * 15
    assert len(set(texts)) == 15
    assert max(texts[-1]) <= 16, "the digits' grey values are 0 to 16"


@pytest.mark.numpy
def test_repeated_paragraphs_are_dropped_and_pieces_of_a_module_are_disjoint(room):
    sources = room.module("sources.py")
    assert sources.without_repetition("a b\n\nc\n\na b\n\nd") == "a b\n\nc\n\nd"
    pieces, labels = sources.module_pieces(3, 4, 512, np.random.default_rng(0))
    assert [len(piece) for piece in pieces] == [512] * 12
    assert len(set(pieces)) == 12
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4


@pytest.mark.numpy
def test_the_control_compares_shares_of_byte_values_and_no_document_with_itself(room):
    nearest = room.module("sources.py").nearest_by_histogram([b"aab", b"baabaa", b"xyxyxx", b"xy"])
    assert nearest.tolist() == [1, 0, 3, 2]
