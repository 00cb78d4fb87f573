"""What no layer can be asked: the text, the masks, what each arm drops, and that a net does not see its neighbours."""

import numpy as np
import pytest

from s30.corpus.registry import Paper
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
    assert [tuple(np.flatnonzero(row)) for row in drop[::2]] == [(), (0, 1, 2), (0, 1, 2, 3, 4), (0, 1, 2, 5, 6)]
    np.testing.assert_allclose(scale[drop], 1.25)
    assert (scale[~drop] == 1).all()


def test_masks_are_packed_eight_units_a_byte_and_drop_at_the_rate(task) -> None:
    for net, units, kept in (("text", 40, 0.7), ("recall", 24, 0.8)):
        packed = task.masks(np.random.default_rng(0), 200, 5, net)
        assert packed.shape == (200, 5, task.PLACES, units // 8)
        assert abs(np.unpackbits(packed, axis=3).mean() - kept) < 0.01


def test_an_example_of_the_text_has_new_masks_each_time_it_is_read(task) -> None:
    data = task.text_examples(np.random.default_rng(0), 40)
    first = np.flatnonzero((data["inputs"] == data["inputs"][0]).all(1))
    assert len(first) > 1
    assert (data["masks"][first[0]] != data["masks"][first[1]]).any()


def test_recall_begins_with_its_target_and_the_control_does_not_hold_it(task) -> None:
    data = task.recall_examples(np.random.default_rng(0), 2000)
    np.testing.assert_array_equal(data["inputs"][:, 0], data["targets"][:, 0])
    assert set(data["inputs"][:, 1:].ravel()) == set(range(task.SYMBOLS, task.SYMBOLS + task.NOISE))
    covered = task.covered(np.random.default_rng(1), data)
    np.testing.assert_array_equal(covered["targets"], data["targets"])
    np.testing.assert_array_equal(covered["inputs"][:, 1:], data["inputs"][:, 1:])
    assert covered["inputs"].min() >= task.SYMBOLS


def test_every_symbol_is_read_before_the_same_noise(task) -> None:
    text, packed = task.noise_examples(np.random.default_rng(0))
    assert len(text) == len(packed) == task.TAILS * task.SYMBOLS * task.DRAWS
    parts = text.reshape(task.TAILS, task.SYMBOLS, task.DRAWS, -1)
    assert (parts[..., 0] == np.arange(task.SYMBOLS)[:, None]).all()
    assert (parts[..., 1:] == parts[:, :1, :1, 1:]).all()
    assert (parts[0, 0, 0] != parts[1, 0, 0]).any()


def test_noise_and_signal_of_numbers_that_are_known(task) -> None:
    """A cell that is the symbol plus 1 or -1 by turns: noise 1 a unit, signal the variance of 0, 1, 2, 3."""
    shape = (1, task.TAILS, task.SYMBOLS, task.DRAWS, 1, 1, 2)
    turns = np.where(np.arange(task.DRAWS) % 2, 1.0, -1.0)[:, None, None, None]
    cells = np.broadcast_to(np.arange(task.SYMBOLS)[:, None, None, None, None] + turns, shape)
    found, told = task.noise(cells.reshape(1, -1, 1, 1, 2))
    np.testing.assert_allclose([found[0, 0, 0], told[0, 0, 0]], [2.0, 2 * 1.25])


def test_nets_of_one_seed_start_alike_in_all_arms(task) -> None:
    for name, value in task.initial("recall", 8, 0, "quick").items():
        arms = value.reshape(len(task.ARMS), task.SEEDS["quick"], *value.shape[1:])
        assert (arms == arms[:1]).all(), name
        assert "bias" in name or (arms[0, 0] != arms[0, 1]).any()


def test_a_uniform_guess_costs_log2_of_the_number_of_symbols(task) -> None:
    np.testing.assert_allclose(task.surprise(np.zeros((1, 3, 5, 8)), np.zeros((3, 5), int)), 3.0)


def test_the_saturated_variant_overflows_a_naive_sigmoid(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    (problem,) = (v.problem for v in room.module("variants.py").variants() if v.kind == "extreme")
    checks.sigmoid = lambda a: 1 / (1 + np.exp(-a))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        checks.forward(problem.params, problem.batch, **problem.config)


def test_problems_drop_at_their_rate(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    problems = [checks.problem(seed) for seed in range(60)]
    kept = np.mean(
        [p.batch["masks"][:, :-1].mean() for p in problems]
    )  # at the last step the first unit is always kept
    assert abs(kept - (1 - problems[0].config["dropout"])) < 0.03


@pytest.mark.torch
def test_a_net_learns_the_same_whatever_its_neighbours_are(room: Paper, task) -> None:
    """The arm without dropout, trained beside others and beside copies of itself."""
    import torch

    torch.set_default_dtype(torch.float64)
    train = room.module("torch/experiment.py").train
    rng = np.random.default_rng(0)
    data = task.recall_examples(rng, 64)
    data["masks"] = task.masks(rng, 64, task.LAG + 1, "recall")
    start = task.initial("recall", task.SYMBOLS + task.NOISE, 0, "quick")
    alone = {name: np.stack([value[0]] * 4) for name, value in start.items()}  # one of each arm, all of one start
    order, rates = np.arange(64).reshape(2, 32), np.full(2, 0.01)
    both = [train(Training("recall", params, data, order, rates)).params for params in (start, alone)]
    torch.set_default_dtype(torch.float32)
    for name, value in both[0].items():
        np.testing.assert_allclose(value[0], both[1][name][0], rtol=1e-12)
        # the arms differ, though they start alike
        assert "bias_hh" in name or np.abs(both[1][name][0] - both[1][name][1]).max() > 0
