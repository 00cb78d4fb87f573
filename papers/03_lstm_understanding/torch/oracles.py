"""PyTorch's own layers, and its automatic Jacobians, against the room's cells."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.functional import jacobian

from s30.room import Array, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
jacobians = sibling(__file__, "../jacobians.py")
State = dict[str, Tensor]
HARD = ("one of each", "saturated")


def oracles() -> list[Oracle]:
    return [
        Oracle("nn.RNN", "the standard RNN's hidden states", "torch.nn.RNN", _layer("rnn", nn.RNN, ("rnn_hidden",)), HARD),
        Oracle(
            "nn.LSTM", "the LSTM's hidden states and its last cell", "torch.nn.LSTM",
            _layer("lstm", nn.LSTM, ("hidden", "cell")), HARD,
        ),
        Oracle(
            "nn.GRU", "the GRU that resets after the matrix", "torch.nn.GRU", _layer("gru", nn.GRU, ("gru_after_hidden",)), HARD
        ),
        Oracle(
            "coupled as nn.LSTM", "1 - σ(a) = σ(-a): an LSTM whose input gate has the forget gate's weights, negated",
            "torch.nn.LSTM", _layer("coupled", nn.LSTM, ("coupled_hidden", "coupled_cell"), _uncoupled), HARD,
        ),
        Oracle(
            "GRU of the post", "reset before the matrix",
            "torch.nn.RNNCell on r * h for the candidate, torch.nn.functional.linear on [h, x] for the gates", _post_gru, HARD,
        ),
        Oracle(
            "peepholes", "f and i look at C_(t-1), o at C_t",
            "torch.nn.LSTMCell that reads [C_(t-1), x_t] for the cell, torch.nn.functional.linear on [C_t, h, x] for o",
            _peepholes, HARD,
        ),
        Oracle(
            "gradients of torch.nn", "every gradient of the RNN, the LSTM and nn.GRU's form",
            "torch.autograd through torch.nn.RNN, LSTM and GRU", _gradients,
        ),
        Oracle(
            "Jacobian of the LSTM",
            "∂(C_T, h_T)/∂(C_0, h_0) is the product of the blocks of the identity `lstm_jacobian`, and of `rnn_jacobian`",
            "torch.autograd.functional.jacobian", _jacobians,
        ),
        Oracle(
            "direct path alone", "without recurrent weights ∂C_T/∂C_0 = diag(Π f_t)", "torch.autograd.functional.jacobian", _direct_path
        ),
    ]  # fmt: skip


def _tensors(problem: Problem) -> tuple[State, State]:
    return tuple({k: torch.as_tensor(v) for k, v in arrays.items()} for arrays in (problem.params, problem.batch))


def _weights(params: State, cell: str) -> State:
    return {name.partition(".")[2]: value for name, value in params.items() if name.partition(".")[0] == cell}


def _uncoupled(weights: State) -> State:
    rows = {name: value.chunk(3) for name, value in weights.items()}  # f, g, o
    return {name: torch.cat([-f, f, g, o]) for name, (f, g, o) in rows.items()}


def _built(kind: type[nn.RNNBase], problem: Problem, weights: State) -> nn.RNNBase:
    layer = kind(problem.config["features"], problem.config["hidden"], batch_first=True)
    layer.load_state_dict(weights, strict=True)
    return layer


def _start(batch: State, lstm: bool) -> Tensor | tuple[Tensor, Tensor]:
    return (batch["hidden"][None], batch["cell"][None]) if lstm else batch["hidden"][None]


def _layer(
    cell: str, kind: type[nn.RNNBase], names: tuple[str, ...], loaded: Callable[[State], State] = lambda w: w
) -> Callable[[Forward, Problem], tuple[Array, Array]]:
    """The layer of torch.nn into which the room's parameters are loaded: hidden states of all steps, and the last cell."""

    def sides(forward: Forward, problem: Problem) -> tuple[Array, Array]:
        params, batch = _tensors(problem)
        with torch.no_grad():
            hidden, last = _built(kind, problem, loaded(_weights(params, cell)))(
                batch["inputs"], _start(batch, len(names) > 1)
            )
        ours = forward(problem.params, problem.batch)
        if len(names) == 1:
            return ours[names[0]], hidden.numpy()
        both = np.concatenate([ours[names[0]], ours[names[1]][:, -1:]], axis=1)
        return both, torch.cat([hidden, last[1].transpose(0, 1)], dim=1).numpy()

    return sides


def _joined(weights: State, rows: int) -> tuple[Tensor, Tensor]:
    """One matrix on [h, x] and one bias, for the first rows."""
    return torch.cat([weights["weight_hh_l0"], weights["weight_ih_l0"]], 1)[:rows], (
        weights["bias_hh_l0"] + weights["bias_ih_l0"]
    )[:rows]


