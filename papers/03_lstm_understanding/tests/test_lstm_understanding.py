"""Independent oracles for the room's cells: PyTorch's own layers, automatic Jacobians, closed forms."""

from functools import partial

import numpy as np
import pytest

from s30.corpus import Paper
from s30.problem import Problem


@pytest.fixture(params=[0, 1, 2])
def problem(room: Paper, request: pytest.FixtureRequest) -> Problem:
    return room.module("numpy_checks.py").problem(request.param)


@pytest.fixture
def outputs(room: Paper, problem: Problem) -> dict:
    return room.module("numpy_checks.py").forward(problem.params, problem.batch, **problem.config)


def close(observed, expected, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(observed, expected, rtol=0, atol=atol)


# --- torch.nn as oracle: outputs and gradients to 1e-12 ---


def torch_model(room: Paper, problem: Problem):
    import torch

    model = room.module("torch/model.py").Model(**problem.config).double()
    model.load_state_dict({name: torch.tensor(value) for name, value in problem.params.items()})
    return model, {name: torch.tensor(value) for name, value in problem.batch.items()}


def oracle(kind: str, problem: Problem, source):
    """The layer of torch.nn into which the room's own state_dict is loaded, strictly."""
    import torch

    layer = getattr(torch.nn, kind)(problem.config["features"], problem.config["hidden"], batch_first=True).double()
    layer.load_state_dict(source.state_dict(), strict=True)
    return layer


@pytest.mark.torch
@pytest.mark.parametrize(("kind", "name"), [("LSTM", "lstm"), ("GRU", "gru"), ("RNN", "rnn")])
def test_cells_and_gradients_equal_torch_nn(room: Paper, problem: Problem, kind: str, name: str) -> None:
    import torch

    model, batch = torch_model(room, problem)
    ours = getattr(model, name)
    theirs = oracle(kind, problem, ours)
    inputs = {key: batch[key].clone().requires_grad_() for key in ("inputs", "hidden", "cell")}
    others = {key: batch[key].clone().requires_grad_() for key in ("inputs", "hidden", "cell")}
    trace = ours(inputs["inputs"], inputs["hidden"], inputs["cell"], **({"after": True} if kind == "GRU" else {}))
    start = (others["hidden"][None], others["cell"][None]) if kind == "LSTM" else others["hidden"][None]
    hidden, last = theirs(others["inputs"], start)
    close(trace["hidden"].detach(), hidden.detach())
    weight = torch.sin(torch.arange(hidden.numel(), dtype=hidden.dtype)).reshape(hidden.shape)
    left, right = (trace["hidden"] * weight).sum(), (hidden * weight).sum()
    if kind == "LSTM":
        close(trace["cell"][:, -1].detach(), last[1][0].detach())
        left, right = left + trace["cell"][:, -1].square().sum(), right + last[1].square().sum()
    left.backward()
    right.backward()
    for key, value in theirs.named_parameters():
        close(getattr(ours, key).grad, value.grad)
    for key, value in others.items():
        if value.grad is not None:
            close(inputs[key].grad, value.grad)


@pytest.mark.torch
def test_numpy_equals_torch_nn_lstm(problem: Problem, outputs: dict) -> None:
    import torch

    layer = torch.nn.LSTM(problem.config["features"], problem.config["hidden"], batch_first=True).double()
    layer.load_state_dict(
        {k.removeprefix("lstm."): torch.tensor(v) for k, v in problem.params.items() if k.startswith("lstm.")}
    )
    batch = {name: torch.tensor(value) for name, value in problem.batch.items()}
    with torch.no_grad():
        hidden, (_, cell) = layer(batch["inputs"], (batch["hidden"][None], batch["cell"][None]))
    close(outputs["hidden"], hidden)
    close(outputs["cell"][:, -1], cell[0])


@pytest.mark.torch
def test_the_posts_gru_is_not_nn_gru(room: Paper, problem: Problem) -> None:
    """Where the reset stands matters: with the same parameters the two forms differ visibly."""
    model, batch = torch_model(room, problem)
    hidden, _ = oracle("GRU", problem, model.gru)(batch["inputs"], batch["hidden"][None])
    post = model.gru(batch["inputs"], batch["hidden"], batch["cell"])["hidden"]
    assert (hidden - post).abs().max() > 1e-3


@pytest.mark.torch
def test_update_gate_of_the_post_has_the_negated_weights(room: Paper, problem: Problem) -> None:
    """z_t of the post is σ of minus what nn.GRU computes before its own z."""
    import torch

    model, batch = torch_model(room, problem)
    gru, x, hidden = model.gru, batch["inputs"][:, 0], batch["hidden"]
    before = x @ gru.weight_ih_l0.T + gru.bias_ih_l0 + hidden @ gru.weight_hh_l0.T + gru.bias_hh_l0
    z = torch.sigmoid(-before.chunk(3, dim=1)[1])
    close(gru(batch["inputs"], hidden, batch["cell"])["update"][:, 0].detach(), z.detach())


@pytest.mark.torch
def test_coupled_gates_are_an_lstm_whose_input_gate_has_the_negated_weights_of_the_forget_gate(
    room: Paper, problem: Problem
) -> None:
    """1 - σ(a) = σ(-a), so `nn.LSTM` is an oracle for the coupled cell too."""
    import torch

    model, batch = torch_model(room, problem)
    layer = torch.nn.LSTM(problem.config["features"], problem.config["hidden"], batch_first=True).double()
    rows = {name: value.chunk(3) for name, value in model.coupled.state_dict().items()}  # f, g, o
    layer.load_state_dict({name: torch.cat([-f, f, g, o]) for name, (f, g, o) in rows.items()})
    hidden, (_, cell) = layer(batch["inputs"], (batch["hidden"][None], batch["cell"][None]))
    trace = model.coupled(batch["inputs"], batch["hidden"], batch["cell"])
    close(trace["hidden"].detach(), hidden.detach())
    close(trace["cell"][:, -1].detach(), cell[0].detach())


# --- the Jacobian of the cell ---


def state_jacobian(problem: Problem, outputs: dict) -> np.ndarray:
    """∂(C_T, h_T)/∂(C_0, h_0) of the first example: the product of the blocks of the identity `lstm_jacobian`."""
    w_i, w_f, w_g, w_o = np.split(problem.params["lstm.weight_hh_l0"], 4)  # each (hidden, hidden)
    total, before = np.eye(2 * problem.config["hidden"]), problem.batch["cell"][0]
    names = ("input_gate", "forget_gate", "candidate", "output_gate", "cell")
    for i, f, g, o, cell in zip(*(outputs[name][0] for name in names), strict=True):
        through = np.diag(before * f * (1 - f)) @ w_f + np.diag(g * i * (1 - i)) @ w_i + np.diag(i * (1 - g**2)) @ w_g
        show = np.diag(o * (1 - np.tanh(cell) ** 2))
        own = np.diag(np.tanh(cell) * o * (1 - o)) @ w_o
        total = np.block([[np.diag(f), through], [show @ np.diag(f), show @ through + own]]) @ total
        before = cell
    return total


def direct_path_misses(jacobian: np.ndarray, outputs: dict) -> float:
    """How far Π f_t is from ∂C_T/∂C_0, in Frobenius norms relative to the latter."""
    size = len(jacobian) // 2
    cells = jacobian[:size, :size]
    return float(np.linalg.norm(cells - np.diag(outputs["forget_gate"][0].prod(0))) / np.linalg.norm(cells))


@pytest.mark.torch
def test_jacobian_of_the_cell_is_the_product_of_forget_gates_without_recurrence(room: Paper, problem: Problem) -> None:
    import torch
    from torch.func import jacrev

    model, batch = torch_model(room, problem)
    with torch.no_grad():
        model.lstm.weight_hh_l0.zero_()
    x, hidden = batch["inputs"][:1], batch["hidden"][:1]
    gates = model.lstm(x, hidden, batch["cell"][:1])["forget_gate"][0]
    jacobian = jacrev(lambda cell: model.lstm(x, hidden, cell[None])["cell"][0, -1])(batch["cell"][0])
    close(jacobian.detach(), torch.diag(gates.prod(0)).detach())


@pytest.mark.torch
def test_jacobian_of_the_state_is_the_product_of_whole_steps(room: Paper, problem: Problem, outputs: dict) -> None:
    """With recurrent weights the cell reaches later gates through h, and Π f_t is the direct path alone."""
    import torch
    from torch.func import jacrev

    model, batch = torch_model(room, problem)
    size, start = problem.config["hidden"], torch.cat([batch["cell"][0], batch["hidden"][0]])

    def last(state: torch.Tensor) -> torch.Tensor:
        trace = model.lstm(batch["inputs"][:1], state[None, size:], state[None, :size])
        return torch.cat([trace["cell"][0, -1], trace["hidden"][0, -1]])

    jacobian = jacrev(last)(start).detach().numpy()
    close(jacobian, state_jacobian(problem, outputs))
    assert direct_path_misses(jacobian, outputs) > 0.1


@pytest.mark.torch
def test_jacobian_of_the_rnn_is_a_product_and_bounded_by_the_weights(
    room: Paper, problem: Problem, outputs: dict
) -> None:
    """∂h_T/∂h_0 = Π diag(1 - h_t²) W, so its norm is at most that of W to the power T."""
    from torch.func import jacrev

    model, batch = torch_model(room, problem)
    run = lambda hidden: model.rnn(batch["inputs"][:1], hidden[None], batch["cell"][:1])["hidden"][0, -1]
    jacobian, weight = jacrev(run)(batch["hidden"][0]).detach(), problem.params["rnn.weight_hh_l0"]
    total = np.eye(len(weight))
    for hidden in outputs["rnn_hidden"][0]:
        total = np.diag(1 - hidden**2) @ weight @ total
    close(jacobian, total)
    assert np.linalg.norm(total, 2) <= np.linalg.norm(weight, 2) ** len(outputs["rnn_hidden"][0])


@pytest.mark.jax
def test_jax_jacobian_of_the_cell_is_the_product_of_forget_gates(room: Paper, problem: Problem) -> None:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    model = room.module("jax/model.py")
    blind = {name: jnp.asarray(0 * value if "_hh_" in name else value) for name, value in problem.params.items()}
    x, hidden, cell = (jnp.asarray(problem.batch[name][0]) for name in ("inputs", "hidden", "cell"))
    for step in (model.lstm, model.coupled):
        run = partial(model.run, step, blind, x, hidden)
        jacobian = jax.jacrev(lambda c: run(c)["cell"][-1])(cell)  # noqa: B023
        close(jacobian, jnp.diag(run(cell)["forget_gate"].prod(0)))


@pytest.mark.jax
def test_jax_jacobian_of_the_state_is_the_product_of_whole_steps(room: Paper, problem: Problem, outputs: dict) -> None:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    model, size = room.module("jax/model.py"), problem.config["hidden"]
    params = {name: jnp.asarray(value) for name, value in problem.params.items()}

    def last(state: jax.Array) -> jax.Array:
        trace = model.run(model.lstm, params, jnp.asarray(problem.batch["inputs"][0]), state[size:], state[:size])
        return jnp.concatenate([trace["cell"][-1], trace["hidden"][-1]])

    start = jnp.concatenate([problem.batch["cell"][0], problem.batch["hidden"][0]])
    close(jax.jacfwd(last)(start), state_jacobian(problem, outputs))


@pytest.mark.jax
def test_scan_equals_a_python_loop(room: Paper, problem: Problem, outputs: dict) -> None:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    model = room.module("jax/model.py")
    params = {name: jnp.asarray(value) for name, value in problem.params.items()}
    hidden, cell = (jnp.asarray(problem.batch[name][0]) for name in ("hidden", "cell"))
    for t, x in enumerate(problem.batch["inputs"][0]):
        seen = model.lstm(params, jnp.asarray(x), hidden, cell)
        hidden, cell = seen["hidden"], seen["cell"]
        close(seen["cell"], outputs["cell"][0, t])


# --- closed forms, on the NumPy layer ---


def test_gates_are_the_affine_map_of_the_concatenation(problem: Problem, outputs: dict) -> None:
    """f_t = σ(W_f · [h_{t-1}, x_t] + b_f), with one matrix on the concatenated vector as the post writes it."""
    size = problem.config["hidden"]
    rows = {
        name: slice(k * size, (k + 1) * size)
        for k, name in enumerate(("input_gate", "forget_gate", "candidate", "output_gate"))
    }
    joined = np.concatenate([problem.params["lstm.weight_hh_l0"], problem.params["lstm.weight_ih_l0"]], axis=1)
    bias = problem.params["lstm.bias_ih_l0"] + problem.params["lstm.bias_hh_l0"]
    before = np.concatenate([problem.batch["hidden"][:, None], outputs["hidden"][:, :-1]], axis=1)
    both = np.concatenate([before, problem.batch["inputs"]], axis=2) @ joined.T + bias
    for name, block in rows.items():
        curve = np.tanh if name == "candidate" else lambda a: 1 / (1 + np.exp(-a))
        close(outputs[name], curve(both[..., block]))


def test_cell_is_the_weighted_sum_of_all_writes(problem: Problem, outputs: dict) -> None:
    """C_T = (Π f) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t."""
    f, write = outputs["forget_gate"], outputs["input_gate"] * outputs["candidate"]
    total = f.prod(1) * problem.batch["cell"] + sum(f[:, t + 1 :].prod(1) * write[:, t] for t in range(f.shape[1]))
    close(outputs["cell"][:, -1], total)


def test_sequences_begin_with_a_symbol_and_go_on_with_noise(room: Paper) -> None:
    task = room.module("recall.py")
    tokens = task.sequences(np.random.default_rng(0), 500, lag=7)
    assert tokens.shape == (500, 8)
    assert set(tokens[:, 0]) == set(range(task.SYMBOLS))
    assert set(tokens[:, 1:].ravel()) == set(range(task.SYMBOLS, task.FEATURES))


def test_lstms_of_one_lag_differ_in_two_biases_alone_and_the_next_net_in_everything(room: Paper) -> None:
    task = room.module("recall.py")
    assert (task.minibatches(10, 0, 0)[0] != task.minibatches(10, 0, 1)[0]).any()
    assert (task.initial("lstm", 10, 0, 0)["readout.bias"] != task.initial("lstm", 10, 0, 1)["readout.bias"]).all()
    zero, one, long = (task.initial(net, 100, 0, 0) for net in ("lstm_bias_0", "lstm_bias_1", "lstm"))
    size = task.HIDDEN
    for name, value in zero.items():
        rows = slice(2 * size, None) if name == "lstm.bias_ih_l0" else slice(None)
        np.testing.assert_array_equal(value[rows], one[name][rows])
        np.testing.assert_array_equal(value[rows], long[name][rows])
    for params, forget, write in ((zero, 0, 0), (one, 1, 0), (long, np.log(100), -np.log(100))):
        close(params["lstm.bias_ih_l0"][: 2 * size], np.repeat([write, forget], size), 1e-6)
        close(params["lstm.bias_hh_l0"][: 2 * size], np.zeros(2 * size))


def test_what_the_recurrent_matrix_keeps_at_the_start(room: Paper) -> None:
    """The default's spectral radius is about 1/√3, for any size; the orthogonal one keeps every norm."""
    task = room.module("recall.py")
    default = [task.initial("rnn", 100, seed, 0)["rnn.weight_hh_l0"] for seed in range(50)]
    radius = [np.abs(np.linalg.eigvals(weight)).max() for weight in default]
    assert abs(np.mean(radius) - 3**-0.5) < 0.05
    weight = task.initial("rnn_orthogonal", 100, 0, 0)["rnn.weight_hh_l0"]
    close(weight @ weight.T, np.eye(task.HIDDEN), 1e-5)


def settled(task, symbol: int):
    """A net that names symbol 0 whatever it reads, and minibatches of `symbol` alone."""
    start = task.initial("rnn", 1, 0, 0)
    start["readout.bias"] += np.float32([100, 0, 0, 0])
    tokens = task.sequences(np.random.default_rng(0), 30, 4, lag=1)
    tokens[..., 0] = symbol
    return start, tokens


@pytest.mark.torch
def test_torch_training_stops_after_a_row_of_minibatches_without_an_error(room: Paper) -> None:
    experiment, task = room.module("torch/experiment.py"), room.module("recall.py")
    for symbol, updates in ((0, task.WINDOW), (1, 30)):
        assert experiment.train("rnn", 0.001, *settled(task, symbol))[1] == updates


@pytest.mark.jax
def test_jax_training_stops_after_a_row_of_minibatches_without_an_error(room: Paper) -> None:
    import jax

    experiment, task = room.module("jax/experiment.py"), room.module("recall.py")
    for symbol, updates in ((0, task.WINDOW), (1, 30)):
        start, tokens = settled(task, symbol)
        with jax.enable_x64(False):
            assert experiment.train("rnn", 0.001, start, 1, tokens, tokens[0])[1] == updates
