r"""What the post says of long-term dependencies, measured in PyTorch: recall of a symbol after a lag of noise.

    recall        LSTMs and tanh RNNs of equal size, each with two ways to start, trained from scratch at lags 10, 50, 100
    gradients     |∂C_t/∂C_0| of the LSTMs and |∂h_t/∂h_0| of the RNNs at lag 100, before and after training
    forget bias   updates until recall at lag 8, with forget-gate bias 0 and 1

`nn.LSTM` and `nn.RNN` train, for their fused kernels; everything else is done by this room's own cells, into which the
trained parameters are loaded under the same names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

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


def train(cell: str, rate: float, start: dict[str, Array], minibatches: Array) -> tuple[State, int]:
    """Adam on the cross-entropy until the net has learnt; the trained parameters and the number of updates."""
    net, updates, row = build(cell, start, fused=True), 0, 0  # minibatches in a row without an error
    optimizer = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    while updates < len(minibatches) and row < task.WINDOW:
        tokens = torch.as_tensor(minibatches[updates])  # (example, time)
        logits = net(tokens)
        optimizer.zero_grad()
        F.cross_entropy(logits, tokens[:, 0]).backward()
        nn.utils.clip_grad_norm_(net.parameters(), task.LIMIT)
        optimizer.step()
        updates, row = updates + 1, row + 1 if accuracy(logits, tokens) == 1 else 0
    return net.state_dict(), updates


def accuracy(logits: Tensor, tokens: Tensor) -> float:
    return (logits.argmax(1) == tokens[:, 0]).float().mean().item()


def state_gradient(net: Recall, tokens: Tensor) -> list[float]:
    """Frobenius norm of ∂C_t/∂C_0 (∂h_t/∂h_0 for the RNN), t = 1, 2, …, root mean square over the examples."""
    name = "hidden" if net.name == "rnn" else "cell"
    states = jacfwd(lambda start: net.run(tokens, start)[name])
    jacobian = states(torch.zeros(task.HIDDEN))  # (example, time, hidden, hidden)
    return jacobian.double().square().sum((2, 3)).mean(0).sqrt().clamp(min=task.SMALLEST).tolist()


def run(profile: str, seed: int, progress: Progress) -> Experiment:
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    updates: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    gradients: defaultdict[str, list[list[float]]] = defaultdict(list)
    gates: State = {}
    runs = task.runs(profile)
    for done, (name, lag, k) in enumerate(runs):
        progress(done / len(runs), f"{name} at lag {lag}")
        cell, start = task.cell_of(name), task.initial(name, lag, seed, k)
        minibatches, test = task.minibatches(lag, seed, k)
        params, count = train(cell, task.RATES[name], start, minibatches)
        updates[name, lag].append(count)
        net, tokens = build(cell, params), torch.as_tensor(test)
        with torch.no_grad():
            found[name, lag].append(accuracy(net(tokens), tokens))
        if lag == max(task.LAGS):
            gradients[f"{name}_before"].append(state_gradient(build(cell, start), tokens[:8]))
            gradients[f"{name}_after"].append(state_gradient(net, tokens[:8]))
            if name == "lstm" and k == 0:
                with torch.no_grad():
                    gates = {gate: value[0].numpy() for gate, value in net.run(tokens[:1]).items()}
            if name == "lstm_bias_1":
                start = task.initial("lstm_bias_0", lag, seed, k)
                gradients["lstm_bias_0_before"].append(state_gradient(build(cell, start), tokens[:8]))
    return Experiment(task.metrics(found, updates, gradients), task.figures(found, updates, gradients, gates))
