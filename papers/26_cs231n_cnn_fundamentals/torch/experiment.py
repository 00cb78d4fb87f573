r"""How the classifiers of `task.py` are trained and asked in PyTorch.

    softmax, two-layer    `Dense`, on the pixels in one vector
    convnet               this room's `Model`
    training              `torch.optim.Adam`, one minibatch after another
    gradients             `backward`, against the loss with one parameter displaced after another

Each network trains alone, from the start and on the minibatches that the task hands over.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from s30.room import Array, Arrays, Trained, Training, sibling

Model = sibling(__file__, "model.py").Model
task = sibling(__file__, "../task.py")


class Dense(nn.Module):
    """FC layers with ReLU between them and the loss of the room's Model: a softmax classifier when there is one layer."""

    def __init__(self, *sides: int, strength: float):
        super().__init__()
        self.strength = strength
        for number, (inputs, outputs) in enumerate(zip(sides, sides[1:]), 1):
            self.add_module(f"fc{number}", nn.Linear(inputs, outputs))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        *inner, last = self.children()
        hidden = batch["images"].flatten(1)  # (batch, feature)
        for layer in inner:
            hidden = F.relu(layer(hidden))
        scores = last(hidden)  # (batch, class)
        # 1/N sum_i -log p_{y_i} + 1/2 lambda ||W||^2
        regularisation = 0.5 * self.strength * sum(layer.weight.square().sum() for layer in (*inner, last))
        return {"scores": scores, "loss": F.cross_entropy(scores, batch["labels"]) + regularisation}


def tensors(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items()}


def build(net: str, params: Arrays, strength: float = 0.0) -> nn.Module:
    """The network of that name with these parameters."""
    if net == "convnet":
        model = Model(**{**task.checks.CONFIG, "filters": len(params["conv.bias"]), "strength": strength})
    else:
        weights = [value for key, value in params.items() if key.endswith("weight")]
        model = Dense(64, *map(len, weights), strength=strength)
    model.load_state_dict(tensors(params))
    return model


def parameters(model: nn.Module) -> dict[str, Array]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def train(training: Training) -> Trained:
    model = build(training.net, training.start, training.settings["strength"])
    images, labels = (torch.as_tensor(training.data[name]) for name in ("images", "labels"))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    losses, kept = [], {}
    for update, (index, rate) in enumerate(zip(torch.as_tensor(training.order), training.rates.tolist()), 1):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = model({"images": images[index], "labels": labels[index]})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if update in training.keep:
            kept[update] = parameters(model)
    return Trained(parameters(model), np.array(losses), kept)


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    images = torch.as_tensor(inputs["images"])
    labels = torch.zeros(len(images), dtype=torch.long)  # the networks ask for some
    return {"scores": build(net, params)({"images": images, "labels": labels})["scores"].numpy()}


def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label.

    known (train, pixel) and asked (test, pixel) hold grey levels, the integers 0..16, so that distances are integers too.
    """
    near, far = (torch.as_tensor(levels).float() for levels in (known, asked))
    # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
    squares = far.square().sum(1)[:, None] - 2 * far @ near.T + near.square().sum(1)  # (test, train)
    distances = squares if norm == 2 else torch.cdist(far, near, p=1)  # (test, train)
    nearest = distances.sort(dim=1, stable=True).indices[:, : task.NEIGHBOURS]  # (test, k)
    votes = F.one_hot(torch.as_tensor(labels)[nearest], task.CLASSES).sum(1)  # (test, class)
    return (votes * task.CLASSES - torch.arange(task.CLASSES)).argmax(1).numpy()


def losses(config: dict, params: Arrays, batch: Arrays, displaced: Arrays, precision: str) -> dict[str, Array]:
    """The room's loss after each displacement of the parameters, (displacement,), and its gradient without any."""
    dtype = {"double": torch.float64, "single": torch.float32}[precision]
    model = Model(**config).to(dtype)
    model.load_state_dict(tensors(params))
    known = tensors(batch) | {"images": torch.as_tensor(batch["images"], dtype=dtype)}
    model(known)["loss"].backward()
    gradient = {name: value.grad.numpy() for name, value in model.named_parameters()}
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    values = []
    with torch.no_grad():
        for steps in zip(*displaced.values()):
            for (name, parameter), step in zip(model.named_parameters(), steps):
                torch.add(start[name], torch.as_tensor(step, dtype=dtype), out=parameter)
            values.append(model(known)["loss"])
    return {"loss": torch.stack(values).numpy(), **gradient}
