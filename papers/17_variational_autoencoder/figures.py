"""What the experiment draws (paper 17)."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Bars, Figure, Images, Panels

COLOURS = {
    "local": 0,
    "flow": 1,
    "iaf": 2,
    "alone": 3,
    "factorised": 4,
    "shuffled": 5,
    "recurrent": 6,
    "recurrent told": 7,
    "explained": 8,
}


def drawn(metrics: dict[str, list[float]], shown: dict[str, Array]) -> dict[str, Figure]:
    return {"code": code(metrics), "decompressions": decompressions(shown)}


def code(metrics: dict[str, list[float]]) -> Panels:
    """What is left to the code, and what an image costs."""

    def bars(title: str, prefix: str, caption: str, references: dict[str, float]) -> Bars:
        found = {
            name.removeprefix(prefix).replace("_", " "): value
            for name, value in metrics.items()
            if name.startswith(prefix)
        }
        found = {name: value for name, value in found.items() if name in COLOURS}
        return Bars(
            title, "nats for an image", {name: float(np.mean(value)) for name, value in found.items()},
            {name: float(np.ptp(value)) / 2 for name, value in found.items()}, caption=caption, colours=COLOURS, references=references,
        )  # fmt: skip

    return Panels(
        "What the code holds, and what an image costs",
        [
            bars("in the code", "kl_", "mean divergence of q(z|x) from the prior", {}),
            bars("in all", "cost_", "negative bound on test images", {"pixels apart": float(np.mean(metrics["cost_pixels"]))}),
        ],
        caption="The GRU that is told of the code once leaves next to nothing in it; told at every pixel it does not. A window of four "
        "pixels leaves some nats to the code, a window of no pixel more. Where the encoder saw other images the code is all but empty.",
    )  # fmt: skip


def decompressions(shown: dict[str, Array]) -> Images:
    """Eight columns of three: an image, and what either decoder draws from its code, with grey lines between."""
    rows = [
        np.pad(shown[key], ((0, 0), (0, 1), (0, 0)), constant_values=0.5) for key in ("images", "local", "recurrent")
    ]
    large = np.concatenate(rows, 1)[:, :-1].repeat(2, 1).repeat(2, 2)  # drawn as pictures: cells would be many
    return Images(
        "Test images, and one decompression of each", list(large), columns=8,
        caption="Upper row: test images. Below each one a draw from p(x|z), z from the encoder that saw it: by the window of 3 x 3, which "
        "keeps some of the form, and in the lowest row by the GRU that is told of the code once, whose draws have nothing to do with it.",
    )  # fmt: skip
