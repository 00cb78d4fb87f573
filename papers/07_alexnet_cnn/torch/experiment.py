r"""How the networks of `task.py` are trained and asked in PyTorch: this room's `Model`, by the update rule of section 5.

    v <- 0.9 v - lambda eps w - eps g,  w <- w + v

`torch.optim.SGD` keeps u = -v / eps, which is the same while eps is constant. Here the printed rule is written out, since
eps falls.
"""

import numpy as np
import torch
from torch import Tensor

from s30.room import Array, Arrays, Trained, Training, sibling

Model = sibling(__file__, "model.py").Model
task = sibling(__file__, "../task.py")


def build(net: str, params: Arrays) -> torch.nn.Module:
    """The network of that name with these parameters, in their precision."""
    model = Model(**task.config(net))
    model.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()}, assign=True)
    return model.requires_grad_()


def ask(model: torch.nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    return model({"images": images, "labels": labels, "mask": torch.ones((), dtype=images.dtype)})


def train(training: Training) -> Trained:
    model, decay = build(training.net, training.start), training.settings["decay"]
    images, labels = (torch.as_tensor(training.data[name]) for name in ("images", "labels"))
    weights = list(model.parameters())
    velocity = [torch.zeros_like(weight) for weight in weights]
    losses: list[float] = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist()):
        loss = ask(model, images[index], labels[index])["loss"]
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            # v <- 0.9 v - lambda eps w - eps g
            torch._foreach_mul_(velocity, 0.9)
            torch._foreach_add_(velocity, weights, alpha=-decay * rate)
            torch._foreach_add_(velocity, gradients, alpha=-rate)
            # w <- w + v
            torch._foreach_add_(weights, velocity)
        losses.append(loss.item())
        looked_at = "stop" in training.settings and len(losses) % task.STRETCH == 0
        if looked_at and error(model, images[: task.EXAMINED], labels[: task.EXAMINED]) <= training.settings["stop"]:
            break
    return Trained({name: value.detach().numpy() for name, value in model.state_dict().items()}, np.array(losses))


@torch.no_grad()
def error(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    return (ask(model, images, labels)["logits"].argmax(1) != labels).double().mean().item()


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    images = torch.as_tensor(inputs["images"])
    labels = torch.zeros(len(images), dtype=torch.long)  # the network asks for some
    out = ask(build(net, params), images, labels)
    return {"logits": out["logits"].numpy(), "length": out["norm1"].flatten(1).norm(dim=1).numpy()}
