"""Checks beyond the oracles: exact fractions, values by hand, and the data of the experiment."""

from __future__ import annotations

import math
import zlib
from fractions import Fraction
from itertools import product

import numpy as np
import pytest


@pytest.fixture(scope="module")
def machine(room):
    return room.module("machine.py")


@pytest.mark.numpy
def test_the_table_of_the_specification_gives_these_programs(room, machine):
    complexity, _ = room.module("complexity.py").enumerated(8)
    # written by hand from spec.md: WRITE 0, REPEAT 7 more, HALT; WRITE 01, REPEAT 3 more, HALT; nothing
    for program, y in {"0010" + "0100111" + "10": "0" * 8, "0001001" + "01011" + "10": "01" * 4, "10": ""}.items():
        assert machine.read(program) == (program, y)
        assert complexity[y] == len(program)
    # 0110 1001, the Thue-Morse word: WRITE 0, three times INVERT, HALT
    assert machine.read("0010" + "110" * 3 + "10") == ("0010" + "110" * 3 + "10", "01101001")
    assert complexity["01101001"] == 15


@pytest.mark.numpy
def test_the_plain_reading_ends_with_the_tape_or_takes_its_rest(machine):
    # by hand: nothing; HALT names the rest; WRITE 0, INVERT, then 11 as it stands; half an instruction
    for tape, y in {"": "", "10" + "0110": "0110", "0010" + "110" + "10" + "11": "0111", "0010" + "11": None}.items():
        assert (machine.read(tape, plain=True) or ("", None))[1] == y


@pytest.mark.numpy
def test_zeros_have_one_program_for_each_way_to_cut_their_length(room, machine):
    def factors(j: int) -> list[list[int]]:
        return [[first, *rest] for first in range(1, j + 1) for rest in factors(j - first)] if j else [[]]

    shortest, minus_log_mass = room.module("complexity.py").zeros(128)
    for j in range(1, 8):
        found = {"0010" + "".join("01" + machine.gamma(2**k - 1) for k in parts) + "10" for parts in factors(j)}
        assert len(found) == 2 ** (j - 1)
        assert all(machine.read(program) == (program, "0" * 2**j) for program in found)
        assert sum(Fraction(1, 2 ** len(p)) for p in found) == Fraction(3, 2) ** (j - 1) / 2 ** (7 + 2 * j)
        assert min(map(len, found)) == shortest[2**j] == 2 * j + 7
        assert shortest[2**j] - minus_log_mass[2**j] >= (j - 1) * math.log2(1.5)


def sequential_probability(text: str, order: int) -> Fraction:
    """Krichevsky and Trofimov's product of (2 n_x + 1) / (2 n + 2), in exact fractions."""
    value, padded = Fraction(1), "0" * order + text
    for at, symbol in enumerate(text):
        before = [padded[u + order] for u in range(at) if padded[u : u + order] == padded[at : at + order]]
        value *= Fraction(2 * before.count(symbol) + 1, 2 * len(before) + 2)
    return value


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


@pytest.mark.numpy
def test_hindsight_bits_are_the_entropy_of_the_counts(room):
    hindsight = room.module("estimates.py").hindsight_bits
    text = np.array([[0, 0, 1, 0, 0, 1, 1, 1]])
    assert hindsight(text, 0, np.array([4, 8]))[0].tolist() == pytest.approx([4 * 0.8112781245, 8.0], abs=1e-8)
    # after 0: 0 0 1 0 1 (first step from the zero before the string), after 1: 0 1 1
    expected = 5 * 0.9709505945 + 3 * 0.9182958341
    assert hindsight(text, 1, np.array([8]))[0].item() == pytest.approx(expected, abs=1e-8)


@pytest.mark.numpy
def test_documents_are_disjoint_pieces_of_their_corpora(room):
    texts = room.module("sources.py").documents(5, 512, np.random.default_rng(0))
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
def test_gram_distances_are_hellingers_between_shares(room):
    distances = room.module("sources.py").gram_distances
    texts = [b"aab", b"baabaa", b"xyxyxx"]
    by_bytes, by_pairs = distances(texts, 1), distances(texts, 2)
    assert by_bytes[0, 1] == pytest.approx(0.0, abs=1e-7), "both are two thirds a"
    assert by_bytes[0, 2] == pytest.approx(1.0), "no byte in common"
    # aa, ab against ba, aa, ab, ba, aa: sqrt(1/2 2/5) + sqrt(1/2 1/5)
    assert by_pairs[0, 1] == pytest.approx(math.sqrt(1 - math.sqrt(0.2) - math.sqrt(0.1)))


@pytest.mark.numpy
def test_best_weights_are_where_the_derivative_vanishes(room):
    # ten strings, two codes, six times 0 bits against 1: 0.6 / (w + 1) = 0.4 / (2 - w) at w = 0.8
    bits = np.array([[0.0, 1.0]] * 6 + [[1.0, 0.0]] * 4)
    assert room.module("estimates.py").best_weights(bits) == pytest.approx([0.8, 0.2], abs=1e-6)


@pytest.mark.numpy
def test_an_order_is_found_where_its_expert_weighs_most(room):
    """A framework in which the expert of order 1 weighs most at the end, and that of order 2 before."""
    task = room.module("task.py")

    class Told:
        def predict(self, net, params, inputs):
            shape = (*inputs["strings"].shape, 3)
            weights = np.broadcast_to([0.1, 0.2, 0.7], shape).copy()
            weights[:, -1] = [0.3, 0.4, 0.3]
            half = np.full(shape, 0.5)
            return {"predictive": half, "mixture_predictive": half[..., 0], "step_weights": weights}

    metrics, _ = task.regrets(Told(), np.random.default_rng(0), 5)
    assert [metrics[f"order_found_{k}"] for k in task.ORDERS] == [0.0, 1.0, 0.0]
    assert room.module("estimates.py").closest(np.array([[0.0, 0.7], [0.4, 0.1]])) == 0.4


@pytest.mark.numpy
def test_compressed_lengths_are_those_of_concatenations(room):
    sources = room.module("sources.py")
    texts = sources.documents(2, 4096, np.random.default_rng(0))
    single, pair = sources.compressed_lengths(texts, sources.COMPRESSORS["zlib"])
    assert single.tolist() == [len(zlib.compress(text, 6)) for text in texts]
    for i, first in enumerate(texts):
        for j in range(i + 1):
            assert pair[i, j] == pair[j, i] == len(zlib.compress(first + texts[j], 6))
