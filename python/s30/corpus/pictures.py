"""The figures that an experiment may ask for, in words; `drawing` knows how each is drawn.

Of every figure: `caption` says in a sentence or two what is to be seen; it is drawn under the figure, and read aloud where
that cannot be seen. `colours` give labels places in the palette, so that a model keeps its colour in all figures of a
room: {"convnet": 2} is for «convnet», «convnet, train» and «convnet, test», which then differ by their strokes.
`references` are lines by their label: a limit, a ceiling, chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from s30.corpus.problem import Array


@dataclass(frozen=True)
class Lines:
    """Curves over a common horizontal axis: `series` maps a label to its (x, y) values; points alone unless `joined`.

    `bands` are shaded between (lower, upper), over the x of the series of that label: the spread of several runs.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log_x: bool = False
    log_y: bool = False
    markers: bool = False
    joined: bool = True
    caption: str = ""
    colours: Mapping[str, int] = field(default_factory=dict)
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    references: Mapping[str, float] = field(default_factory=dict)  # horizontal
    x_references: Mapping[str, float] = field(default_factory=dict)  # vertical


@dataclass(frozen=True)
class Scatter:
    """Points: `series` maps a label to its (x, y) values; `names` to one word per point, written beside it.

    With `diagonal` the line y = x is drawn, on which two ways to measure the same would lie.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log_x: bool = False
    log_y: bool = False
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    diagonal: bool = False
    caption: str = ""
    colours: Mapping[str, int] = field(default_factory=dict)
    references: Mapping[str, float] = field(default_factory=dict)  # horizontal
    x_references: Mapping[str, float] = field(default_factory=dict)  # vertical


@dataclass(frozen=True)
class Images:
    """A grid of small images, each (height, width), with a caption over each.

    Each has its own scale of greys; with `signed` all share one scale of colours whose middle, white, is zero.
    """

    title: str
    images: Sequence[Array]
    captions: Sequence[str] = ()
    columns: int = 8
    signed: bool = False
    caption: str = ""


@dataclass(frozen=True)
class Bars:
    """One bar per label, or one point where `y_limits` leave zero out, since a bar's length would then mislead.

    `errors` are half-lengths of the whiskers, in the units of the values.
    """

    title: str
    y_label: str
    values: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)
    y_limits: tuple[float, float] | None = None
    caption: str = ""
    colours: Mapping[str, int] = field(default_factory=dict)
    references: Mapping[str, float] = field(default_factory=dict)  # horizontal


@dataclass(frozen=True)
class Heatmap:
    """A matrix with named rows and columns, such as an alignment. A cell that is None stays blank."""

    title: str
    values: Array | Sequence[Sequence[float | None]]
    rows: Sequence[str]
    columns: Sequence[str]
    x_label: str = ""
    y_label: str = ""
    annotate: bool = False
    limits: tuple[float, float] | None = None  # of the colours; the values' own when None
    caption: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes at their places, joined by arrows (from, to, label): an automaton, a computation. An arrow may lead back to its
    own node; `marked` nodes have a second circle."""

    title: str
    nodes: Mapping[str, tuple[float, float]]
    edges: Sequence[tuple[str, str, str]]
    marked: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True)
class Panels:
    """Figures side by side under one title, each with its own; `columns` of them in a row."""

    title: str
    panels: Sequence[Lines | Scatter | Images | Bars | Heatmap | Graph]
    columns: int = 2
    caption: str = ""


Figure = Lines | Scatter | Images | Bars | Heatmap | Graph | Panels
