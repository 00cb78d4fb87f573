r"""Bits-back coding with a coder of integers (paper 17, section 2.2): the message is one whole number, so nothing is lost to rounding.

    push s with frequency f of M, offset c     n <- (n // f) M + c + n mod f          costs log2(M / f) bits
    pop                                        the inverse: r = n mod M names the symbol, n <- f (n // M) + r - c

An image is sent by popping its code from the message under q(z|x), which takes log2 1/q(z|x) bits off it, then pushing the image under
p(x|z) and the code under p(z). Read backwards, every step is undone, and the bits that were taken off are there again.

Codes are continuous, so each unit is cut into `CELLS` cells; a cell's probability is the difference of the normal distribution function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from s30.room import Array, Arrays, sibling

checks = sibling(__file__, "numpy_checks.py")

M = 1 << 48  # the sum of all frequencies
CELLS, LIMIT = 1 << 14, 8.0  # of one unit, and how far they reach
WIDTH = 2 * LIMIT / CELLS


def push(message: int, start: int, frequency: int, total: int = M) -> int:
    return (message // frequency) * total + start + message % frequency


def pop(message: int, start: int, frequency: int, total: int = M) -> int:
    return frequency * (message // total) + message % total - start


def bits(message: int) -> float:
    """log2 of the message, to the last digits of a double however long it is."""
    extra = max(0, message.bit_length() - 60)
    return math.log2(message >> extra) + extra


@dataclass(frozen=True)
class Cells:
    """A normal distribution over the cells of one unit, every cell with a frequency of at least one."""

    mean: float
    deviation: float

    def below(self, cell: int) -> int:
        """The sum of the frequencies of all cells before this one."""
        edge = (cell * WIDTH - LIMIT - self.mean) / self.deviation
        # the first cell reaches down to minus infinity, and the last one up to infinity
        share = float(cell > 0) if cell in (0, CELLS) else 0.5 * math.erfc(-edge / math.sqrt(2))
        return cell + int((M - CELLS) * share)

    def span(self, cell: int) -> tuple[int, int]:
        start = self.below(cell)
        return start, self.below(cell + 1) - start

    def at(self, place: int) -> int:
        """The cell whose span holds this place, by bisection."""
        low, high = 0, CELLS
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.below(middle) <= place else (low, middle)
        return low


def centre(cell: int) -> float:
    return (cell + 0.5) * WIDTH - LIMIT


def pixel_span(logit: float, pixel: int) -> tuple[int, int]:
    """Zeros come first; either has a frequency of at least one."""
    ones = min(M - 1, max(1, round(M / (1 + math.exp(-logit))))) if logit > -700 else 1
    return (M - ones, ones) if pixel else (0, M - ones)


@dataclass(frozen=True)
class Coder:
    """posterior(image) -> mean, sigma of every unit; prior(z, i) -> mean, sigma of unit i given those before; logits(image, z) -> the
    logit of every pixel, of which those at pixel i may ask for earlier pixels alone."""

    posterior: Callable[[Array], tuple[Array, Array]]
    prior: Callable[[Array, int], tuple[float, float]]
    logits: Callable[[Array, Array], Array]

    def send(self, message: int, image: Array) -> tuple[int, Array]:
        """The message with the image in it, and the code that it was sent by."""
        mean, sigma = self.posterior(image)
        cells = []
        for m, s in zip(mean.tolist(), sigma.tolist(), strict=True):
            unit = Cells(m, s)
            cells.append(unit.at(message % M))
            message = pop(message, *unit.span(cells[-1]))
        z = np.array([centre(cell) for cell in cells])
        logits, pixels = self.logits(image, z).ravel(), image.ravel()
        for i in reversed(range(len(pixels))):
            message = push(message, *pixel_span(float(logits[i]), int(pixels[i])))
        for i in reversed(range(len(cells))):
            message = push(message, *Cells(*self.prior(z, i)).span(cells[i]))
        return message, z

    def receive(self, message: int, shape: tuple[int, int]) -> tuple[int, Array]:
        """The message as it was before, and the image: pixel after pixel, each with what is known of those before it."""
        latent = len(self.posterior(np.zeros(shape))[0])
        cells, z = [], np.zeros(latent)
        for i in range(latent):
            unit = Cells(*self.prior(z, i))
            cells.append(unit.at(message % M))
            message, z[i] = pop(message, *unit.span(cells[-1])), centre(cells[-1])
        image = np.zeros(shape)
        for i in range(image.size):
            logit = float(self.logits(image, z).ravel()[i])
            pixel = int(message % M >= pixel_span(logit, 0)[1])
            message, image.flat[i] = pop(message, *pixel_span(logit, pixel)), pixel
        mean, sigma = self.posterior(image)
        for m, s, cell in reversed(list(zip(mean.tolist(), sigma.tolist(), cells, strict=True))):
            message = push(message, *Cells(m, s).span(cell))
        return message, image


def noise_of(length: int, rng: np.random.Generator) -> int:
    """A message of so many random bits, to take the first codes from."""
    return (1 << length) | int.from_bytes(rng.bytes(length // 8), "little")


def of_model(params: Arrays, config: dict[str, Any]) -> Coder:
    """The coder of a model with these parameters: its prior is that of the first flow, or the Gaussian."""

    def posterior(image: Array) -> tuple[Array, Array]:
        mean, log_sigma = checks.encode(params, image[None])
        return mean[0], np.exp(log_sigma[0])

    def prior(z: Array, i: int) -> tuple[float, float]:
        if not config["flows"]:
            return 0.0, 1.0
        # p(z_i | z_<i) = N(mu_i(z_<i), sigma_i(z_<i)^2)
        mu, log_scale = checks.shift_and_scale(params, 0, z * (np.arange(len(z)) < i))
        return float(mu[i]), float(np.exp(log_scale[i]))

    def logits(image: Array, z: Array) -> Array:
        features = checks.code_map(params, z[None, None], **config)
        found: Array = checks.decode(params, image[None], features, **config)[0, 0]
        return found

    return Coder(posterior, prior, logits)
