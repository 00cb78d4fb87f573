"""What the room's problems, scenes and starts must be like, for the engine's checks and the experiment's bounds to mean what they say."""

import numpy as np
import pytest

from s30.corpus.problem import INVARIANT_SEEDS
from s30.room import Paper


@pytest.mark.parametrize("seed", INVARIANT_SEEDS)
def test_no_kink_lies_near_a_problem_and_no_map_is_dead(room: Paper, seed: int) -> None:
    checks = room.module("numpy_checks.py")
    for before in checks.pre_activations(checks.problem(seed)):
        assert np.abs(before).min() > 1e-4
        assert ((before > 0).mean(axis=(0, 2, 3)) > 0.1).all()


def test_the_tie_has_zeros_in_every_layer(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    (tie,) = (variant.problem for variant in room.module("variants.py").variants() if variant.kind == "tie")
    assert all((before == 0).any() for before in checks.pre_activations(tie))


def test_every_dilation_of_table_1_has_a_tap_inside_the_maps(room: Paper) -> None:
    """Else its outer taps would read zeros alone and their gradients vanish."""
    (table,) = (v.problem for v in room.module("variants.py").variants() if v.name == "Table 1")
    gradients = room.module("backward.py").gradients(table)
    for number, dilation in enumerate(table.config["dilations"], 1):
        assert dilation < table.batch["maps"].shape[3]
        assert gradients[f"layer{number}.weight"][:, :, 1, [0, 2]].any(), number


def test_stern_counts_hyperbinary_representations(room: Paper) -> None:
    """Sums of powers of two, each at most twice, by brute force."""
    stern, counts = room.module("invariants.py").stern, np.zeros(63, int)
    for digits in np.ndindex(*(3,) * 5):
        counts[sum(digit << place for place, digit in enumerate(digits))] += 1
    assert [stern(32 - abs(place - 31)) for place in range(63)] == counts.tolist()


def test_equation_5_as_printed(room: Paper) -> None:
    """floor(a C / c_i) = floor(b C / c_{i+1}), entry by entry, for divisible numbers of maps."""
    start = room.module("numpy_checks.py").identity_start
    for before, after, channels in ((3, 3, 3), (3, 6, 3), (6, 6, 3), (24, 3, 3), (4, 8, 2)):
        for b, a in np.ndindex(after, before):
            same = a * channels // before == b * channels // after
            assert start(before, after, channels)[b, a] == (channels / after if same else 0.0)


@pytest.mark.parametrize("place", ["near", "far"])
def test_pairs_of_scenes_differ_in_the_square_alone_and_in_what_vehicles_are(room: Paper, place: str) -> None:
    task, made = room.module("task.py"), room.module("scenes.py")
    near, far = task.PLACES[place]
    part = made.scenes(np.random.default_rng(0), 30, near, far)
    first, second = (np.split(array, 2)[0] for array in part), (np.split(array, 2)[1] for array in part)
    (maps, labels), (other_maps, other_labels) = first, second
    rows, columns = np.indices(labels.shape[1:])
    for one, other, left, right in zip(maps, other_maps, labels, other_labels):
        square = (one != other).any(0)
        assert square.sum() == made.SIDE**2
        away = np.max([np.abs(np.subtract.outer(axis, axis[square])).min(-1) for axis in (rows, columns)], axis=0)
        vehicle = (left == made.BOAT) & (right == made.CAR)
        assert (one[3] >= 0.5).sum() >= vehicle.sum() > 0 or not vehicle.any()
        assert ((left != right) == (vehicle | (square & (left != made.IGNORED)))).all()
        assert ((away >= near) & (away <= far))[vehicle].all()


def test_far_vehicles_are_beyond_the_sight_of_the_undilated_module_and_within_that_of_the_dilated(room: Paper) -> None:
    task, checks = room.module("task.py"), room.module("numpy_checks.py")
    reach = {net: checks.reach(ladder, 3) for net, ladder in task.LADDERS.items()}
    near, far = task.PLACES["far"]
    assert reach["undilated"] < near <= far <= reach["dilated"]
    assert task.PLACES["near"][1] <= reach["undilated"]


def test_only_the_start_tells_the_random_model_from_the_dilated_one(room: Paper) -> None:
    """Same net, same shapes; the undilated one has as many weights as either."""
    task = room.module("task.py")
    starts = {model: task.initial(np.random.default_rng(0), model) for model in task.MODELS}
    assert task.MODELS["random"] == task.MODELS["dilated"] != task.MODELS["undilated"]
    assert len({tuple((name, value.shape) for name, value in start.items()) for start in starts.values()}) == 1


def test_blind_scenes_of_a_pair_are_alike(room: Paper) -> None:
    made = room.module("scenes.py")
    blind = made.without_context(made.scenes(np.random.default_rng(1), 10, 6, 8))
    assert np.array_equal(*np.split(blind.maps, 2))
    assert not np.isin(blind.labels, (made.WATER, made.ROAD)).any()


def test_no_answer_that_ignores_the_square_exceeds_the_ceiling(room: Paper) -> None:
    """Any naming of the vehicles that is the same in both scenes of a pair, all else right: at most 11/15."""
    task, made, rng = room.module("task.py"), room.module("scenes.py"), np.random.default_rng(2)
    part = made.scenes(rng, 20, 6, 8)
    first = np.split(part.labels, 2)[0]
    for share in (0.0, 0.3, 0.5, 0.9, 1.0):
        guess = np.where(rng.random(first.shape) < share, made.BOAT, made.CAR)
        named = np.where(np.isin(part.labels, (made.BOAT, made.CAR)), np.tile(guess, (2, 1, 1)), part.labels)
        assert task.iou(part, np.where(named == made.IGNORED, 0, named)) <= task.CEILING + 1e-12
    assert task.iou(part, np.where(part.labels == made.IGNORED, 0, part.labels)) == 1.0


@pytest.mark.torch
def test_a_new_module_passes_its_maps_on_but_for_noise(room: Paper) -> None:
    import torch

    checks, Model = room.module("numpy_checks.py"), room.module("torch/model.py").Model
    torch.manual_seed(0)
    model = Model(**{**checks.CONFIG, "widths": (6, 6, 12, 24, 24)}).double()
    for name, layer in model.named_children():
        after, before, kernel, _ = layer.weight.shape
        centre = layer.weight.detach()[:, :, kernel // 2, kernel // 2].numpy()
        passed = checks.identity_start(before, after, 3)
        assert np.array_equal(centre[passed > 0], passed[passed > 0].astype(np.float32)), name
        assert np.abs(centre[passed == 0]).max(initial=0) < 5 * 0.1 * 3 / after
