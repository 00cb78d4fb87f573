r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`, and an `nn.LSTM` with the same readout
    training   `torch.optim.Adam`, one minibatch after another, the gradient's norm cut at `training.clip`

Arrays arrive in the precision in which they are to be used.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


class Rival(nn.Module):
    """An LSTM whose last hidden state goes through the readout that the memory core has."""

    def __init__(self, features: int, hidden: int, readout: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.readout = nn.ModuleDict({"hidden": nn.Linear(hidden, readout), "output": nn.Linear(readout, classes)})

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        state = self.lstm(batch["inputs"])[0][:, -1]  # (sequence, hidden)
        return {"logits": self.readout["output"](self.readout["hidden"](state).relu())}


def build(net: str, params: Arrays) -> nn.Module:
    """The network of that name with these parameters, in their precision."""
    sizes = task.sizes(net, task.vectors_of(params))
    lstm = net.startswith(("lstm", "blind"))
    network = (
        Rival(sizes["features"], task.HIDDEN, sizes["readout"], sizes["classes"]) if lstm else model.Model(**sizes)
    )
    network.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return network


def given(net: str, params: Arrays, inputs: Tensor) -> dict[str, Tensor]:
    """What a network is called on: a memory core is told where it starts."""
    if net.startswith(("lstm", "blind")):
        return {"inputs": inputs}
    return {
        "inputs": inputs,
        "memory": torch.as_tensor(task.memory(net, task.vectors_of(params), len(inputs)), dtype=inputs.dtype),
    }


def train(training: Training) -> Trained:
    network, losses = build(training.net, training.start), []
    optimizer = torch.optim.Adam(network.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    inputs, label = (torch.as_tensor(training.data[name]) for name in ("inputs", "label"))
    order = torch.as_tensor(training.order)
    batch = given(training.net, training.start, inputs[order[0]])
    for index, rate in zip(order, training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        batch |= {"inputs": inputs[index], "label": label[index]}
        loss = F.cross_entropy(network(batch)["logits"], batch["label"])
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in network.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    batch = given(net, params, torch.as_tensor(inputs["inputs"]))
    network = build(net, params)
    if net.startswith(("lstm", "blind")):
        return {"logits": network(batch)["logits"].numpy()}
    found = network({**batch, "label": torch.zeros(len(batch["inputs"]), dtype=torch.long)})
    return {"logits": found["logits"].numpy(), "memory": found["memories"][:, -1].numpy()}
