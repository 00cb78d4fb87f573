r"""How the mixture of `task.py` is trained and asked in PyTorch, and two recursions as tensors.

K(x) = min over the last instruction of K(before) + its bits
m(x) = sum over the last instruction of m(before) 2^(-its bits), as a logsumexp
NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from s30.room import Array, Arrays, Trained, Training, sibling

Model = sibling(__file__, "model.py").Model
complexity = sibling(__file__, "../complexity.py")
machine = sibling(__file__, "../machine.py")
task = sibling(__file__, "../task.py")


def build(params: Arrays) -> Model:
    mixture = Model(task.ORDERS)
    mixture.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return mixture


def parameters(mixture: Model) -> dict[str, Array]:
    return {name: value.numpy().copy() for name, value in mixture.state_dict().items()}


def whole(strings: Array) -> dict[str, Tensor]:
    """A batch of strings that fill their rows."""
    return {"strings": torch.as_tensor(strings), "mask": torch.ones(strings.shape, dtype=torch.bool)}


def train(training: Training) -> Trained:
    mixture = build(training.start)
    optimizer = torch.optim.Adam(mixture.parameters())
    counts = mixture.counts(torch.as_tensor(training.data["strings"]))
    losses, kept = [], {}
    for update, (index, rate) in enumerate(zip(training.order, training.rates.tolist()), 1):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = mixture.code(whole(training.data["strings"][index]), counts[index])["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if update in training.keep:
            kept[update] = parameters(mixture)
    return Trained(parameters(mixture), np.array(losses), kept)


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    out = build(params)(whole(inputs["strings"]))
    return {name: value.numpy() for name, value in out.items() if name != "loss"}


def complexities(max_bits: int) -> dict[str, Array]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index."""
    shortest, mass = torch.zeros(1), torch.zeros(1)  # before HALT; log2 of the mass
    for n in range(1, max_bits + 1):
        source, cost = (torch.from_numpy(part) for part in complexity.last_instructions(n))
        never, cost = source < 0, cost[:, None].to(shortest)  # (ways, 2^n), (ways, 1)
        # K(x) = min over the last instruction of K(before) + its bits
        best = (shortest[source] + cost).masked_fill(never, math.inf).amin(0)  # (2^n,)
        # m(x) = sum over the last instruction of m(before) 2^(-its bits)
        log_mass = ((mass[source] - cost) * math.log(2)).masked_fill(never, -math.inf).logsumexp(0) / math.log(2)
        shortest, mass = torch.cat([shortest, best]), torch.cat([mass, log_mass])
    halt = len(machine.HALT)
    return {"complexity": (shortest + halt).numpy(), "minus_log_mass": (halt - mass).numpy()}


def neighbours(single: Array, pair: Array) -> dict[str, Array]:
    """Compression distances (document, document) from compressed lengths, and each document's nearest other one."""
    alone, together = torch.as_tensor(single), torch.as_tensor(pair)
    # NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))
    low, high = torch.minimum(alone[:, None], alone), torch.maximum(alone[:, None], alone)
    distance = (together - low) / high
    return {"distance": distance.numpy(), "nearest": distance.clone().fill_diagonal_(math.inf).argmin(1).numpy()}
