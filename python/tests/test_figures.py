"""Figures are drawn from JSON, the same to the byte on every run, as well-formed SVG without a date."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from s30.errors import S30Error
from s30.experiments import _plain
from s30.figures import _DRAWERS, named, svg
from s30.vocabulary import Bars, Heatmap, Images, Lines

FIGURES = {
    "lines": Lines(
        "Loss & «cost»",
        "step",
        "nats",
        {"a <b>": ([1, 2, 4], [3.0, 1.0, 0.1]), "c": ([1, 2], [1.0, 2.0])},
        log_x=True,
        log_y=True,
        markers=True,
    ),
    "one line": Lines("t", "x", "y", {"a": (np.arange(3), np.ones(3))}),
    "bars": Bars("t", "accuracy", {"k-NN": 0.9, "softmax": np.float64(0.95)}, {"softmax": 0.01}, (0.5, 1.0)),
    "plain bars": Bars("t", "y", {"a": 1.0}),
    "points": Lines("t", "x", "y", {"a": (np.arange(3), np.ones(3))}, joined=False),
    "images": Images("t", [np.eye(8), np.ones((8, 8))], ["one"], columns=3),
    "signed images": Images("t", [np.eye(3), -np.eye(3)], signed=True),
    "heatmap": Heatmap("t", np.arange(6.0).reshape(2, 3), ["a", "b"], ["u", "v", "long"], "x", "y", annotate=True),
    "plain heatmap": Heatmap("t", np.eye(2), ["a", "b"], ["u", "v"]),
    "blank cells": Heatmap("t", [[None, 1.0], [2.0, None]], ["a", "b"], ["u", "v"], annotate=True, limits=(0.0, 3.0)),
}


def test_there_is_a_drawing_of_every_kind():
    assert {type(figure).__name__ for figure in FIGURES.values()} == set(_DRAWERS)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_survives_json_and_is_drawn_the_same_twice(name):
    figure = _plain(FIGURES[name])
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    drawing = svg(figure)
    assert drawing == svg(json.loads(json.dumps(figure)))
    root = ElementTree.fromstring(drawing)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = drawing.decode()
    assert "dc:date" not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)
    assert "t" in text
    assert len(root.findall(".//{http://www.w3.org/2000/svg}path")) > 3


def test_titles_and_labels_are_text():
    root = ElementTree.fromstring(svg(_plain(FIGURES["lines"])))
    words = {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Loss & «cost»", "step", "nats", "a <b>", "c"} <= words


def test_the_users_own_settings_do_not_change_a_figure():
    import matplotlib

    figure = _plain(FIGURES["one line"])
    expected = svg(figure)
    with matplotlib.rc_context({"lines.linestyle": "--", "figure.facecolor": "red", "axes.labelsize": 30}):
        assert svg(figure) == expected
        assert matplotlib.rcParams["axes.labelsize"] == 30


def test_different_values_draw_different_figures():
    assert svg(_plain(Bars("t", "y", {"a": 1.0}))) != svg(_plain(Bars("t", "y", {"a": 2.0})))


def test_points_are_not_joined():
    joined, points = svg(_plain(FIGURES["one line"])).decode(), svg(_plain(FIGURES["points"])).decode()
    assert "stroke: #0072B2; stroke-width: 1.4" in joined.replace("0072b2", "0072B2")
    assert "stroke-width: 1.4" not in points
    assert points.count("<use") > joined.count("<use")


def test_bars_that_would_not_start_at_zero_are_points():
    bars = svg(_plain(Bars("t", "y", {"a": 0.97}, y_limits=(0.9, 1.0)))).decode()
    assert bars.count("<use") > svg(_plain(Bars("t", "y", {"a": 0.97}, y_limits=(0.0, 1.0)))).decode().count("<use")
    assert "0.970" in bars


def test_a_blank_cell_is_neither_coloured_nor_numbered():
    full = svg(_plain(Heatmap("t", [[0.5, 1.0], [2.0, 3.0]], ["a", "b"], ["u", "v"], annotate=True, limits=(0.0, 3.0))))
    blank = svg(_plain(FIGURES["blank cells"]))
    assert ">0.5<" in full.decode()
    assert ">0.5<" not in blank.decode()
    assert b"nan" not in blank.lower()


def test_numbers_are_rounded_to_seven_digits():
    plain = _plain(Lines("t", "x", "y", {"a": ((0, 1), (np.float32(0.1), 1 / 3))}))
    assert plain["series"] == {"a": [[0, 1], [0.1, 0.3333333]]}


@pytest.mark.parametrize("figure", [{"kind": "Pie"}, {}])
def test_an_unknown_kind_is_refused(figure):
    with pytest.raises(S30Error, match="no figure is of kind"):
        svg(figure)


BARS = {"kind": "Bars", "values": {"a": 0.5}, "errors": {"a": 0.1}, "y_limits": None}
CURVE = {"kind": "Lines", "series": {"a": [[0, 1], [1.0, 1e-6]]}, "log_y": False}
CELLS = {"kind": "Heatmap", "values": [[0.0, 1.0], [None, 0.5]], "annotate": False}
PIXELS = {"kind": "Images", "images": [[[0.0, 1.0], [0.25, 0.5]]], "signed": False}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (BARS, {"values": {"a": 0.5004}}, True),
        (BARS, {"values": {"a": 0.501}}, False),  # 0.501 is written over it
        (BARS, {"errors": {"a": 0.11}}, False),
        (BARS, {"values": {"b": 0.5}}, False),
        (BARS, {"y_limits": [0, 1]}, False),
        (CURVE, {"series": {"a": [[0, 1], [1.0, 2e-6]]}}, True),  # no eye sees it beside 1
        (CURVE, {"series": {"a": [[0, 1], [1.02, 1e-6]]}}, False),
        (CURVE | {"log_y": True}, {"series": {"a": [[0, 1], [1.0, 2e-6]]}}, False),
        (CURVE | {"log_y": True}, {"series": {"a": [[0, 1], [1.0, 1.01e-6]]}}, True),
        (CURVE, {"series": {"a": [[0, 2], [1.0, 1e-6]]}}, False),
        (CURVE, {"series": {"a": [[0], [1.0]]}}, False),
        (CELLS, {"values": [[0.0, 1.0], [None, 0.503]]}, True),
        (CELLS, {"values": [[0.0, 1.0], [None, 0.52]]}, False),
        (CELLS, {"values": [[0.0, 1.0], [0.5, None]]}, False),
        (CELLS, {"values": [[0.0, 1.0, None, 0.5]]}, False),
        (CELLS | {"annotate": True}, {"values": [[0.0, 1.0], [None, 0.503]]}, False),
        (PIXELS, {"images": [[[0.0, 1.0], [0.25, 0.503]]]}, True),
        (PIXELS, {"images": [[[0.0, 1.0], [0.25, 0.6]]]}, False),
        (PIXELS, {"signed": True}, False),
    ],
)
def test_a_figure_that_two_frameworks_draw_alike_is_drawn_once(one, other, same):
    files = named({"torch": {"it": one}, "jax": {"it": one | other}})
    drawn = {name for name, figure in files.items() if figure is not None}
    assert drawn == ({"it"} if same else {"torch-it", "jax-it"})
    assert set(files) == {"it", "torch-it", "jax-it"}


def test_the_figure_of_one_framework_alone_bears_its_name():
    assert named({"torch": {"it": BARS}}) == {"torch-it": BARS}
