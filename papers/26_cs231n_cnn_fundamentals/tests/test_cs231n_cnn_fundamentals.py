"""Independent oracles for the room's object: other libraries, brute force, and the figures printed in the course notes."""

from itertools import pairwise

import numpy as np
import pytest

from s30.corpus import Paper
from s30.problem import INVARIANT_SEEDS, Problem

SIDES = [
    (7, 3, 0, 1, 5),
    (7, 3, 0, 2, 3),
    (5, 3, 1, 1, 5),
    (5, 3, 1, 2, 3),
    (227, 11, 0, 4, 55),
    (11, 5, 0, 2, 4),
    (32, 5, 2, 1, 32),
]
# VGG-16 as tabulated in convolutional-networks.md: side after each stage, and channels of its convolutions.
VGG = [(224, [64, 64]), (112, [128, 128]), (56, [256] * 3), (28, [512] * 3), (14, [512] * 3)]


def size(width: int, kernel: int, padding: int, stride: int) -> int:
    places, left_over = divmod(width - kernel + 2 * padding, stride)
    assert left_over == 0, f"{kernel} wide with stride {stride} does not fit across {width} + 2 * {padding}"
    return places + 1


@pytest.fixture(params=[0, 1, 2])
def problem(room: Paper, request: pytest.FixtureRequest) -> Problem:
    return room.module("numpy_checks.py").problem(request.param)


@pytest.fixture
def outputs(room: Paper, problem: Problem) -> dict:
    return room.module("numpy_checks.py").forward(problem.params, problem.batch, **problem.config)


def close(observed, expected) -> None:
    np.testing.assert_allclose(observed, expected, rtol=1e-11, atol=1e-13)


# --- brute force and closed forms ---


def test_convolution_is_scipys_correlation(problem: Problem, outputs: dict) -> None:
    signal = pytest.importorskip("scipy.signal")
    for e, image in enumerate(problem.batch["images"][:, 0]):
        for k, (filter_, bias) in enumerate(zip(problem.params["conv.weight"][:, 0], problem.params["conv.bias"])):
            close(outputs["convolved"][e, k], signal.correlate2d(image, filter_, mode="same") + bias)


def test_convolution_is_one_dot_product_per_place(problem: Problem, outputs: dict) -> None:
    """The notes' own examples: V[i, j] is the sum of a patch times the filter, plus the bias."""
    padded = np.pad(problem.batch["images"][:, 0], [(0, 0), (1, 1), (1, 1)])
    for e, k, i, j in np.ndindex(*outputs["convolved"].shape):
        patch = padded[e, i : i + 3, j : j + 3]
        close(
            outputs["convolved"][e, k, i, j],
            np.sum(patch * problem.params["conv.weight"][k, 0]) + problem.params["conv.bias"][k],
        )


