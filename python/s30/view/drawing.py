"""How each kind of figure is drawn, on a figure of matplotlib's or on a part of one. A figure is JSON: see `figures`.

`SIZES` tells the inches that a kind takes, `DRAWERS` draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

# Okabe and Ito's palette, distinguishable with colour-blind eyes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STROKES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))  # of labels that share a colour
QUIET = "0.35"  # of what is no measurement: references, arrows
LETTERS = 9  # of the name under a bar, before it is broken between words
RASTER = 400  # cells, above which a matrix is embedded as an image of one pixel per cell
Json = Mapping[str, Any]


def styles(labels: Iterable[str], chosen: Mapping[str, int]) -> dict[str, tuple[str, Any]]:
    """The colour and the stroke of each label. What `chosen` does not name takes the places that it leaves, in order."""
    labels, places = list(labels), {}
    for label in labels:
        heads = [head for head in chosen if label == head or label.startswith((f"{head},", f"{head} "))]
        if heads:
            places[label] = chosen[max(heads, key=len)] % len(COLOURS)
    taken = {*places.values()}
    left = [place for place in range(len(COLOURS)) if place not in taken] or [*range(len(COLOURS))]
    for number, label in enumerate(label for label in labels if label not in places):
        places[label] = left[number % len(left)]
    seen: dict[int, int] = {}
    found: dict[str, tuple[str, Any]] = {}
    for label in labels:
        seen[places[label]] = number = seen.get(places[label], -1) + 1
        found[label] = COLOURS[places[label]], STROKES[number % len(STROKES)]
    return found


def _finish(axes: Any, figure: Json) -> None:
    """Scales, titles, references and the legend of curves and points."""
    if figure["log_x"]:
        axes.set_xscale("log")
    if figure["log_y"]:
        axes.set_yscale("log")
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    axes.grid(alpha=0.25, linewidth=0.5)
    _references(axes, figure)
    if len(figure["series"]) > 1:  # beside the axes, where it covers no curve
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _references(axes: Any, figure: Json) -> None:
    quiet = {"color": QUIET, "linewidth": 0.9, "linestyle": (0, (4, 2))}
    box = {
        "facecolor": "white",
        "alpha": 0.7,
        "linewidth": 0,
        "pad": 0.5,
    }  # over a curve or a bar it is read all the same
    words = {"fontsize": 7, "color": QUIET, "textcoords": "offset points", "bbox": box}
    for label, value in figure.get("references", {}).items():
        axes.axhline(value, **quiet)
        at = (1.0, value)
        axes.annotate(label, at, (-2, 2), xycoords=axes.get_yaxis_transform(), ha="right", va="bottom", **words)
    for label, value in figure.get("x_references", {}).items():
        axes.axvline(value, **quiet)
        at = (value, 1.0)
        place = {"ha": "right", "va": "top", "rotation": 90}
        axes.annotate(label, at, (-2, -2), xycoords=axes.get_xaxis_transform(), **place, **words)


def _lines(drawing: Any, figure: Json) -> None:
    axes = drawing.subplots()
    look: Json = {"marker": "o" if figure["markers"] or not figure["joined"] else None, "markersize": 3}
    chosen = styles(figure["series"], figure.get("colours", {}))
    for label, (x, y) in figure["series"].items():
        colour, stroke = chosen[label]
        stroke = stroke if figure["joined"] else "none"
        axes.plot(x, y, label=label, color=colour, linestyle=stroke, linewidth=1.4, **look)
        if label in figure.get("bands", {}):
            axes.fill_between(x, *figure["bands"][label], color=colour, alpha=0.18, linewidth=0)
    _finish(axes, figure)


def _scatter(drawing: Any, figure: Json) -> None:
    axes = drawing.subplots()
    chosen = styles(figure["series"], figure["colours"])
    for label, (x, y) in figure["series"].items():
        axes.plot(x, y, label=label, color=chosen[label][0], linestyle="none", marker="o", markersize=3, alpha=0.8)
        for word, *at in zip(figure["names"].get(label, ()), x, y, strict=False):
            axes.annotate(word, at, (3, 2), textcoords="offset points", fontsize=6)
    if figure["diagonal"]:
        both = [value for x, y in figure["series"].values() for value in (*x, *y)]
        axes.plot([min(both), max(both)], [min(both), max(both)], color=QUIET, linewidth=0.9)
    _finish(axes, figure)


def _bars(drawing: Any, figure: Json) -> None:
    axes = drawing.subplots()
    names, heights, limits = list(figure["values"]), list(figure["values"].values()), figure["y_limits"]
    places, whiskers = range(len(names)), [figure["errors"].get(name, 0.0) for name in names]
    fixed = figure.get("colours", {})
    colours = [colour for colour, _ in styles(names, fixed).values()] if fixed else [COLOURS[0]] * len(names)
    if limits and limits[0] > 0:
        for place, height, colour in zip(places, heights, colours, strict=True):
            axes.plot(place, height, "o", color=colour)
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        axes.bar(places, heights, color=colours, width=0.6)
    for place, height, whisker in zip(places, heights, whiskers, strict=True):
        if whisker:
            axes.errorbar(place, height, whisker, color="black", capsize=3, linewidth=1)
        above = (0, 5 if limits and limits[0] > 0 and not whisker else 2)
        at = (place, height + whisker)
        axes.annotate(f"{height:#.3g}", at, above, textcoords="offset points", ha="center", va="bottom", fontsize=8)
    axes.set_xticks(places, [fill(name, LETTERS, break_long_words=False) for name in names])
    axes.set(title=figure["title"], ylabel=figure["y_label"])
    if limits:
        axes.set_ylim(*limits)
    else:
        axes.margins(y=0.12)  # room for the numbers
    _references(axes, figure)


def _cells(axes: Any, values: Sequence[Sequence[float | None]], **scale: Any) -> Any:
    """A matrix with its first row above, each cell one unit wide: as paths while they are few, else as one image."""
    drawn = [[math.nan if value is None else value for value in row] for row in values]
    height, width = len(drawn), len(drawn[0])
    if height * width <= RASTER:
        mesh = axes.pcolormesh(drawn, linewidth=0, **scale)
        axes.invert_yaxis()
        return mesh
    return axes.imshow(drawn, interpolation="none", aspect="auto", extent=(0, width, height, 0), **scale)


def _images(drawing: Any, figure: Json) -> None:
    images = figure["images"]
    columns = min(figure["columns"], len(images))
    grid = drawing.subplots(math.ceil(len(images) / columns), columns, squeeze=False)
    scale: dict[str, Any] = {"cmap": "gray_r"}
    if figure["signed"]:
        largest = max(abs(value) for image in images for row in image for value in row)
        scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    for place, axes in enumerate(grid.flat):
        axes.set(xticks=[], yticks=[], frame_on=place < len(images))
        if place < len(images):
            axes.spines[["top", "right"]].set_visible(True)  # where the image ends, on a white page
            mesh = _cells(axes, images[place], **scale)
            axes.set_aspect("equal")
            if place < len(figure["captions"]):
                axes.set_title(figure["captions"][place], fontsize=7)
    if figure["signed"]:
        drawing.colorbar(mesh, ax=grid, shrink=0.8)
    drawing.suptitle(figure["title"], y=1.02)


def _heatmap(drawing: Any, figure: Json) -> None:
    axes = drawing.subplots()
    values, rows, columns = figure["values"], figure["rows"], figure["columns"]
    known = [value for row in values for value in row if value is not None]
    low, high = figure["limits"] or (min(known), max(known))
    mesh = _cells(axes, values, cmap="viridis", vmin=low, vmax=high)
    turned = 90 if max(map(len, columns), default=0) > 2 else 0
    for set_ticks, labels, look in ((axes.set_xticks, columns, {"rotation": turned}), (axes.set_yticks, rows, {})):
        named = [(place + 0.5, label) for place, label in enumerate(labels) if label]
        set_ticks([place for place, _ in named], [label for _, label in named], **look)
    axes.set(title=figure["title"], xlabel=figure["x_label"], ylabel=figure["y_label"])
    for i, row in enumerate(values if figure["annotate"] else ()):
        for j, value in enumerate(row):
            if value is not None:
                colour = "white" if value < (low + high) / 2 else "black"
                axes.text(j + 0.5, i + 0.5, f"{value:.3g}", ha="center", va="center", fontsize=6, color=colour)
    drawing.colorbar(mesh, ax=axes)


def _graph(drawing: Any, figure: Json) -> None:
    from matplotlib.text import OffsetFrom

    axes = drawing.subplots()
    nodes, edges = figure["nodes"], [tuple(edge) for edge in figure["edges"]]
    words = {"ha": "center", "va": "center", "fontsize": 8, "textcoords": "offset points"}
    middles = {}
    for name, (x, y) in nodes.items():
        for size in (26, 22) if name in figure["marked"] else (22,):
            axes.plot(x, y, "o", markersize=size, markerfacecolor="white", color="black")
        middles[name] = OffsetFrom(axes.annotate(name, (x, y), (0, 0), **words), (0.5, 0.5))
    arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 0.9}
    there_and_back = {(start, end) for start, end, _ in edges if (end, start) in {edge[:2] for edge in edges}}
    for start, end, label in edges:
        (x, y), (u, v) = nodes[start], nodes[end]
        if start == end:  # a loop above the node
            loop = arrow | {"connectionstyle": "arc3,rad=-1.8", "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (6, 13), (-6, 13), xycoords=middles[start], textcoords=middles[start], arrowprops=loop)
            axes.annotate(label, (x, y), (0, 36), **words)
            continue
        bent = (start, end) in there_and_back
        bow = arrow | {"connectionstyle": f"arc3,rad={-0.25 if bent else 0}", "shrinkA": 13, "shrinkB": 13}
        axes.annotate("", (u, v), (x, y), arrowprops=bow)
        length, aside = math.hypot(u - x, v - y) or 1.0, 18 if bent else 7
        offset = (-aside * (v - y) / length, aside * (u - x) / length)
        axes.annotate(label, ((x + u) / 2, (y + v) / 2), offset, **words)
    axes.set_title(figure["title"], pad=18)
    axes.margins(0.25)
    axes.set_axis_off()


def _panels(drawing: Any, figure: Json) -> None:
    panels = figure["panels"]
    columns = min(figure["columns"], len(panels))
    heights = _heights(figure)
    parts = drawing.subfigures(len(heights), columns, squeeze=False, height_ratios=heights)
    for part, panel in zip(parts.flat, panels, strict=False):
        part.subplots_adjust(left=0.14, right=0.8 if len(panel.get("series", ())) > 1 else 0.95, bottom=0.2)
        DRAWERS[panel["kind"]](part, panel)
    drawing.suptitle(figure["title"], y=1.06)


def _heights(figure: Json) -> list[float]:
    """Of each row of panels, that of its highest."""
    heights = [SIZES[panel["kind"]](panel)[1] for panel in figure["panels"]]
    return [max(heights[at : at + figure["columns"]]) for at in range(0, len(heights), figure["columns"])]


def _size_of_panels(figure: Json) -> tuple[float, float]:
    columns = min(figure["columns"], len(figure["panels"]))
    return columns * max(SIZES[panel["kind"]](panel)[0] for panel in figure["panels"]), sum(_heights(figure))


def _size_of_images(figure: Json) -> tuple[float, float]:
    columns = min(figure["columns"], len(figure["images"]))
    return 1.1 * columns, 1.3 * math.ceil(len(figure["images"]) / columns)


def _size_of_heatmap(figure: Json) -> tuple[float, float]:
    """A large matrix needs no place for a word in each cell."""
    height, width = len(figure["values"]), len(figure["values"][0])
    return 1.6 + min(0.28 * width, 9.0), 1.2 + min(0.24 * height, 8.0)


def _size_of_graph(figure: Json) -> tuple[float, float]:
    x, y = zip(*figure["nodes"].values(), strict=True)
    return 1.5 + 1.1 * (max(x) - min(x)), 1.5 + 1.1 * (max(y) - min(y))


SIZES: dict[str, Callable[[Json], tuple[float, float]]] = {
    "Lines": lambda _: (5.2, 3.2),
    "Scatter": lambda _: (4.2, 3.6),
    "Bars": lambda figure: (max(3.2, 0.9 * len(figure["values"])), 3.0),
    "Images": _size_of_images,
    "Heatmap": _size_of_heatmap,
    "Graph": _size_of_graph,
    "Panels": _size_of_panels,
}
DRAWERS: dict[str, Callable[[Any, Json], None]] = {
    "Lines": _lines,
    "Scatter": _scatter,
    "Bars": _bars,
    "Images": _images,
    "Heatmap": _heatmap,
    "Graph": _graph,
    "Panels": _panels,
}
