r"""What CS231n reports of its classifiers, measured on 1,797 real digits in PyTorch. `classifiers.py` says what is measured.

    softmax, two-layer    `Dense`, on the pixels in one vector
    convnet               this room's `Model`
    training              `torch.optim.Adam` with a rate that falls linearly to zero
    gradients             `backward`, against the loss with one parameter displaced after another

Each network trains alone, one minibatch after another.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from s30.corpus import sibling
from s30.problem import Problem
from s30.vocabulary import Array, Arrays, Experiment

Model = sibling(__file__, "model.py").Model
task = sibling(__file__, "../classifiers.py")


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


def build(name: str, start: Arrays, strength: float) -> nn.Module:
    """The network of that name with the parameters `start`."""
    if name == "convnet":
        model = Model(**{**task.checks.CONFIG, "filters": len(start["conv.bias"]), "strength": strength}).float()
    else:
        weights = [value for key, value in start.items() if key.endswith("weight")]
        model = Dense(64, *map(len, weights), strength=strength).float()
    model.load_state_dict(tensors(start))
    return model


def train(start: dict, order: Array, strength: float, data: Arrays, judged: Arrays) -> tuple[dict, dict]:
    """Adam with a rate that falls linearly to zero; `order` (epoch, step, size) says which examples each minibatch holds.

    Returns the trained parameters, and the scores of all `judged` images after every epoch, (epoch, count, class).
    """
    batches, seen = torch.as_tensor(order), tensors(judged)
    images, labels = tensors(data).values()
    params, scores = {}, {}
    for name, network in start.items():
        model = build(name, network, strength)
        optimizer = torch.optim.Adam(model.parameters(), lr=task.RATES[name], fused=True)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, batches[..., 0].numel())
        after = []
        for epoch in batches:
            for index in epoch:
                optimizer.zero_grad()
                model({"images": images[index], "labels": labels[index]})["loss"].backward()
                optimizer.step()
                schedule.step()
            with torch.no_grad():
                after.append(model(seen)["scores"].numpy())
        params[name] = {key: value.numpy() for key, value in model.state_dict().items()}
        scores[name] = np.stack(after)
    return params, scores


def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label.

    known (train, pixel) and asked (test, pixel) hold grey levels, the integers 0..16.
    """
    near, far = torch.as_tensor(known), torch.as_tensor(asked)
    # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
    squares = far.square().sum(1)[:, None] - 2 * far @ near.T + near.square().sum(1)  # (test, train)
    distances = squares if norm == 2 else torch.cdist(far, near, p=1)  # (test, train)
    nearest = distances.sort(dim=1, stable=True).indices[:, : task.NEIGHBOURS]  # (test, k)
    votes = F.one_hot(torch.as_tensor(labels)[nearest], task.CLASSES).sum(1)  # (test, class)
    return (votes * task.CLASSES - torch.arange(task.CLASSES)).argmax(1).numpy()


@torch.no_grad()
def outputs(params: Arrays, batch: Arrays) -> Arrays:
    """What the convnet computes, without regularisation."""
    return {name: value.numpy() for name, value in build("convnet", params, 0.0)(tensors(batch)).items()}


def losses(problem: Problem, displaced: Arrays, dtype: type) -> tuple[Array, Arrays]:
    """The room's loss after each displacement of the parameters, (displacement,), and its gradient without any."""
    model = Model(**problem.config).to(torch.float64 if dtype is np.float64 else torch.float32)
    model.load_state_dict(tensors(problem.params))
    batch = tensors(problem.batch)
    batch["images"] = batch["images"].to(model.fc.weight.dtype)
    model(batch)["loss"].backward()
    gradient = {name: value.grad.double().numpy() for name, value in model.named_parameters()}
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    values = []
    with torch.no_grad():
        for steps in zip(*displaced.values()):
            for (name, parameter), step in zip(model.named_parameters(), steps):
                torch.add(start[name], torch.as_tensor(step), out=parameter)
            values.append(model(batch)["loss"].item())
    return np.array(values), gradient


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    torch.set_num_threads(1)
    return task.measure(
        profile, seed, progress, nearest_neighbours=nearest_neighbours, train=train, outputs=outputs, losses=losses
    )
