"""A table fits its terminal: prose folds between words, columns go by their importance, and no word is cut."""

from __future__ import annotations

import pytest

from s30.view.display import Plain
from s30.view.tables import Column, fitted

COLUMNS = (Column("claim"), Column("source", spare=2), Column("kind", spare=1), Column("statement", prose=True))
ROWS = [
    ["attention-is-a-mean", "(1)", "exact", "no weight is negative, so attention lies between the values it reads"],
    ["padding", "section 3.2.1", "out_of_scope", "Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V [1]"],
]


def printed(columns, rows, width, title=None):
    console = Plain(width=width)
    with console.capture() as captured:
        console.print(fitted(columns, rows, width, title))
    return captured.get()


def words(text):
    return {word for line in text.splitlines() for word in line.split()}


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(width):
    said = printed(COLUMNS, ROWS, width)
    assert max(map(len, said.splitlines())) <= width
    assert "…" not in said
    for row in ROWS:
        assert words(" ".join([row[0], row[3]])) <= words(said)


@pytest.mark.parametrize(
    ("width", "shown", "left_out"),
    [
        (74, ["claim", "source", "kind", "statement"], ""),
        (73, ["claim", "kind", "statement"], "(not shown at this width: source)"),
        (58, ["claim", "statement"], "(not shown at this width: source, kind)"),
    ],
)
def test_what_matters_less_is_left_out_first_and_named(width, shown, left_out):
    header, *_, last = printed(COLUMNS, ROWS, width).splitlines()
    assert header.split() == shown
    assert (last if left_out else "") == left_out


def test_where_even_the_rest_does_not_fit_each_row_is_a_paragraph_with_all_that_it_says():
    said = printed(COLUMNS, ROWS, 40, "Claims").splitlines()
    assert said[0].strip() == "Claims"
    assert said[1].strip() == "attention-is-a-mean"
    assert said[2].rstrip() == "  source: (1)"
    assert said[3].rstrip() == "  kind: exact"
    assert said[4].rstrip() == "  statement: no weight is negative, so"
    assert said[5].rstrip() == "  attention lies between the values it"
    assert "  source: section 3.2.1" in [line.rstrip() for line in said]


def test_a_formula_stands_as_written():
    assert "Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V [1]" in printed(COLUMNS, ROWS, 160)


def test_an_empty_table_has_its_header():
    assert printed(COLUMNS, [], 60).split() == ["claim", "source", "kind", "statement"]


def test_a_table_without_names_has_no_header_and_its_paragraphs_no_names():
    columns, rows = (Column(""), Column("", prose=True)), [["libLLVM", "/usr/lib/libLLVM.so (version 19)"]]
    assert printed(columns, rows, 60).split() == ["libLLVM", "/usr/lib/libLLVM.so", "(version", "19)"]
    assert printed(columns, rows, 25).split() == ["libLLVM", "/usr/lib/libLLVM.so", "(version", "19)"]
