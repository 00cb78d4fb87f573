r"""Paper 04: Zaremba, Sutskever, Vinyals, «Recurrent Neural Network Regularization» (2014), in tinygrad, unrolled.

    i, f, o, g = sigm, sigm, sigm, tanh of T (D(h_t^{l-1}), h_{t-1}^l);   c_t = f ⊙ c_{t-1} + i ⊙ g;   h_t = o ⊙ tanh(c_t)
    y_t from D(h_t^L);   D(x) = m ⊙ x / (1 - p), the masks m handed in

    paper             here
    h_t^0             embedding of inputs (batch, time)
    h_0^l, c_0^l      hidden, cell (batch, layer, unit)
    m                 masks (batch, time, layer + 1, unit); of the rivals recurrent_masks (batch, time, layer, 2, unit)
    T_{2n,4n}         lstm.weight_ih_l*, lstm.weight_hh_l*, two biases; rows i, f, g, o

A layer reads the whole text before the next one does. States are stored at every step, so that all steps are one kernel.
"""

from tinygrad import Tensor, nn

Trace = dict[str, Tensor]


def dropped(x: Tensor, mask: Tensor, rate: float) -> Tensor:
    # D(x) = m ⊙ x / (1 - p)
    return mask.where(x, 0.0) / (1 - rate)


class DeepLSTM:
    """Weights of the stack, named and stacked as in `torch.nn`."""

    def __init__(self, hidden: int, layers: int) -> None:
        for layer in range(layers):
            shapes = {"weight_ih": (4 * hidden, hidden), "weight_hh": (4 * hidden, hidden)}
            for name, shape in {**shapes, "bias_ih": (4 * hidden,), "bias_hh": (4 * hidden,)}.items():
                bound = hidden**-0.5
                setattr(self, f"{name}_l{layer}", Tensor.uniform(*shape, low=-bound, high=bound))


class Model:
    """The next word's confidences after every word read."""

    def __init__(
        self, vocabulary: int, hidden: int, layers: int, dropout: float, drop_hidden: bool, drop_cell: bool
    ) -> None:
        if not 0 <= dropout < 1:
            raise ValueError(f"a dropout rate is at least 0 and below 1, not {dropout}")
        self.vocabulary, self.layers, self.dropout = vocabulary, layers, dropout
        self.drop_hidden, self.drop_cell = drop_hidden, drop_cell
        self.embedding, self.lstm = nn.Embedding(vocabulary, hidden), DeepLSTM(hidden, layers)
        self.readout = nn.Linear(hidden, vocabulary)

    def layer(self, number: int, below: Tensor, hidden: Tensor, cell: Tensor, recurrent_masks: Tensor) -> Trace:
        """below (batch, time, unit), already dropped; the state before it (batch, unit) -> each name (batch, time, unit)."""
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        given, bias, recurrent, recurrent_bias = (getattr(self.lstm, f"{name}_l{number}") for name in names)
        from_below, trace = below.linear(given.T, bias).contiguous(), []
        for t in range(below.shape[1]):
            if self.drop_hidden:
                hidden = dropped(hidden, recurrent_masks[:, t, 0], self.dropout)
            if self.drop_cell:
                cell = dropped(cell, recurrent_masks[:, t, 1], self.dropout)
            rows = from_below[:, t].contiguous() + hidden.linear(recurrent.T, recurrent_bias)
            i, f, g, o = rows.contiguous().chunk(4, dim=1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            # c_t = f ⊙ c_{t-1} + i ⊙ g,  h_t = o ⊙ tanh(c_t)
            cell = (f * cell + i * g).contiguous()
            hidden = (o * cell.tanh()).contiguous()
            trace.append(
                {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}
            )
        return {name: Tensor.stack(*(seen[name] for seen in trace), dim=1) for name in trace[0]}

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # h_t^0, by a 1-of-k product
        below = batch["inputs"].one_hot(self.vocabulary).cast(batch["cell"].dtype).dot(self.embedding.weight)
        masks, traces = batch["masks"], []
        for number in range(self.layers):
            # D(h_t^{l-1})
            below = dropped(below, masks[:, :, number], self.dropout)
            state = batch["hidden"][:, number].contiguous(), batch["cell"][:, number].contiguous()
            traces.append(self.layer(number, below, *state, batch["recurrent_masks"][:, :, number]))
            below = traces[-1]["hidden"]
        # y_t from D(h_t^L)
        logits = self.readout(dropped(below, masks[:, :, -1], self.dropout))  # (batch, time, vocabulary)
        loss = logits.flatten(0, 1).sparse_categorical_crossentropy(batch["targets"].flatten())
        outputs = {name: Tensor.stack(*(trace[name] for trace in traces), dim=2) for name in traces[0]}
        return {**outputs, "logits": logits, "loss": loss}
