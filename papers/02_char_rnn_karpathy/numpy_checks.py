r"""Paper 02: A. Karpathy, «The Unreasonable Effectiveness of Recurrent Neural Networks» (2015).

A character-level language model: a stack of tanh RNNs reads a text one character at a time, in windows, and carries its
state from each window to the next («RNN computation», «Going deep», «Character-Level Language Models»).

    1-of-k           x_t is all zero except for a single one at the index of the character
    step             h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)
    going deep       y1 = rnn1.step(x), y = rnn2.step(y1): the second RNN receives the first one's states
    confidences      y_t = W_hy h_t + b_y, of the last layer's state
    softmax          p_t = exp(y_t) / Σ_k exp(y_tk); at the temperature τ of sampling exp(y_t / τ) / Σ_k exp(y_tk / τ)
    loss             mean of -log p_t[target_t], the target being the next character
    windows          a window starts in the state that the one before it has left, or in zeros where the text begins anew

    post              here                                       shape
    x_t               inputs, indices of characters              (batch, time)
    target            targets                                    (batch, time)
    h before x_1      hidden, carried; zeros where fresh         (batch, layer, unit), (batch,)
    h_t               hidden                                     (batch, time, layer, unit)
    W_xh, W_hh, b     rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0; _l1 of the second layer
    W_hy, b_y         readout.weight, readout.bias
    y_t, p_t          logits, probabilities (at the temperature) (batch, time, character)
"""

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling


def started(batch: Arrays) -> Array:
    # the state before the window: what was carried there, or zeros where the text begins anew
    return np.where(batch["fresh"][:, None, None], 0.0, batch["hidden"])  # (batch, layer, unit)


def step(params: Arrays, x: Array, hidden: Array) -> Array:
    """One character of each text, x (batch,), and the state (batch, layer, unit) -> the next state."""
    new: list[Array] = []
    for layer in range(hidden.shape[1]):
        weights = [params[f"rnn.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        given, recurrent, bias, recurrent_bias = weights
        # W_xh x_t: 1-of-k selects a column of the first layer's matrix; the second layer reads the first one's state
        from_below = new[-1] @ given.T if new else given.T[x]  # (batch, unit)
        # h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)
        new.append(np.tanh(from_below + bias + hidden[:, layer] @ recurrent.T + recurrent_bias))
    return np.stack(new, axis=1)


def read(params: Arrays, inputs: Array, hidden: Array) -> Array:
    """Every state on the way through inputs (batch, time): (batch, time, layer, unit)."""
    trace = []
    for x in inputs.T:
        hidden = step(params, x, hidden)
        trace.append(hidden)
    return np.stack(trace, axis=1)


def log_softmax(scores: Array) -> Array:
    # log p = y - log Σ_k exp(y_k), the largest y taken out first, so that no exponential overflows
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def forward(
    params: Arrays, batch: Arrays, vocabulary: int, hidden: int, layers: int, temperature: float
) -> dict[str, Array]:
    """inputs, targets (batch, time), hidden (batch, layer, unit), fresh (batch,) -> named outputs; the loss is in nats.

    Raises ValueError where the temperature is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature is positive, not {temperature}")
    states = read(params, batch["inputs"], started(batch))  # (batch, time, layer, unit)
    # y_t = W_hy h_t + b_y
    logits = states[:, :, -1] @ params["readout.weight"].T + params["readout.bias"]  # (batch, time, vocabulary)
    # p_t = exp(y_t / τ) / Σ_k exp(y_tk / τ)
    probabilities = np.exp(log_softmax(logits / temperature))
    # loss = mean of -log p_t[target_t], at temperature 1
    picked = np.take_along_axis(log_softmax(logits), batch["targets"][..., None], axis=2)
    return {"hidden": states, "logits": logits, "probabilities": probabilities, "loss": -np.mean(picked)}


def problem(seed: int = 0) -> Problem:
    """Three texts, six characters each, of seven; two layers of five units; the second text begins anew."""
    rng = np.random.default_rng((2, seed))
    return draw(rng, examples=3, time=6, vocabulary=7, hidden=5, layers=2, temperature=0.7)


def draw(
    rng: np.random.Generator, examples: int, time: int, vocabulary: int, hidden: int, layers: int, temperature: float
) -> Problem:
    """An instance of these sizes: windows of texts, each target the next character, states as an RNN could have left them."""
    params = {"readout.weight": rng.normal(size=(vocabulary, hidden)), "readout.bias": rng.normal(size=vocabulary)}
    for layer in range(layers):
        params[f"rnn.weight_ih_l{layer}"] = 0.8 * rng.normal(size=(hidden, hidden if layer else vocabulary))
        params[f"rnn.weight_hh_l{layer}"] = 0.5 * rng.normal(size=(hidden, hidden))
        params[f"rnn.bias_ih_l{layer}"] = 0.3 * rng.normal(size=hidden)
        params[f"rnn.bias_hh_l{layer}"] = 0.3 * rng.normal(size=hidden)
    text = rng.integers(vocabulary, size=(examples, time + 1))
    text[:, -1] = rng.permutation(vocabulary)[np.arange(examples) % vocabulary]
    batch = {
        "inputs": text[:, :-1],
        "targets": text[:, 1:],
        "hidden": rng.uniform(-0.9, 0.9, size=(examples, layers, hidden)),
        "fresh": np.arange(examples) % 3 == 1,
    }
    config = {"vocabulary": vocabulary, "hidden": hidden, "layers": layers, "temperature": temperature}
    return Problem(config, params, batch, learning_rate=0.3)


def invariants() -> list[Invariant]:
    return sibling(__file__, "properties.py").invariants()
