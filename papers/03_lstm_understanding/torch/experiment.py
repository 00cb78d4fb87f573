r"""What the post says of long-term dependencies, measured in PyTorch: recall of a symbol after a lag of noise.

    recall        an LSTM and a tanh RNN of equal size, each trained from scratch at lags 10, 50 and 100
    gradients     |∂C_t/∂C_0| of the LSTM and |∂h_t/∂h_0| of the RNN at lag 100, before and after training
    forget bias   updates until recall at lag 8, with forget-gate bias 0 and 1

`nn.LSTM` and `nn.RNN` train, for their fused kernels; everything else is done by this room's own cells, into which the
trained parameters are loaded under the same names.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import jacfwd

from s30.corpus import sibling
from s30.vocabulary import Array, Experiment

cells = sibling(__file__, "model.py")
task = sibling(__file__, "../recall.py")
Progress = Callable[[float, str], None]
State = dict[str, Tensor]


class Recall(nn.Module):
    """A recurrent layer from the zero state, and a readout of its last hidden state; fused, or this room's own."""

    def __init__(self, cell: str, fused: bool = False) -> None:
        super().__init__()
        self.fused, self.name = fused, cell
        kind = {"lstm": nn.LSTM, "rnn": nn.RNN}[cell] if fused else {"lstm": cells.LSTM, "rnn": cells.RNN}[cell]
        options = {"batch_first": True} if fused else {}
        self.add_module(cell, kind(task.FEATURES, task.HIDDEN, **options))
        self.readout = nn.Linear(task.HIDDEN, task.SYMBOLS)

    def run(self, tokens: Tensor, start: Tensor | None = None) -> State:
        """tokens (example, time) from C_0 (h_0 for the RNN) = start -> every gate and state, (example, time, hidden)."""
        inputs = F.one_hot(tokens, task.FEATURES).to(self.readout.weight.dtype)  # (example, time, feature)
        zero = inputs.new_zeros(len(inputs), task.HIDDEN)
        start = zero if start is None else zero + start
        return self.get_submodule(self.name)(inputs, start if self.name == "rnn" else zero, start)

    def forward(self, tokens: Tensor) -> Tensor:
        if self.fused:
            hidden = self.get_submodule(self.name)(F.one_hot(tokens, task.FEATURES).to(self.readout.weight.dtype))[0]
        else:
            hidden = self.run(tokens)["hidden"]
        return self.readout(hidden[:, -1])  # (example, symbol)


def build(cell: str, params: dict[str, Array] | State, fused: bool = False) -> Recall:
    net = Recall(cell, fused)
    net.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})
    return net


def train(
    cell: str, start: dict[str, Array], lag: int, updates: int, rng: np.random.Generator
) -> tuple[State, list[float]]:
    """Adam on the cross-entropy; the trained parameters and the accuracy on each minibatch before its update."""
    net, seen = build(cell, start, fused=True), []
    optimizer = torch.optim.Adam(net.parameters(), lr=task.RATES[cell], fused=True)
    for _ in range(updates):
        tokens = torch.as_tensor(task.sequences(rng, task.EXAMPLES, lag=lag))
        logits = net(tokens)
        optimizer.zero_grad()
        F.cross_entropy(logits, tokens[:, 0]).backward()
        nn.utils.clip_grad_norm_(net.parameters(), task.LIMIT)
        optimizer.step()
        seen.append(accuracy(logits, tokens))
    return net.state_dict(), seen


def accuracy(logits: Tensor, tokens: Tensor) -> float:
    return (logits.argmax(1) == tokens[:, 0]).float().mean().item()


def state_gradient(net: Recall, tokens: Tensor) -> list[float]:
    """Frobenius norm of ∂C_t/∂C_0 (∂h_t/∂h_0 for the RNN), t = 1, 2, …, root mean square over the examples."""
    name = "hidden" if net.name == "rnn" else "cell"
    states = jacfwd(lambda start: net.run(tokens, start)[name])
    jacobian = states(torch.zeros(task.HIDDEN))  # (example, time, hidden, hidden)
    return jacobian.double().square().sum((2, 3)).mean(0).sqrt().clamp(min=1e-45).tolist()


def run(profile: str, seed: int, progress: Progress) -> Experiment:
    size, rng = task.SIZES[profile], np.random.default_rng((3, seed))
    found: dict[str, list[list[float]]] = {"lstm": [], "rnn": []}
    gradients: dict[str, list[float]] = {}
    for cell in found:
        for lag in task.LAGS:
            progress(0.4 * len(found["lstm"] + found["rnn"]) / len(task.LAGS), f"{cell} at lag {lag}")
            found[cell].append([])
            for _ in range(size["seeds"]):
                start = task.lag_net(rng, cell, lag)
                trained = build(cell, train(cell, start, lag, size["updates"], rng)[0])
                tokens = torch.as_tensor(task.sequences(rng, task.TEST_EXAMPLES, lag=lag))
                with torch.no_grad():
                    found[cell][-1].append(accuracy(trained(tokens), tokens))
        for when, net in (("before", build(cell, start)), ("after", trained)):
            gradients[f"{cell}_{when}"] = state_gradient(net, tokens[:8])
        if cell == "lstm":
            with torch.no_grad():
                gates = {name: value[0].numpy() for name, value in trained.run(tokens[:1]).items()}
    progress(0.8, "forget-gate bias 0 and 1")
    nets = task.bias_nets(rng, size["bias_seeds"])
    learning = np.array([train("lstm", start, task.BIAS_LAG, size["bias_updates"], rng)[1] for start in nets])
    return Experiment(task.metrics(found, gradients, learning), task.figures(found, gradients, learning, gates))
