r"""The relation network as a PyTorch module, paper 16 (Santoro et al., 2017).

    (1), section 4   a = f_phi( sum_{i,j} g_theta(o_i, o_j, q) ),   over all ordered pairs or those in `edges`

    paper     name here                       paper        name here
    o_i       objects, mask                   g_theta      relation: linear layers, a ReLU behind each
    q         question                        f_phi        readout: linear layers, a ReLU behind each but the last

`reads` says what g is applied to: `pairs`, single `objects`, or the whole `list` of `places` objects, which is the rival MLP.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, features: int, bits: int, relation: tuple[int, ...], readout: tuple[int, ...], answers: int,
                 reads: str = "pairs", places: int = 0) -> None:  # fmt: skip
        super().__init__()
        read = {"pairs": 2, "objects": 1, "list": places}[reads] * features + bits
        self.relation = layers(read, *relation)
        self.readout = layers(relation[-1], *readout, answers)
        self.reads, self.answers = reads, answers

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names. Raises ValueError where a target is no answer."""
        read, considered = self.read(batch["objects"], batch["mask"], batch["edges"], batch["question"])
        # g(o_i, o_j, q)
        hidden = F.relu(read)
        for layer in self.relation[1:]:
            hidden = F.relu(layer(hidden))
        relations = hidden * considered[..., None]  # (batch, tuple, relation)
        # sum_{i,j} g(o_i, o_j, q)
        total = relations.sum(1)  # (batch, relation)
        # f(.)
        logits = total
        for layer in self.readout[:-1]:
            logits = F.relu(layer(logits))
        logits = self.readout[-1](logits)  # (batch, answer)
        target = batch["target"]
        if ((target < 0) | (target >= self.answers)).any():
            raise ValueError(f"a target is no answer: there are {self.answers}, from 0 to {self.answers - 1}")
        return {"relations": relations, "total": total, "logits": logits, "loss": F.cross_entropy(logits, target)}

    def read(self, objects: Tensor, mask: Tensor, edges: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """The first layer of g before its ReLU, (batch, tuple, unit), and which tuples are considered, (batch, tuple)."""
        features, first = objects.shape[2], self.relation[0]
        if self.reads == "list":
            listed = objects.masked_fill(~mask[..., None], 0).flatten(1)
            return first(torch.cat([listed, question], 1))[:, None], torch.ones_like(mask[:, :1])
        # W [o_i, o_j, q] = W_1 o_i + W_2 o_j + W_q q: applied to objects, of which there are n, and not to n^2 pairs
        *by_object, by_question = first.weight.split(
            [features] * (2 if self.reads == "pairs" else 1) + [question.shape[1]], 1
        )
        shared = F.linear(question, by_question, first.bias)[:, None]  # (batch, 1, unit)
        parts = [objects @ weight.T for weight in by_object]  # (batch, object, unit)
        if self.reads == "objects":
            return parts[0] + shared, mask
        read = (parts[0] + shared)[:, :, None] + parts[1][:, None]  # (batch, i, j, unit)
        return read.flatten(1, 2), (mask[:, :, None] & mask[:, None] & edges).flatten(1)


def layers(*sizes: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(entering, leaving) for entering, leaving in pairwise(sizes))
