r"""How the networks of `task.py` are trained and asked in PyTorch.

training     `nn.LSTM`, whose kernels are fused, and a tanh RNN with the inputs of all steps projected at once; Adam
answers      this room's own cells, into which the trained parameters are loaded under the same names
gradients    ∂C_t/∂C_0 and ∂h_t/∂h_0 by forward mode, over all networks at once
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, jacfwd, stack_module_state, vmap

from s30.room import Array, Arrays, Trained, Training, sibling

cells = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
State = dict[str, Tensor]


class Net(nn.Module):
    """A recurrent layer from the zero state, and a readout of its last hidden state; `layer` as in torch.nn or the room's."""

    def __init__(self, cell: str, layer: nn.Module, params: Arrays) -> None:
        super().__init__()
        self.cell = cell
        self.add_module(cell, layer)
        self.readout = nn.Linear(task.UNITS[cell], task.SYMBOLS)
        self.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})

    def inputs(self, tokens: Tensor) -> Tensor:
        return F.one_hot(tokens.long(), task.FEATURES).to(self.readout.weight.dtype)  # (example, time, feature)

    def last(self, tokens: Tensor) -> Tensor:
        """The last hidden state, (example, unit), by the fastest way there is."""
        layer, inputs = self.get_submodule(self.cell), self.inputs(tokens)
        if self.cell == "lstm":
            return layer(inputs)[0][:, -1]
        # h_t = tanh(W_hh h_{t-1} + (W_ih x_t + b_ih + b_hh))
        given = F.linear(inputs, layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)  # (example, time, unit)
        hidden = torch.zeros_like(given[:, 0])
        for at in given.unbind(dim=1):
            hidden = torch.addmm(at, hidden, layer.weight_hh_l0.T).tanh()
        return hidden

    def forward(self, tokens: Tensor, start: Tensor) -> State:
        """The room's cell on tokens (example, time) from C_0, h_0 in the RNN, = start: all by name, (example, time, unit)."""
        inputs, zero = self.inputs(tokens), torch.zeros_like(start)
        return self.get_submodule(self.cell)(inputs, start if self.cell == "rnn" else zero, start)


def build(cell: str, params: Arrays) -> Net:
    kind = {"lstm": cells.LSTM, "rnn": cells.RNN}[cell]
    return Net(cell, kind(task.FEATURES, task.UNITS[cell]), params)


def train(training: Training) -> Trained:
    """Adam until `stop` minibatches in a row were named without an error, or the order is at its end."""
    cell, data = training.net, {name: torch.as_tensor(value) for name, value in training.data.items()}
    layer = nn.LSTM if cell == "lstm" else nn.RNN
    net = Net(cell, layer(task.FEATURES, task.UNITS[cell], batch_first=True), training.start)
    optimizer, losses, row = torch.optim.Adam(net.parameters(), fused=True), [], 0
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        logits, symbols = net.readout(net.last(data["tokens"][index])), data["target"][index].long()
        loss = F.cross_entropy(logits, symbols)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
        row = row + 1 if (logits.argmax(1) == symbols).all() else 0
        if row == training.settings["stop"]:
            break
    return Trained({name: value.numpy() for name, value in net.state_dict().items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    model, tokens = build(net, params), torch.as_tensor(inputs["tokens"])
    seen = model(tokens, torch.zeros(len(tokens), task.UNITS[net]))
    answers = {"logits": model.readout(seen["hidden"][:, -1])}
    if net == "lstm":
        answers |= {name: seen[name][: task.SHOWN] for name in ("forget_gate", "input_gate")}
        answers["kept"] = seen["forget_gate"].prod(dim=1)
    return {name: value.numpy() for name, value in answers.items()}


def state_gradient(cell: str, nets: list[Arrays], tokens: Array) -> Array:
    """Frobenius norm of ∂C_t/∂C_0, of ∂h_t/∂h_0 in the RNN: (net, time), root mean square over tokens (example, time)."""
    model, known = build(cell, nets[0]), torch.as_tensor(tokens)
    state, _ = stack_module_state([build(cell, params) for params in nets])
    zero = torch.zeros(task.UNITS[cell])

    def norms(params: State) -> Tensor:
        def states(start: Tensor) -> Tensor:
            seen = functional_call(model, params, (known, start.expand(len(known), -1)))
            return seen["hidden" if cell == "rnn" else "cell"]  # (example, time, unit)

        return jacfwd(states)(zero).square().sum((2, 3)).mean(0).sqrt()  # (time,)

    return vmap(norms)(state).detach().numpy()
