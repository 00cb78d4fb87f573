r"""Sets as outputs in PyTorch, paper 08, section 5: the chain rule in any order, and the search over orders.

    (8)    P(y_1, ..., y_T) = prod_t P(y_t | y_1, ..., y_{t-1}), where y_t is a pair of a variable and its value
    (9)    theta* = argmax sum_i max over orders pi of log p(Y_pi; theta); 5.2: pi is drawn left to right

    paper   name here                    paper           name here
    y, pi   values, order                p(y_t | ...)    joint_probability
    h_t     known

One softmax over all pairs of variables that are left; where the order is `told`, over the values of its variable alone.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Joint(nn.Module):
    def __init__(self, hidden: int, variables: int, symbols: int, told: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(variables * symbols, hidden)
        self.start = nn.Parameter(torch.empty(hidden).uniform_(-0.08, 0.08))
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, variables * symbols)
        self.variables, self.symbols, self.told = variables, symbols, told

    def forward(self, values: Tensor, order: Tensor) -> dict[str, Tensor]:
        """The outputs of `orders.joint`. Raises ValueError where an order names a variable twice."""
        known, log_p = self.chain(values, order)
        if used_before(order).take_along_dim(order[..., None], -1).any():
            raise ValueError("an order names a variable twice")
        # -mean over examples of sum_t log p(y_t | y_1, ..., y_{t-1})
        loss = -self.of_pairs(log_p, values, order).sum(1).mean()
        return {"known": known, "joint_probability": log_p.exp(), "loss": loss}

    def chain(self, values: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """h_t (batch, step, hidden), and the logarithms of the probabilities (batch, step, variable, symbol)."""
        written = self.embedding(self.pairs(values, order)[:, :-1])  # (batch, step - 1, hidden)
        known, _ = self.lstm(torch.cat([self.start.expand(len(values), 1, -1), written], 1))
        logits = self.readout(known).unflatten(-1, (self.variables, self.symbols))
        left = F.one_hot(order, self.variables) == 1 if self.told else ~used_before(order)  # (batch, step, variable)
        masked = logits.masked_fill(~left[..., None], -math.inf)
        return known, masked.flatten(2).log_softmax(-1).unflatten(-1, (self.variables, self.symbols))

    def pairs(self, values: Tensor, order: Tensor) -> Tensor:
        """The number of each pair (variable, value), in the order in which it is written: (batch, step)."""
        return order * self.symbols + values.gather(1, order)

    def of_pairs(self, log_p: Tensor, values: Tensor, order: Tensor) -> Tensor:
        """log p(y_t | y_1, ..., y_{t-1}) of the pairs that are written, (batch, step)."""
        return log_p.flatten(2).gather(2, self.pairs(values, order)[..., None])[..., 0]

    def drawn_orders(self, values: Tensor, noise: Tensor) -> Tensor:
        """An order for each example, left to right: of the variables that are left the argmax of log p + noise; see `orders.py`."""
        rows, left = torch.arange(len(values)), torch.ones_like(values, dtype=torch.bool)
        state, given, order = None, self.start.expand(len(values), -1), []
        own = torch.arange(self.variables) * self.symbols + values  # the pair of each variable's own value
        for t in range(self.variables):
            known, state = self.lstm(given[:, None], state)
            logits = self.readout(known[:, 0]).gather(1, own) + noise[:, t]  # (batch, variable)
            chosen = logits.masked_fill(~left, -math.inf).argmax(1)
            left = left & ~F.one_hot(chosen, self.variables).bool()
            given = self.embedding(own[rows, chosen])
            order.append(chosen)
        return torch.stack(order, 1)


def used_before(order: Tensor) -> Tensor:
    """Whether a variable was written before step t, (batch, step, variable)."""
    chosen = F.one_hot(order, order.shape[1])
    return chosen.cumsum(1) > chosen
