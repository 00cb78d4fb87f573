r"""How the modules of `task.py` are trained and asked in PyTorch: this room's `Model`, by `torch.optim.Adam`."""

import numpy as np
import torch

from s30.room import Array, Arrays, Trained, Training, sibling

Model = sibling(__file__, "model.py").Model
task = sibling(__file__, "../task.py")


def build(net: str, params: Arrays) -> torch.nn.Module:
    """The module of that name with these parameters, in their precision."""
    model = Model(**task.config(net))
    model.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()}, assign=True)
    return model.requires_grad_()


def train(training: Training) -> Trained:
    model = build(training.net, training.start)
    data = {name: torch.as_tensor(value) for name, value in training.data.items()}
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist()):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = model({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.detach().numpy() for name, value in model.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    maps = torch.as_tensor(inputs["maps"])
    labels = torch.zeros(len(maps), *maps.shape[2:], dtype=torch.long)  # the module asks for some
    return {"scores": build(net, params)({"maps": maps, "labels": labels})["scores"].numpy()}
