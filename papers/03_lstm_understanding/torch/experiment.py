r"""How the networks of `task.py` are trained and asked in PyTorch.

training     `nn.LSTM`, whose kernels are fused, and a tanh RNN that goes back through time by its own formula; Adam
answers      this room's own cells, into which the trained parameters are loaded under the same names
gradients    ∂C_t/∂C_0 and ∂h_t/∂h_0 as the product of automatic Jacobians of single steps
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.adam import adam

from s30.room import Array, Arrays, Trained, Training, sibling

cells = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
State = dict[str, Tensor]
# The function behind `torch.optim.Adam`: to build that class imports PyTorch's compiler, which takes as long as PyTorch itself.
step = partial(adam, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False, fused=True)


class Tanh(torch.autograd.Function):
    """given (time, example, unit), W_hh -> h_T from the zero state, and back through time: half of what autograd's graph costs."""

    @staticmethod
    def forward(ctx, given: Tensor, weight: Tensor) -> Tensor:
        hidden = given.new_zeros(len(given) + 1, *given.shape[1:])
        # h_t = tanh(W_hh h_{t-1} + a_t)
        for at, old, new in zip(given, hidden[:-1], hidden[1:], strict=True):
            torch.addmm(at, old, weight.T, out=new).tanh_()
        ctx.save_for_backward(hidden, weight)
        return hidden[-1].clone()

    @staticmethod
    def backward(ctx, by_hidden: Tensor) -> tuple[Tensor, Tensor]:
        hidden, weight = ctx.saved_tensors
        deltas = 1 - hidden[1:].square()  # tanh' of every step, then δ_t in its place
        # δ_t = (1 - h_t²) * ∂h_t,  ∂h_{t-1} = δ_t W_hh
        for delta in reversed(deltas.unbind()):
            by_hidden = delta.mul_(by_hidden) @ weight
        return deltas, torch.einsum("tea,teb->ab", deltas, hidden[:-1])


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
        # a_t = W_ih x_t + b_ih + b_hh, of all steps at once: (time, example, unit)
        given = F.linear(inputs.transpose(0, 1), layer.weight_ih_l0, layer.bias_ih_l0 + layer.bias_hh_l0)
        return Tanh.apply(given, layer.weight_hh_l0)

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
    params, losses, row = list(net.parameters()), [], 0
    mean, square = ([torch.zeros_like(value) for value in params] for _ in range(2))
    steps = [torch.zeros(()) for _ in params]
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True):
        logits, symbols = net.readout(net.last(data["tokens"][index])), data["target"][index].long()
        loss = F.cross_entropy(logits, symbols)
        net.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, training.clip)
        with torch.no_grad():
            step(params, [value.grad for value in params], mean, square, [], steps, lr=rate)
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
    return torch.stack([norms(build(cell, params), torch.as_tensor(tokens)) for params in nets]).numpy()


def norms(model: Net, tokens: Tensor) -> Tensor:
    """Of one network, (time,): the Jacobians of its single steps by reverse mode, all steps at once, then their product."""
    units, names = task.UNITS[model.cell], ("hidden",) if model.cell == "rnn" else ("cell", "hidden")
    with torch.no_grad():
        seen = model(tokens, torch.zeros(len(tokens), units))
    # what each step finds, first the zero state; steps and examples are rows of one batch
    before = {name: F.pad(seen[name][:, :-1], (0, 0, 1, 0)).flatten(0, 1).requires_grad_() for name in names}
    after = model.get_submodule(model.cell).step(model.inputs(tokens).flatten(0, 1), **{"cell": None, **before})
    rows = [
        torch.cat(torch.autograd.grad(after[name][:, unit].sum(), list(before.values()), retain_graph=True), 1)
        for name in names
        for unit in range(units)
    ]
    chain = torch.stack(rows, 1).unflatten(0, tokens.shape)  # (example, time, state, state)
    moved, found = torch.eye(chain.shape[-1])[:, :units], []
    for jacobian in chain.unbind(1):
        moved = jacobian @ moved  # (example, state, unit of the start)
        found.append(moved[:, :units].square().sum((1, 2)).mean().sqrt())
    return torch.stack(found)
