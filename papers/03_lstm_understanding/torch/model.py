r"""Paper 03: C. Olah, «Understanding LSTM Networks» (2015), in PyTorch: each cell a module, written out.

    LSTM     C_t = f_t * C_{t-1} + i_t * C̃_t,   h_t = o_t * tanh(C_t)
    peephole the same, with gates that look at the cell: f_t and i_t at C_{t-1}, o_t at C_t
    coupled  C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    GRU      h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t,   h̃_t = tanh(W·[r_t * h_{t-1}, x_t])
    RNN      h_t = tanh(W·[h_{t-1}, x_t] + b)

    post                 in a step         in its trace
    x_t, h_t, C_t        x, hidden, cell   hidden, cell
    f_t, i_t, C̃_t, o_t   f, i, g, o        forget_gate, input_gate, candidate, output_gate
    z_t, r_t, h̃_t        z, r, n           update, reset, candidate

    parameters           rows of the weights, in blocks of `hidden`
    lstm.*, peephole.*   i, f, g, o; peephole.weight_ch_l0, which reads C, has i, f, o
    coupled.*            f, g, o
    gru.*                r, 1 - z, n

The parameters are named and stacked as in `torch.nn`, so `lstm`, `gru` and `rnn` load into `nn.LSTM`, `nn.GRU` and
`nn.RNN`. Those three are not used here: they are the oracles of `oracles.py`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Trace = dict[str, Tensor]


class Recurrent(nn.Module):
    """A recurrent layer: `step(x, hidden, cell)` returns what happened at one time step, by name."""

    gates: int
    step: Callable[..., Trace]

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(self.gates * hidden, features))
        self.weight_hh_l0 = nn.Parameter(torch.empty(self.gates * hidden, hidden))
        self.bias_ih_l0 = nn.Parameter(torch.empty(self.gates * hidden))
        self.bias_hh_l0 = nn.Parameter(torch.empty(self.gates * hidden))
        for parameter in self.parameters():  # U(-1/√hidden, 1/√hidden), the default of torch.nn
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5)

    def affine(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, ...]:
        # W·[h_{t-1}, x_t] + b, cut into the gates
        both = F.linear(x, self.weight_ih_l0, self.bias_ih_l0) + F.linear(hidden, self.weight_hh_l0, self.bias_hh_l0)
        return both.chunk(self.gates, dim=1)  # gates x (batch, hidden)

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor, **options: bool) -> Trace:
        """inputs (batch, time, features), initial hidden and cell (batch, hidden) -> each name (batch, time, hidden)."""
        trace: list[Trace] = []
        for x in inputs.unbind(dim=1):  # (batch, features)
            seen = self.step(x, hidden, cell, **options)
            hidden, cell = seen["hidden"], seen.get("cell", cell)
            trace.append(seen)
        return {name: torch.stack([seen[name] for seen in trace], dim=1) for name in trace[0]}


class RNN(Recurrent):
    gates = 1

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        # h_t = tanh(W·[h_{t-1}, x_t] + b)
        return {"hidden": torch.tanh(self.affine(x, hidden)[0])}


class LSTM(Recurrent):
    gates = 4

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        i, f, g, o = self.affine(x, hidden)
        # i_t = σ(…), f_t = σ(…), C̃_t = tanh(…), o_t = σ(…)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        # C_t = f_t * C_{t-1} + i_t * C̃_t
        cell = f * cell + i * g
        # h_t = o_t * tanh(C_t)
        hidden = o * cell.tanh()
        return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


class PeepholeLSTM(Recurrent):
    gates = 4

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(features, hidden)
        self.weight_ch_l0 = nn.Parameter(torch.empty(3 * hidden, hidden).uniform_(-(hidden**-0.5), hidden**-0.5))

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        i, f, g, o = self.affine(x, hidden)
        w_i, w_f, w_o = self.weight_ch_l0.chunk(3)  # each (hidden, hidden)
        # i_t = σ(… + W_iC·C_{t-1}), f_t = σ(… + W_fC·C_{t-1}), C̃_t = tanh(…), which sees no cell
        i, f, g = (i + F.linear(cell, w_i)).sigmoid(), (f + F.linear(cell, w_f)).sigmoid(), g.tanh()
        # C_t = f_t * C_{t-1} + i_t * C̃_t
        cell = f * cell + i * g
        # o_t = σ(… + W_oC·C_t): the cell that was just written
        o = (o + F.linear(cell, w_o)).sigmoid()
        # h_t = o_t * tanh(C_t)
        hidden = o * cell.tanh()
        return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


class CoupledLSTM(Recurrent):
    gates = 3

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        f, g, o = self.affine(x, hidden)
        f, g, o = f.sigmoid(), g.tanh(), o.sigmoid()
        # C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
        cell = torch.lerp(g, cell, f)
        # h_t = o_t * tanh(C_t)
        hidden = o * cell.tanh()
        return {"forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


class GRU(Recurrent):
    gates = 3

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor, after: bool = False) -> Trace:
        r_x, z_x, n_x = F.linear(x, self.weight_ih_l0, self.bias_ih_l0).chunk(3, dim=1)
        r_h, z_h, n_h = F.linear(hidden, self.weight_hh_l0, self.bias_hh_l0).chunk(3, dim=1)
        # r_t = σ(W_r·[h_{t-1}, x_t]),  z_t = σ(W_z·[h_{t-1}, x_t]), whose negated weights are stored
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(-(z_x + z_h))
        if after:
            # nn.GRU: h̃_t = tanh(W_x·x_t + b_x + r_t * (W_h·h_{t-1} + b_h))
            n = torch.tanh(n_x + r * n_h)
        else:
            # the post: h̃_t = tanh(W·[r_t * h_{t-1}, x_t]), here with biases
            n = torch.tanh(n_x + F.linear(r * hidden, self.weight_hh_l0.chunk(3)[2], self.bias_hh_l0.chunk(3)[2]))
        # h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t
        return {"update": z, "reset": r, "candidate": n, "hidden": (1 - z) * hidden + z * n}


class Model(nn.Module):
    """Six cells on one sequence, one readout; the LSTM's outputs bear no prefix."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.rnn, self.lstm, self.peephole = (kind(features, hidden) for kind in (RNN, LSTM, PeepholeLSTM))
        self.coupled, self.gru = CoupledLSTM(features, hidden), GRU(features, hidden)
        self.readout = nn.Linear(hidden, classes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        state = batch["inputs"], batch["hidden"], batch["cell"]
        traces = {
            "rnn_": self.rnn(*state),
            "": self.lstm(*state),
            "peephole_": self.peephole(*state),
            "coupled_": self.coupled(*state),
            "gru_": self.gru(*state),
            "gru_after_": self.gru(*state, after=True),
        }
        # logits = V h_T + b, the same readout for every cell
        last = torch.stack([trace["hidden"][:, -1] for trace in traces.values()], dim=1)  # (batch, cells, hidden)
        logits = self.readout(last)  # (batch, cells, classes)
        # loss = mean of log Σ_k exp(logits_k) - logits_target, over examples and cells
        loss = F.cross_entropy(logits.flatten(0, 1), batch["target"].repeat_interleave(len(traces)))
        outputs = {prefix + name: value for prefix, trace in traces.items() for name, value in trace.items()}
        return {**outputs, "logits": logits, "loss": loss}
