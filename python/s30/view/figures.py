"""Draws the figures of an experiment as SVG that is the same to the byte on every run.

Figures arrive as JSON (`kind` and the fields of the classes in `vocabulary`), so that no framework's process needs
matplotlib and no drawing process needs a framework.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from s30.errors import S30Error
from s30.view.drawing import DRAWERS, SIZES

LARGEST = 100_000  # bytes of a figure
VISIBLE = 1 / 100  # of an axis or a scale of colours, about two points of a drawing


def named(drawings: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Mapping[str, Any] | None]:
    """Figures by layer and name -> by the name of their file: NAME where all layers draw what looks the same, else
    LAYER-NAME. None stands for a file that has no place beside the others."""
    files: dict[str, Mapping[str, Any] | None] = {}
    for figure in (figure for figures in drawings.values() for figure in figures.values()):
        _check(figure)
    for name in dict.fromkeys(name for figures in drawings.values() for name in figures):
        of_layers = {f"{layer}-{name}": figures[name] for layer, figures in drawings.items() if name in figures}
        first, *others = of_layers.values()
        if others and all(_alike(first, other) for other in others):
            files |= {name: first, **dict.fromkeys(of_layers)}
        else:
            files |= of_layers | ({name: None} if others else {})
    return files


def _check(figure: Mapping[str, Any]) -> None:
    """Raises S30Error when an image is no matrix: colours, say, on a third axis."""
    for panel in figure["panels"] if figure["kind"] == "Panels" else [figure]:
        for number, image in enumerate(panel["images"] if panel["kind"] == "Images" else [], 1):
            if any(isinstance(value, list) for row in image for value in row):
                raise S30Error(
                    f"the figure «{panel['title']}»: image {number} has more axes than (height, width), for greys alone"
                )


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether no word and no number that is written out differs, and no point lies visibly elsewhere."""
    if one["kind"] == other["kind"] == "Panels":
        same = len(one["panels"]) == len(other["panels"]) and all(map(_alike, one["panels"], other["panels"]))
        return same and {**one, "panels": 0} == {**other, "panels": 0}
    (words, here), (others, there) = _drawn(one), _drawn(other)
    if words != others or [len(axis) for axis, _ in here] != [len(axis) for axis, _ in there]:
        return False
    pairs = ((a, b, length) for (x, length), (y, _) in zip(here, there, strict=True) for a, b in zip(x, y, strict=True))
    return all(abs(a - b) <= VISIBLE * length for a, b, length in pairs)


def _drawn(figure: Mapping[str, Any]) -> tuple[Any, list[tuple[list[float], float]]]:
    """Of a figure all that must be equal, and by axis the values that are drawn and its length."""
    kind, rest = figure["kind"], {name: value for name, value in figure.items() if name not in ("values", "errors")}
    if kind == "Lines":
        rest["series"] = {label: x for label, (x, _) in figure["series"].items()}
        rest["bands"] = list(figure.get("bands", {}))
        values = [value for _, y in figure["series"].values() for value in y]
        values += [value for band in figure.get("bands", {}).values() for edge in band for value in edge]
        values = [math.log(max(value, 1e-300)) for value in values] if figure["log_y"] else values
    elif kind == "Scatter":
        rest["series"] = list(figure["series"])
        axes = [[value for points in figure["series"].values() for value in points[axis]] for axis in (0, 1)]
        return rest, [(axis, max(axis) - min(axis)) for axis in axes]
    elif kind == "Graph":
        return rest, []
    elif kind == "Bars":
        values = [*figure["values"].values(), *figure["errors"].values()]
        low, high = figure["y_limits"] or (0.0, max(values))
        return (rest, [f"{label} {v:#.3g}" for label, v in figure["values"].items()]), [(values, high - low)]
    else:
        rows = [figure["values"]] if kind == "Heatmap" else rest.pop("images")
        cells = [value for row in rows for cells in row for value in cells]
        rest["blank"] = [(len(row), value is None) for row in rows for value in cells]
        rest["written"] = [f"{value:.3g}" for value in cells if value is not None] if figure.get("annotate") else []
        values = [value for value in cells if value is not None]
    return rest, [(values, max(values) - min(values) if values else 0.0)]


def svg(figure: Mapping[str, Any]) -> bytes:
    """The figure as SVG, which says in `<title>` and `<desc>` what it shows.

    Raises S30Error without matplotlib, for an unknown kind, or when the file would be larger than LARGEST.
    """
    try:
        import matplotlib
    except ImportError:
        raise S30Error("figures need matplotlib: run `make setup`") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    kind = figure.get("kind", "")
    if kind not in DRAWERS:
        raise S30Error(f"no figure is of kind {kind!r}")
    settings = {
        "svg.hashsalt": "s30",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever the user's matplotlibrc says
        matplotlib.rcParams.update(settings)
        drawing = plt.figure(figsize=SIZES[kind](figure))
        DRAWERS[kind](drawing, figure)
        _write_caption(drawing, figure.get("caption", ""))
        buffer = io.BytesIO()
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        plt.close(drawing)
    drawn = _described(buffer.getvalue(), figure["title"], figure.get("caption", ""))
    if len(drawn) > LARGEST:
        raise S30Error(
            f"the figure «{figure['title']}» takes {len(drawn):,} bytes, more than {LARGEST:,}: draw less of it"
        )
    return drawn


def _write_caption(drawing: Any, caption: str) -> None:
    """Under all that is drawn, in lines as wide as it."""
    if caption:
        drawn = drawing.get_tightbbox(drawing.canvas.get_renderer())  # inches
        width, height = drawing.get_size_inches()
        lines = textwrap.fill(" ".join(caption.split()), max(40, int(14.5 * drawn.width)))
        drawing.text(drawn.x0 / width, (drawn.y0 - 0.12) / height, lines, ha="left", va="top", fontsize=8, color="0.2")


def _described(drawn: bytes, title: str, caption: str) -> bytes:
    """With what a reader is told who cannot see the drawing, in front of it."""
    start = drawn.index(b"<svg")
    end = drawn.index(b">", start)
    words = f"<title>{escape(' '.join(title.split()))}</title>"
    words += f"<desc>{escape(' '.join(caption.split()))}</desc>" if caption else ""
    return drawn[:end] + b' role="img">' + words.encode() + drawn[end + 1 :]
