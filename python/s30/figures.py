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

from s30.drawing import DRAWERS, SIZES
from s30.errors import S30Error

DIGITS = 5e-4  # relative; figures whose numbers differ by less are one
LARGEST = 100_000  # bytes of a figure


def named(drawings: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, Mapping[str, Any] | None]:
    """Figures by layer and name -> by the name of their file: NAME where all layers draw the same, else LAYER-NAME.

    None stands for a file that has no place beside the others.
    """
    files: dict[str, Mapping[str, Any] | None] = {}
    for name in dict.fromkeys(name for figures in drawings.values() for name in figures):
        of_layers = {f"{layer}-{name}": figures[name] for layer, figures in drawings.items() if name in figures}
        first, *others = of_layers.values()
        if others and all(_same(first, other) for other in others):
            files |= {name: first, **dict.fromkeys(of_layers)}
        else:
            files |= of_layers | ({name: None} if others else {})
    return files


def _same(one: Any, other: Any, least: float = 0.0) -> bool:
    """Whether two figures, or parts of them, differ in no word and in no digit that shows. `least` is an absolute margin,
    for values that are small beside the others of their list on a linear scale."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        least = -1.0 if one.get("log_y") or least < 0 else 0.0  # on a logarithmic scale every digit shows
        return list(one) == list(other) and all(_same(one[name], other[name], least) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        numbers = [abs(value) for value in one if isinstance(value, (int, float))]
        margin = least if least < 0 or not numbers else DIGITS * max(numbers)
        return len(one) == len(other) and all(_same(a, b, margin) for a, b in zip(one, other, strict=True))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=DIGITS, abs_tol=max(least, 0.0))
    return bool(one == other)


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
