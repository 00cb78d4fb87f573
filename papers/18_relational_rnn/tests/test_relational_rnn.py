"""What no layer can be asked: the task itself, its exact answers, and what can be had without relations."""

import numpy as np
import pytest

from s30.corpus.registry import Paper
from s30.room import Array, Arrays, Trained, Training


@pytest.fixture
def farthest(room: Paper):
    return room.module("farthest.py")


def test_answers_are_those_of_a_search_through_all_distances(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(0), 500, 5, all_questions=True)
    for x, labels, n, m, answer in zip(*(data[name] for name in ("vectors", "labels", "n", "m", "label"))):
        distance = {label: np.linalg.norm(point - x[list(labels).index(m)]) for label, point in zip(labels, x)}
        farther = sum(other > distance[answer] for other in distance.values())
        assert farther == n
        assert (n == 4) == (answer == m)


def test_inputs_hold_vector_label_and_question_at_every_step(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(1), 200, 4, all_questions=True)
    assert data["inputs"].shape == (200, 4, farthest.features(4))
    x, labels, n, m = np.split(data["inputs"], [2, 6, 10], -1)
    assert (x == farthest.SCALE * data["vectors"]).all()
    assert (labels.argmax(-1) == data["labels"]).all()
    assert (n.argmax(-1) == data["n"][:, None]).all()
    assert (m.argmax(-1) == data["m"][:, None]).all()
    assert (np.sort(data["labels"], 1) == np.arange(4)).all()
    assert (data["labels"] != np.arange(4)).any()  # labels do not follow time


def test_the_exact_answers_are_the_same(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(2), 200, 6, all_questions=True)
    assert (farthest.exactly(data, 200) == data["label"]).all()


@pytest.mark.parametrize("vectors", [2, 3, 4, 6, 8])
def test_the_best_without_vectors_is_two_of_n(farthest, vectors: int) -> None:
    assert farthest.without_vectors(vectors) == pytest.approx(2 / vectors, abs=1e-12)


def test_who_reads_no_vector_is_not_better_in_draws(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(3), 40000, 4, all_questions=True)
    best = 0
    for n in range(4):
        for m in range(4):
            best += np.bincount(data["label"][(data["n"] == n) & (data["m"] == m)], minlength=4).max()
    assert best / 40000 == pytest.approx(0.5, abs=0.02)


def test_vectors_of_others_keep_labels_and_questions(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(4), 300, 3, all_questions=False)
    blind = farthest.with_vectors_of_others(np.random.default_rng(5), data["inputs"])
    assert (blind[..., 2:] == data["inputs"][..., 2:]).all()
    assert (blind[..., :2] != data["inputs"][..., :2]).any((1, 2)).mean() > 0.98


def test_the_lstm_has_no_fewer_parameters_in_either_profile(room: Paper) -> None:
    task = room.module("task.py")
    for vectors in (3, 4):
        core, lstm = (
            sum(int(np.prod(shape)) for shape in task.shapes(net, vectors).values()) for net in ("core", "lstm")
        )
        assert core <= lstm <= 1.1 * core


def test_the_longest_vector_but_ms_is_named(farthest) -> None:
    data = farthest.drawn(np.random.default_rng(6), 400, 4, all_questions=False)
    right = 0
    for x, labels, m, answer in zip(*(data[name] for name in ("vectors", "labels", "m", "label"))):
        length = {label: np.linalg.norm(point) for label, point in zip(labels, x) if label != m}
        right += max(length, key=length.get) == answer
    assert farthest.by_length(data) == pytest.approx(right / 400, abs=1e-12)


def test_the_lstms_rate_is_chosen_and_nets_are_tested_on_sequences_of_their_own(
    room: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = room.module("task.py")
    monkeypatch.setitem(task.PROFILES, "tiny", (3, 1, 20, 12, 40))
    asked: list[tuple[str, np.ndarray]] = []
    trained: list[np.ndarray] = []

    class Untrained:
        def progress(self, share: float, text: str) -> None: ...

        def train(self, training: Training) -> Trained:
            trained.append(training.data["inputs"])
            return Trained(training.start, np.ones(len(training.order)))

        def predict(self, net: str, params: Arrays, inputs: Arrays, seen: bool = False) -> dict[str, Array]:
            asked.append((net, inputs["inputs"]))
            return task.predict(net, params, inputs)

    task.run("tiny", 0, Untrained())
    of_lstm = [inputs for net, inputs in asked if net == "lstm"]
    choosing, measuring = of_lstm[: len(task.RATES)], of_lstm[len(task.RATES) :]
    assert len(measuring) == 2
    assert all((inputs == choosing[0]).all() for inputs in choosing)
    assert not any((inputs[..., :2] == choosing[0][..., :2]).any() for inputs in measuring)
    known = {coordinate for inputs in trained for coordinate in inputs[..., :2].ravel()}
    assert not any(known & {*inputs[..., :2].ravel()} for _, inputs in asked)
