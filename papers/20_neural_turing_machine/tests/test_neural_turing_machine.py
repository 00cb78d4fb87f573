"""What no layer can be asked: the copy task itself, how answers are marked, and who is trained and tested on what."""

import numpy as np
import pytest

from s30.corpus.registry import Paper
from s30.room import Array, Arrays, Trained, Training


@pytest.fixture
def copying(room: Paper):
    return room.module("copying.py")


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


def test_targets_are_the_inputs_in_their_order_after_the_delimiter(copying) -> None:
    data = copying.drawn(np.random.default_rng(0), 50, 3, 6)
    for x, y, asked, length in zip(
        *(data[name].reshape(150, *data[name].shape[2:]) for name in ("inputs", "targets", "asked", "lengths"))
    ):
        assert x.shape == (13, copying.FEATURES)
        assert (x[:length, : copying.BITS] == y[length + 1 : 2 * length + 1]).all()
        assert x[length].tolist() == [0.0] * copying.BITS + [1.0]
        assert not x[length + 1 :].any()
        assert x[:, -1].sum() == 1
        assert np.flatnonzero(asked).tolist() == list(range(length + 1, 2 * length + 1))
        assert not y[~asked].any()


def test_lengths_are_uniform_and_bits_fair(copying) -> None:
    data = copying.drawn(np.random.default_rng(1), 2000, 2, 4)
    assert np.bincount(data["lengths"].ravel(), minlength=5)[1:] / 4000 == pytest.approx(np.full(4, 0.25), abs=0.03)
    shown = data["targets"][data["asked"]]
    assert shown.mean() == pytest.approx(0.5, abs=0.02)


def test_marks_of_perfect_inverted_and_half_right_answers(copying) -> None:
    data = copying.drawn(np.random.default_rng(2), 40, 2, 4)
    right = np.where(data["targets"] > 0.5, 3.0, -3.0)
    assert copying.wrong(right, data).tolist() == [0.0, 0.0]
    assert copying.wrong(-right, data).tolist() == [1.0, 1.0]
    right[:, 1, :, 0] *= -1  # one bit of three, of the second net
    assert copying.wrong(right, data) == pytest.approx([0.0, 1 / 3])
    assert copying.bits_per_sequence(0 * right, data) == pytest.approx(data["lengths"].mean(0) * copying.BITS)


def test_targets_of_others_are_other_bits_for_the_named_nets_alone(copying) -> None:
    data = copying.drawn(np.random.default_rng(3), 300, 3, 5)
    blind = copying.of_others(np.random.default_rng(4), data, np.array([False, True, False]))
    assert (blind["targets"][:, [0, 2]] == data["targets"][:, [0, 2]]).all()
    same = (blind["targets"] == data["targets"])[:, 1][data["asked"][:, 1]]
    assert same.mean() == pytest.approx(0.5, abs=0.05)
    assert (blind["inputs"] == data["inputs"]).all()


def test_paths_of_heads_made_by_hand(copying) -> None:
    data = copying.drawn(np.random.default_rng(5), 2, 1, 4, 4)
    weighting = np.zeros((2, 1, 9, 2, 6))
    weighting[..., 0, 0] = weighting[..., 1, 0] = 0.1
    for t, row in enumerate([4, 5, 0, 1]):
        weighting[:, :, t, 0, row] = 1  # written around the end
        weighting[0, :, t + 4, 1, row] = 1  # read a step before it is answered
    weighting[1, :, 4:8, 1, 4] = 1  # the second sequence is read at its first row alone
    assert copying.advances(weighting, data, 6).tolist() == [1.0]
    assert copying.follows(weighting, data).tolist() == [(1.0 + 0.25) / 2]
    early = np.zeros_like(weighting)
    for t, row in enumerate([4, 5, 0, 1]):
        early[:, :, t, 0, row] = early[:, :, t + 3, 1, row] = 1  # two steps before it is answered is too early
    assert copying.follows(early, data).tolist() == [0.25]
    weighting[:, :, 0:3, 1, 2] = 1  # the read head rests at two of three steps, and moves at the last
    assert copying.rests(weighting, data).tolist() == [2 / 3]


def test_losses_are_reported_of_the_plain_machines_alone(task) -> None:
    assert [task.counted("ntm", 9), task.counted("ntm", 16), task.counted("lstm", 5)] == [5, 10, 5]


