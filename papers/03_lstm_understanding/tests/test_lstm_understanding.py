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


# --- the Jacobian of the cell ---


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
def test_jacobian_has_other_paths_once_gates_read_the_hidden_state(room: Paper, problem: Problem) -> None:
    """The cell reaches later gates through h, so Π f_t is the direct path alone."""
    import torch
    from torch.func import jacrev

    model, batch = torch_model(room, problem)
    x, hidden = batch["inputs"][:1], batch["hidden"][:1]
    gates = model.lstm(x, hidden, batch["cell"][:1])["forget_gate"][0]
    jacobian = jacrev(lambda cell: model.lstm(x, hidden, cell[None])["cell"][0, -1])(batch["cell"][0])
    assert (jacobian - torch.diag(gates.prod(0))).abs().max() > 1e-3


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


def test_a_net_has_learnt_when_a_window_of_minibatches_reaches_the_threshold(room: Paper) -> None:
    task = room.module("recall.py")
    accuracy = np.zeros((2, 40))
    accuracy[0, 15:] = 1.0
    assert task.updates_to_learn(accuracy) == [15 + task.WINDOW, 40.0]
