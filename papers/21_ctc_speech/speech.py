"""Spoken digit strings, synthesised: a voice of harmonics under two moving formants, a tempo, pauses, noise; and their spectrogram.

A digit is a vowel, then the neutral vowel, then a vowel: who hears one part alone knows less than a digit.

    wave        harmonics k f_0 with the amplitude sum_i 1 / (1 + ((k f_0 - F_i) / 90 Hz)^2), F_i the formants at that time
    spectrogram log of the power in frames of 16 ms, one every 10 ms, Hann window, pairs of bins
"""

from __future__ import annotations

import numpy as np

from s30.room import Array

RATE, WINDOW, HOP = 4000, 64, 40  # samples a second, in a frame, from frame to frame
BANDS = WINDOW // 4
VOWELS = np.array([(300.0, 1700.0), (750.0, 1150.0), (350.0, 800.0), (550.0, 1450.0)])  # formants in Hz
NEUTRAL = np.array([500.0, 1250.0])
DIGITS = [(0, 1), (0, 2), (1, 0), (1, 3), (2, 0), (2, 3), (3, 1), (3, 2), (0, 3), (1, 2)]  # which vowels
# The formants of a syllable's beginning, middle and end; syllable d is symbol d + 1.
SPOKEN = [(VOWELS[first], NEUTRAL, VOWELS[last]) for first, last in DIGITS]
HELD = [(vowel, vowel, vowel) for vowel in VOWELS]  # the easy case: a window hears all of it
LONGEST = 3


def wave(rng: np.random.Generator, digits: Array, syllables: list = SPOKEN) -> Array:
    """The samples of a string of syllables: a voice and a tempo of its own, white noise 10 to 25 dB below it."""
    tempo, pitch = rng.uniform(0.8, 1.25), rng.uniform(90, 150)
    formants, loud = [], []
    for digit in digits:
        first, middle, last = np.array(syllables[digit]) * rng.uniform(0.95, 1.05)
        length = int(RATE * tempo * rng.uniform(0.18, 0.24))
        at = np.linspace(0, 1, length)
        knots = [0, 0.28, 0.34, 0.66, 0.72, 1]
        path = [np.interp(at, knots, [a, a, n, n, b, b]) for a, n, b in zip(first, middle, last)]
        pause = int(RATE * tempo * rng.uniform(0.02, 0.06))
        formants.append(np.pad(np.stack(path, 1), ((0, pause), (0, 0)), mode="edge"))
        loud.append(np.pad(np.minimum(1, np.minimum(at, 1 - at) * 12), (0, pause)))
    f, envelope = np.concatenate(formants), np.concatenate(loud)
    glide = pitch * (1 + 0.1 * np.sin(2 * np.pi * np.arange(len(f)) / RATE * rng.uniform(1, 3)))
    harmonics = np.arange(1, int(0.5 * RATE / (1.1 * pitch)))
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    amplitude = sum(1 / (1 + ((glide[:, None] * harmonics - f[:, i : i + 1]) / 90) ** 2) for i in range(2))
    voice = envelope * (amplitude * np.sin(phase[:, None] * harmonics + rng.uniform(0, 2 * np.pi, len(harmonics)))).sum(
        1
    )
    return voice + rng.normal(0, voice.std() * 10 ** (-rng.uniform(10, 25) / 20), len(voice))


def spectrogram(samples: Array) -> Array:
    """(time, BANDS): logarithms of the power, with mean 0 and variance 1 over the whole."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(frames)[:, 1:]) ** 2  # (time, WINDOW / 2)
    levels = np.log(power.reshape(len(power), BANDS, 2).sum(-1) + 1e-3)
    return (levels - levels.mean()) / levels.std()


def batch_of(rng: np.random.Generator, count: int, time: int, syllables: list = SPOKEN) -> dict[str, Array]:
    """So many strings of 1 to LONGEST syllables, every length as often, in no order."""
    frames, frame_mask = np.zeros((count, time, BANDS)), np.zeros((count, time), bool)
    label = np.zeros((count, LONGEST), int)
    for row in range(count):
        digits = rng.integers(len(syllables), size=1 + row % LONGEST)
        heard = spectrogram(wave(rng, digits, syllables))[:time]
        frames[row, : len(heard)], frame_mask[row, : len(heard)] = heard, True
        label[row, : len(digits)] = digits + 1
    order = rng.permutation(count)
    return {
        "frames": frames[order],
        "frame_mask": frame_mask[order],
        "label": label[order],
        "label_mask": label[order] > 0,
    }
