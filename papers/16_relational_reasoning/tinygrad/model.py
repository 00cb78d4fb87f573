r"""The relation network in tinygrad, paper 16 (Santoro et al., 2017).

    (1), section 4   a = f_phi( sum_{i,j} g_theta(o_i, o_j, q) ),   over all ordered pairs or those in `edges`

    paper     name here                       paper        name here
    o_i       objects, mask                   g_theta      relation: linear layers, a ReLU behind each
    q         question                        f_phi        readout: linear layers, a ReLU behind each but the last

A graph cannot refuse a target that is no answer: its loss is infinite. Pairs lie on two axes of their own until they are summed.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn


class Model:
    def __init__(self, features: int, bits: int, relation: tuple[int, ...], readout: tuple[int, ...], answers: int,
                 reads: str = "pairs", places: int = 0) -> None:  # fmt: skip
        read = {"pairs": 2, "objects": 1, "list": places}[reads] * features + bits
        self.relation = [nn.Linear(m, n) for m, n in zip((read, *relation), relation)]
        inner, outer = (relation[-1], *readout), (*readout, answers)
        self.readout = [nn.Linear(m, n) for m, n in zip(inner, outer, strict=True)]
        self.reads, self.answers = reads, answers

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        objects, mask, question, target = (batch[name] for name in ("objects", "mask", "question", "target"))
        count, size, features = objects.shape
        if self.reads == "pairs":
            shape = (count, size, size, features)
            parts = [objects.unsqueeze(2).expand(shape), objects.unsqueeze(1).expand(shape)]  # o_i, o_j
            considered = mask.unsqueeze(2) & mask.unsqueeze(1) & batch["edges"]  # (batch, i, j)
        elif self.reads == "objects":
            parts, considered = [objects.unsqueeze(2)], mask.unsqueeze(2)
        else:
            parts = [mask.unsqueeze(2).where(objects, 0).reshape(count, 1, 1, size * features)]
            considered = (mask[:, :1] | True).unsqueeze(2)
        across = question.reshape(count, 1, 1, -1).expand(*considered.shape, question.shape[1])
        # g(o_i, o_j, q)
        hidden = Tensor.cat(*parts, across, dim=3)
        for layer in self.relation:
            hidden = layer(hidden).relu()
        relations = considered.unsqueeze(3).where(hidden, 0)  # (batch, i, j, relation)
        # sum_{i,j} g(o_i, o_j, q)
        total = relations.sum((1, 2)).contiguous().contiguous_backward()  # (batch, relation)
        # f(.)
        logits = total
        for layer in self.readout[:-1]:
            logits = layer(logits).relu()
        logits = self.readout[-1](logits)  # (batch, answer)
        # log softmax(logits)[target], -infinity for what is no answer
        hit = target.unsqueeze(1) == Tensor.arange(self.answers)
        said = hit.where(logits.log_softmax(), 0).sum(1) + hit.any(1).where(0.0, -math.inf)
        return {"relations": relations.flatten(1, 2), "total": total, "logits": logits, "loss": -said.mean()}
