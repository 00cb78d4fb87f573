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
        inputs, considered = self.tuples(batch["objects"], batch["mask"], batch["edges"], batch["question"])
        # g(o_i, o_j, q)
        for layer in self.relation:
            inputs = F.relu(layer(inputs))
        relations = inputs.masked_fill(~considered[..., None], 0)  # (batch, tuple, relation)
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

    def tuples(self, objects: Tensor, mask: Tensor, edges: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """What g reads, (batch, tuple, features), and which of it is considered, (batch, tuple)."""
        size = objects.shape[1]
        if self.reads == "pairs":
            first = objects[:, :, None].expand(-1, -1, size, -1)  # o_i, (batch, i, j, feature)
            second = objects[:, None].expand(-1, size, -1, -1)  # o_j
            read = torch.cat([first, second], -1).flatten(1, 2)
            considered = (mask[:, :, None] & mask[:, None] & edges).flatten(1)
        elif self.reads == "objects":
            read, considered = objects, mask
        else:
            read = objects.masked_fill(~mask[..., None], 0).flatten(1)[:, None]
            considered = torch.ones_like(mask[:, :1])
        return torch.cat([read, question[:, None].expand(-1, read.shape[1], -1)], -1), considered


def layers(*sizes: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(entering, leaving) for entering, leaving in pairwise(sizes))
