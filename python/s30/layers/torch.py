"""The PyTorch layer: an `nn.Module` whose state_dict keys are the parameter names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from s30.corpus import Paper
from s30.errors import S30Error
from s30.evidence import Evidence
from s30.layers.executable import Parts, Progress, checked_outputs, measure_autodiff, named
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

    def gradients(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        model = self._build(params, config)
        outputs = model(_tensors(batch))
        checked_outputs({name: value.detach().numpy() for name, value in outputs.items()})
        names, leaves = zip(*model.named_parameters(), strict=True)
        whole = torch.autograd.grad(objective(outputs, _tensors(duals)), leaves, retain_graph=True, allow_unused=True)
        loss = outputs["loss"]
        alone = torch.autograd.grad(loss, leaves, allow_unused=True) if loss.requires_grad else [None] * len(leaves)
        return _arrays(names, leaves, whole), _arrays(names, leaves, alone)

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        model, tensors = self._build(params, config), _tensors(batch)
        optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(tensors)["loss"]
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        losses.append(model(tensors)["loss"].item())
        return np.array(losses), {name: value.detach().numpy() for name, value in model.state_dict().items()}


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


def _arrays(names: Any, leaves: Any, grads: Any) -> dict[str, Array]:
    """A parameter that the objective does not reach has gradient zero: parity shows it if that is a mistake."""
    return {
        n: np.zeros(leaf.shape) if g is None else g.numpy() for n, leaf, g in zip(names, leaves, grads, strict=True)
    }


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    return measure_autodiff(paper, "torch", TorchBackend(paper), progress, parts)


def prepare_experiment() -> None:
    """Experiments train in float32, on one thread."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
