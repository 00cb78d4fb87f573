r"""The figures of the experiment (`task.py`). A model has one colour in all of them."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Bars, Figure, Images, Lines, Panels

COLOURS = {"dilated": 0, "undilated": 1, "random": 2, "front end": 3, "blind": 4}
READABLE = {"dilated": "dilated", "undilated": "undilated", "random": "random", "front": "front end"}
SMOOTH = 10  # updates in one point of a curve


def drawn(
    metrics: Mapping,
    losses: Mapping[str, list[Array]],
    shown: Mapping[str, Array],
    ladders: Mapping[str, tuple[int, ...]],
    ceiling: float,
) -> dict[str, Figure]:
    """losses: by net a list over seeds of (update,); shown: labels and what two nets named, (scene, height, width)."""
    return {
        "context": Panels(
            "Test scenes, by how far the deciding context is from what it decides",
            [_bars(place, metrics, ceiling) for place in ("near", "far")],
            caption="Intersection over union, a mean over five classes (blind: three, ceiling 5/9); mean and standard deviation over five "
            "starts. Where "
            "the square that tells boats from cars is near, the undilated module of equal size learns too. Where it "
            "is 6 to 8 pixels away, beyond the 5 that the undilated module sees, no module of that field can exceed the line; "
            "the dilated one does. From random weights the same module is far behind after as many updates.",
        ),
        "paths": Lines(
            "Paths from an entry to an output, along one axis",
            "distance from the output",
            "paths",
            {name: _paths(ladder) for name, ladder in ladders.items()},
            log_y=True,
            markers=True,
            colours=COLOURS,
            caption="Five layers of three taps have 243 paths each. Without dilation they crowd in the middle and end at 5; with "
            "dilations 1, 1, 2, 4, 1 they are spread evenly and end at 9. No entry in between is without a path.",
        ),
        "learning_curves": Lines(
            "Loss of the minibatches",
            "update",
            "nats per pixel",
            {READABLE[net]: _smooth(np.mean(runs, axis=0)) for net, runs in losses.items()},
            log_y=True,
            colours=COLOURS,
            bands={READABLE[net]: _band(np.array(runs)) for net, runs in losses.items()},
            caption="Means over five starts, each point over ten updates; bands from the least to the greatest start. From the "
            "identity start the loss falls at once; from random weights it falls more slowly.",
        ),
        "scene": Images(
            "One pair of test scenes, vehicles far from the square",
            [np.kron(_shade(shown[what][scene]), np.ones((4, 4))) for scene in _pair(shown["labels"])
             for what in ("labels", "dilated", "undilated", "random")],
            [f"{where}: {what}" for where in ("water", "road")
             for what in ("labels", "dilated", "plain", "random")],
            columns=4,
            signed=True,
            caption="Ground and pixels without a label are white; of water (above) and road (below) in the strongest colours, boats and "
            "cars have the paler one. Nothing but the square differs between the rows. The undilated module, «plain», names "
            "the far vehicles of both rows alike, as it must.",
        ),
    }  # fmt: skip


def _shade(classes: Array) -> Array:
    """Ground 0, water -1, road 1, boats -1/2, cars 1/2; 0 where there is no label."""
    return np.array([0.0, -1.0, 1.0, -0.5, 0.5, 0.0])[np.minimum(classes, 5)]


def _pair(labels: Array) -> tuple[int, int]:
    """The pair with the most vehicles, by the numbers of its scenes."""
    first = int((labels[: len(labels) // 2] == 3).sum((1, 2)).argmax())
    return first, first + len(labels) // 2


def _bars(place: str, metrics: Mapping, ceiling: float) -> Bars:
    found = {label: metrics[f"{net}_{place}_iou"] for net, label in READABLE.items()}
    if place == "far":
        found["blind"] = metrics["blind_iou"]
    values = {label: round(float(np.mean(value)), 2) for label, value in found.items()}
    spread = {label: float(np.std(value)) for label, value in found.items()}
    references = {"without seeing it, 11/15": ceiling} if place == "far" else {}
    return Bars(place, "IoU", values, spread, None, colours=COLOURS, references=references)


def _paths(ladder: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """Coefficients of the product of x^-d + 1 + x^d."""
    counts = np.ones(1)
    for dilation in ladder:
        taps = np.zeros(2 * dilation + 1)
        taps[::dilation] = 1.0
        counts = np.convolve(counts, taps)
    far = len(counts) // 2
    return [float(x) for x in range(-far, far + 1)], counts.tolist()


def _smooth(losses: Array) -> tuple[list[float], list[float]]:
    means = losses[: len(losses) // SMOOTH * SMOOTH].reshape(-1, SMOOTH).mean(1)
    return [SMOOTH * (i + 0.5) for i in range(len(means))], means.tolist()


def _band(runs: Array) -> tuple[list[float], list[float]]:
    smooth = np.array([_smooth(run)[1] for run in runs])
    return smooth.min(0).tolist(), smooth.max(0).tolist()
