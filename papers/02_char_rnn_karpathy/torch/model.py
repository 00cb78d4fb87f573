r"""Paper 02: A. Karpathy, «The Unreasonable Effectiveness of Recurrent Neural Networks» (2015), in PyTorch.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)      y_t = W_hy h_t + b_y      p_t = softmax(y_t / τ)

    post              here
    x_t, target       inputs, targets, indices of characters (batch, time)
    h                 hidden (batch, layer, unit) on the way in, (batch, time, layer, unit) on the way out
    W_xh, W_hh, b     rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0; _l1 of the second layer
    W_hy, b_y         readout

The parameters are named as in `torch.nn`, so that `rnn` loads into `nn.RNN`, the oracle of `oracles.py`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RNN(nn.Module):
    """A stack of tanh RNNs that reads characters, written out."""

    def __init__(self, vocabulary: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.layers = layers
        for layer in range(layers):
            shapes = {"weight_ih": (hidden, hidden if layer else vocabulary), "weight_hh": (hidden, hidden)}
            for name, shape in {**shapes, "bias_ih": (hidden,), "bias_hh": (hidden,)}.items():
                # U(-1/√hidden, 1/√hidden), the default of torch.nn
                value = torch.empty(shape).uniform_(-(hidden**-0.5), hidden**-0.5)
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(value))

    def weights(self, layer: int) -> list[Tensor]:
        return [self.get_parameter(f"{name}_l{layer}") for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]

    def forward(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """inputs (batch, time), hidden (batch, layer, unit) -> every state, (batch, time, layer, unit), layer by layer."""
        states: list[Tensor] = []
        for layer in range(self.layers):
            given, bias, recurrent, recurrent_bias = self.weights(layer)
            # W_xh x_t + b for all t at once: 1-of-k picks a column
            below = (F.linear(states[-1], given) if states else F.embedding(inputs, given.T)) + (bias + recurrent_bias)
            h, trace = hidden[:, layer], []
            for from_below in below.unbind(dim=1):  # (batch, unit)
                # h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)
                h = torch.addmm(from_below, h, recurrent.T).tanh()
                trace.append(h)
            states.append(torch.stack(trace, dim=1))  # (batch, time, unit)
        return torch.stack(states, dim=2)


class Model(nn.Module):
    """The next character's probabilities after every character read."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, temperature: float) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"a temperature is positive, not {temperature}")
        self.rnn, self.readout = RNN(vocabulary, hidden, layers), nn.Linear(hidden, vocabulary)
        self.temperature = temperature

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # the state that was carried here, or zeros where the text begins anew
        start = batch["hidden"].masked_fill(batch["fresh"][:, None, None], 0.0)
        hidden = self.rnn(batch["inputs"], start)
        # y_t = W_hy h_t + b_y
        logits = self.readout(hidden[:, :, -1])  # (batch, time, vocabulary)
        # p_t = softmax(y_t / τ)
        probabilities = F.softmax(logits / self.temperature, dim=2)
        # loss = mean of -log p_t[target_t] at temperature 1
        loss = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten())
        return {"hidden": hidden, "logits": logits, "probabilities": probabilities, "loss": loss}
