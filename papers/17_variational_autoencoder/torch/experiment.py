r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`; its GRU is `nn.GRU`, whose steps are one call
    training   `torch.optim.Adam`, one minibatch after another, the gradient's norm cut at `training.clip`

Arrays arrive in the precision in which they are to be used.
"""

import numpy as np
import torch
from torch import nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def build(net: str, params: Arrays) -> nn.Module:
    """The network of that name with these parameters."""
    network = model.Model(**task.config(net))
    network.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return network


def train(training: Training) -> Trained:
    network, losses = build(training.net, training.start), []
    optimizer = torch.optim.Adam(network.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    data = {name: torch.as_tensor(value) for name, value in training.data.items()}
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = network({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in network.parameters() if p.grad is not None], training.clip)
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in network.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    found = build(net, params)({name: torch.as_tensor(value) for name, value in task.batch(inputs).items()})
    divergence = found["gaussian_kl"] if task.config(net)["closed_form"] else found["kl"].mean(1)
    return {
        "kl": divergence.numpy(),
        **{name: found[name].numpy() for name in ("mean", "z", "log_likelihood", "bound")},
    }
