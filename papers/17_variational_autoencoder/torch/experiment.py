"""How the networks of `task.py` are trained and asked in PyTorch. TODO: the paper's.

Variational Lossy Autoencoder.
"""

import numpy as np
import torch

from s30.room import Array, Arrays, Trained, Training, sibling

Model = sibling(__file__, "model.py").Model


def build(params: Arrays) -> torch.nn.Module:
    outputs, features = params["weight"].shape
    model = Model(features=features, outputs=outputs)
    model.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return model


def train(training: Training) -> Trained:
    model = build(training.start)
    data = {name: torch.as_tensor(value) for name, value in training.data.items()}
    optimizer = torch.optim.SGD(model.parameters())
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist()):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = model({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in model.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known = torch.as_tensor(inputs["inputs"])
    unknown = torch.zeros(len(known), len(params["bias"]))  # the loss of which is not asked
    return {"prediction": build(params)({"inputs": known, "targets": unknown})["prediction"].numpy()}
