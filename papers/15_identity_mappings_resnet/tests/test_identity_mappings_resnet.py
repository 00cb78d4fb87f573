"""What the room's problems, variants and starts must be like, for the engine's checks to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS
from s30.corpus.registry import Paper


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_lies_near_a_problem(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    assert checks.distance_to_kinks(checks.problem(seed)) > 1e-4


def test_the_ties_are_ties(room: Paper) -> None:
    """Two whole channels are exactly zero where ReLU is applied."""
    (variant,) = (variant for variant in room.module("variants.py").variants() if variant.kind == "tie")
    before = room.module("backward.py").Pass(variant.problem).before
    assert sum((value == 0).sum() for value in before) >= 2 * 5 * 64


def test_every_unit_of_figure_4_is_in_a_variant(room: Paper) -> None:
    units = {variant.problem.config["unit"] for variant in room.module("variants.py").variants()}
    assert units == set(room.module("numpy_checks.py").UNITS)


def test_dimensions_differ_so_that_a_transpose_shows(room: Paper) -> None:
    problem = room.module("numpy_checks.py").problem(0)
    batch, channels, height, _ = problem.batch["images"].shape
    config = problem.config
    sizes = [batch, channels, height, height // config["stride"]]
    sizes += [config[name] for name in ("filters", "widened", "kernel", "stride", "classes")]
    assert len(set(sizes)) == len(sizes), sizes


def test_a_filter_as_a_matrix_is_the_convolution(room: Paper) -> None:
    """The experiment's matrices against the room's own convolution, for both sides of filters."""
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    rng = np.random.default_rng(0)
    for kernel in (1, 3):
        x, weight = rng.normal(size=(4, 2, 3, 3)), rng.normal(size=(5, 2, kernel, kernel))
        product = x.reshape(4, -1) @ task.matrices(weight)
        np.testing.assert_allclose(product.reshape(4, 5, 3, 3), checks.convolve(x, weight), atol=1e-12)


def test_a_convolved_shortcut_could_be_the_identity(room: Paper) -> None:
    """With W_s the unit matrix the net `convolution` is the net `original`: it covers its solutions."""
    task = room.module("task.py")
    start = task.initial(np.random.default_rng(0), 2, "convolution")
    start["shortcut.weight"] = np.zeros_like(start["shortcut.weight"])
    start["shortcut.weight"][:, :, range(8), range(8)] = 1.0
    convolved, original = (task.predict(net, start, _inputs())["scores"] for net in ("convolution", "original"))
    np.testing.assert_allclose(convolved, original, atol=1e-9)


def test_dropout_is_tested_with_halved_shortcuts(room: Paper) -> None:
    """The mean of what it does in training; and whole ones would answer otherwise."""
    task = room.module("task.py")
    start = task.initial(np.random.default_rng(0), 2, "dropout")
    dropped, halved, whole = (task.predict(net, start, _inputs())["scores"] for net in ("dropout", "half", "original"))
    np.testing.assert_array_equal(dropped, halved)
    assert np.abs(dropped - whole).max() > 0.1


def _inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"known": rng.normal(size=(20, 1, 8, 8)), "images": rng.normal(size=(10, 1, 8, 8))}
