"""PyTorch's own stacked RNN, its gradients and its automatic Jacobian, against the room's."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.functional import jacobian
from torch.distributions import Categorical

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")
ALL = ("one of each", "certain")


def oracles() -> list[Oracle]:
    return [
        Oracle("nn.RNN", "all states of the last layer and the last state of every layer", "torch.nn.RNN", _layers, ALL),
        Oracle(
            "gradients of nn.RNN", "the gradient of the loss by every parameter of the stack, state carried and reset",
            "torch.autograd through torch.nn.RNN and cross_entropy", _gradients,
        ),
        Oracle(
            "start of nn.RNN", "the initialiser draws what torch.nn draws: from the same seed the same numbers, layer by layer",
            "torch.nn.RNN", _start_numbers,
        ),
        Oracle("Categorical", "the distribution from which the next character is sampled", "torch.distributions.Categorical", _categorical),
        Oracle(
            "Jacobian of the state", "∂h_T/∂h_0 of the first layer is the product of diag(1 - h_t²) W, as in the identity"
            " `state_jacobian`",
            "torch.autograd.functional.jacobian", _jacobian,
        ),
    ]  # fmt: skip


def _tensors(problem: Problem) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return tuple({k: torch.as_tensor(v) for k, v in arrays.items()} for arrays in (problem.params, problem.batch))


def _built(problem: Problem, params: dict[str, Tensor]) -> nn.RNN:
    config = problem.config
    rnn = nn.RNN(config["vocabulary"], config["hidden"], config["layers"], batch_first=True)
    rnn.load_state_dict({name.removeprefix("rnn."): value for name, value in params.items() if name.startswith("rnn.")})
    return rnn


def _start(batch: dict[str, Tensor]) -> Tensor:
    kept = ~batch["fresh"]
    return (batch["hidden"] * kept[:, None, None]).transpose(0, 1).contiguous()  # (layer, batch, unit)


def _layers(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    with torch.no_grad():
        inputs = F.one_hot(batch["inputs"], problem.config["vocabulary"]).double()
        hidden, last = _built(problem, params)(inputs, _start(batch))
    ours = forward(problem.params, problem.batch)["hidden"]
    theirs = [hidden.numpy().ravel(), last.transpose(0, 1).numpy().ravel()]
    return np.concatenate([ours[:, :, -1].ravel(), ours[:, -1].ravel()]), np.concatenate(theirs)


def _start_numbers(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    config, found = problem.config, []
    sizes = (config["vocabulary"], config["hidden"], config["layers"])
    with torch.random.fork_rng():
        for built in (model.RNN, nn.RNN):
            torch.manual_seed(2)
            found.append(torch.cat([value.detach().flatten() for value in built(*sizes).parameters()]).numpy())
    return found[0], found[1]


def _gradients(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    ours, theirs = model.Model(**problem.config), _built(problem, params)
    ours.load_state_dict(params)
    hidden, _ = theirs(F.one_hot(batch["inputs"], problem.config["vocabulary"]).double(), _start(batch))
    logits = F.linear(hidden, params["readout.weight"], params["readout.bias"])
    F.cross_entropy(logits.transpose(1, 2), batch["targets"]).backward()
    ours(batch)["loss"].backward()
    sides = [
        torch.cat([value.grad.flatten() for _, value in sorted(net.named_parameters())]) for net in (ours.rnn, theirs)
    ]
    return sides[0].numpy(), sides[1].numpy()


def _categorical(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    logits = torch.as_tensor(outputs["logits"]) / problem.config["temperature"]
    return outputs["probabilities"], Categorical(logits=logits).probs.numpy()


def _jacobian(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = _tensors(problem)
    net = model.Model(**problem.config)
    net.load_state_dict(params)
    weight = problem.params["rnn.weight_hh_l0"]
    start = batch["hidden"][0].masked_fill(batch["fresh"][0], 0.0)

    def last(first: Tensor) -> Tensor:
        return net.rnn(batch["inputs"][:1], torch.stack([first, *start[1:]])[None])[0, -1, 0]

    product = np.eye(len(weight))
    for h in forward(problem.params, problem.batch)["hidden"][0, :, 0]:
        product = (1 - h**2)[:, None] * (weight @ product)
    return product, jacobian(last, start[0]).numpy()
