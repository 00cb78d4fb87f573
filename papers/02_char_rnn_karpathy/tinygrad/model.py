r"""Paper 02: A. Karpathy, «The Unreasonable Effectiveness of Recurrent Neural Networks» (2015), in tinygrad, unrolled.

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)      y_t = W_hy h_t + b_y      p_t = softmax(y_t / τ)

    post              here
    x_t, target       inputs, targets (batch, time)
    h                 hidden (batch, layer, unit) on the way in, (batch, time, layer, unit) on the way out
    W_xh, W_hh, b     rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0; _l1 of the second layer
    W_hy, b_y         readout

tinygrad has no loop of its own: the graph grows with the window, and so does the time to schedule it.
"""

from tinygrad import Tensor, nn


class RNN:
    """A stack of tanh RNNs that reads characters; names as in `torch.nn`."""

    def __init__(self, vocabulary: int, hidden: int, layers: int) -> None:
        self.layers, self.vocabulary = layers, vocabulary
        for layer in range(layers):
            shapes = {"weight_ih": (hidden, hidden if layer else vocabulary), "weight_hh": (hidden, hidden)}
            for name, shape in {**shapes, "bias_ih": (hidden,), "bias_hh": (hidden,)}.items():
                bound = hidden**-0.5
                setattr(self, f"{name}_l{layer}", Tensor.uniform(*shape, low=-bound, high=bound))

    def __call__(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """inputs (batch, time), hidden (batch, layer, unit) -> every state, (batch, time, layer, unit), layer by layer."""
        # 1-of-k: all zero except for a single one at the index of the character
        below, states = inputs.one_hot(self.vocabulary).cast(hidden.dtype), []  # (batch, time, vocabulary)
        for layer in range(self.layers):
            names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            given, bias, recurrent, recurrent_bias = (getattr(self, f"{name}_l{layer}") for name in names)
            from_below = below.linear(given.T, bias).contiguous()  # W_xh x_t + b for all t, (batch, time, unit)
            h, trace = hidden[:, layer].contiguous(), []
            for t in range(inputs.shape[1]):
                # h_t = tanh(W_hh h_{t-1} + W_xh x_t + b), stored, so that all steps are one kernel
                h = (from_below[:, t].contiguous() + h.linear(recurrent.T, recurrent_bias)).tanh().contiguous()
                trace.append(h)
            below = Tensor.stack(*trace, dim=1)  # (batch, time, unit)
            states.append(below)
        return Tensor.stack(*states, dim=2)


class Model:
    """The next character's probabilities after every character read."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, temperature: float) -> None:
        if not temperature > 0:
            raise ValueError(f"a temperature is positive, not {temperature}")
        self.rnn, self.readout = RNN(vocabulary, hidden, layers), nn.Linear(hidden, vocabulary)
        self.temperature = temperature

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # the state that was carried here, or zeros where the text begins anew
        start = batch["fresh"].reshape(-1, 1, 1).where(0.0, batch["hidden"])
        hidden = self.rnn(batch["inputs"], start)
        # y_t = W_hy h_t + b_y
        logits = self.readout(hidden[:, :, -1])  # (batch, time, vocabulary)
        # p_t = softmax(y_t / τ)
        probabilities = (logits / self.temperature).softmax(axis=2)
        # loss = mean of -log p_t[target_t] at temperature 1
        loss = logits.flatten(0, 1).sparse_categorical_crossentropy(batch["targets"].flatten())
        return {"hidden": hidden, "logits": logits, "probabilities": probabilities, "loss": loss}
