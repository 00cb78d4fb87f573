"""The figures of the experiment (`task.py`). A unit has one colour in all of them."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Arrays, Bars, Figure, Lines, Panels

NAMES = {
    "original_slow": "identity",
    "half_slow": "half",
    "convolution_slow": "1x1 conv",
    "dropout_slow": "dropout",
    "full_slow": "full",
    "original_fast": "identity, 0.4",
    "full_fast": "full, 0.4",
}
COLOURS = {"identity": 0, "half": 1, "1x1 conv": 2, "full": 3, "dropout": 4, "plain": 5}
CHANCE = {"chance, ln 10": float(np.log(10.0))}
PATHS = {  # of Jacobians: all but the last are of pre-activated units
    "identity": "full",
    "halved": "half",
    "plain": "plain",
    "rectified": "identity",
}
SHOWN = {"identity": 40, "halved": 6, "plain": 6, "rectified": 40}  # units back, before chance drowns the mean


def drawn(metrics: Mapping, curves: Mapping[str, list[float]], back: Mapping[str, Arrays]) -> dict[str, Figure]:
    """curves (update,) of minibatch losses; back holds `norm` and `kept` (net, signal) of gradients before training."""
    shortcuts = ("original_slow", "half_slow", "convolution_slow", "dropout_slow")
    activations = ("original_slow", "full_slow", "original_fast", "full_fast")
    return {
        "training": Panels(
            "Loss of each minibatch, 12 units",
            [
                _lines("Shortcuts, at a rate of 0.02", curves, shortcuts),
                _lines("Activations, at 0.02 and 0.4", curves, activations),
            ],
            caption="Means over the nets, smoothed over five updates. Left: a shortcut that is halved, convolved or dropped at "
            "random in each unit leaves the net near chance. Right: the pre-activated unit, «full», learns less than the "
            "original one, «identity», at the low rate, and ends lowest of all at the high one.",
        ),
        "losses": Bars(
            "Training loss after 48 updates",
            "nats",
            {name: round(float(np.mean(metrics[f"{run}_loss"])), 2) for run, name in NAMES.items()},
            {name: round(float(np.std(metrics[f"{run}_loss"])), 2) for run, name in NAMES.items()},
            colours=COLOURS,
            references=CHANCE,
            caption="Means and standard deviations over the nets; a rate of 0.02 where nothing is said of it. «Full» is the "
            "pre-activated unit, whose shortcuts are the identity too.",
        ),
        "jacobians": Panels(
            "The product of Jacobians along 54 units, before training",
            [_stretch(back), _kept(back)],
            caption="A random gradient at the last signal, sent back. Left: with identity shortcuts it grows some 25 times over "
            "54 units, with halved ones or none (plain) beyond 10,000 times. Right: its part along itself, 1 with pre-activation "
            "(full), 1/2 to the power of n when that is halved. «Identity» alone has ReLU behind the addition, which wears it away.",
        ),
    }


def _lines(title: str, curves: Mapping[str, list[float]], runs: tuple[str, ...]) -> Lines:
    series = {
        NAMES[run]: (list(range(1, len(curves[run]) + 1)), [round(float(np.mean(curves[run][max(0, end - 5) : end])), 3)
                                                            for end in range(1, len(curves[run]) + 1)])
        for run in runs
    }  # fmt: skip
    return Lines(title, "update", "nats", series, colours=COLOURS, references=CHANCE)


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _stretch(back: Mapping[str, Arrays]) -> Lines:
    """|g_l| / |g_L| by the number of units between, geometric means."""
    series, bands = {}, {}
    for path, found in back.items():
        norms = found["norm"][:, ::-1]  # (net, units back)
        series[PATHS[path]] = (list(range(norms.shape[1])), _rounded(np.exp(np.log(norms).mean(0))))
        bands[PATHS[path]] = (_rounded(norms.min(0)), _rounded(norms.max(0)))
    return Lines(
        "Its size", "units back", "norm over the last signal's", series, log_y=True, colours=COLOURS, bands=bands
    )


def _kept(back: Mapping[str, Arrays]) -> Lines:
    series = {}
    for path, found in back.items():
        kept = found["kept"][:, ::-1].mean(0)[: SHOWN[path] + 1]
        series[PATHS[path]] = (list(range(len(kept))), _rounded(kept))
    return Lines(
        "Its part along itself",
        "units back",
        "times itself",
        series,
        colours=COLOURS,
        references={"1, equation 5": 1.0},
    )
