r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`, restricted as `task.NETS` says
    training   `torch.optim.Adam`, one minibatch after another, with a limit of the gradient's norm
    search     a beam of tensors (example, beam, ...); a width of 1 is greedy decoding

Arrays arrive in the precision in which they are to be used.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def tensors(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items()}


def build(net: str, params: Arrays) -> nn.Module:
    """The network of that name with these parameters."""
    pointer = model.Model(**task.config(net))
    pointer.load_state_dict(tensors(params))
    return pointer


def train(training: Training) -> Trained:
    pointer, data = build(training.net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(pointer.parameters(), fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = pointer({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(pointer.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in pointer.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """What the network writes, by greedy decoding and by beam search, and the logarithm of its probability."""
    pointer, known = build(net, params), tensors(inputs)
    answers = {}
    for name, (width, how) in task.searches(net).items():
        found, total = search(pointer, known["points"], known["point_mask"], width, **how)
        answers |= {name: found.numpy(), f"{name}_log_p": total.numpy()}
    return answers


def search(
    pointer: nn.Module, points: Tensor, mask: Tensor, width: int, reuse: bool, stop: bool
) -> tuple[Tensor, Tensor]:
    """The best sequence found, (example, step), and the logarithm of its probability; see `search.py`."""
    count, size = mask.shape
    rows = torch.arange(count)[:, None]
    encoded, (hidden, cell) = pointer.encode(points, mask)
    hidden, cell = hidden[0][:, None], cell[0][:, None]  # (example, beam, hidden), of one beam at first
    written, total = torch.zeros(count, 1, 0, dtype=torch.long), hidden.new_zeros(count, 1)
    used, ended = torch.zeros(count, 1, size, dtype=torch.bool), torch.zeros(count, 1, dtype=torch.bool)
    last = torch.zeros(count, 1, dtype=torch.long)
    for _ in range(size + 2):
        flat = [state.flatten(0, 1)[None].contiguous() for state in (hidden, cell)]
        out, state = pointer.decoder(pointer.read(points, mask, last).flatten(0, 1)[:, None], tuple(flat))
        hidden, cell = (value[0].unflatten(0, last.shape) for value in state)
        scores = pointer.scores(encoded, out[:, 0].unflatten(0, last.shape))  # (example, beam, 1 + input)
        if pointer.dictionary:
            logits = pointer.from_dictionary(encoded, hidden, scores, mask)
            may = torch.ones_like(logits, dtype=torch.bool)
        else:
            logits = scores
            points_left = mask[:, None] & (~used | reuse)
            may = torch.cat([torch.full_like(points_left[..., :1], stop), points_left], -1)
        ended = ended | ~may.any(-1)
        if ended.all():
            break
        log_p = logits.masked_fill(~(may | ended[..., None]), -math.inf).log_softmax(-1)
        over = torch.full_like(log_p[0, 0], -math.inf)
        over[0] = 0
        grown = (total[..., None] + torch.where(ended[..., None], over, log_p)).flatten(1)  # (example, beam * choice)
        total, best = (found[:, :width] for found in grown.sort(dim=1, descending=True, stable=True))
        beam, last = best // logits.shape[-1], best % logits.shape[-1]
        written = torch.cat([written[rows, beam], last[..., None]], -1)
        hidden, cell, ended = hidden[rows, beam], cell[rows, beam], ended[rows, beam] | (last == 0)
        used = used[rows, beam] | (last[..., None] == torch.arange(1, size + 1))
    return F.pad(written[:, 0], (0, size + 2 - written.shape[-1])), total[:, 0]