def test_the_lstm_has_no_fewer_parameters(task) -> None:
    machine, lstm = (sum(int(np.prod(shape)) for shape in task.shapes(net).values()) for net in ("ntm", "lstm"))
    assert machine <= lstm <= 1.1 * machine


def test_rows_are_drawn_for_random_machines_alone_and_differ(task) -> None:
    rows = task.drawn_rows(9, 12)
    assert task.kinds(9) == ["ntm"] * 5 + ["random"] * 2 + ["blind"] * 2
    assert not rows[:5].any()
    assert not rows[7:].any()
    assert (rows[5] != rows[6]).all()


def test_nets_are_tested_on_sequences_of_their_own(task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(task.PROFILES, "quick", (4, 10, 12, 12, 8))
    trained: list[np.ndarray] = []
    asked: list[np.ndarray] = []

    class Untrained:
        def progress(self, share: float, text: str) -> None: ...

        def train(self, training: Training) -> Trained:
            trained.append(training.data["inputs"])
            return Trained(training.start, np.ones(len(training.order)))

        def predict(self, net: str, params: Arrays, inputs: Arrays, seen: bool = False) -> dict[str, Array]:
            asked.append(inputs["inputs"])
            return task.predict(net, params, inputs)

    found = task.run("quick", 0, Untrained()).metrics
    assert [x.shape[1] for x in trained] == [9, 5, 5]  # machines, and the LSTM at two rates
    assert all((x == trained[1]).all() for x in trained[1:])
    assert (trained[1] == trained[0][:, :5]).all()  # the rival sees what the machines see
    assert all(x.shape[0] == 8 * 7 and x.shape[2] == 21 for x in asked)
    delimiters = asked[0][..., -1].argmax(-1).reshape(7, 8, -1)  # of each set, whose sequences have one length
    assert delimiters[:, 0, 0].tolist() == [1, 2, 4, 7, 10, 2, 4]
    assert (delimiters == delimiters[:, :1, :1]).all()
    assert trained[0][..., -1].argmax(-1).max() == 4
    assert np.mean(found["long_ntm"]) == pytest.approx(0.5, abs=0.1)  # untrained
    assert np.mean(found["bits_lstm"]) > 8


def copied(copying, x: np.ndarray) -> np.ndarray:
    """The answers that x (sequence, net, time, feature) asks for."""
    right = np.zeros((*x.shape[:3], copying.BITS))
    for at in np.ndindex(*x.shape[:2]):
        length = int(x[at][:, -1].argmax())
        right[at][length + 1 : 2 * length + 1] = x[at][:length, : copying.BITS]
    return right


def test_metrics_of_nets_that_are_made_by_hand(task, copying, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines copy all but the longest sequences, of which every bit is wrong; the LSTM copies at its greater rate alone."""
    monkeypatch.setitem(task.PROFILES, "quick", (4, 10, 12, 12, 8))

    class Known:
        def progress(self, share: float, text: str) -> None: ...

        def train(self, training: Training) -> Trained:
            if training.net == "ntm":
                own = training.data["targets"] == copied(copying, training.data["inputs"])
                assert own.all((0, 2, 3)).tolist() == [kind != "blind" for kind in task.kinds(9)]
            return Trained({"rate": np.max(training.rates)}, np.ones(len(training.order)))

        def predict(self, net: str, params: Arrays, inputs: Arrays, seen: bool = False) -> dict[str, Array]:
            x = inputs["inputs"]
            logits = 6 * copied(copying, x) - 3
            if net == "lstm":
                return {"logits": logits if params["rate"] > 0.02 else -logits}
            longest = x[..., -1].argmax(-1) == 10
            weighting = np.zeros((*x.shape[:3], 2, int(inputs["rows"][0])))
            return {"logits": np.where(longest[..., None, None], -logits, logits), "weighting": weighting}

    found = task.run("quick", 0, Known()).metrics
    assert np.unique(found["trained_ntm"] + found["trained_lstm"] + found["long_lstm"]).tolist() == [0.0]
    assert np.unique(found["long_ntm"] + found["long_random"]).tolist() == [1.0]
    assert np.unique(found["solved_ntm"]).tolist() == [0.0]
    assert found["bits_ntm"] == pytest.approx([12 * np.log2(1 + np.exp(-3))] * 5)
