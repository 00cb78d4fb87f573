r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets       this room's `Model`, with or without search
    training   `torch.optim.Adam`, one minibatch after another, the gradient's norm cut at `training.clip`
    greedy     one step of the decoder for each sign, from the state that the last one left

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
    translator = model.Model(**task.switches(net))
    translator.load_state_dict(tensors(params))
    return translator


def train(training: Training) -> Trained:
    translator, data = build(training.net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(translator.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = translator({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(translator.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in translator.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    translator, known = build(net, params), tensors(inputs)
    if "target_input" in known:
        unknown = {"target_output": known["target_input"], "target_mask": known["target_input"] > 0}  # for the loss
        found = translator({**known, **unknown})
        return {name: found[name].numpy() for name in ("logits", "alignment") if name in found}
    sentence, state = translator.encode(known["source"], known["source_mask"])
    word, written = torch.full((len(state),), task.numerals.SIGNS.index(task.numerals.START)), []
    for _ in range(task.numerals.TARGET_LENGTH):
        previous = translator.target_embedding(word)
        new, seen = translator.step(previous, state, sentence)
        word = translator.output(translator.readout(state, previous, seen["context"])).argmax(-1)
        written.append(word)
        state = new
    return {"written": torch.stack(written, 1).numpy()}
