"""What no layer can be asked: the text, the masks, what each arm drops, and that a net does not see its neighbours."""

import numpy as np
import pytest

from s30.corpus import Paper
from s30.room import Training


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


def test_training_and_held_out_text_share_no_stretch_of_forty_characters(task) -> None:
    train, held, size = task.corpus()
    assert (len(train), len(held)) == (task.FEW + 1, task.HELD + 1)
    assert max(train.max(), held.max()) < size
    seen = {train[at : at + 40].tobytes() for at in range(len(train) - 40)}
    again = [at for at in range(len(held) - 40) if held[at : at + 40].tobytes() in seen]
    assert len(again) < 0.01 * len(held)


def test_each_arm_drops_its_own_places_at_one_rate(task) -> None:
    drop, scale = task.used(8, 0.2)
    assert [tuple(np.flatnonzero(row)) for row in drop[::2]] == list(task.ARMS.values())
    np.testing.assert_allclose(scale[drop], 1.25)
    assert (scale[~drop] == 1).all()


def test_masks_are_packed_eight_units_a_byte_and_drop_at_the_rate(task) -> None:
    packed = task.masks(np.random.default_rng(0), 200, 5, 16, 0.3)
    assert packed.shape == (200, 5, task.PLACES, 2)
    assert abs(np.unpackbits(packed, axis=3).mean() - 0.7) < 0.01


def test_an_example_of_the_text_has_new_masks_each_time_it_is_read(task) -> None:
    data = task.text_examples(np.random.default_rng(0), 40)
    first = np.flatnonzero((data["inputs"] == data["inputs"][0]).all(1))
    assert len(first) > 1
    assert (data["masks"][first[0]] != data["masks"][first[1]]).any()


def test_recall_begins_with_its_target_and_the_control_does_not(task) -> None:
    rng = np.random.default_rng(0)
    data = task.recall_examples(rng, 2000)
    np.testing.assert_array_equal(data["inputs"][:, 0], data["targets"][:, 0])
    assert set(data["inputs"][:, 1:].ravel()) == set(range(task.SYMBOLS, task.SYMBOLS + task.NOISE))
    hidden = task.recall_examples(rng, 2000, hidden=True)
    assert abs((hidden["inputs"][:, 0] == hidden["targets"][:, 0]).mean() - 0.25) < 0.04


@pytest.mark.torch
def test_a_net_learns_the_same_whatever_its_neighbours_are(room: Paper, task) -> None:
    """The arm without dropout, trained beside others and beside copies of itself."""
    import torch

    torch.set_default_dtype(torch.float64)
    train = room.module("torch/experiment.py").train
    rng = np.random.default_rng(0)
    data = task.recall_examples(rng, 64)
    data["masks"] = task.masks(rng, 64, task.LAG + 1, task.UNITS["recall"], task.RATE["recall"])
    start = task.initial("recall", task.SYMBOLS + task.NOISE, 0, "quick")
    alone = {name: np.stack([value[0]] * 4) for name, value in start.items()}  # one of each arm, all of one start
    order, rates = np.arange(64).reshape(2, 32), np.full(2, 0.01)
    both = [train(Training("recall", params, data, order, rates)).params for params in (start, alone)]
    torch.set_default_dtype(torch.float32)
    for name, value in both[0].items():
        np.testing.assert_allclose(value[0], both[1][name][0], rtol=1e-12)
        # the arms differ, though they start alike
        assert "bias_hh" in name or np.abs(both[1][name][0] - both[1][name][1]).max() > 0
