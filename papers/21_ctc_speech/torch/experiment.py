r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model` in the three forms of `task.NETS`
    training   `torch.optim.Adam`, one minibatch after another, the gradient's norm cut at `training.clip`; no occupancies

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
    listener = model.Model(**task.switches(net))
    listener.load_state_dict(tensors(params))
    return listener.to(next(iter(tensors(params).values())).dtype)


def train(training: Training) -> Trained:
    listener, data = build(training.net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(listener.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = listener({name: value[index] for name, value in data.items()}, backward=False)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(listener.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in listener.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    listener, known = build(net, params), tensors(inputs)
    hidden, _ = listener.encode(known["frames"], known["frame_mask"])
    return {"logits": listener.output(hidden).numpy()}
