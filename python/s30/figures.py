"""Draws the figures of an experiment as SVG that is the same to the byte on every run.

Figures arrive as JSON (`kind` and the fields of the classes in `vocabulary`), so that no framework's process needs
matplotlib and no drawing process needs a framework.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import Any

from s30.errors import S30Error

# Okabe and Ito's palette, distinguishable with colour-blind eyes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def svg(figure: Mapping[str, Any]) -> bytes:
    """The figure as SVG. Raises S30Error without matplotlib or for an unknown kind."""
    try:
        import matplotlib
    except ImportError:
        raise S30Error("figures need matplotlib: run `make setup`") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    draw = _DRAWERS.get(figure.get("kind", ""))
    if draw is None:
        raise S30Error(f"no figure is of kind {figure.get('kind')!r}")
    settings = {
        "svg.hashsalt": "s30",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever the user's matplotlibrc says
        matplotlib.rcParams.update(settings)
        drawing = draw(plt, figure)
        buffer = io.BytesIO()
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        plt.close(drawing)
    return buffer.getvalue()


def _lines(plt: Any, figure: Mapping[str, Any]) -> Any:
    drawing, axes = plt.subplots(figsize=(5.2, 3.2))
    for label, (x, y) in figure["series"].items():
        axes.plot(x, y, label=label, linewidth=1.4, marker="o" if figure["markers"] else None, markersize=3)
    if figure["log_x"]:
        axes.set_xscale("log")
    if figure["log_y"]:
        axes.set_yscale("log")
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    axes.grid(alpha=0.25, linewidth=0.5)
    if len(figure["series"]) > 1:
        axes.legend(frameon=False)
    return drawing


def _bars(plt: Any, figure: Mapping[str, Any]) -> Any:
    drawing, axes = plt.subplots(figsize=(max(3.2, 0.9 * len(figure["values"])), 3.0))
    names, heights = list(figure["values"]), list(figure["values"].values())
    whiskers = [figure["errors"].get(name, 0.0) for name in names]
    axes.bar(
        range(len(names)), heights, yerr=whiskers if any(whiskers) else None, color=COLOURS[0], capsize=3, width=0.6
    )
    for place, height in enumerate(heights):
        axes.annotate(
            f"{height:.3g}",
            (place, height),
            ha="center",
            va="bottom",
            xytext=(0, 2),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xticks(range(len(names)), names)
    axes.set(title=figure["title"], ylabel=figure["y_label"])
    if figure["y_limits"]:
        axes.set_ylim(*figure["y_limits"])
    return drawing


def _images(plt: Any, figure: Mapping[str, Any]) -> Any:
    images = figure["images"]
    columns = min(figure["columns"], len(images))
    rows = math.ceil(len(images) / columns)
    drawing, grid = plt.subplots(rows, columns, figsize=(1.1 * columns, 1.3 * rows), squeeze=False)
    for place, axes in enumerate(grid.flat):
        axes.axis("off")
        if place < len(images):
            axes.pcolormesh(images[place], cmap="gray_r", linewidth=0)
            axes.set_aspect("equal")
            axes.invert_yaxis()
            if place < len(figure["captions"]):
                axes.set_title(figure["captions"][place], fontsize=7)
    drawing.suptitle(figure["title"], y=1.02)
    return drawing


def _heatmap(plt: Any, figure: Mapping[str, Any]) -> Any:
    values, rows, columns = figure["values"], figure["rows"], figure["columns"]
    drawing, axes = plt.subplots(figsize=(1.6 + 0.28 * len(values[0]), 1.2 + 0.24 * len(values)))
    mesh = axes.pcolormesh(values, cmap="viridis", linewidth=0)
    axes.invert_yaxis()
    axes.set_xticks(
        [i + 0.5 for i in range(len(columns))], columns, rotation=90 if max(map(len, columns), default=0) > 2 else 0
    )
    axes.set_yticks([i + 0.5 for i in range(len(rows))], rows)
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    if figure["annotate"]:
        middle = (max(map(max, values)) + min(map(min, values))) / 2
        for i, row in enumerate(values):
            for j, value in enumerate(row):
                axes.text(
                    j + 0.5,
                    i + 0.5,
                    f"{value:.3g}",
                    ha="center",
                    va="center",
                    fontsize=6,
                    color="white" if value < middle else "black",
                )
    drawing.colorbar(mesh, ax=axes)
    return drawing


_DRAWERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "Lines": _lines,
    "Bars": _bars,
    "Images": _images,
    "Heatmap": _heatmap,
}
