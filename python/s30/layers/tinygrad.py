"""The tinygrad layer on its LLVM backend: a class whose `get_state_dict` keys are the parameter names."""

from __future__ import annotations

import math
import struct
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np
import tinygrad.renderer.llvmir as llvmir
from tinygrad import Tensor, TinyJit
from tinygrad.nn.optim import SGD
from tinygrad.nn.state import get_state_dict

from s30.corpus import Paper
from s30.errors import S30Error
from s30.evidence import Evidence
from s30.layers.executable import Parts, Progress, measure_autodiff, named
from s30.problem import objective
from s30.vocabulary import Array, Arrays

Name = TypeVar("Name", bound=Hashable)


def mend_constants() -> None:
    """Makes tinygrad 0.13 render every float constant as LLVM can read it.

    A float whose repr has an exponent and no dot, such as 1e-05, is taken by LLVM for a malformed integer. LLVM reads
    the sixteen hexadecimal digits of a double for `float` and `double` alike, so such constants are given in that form.
    """
    original = llvmir.lconst
    if hasattr(original, "original"):
        return

    def lconst(x: Any, dtype: Any) -> Any:
        value = original(x, dtype)
        if isinstance(value, float) and math.isfinite(value) and "." not in repr(value):
            return f"0x{int.from_bytes(struct.pack('>d', value), 'big'):016X}"
        return value

    lconst.original = original  # type: ignore[attr-defined]
    llvmir.lconst = lconst


class TinygradBackend:
    """A room's `Model` on tinygrad's LLVM backend."""

    def __init__(self, paper: Paper) -> None:
        mend_constants()
        Tensor.manual_seed(0)
        self._model = paper.module("tinygrad/model.py").Model
        self._captured: dict[str, TinyJit[Any]] = {}

    def _build(self, params: Mapping[str, Tensor], config: Mapping[str, Any]) -> tuple[Any, dict[str, Tensor]]:
        """The model with the problem's parameters in place, and those parameters by name."""
        model = self._model(**config)
        state = get_state_dict(model)
        if set(state) != set(params):
            raise S30Error(
                "Model does not take the problem's parameters: "
                f"missing {sorted(set(params) - set(state))}, unexpected {sorted(set(state) - set(params))}"
            )
        for name, tensor in state.items():
            if tensor.shape != params[name].shape:
                raise S30Error(f"Model's {name} has shape {tensor.shape}, the problem's {params[name].shape}")
            tensor.replace(params[name])
        return model, state

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        """Scheduling in Python dominates, so the kernels of a configuration and its shapes are captured and replayed."""
        shapes = sorted((name, value.shape, value.dtype.str) for name, value in (*params.items(), *batch.items()))
        at = repr((sorted(config.items()), shapes))
        if at not in self._captured:

            def outputs(params: dict[str, Tensor], batch: dict[str, Tensor]) -> dict[str, Tensor]:
                computed = {
                    name: value.contiguous() for name, value in named(self._build(params, config)[0](batch)).items()
                }
                Tensor.realize(*computed.values())
                return computed

            self._captured[at] = TinyJit(outputs)
        return {name: value.numpy() for name, value in self._captured[at](_tensors(params), _tensors(batch)).items()}

    def gradients(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        model, state = self._build(_tensors(params), config)
        outputs = model(_tensors(batch))
        names, leaves = list(state), list(state.values())
        whole = objective(outputs, _tensors(duals)).gradient(*leaves)
        alone = outputs["loss"].gradient(*leaves)
        # All gradients in one schedule: scheduling, not arithmetic, is what costs.
        arrays = _realised(
            {(kind, n): g for kind, grads in enumerate((whole, alone)) for n, g in zip(names, grads, strict=True)}
        )
        return {n: arrays[0, n] for n in names}, {n: arrays[1, n] for n in names}

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        model, state = self._build(_tensors(params), config)
        tensors, optimizer, losses = _tensors(batch), SGD(list(state.values()), lr=learning_rate), []
        with Tensor.train():
            for _ in range(steps):
                optimizer.zero_grad()
                loss = model(tensors)["loss"]
                loss.backward()
                for tensor in optimizer.params:
                    if tensor.grad is None:  # a parameter that the loss does not reach
                        tensor.grad = tensor.zeros_like()
                Tensor.realize(loss, *optimizer.schedule_step())
                losses.append(loss.item())
            losses.append(model(tensors)["loss"].item())
        return np.array(losses), _realised(state)


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Tensors of their own memory, in place before anything is scheduled."""
    tensors = {name: Tensor(np.ascontiguousarray(value)) for name, value in arrays.items()}
    Tensor.realize(*tensors.values())
    return tensors


def _realised(tensors: Mapping[Name, Tensor]) -> dict[Name, Array]:
    """NumPy copies of all the tensors, computed in one schedule."""
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    Tensor.realize(*whole.values())
    return {name: tensor.numpy() for name, tensor in whole.items()}


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    return measure_autodiff(paper, "tinygrad", TinygradBackend(paper), progress, parts)
