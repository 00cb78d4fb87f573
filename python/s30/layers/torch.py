"""The PyTorch layer: an `nn.Module` whose state_dict keys are the parameter names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch

from s30.corpus.problem import objective
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays
from s30.errors import S30Error
from s30.evidence.store import Evidence
from s30.layers.catalogue import CHECKS
from s30.layers.executable import Parts, Progress, altered, named
from s30.layers.measure import measure_autodiff


class TorchBackend:
    """A room's `nn.Module` in float64 on one thread."""

    def __init__(self, paper: Paper) -> None:
        prepare(CHECKS)
        torch.manual_seed(0)
        self._model = paper.module("torch/model.py").Model
        self.altered: set[str] = set()

    def _build(self, params: Arrays, config: Mapping[str, Any]) -> Any:
        model = self._model(**config)
        try:
            model.load_state_dict(
                {name: torch.from_numpy(np.array(value)) for name, value in params.items()}, strict=True
            )
        except RuntimeError as error:
            raise S30Error(f"Model does not take the problem's parameters: {' '.join(str(error).split())}") from None
        return model

    def _call(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """The model and its outputs, once it was seen whether its inputs came back as they were."""
        model, tensors = self._build(params, config), _tensors(batch)
        outputs = named(model(tensors), torch.Tensor)
        self.altered |= altered(params, _arrays(model.state_dict())) | altered(batch, _arrays(tensors))
        return model, outputs

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        with torch.no_grad():
            return _arrays(self._call(params, batch, config)[1])

    plain = anew = forward

    def gradient(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        model, outputs = self._call(params, batch, config)
        total = objective(outputs, _tensors(duals))
        names, leaves = zip(*model.named_parameters(), strict=True)
        grads = torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else [None] * len(leaves)
        # A parameter that the objective does not reach has gradient zero: parity shows it if that is a mistake.
        return _arrays(outputs), {
            name: np.zeros(leaf.shape) if grad is None else grad.numpy()
            for name, leaf, grad in zip(names, leaves, grads, strict=True)
        }

    def initial(self, config: Mapping[str, Any], seed: int) -> dict[str, Array]:
        torch.manual_seed(seed)
        return _arrays(self._model(**config).state_dict())

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
        return np.array(losses), _arrays(model.state_dict())


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    return {name: value.detach().numpy() for name, value in tensors.items()}


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    return measure_autodiff(paper, "torch", TorchBackend(paper), progress, parts)


def prepare(task: str) -> None:
    """One thread; float64 for the checks, float32 for experiments."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64 if task == CHECKS else torch.float32)
    if task != CHECKS:
        Uncompiled.stand_in()


class Uncompiled(ModuleType):
    """Stands for `torch._dynamo` until something is compiled. Every optimiser imports PyTorch's compiler, which takes half as
    long as PyTorch itself, for two things that mean nothing where nothing is compiled: to be left alone by it, and to break
    a graph that it would draw. Whoever asks for anything else gets the compiler."""

    NAME = "torch._dynamo"

    @classmethod
    def stand_in(cls) -> None:
        """Takes the compiler's place, unless it is there already."""
        if cls.NAME not in sys.modules:
            torch._dynamo = sys.modules[cls.NAME] = cls(cls.NAME)

    @staticmethod
    def disable(fn: Any = None, recursive: bool = True, **_: Any) -> Any:
        return fn if fn is not None else lambda function: function

    @staticmethod
    def graph_break(msg: str = "") -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.NAME) is self:
            del sys.modules[self.NAME]
        return getattr(importlib.import_module(self.NAME), name)


def state() -> dict[str, Any]:
    """What a paper could leave changed in PyTorch for the next one; its random numbers are seeded for each."""
    return {
        "PyTorch's default dtype": str(torch.get_default_dtype()),
        "PyTorch's gradient mode": torch.is_grad_enabled(),
        "PyTorch's number of threads": torch.get_num_threads(),
        "PyTorch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "PyTorch's flush-to-zero mode": bool(torch.tensor(1e-310, dtype=torch.float64).mul(1.0).item()),
    }


@contextmanager
def double(once: bool) -> Iterator[None]:
    """Within an experiment, what is to be compared entry by entry: new tensors and modules are float64. Nothing here is
    compiled, so that it makes no difference whether it runs `once`."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
