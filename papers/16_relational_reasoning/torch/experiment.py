r"""How the networks of `task.py` are trained and asked in PyTorch: this room's `Model`, by `torch.optim.Adam`.

`multiplications` counts what a forward pass does, by PyTorch's own counter of operations.
"""

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

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
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = model({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return Trained(
        {name: value.detach().numpy() for name, value in model.state_dict().items()}, torch.stack(losses).numpy()
    )


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"logits": build(net, params)(asked(inputs))["logits"].numpy()}


def asked(inputs: Arrays) -> dict[str, torch.Tensor]:
    """The module asks for targets; these are none."""
    known = {name: torch.as_tensor(value) for name, value in inputs.items()}
    return {**known, "target": torch.zeros(len(known["mask"]), dtype=torch.long)}


def multiplications(net: str, objects: int) -> Array:
    """Of one set of so many objects: a product and a sum count as two operations there."""
    model = Model(**{**task.config(net), "places": objects}).double()
    with FlopCounterMode(display=False) as counter:
        model(asked(task.blank(net, objects)))
    return np.array(counter.get_total_flops() // 2)
