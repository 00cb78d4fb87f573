"""The PyTorch layer: an `nn.Module` whose state_dict keys are the parameter names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from s30.corpus import Paper
from s30.errors import S30Error
from s30.evidence import Evidence
from s30.layers.executable import Parts, Progress, measure_autodiff, named
from s30.problem import objective
from s30.vocabulary import Array, Arrays


class TorchBackend:
    """A room's `nn.Module` in float64 on one thread."""

    def __init__(self, paper: Paper) -> None:
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(0)
        self._model = paper.module("torch/model.py").Model

    def _build(self, params: Arrays, config: Mapping[str, Any]) -> Any:
        model = self._model(**config)
        try:
            model.load_state_dict(
                {name: torch.from_numpy(np.array(value)) for name, value in params.items()}, strict=True
            )
        except RuntimeError as error:
            raise S30Error(f"Model does not take the problem's parameters: {' '.join(str(error).split())}") from None
        return model

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        with torch.no_grad():
            outputs = self._build(params, config)(_tensors(batch))
        return {name: value.numpy() for name, value in named(outputs).items()}

    def gradient(self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays) -> dict[str, Array]:
        model = self._build(params, config)
        total = objective(named(model(_tensors(batch))), _tensors(duals))
        names, leaves = zip(*model.named_parameters(), strict=True)
        grads = torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else [None] * len(leaves)
        # A parameter that the objective does not reach has gradient zero: parity shows it if that is a mistake.
        return {
            name: np.zeros(leaf.shape) if grad is None else grad.numpy()
            for name, leaf, grad in zip(names, leaves, grads, strict=True)
        }

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        # θ ← θ - η ∂L/∂θ by hand: building an optimizer imports PyTorch's compiler, which takes as long as PyTorch itself.
        model, tensors = self._build(params, config), _tensors(batch)
        losses, leaves = [], [leaf for leaf in model.parameters() if leaf.requires_grad]
        for _ in range(steps):
            loss = model(tensors)["loss"]
            losses.append(loss.item())
            grads = torch.autograd.grad(loss, leaves, allow_unused=True)
            with torch.no_grad():
                for leaf, grad in zip(leaves, grads, strict=True):
                    if grad is not None:
                        leaf.sub_(learning_rate * grad)
        losses.append(model(tensors)["loss"].item())
        return np.array(losses), {name: value.detach().numpy() for name, value in model.state_dict().items()}


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    return measure_autodiff(paper, "torch", TorchBackend(paper), progress, parts)


def prepare_experiment() -> None:
    """Experiments train in float32, on one thread."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)


@contextmanager
def double() -> Iterator[None]:
    """Within an experiment, what is to be compared entry by entry: new tensors and modules are float64."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
