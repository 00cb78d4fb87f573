"""What the decoder makes of a code: «one random decompression», z from the encoder, then one pixel after another from p(x_i | z, x_<i)
(paper 17, section 4.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, sibling

checks = sibling(__file__, "numpy_checks.py")


def draw(params: Arrays, code: Array, chances: Array, config: dict[str, Any]) -> Array:
    """code (image, latent), chances (image, height, width) in (0, 1): a pixel is 1 where its chance is below its probability."""
    images = np.zeros(chances.shape)
    features = checks.code_map(params, code[:, None], **config)  # (image, 1, map, height, width)
    hidden = np.zeros((len(code), 1, config["channels"]))
    for i in range(chances[0].size):
        row, column = divmod(i, chances.shape[2])
        if config["decoder"] == "recurrent":
            before = images.reshape(len(images), -1)[:, i - 1] if i else np.zeros(len(images))
            x = np.concatenate([before[:, None, None], features[..., row, column]], -1)
            hidden = checks.gru(params, x, hidden)
            logit = checks.affine(params, "output", hidden)[:, 0, 0]
        else:
            # the rows and columns from which masks reach this pixel
            far = config["layers"] * (config["kernel"] // 2)
            rows, columns = slice(max(0, row - far), row + 1), slice(max(0, column - far), column + far + 1)
            near = checks.decode(params, images[:, rows, columns], features[..., rows, columns], **config)
            logit = near[:, 0, -1, column - columns.start]
        images[:, row, column] = chances[:, row, column] < checks.sigmoid(logit)
    return images


def agreement(images: Array, drawn: Array) -> tuple[float, float]:
    """Share of pixels that a decompression has in common with its own image, and with the images of others, all of them."""
    ink, other = images.reshape(len(images), -1), drawn.reshape(len(drawn), -1)
    shares = (ink[:, None] == other[None]).mean(-1)  # (image, decompression)
    own = np.eye(len(ink), dtype=bool)
    return float(shares[own].mean()), float(shares[~own].mean())
