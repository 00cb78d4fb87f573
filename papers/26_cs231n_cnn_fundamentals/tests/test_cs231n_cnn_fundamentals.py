"""What the room's problems, variants and starts must be like, for the engine's checks to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS, Problem
from s30.corpus.registry import Paper


def kinks(room: Paper, problem: Problem) -> dict[str, int]:
    """How many pre-activations are 0, windows have equal positive largest entries, and margins of wrong classes are 0."""
    out = room.module("numpy_checks.py").forward(problem.params, problem.batch, **problem.config)
    pool, labels = problem.config["pool"], problem.batch["labels"]
    count, filters, rows, columns = out["pooled"].shape
    tiles = out["activation"].reshape(count, filters, rows, pool, columns, pool)
    largest = out["pooled"][:, :, :, None, :, None]
    margins = out["scores"] - np.take_along_axis(out["scores"], labels[:, None], axis=1) + problem.config["margin"]
    return {
        "zeros": int((out["convolved"] == 0).sum()),
        "windows": int((((tiles == largest) & (largest > 0)).sum(axis=(3, 5)) > 1).sum()),
        "margins": int((margins == 0).sum()),
    }


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_or_tie_lies_near_a_problem(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    assert checks._distance_to_kinks(checks.problem(seed)) > 1e-4


def test_the_ties_are_ties_of_every_kind(room: Paper) -> None:
    """Exact ones: a change of the draw that left none would leave the convention unchecked."""
    (ties,) = (variant.problem for variant in room.module("variants.py").variants() if variant.kind == "tie")
    assert min(kinks(room, ties).values()) > 0, kinks(room, ties)


def test_the_gradient_tells_which_of_the_tied_entries_has_it(room: Paper) -> None:
    """Routed to the last of equal entries, or to zero pre-activations as well, it is another one."""
    backward = room.module("backward.py")
    (variant,) = (variant for variant in room.module("variants.py").variants() if variant.kind == "tie")
    problem = variant.problem
    upside_down = {**problem.batch, "images": problem.batch["images"][:, :, ::-1, ::-1]}
    weight = {**problem.params, "conv.weight": problem.params["conv.weight"][:, :, ::-1, ::-1].copy()}
    rows = problem.params["fc.weight"].reshape(4, 3, 2, 3)[:, :, ::-1, ::-1].reshape(4, -1)
    turned = Problem(
        problem.config, {**weight, "fc.weight": rows}, {k: np.ascontiguousarray(v) for k, v in upside_down.items()}
    )
    last = backward.gradients(turned)["conv.weight"][:, :, ::-1, ::-1]  # of equal entries the last, turned back
    assert np.abs(last - variant.gradient["conv.weight"]).max() > 1e-3


def test_dimensions_differ_so_that_a_transpose_shows(room: Paper) -> None:
    problem = room.module("numpy_checks.py").problem(0)
    batch, channels, height, _ = problem.batch["images"].shape
    filters, _, kernel, _ = problem.params["conv.weight"].shape
    classes, features = problem.params["fc.weight"].shape
    sizes = [batch, channels, height, height // 2, filters, kernel, classes, features, problem.config["pool"]]
    assert len(set(sizes)) == len(sizes), sizes


def test_networks_start_with_the_deviation_of_their_fan_in_and_without_bias(room: Paper) -> None:
    """The deviation sqrt(2 / fan-in) of neural-networks-2.md."""
    start = room.module("task.py").initial(np.random.default_rng(0), filters=128, hidden=128)
    for name, params in start.items():
        for key, value in params.items():
            if key.endswith("bias"):
                assert not value.any()
            else:
                assert abs(value.std() * np.sqrt(value[0].size / 2) - 1) < 0.1, (name, key)


def test_metrics_are_those_of_the_rooms_own_network(room: Paper) -> None:
    """The experiment's losses, written anew from the scores, are the losses that the room's network reports."""
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    problem = checks.problem(1)
    out, labels = checks.forward(problem.params, problem.batch, **problem.config), problem.batch["labels"]
    np.testing.assert_allclose(task.cross_entropy(out["scores"], labels), out["cross_entropy"], rtol=1e-11)
    np.testing.assert_allclose(task.hinge(out["scores"], labels), out["hinge"], rtol=1e-11)
    assert task.accuracy(out["scores"], labels) == np.mean([r.argmax() == y for r, y in zip(out["scores"], labels)])


def test_a_moved_digit_is_the_digit_elsewhere_and_blank_where_it_came_from(room: Paper) -> None:
    from s30.corpus.data import digits_split

    task, (part, _) = room.module("task.py"), digits_split()
    still = task.pixels(part)
    for rows, columns in task.MOVES:
        moved = task.pixels(part, (rows, columns))
        assert moved.shape == still.shape
        for image, other in zip(still[:20, 0], moved[:20, 0]):
            for y, x in np.ndindex(8, 8):
                inside = 0 <= y - rows < 8 and 0 <= x - columns < 8
                assert other[y, x] == (image[y - rows, x - columns] if inside else -1.0)


@pytest.mark.sympy
def test_identities_name_no_length(room: Paper) -> None:
    """The general statements hold for any number of classes and taps: a symbol bounds their sums."""
    identities = {i.name: i for i in room.module("sympy/derivations.py").identities()}
    for name in ("softmax_gradient", "softmax_shift", "filter_gradient", "input_gradient", "cross_entropy_at_chance"):
        symbols = identities[name].lhs.free_symbols | identities[name].rhs.free_symbols
        assert {"k", "m"} <= {symbol.name for symbol in symbols}, name
