r"""How the networks of `task.py` are trained and asked in PyTorch.

    training       `torch.optim.Adam`; the heads forward and backward one by one, as in figure 2
    decoding       all prompts in one call, each as far as it is: what is proposed stands behind what is known

Arrays arrive in the precision in which they are to be used.
"""

import numpy as np
import torch
from torch import Tensor, nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def build(net: str, params: Arrays) -> nn.Module:
    """The network of that name with these parameters."""
    found = model.Model(**task.switches(net))
    found.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return found


def train(training: Training) -> Trained:
    net, tokens = build(training.net, training.start), torch.as_tensor(training.data["tokens"])
    optimizer = torch.optim.Adam(net.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    losses, kept = [], {}

    def values() -> dict[str, Array]:
        return {name: value.numpy().copy() for name, value in net.state_dict().items()}

    for number, (index, rate) in enumerate(zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True)):
        if number in training.keep:
            kept[number] = values()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        batch = {"tokens": tokens[index], "mask": torch.ones_like(tokens[index], dtype=torch.bool)}
        losses.append(net.backward_head_by_head(batch).sum().item())
        nn.utils.clip_grad_norm_(net.parameters(), training.clip)
        optimizer.step()
    if len(losses) in training.keep:
        kept[len(losses)] = values()
    return Trained(values(), np.array(losses), kept)


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    network = build(net, params)

    def logits(tokens: Tensor) -> Tensor:
        x = network.read(network.trunk(network.embedding(tokens)))
        return torch.stack([network.unembed(i, x_i) for i, x_i in enumerate(x)], 1)

    if "tokens" in inputs:
        return {"logits": logits(torch.as_tensor(inputs["tokens"])).numpy()}
    prompt = torch.as_tensor(inputs["prompt"])
    if "lender" not in inputs:
        for _ in range(task.WRITTEN):
            prompt = torch.cat([prompt, logits(prompt)[:, 0, -1:].argmax(-1)], 1)
        return {"written": prompt[:, -task.WRITTEN :].numpy()}
    written, calls = speculate(lambda tokens: logits(tokens).argmax(-1), prompt, torch.as_tensor(inputs["lender"]))
    return {"written": written.numpy(), "calls": calls.numpy()}


def speculate(ask, prompt: Tensor, lender: Tensor) -> tuple[Tensor, Tensor]:
    """What is written behind each prompt (prompt, WRITTEN), and in how many calls (prompt,)."""
    start, rows = prompt.shape[1], torch.arange(len(prompt))[:, None]
    end = start + task.WRITTEN
    heads = task.NETS["three"]["future"]
    # room behind the end for what is proposed there, which is never kept
    tokens = torch.cat([prompt, prompt.new_zeros(len(prompt), task.WRITTEN + heads)], 1)
    known, calls = torch.full((len(prompt), 1), start), torch.zeros(len(prompt), dtype=torch.long)
    drafts = torch.full((len(prompt), heads - 1), -1)  # nothing is proposed at first
    while (known < end).any():
        proposed = drafts[lender]
        tokens[rows, known + torch.arange(heads - 1)] = proposed.clamp(min=0)
        guesses = ask(tokens)
        own = guesses[:, 0].gather(1, known - 1 + torch.arange(heads))  # of head 1, behind each proposal
        kept = (proposed == own[:, :-1]).cumprod(1).sum(1, keepdim=True).minimum(end - known)
        unfinished = known < end
        at = known + torch.arange(heads)
        tokens[rows, at] = torch.where(unfinished & (torch.arange(heads) <= kept), own, tokens[rows, at])
        fresh = guesses[:, 1:].gather(2, (known - 1 + kept)[:, None].expand(-1, heads - 1, -1))[..., 0]
        drafts = torch.where(unfinished, fresh, drafts)
        calls += unfinished[:, 0]
        known = torch.where(unfinished, (known + kept + 1).clamp(max=end), known)
    return tokens[:, start:end], calls
