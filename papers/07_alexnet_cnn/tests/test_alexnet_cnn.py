"""What the room's problems, crops and starts must be like, for the engine's checks and the experiment's bounds to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS
from s30.corpus.registry import Paper
from s30.room import digits_split


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_or_tie_lies_near_a_problem(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    assert checks.distance_to_kinks(checks.problem(seed)) > 1e-4


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_each_example_drops_some_neurons_and_keeps_some(room: Paper, seed: int) -> None:
    mask = room.module("numpy_checks.py").problem(seed).batch["mask"]
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert ((mask.sum(1) > 0) & (mask.sum(1) < mask.shape[1])).all()


def test_the_tie_is_one_of_every_kind(room: Paper) -> None:
    """Overlapping neighbourhoods with equal positive largest entries, and pre-activations of exactly 0."""
    checks = room.module("numpy_checks.py")
    (tie,) = (variant.problem for variant in room.module("variants.py").variants() if variant.kind == "tie")
    out = checks.forward(tie.params, tie.batch, **tie.config)
    ties = sum(
        (out["norm1"][n, k, 2 * t : 2 * t + 3, 2 * u : 2 * u + 3] == largest).sum() > 1
        for (n, k, t, u), largest in np.ndenumerate(out["pooled"])
        if largest > 0
    )
    before = (
        checks.convolve(tie.batch["images"], tie.params["conv1.weight"], 2, 0) + tie.params["conv1.bias"][:, None, None]
    )
    assert ties > 0
    assert (before == 0).any()


def test_normalisation_matters_in_the_checked_problem_and_would_not_with_the_papers_alpha(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    problem = checks.problem(0)
    constant = 2**-0.75
    for alpha, low, high in ((problem.config["alpha"], 0.1, 1.0), (1e-4, 0.0, 1e-3)):
        out = checks.forward(problem.params, problem.batch, **{**problem.config, "alpha": alpha})
        active = out["conv1"] > 0
        change = np.abs(out["norm1"][active] / out["conv1"][active] / constant - 1).max()
        assert low <= change <= high


def test_crops_show_a_digit_where_it_stands_or_moved_by_a_pixel(room: Paper) -> None:
    task, (part, _) = room.module("task.py"), digits_split()
    mean = part.images.mean(axis=0)
    for row, column in task.CROPS:
        crop = task.crop(part, mean, (row, column))[:, 0] / 2
        digit = np.pad(part.images - mean, [(0, 0), (1, 1), (1, 1)])[:, row : row + 9, column : column + 9]
        assert crop.shape[1:] == (9, 9)
        assert np.allclose(crop, digit, rtol=0, atol=1e-15)
        assert np.abs(crop).sum() == pytest.approx(np.abs(part.images - mean).sum()), "no pixel of a digit is cut off"


def test_both_kinds_of_pooling_give_maps_of_one_size(room: Paper) -> None:
    """«which produces output of equivalent dimensions» (section 3.4): networks of equal parameters are compared."""
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    assert checks.shapes(task.config("relu")) == checks.shapes(task.config("apart"))


def test_starts_have_the_deviation_of_their_fan_in_and_no_bias(room: Paper) -> None:
    task = room.module("task.py")
    for net, gain in (("relu", 2.0), ("tanh", 1.0), ("logistic", 16.0)):
        found = {}
        for seed in range(30):
            for name, value in task.initial(np.random.default_rng(seed), net).items():
                assert "weight" in name or not value.any()
                found.setdefault(name, []).append(value)
        for name, values in found.items():
            if "weight" in name:
                assert abs(np.std(values) * np.sqrt(values[0][0].size / gain) - 1) < 0.1, (net, name)


def test_every_layer_of_the_network_that_is_counted_is_one_of_section_3_5(room: Paper) -> None:
    """Printed: kernels, their sides, the maps that each sees, the stride of 4, and pooling of 3 x 3 two apart."""
    layers = room.module("architecture.py").LAYERS
    weighted = [layer for layer in layers if layer.kernels]
    depths = [3, *(layer.kernels for layer in weighted)]
    seen = [depth // layer.groups for depth, layer in zip(depths, weighted)]
    assert [(layer.kernels, layer.kernel, depth) for layer, depth in zip(weighted[:5], seen)] == [
        (96, 11, 3), (256, 5, 48), (384, 3, 256), (384, 3, 192), (256, 3, 192),
    ]  # fmt: skip
    assert [layer.kernels for layer in weighted[5:]] == [4096, 4096, 1000]
    assert layers[0].stride == 4
    assert all((layer.kernel, layer.stride) == (3, 2) for layer in layers if not layer.kernels)


def test_training_digits_are_seen_without_the_mean_of_the_training_digits(room: Paper) -> None:
    """And not of all, or of the test digits: 400 of them, from the first training on."""
    task, (part, _) = room.module("task.py"), digits_split()

    class StopError(Exception):
        pass

    class Asked:
        def progress(self, share, text):
            pass

        def train(self, training):
            self.training = training
            raise StopError

    asked = Asked()
    with pytest.raises(StopError):
        task.run("quick", 0, asked)
    wanted = 2 * (part.images[:400] - part.images.mean(axis=0))
    assert np.allclose(asked.training.data["images"][:, 0, 1:, 1:], wanted, rtol=0, atol=1e-15)
    assert np.array_equal(asked.training.data["labels"], part.labels[:400])


def test_extremes_are_beyond_what_a_naive_formula_bears(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    found = {variant.name: variant.problem for variant in room.module("variants.py").variants()}
    out = {name: checks.forward(problem.params, problem.batch, **problem.config) for name, problem in found.items()}
    assert (out["low logits"]["logits"] < -900).all()  # exp underflows to 0
    assert out["loud images"]["conv1"].max() ** 2 > 1e8
    assert 200 < out["raw images"]["conv1"].max() < 2000  # the peak of the paper's constants lies within
    far = found["far out"]
    before = checks.convolve(far.batch["images"], far.params["conv1.weight"], 2, 0)
    assert before.min() < -710 < 710 < before.max()  # exp overflows
