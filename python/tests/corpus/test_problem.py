"""The random probes of a problem are the same everywhere, and a malformed problem is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from s30.corpus.problem import JOINT_DIRECTIONS, Problem, cotangents, directions, objective
from s30.errors import S30Error
from s30.layers.catalogue import ENGINE

OUTPUTS = {
    "scores": np.ones((40, 30)),
    "labels": np.ones(3, dtype=int),
    "mask": np.ones(3, dtype=bool),
    "loss": np.asarray(1.0),
    "scalar": np.asarray(2.0),
}
PARAMS = {"weight": np.ones((3, 2)), "bias": np.ones(3), "gain": np.asarray(1.0)}


def test_every_float_output_but_the_loss_has_a_cotangent_of_its_shape():
    duals = cotangents(OUTPUTS, 0)
    assert {name: dual.shape for name, dual in duals.items()} == {"scores": (40, 30), "scalar": ()}
    assert np.linalg.norm(duals["scores"]) == pytest.approx(1.0, rel=0.1)
    assert all(np.all(dual != 0) for dual in duals.values())


def test_cotangents_depend_on_name_shape_and_seed_and_on_nothing_else():
    base = cotangents({"a": np.ones(3)}, 0)["a"]
    assert np.array_equal(base, cotangents({"a": np.zeros(3), "b": np.ones(9), "loss": np.ones(())}, 0)["a"])
    assert not np.allclose(base, cotangents({"b": np.ones(3)}, 0)["b"])
    assert not np.allclose(base, cotangents({"a": np.ones(3)}, 1)["a"])
    assert not np.allclose(base, cotangents({"a": np.ones((3, 1))}, 0)["a"].ravel())


def test_processes_that_never_meet_agree_on_the_probes():
    code = (
        "import numpy as np; from s30.corpus.problem import cotangents, directions\n"
        "d = directions({'weight': (3, 2), 'bias': (3,)}, 2)\n"
        "print(repr(float(cotangents({'a': np.ones((2, 2))}, 1)['a'].sum())), repr(float(d['joint 3']['bias'].sum())))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": str(ENGINE.parent), "PYTHONHASHSEED": hashing},
        ).stdout
        for hashing in ("1", "2")
    }
    here = directions({"bias": (3,), "weight": (3, 2)}, 2)["joint 3"]["bias"].sum()
    assert said == {f"{float(cotangents({'a': np.ones((2, 2))}, 1)['a'].sum())!r} {float(here)!r}\n"}


def test_there_is_a_unit_direction_per_tensor_and_joint_ones_over_all():
    found = directions({name: value.shape for name, value in PARAMS.items()}, 0)
    assert list(found) == ["bias", "gain", "weight", *(f"joint {k}" for k in range(JOINT_DIRECTIONS))]
    for name, value in PARAMS.items():
        assert set(found[name]) == {name}
        assert found[name][name].shape == value.shape
        assert np.linalg.norm(found[name][name]) == pytest.approx(1.0, rel=1e-12)
    lengths = []
    for k in range(JOINT_DIRECTIONS):
        joint = found[f"joint {k}"]
        assert set(joint) == set(PARAMS)
        lengths.append(np.sqrt(sum(np.sum(d**2) for d in joint.values())))
    assert np.mean(lengths) == pytest.approx(1.0, rel=0.3)
    flat = np.array([found[f"joint {k}"]["weight"].ravel() for k in range(JOINT_DIRECTIONS)])
    assert np.linalg.matrix_rank(flat) == 6


def test_directions_depend_on_name_shape_and_seed():
    one, other = directions({"w": (4,)}, 0)["w"]["w"], directions({"w": (4,)}, 1)["w"]["w"]
    assert np.array_equal(one, directions({"w": (4,), "b": (2,)}, 0)["w"]["w"])
    assert not np.allclose(one, other)


def test_the_objective_is_the_loss_and_all_inner_products():
    outputs = {"loss": 2.0, "a": np.array([1.0, 2.0]), "b": np.array(3.0)}
    assert objective(outputs, {"a": np.array([10.0, 100.0]), "b": np.array(-1.0)}) == 2.0 + 210.0 - 3.0
    assert objective(outputs, {}) == 2.0


BATCH = {"inputs": np.ones(2), "labels": np.array([1, 2]), "mask": np.array([True])}


def test_a_proper_problem_is_taken():
    assert Problem({}, PARAMS, BATCH).learning_rate == 0.1


@pytest.mark.parametrize(
    ("params", "batch", "rate", "words"),
    [
        ({}, {}, 0.1, "needs at least one parameter"),
        (
            {"w": np.ones(2, dtype=np.float32)},
            {},
            0.1,
            "parameter 'w' must be a float64 array, not an array of float32",
        ),
        ({"w": np.ones(2, dtype=int)}, {}, 0.1, "parameter 'w' must be a float64 array, not an array of int64"),
        ({"w": [1.0]}, {}, 0.1, "parameter 'w' must be a float64 array, not list"),
        ({"w": np.array([1.0, np.nan])}, {}, 0.1, "parameter 'w' holds a NaN or an infinity"),
        ({"w": np.array([np.inf])}, {}, 0.1, "parameter 'w' holds a NaN or an infinity"),
        ({"w": np.ones((0, 2))}, {}, 0.1, "parameter 'w' is empty"),
        (PARAMS, {"x": [1, 2]}, 0.1, "batch entry 'x' must be a NumPy array, not list"),
        (PARAMS, {"x": np.ones(2, dtype=np.float32)}, 0.1, "batch entry 'x' must be float64, not float32"),
        (PARAMS, {"x": np.array([np.nan])}, 0.1, "batch entry 'x' holds a NaN or an infinity"),
        (PARAMS, {}, 0.0, "learning_rate must be positive"),
        (PARAMS, {}, float("nan"), "learning_rate must be positive"),
    ],
)
def test_a_malformed_problem_is_refused_by_name(params, batch, rate, words):
    with pytest.raises(S30Error, match=words):
        Problem({}, params, batch, rate)
