"""Arrays as Agda's literals, and what Agda prints as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from s30.corpus.literals import literal, numbers
from s30.errors import S30Error

WRITTEN = [
    (1.0, "1.0"),
    (-0.5, "(-0.5)"),
    (1e-7, "1.0e-07"),
    (5e22, "5.0e+22"),
    (-2.5e-300, "(-2.5e-300)"),
    (3, "3"),
    (True, "true"),
    ([], "[]"),
    ([1, 2], "(1 ∷ 2 ∷ [])"),
    ([[0.5], [-1.0]], "((0.5 ∷ []) ∷ ((-1.0) ∷ []) ∷ [])"),
    (np.zeros((2, 0)), "([] ∷ [] ∷ [])"),
    (np.array([True, False]), "(true ∷ false ∷ [])"),
    (np.array([7], np.uint8), "(7 ∷ [])"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_arrays_are_written_as_lists(value, text: str) -> None:
    assert literal(value) == text
    assert np.array_equal(numbers(text.replace("e-0", "e-")), np.asarray(value))


def test_signed_integers_are_written_by_their_constructors() -> None:
    assert literal([2, 0, -1, -3], signed=True) == "((pos 2) ∷ (pos 0) ∷ (negsuc 0) ∷ (negsuc 2) ∷ [])"
    assert (numbers(literal([2, 0, -1, -3], signed=True)) == [2, 0, -1, -3]).all()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1.0, np.nan], "a NaN or an infinity"),
        (np.inf, "a NaN or an infinity"),
        ([1, -1], "-1 is no natural number"),
        (["a"], "has no literal"),
        (1j, "complex128 has no literal"),
    ],
)
def test_what_has_no_literal_is_refused(value, reason: str) -> None:
    with pytest.raises(S30Error, match=reason):
        literal(value)


def test_doubles_survive_to_the_bit() -> None:
    values = np.random.default_rng(0).normal(size=100) * 10.0 ** np.arange(-150, 150, 3)
    assert (numbers(literal(values)) == values).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0 ∷ 1.5 ∷ []", [0.0, 1.5]),
        ("-1.0e-2 ∷ []", [-0.01]),
        ("(1 ∷ []) ∷\n (2 ∷ []) ∷ []", [[1], [2]]),
        ("1 List.∷ (2 List.∷ List.[])", [1, 2]),
        ("Agda.Builtin.Bool.Bool.true ∷ false ∷ []", [True, False]),
        ("pos 3 ∷ Int.negsuc 0 ∷ []", [3, -1]),
        ("((4))", 4),
    ],
)
def test_what_agda_prints_is_read(text: str, value) -> None:
    assert np.array_equal(numbers(text), np.array(value))
    assert numbers(text).dtype == np.array(value).dtype


def test_long_lists_are_read_however_they_are_printed() -> None:
    nested = "(".join(f"{n} L.∷ " for n in range(5000)) + "L.[]" + ")" * 4999
    assert (numbers(nested) == np.arange(5000)).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("f 1", r"stops at «f 1»"),
        ("1 ∷ x", r"stops at «x»"),
        ("1 ∷ 2", "stops at its end"),
        ("1 2", "stops at «2»"),
        ("(1 ∷ []", "stops at its end"),
        ("1)", r"stops at «\)»"),
        ("", "stops at its end"),
        ("pos (f 3)", "stops at"),
        ("pos", "computes to no array"),
        ("λ x → x", "stops at «λ x → x»"),
        ("(1 ∷ []) ∷ (1 ∷ 2 ∷ []) ∷ []", "unequal lengths"),
        ("99999999999999999999 ∷ []", "no array of doubles, 64-bit integers or booleans"),
        ("NaN ∷ []", "computes to NaN"),
        ("-Infinity", "computes to -Infinity"),
        ("f " + "x " * 100, " …»"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(S30Error, match=reason):
        numbers(text)