def test_pooling_takes_each_windows_largest_entry(outputs: dict) -> None:
    for e, k, i, j in np.ndindex(*outputs["pooled"].shape):
        window = outputs["activation"][e, k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        assert outputs["pooled"][e, k, i, j] == max(window.ravel())


def test_hinge_is_the_notes_worked_example(room: Paper) -> None:
    """Scores 13, -7, 11, the first class correct, Delta = 10: the loss is 8 (linear-classify.md)."""
    forward = room.module("numpy_checks.py").forward
    params = {"conv.weight": np.zeros((1, 1, 1, 1)), "conv.bias": np.zeros(1), "fc.weight": np.zeros((3, 1))}
    batch = {"images": np.zeros((1, 1, 2, 2)), "labels": np.array([0])}
    out = forward(
        {**params, "fc.bias": np.array([13.0, -7.0, 11.0])}, batch, padding=0, pool=2, strength=0.0, margin=10.0
    )
    close(out["hinge"], 8.0)


def test_large_scores_do_not_overflow(room: Paper, problem: Problem) -> None:
    """The notes' scores 123, 456, 789 overflow without the shift by the largest."""
    forward = room.module("numpy_checks.py").forward
    scaled = {name: value * (1e4 if name.startswith("fc") else 1.0) for name, value in problem.params.items()}
    with np.errstate(over="raise"):
        out = forward(scaled, problem.batch, **problem.config)
    assert np.isfinite(out["probabilities"]).all()
    assert np.isfinite(out["loss"])


@pytest.mark.parametrize(("width", "kernel", "padding", "stride", "expected"), SIDES)
def test_output_size_counts_the_places_of_the_filter(width, kernel, padding, stride, expected) -> None:
    places = [start for start in range(0, width + 2 * padding, stride) if start + kernel <= width + 2 * padding]
    assert len(places) == size(width, kernel, padding, stride) == expected


@pytest.mark.parametrize(("width", "kernel", "padding", "stride"), [(10, 3, 0, 2), (224, 11, 0, 4), (5, 3, 1, 3)])
def test_a_filter_that_does_not_fit_has_no_size(width, kernel, padding, stride) -> None:
    with pytest.raises(AssertionError, match="does not fit"):
        size(width, kernel, padding, stride)


def test_alexnets_first_layer_has_the_notes_counts() -> None:
    side, filters, weights = size(227, 11, 0, 4), 96, 11 * 11 * 3
    assert (side, side * side * filters) == (55, 290_400)
    assert side * side * filters * (weights + 1) == 105_705_600  # without sharing
    assert (filters * weights, filters * (weights + 1)) == (34_848, 34_944)  # with it


def test_vgg_has_the_notes_counts() -> None:
    """138M parameters, nearly three quarters of them in the first FC layer; every CONV keeps the side, every POOL halves it."""
    channels = [3, *(c for _, stage in VGG for c in stage)]
    assert all(size(side, 3, 1, 1) == side for side, _ in VGG)
    assert all(size(side, 2, 0, 2) == after for (side, _), (after, _) in pairwise(VGG))
    convolutions = sum(9 * a * b for a, b in pairwise(channels))
    dense = [7 * 7 * 512 * 4096, 4096 * 4096, 4096 * 1000]
    assert dense == [102_760_448, 16_777_216, 4_096_000]
    assert round((convolutions + sum(dense)) / 1e6) == 138


def test_three_small_filters_see_seven_pixels_with_fewer_weights(room: Paper) -> None:
    """27 C^2 weights instead of 49 C^2, with the receptive field of one 7x7 filter."""
    assert size(size(size(7, 3, 0, 1), 3, 0, 1), 3, 0, 1) == size(7, 7, 0, 1) == 1
    assert 3 * 3 * 3 == 27 < 7 * 7 == 49


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_or_tie_lies_near_a_problem(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    assert checks._distance_to_kinks(checks.problem(seed)) > 1e-4


def test_dimensions_differ_so_that_a_transpose_shows(problem: Problem) -> None:
    batch, channels, side, _ = problem.batch["images"].shape
    filters, _, kernel, _ = problem.params["conv.weight"].shape
    classes, features = problem.params["fc.weight"].shape
    sizes = [batch, channels, side, side // 2, filters, kernel, classes, features, problem.config["pool"]]
    assert len(set(sizes)) == len(sizes), sizes


# --- other libraries ---


@pytest.mark.torch
def test_losses_are_pytorchs(problem: Problem, outputs: dict) -> None:
    import torch
    from torch.nn import functional as F

    scores, labels = torch.tensor(outputs["scores"]), torch.tensor(problem.batch["labels"])
    close(outputs["cross_entropy"], F.cross_entropy(scores, labels).numpy())
    # PyTorch divides by the number of classes, the notes do not.
    close(outputs["hinge"], F.multi_margin_loss(scores, labels, p=1, margin=1.0).numpy() * scores.shape[1])
    close(outputs["probabilities"], F.softmax(scores, 1).numpy())


@pytest.mark.torch
def test_filter_gradient_is_a_correlation_of_input_and_upstream(problem: Problem) -> None:
    """The identity `filter_gradient` in two dimensions and many channels, against PyTorch's backward pass."""
    import torch
    from torch.nn import functional as F

    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 2, 8, 7, generator=generator)
    weight = torch.randn(3, 2, 3, 3, generator=generator, requires_grad=True)
    out = F.conv2d(images, weight, padding=1)
    upstream = torch.randn(out.shape, generator=generator)
    (gradient,) = torch.autograd.grad(out, weight, upstream)
    correlation = F.conv2d(F.pad(images, [1, 1, 1, 1]).transpose(0, 1), upstream.transpose(0, 1)).transpose(0, 1)
    close(correlation.numpy(), gradient.numpy())


@pytest.mark.torch
@pytest.mark.parametrize(("kernel", "padding", "stride"), [(3, 1, 1), (3, 0, 1), (5, 2, 1), (3, 1, 2)])
def test_input_gradient_is_the_transposed_convolution(kernel: int, padding: int, stride: int) -> None:
    """The identity `input_gradient` in two dimensions, with many channels, padding and stride.

    Left `conv_transpose2d`; right, written out, each upstream entry sends the filter back to the pixels it was read from.
    """
    import torch
    from torch.nn import functional as F

    generator = torch.Generator().manual_seed(0)
    images = torch.randn(4, 2, 9, 7, generator=generator, requires_grad=True)
    weight = torch.randn(3, 2, kernel, kernel, generator=generator)
    out = F.conv2d(images, weight, padding=padding, stride=stride)
    upstream = torch.randn(out.shape, generator=generator)
    (gradient,) = torch.autograd.grad(out, images, upstream)
    close(F.conv_transpose2d(upstream, weight, padding=padding, stride=stride).numpy(), gradient.numpy())
    back = torch.zeros(4, 2, 9 + 2 * padding, 7 + 2 * padding)
    for t, u in np.ndindex(*out.shape[2:]):
        rows, columns = slice(stride * t, stride * t + kernel), slice(stride * u, stride * u + kernel)
        back[:, :, rows, columns] += torch.einsum("nk,kcij->ncij", upstream[:, :, t, u], weight)
    close(back[:, :, padding : padding + 9, padding : padding + 7].numpy(), gradient.numpy())


@pytest.mark.torch
def test_numerical_gradient_of_every_parameter(room: Paper, problem: Problem) -> None:
    """`torch.autograd.gradcheck`, entry by entry, of the loss and of the hinge."""
    import torch

    model = room.module("torch/model.py").Model(**problem.config)
    batch = {name: torch.tensor(value) for name, value in problem.batch.items()}
    params = {name: torch.tensor(value, requires_grad=True) for name, value in problem.params.items()}

    def losses(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = torch.func.functional_call(model, dict(zip(params, values)), (batch,))
        return out["loss"], out["hinge"]

    assert torch.autograd.gradcheck(losses, tuple(params.values()), eps=1e-6, atol=1e-6, rtol=1e-5)


def test_networks_start_with_the_deviation_of_their_fan_in_and_without_bias(room: Paper) -> None:
    start = room.module("task.py").initial(np.random.default_rng(0), filters=128, hidden=128)
    for name, params in start.items():
        for key, value in params.items():
            if key.endswith("bias"):
                assert not value.any()
            else:
                assert abs(value.std() * np.sqrt(value[0].size / 2) - 1) < 0.1, (name, key)


def test_metrics_are_those_of_the_rooms_own_network(room: Paper, problem: Problem, outputs: dict) -> None:
    """Losses and accuracy, computed from scores alone, are what the room's network reports of itself."""
    task, scores, labels = room.module("task.py"), outputs["scores"], problem.batch["labels"]
    close(task.cross_entropy(scores, labels), outputs["cross_entropy"])
    close(task.hinge(scores, labels), outputs["hinge"])
    close(task.accuracy(scores, labels), np.mean([row.argmax() == label for row, label in zip(scores, labels)]))


@pytest.mark.jax
@pytest.mark.parametrize("norm", [1, 2])
def test_nearest_neighbours_are_brute_force_jax(room: Paper, norm: int) -> None:
    """Sorted by (distance, index), five votes, the smaller label on equal votes, on the first hundred test digits."""
    from s30.data import digits_split

    split = digits_split()
    known, asked = (np.rint(16 * part.images.reshape(-1, 64)) for part in (split.train, split.test))
    expected = []
    for row in asked[:100]:
        distance = (np.abs(known - row) ** norm).sum(1)
        nearest = np.lexsort((np.arange(len(known)), distance))[:5]
        expected.append(np.bincount(split.train.labels[nearest], minlength=10).argmax())
    ours = room.module("jax/experiment.py").nearest_neighbours(known, split.train.labels, asked[:100], norm)
    np.testing.assert_array_equal(np.asarray(ours), expected)


@pytest.mark.tinygrad
def test_padding_keeps_the_side_and_pooling_halves_it(room: Paper, problem: Problem) -> None:
    from tinygrad import Tensor

    model = room.module("tinygrad/model.py").Model(**problem.config)
    out = model({name: Tensor(value) for name, value in problem.batch.items()})
    side = problem.config["size"]
    assert out["convolved"].shape[2:] == (side, side) == (size(side, 3, 1, 1),) * 2
    assert out["pooled"].shape[2:] == (side // 2, side // 2) == (size(side, 2, 0, 2),) * 2
    assert out["scores"].shape == (5, 10)


@pytest.mark.sympy
def test_identities_name_no_length(room: Paper) -> None:
    """The general statements hold for any number of classes and taps: a symbol bounds their sums."""
    identities = {i.name: i for i in room.module("sympy/derivations.py").identities()}
    for name in ("softmax_gradient", "softmax_shift", "filter_gradient", "cross_entropy_at_chance"):
        assert {"k", "m"} <= {
            symbol.name for symbol in identities[name].lhs.free_symbols | identities[name].rhs.free_symbols
        }, name
