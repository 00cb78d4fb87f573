r"""Other ways to the numbers of the PyTorch layer (paper 11): im2col, the backward pass by hand, fields and starts."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")
Model = model.Model
checks, task = sibling(__file__, "../numpy_checks.py"), sibling(__file__, "../task.py")
backward = sibling(__file__, "../backward.py")


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}


def im2col(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The second layer from the first, each dilated patch in one column."""
    out, config = forward(problem.params, problem.batch), problem.config
    dilation, params = config["dilations"][1], tensors(problem.params)
    border = dilation * (config["kernel"] // 2) if config["padding"] == "layers" else 0
    columns = F.unfold(torch.from_numpy(out["layer1"]), config["kernel"], dilation=dilation, padding=border)
    products = params["layer2.weight"].flatten(1) @ columns + params["layer2.bias"][:, None]  # (batch, filter, place)
    return out["layer2"], products.relu().reshape(out["layer2"].shape).numpy()


def support(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Where the gradient of one score by the maps is positive, against the square of 2 R + 1 entries around it."""
    config = {**problem.config, "padding": "layers"}
    reach = checks.reach(config["dilations"], config["kernel"])
    side = 2 * reach + 3
    params = {
        name: value.abs() + 0.1 for name, value in tensors(problem.params).items()
    }  # positive: no truncation is met
    maps = torch.rand(1, config["channels"], side, side, dtype=torch.float64, requires_grad=True)
    batch = {"maps": maps, "labels": torch.zeros(1, side, side, dtype=torch.long)}
    score = torch.func.functional_call(Model(**config), params, (batch,))["scores"][0, :, reach + 1, reach + 1].sum()
    (gradient,) = torch.autograd.grad(score, maps)
    square = np.pad(np.ones((config["channels"], side - 2, side - 2)), [(0, 0), (1, 1), (1, 1)])
    return (gradient[0] > 0).double().numpy(), square


def start(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    torch.manual_seed(11)
    state = {name: value.numpy() for name, value in Model(**problem.config).state_dict().items()}
    return checks.start_sides(state, problem.config, model.NOISE)


def random_start(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The experiment's random weights, each divided by PyTorch's deviation, against the standard normals drawn."""
    drawn, plain = task.initial(np.random.default_rng(3), "random"), np.random.default_rng(3)
    weights = {name: value for name, value in drawn.items() if name.endswith("weight")}
    fans = {name: nn.init._calculate_fan_in_and_fan_out(torch.empty(value.shape))[0] for name, value in weights.items()}
    ours = [value.ravel() * fans[name] ** 0.5 / nn.init.calculate_gain("relu") for name, value in weights.items()]
    return np.concatenate(ours), np.concatenate([plain.normal(size=value.size) for value in weights.values()])


def differentiated(problem: Problem) -> dict[str, torch.Tensor]:
    """d loss by every parameter and by the maps, by autograd."""
    model, batch = Model(**problem.config), tensors(problem.batch)
    params = {name: value.requires_grad_() for name, value in tensors(problem.params).items()}
    maps = batch["maps"].requires_grad_()
    out = torch.func.functional_call(model, params, ({**batch, "maps": maps},))
    wanted = {**params, "maps": maps}
    return dict(zip(wanted, torch.autograd.grad(out["loss"], list(wanted.values()))))


def by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    ours, theirs = differentiated(problem), tensors(backward.gradients(problem))
    left, right = (torch.cat([side[name].flatten() for name in ours]).numpy() for side in (ours, theirs))
    return left, right


def transposed(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What the last dilated layer passes back, from what it gets."""
    count, config = len(problem.config["dilations"]), problem.config
    known, dilation = tensors(backward.gradients(problem)), config["dilations"][-1]
    border = dilation * (config["kernel"] // 2) if config["padding"] == "layers" else 0
    weight, out = tensors(problem.params)[f"layer{count}.weight"], tensors(forward(problem.params, problem.batch))
    back = F.conv_transpose2d(known[f"layer{count}"], weight, dilation=dilation, padding=border)
    return known[f"layer{count - 1}"].numpy(), (back * (out[f"layer{count - 1}"] > 0)).numpy()


def oracles() -> list[Oracle]:
    shapes = ("one example", "Table 1", "large", "wide filters", "reflection")
    return [
        Oracle("im2col", "a dilated layer is one matrix product", "torch.nn.functional.unfold(dilation=l)", im2col, shapes),
        Oracle(
            "backward pass by hand", "the gradients by all parameters and by the maps", "backward.py: each layer's rule in NumPy",
            by_hand, (*shapes, "identity start", "nothing labelled"),
        ),
        Oracle(
            "transposed convolution", "what passes back through a dilated layer is the convolution by its dilated filter",
            "torch.nn.functional.conv_transpose2d(dilation=l)", transposed, shapes,
        ),
        Oracle(
            "support of the gradient", "with positive weights a score's gradient by the maps is positive on its field and 0 beyond",
            "a square of 2 R + 1 entries a side", support, ("Table 1", "wide filters"),
        ),
        Oracle(
            "start", "a new module passes on the maps of each group by C / c_{i+1}, and all else is noise of a tenth of that",
            "equation 5 in NumPy: numpy_checks.identity_start", start, ("large",),
        ),
        Oracle(
            "random start", "the experiment's random weights have the deviation sqrt(2 / fan-in)",
            "torch.nn.init.calculate_gain and PyTorch's own fan-in", random_start,
        ),
    ]  # fmt: skip
