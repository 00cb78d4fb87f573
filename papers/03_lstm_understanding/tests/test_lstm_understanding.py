"""What no layer can be asked: the task's sequences and starts, when training stops, and that near models differ."""

import numpy as np
import pytest

from s30.corpus.registry import Paper
from s30.room import Training


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


def test_sequences_begin_with_the_target_and_go_on_with_noise(task) -> None:
    for part in task.examples("lstm", 7, 0, 0):
        tokens, target = part["tokens"], part["target"]
        assert tokens.shape[1] == 8
        np.testing.assert_array_equal(tokens[:, 0], target)
        assert set(target) == set(range(task.SYMBOLS))
        assert set(tokens[:, 1:].ravel()) == set(range(task.SYMBOLS, task.FEATURES))


def test_tests_are_on_sequences_that_no_training_has_even_where_there_are_few(task) -> None:
    """At lag 5 there are 4,096 sequences in all, and a training draws more than that."""
    for net, lag in task.RECALL:
        train, test = task.examples(net, lag, 0, 0)
        assert not {bytes(row) for row in train["tokens"]} & {bytes(row) for row in test["tokens"]}
        assert len(train["tokens"]) == task.UPDATES * task.EXAMPLES


def test_the_control_removes_the_information(task) -> None:
    """The first symbol that is seen agrees with the target as often as chance has it."""
    train, _ = task.examples("shuffled", 10, 0, 0)
    assert abs(np.mean(train["tokens"][:, 0] == train["target"]) - 1 / task.SYMBOLS) < 0.02
    assert set(train["tokens"][:, 0]) == set(range(task.SYMBOLS))


def test_lstms_of_one_lag_differ_in_two_biases_alone_and_the_next_net_in_everything(task) -> None:
    assert (task.examples("lstm", 10, 0, 0)[0]["tokens"] != task.examples("lstm", 10, 0, 1)[0]["tokens"]).any()
    assert (task.initial("lstm", 10, 0, 0)["readout.bias"] != task.initial("lstm", 10, 0, 1)["readout.bias"]).all()
    zero, one, long = (task.initial(net, 100, 0, 0) for net in ("lstm_bias_0", "lstm_bias_1", "lstm"))
    size = task.UNITS["lstm"]
    for name, value in zero.items():
        rows = (
            slice(2 * size, None)
            if name == "lstm.bias_ih_l0"
            else slice(0 if "bias_hh" not in name else 2 * size, None)
        )
        np.testing.assert_array_equal(value[rows], one[name][rows])
        np.testing.assert_array_equal(value[rows], long[name][rows])
    for params, forget, write in ((zero, 0, 0), (one, 1, 0), (long, np.log(100), -np.log(100))):
        np.testing.assert_allclose(params["lstm.bias_ih_l0"][: 2 * size], np.repeat([write, forget], size), rtol=1e-12)
        assert not params["lstm.bias_hh_l0"][: 2 * size].any()


def test_the_rnn_has_a_few_more_parameters_than_the_lstm(task) -> None:
    sizes = {cell: sum(value.size for value in task.initial(cell, 10, 0, 0).values()) for cell in task.UNITS}
    assert sizes == {"lstm": 844, "rnn": 916}


def test_the_direct_path_is_a_root_mean_square(task) -> None:
    assert task.direct_path({"kept": np.array([[1.0, 0.0], [0.0, 1.0]])}) == pytest.approx(0.5**0.5)


def test_an_orthogonal_start_keeps_every_norm(task) -> None:
    weight = task.initial("rnn_orthogonal", 100, 0, 0)["rnn.weight_hh_l0"]
    np.testing.assert_allclose(weight @ weight.T, np.eye(task.UNITS["rnn"]), atol=1e-12)


@pytest.mark.torch
def test_the_rnn_starts_as_torch_nn_does(task) -> None:
    """The same interval for every entry, and so the same spectral radius on average."""
    import torch

    torch.manual_seed(0)
    units, theirs, ours = task.UNITS["rnn"], [], []
    for k in range(50):
        layer = torch.nn.RNN(task.FEATURES, units)
        assert max(value.abs().max().item() for value in layer.parameters()) <= units**-0.5
        theirs.append(np.abs(np.linalg.eigvals(layer.weight_hh_l0.detach().numpy())).max())
        ours.append(np.abs(np.linalg.eigvals(task.initial("rnn", 100, 0, k)["rnn.weight_hh_l0"])).max())
    assert abs(np.mean(theirs) - np.mean(ours)) < 0.03


def settled(task, symbol: int) -> Training:
    """A net that names symbol 0 whatever it reads, on sequences of `symbol` alone."""
    start = task.initial("rnn", 1, 0, 0)
    start["readout.bias"] = start["readout.bias"] + [100.0, 0.0, 0.0, 0.0]
    data = {"tokens": np.full((120, 2), symbol, np.int8), "target": np.full(120, symbol, np.int8)}
    data["tokens"][:, 1] = 5
    order = np.arange(120).reshape(30, 4)
    return Training("rnn", start, data, order, np.full(30, 0.001), 1.0, {"stop": task.WINDOW})


@pytest.mark.torch
def test_torch_training_stops_after_a_row_of_minibatches_without_an_error(room: Paper, task) -> None:
    import torch

    torch.set_default_dtype(torch.float64)
    for symbol, updates in ((0, task.WINDOW), (1, 30)):
        assert len(room.module("torch/experiment.py").train(settled(task, symbol)).losses) == updates
    torch.set_default_dtype(torch.float32)


@pytest.mark.jax
def test_jax_training_stops_after_a_row_of_minibatches_without_an_error(room: Paper, task) -> None:
    import jax

    for symbol, updates in ((0, task.WINDOW), (1, 30)):
        with jax.enable_x64(True):
            assert len(room.module("jax/experiment.py").train(settled(task, symbol)).losses) == updates


def test_where_the_reset_stands_matters(room: Paper) -> None:
    """With the same parameters the post's GRU and nn.GRU differ visibly."""
    checks = room.module("numpy_checks.py")
    for seed in range(3):
        problem = checks.problem(seed)
        outputs = checks.forward(problem.params, problem.batch, **problem.config)
        assert np.abs(outputs["gru_hidden"] - outputs["gru_after_hidden"]).max() > 1e-3


def test_the_direct_path_is_not_the_whole_jacobian(room: Paper) -> None:
    """With recurrent weights the cell reaches later gates through h, and Π f_t misses most of ∂C_T/∂C_0."""
    checks, jacobians = room.module("numpy_checks.py"), room.module("jacobians.py")
    for seed in range(3):
        problem = checks.problem(seed)
        outputs, size = checks.forward(problem.params, problem.batch, **problem.config), problem.config["hidden"]
        states = jacobians.of_states(problem.params, problem.batch["cell"], outputs)[:, : 2 * size**2].reshape(
            2, size, 2 * size
        )
        cells = states[0, :, :size]
        direct = np.diag(outputs["forget_gate"][0].prod(0))
        assert np.linalg.norm(cells - direct) / np.linalg.norm(cells) > 0.1
