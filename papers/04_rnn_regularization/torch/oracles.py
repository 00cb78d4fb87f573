"""PyTorch's own deep LSTM and dropout against the room's."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "nn.LSTM without dropout", "with all-ones masks at rate 0: hidden states of the last layer, last states of all",
            "torch.nn.LSTM, several layers", _plain, ("one of each", "saturated"),
        ),
        Oracle(
            "nn.LSTM by layers", "with the masks: one torch.nn.LSTM a layer, its input multiplied by the mask and 1 / (1 - p)",
            "torch.nn.LSTM, one layer each", _masked, ("one of each",),
        ),
        Oracle(
            "nn.LSTM with its own dropout", "the library's dropout stands between the layers and nowhere else: with the masks that"
            " it drew there, and all-ones masks at the words and the prediction, hidden states and last cells are its own",
            "torch.nn.LSTM(dropout=p) in training mode", _own,
        ),
        Oracle(
            "F.dropout", "the masks that torch.nn.functional.dropout draws, read off its result, give what it gives: between the"
            " word and the first layer",
            "torch.nn.functional.dropout", _drawn,
        ),
        Oracle(
            "gradients of nn.LSTM", "every gradient of the stack under the masks", "torch.autograd through torch.nn.LSTM",
            _gradients,
        ),
    ]  # fmt: skip


def _tensors(problem: Problem) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return tuple({k: torch.as_tensor(v) for k, v in arrays.items()} for arrays in (problem.params, problem.batch))


def _layer(params: dict[str, Tensor], number: int, hidden: int) -> nn.LSTM:
    layer = nn.LSTM(hidden, hidden, batch_first=True)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    layer.load_state_dict({f"{name}_l0": params[f"lstm.{name}_l{number}"] for name in names})
    return layer


def _by_layers(problem: Problem, params: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, list[nn.LSTM]]:
    """Confidences by one nn.LSTM a layer; the layers as well, for their gradients."""
    scale, below, layers = 1 - problem.config["dropout"], F.embedding(batch["inputs"], params["embedding.weight"]), []
    for number in range(problem.config["layers"]):
        layers.append(_layer(params, number, problem.config["hidden"]))
        state = tuple(batch[name][:, number][None].contiguous() for name in ("hidden", "cell"))
        below, _ = layers[-1](below * batch["masks"][:, :, number] / scale, state)
    return F.linear(below * batch["masks"][:, :, -1] / scale, params["readout.weight"], params["readout.bias"]), layers


def _plain(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    size, layers = problem.config["hidden"], problem.config["layers"]
    stack = nn.LSTM(size, size, layers, batch_first=True)
    stack.load_state_dict({n.removeprefix("lstm."): v for n, v in params.items() if n.startswith("lstm.")})
    state = tuple(batch[name].transpose(0, 1).contiguous() for name in ("hidden", "cell"))
    with torch.no_grad():
        hidden, last = stack(F.embedding(batch["inputs"], params["embedding.weight"]), state)
    ones = {**problem.batch, "masks": np.ones_like(problem.batch["masks"])}
    ours = forward(problem.params, ones, dropout=0.0)
    theirs = [hidden, *(part.transpose(0, 1) for part in last)]
    return np.concatenate(
        [ours["hidden"][:, :, -1].ravel(), ours["hidden"][:, -1].ravel(), ours["cell"][:, -1].ravel()]
    ), np.concatenate([part.numpy().ravel() for part in theirs])


def _masked(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    with torch.no_grad():
        logits, _ = _by_layers(problem, *_tensors(problem))
    return forward(problem.params, problem.batch)["logits"], logits.numpy()


def _own(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    size, layers, rate = (problem.config[name] for name in ("hidden", "layers", "dropout"))
    stack = nn.LSTM(size, size, layers, batch_first=True, dropout=rate)  # a module is made in training mode
    stack.load_state_dict({n.removeprefix("lstm."): v for n, v in params.items() if n.startswith("lstm.")})
    words, masks = F.embedding(batch["inputs"], params["embedding.weight"]), torch.ones_like(batch["masks"])
    state = tuple(batch[name].transpose(0, 1).contiguous() for name in ("hidden", "cell"))
    torch.manual_seed(1)
    with torch.no_grad():
        hidden, (_, cell) = stack(words, state)
    torch.manual_seed(1)
    for layer in range(1, layers):  # it draws for what the layer below sends up, (time, batch, unit)
        masks[:, :, layer] = F.dropout(torch.ones(words.transpose(0, 1).shape), rate).transpose(0, 1) != 0
    # all-ones masks divide by 1 - p all the same: what they divide is multiplied before
    ours = dict(problem.params)
    ours["lstm.weight_ih_l0"] = ours["lstm.weight_ih_l0"] * (1 - rate)
    found = forward(ours, {**problem.batch, "masks": masks.numpy()})
    return np.concatenate([found["hidden"][:, :, -1].ravel(), found["cell"][:, -1].ravel()]), np.concatenate(
        [hidden.numpy().ravel(), cell.transpose(0, 1).numpy().ravel()]
    )


def _drawn(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    torch.manual_seed(0)
    words = F.embedding(batch["inputs"], params["embedding.weight"])
    below = F.dropout(words, problem.config["dropout"])
    masks = batch["masks"].clone()
    masks[:, :, 0] = below != 0  # what was drawn
    scale = 1 - problem.config["dropout"]
    layer = _layer(params, 0, problem.config["hidden"])
    with torch.no_grad():
        first, _ = layer(below, tuple(batch[name][:, 0][None].contiguous() for name in ("hidden", "cell")))
    ours = forward(problem.params, {**problem.batch, "masks": masks.numpy()})["hidden"][:, :, 0]
    kept = np.where(masks[:, :, 0].numpy(), words.numpy(), 0.0) / scale
    return np.concatenate([ours.ravel(), kept.ravel()]), np.concatenate([first.numpy().ravel(), below.numpy().ravel()])


def _gradients(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    ours = model.Model(**problem.config)
    ours.load_state_dict(params)
    ours(batch)["loss"].backward()
    logits, layers = _by_layers(problem, params, batch)
    F.cross_entropy(logits.transpose(1, 2), batch["targets"]).backward()
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    sides = [
        [ours.lstm.get_parameter(f"{name}_l{k}").grad.flatten() for k in range(len(layers)) for name in names],
        [layer.get_parameter(f"{name}_l0").grad.flatten() for layer in layers for name in names],
    ]
    return torch.cat(sides[0]).numpy(), torch.cat(sides[1]).numpy()
