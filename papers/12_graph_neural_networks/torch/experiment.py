r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`, by its number of rounds and its readout
    training   `torch.optim.Adam`, one minibatch after another

Arrays arrive in the precision in which they are to be used.
"""

import numpy as np
import torch
from torch import Tensor, nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def tensors(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items()}


def build(net: str, params: Arrays) -> nn.Module:
    """The network of that name with these parameters."""
    network = model.Model(**task.switches(net))
    network.load_state_dict(tensors(params))
    return network


def train(training: Training) -> Trained:
    network, data = build(training.net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(network.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = network({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in network.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known = tensors(inputs)
    known["target"] = known["atoms"].new_zeros(len(known["atoms"]), 1)  # for the loss, which is not asked for
    return {"prediction": build(net, params)(known)["prediction"].numpy()}
