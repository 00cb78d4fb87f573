"""Figures are drawn from JSON, the same to the byte on every run, as well-formed SVG without a date."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from s30.corpus.vocabulary import Bars, Graph, Heatmap, Images, Lines, Panels, Scatter
from s30.errors import S30Error
from s30.layers.experiments import _plain
from s30.view.drawing import COLOURS, DRAWERS, RASTER, SIZES, STROKES, styles
from s30.view.figures import LARGEST, named, svg

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
    "bands": Lines(
        "t",
        "x",
        "y",
        {"one, train": ([0, 1], [0.0, 1.0]), "one, test": ([0, 1], [0.0, 2.0]), "two": ([0, 1], [1.0, 1.0])},
        caption="The band is the range over five seeds & more.",
        colours={"one": 2},
        bands={"one, test": ([0.0, 1.0], [1.0, 3.0])},
        references={"chance": 0.5},
        x_references={"end": 1.0},
    ),
    "scatter": Scatter("t", "x", "y", {"a": ([0, 1], [1, 0])}, names={"a": ["cat", "dog"]}, diagonal=True),
    "large matrix": Heatmap("t", np.arange(900.0).reshape(30, 30), [""] * 30, [""] * 30),
    "graph": Graph("t", {"p": (0, 0), "q": (1, 0)}, [("p", "q", "one"), ("q", "p", "nil"), ("q", "q", "self")], ["q"]),
    "panels": Panels("t", [Bars("left", "y", {"a": 1.0}), Heatmap("right", np.eye(2), ["a", "b"], ["u", "v"])]),
}


def test_there_is_a_drawing_of_every_kind():
    assert {type(figure).__name__ for figure in FIGURES.values()} == set(DRAWERS) == set(SIZES)


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


def test_a_long_name_under_a_bar_is_broken_between_its_words():
    bars = Bars("t", "y", {"local, held vowels": 1.0, "shuffled": 2.0, "incompressible": 3.0})
    assert words(svg(_plain(bars))) >= {"local,", "held", "vowels", "shuffled", "incompressible"}


def test_a_row_of_panels_is_as_high_as_its_highest():
    wide, lines = Images("t", [np.eye(3)], columns=1), Lines("t", "x", "y", {"a": ((0, 1), (0, 1))})
    heights = [SIZES[_plain(figure)["kind"]](_plain(figure))[1] for figure in (wide, lines)]
    assert heights[0] < heights[1]
    below = _plain(Panels("t", [wide, lines, wide], columns=1))
    beside = _plain(Panels("t", [wide, lines, wide], columns=2))
    assert SIZES["Panels"](below)[1] == pytest.approx(2 * heights[0] + heights[1])
    assert SIZES["Panels"](beside)[1] == pytest.approx(heights[1] + heights[0])


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


def words(drawing):
    root = ElementTree.fromstring(drawing)
    return {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}


def test_a_label_keeps_the_place_that_its_model_has():
    chosen = styles(["one, train", "other", "one, test", "one more", "onerous"], {"one": 2, "one more": 5})
    assert chosen == {
        "one, train": (COLOURS[2], STROKES[0]),
        "one, test": (COLOURS[2], STROKES[1]),  # of one colour, told apart by its stroke
        "one more": (COLOURS[5], STROKES[0]),  # the longer name says more
        "other": (COLOURS[0], STROKES[0]),  # the rest take the places that are left, in order
        "onerous": (COLOURS[1], STROKES[0]),
    }


def test_without_a_choice_labels_take_the_palette_in_order():
    found = styles([str(n) for n in range(9)], {})
    assert [colour for colour, _ in found.values()] == [*COLOURS, *COLOURS[:2]]
    assert [stroke for _, stroke in found.values()] == [STROKES[0]] * 7 + [STROKES[1]] * 2


@pytest.mark.parametrize("kind", ["lines", "bars"])
def test_a_model_has_one_colour_whatever_stands_beside_it(kind):
    """Alone, «b» would be the first colour of the palette."""
    for labels in (["b"], ["a", "b"], ["b", "a"]):
        figure = (
            Lines("t", "x", "y", {label: ([0, 1], [0, 1]) for label in labels}, colours={"b": 3})
            if kind == "lines"
            else Bars("t", "y", dict.fromkeys(labels, 1.0), colours={"b": 3})
        )
        assert COLOURS[3].lower() in svg(_plain(figure)).decode().lower()


def test_references_and_names_are_drawn_with_their_words():
    assert {"chance", "end"} <= words(svg(_plain(FIGURES["bands"])))
    assert {"cat", "dog"} <= words(svg(_plain(FIGURES["scatter"])))
    assert "chance" in words(svg(_plain(Bars("t", "y", {"a": 1.0}, references={"chance": 0.5}))))
    assert {"one", "nil", "self", "p", "q"} <= words(svg(_plain(FIGURES["graph"])))
    assert {"left", "right"} <= words(svg(_plain(FIGURES["panels"])))


def test_a_band_is_shaded_in_its_series_colour():
    plain = _plain(FIGURES["bands"])
    shaded, bare = svg(plain).decode(), svg(plain | {"bands": {}}).decode()
    assert "fill-opacity: 0.18" in shaded
    assert "fill-opacity: 0.18" not in bare


def test_a_figure_says_what_it_shows_to_those_who_cannot_see_it():
    drawing = svg(_plain(FIGURES["bands"]))
    root = ElementTree.fromstring(drawing)
    first, second = list(root)[:2]
    assert (first.tag, first.text) == ("{http://www.w3.org/2000/svg}title", "t")
    assert (second.tag, second.text) == (
        "{http://www.w3.org/2000/svg}desc",
        "The band is the range over five seeds & more.",
    )
    assert root.attrib["role"] == "img"
    assert "The band is the range over five seeds & more." in words(drawing)  # and to those who can


def test_a_long_caption_is_broken_into_lines_under_the_drawing():
    figure = _plain(Bars("t", "y", {"a": 1.0}, caption="word " * 60))
    lines = [text for text in words(svg(figure)) if text.startswith("word")]
    assert all(len(line) < 80 for line in lines)
    assert ElementTree.fromstring(svg(figure))[1].text == " ".join(["word"] * 60)


def test_a_large_matrix_is_one_image_and_a_small_one_is_drawn():
    large, small = svg(_plain(FIGURES["large matrix"])), svg(_plain(FIGURES["plain heatmap"]))
    assert large.count(b"<image") == 2  # the matrix, and the bar of its colours
    assert small.count(b"<image") == 1
    assert b"pixelated" in large
    assert RASTER < 900
    assert len(large) < 20_000


def test_a_figure_that_would_be_large_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(S30Error, match=r"the figure «noise» takes [\d,]+ bytes, more than 100,000: draw less of it"):
        svg(_plain(Heatmap("noise", rng.random((200, 200)), [""] * 200, [""] * 200)))
    assert LARGEST == 100_000


BARS = {"kind": "Bars", "values": {"a": 0.5}, "errors": {"a": 0.1}, "y_limits": None}
CURVE = {"kind": "Lines", "series": {"a": [[0, 1], [1.0, 1e-6]]}, "log_y": False}
CELLS = {"kind": "Heatmap", "values": [[0.0, 1.0], [None, 0.5]], "annotate": False}
PIXELS = {"kind": "Images", "images": [[[0.0, 1.0], [0.25, 0.5]]], "signed": False}
BAND = {"bands": {"a": [[0.0, 0.0], [1.0, 1.0]]}}
POINTS = {"kind": "Scatter", "series": {"a": [[0.0, 100.0], [0.0, 1.0]]}}
NODES = {"kind": "Graph", "nodes": {"p": [0, 0]}, "edges": [["p", "p", "a"]]}
PARTS = {"kind": "Panels", "title": "t", "panels": [BARS]}


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
        (CURVE | BAND, {"bands": {"a": [[0.0, 0.0], [1.002, 1.0]]}}, True),
        (CURVE | BAND, {"bands": {"a": [[0.0, 0.0], [1.2, 1.0]]}}, False),
        (CURVE | BAND, {"bands": {}}, False),
        (POINTS, {"series": {"a": [[0.0, 100.5], [0.0, 1.0]]}}, True),
        (POINTS, {"series": {"a": [[0.0, 100.0], [0.0, 1.5]]}}, False),
        (POINTS, {"series": {"b": [[0.0, 100.0], [0.0, 1.0]]}}, False),
        (NODES, {}, True),
        (NODES, {"edges": [["p", "p", "b"]]}, False),
        (PARTS, {"panels": [BARS | {"values": {"a": 0.5004}}]}, True),
        (PARTS, {"panels": [BARS | {"values": {"a": 0.6}}]}, False),
        (PARTS, {"panels": [BARS, BARS]}, False),
        (PARTS, {"title": "other"}, False),
    ],
)
def test_a_figure_that_two_frameworks_draw_alike_is_drawn_once(one, other, same):
    files = named({"torch": {"it": one}, "jax": {"it": one | other}})
    drawn = {name for name, figure in files.items() if figure is not None}
    assert drawn == ({"it"} if same else {"torch-it", "jax-it"})
    assert set(files) == {"it", "torch-it", "jax-it"}


def test_the_figure_of_one_framework_alone_bears_its_name():
    assert named({"torch": {"it": BARS}}) == {"torch-it": BARS}


def test_an_image_in_colours_is_refused_in_words():
    coloured = {**PIXELS, "title": "eyes", "images": [*PIXELS["images"], [[[0.0, 0.5, 1.0]]]]}
    for figure in (coloured, {"kind": "Panels", "title": "two", "panels": [coloured]}):
        with pytest.raises(S30Error, match=r"the figure «eyes»: image 2 has more axes than \(height, width\)"):
            named({"torch": {"eyes": figure}})
