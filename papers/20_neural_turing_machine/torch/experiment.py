r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`, and its LSTM controller with a readout; several side by side, as an axis in front of every parameter
    training   `torch.optim.Adam` on the sum of the nets' losses, which no two nets share a parameter of; the gradient cut entry by entry

Arrays arrive in the precision in which they are to be used.
"""

import numpy as np
import torch
from torch import Tensor, nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


class Rival(nn.Module):
    """The LSTM alone: logits from its h."""

    def __init__(self) -> None:
        super().__init__()
        self.controller = model.Lstm(task.copying.FEATURES, task.HIDDEN)
        self.output = model.Affine(task.HIDDEN, task.copying.BITS)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        state, hidden = self.controller.start(batch["inputs"].shape[-3]), []
        for x in batch["inputs"].unbind(-2):
            state = self.controller(x, state)
            hidden.append(state[0])
        every = torch.stack(hidden, -2)  # (net, batch, time, hidden)
        logits = self.output(every.flatten(-3, -2)).unflatten(-2, every.shape[-3:-1])
        if "targets" not in batch:
            return {"logits": logits}
        return {"logits": logits, "loss": model.cost(logits, batch["targets"], batch["asked"])}


def build(net: str, params: Arrays, rows: int) -> nn.Module:
    """The networks of that name, side by side, with these parameters in their precision."""
    network = Rival() if net == "lstm" else model.Model(**task.sizes(rows))
    for name, value in params.items():
        *path, last = name.split(".")
        setattr(network.get_submodule(".".join(path)), last, nn.Parameter(torch.tensor(value)))
    return network.to(next(network.parameters()).dtype)


def begun(network: nn.Module, batch: dict[str, Tensor], rows: int) -> dict[str, Tensor]:
    """The batch (net, batch, time, ...) and, for machines, M_0: the learnt row, and drawn ones on top for those that have them."""
    if isinstance(network, Rival):
        return batch
    (nets, count), learnt = batch["inputs"].shape[:2], network.start.memory  # (net, size)
    start = learnt.unsqueeze(1) + torch.as_tensor(task.drawn_rows(nets, rows), dtype=learnt.dtype)
    return {**batch, "memory": start.unsqueeze(1).expand(-1, count, -1, -1)}


def train(training: Training) -> Trained:
    rows, limit = training.settings["rows"], training.settings["limit"]
    network, losses = build(training.net, training.start, rows), []
    optimizer = torch.optim.Adam(network.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    data = {name: torch.as_tensor(value) for name, value in training.data.items()}
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        batch = {name: value[index].transpose(0, 1) for name, value in data.items()}  # (net, batch, time, ...)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = network(begun(network, batch, rows))["loss"]  # (net,)
        loss.sum().backward()
        nn.utils.clip_grad_value_(network.parameters(), limit)
        optimizer.step()
        losses.append(loss[: task.counted(training.net, len(loss))].mean().item())
    return Trained({name: value.detach().numpy() for name, value in network.named_parameters()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    x, rows = torch.as_tensor(inputs["inputs"]).transpose(0, 1), int(inputs["rows"][0])
    network = build(net, params, rows)
    if net == "lstm":
        return {"logits": network({"inputs": x})["logits"].transpose(0, 1).numpy()}
    unknown = {
        "targets": x.new_zeros(*x.shape[:3], task.copying.BITS),
        "asked": x.new_zeros(x.shape[:3], dtype=torch.bool),
    }
    found = network(begun(network, {"inputs": x, **unknown}, rows))
    return {name: found[name].transpose(0, 1).numpy() for name in ("logits", "weighting")}
