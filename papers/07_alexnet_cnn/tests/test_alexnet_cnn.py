"""What the room's problems, crops and starts must be like, for the engine's checks and the experiment's bounds to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS
from s30.corpus.registry import Paper
from s30.room import Digits, Trained, Training, digits_split


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


WRONG = (
    300,
    100,
    100,
    50,
    400,
)  # test digits that the network below names wrongly: as they stand, moved three times, doubled


class Pretended:
    """A framework that learns nothing and answers as told, and remembers what it was asked."""

    def __init__(self, train: Digits, test: Digits, cap: int) -> None:
        self.digits, self.test, self.updates = train, test, {"relu": 9, "tanh": 6, "logistic": cap}
        self.trainings: list[Training] = []

    def progress(self, share: float, text: str) -> None:
        pass

    def train(self, training: Training) -> Trained:
        self.trainings.append(training)
        updates = self.updates[training.net] if "stop" in training.settings else len(training.order)
        return Trained(dict(training.start), np.ones(updates))

    def predict(self, net: str, params: dict, inputs: dict, seen: bool = False) -> dict:
        labels, counts = (self.digits.labels[:200], (30,)) if seen else (self.test.labels, WRONG)
        assert len(inputs["images"]) == len(labels) * len(counts)
        named = np.concatenate(
            [np.where(np.arange(len(labels)) < wrong, (labels + 1) % 10, labels) for wrong in counts]
        )
        length = np.repeat([1.0, 7.0, 7.0, 7.0, 3.0][: len(counts)], len(labels))
        # The fourth crop is sure enough to outweigh three softmaxes, and not three times the logits.
        sure = np.repeat([1.0, 1.0, 1.0, 2.5, 1.0][: len(counts)], len(labels))
        return {"logits": np.eye(10)[named] * sure[:, None], "length": length}


@pytest.fixture(scope="module")
def pretended(room: Paper) -> tuple[Pretended, dict]:
    task = room.module("task.py")
    framework = Pretended(*digits_split(), task.CAP)
    return framework, task.run("quick", 0, framework).metrics


def test_training_digits_are_seen_without_the_mean_of_the_training_digits(pretended: tuple[Pretended, dict]) -> None:
    """And not of all, or of the test digits: 400 of them in the comparison of neurons, 100 in the others."""
    framework, (part, _) = pretended[0], digits_split()
    wanted = 2 * (part.images - part.images.mean(axis=0))
    first, plain = framework.trainings[0], framework.trainings[3]
    assert np.allclose(first.data["images"][:, 0, 1:, 1:], wanted[:400], rtol=0, atol=1e-15)
    assert np.array_equal(first.data["labels"], part.labels[:400])
    assert len({image.tobytes() for image in plain.data["images"]}) == 100


def test_rivals_differ_in_one_thing(pretended: tuple[Pretended, dict]) -> None:
    """The same minibatches; behind the neurons the same start, and labels but for the control, images but for the crops."""
    for s in range(5):
        *neurons, plain, norm, apart, crops, shuffled = pretended[0].trainings[8 * s : 8 * s + 8]
        assert [training.net for training in neurons] == ["relu", "tanh", "logistic"]
        assert all(np.array_equal(training.order, neurons[0].order) for training in neurons)
        assert all(np.ptp(training.rates) == 0 and training.settings["decay"] == 0 for training in neurons)
        for other in (norm, apart, crops, shuffled):
            assert np.array_equal(other.order, plain.order)
            assert all(np.array_equal(value, plain.start[name]) for name, value in other.start.items())
            assert np.array_equal(other.data["labels"], plain.data["labels"]) == (other is not shuffled)
            assert np.array_equal(other.data["images"], plain.data["images"]) == (other is not crops)
        for training in (plain, norm, apart, crops, shuffled):
            assert training.settings == {"decay": 0.0005}
            assert training.rates[0] == (0.1 if training is norm else 0.04)
            assert np.allclose(training.rates, training.rates[0] * (1 - np.arange(99) / 99), rtol=1e-12, atol=0)


def test_metrics_are_what_they_say(pretended: tuple[Pretended, dict]) -> None:
    found = {name: float(np.mean(values)) for name, values in pretended[1].items()}
    stands, moved, mean = (pytest.approx(wrong / 539) for wrong in (300, 250 / 3, 50))
    assert (found["relu_updates"], found["tanh_updates"], found["logistic_updates"]) == (9, 6, 300)
    assert found["stopped_error"] == pytest.approx(0.15)
    assert len(pretended[1]["stopped_error"]) == 10, "of those that arrived"
    for name in ("plain", "norm", "apart", "crops_alone", "shuffled"):
        assert found[f"{name}_error"] == stands, name
    for name in ("plain", "apart", "crops"):
        assert found[f"{name}_moved_error"] == moved, name
    assert found["crops_error"] == mean
    assert found["plain_growth"] == found["norm_growth"] == pytest.approx(3.0)


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
