"""What no layer can be asked: the voices, and the beam where it is narrow."""

import numpy as np
import pytest

from s30.room import Paper


@pytest.fixture
def speech(room: Paper):
    return room.module("speech.py")


def test_strings_fit_and_keep_their_digits(speech, room: Paper) -> None:
    """The slowest tempo, the longest digits and pauses: (3 x 0.3 x 1.25 s at 4,000 Hz - 64) / 40 + 1 is below `TIME` + 1."""
    task = room.module("task.py")
    slowest = speech.LONGEST * (0.24 + 0.06) * 1.25 * speech.RATE
    assert (slowest - speech.WINDOW) // speech.HOP + 1 <= task.TIME
    batch = speech.batch_of(np.random.default_rng(0), 30, 2 * task.TIME)
    lengths, digits = batch["frame_mask"].sum(1), batch["label_mask"].sum(1)
    assert lengths.max() <= task.TIME  # nothing is cut off
    assert sorted(digits) == sorted([1, 2, 3] * 10)
    assert (lengths[digits == 3].min() > lengths[digits == 1].max()).all()


def test_every_string_has_an_alignment(speech, room: Paper) -> None:
    """So that the mean over all strings is the mean over those that have one: `jax/experiment.py` takes it so."""
    task = room.module("task.py")
    for syllables in (speech.SPOKEN, speech.HELD):
        batch = speech.batch_of(np.random.default_rng(1), 200, task.TIME, syllables)
        repeats = ((batch["label"][:, 1:] == batch["label"][:, :-1]) & batch["label_mask"][:, 1:]).sum(1)
        frames = batch["frame_mask"][:, :: task.SIZES["stride"]].sum(1)
        assert repeats.max() > 0
        assert (frames >= batch["label_mask"].sum(1) + repeats).all()


def test_first_epoch_is_in_order_of_length_and_later_ones_are_not(room: Paper) -> None:
    task = room.module("task.py")
    mask = np.arange(30) < np.random.default_rng(2).integers(1, 30, 2 * task.BATCH)[:, None]
    order = task.sorta_grad(np.random.default_rng(3), mask, 3)
    lengths = mask.sum(1)[order]
    assert (np.diff(lengths[:2].ravel()) >= 0).all()
    assert (np.diff(lengths[2:4].ravel()) < 0).any()
    for epoch in np.split(order, 3):
        assert sorted(epoch.ravel()) == list(range(len(mask)))


def test_no_two_digits_have_the_same_vowels(speech) -> None:
    assert len(set(speech.DIGITS)) == len(speech.DIGITS) == 10


def test_first_vowel_is_heard(speech) -> None:
    """Power near the first vowel's lower formant, at the digit's beginning, tells 300 Hz from 750 Hz."""
    levels = []
    for digit in (0, 2):  # vowels (0, 1) and (1, 0)
        heard = np.mean(
            [speech.spectrogram(speech.wave(np.random.default_rng(s), np.array([digit])))[1:4] for s in range(20)],
            (0, 1),
        )
        levels.append(heard[2] - heard[6])  # bands of 125 Hz
    assert levels[0] > levels[1] + 0.3


def test_noise_and_tempo_are_those_that_are_said(speech) -> None:
    """What is heard in the pause at the end is noise alone, 10 to 25 dB below the voice; the slowest speaks half as long again."""
    waves = [speech.wave(np.random.default_rng(s), np.array([3])) for s in range(200)]
    levels = np.array([20 * np.log10(w[-60:].std() / w[:-60].std()) for w in waves])
    assert -28 < levels.min() < -20
    assert -14 < levels.max() < -8
    lengths = np.array([len(w) for w in waves])
    assert lengths.max() > 1.5 * lengths.min()


def test_greedy_path_is_not_the_best_label(room: Paper) -> None:
    """Two paths of 0.24 each for one label outweigh the best path, 0.36."""
    decode = room.module("decode.py")
    log_y = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert decode.greedy(log_y) == []
    assert decode.prefix_beam(log_y, 4) == [1]
