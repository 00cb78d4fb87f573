r"""Paper 03: C. Olah, «Understanding LSTM Networks» (2015), in tinygrad: the chain unrolled, as the post draws it.

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

tinygrad has no loop of its own: the graph grows with the length of the sequence, and so does the time to schedule it.
"""

from collections.abc import Callable

from tinygrad import Tensor, nn

Trace = dict[str, Tensor]


class Recurrent:
    """Weights of one layer, named and stacked as in `torch.nn`."""

    gates: int
    step: Callable[..., Trace]  # x, hidden, cell -> what happens at one time step, by name

    def __init__(self, features: int, hidden: int) -> None:
        bound, rows = hidden**-0.5, self.gates * hidden
        self.weight_ih_l0 = Tensor.uniform(rows, features, low=-bound, high=bound)
        self.weight_hh_l0 = Tensor.uniform(rows, hidden, low=-bound, high=bound)
        self.bias_ih_l0 = Tensor.uniform(rows, low=-bound, high=bound)
        self.bias_hh_l0 = Tensor.uniform(rows, low=-bound, high=bound)

    def affine(self, x: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        # W·[h_{t-1}, x_t] + b is the sum of these two, each (batch, gates·hidden)
        return x.linear(self.weight_ih_l0.T, self.bias_ih_l0), hidden.linear(self.weight_hh_l0.T, self.bias_hh_l0)

    def __call__(self, inputs: Tensor, hidden: Tensor, cell: Tensor, **options: bool) -> Trace:
        """inputs (batch, time, features), initial hidden and cell (batch, hidden) -> each name (batch, time, hidden)."""
        trace: list[Trace] = []
        for t in range(inputs.shape[1]):
            # stored at every step, so that all steps are the same kernels and are compiled once
            seen = self.step(inputs[:, t].contiguous(), hidden, cell, **options)
            hidden, cell = seen["hidden"].contiguous(), seen.get("cell", cell).contiguous()
            trace.append({**seen, "hidden": hidden})
        return {name: Tensor.stack(*(seen[name] for seen in trace), dim=1) for name in trace[0]}


class RNN(Recurrent):
    gates = 1

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        # h_t = tanh(W·[h_{t-1}, x_t] + b)
        return {"hidden": sum(self.affine(x, hidden)).tanh()}


class LSTM(Recurrent):
    gates = 4

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        i, f, g, o = sum(self.affine(x, hidden)).chunk(4, dim=1)
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
        self.weight_ch_l0 = Tensor.uniform(3 * hidden, hidden, low=-(hidden**-0.5), high=hidden**-0.5)

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        i, f, g, o = sum(self.affine(x, hidden)).chunk(4, dim=1)
        w_i, w_f, w_o = self.weight_ch_l0.chunk(3)  # each (hidden, hidden)
        # i_t = σ(… + W_iC·C_{t-1}), f_t = σ(… + W_fC·C_{t-1}), C̃_t = tanh(…), which sees no cell
        i, f, g = (i + cell.linear(w_i.T)).sigmoid(), (f + cell.linear(w_f.T)).sigmoid(), g.tanh()
        # C_t = f_t * C_{t-1} + i_t * C̃_t
        cell = f * cell + i * g
        # o_t = σ(… + W_oC·C_t): the cell that was just written
        o = (o + cell.linear(w_o.T)).sigmoid()
        # h_t = o_t * tanh(C_t)
        hidden = o * cell.tanh()
        return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


class CoupledLSTM(Recurrent):
    gates = 3

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor) -> Trace:
        f, g, o = sum(self.affine(x, hidden)).chunk(3, dim=1)
        f, g, o = f.sigmoid(), g.tanh(), o.sigmoid()
        # C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
        cell = f * cell + (1 - f) * g
        # h_t = o_t * tanh(C_t)
        hidden = o * cell.tanh()
        return {"forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


class GRU(Recurrent):
    gates = 3

    def step(self, x: Tensor, hidden: Tensor, cell: Tensor, after: bool = False) -> Trace:
        from_input, from_hidden = self.affine(x, hidden)
        (r_x, z_x, n_x), (r_h, z_h, n_h) = from_input.chunk(3, dim=1), from_hidden.chunk(3, dim=1)
        # r_t = σ(W_r·[h_{t-1}, x_t]),  z_t = σ(W_z·[h_{t-1}, x_t]), whose negated weights are stored
        r, z = (r_x + r_h).sigmoid(), (-(z_x + z_h)).sigmoid()
        # the post: h̃_t = tanh(W·[r_t * h_{t-1}, x_t]);  nn.GRU: h̃_t = tanh(W_x·x_t + b_x + r_t * (W_h·h_{t-1} + b_h))
        n = (n_x + (r * n_h if after else self.affine(x, r * hidden)[1].chunk(3, dim=1)[2])).tanh()
        # h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t
        return {"update": z, "reset": r, "candidate": n, "hidden": (1 - z) * hidden + z * n}


class Model:
    """Six cells on one sequence, one readout; the LSTM's outputs bear no prefix."""

    def __init__(self, features: int, hidden: int, classes: int) -> None:
        self.rnn, self.lstm, self.peephole = (kind(features, hidden) for kind in (RNN, LSTM, PeepholeLSTM))
        self.coupled, self.gru = CoupledLSTM(features, hidden), GRU(features, hidden)
        self.readout = nn.Linear(hidden, classes)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
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
        last = Tensor.stack(*(trace["hidden"][:, -1] for trace in traces.values()), dim=1)  # (batch, cells, hidden)
        logits = self.readout(last)  # (batch, cells, classes)
        # loss = -mean log softmax(logits)_target, over examples and cells
        target = batch["target"].reshape(-1, 1).expand(-1, len(traces))  # (batch, cells)
        loss = logits.flatten(0, 1).sparse_categorical_crossentropy(target.flatten())
        outputs = {prefix + name: value for prefix, trace in traces.items() for name, value in trace.items()}
        return {**outputs, "logits": logits, "loss": loss}
