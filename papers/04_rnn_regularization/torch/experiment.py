r"""How the networks of `task.py` are trained and asked in PyTorch: all nets of an ensemble at once, by batched products.

training   a layer's inputs are dropped and projected for all times at once; then one `baddbmm` a step for all nets; Adam
answers    the same without masks
noise      cells of nets that were trained without masks, under masks
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.adam import adam

from s30.room import Array, Arrays, Trained, Training, sibling

task = sibling(__file__, "../task.py")
State = list[tuple[Tensor, Tensor]]  # hidden and cell of every layer, (net, reader, unit)


# The function behind `torch.optim.Adam`: to build that class imports PyTorch's compiler.
step = partial(adam, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, fused=True)


class Kept:
    """m / (1 - p) of every net, place and unit of a minibatch; 1 where an arm drops nothing."""

    def __init__(self, net: str, packed: Tensor, params: dict[str, Tensor]) -> None:
        like = params["readout.bias"]
        bits = (packed[..., None] >> torch.arange(7, -1, -1, dtype=torch.uint8)) & 1
        self.masks = bits.flatten(3).to(like.dtype)  # (reader, time, place, unit)
        drop, scale = task.used(len(like), task.RATE[net])
        self.drop, self.scale = drop, torch.as_tensor(scale).to(like.dtype)

    def at(self, place: int) -> Tensor:
        """(net, reader, time, unit)"""
        drop = torch.as_tensor(self.drop[:, place])[:, None, None, None]
        return torch.where(drop, self.masks[None, :, :, place] * self.scale[:, place, None, None, None], 1.0)


def read(
    params: dict[str, Tensor], text: Tensor, state: State, kept: Kept | None = None, cells: list[Tensor] | None = None
) -> tuple[Tensor, State]:
    """text (reader, time) -> D(h) of the last layer, (net, reader, time, unit), and the state after the last character.

    Each layer's cells, of the same shape, are appended to `cells` where that is asked.
    """
    drop = kept.at if kept else lambda place: None
    below, after = params["embedding.weight"][:, text], []
    for layer, (hidden, cell) in enumerate(state):
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        given, bias, recurrent, other = (params[f"lstm.{name}_l{layer}"] for name in names)
        mask, on_hidden, on_cell = (drop(place) for place in (layer, 3 + layer, 5 + layer))
        # D(h_t^{l-1})
        below = below if mask is None else below * mask
        rows = torch.einsum("nrtu,ngu->nrtg", below, given) + (bias + other)[:, None, None]
        trace: list[tuple[Tensor, Tensor]] = []
        for t, row in enumerate(rows.unbind(2)):
            hidden = hidden if on_hidden is None else hidden * on_hidden[:, :, t]
            cell = cell if on_cell is None else cell * on_cell[:, :, t]
            i, f, g, o = torch.baddbmm(row, hidden, recurrent.transpose(1, 2)).chunk(4, dim=2)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            trace.append((hidden, cell))
        below = torch.stack([step[0] for step in trace], dim=2)
        if cells is not None:
            cells.append(torch.stack([step[1] for step in trace], dim=2))
        after.append((hidden, cell))
    mask = drop(task.LAYERS)
    return (below if mask is None else below * mask), after


def confidences(params: dict[str, Tensor], hidden: Tensor) -> Tensor:
    return torch.einsum("nrtu,nku->nrtk", hidden, params["readout.weight"]) + params["readout.bias"][:, None, None]


def start(params: dict[str, Tensor], readers: int) -> State:
    weight = params["readout.weight"]
    zero = weight.new_zeros(len(weight), readers, weight.shape[2])
    return [(zero, zero)] * task.LAYERS


def train(training: Training) -> Trained:
    net, data = training.net, {name: torch.as_tensor(value) for name, value in training.data.items()}
    params = {name: torch.tensor(value, requires_grad=True) for name, value in training.start.items()}
    values, losses, kept = list(params.values()), [], {}
    mean, square = ([torch.zeros_like(value) for value in values] for _ in range(2))
    steps, state = [torch.zeros(()) for _ in values], start(params, training.order.shape[1])
    for number, (index, rate) in enumerate(
        zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True), 1
    ):
        # what was carried here, without its history; zeros where the text begins anew
        fresh = data["fresh"][index][None, :, None]
        state = [tuple(part.detach().masked_fill(fresh, 0.0) for part in layer) for layer in state]
        hidden, state = read(params, data["inputs"][index], state, Kept(net, data["masks"][index], params))
        logits = confidences(params, hidden[:, :, -1:] if net == "recall" else hidden)
        targets = data["targets"][index].expand(len(logits), -1, -1)
        # each net's own mean: the gradient of a net is as if it were alone
        loss = F.cross_entropy(logits.flatten(0, 2), targets.flatten()) * len(logits)
        for value in values:
            value.grad = None
        loss.backward()
        with torch.no_grad():
            step(values, [value.grad for value in values], mean, square, [], steps, lr=rate)
        losses.append(loss.item() / len(logits))
        if number in training.keep:
            kept[number] = _arrays(params)
    return Trained(_arrays(params), np.array(losses), kept)


def _arrays(params: dict[str, Tensor]) -> dict[str, Array]:
    return {name: value.detach().numpy().copy() for name, value in params.items()}


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    tensors, rows = {name: torch.as_tensor(value) for name, value in params.items()}, inputs["inputs"]
    text = torch.as_tensor(rows).reshape(int(inputs["fresh"].sum()), -1)
    hidden, _ = read(tensors, text, start(tensors, len(text)))
    logits = confidences(tensors, hidden[:, :, -1:] if net == "recall" else hidden)
    return {"logits": logits.reshape(len(logits), len(rows), -1, logits.shape[-1]).numpy()}


@torch.no_grad()
def noisy_cells(params: Arrays, text: Array, packed: Array) -> Array:
    """Of the nets of arm `none`, dropped where each arm drops: (net, reader, time, layer, unit)."""
    tensors = {name: torch.as_tensor(value) for name, value in task.undropped(params).items()}
    cells: list[Tensor] = []
    kept = Kept("recall", torch.as_tensor(packed), tensors)
    read(tensors, torch.as_tensor(text), start(tensors, len(text)), kept, cells)
    return torch.stack(cells, dim=3).numpy()
