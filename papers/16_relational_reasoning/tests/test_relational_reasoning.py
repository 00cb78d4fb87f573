"""Checks beyond the floor: scenes keep what they promise, answers on cases by hand, and the experiment's data and sizes."""

import numpy as np
import pytest

from s30.corpus.registry import Paper
from s30.room import Trained


@pytest.fixture
def scenes(room: Paper):
    return room.module("scenes.py")


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


def named(scenes, answers) -> list[list[str]]:
    return [[scenes.ANSWERS[k] for k in row] for row in answers]


def test_answers_on_a_scene_by_hand(scenes) -> None:
    """Red circle top left, green square beside it, blue circle bottom right."""
    centres, shapes = np.array([[[10, 10], [30, 12], [60, 65]]]), np.array([[1, 0, 1]])
    assert named(scenes, scenes.answers(centres, shapes)[0]) == [
        ["circle", "left", "top", "square", "circle", "2"],
        ["square", "left", "top", "circle", "circle", "1"],
        ["circle", "right", "bottom", "square", "circle", "2"],
    ]


def test_scenes_have_no_overlap_and_no_tie(scenes) -> None:
    centres, shapes = scenes.scenes(np.random.default_rng(0), 200)
    for scene in centres:
        for k, at in enumerate(scene):
            others = np.delete(scene, k, 0)
            assert (np.abs(others - at).max(1) > 2 * scenes.RADIUS).all()
            apart = sorted(((others - at) ** 2).sum(1))
            assert apart[0] < apart[1]
            assert apart[-2] < apart[-1]
    assert not (centres == scenes.SIZE // 2).any()
    assert 0.45 < shapes.mean() < 0.55


@pytest.mark.parametrize(
    "centres",
    [
        [[10, 10], [15, 10], [60, 60]],  # an overlap
        [[10, 10], [37, 30], [60, 60]],  # on a middle line
        [[30, 30], [30, 50], [50, 30], [60, 60]],  # two are equally close to the first
        [[30, 30], [30, 42], [60, 30], [30, 60]],  # two are equally far from the first
    ],
)
def test_such_a_scene_is_drawn_anew(scenes, centres) -> None:
    assert not scenes.general(np.array([centres]))[0]


def test_guesses_are_right_as_often_as_derived(scenes) -> None:
    drawn = scenes.scenes(np.random.default_rng(1), 4000, 5)
    right = (scenes.guesses(*drawn) == scenes.answers(*drawn)).mean((0, 1))
    np.testing.assert_allclose(right[[0, 3, 4, 5]], 11 / 16, atol=0.02)
    # objects do not overlap, so they crowd on one side less often than independent ones would
    assert ((right[1:3] > 0.63) & (right[1:3] < 11 / 16 - 0.01)).all()


def test_a_guess_is_the_same_for_every_object_where_it_knows_none(scenes) -> None:
    said = scenes.guesses(*scenes.scenes(np.random.default_rng(2), 50, 5))
    known_alone = said[..., [0, 1, 2, 5]]
    assert (known_alone == known_alone[:, :1]).all()


def test_rivals_have_as_many_parameters(task) -> None:
    sizes = {net: sum(int(np.prod(s)) for s in task.shapes(**how).values()) for net, how in task.NETS.items()}
    assert sizes["mlp"] == pytest.approx(sizes["rn"], rel=0.001)
    assert sizes["rn"] <= sizes["mlp"]
    for net in ("objects", "list"):
        assert sizes["pairs"] <= sizes[net] <= 1.02 * sizes["pairs"]


def test_shuffling_moves_objects_and_keeps_them(task, scenes) -> None:
    objects = scenes.described(*scenes.scenes(np.random.default_rng(3), 300, 5))
    moved = task.shuffled(np.random.default_rng(4), objects)
    assert (np.sort(moved.sum(2), 1) == np.sort(objects.sum(2), 1)).all()
    assert 0.15 < (moved[:, 0, 0] == 1).mean() < 0.25  # red is first in a fifth of the lists


def test_links_are_counted_as_pairs(task) -> None:
    points = np.array([[[0, 0], [0.5, 0], [1.0, 0], [-1, -1], [-1, 1], [1, 1]], [[0, 0]] * 6], float)
    assert task.linked(points).tolist() == [2, task.MOST]


class Exact:
    """A framework that trains nothing and answers every question from what it is given, by the room's oracle."""

    def __init__(self, task, oracles) -> None:
        self.task, self.oracles, self.trained, self.asked = task, oracles, {}, []

    def train(self, training) -> Trained:
        self.trained[training.net] = training.data
        return Trained(training.start, np.linspace(1, 0, len(training.order)))

    def predict(self, net, params, inputs, seen=False):
        objects, question = (inputs[name] / self.task.SCALE[net] for name in ("objects", "question"))
        if net in ("rn", "mlp"):
            self.asked.append(inputs["objects"])
            pairs = zip(objects.round(9).tolist(), question.astype(int).tolist(), strict=True)
            return {"logits": np.eye(12)[[self.oracles.answer(*pair) for pair in pairs]]}
        return {"logits": np.eye(self.task.MOST + 1)[self.task.linked(objects)]}

    def ask(self, name, net, objects):
        return self.task.multiplications(net, objects)

    def progress(self, share, text) -> None:
        pass


@pytest.fixture(scope="module")
def exact(room: Paper):
    framework = Exact(room.module("task.py"), room.module("oracles.py"))
    return framework, framework.task.run("quick", 0, framework)


def test_exact_answers_are_all_right_and_strangers_are_not(exact, scenes) -> None:
    _, found = exact
    for who in ("rn", "mlp", "fixed", "fewer"):
        assert {found.metrics[f"{name}_{who}"][0] for name in ("non_relational", "relational", *scenes.QUESTIONS)} == {
            1
        }
    assert found.metrics["links_pairs"] == found.metrics["links_objects"] == found.metrics["links_list"] == [1]
    assert 0.45 < found.metrics["non_relational_strangers"][0] < 0.55
    assert 0.3 < found.metrics["relational_strangers"][0] < 0.55


def test_no_held_out_scene_is_among_those_of_training_in_any_order(exact) -> None:
    framework, _ = exact

    def sets(objects) -> set:
        return {tuple(sorted(map(tuple, scene))) for scene in objects.round(6).tolist()}

    assert len(sets(framework.trained["rn"]["objects"])) == framework.task.SCENES
    for objects in framework.asked:
        assert not sets(objects) & sets(framework.trained["rn"]["objects"])


def test_lists_in_any_order_and_in_a_fixed_one(exact) -> None:
    framework, _ = exact
    # rn, mlp, fixed, then the smaller scenes and those of strangers
    red_first = [float((objects[:, 0, 0] > 0).mean()) for objects in framework.asked]
    assert 0.15 < red_first[0] < 0.25
    assert 0.15 < red_first[1] < 0.25
    assert red_first[2:] == [1, 1, 1]
    assert (framework.trained["mlp"]["objects"][:, 0, 0] > 0).all()  # the last one trained is that of the fixed order


def test_figures_show_the_metrics_of_their_labels(room: Paper, task, scenes) -> None:
    figures = room.module("figures.py")
    metrics = {name: [k / 100] for k, name in enumerate(task.METRICS)}
    label = {"rn": "relation network", "mlp": "MLP, any order", "fixed": "MLP, fixed order", "guess": "guess"}
    assert figures.by_question(metrics).values == {
        f"{name}\n{label[who]}": metrics[f"{name}_{who}"][0] for name in scenes.QUESTIONS for who in label
    }
    assert figures.links(metrics).values == {
        "sum over pairs": metrics["links_pairs"][0],
        "sum over points": metrics["links_objects"][0],
        "MLP of the list": metrics["links_list"][0],
        "guess": metrics["links_guess"][0],
    }


def test_curves_and_scenes_are_drawn_as_they_are(room: Paper) -> None:
    figures = room.module("figures.py")
    losses = {net: k + np.arange(45.0) for k, net in enumerate(("rn", "mlp", "fixed"))}
    curves = figures.learning_curves(losses).series
    assert curves["relation network"] == ([10, 30], [9.5, 29.5])
    assert curves["MLP, fixed order"] == ([10, 30], [11.5, 31.5])
    panel = figures.painted(np.array([[[10, 20], [30, 60]]]), np.array([[1, 0]])).panels[0]
    assert panel.series == {"squares": ([30], [14]), "circles": ([10], [54])}  # y grows downwards in a scene
    assert panel.names == {"squares": ["green"], "circles": ["red"]}


def test_variants_hold_what_they_say(room: Paper) -> None:
    checks = room.module("numpy_checks.py")
    found = {variant.name: variant.problem for variant in room.module("variants.py").variants()}
    said = {name: checks.forward(p.params, p.batch, **p.config) for name, p in found.items()}
    assert (found["duplicates"].batch["objects"][:, 0] == found["duplicates"].batch["objects"][:, 1]).all()
    assert found["longest_alone"].batch["mask"].sum(1).tolist() == [5, 1, 0]
    assert (said["one_pair_left"]["relations"] != 0).any(2).sum(1).tolist() == [1, 1]
    assert np.abs(said["large_logits"]["logits"]).max() > 710  # where exp overflows
    assert np.abs(found["far_objects"].batch["objects"]).max() > 1e6
    kink = found["at_the_kink"]
    x, considered = checks.tuples(kink.batch, "pairs")
    first = x @ kink.params["relation.0.weight"].T + kink.params["relation.0.bias"]
    second = np.maximum(first, 0) @ kink.params["relation.1.weight"].T + kink.params["relation.1.bias"]
    inner = said["at_the_kink"]["total"] @ kink.params["readout.0.weight"].T + kink.params["readout.0.bias"]
    assert (first[considered] == 0).any()
    assert (second[considered] == 0).any()
    assert (inner == 0).any()
