r"""How the networks of `task.py` are trained and asked in PyTorch.

training   the room's own RNN with all columns looked up at once, or `nn.LSTM`, whose kernels are fused; Adam; the state is
           carried from window to window without its history: truncated back-propagation through time
answers    the room's RNN, `nn.LSTM`, and their steps where the net writes
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s30.room import Array, Arrays, Trained, Training, sibling

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
State = tuple[Tensor, ...]


class Net(nn.Module):
    """One recurrent layer that reads characters, and a readout."""

    def __init__(self, cell: str, params: Arrays) -> None:
        super().__init__()
        characters, units = task.size(), task.UNITS[cell]
        self.cell, self.units, self.readout = cell, units, nn.Linear(units, characters)
        layer = nn.LSTM(characters, units, batch_first=True) if cell == "lstm" else model.RNN(characters, units, 1)
        self.add_module(cell, layer)
        self.load_state_dict({name: torch.as_tensor(value) for name, value in params.items()})

    def start(self, count: int) -> State:
        """The zero state: h, and the cell of an LSTM; each (reader, unit)."""
        zero = self.readout.weight.new_zeros(count, self.units)
        return (zero, zero) if self.cell == "lstm" else (zero,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """inputs (reader, time) -> h after every character, (reader, time, unit), and the state after the last."""
        if self.cell == "rnn":
            hidden = self.rnn(inputs, state[0][:, None])[:, :, 0]
            return hidden, (hidden[:, -1],)
        one_of_k = F.one_hot(inputs, self.readout.out_features).to(self.readout.weight.dtype)
        hidden, last = self.lstm(one_of_k, tuple(part[None] for part in state))
        return hidden, tuple(part[0] for part in last)


def train(training: Training) -> Trained:
    net, data = Net(training.net, training.start), {n: torch.as_tensor(value) for n, value in training.data.items()}
    optimizer, losses, kept = torch.optim.Adam(net.parameters(), fused=True), [], {}
    state = net.start(training.order.shape[1])
    for number, (index, rate) in enumerate(
        zip(torch.as_tensor(training.order), training.rates.tolist(), strict=True), 1
    ):
        optimizer.param_groups[0]["lr"] = rate
        # what was carried here, without its history; zeros where the text begins anew
        fresh = data["fresh"][index][:, None]
        hidden, state = net(data["inputs"][index], tuple(part.detach().masked_fill(fresh, 0.0) for part in state))
        loss = F.cross_entropy(net.readout(hidden).flatten(0, 1), data["targets"][index].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), training.clip)
        optimizer.step()
        losses.append(loss.item())
        if number in training.keep:
            kept[number] = _params(net)
    return Trained(_params(net), np.array(losses), kept)


def _params(net: Net) -> dict[str, Array]:
    return {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    windows, streams = inputs["inputs"], int(inputs["fresh"].sum())
    hidden = torch.as_tensor(states(net, params, windows.reshape(streams, -1)))
    logits = Net(net, params).readout(hidden)
    return {"logits": logits.reshape(*windows.shape, -1).numpy()}


@torch.no_grad()
def states(cell: str, params: Arrays, text: Array) -> Array:
    net = Net(cell, params)
    return net(torch.as_tensor(text), net.start(len(text)))[0].numpy()


@torch.no_grad()
def after(cell: str, params: Arrays, text: Array) -> Array:
    net = Net(cell, params)
    hidden, _ = net(torch.as_tensor(text), net.start(len(text)))
    return net.readout(hidden[:, -1]).numpy()


@torch.no_grad()
def sample(params: Arrays, chances: Array, temperature: float, first: int) -> Array:
    net, written = Net("rnn", params), []
    state, x = net.start(len(chances)), torch.full((len(chances),), first)
    for chance in torch.as_tensor(chances).T:
        hidden, state = net(x[:, None], state)
        shares = F.softmax(net.readout(hidden[:, 0]) / temperature, dim=1)
        x = torch.searchsorted(shares.cumsum(1), chance[:, None].contiguous(), right=True)[:, 0].clamp(
            max=shares.shape[1] - 1
        )
        written.append(x)
    return torch.stack(written, dim=1).numpy()
