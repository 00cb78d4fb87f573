"""A number in a room's table that is not the record's is found by its file and line."""

from __future__ import annotations

import pytest

from s30.record.tables import contradictions

TABLE = """# Room

Profile quick, seed 0; means, with the range where there are several values. Somewhere.

| metric | claimed | unit | over | PyTorch | JAX |
|---|---|---|---|---|---|
| `accuracy` | >= 0.9 | share | seeds | 0.9444 (0.9 to 0.9667) | 0.95 |
| `loss` |  | nats |  | 1.234e-05 | - |
"""
METRICS = {
    "accuracy": {"torch": [0.9, 0.96667, 0.96667], "jax": [0.95], "spread": 0.01},
    "loss": {"torch": [1.2341e-05]},
}


@pytest.fixture
def found(tmp_path):
    """What is found of a README's text against these metrics."""
    (tmp_path / "papers" / "01_toy").mkdir(parents=True)

    def run(text=TABLE, metrics=METRICS, profile="quick"):
        (tmp_path / "papers" / "01_toy" / "README.md").write_text(text)
        return contradictions(tmp_path, {"profile": profile, "papers": {"01": {"metrics": metrics}}})

    return run


def test_the_table_that_was_generated_is_the_records(found):
    assert found() == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("0.9444", "0.9644", 7),
        ("0.9667) | 0.95", "0.9667) | 0.59", 7),
        ("(0.9 to", "(0.7 to", 7),
        ("1.234e-05", "1.234e-03", 8),
        ("| - |", "| 0.1 |", 8),
    ],
)
def test_an_edited_number_is_found_by_its_line(found, old, new, line):
    assert TABLE.count(old) == 1
    (told,) = found(TABLE.replace(old, new))
    assert told.startswith(f"papers/01_toy/README.md:{line}: {'accuracy' if line == 7 else 'loss'} is ")
    assert told.endswith(" in the record: make figures")


def test_frameworks_may_differ_from_machine_to_machine_by_what_the_metric_says(found):
    assert found(TABLE.replace("0.9667) | 0.95", "0.9667) | 0.959")) == []
    assert len(found(TABLE.replace("0.9667) | 0.95", "0.9667) | 0.97"))) == 1


def test_one_value_is_its_own_range(found):
    assert found(TABLE.replace("| 0.95 |", "| 0.95 (0.95 to 0.95) |")) == []
    assert len(found(TABLE.replace("| 0.95 |", "| 0.95 (0.9 to 0.95) |"))) == 1


def test_a_metric_without_a_row_is_found(found):
    assert found(metrics={**METRICS, "other": {"torch": [1.0]}}) == [
        "papers/01_toy/README.md:1: other, which the record holds, is not in the table: make figures"
    ]


def test_a_table_of_another_profile_or_seed_is_nobody_s(found):
    edited = TABLE.replace("0.9444", "0.1")
    assert found(edited, profile="full") == []
    assert found(edited.replace("seed 0", "seed 3")) == []
    assert len(found(edited)) == 1
