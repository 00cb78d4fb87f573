"""What the room's problems, variants and starts must be like, for the engine's checks to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS
from s30.corpus.registry import Paper
from s30.room import Trained, Training, digits_split


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_lies_near_a_problem(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    assert checks.distance_to_kinks(checks.problem(seed)) > 1e-4


def test_the_ties_are_ties_and_tell_the_convention(room: Paper) -> None:
    """Hundreds of sums are exactly zero, and with a slope of one there the gradient is another one."""
    backward = room.module("backward.py")
    (variant,) = (variant for variant in room.module("variants.py").variants() if variant.kind == "tie")
    sums = backward.pre_activations(variant.problem)["block1"]
    assert (sums == 0).sum() > 100

    class Leaky(backward.Pass):
        def _relu(self, name, y):
            positive = super()._relu(name, y)
            self.before[name] = y + (y == 0)
            return positive

    other = Leaky(variant.problem).backward()["block1.norm2.weight"]
    assert np.abs(other - variant.gradient["block1.norm2.weight"]).max() > 1e-3


def test_dimensions_differ_so_that_a_transpose_shows(room: Paper) -> None:
    problem = room.module("numpy_checks.py").problem(0)
    batch, channels, height, _ = problem.batch["images"].shape
    config = problem.config
    sizes = [
        batch,
        channels,
        height,
        height // config["stride"],
        *(config[n] for n in ("filters", "widened", "kernel", "stride", "classes")),
    ]
    assert len(set(sizes)) == len(sizes), sizes


def test_plain_and_residual_nets_have_the_same_parameters(room: Paper) -> None:
    """«exactly the same depth, width, and number of parameters»: option A adds none, B one projection with its BN."""
    checks = room.module("numpy_checks.py")
    count = {
        o: sum(int(np.prod(s)) for s in checks.shapes({**checks.CONFIG, "option": o}).values()) for o in checks.OPTIONS
    }
    assert count["plain"] == count["A"] == count["B"] - (6 * 12 + 2 * 12) == count["C"] - (6 * 12 + 24) - (6 * 6 + 12)


def test_a_filter_as_a_matrix_is_the_convolution(room: Paper) -> None:
    """The experiment's matrices against the room's own convolution, and the first layer with its stride of three."""
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(4, 2, 3, 3)), rng.normal(size=(5, 2, 3, 3))
    product = x.reshape(4, -1) @ task.matrices(weight)
    np.testing.assert_allclose(product.reshape(4, 5, 3, 3), checks.convolve(x, weight), atol=1e-12)
    images, first = rng.normal(size=(4, 1, 8, 8)), rng.normal(size=(1, 8, 1, 3, 3))
    found = task.stem({"stem.weight": first}, images)[0].reshape(4, 8, 3, 3)
    np.testing.assert_allclose(found, checks.convolve(images, first[0], 3), atol=1e-12)


def test_the_construction_needs_its_statistics(room: Paper) -> None:
    """Identity layers are the identity on the images whose mean and deviation they hold, and there alone."""
    task = room.module("task.py")
    rng = np.random.default_rng(0)
    params, known = task.initial(rng, 3, 2), rng.normal(size=(20, 1, 8, 8))
    deep = task.constructed("plain_32", params, 15, known)
    shallow, made = (task.predict("plain", p, {"known": known})["scores"] for p in (params, deep))
    np.testing.assert_allclose(made, shallow, atol=1e-9)
    other = rng.normal(size=(20, 1, 8, 8)) ** 2
    assert (
        np.abs(
            task.predict("plain", deep, {"known": other})["scores"]
            - task.predict("plain", params, {"known": other})["scores"]
        ).max()
        > 1e-3
    )


class Recorder:
    """Stands in for a framework: notes down what it is asked, and trains nothing."""

    def __init__(self, task):
        self.task, self.trainings, self.questions = task, [], []

    def train(self, training: Training) -> Trained:
        self.trainings.append(training)
        losses = np.zeros(len(training.order))
        return Trained(dict(training.start), losses, {at: dict(training.start) for at in training.keep})

    def predict(self, net, params, inputs, seen=False):
        self.questions.append((net, inputs, seen))
        return self.task.predict(net, params, inputs)

    def progress(self, share, text):
        pass


@pytest.fixture
def asked(room: Paper, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    task = room.module("task.py")
    monkeypatch.setattr(task, "STARTS", {"quick": 2})
    recorder = Recorder(task)
    task.run("quick", 0, recorder)
    return recorder


def test_what_the_experiment_asks(asked: Recorder) -> None:
    """Depths, starts, minibatches, warm-up and the statistics of BN are what the room says they are."""
    train, test = digits_split()
    assert [training.net for training in asked.trainings] == ["plain_8", "plain_32", "res_8", "res_32", "res_8"]
    *nets, control = asked.trainings
    for training in nets:
        weights = training.start["conv.weight"]
        assert weights.shape[1] + 2 == int(training.net.split("_")[1]), "6n + 2 weighted layers"
        assert (weights[0] != weights[1]).all(), "two starts are two"
        np.testing.assert_array_equal(training.order, control.order)
        np.testing.assert_array_equal(training.data["labels"], train.labels)
    for plain, residual in zip(nets[:2], nets[2:], strict=True):
        for name, value in plain.start.items():
            np.testing.assert_array_equal(value, residual.start[name])
    assert len(np.unique(control.order[: len(train.labels) // 32])) > 0.95 * len(train.labels), (
        "an epoch is no minibatch"
    )
    rates = control.rates
    assert max(rates[0], rates[-1]) < rates.max() / 30
    assert 30 < rates.argmax() < len(rates) - 30
    assert sorted(control.data["labels"]) == sorted(train.labels)
    assert 0.8 < (control.data["labels"] != train.labels).mean() < 0.97, "labels in random order"
    held_out = {image.tobytes() for image in 2 * test.images - 1}
    for _, inputs, seen in asked.questions:
        np.testing.assert_array_equal(inputs["known"][:, 0], 2 * train.images[:128] - 1, "BN's statistics in testing")
        assert seen == ("images" not in inputs)
        if not seen:
            assert {image.tobytes() for image in inputs["images"][:, 0]} == held_out


def test_the_gradient_is_read_off_the_first_update(room: Paper) -> None:
    """Made gradients of norms 3 in the first inner layer, 5 in the second and 2 in the last, and weight decay."""
    task = room.module("task.py")
    start = {"conv.weight": np.random.default_rng(0).normal(size=(1, 4, 8, 8, 3, 3))}
    gradient = np.random.default_rng(1).normal(size=start["conv.weight"].shape)
    gradient /= np.sqrt(np.square(gradient).sum((2, 3, 4, 5), keepdims=True))
    gradient *= np.array([3.0, 5.0, 5.0, 2.0]).reshape(1, 4, 1, 1, 1, 1)
    rate = task.linear_decay(task.RATE, task.UPDATES, task.WARM_UP)[0]
    first = {"conv.weight": start["conv.weight"] - rate * (gradient + task.DECAY * start["conv.weight"])}
    np.testing.assert_allclose(task.gradient_ratio(start, first), [1.5])
