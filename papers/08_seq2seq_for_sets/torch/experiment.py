r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `SetToSequence` for sorting, `Joint` for stars
    training   `torch.optim.Adam`, one minibatch after another, with a limit of the gradient's norm
    search     before an update the order of each example is found, without gradients: of two by their probabilities, of all n! left
               to right; the greatest sum of a logarithm and the noise that is given is a draw

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
    known = tensors(params)
    if net in task.SORTS:
        network = model.SetToSequence(**task.config(net))
    else:
        network = model.orders.Joint(task.HIDDEN, **task.config(net))
        known = {name.removeprefix("joint."): value for name, value in known.items()}
    network.load_state_dict(known)
    return network


def train(training: Training) -> Trained:
    net = training.net
    network, data = build(net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    losses = []
    for update, (index, rate) in enumerate(zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True)):
        optimizer.param_groups[0]["lr"] = rate
        batch = {name: value[index] for name, value in data.items()}
        if "noise" in batch and update >= training.settings["random"]:
            batch["order"] = found_orders(network, batch["values"], batch["noise"])
        optimizer.zero_grad()
        loss = (network.pointing(batch) if net in task.SORTS else network(batch["values"], batch["order"]))["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
    prefix = "" if net in task.SORTS else "joint."
    return Trained({prefix + name: value.numpy() for name, value in network.state_dict().items()}, np.array(losses))


@torch.no_grad()
def found_orders(network: nn.Module, values: Tensor, noise: Tensor) -> Tensor:
    """Of the two orders the one with the greater log p + noise, or an order of all, drawn left to right."""
    if noise.ndim == 3:
        return network.drawn_orders(values, noise)
    two = torch.as_tensor(task.stars.both_orders(task.VARIABLES))
    likely = torch.stack([log_probability(network, values, order.expand(len(values), -1)) for order in two], 1)
    return two[(likely + noise).argmax(1)]


def log_probability(network: nn.Module, values: Tensor, order: Tensor) -> Tensor:
    """log p(Y_pi) of each example, (batch,)."""
    return network.of_pairs(network.chain(values, order)[1], values, order).sum(1)


@torch.no_grad()
def drawn_orders(params: Arrays, values: Array, noise: Array) -> dict[str, Array]:
    return {"order": build("all", params).drawn_orders(torch.as_tensor(values), torch.as_tensor(noise)).numpy()}


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """Of sets what is written greedily, and the logarithm of its probability; of settings log p(Y_pi) in the order given."""
    network, known = build(net, params), tensors(inputs)
    if net in task.SORTS:
        places, log_p = written(network, known["points"], known["point_mask"])
        return {"places": places.numpy(), "log_p": log_p.numpy()}
    return {"log_p": log_probability(network, known["values"], known["order"]).numpy()}


def written(network: nn.Module, points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """As `search.written`: places (example, input), -1 behind the end, and the logarithm of their probability."""
    memory, _, state, _ = network.encode(points, mask)
    given, total, places = network.first(memory), points.new_zeros(len(points)), []
    for j in range(mask.shape[1]):
        decoded, state = network.write(given, state)
        log_p = network.pointers(memory, decoded, mask)[:, 0].masked_fill(~mask, -torch.inf).log_softmax(1)
        best, place = log_p.max(1)
        here = mask.sum(1) > j
        total = total + best.where(here, 0)
        places.append(place.where(here, -1))
        given = memory.take_along_dim(place[:, None, None], 1)
    return torch.stack(places, 1), total
