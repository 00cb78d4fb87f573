"""What no layer can be asked: the voices, and the beam where it is narrow."""

import numpy as np
import pytest

from s30.room import Paper


@pytest.fixture
def speech(room: Paper):
    return room.module("speech.py")


def test_strings_fit_and_keep_their_digits(speech) -> None:
    batch = speech.batch_of(np.random.default_rng(0), 40, 152)
    lengths = batch["frame_mask"].sum(1)
    assert lengths.max() < 152  # nothing is cut off
    assert sorted(batch["label_mask"].sum(1)) == sorted([1, 2, 3, 4] * 10)
    assert (lengths[batch["label_mask"].sum(1) == 4].min() > lengths[batch["label_mask"].sum(1) == 1].max()).all()


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


def test_greedy_path_is_not_the_best_label(room: Paper) -> None:
    """Two paths of 0.24 each for one label outweigh the best path, 0.36."""
    decode = room.module("decode.py")
    log_y = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert decode.greedy(log_y) == []
    assert decode.prefix_beam(log_y, 4) == [1]
