r"""How the networks of `task.py` are trained and asked in PyTorch.

    nets         this room's `Model`, with what `task.NETS` switches off
    training     `torch.optim.Adam`, one minibatch after another
    greedy       the decoder runs anew on all that is written, for each further token
    statistics   the room's own attention; d weights / d scores by `torch.func.jacrev`

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
    transformer = model.Model(**task.switches(net))
    transformer.load_state_dict(tensors(params))
    return transformer


def train(training: Training) -> Trained:
    transformer, data = build(training.net, training.start), tensors(training.data)
    optimizer = torch.optim.Adam(transformer.parameters(), betas=task.BETAS, eps=task.EPSILON, fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = transformer({name: value[index] for name, value in data.items()})["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return Trained({name: value.numpy() for name, value in transformer.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    transformer, known = build(net, params), tensors(inputs)
    memory, _ = transformer.encode(known["source"], known["source_mask"])

    def decode(target: Tensor) -> tuple[Tensor, Tensor]:
        real = torch.ones_like(target, dtype=torch.bool)
        logits, _, aligned = transformer.decode(target, real, memory, known["source_mask"])
        return logits, aligned

    if "target_input" in known:
        logits, aligned = decode(known["target_input"])
        return {"logits": logits.numpy(), "cross_attention": aligned.numpy()}
    written = torch.full((len(memory), 1), task.dates.IDS[task.dates.START])
    for _ in range(task.dates.TARGET_LENGTH):
        logits, _ = decode(written)
        written = torch.cat([written, logits[:, -1:].argmax(-1)], 1)
    return {"written": written[:, 1:].numpy()}


def softmax_statistics(queries: list[Array], keys: list[Array]) -> dict[str, Array]:
    """Entropies and Jacobians of attention weights, (d_k, scaled or not, query); see `task.softmax_statistics`."""
    found = {"entropy": [], "score_gradient": [], "query_gradient": []}
    for query, key in zip(map(torch.as_tensor, queries), map(torch.as_tensor, keys), strict=True):
        for scaled in (True, False):
            attention = model.MultiHeadAttention(key.shape[-1], 1, scaled)
            for projection in (attention.query, attention.key):
                nn.init.eye_(projection.weight)
            with torch.no_grad():
                _, weights = attention(query, key, torch.ones(1, 1, 1, task.KEYS, dtype=torch.bool))
            a = weights.flatten(0, 2)  # (sample * query, key)
            # of any scores that have these weights, such as their logarithms
            jacobian = torch.func.vmap(torch.func.jacrev(lambda s: s.softmax(-1)))(a.clamp_min(1e-300).log())
            products = attention.scale**2 * key @ key.mT  # K K^T, (sample, key, key)
            carried = jacobian.unflatten(0, query.shape[:2]) @ products[:, None]  # (sample, query, key, key)
            square = (jacobian * carried.flatten(0, 1)).sum((-2, -1))
            found["entropy"].append(torch.special.entr(a).sum(-1))
            found["score_gradient"].append(jacobian.norm(dim=(-2, -1)))
            found["query_gradient"].append(square.clamp_min(0).sqrt())
    return {name: torch.stack(rows).unflatten(0, (-1, 2)).numpy() for name, rows in found.items()}