def _post_gru(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    weights, units = _weights(params, "gru"), problem.config["hidden"]
    candidate, h, seen = nn.RNNCell(problem.config["features"], units), batch["hidden"], []
    candidate.load_state_dict({name.removesuffix("_l0"): value.chunk(3)[2] for name, value in weights.items()})
    with torch.no_grad():
        for x in batch["inputs"].unbind(1):
            r, kept = F.linear(torch.cat([h, x], 1), *_joined(weights, 2 * units)).sigmoid().chunk(2, 1)
            h = torch.lerp(candidate(x, r * h), h, kept)  # kept = 1 - z
            seen.append(h)
    return forward(problem.params, problem.batch)["gru_hidden"], torch.stack(seen, 1).numpy()


def _peepholes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    weights, units = _weights(params, "peephole"), problem.config["hidden"]
    looks = weights.pop("weight_ch_l0")  # i, f, o
    cell = nn.LSTMCell(units + problem.config["features"], units)
    blind = torch.zeros(2 * units, units)  # the candidate, and the output gate, which needs C_t
    weights["weight_ih_l0"] = torch.cat([torch.cat([looks[: 2 * units], blind]), weights["weight_ih_l0"]], 1)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in weights.items()})
    output = torch.cat(
        [looks[2 * units :], weights["weight_hh_l0"][3 * units :], params["peephole.weight_ih_l0"][3 * units :]], 1
    )
    bias = (weights["bias_hh_l0"] + weights["bias_ih_l0"])[3 * units :]
    h, c, seen = batch["hidden"], batch["cell"], []
    with torch.no_grad():
        for x in batch["inputs"].unbind(1):
            old = h
            _, c = cell(torch.cat([c, x], 1), (h, c))
            h = F.linear(torch.cat([c, old, x], 1), output, bias).sigmoid() * c.tanh()
            seen.append(torch.stack([c, h]))
    ours = forward(problem.params, problem.batch)
    return np.stack([ours["peephole_cell"], ours["peephole_hidden"]]), torch.stack(seen, 2).numpy()


def _gradients(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    model, sides = Model(**problem.config), ([], [])
    model.load_state_dict(params)
    for cell, kind, options in (("rnn", nn.RNN, {}), ("lstm", nn.LSTM, {}), ("gru", nn.GRU, {"after": True})):
        own, theirs = model.get_submodule(cell), _built(kind, problem, _weights(params, cell))
        hidden, _ = theirs(batch["inputs"], _start(batch, cell == "lstm"))
        weight = torch.sin(torch.arange(hidden.numel(), dtype=hidden.dtype)).reshape(hidden.shape)
        ours = own(batch["inputs"], batch["hidden"], batch["cell"], **options)["hidden"]
        for side, layer, found in zip(sides, (own, theirs), (ours, hidden), strict=True):
            named = dict(layer.named_parameters())
            side += [
                g.flatten() for g in torch.autograd.grad((found * weight).sum(), [named[n] for n in sorted(named)])
            ]
    return torch.cat(sides[0]).numpy(), torch.cat(sides[1]).numpy()


def _jacobians(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    model, units, theirs = Model(**problem.config), problem.config["hidden"], []
    model.load_state_dict(params)
    for inputs, hidden, cell in zip(*(batch[name][:, None] for name in ("inputs", "hidden", "cell")), strict=True):

        def last(state: Tensor, inputs: Tensor = inputs) -> Tensor:
            trace = model.lstm(inputs, state[None, units:], state[None, :units])
            return torch.cat([trace["cell"][0, -1], trace["hidden"][0, -1]])

        def rnn(start: Tensor, inputs: Tensor = inputs, cell: Tensor = cell) -> Tensor:
            return model.rnn(inputs, start[None], cell)["hidden"][0, -1]

        state = torch.cat([cell[0], hidden[0]])
        theirs.append(torch.cat([jacobian(last, state).flatten(), jacobian(rnn, hidden[0]).flatten()]))
    ours = jacobians.of_states(problem.params, problem.batch["cell"], forward(problem.params, problem.batch))
    return ours, torch.stack(theirs).numpy()


def _direct_path(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    _, batch = _tensors(problem)
    blind = {name: 0 * value if "_hh_" in name else value for name, value in problem.params.items()}
    model = Model(**problem.config)
    model.load_state_dict({name: torch.as_tensor(value) for name, value in blind.items()})
    run = lambda cell: model.lstm(batch["inputs"][:1], batch["hidden"][:1], cell[None])["cell"][0, -1]
    gates = forward(blind, problem.batch)["forget_gate"][0]
    return np.diag(gates.prod(0)), jacobian(run, batch["cell"][0]).numpy()
