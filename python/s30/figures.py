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


DIGITS = 5e-4  # relative; figures whose numbers differ by less are one


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
    style: dict[str, Any] = {"marker": "o" if figure["markers"] or not figure["joined"] else None, "markersize": 3}
    style |= {"linewidth": 1.4, "linestyle": "-" if figure["joined"] else "none"}
    for label, (x, y) in figure["series"].items():
        axes.plot(x, y, label=label, **style)
    if figure["log_x"]:
        axes.set_xscale("log")
    if figure["log_y"]:
        axes.set_yscale("log")
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    axes.grid(alpha=0.25, linewidth=0.5)
    if len(figure["series"]) > 1:  # beside the axes, where it covers no curve
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawing


def _bars(plt: Any, figure: Mapping[str, Any]) -> Any:
    drawing, axes = plt.subplots(figsize=(max(3.2, 0.9 * len(figure["values"])), 3.0))
    names, heights, limits = list(figure["values"]), list(figure["values"].values()), figure["y_limits"]
    places, whiskers = range(len(names)), [figure["errors"].get(name, 0.0) for name in names]
    if limits and limits[0] > 0:
        axes.plot(places, heights, "o", color=COLOURS[0])
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        axes.bar(places, heights, color=COLOURS[0], width=0.6)
    for place, height, whisker in zip(places, heights, whiskers, strict=True):
        if whisker:
            axes.errorbar(place, height, whisker, color="black", capsize=3, linewidth=1)
        above = (0, 5 if limits and limits[0] > 0 and not whisker else 2)
        at = (place, height + whisker)
        axes.annotate(f"{height:#.3g}", at, above, textcoords="offset points", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(places, names)
    axes.set(title=figure["title"], ylabel=figure["y_label"])
    if limits:
        axes.set_ylim(*limits)
    else:
        axes.margins(y=0.12)  # room for the numbers
    return drawing


def _images(plt: Any, figure: Mapping[str, Any]) -> Any:
    images = figure["images"]
    columns = min(figure["columns"], len(images))
    rows = math.ceil(len(images) / columns)
    drawing, grid = plt.subplots(rows, columns, figsize=(1.1 * columns, 1.3 * rows), squeeze=False)
    scale: dict[str, Any] = {"cmap": "gray_r"}
    if figure["signed"]:
        largest = max(abs(value) for image in images for row in image for value in row)
        scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    for place, axes in enumerate(grid.flat):
        axes.set(xticks=[], yticks=[], frame_on=place < len(images))
        if place < len(images):
            axes.spines[["top", "right"]].set_visible(True)  # where the image ends, on a white page
            mesh = axes.pcolormesh(images[place], linewidth=0, **scale)
            axes.set_aspect("equal")
            axes.invert_yaxis()
            if place < len(figure["captions"]):
                axes.set_title(figure["captions"][place], fontsize=7)
    if figure["signed"]:
        drawing.colorbar(mesh, ax=grid, shrink=0.8)
    drawing.suptitle(figure["title"], y=1.02)
    return drawing


def _heatmap(plt: Any, figure: Mapping[str, Any]) -> Any:
    values, rows, columns = figure["values"], figure["rows"], figure["columns"]
    known = [value for row in values for value in row if value is not None]
    low, high = figure["limits"] or (min(known), max(known))
    drawing, axes = plt.subplots(figsize=(1.6 + 0.28 * len(values[0]), 1.2 + 0.24 * len(values)))
    drawn = [[math.nan if value is None else value for value in row] for row in values]
    mesh = axes.pcolormesh(drawn, cmap="viridis", linewidth=0, vmin=low, vmax=high)
    axes.invert_yaxis()
    axes.set_xticks(
        [i + 0.5 for i in range(len(columns))], columns, rotation=90 if max(map(len, columns), default=0) > 2 else 0
    )
    axes.set_yticks([i + 0.5 for i in range(len(rows))], rows)
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    for i, row in enumerate(values if figure["annotate"] else ()):
        for j, value in enumerate(row):
            if value is not None:
                colour = "white" if value < (low + high) / 2 else "black"
                axes.text(j + 0.5, i + 0.5, f"{value:.3g}", ha="center", va="center", fontsize=6, color=colour)
    drawing.colorbar(mesh, ax=axes)
    return drawing


_DRAWERS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "Lines": _lines,
    "Bars": _bars,
    "Images": _images,
    "Heatmap": _heatmap,
}
