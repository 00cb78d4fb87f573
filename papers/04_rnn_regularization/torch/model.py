r"""Paper 04: Zaremba, Sutskever, Vinyals, «Recurrent Neural Network Regularization» (2014), in PyTorch, layer by layer.

    i, f, o, g = sigm, sigm, sigm, tanh of T (D(h_t^{l-1}), h_{t-1}^l);   c_t = f ⊙ c_{t-1} + i ⊙ g;   h_t = o ⊙ tanh(c_t)
    y_t from D(h_t^L);   D(x) = m ⊙ x / (1 - p), the masks m handed in

    paper             here
    h_t^0             embedding of inputs (batch, time)
    h_0^l, c_0^l      hidden, cell (batch, layer, unit)
    m                 masks (batch, time, layer + 1, unit); of the rivals recurrent_masks (batch, time, layer, 2, unit)
    T_{2n,4n}         lstm.weight_ih_l*, lstm.weight_hh_l*, two biases; rows i, f, g, o

A layer reads the whole text before the next one does: dropout between them is then one product. The parameters are named
as in `torch.nn`, so that `lstm` loads into `nn.LSTM`, the oracle of `oracles.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Trace = dict[str, Tensor]


def dropped(x: Tensor, mask: Tensor, rate: float) -> Tensor:
    # D(x) = m ⊙ x / (1 - p)
    return x.masked_fill(~mask, 0.0) / (1 - rate)


class DeepLSTM(nn.Module):
    """A stack of LSTM layers with the masks of their non-recurrent connections, and of the rivals' recurrent ones."""

    def __init__(self, hidden: int, layers: int, dropout: float, drop_hidden: bool, drop_cell: bool) -> None:
        super().__init__()
        self.layers, self.dropout = layers, dropout
        self.drop_hidden, self.drop_cell = drop_hidden, drop_cell
        for layer in range(layers):
            shapes = {"weight_ih": (4 * hidden, hidden), "weight_hh": (4 * hidden, hidden)}
            for name, shape in {**shapes, "bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)}.items():
                # U(-1/√hidden, 1/√hidden), the default of torch.nn
                value = torch.empty(shape).uniform_(-(hidden**-0.5), hidden**-0.5)
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(value))

    def layer(self, number: int, below: Tensor, hidden: Tensor, cell: Tensor, recurrent_masks: Tensor) -> Trace:
        """below (batch, time, unit), already dropped; the state before it (batch, unit) -> each name (batch, time, unit)."""
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        given, bias, recurrent, recurrent_bias = (self.get_parameter(f"{name}_l{number}") for name in names)
        trace: list[Trace] = []
        for from_below, kept in zip(F.linear(below, given, bias).unbind(1), recurrent_masks.unbind(1), strict=True):
            if self.drop_hidden:
                hidden = dropped(hidden, kept[:, 0], self.dropout)
            if self.drop_cell:
                cell = dropped(cell, kept[:, 1], self.dropout)
            i, f, g, o = (from_below + F.linear(hidden, recurrent, recurrent_bias)).chunk(4, dim=1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            # c_t = f ⊙ c_{t-1} + i ⊙ g,  h_t = o ⊙ tanh(c_t)
            cell = f * cell + i * g
            hidden = o * cell.tanh()
            trace.append(
                {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}
            )
        return {name: torch.stack([seen[name] for seen in trace], dim=1) for name in trace[0]}

    def forward(self, below: Tensor, hidden: Tensor, cell: Tensor, masks: Tensor, recurrent_masks: Tensor) -> Trace:
        """below (batch, time, unit) -> each name (batch, time, layer, unit)."""
        traces: list[Trace] = []
        for number in range(self.layers):
            # D(h_t^{l-1})
            below = dropped(below, masks[:, :, number], self.dropout)
            state = hidden[:, number], cell[:, number]
            traces.append(self.layer(number, below, *state, recurrent_masks[:, :, number]))
            below = traces[-1]["hidden"]
        return {name: torch.stack([trace[name] for trace in traces], dim=2) for name in traces[0]}


class Model(nn.Module):
    """The next word's confidences after every word read."""

    def __init__(
        self, vocabulary: int, hidden: int, layers: int, dropout: float, drop_hidden: bool, drop_cell: bool
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"a dropout rate is at least 0 and below 1, not {dropout}")
        self.embedding, self.readout = nn.Embedding(vocabulary, hidden), nn.Linear(hidden, vocabulary)
        self.lstm, self.dropout = DeepLSTM(hidden, layers, dropout, drop_hidden, drop_cell), dropout

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        words, masks = self.embedding(batch["inputs"]), batch["masks"]
        trace = self.lstm(words, batch["hidden"], batch["cell"], masks, batch["recurrent_masks"])
        # y_t from D(h_t^L)
        logits = self.readout(dropped(trace["hidden"][:, :, -1], masks[:, :, -1], self.dropout))
        loss = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
        return {**trace, "logits": logits, "loss": loss}
