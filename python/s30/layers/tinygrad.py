"""The tinygrad layer on its LLVM backend: a class whose `get_state_dict` keys are the parameter names."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tinygrad.renderer.llvmir as llvmir
from tinygrad import Tensor, TinyJit, dtypes
from tinygrad.helpers import ContextVar
from tinygrad.nn.optim import SGD
from tinygrad.nn.state import get_state_dict

from s30.corpus.problem import objective
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays
from s30.errors import S30Error
from s30.evidence.store import Evidence
from s30.layers.executable import Parts, Progress, altered, descend, named
from s30.layers.measure import measure_autodiff


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


@contextlib.contextmanager
def drawing(seed: int) -> Iterator[None]:
    """Tensors drawn inside take their random bits from NumPy's generator: tinygrad's own takes half a second for each
    size to compile. What becomes of the bits stays tinygrad's, and that they are random is what a start is checked for."""
    generator = np.random.default_rng(seed)
    Tensor.random_bits = staticmethod(
        lambda key, counter, count: Tensor(generator.integers(0, 2**32, count, dtype=np.uint32))
    )
    try:
        yield
    finally:
        del Tensor.random_bits  # and so the inherited one is back


class Captured:
    """A function of named tensors whose kernels are captured once and replayed on new values of the same shapes.

    Its inputs keep their memory from call to call: new values are written into it, since scheduling dominates. After a
    call they are read back: `altered` holds the names of those that the function wrote to.
    """

    def __init__(self, function: Callable[..., dict[str, Tensor]], *inputs: Arrays) -> None:
        self._inputs = [_tensors(arrays) for arrays in inputs]
        self.altered: set[str] = set()
        # TinyJit captures its second call and runs the first, where it expects that inputs are realised. Here they are.
        self._jit = TinyJit(function)
        self._jit.cnt = 1

    def __call__(self, *inputs: Arrays) -> dict[str, Array]:
        for tensors, arrays in zip(self._inputs, inputs, strict=True):
            for name, tensor in tensors.items():
                tensor._buffer().copyin(np.ascontiguousarray(arrays[name]).data)
        found = {name: tensor.numpy() for name, tensor in self._jit(*map(dict, self._inputs)).items()}
        for tensors, arrays in zip(self._inputs, inputs, strict=True):
            self.altered |= altered(arrays, _values(tensors))
        return found


class TinygradBackend:
    """A room's `Model` on tinygrad's LLVM backend."""

    def __init__(self, paper: Paper) -> None:
        mend_constants()
        Tensor.manual_seed(0)
        self._model = paper.module("tinygrad/model.py").Model
        self._captured: dict[str, Captured] = {}
        self._models: dict[str, Any] = {}
        self.altered: set[str] = set()

    def _build(self, params: Mapping[str, Tensor], config: Mapping[str, Any]) -> tuple[Any, dict[str, Tensor]]:
        """The model with the problem's parameters in place, and those parameters by name."""
        at = repr(sorted(config.items()))
        with drawing(0):  # what is drawn is replaced below
            model = self._models[at] = self._models.get(at) or self._model(**config)
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

    def _replay(self, purpose: str, config: Mapping[str, Any], make: Any, *inputs: Arrays) -> dict[str, Array]:
        """What `make` computes from tensors, captured once for each purpose, configuration and shapes of the inputs."""
        shapes = [sorted((name, value.shape, value.dtype.str) for name, value in arrays.items()) for arrays in inputs]
        at = repr((purpose, sorted(config.items()), shapes))
        if at not in self._captured:
            self._captured[at] = Captured(lambda *tensors: _realized(make(*tensors)), *inputs)
        found = self._captured[at](*inputs)
        self.altered |= self._captured[at].altered
        return found

    def _call(self, params: dict[str, Tensor], batch: dict[str, Tensor], config: Mapping[str, Any]) -> Any:
        """The parameters by name, and the outputs of the model that holds them."""
        model, state = self._build(params, config)
        given = dict(batch)
        outputs = named(model(batch), Tensor)
        self.altered |= {name for name in given.keys() | batch.keys() if given.get(name) is not batch.get(name)}
        return state, outputs

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        return self._replay("forward", config, lambda p, b: self._call(p, b, config)[1], params, batch)

    def plain(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        return _values(_realized(self._call(_tensors(params), _tensors(batch), config)[1]))

    anew = plain

    def gradient(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        def both(params: dict[str, Tensor], batch: dict[str, Tensor], duals: dict[str, Tensor]) -> dict[str, Tensor]:
            with Tensor.train():
                state, outputs = self._call(params, batch, config)
                found = zip(state, objective(outputs, duals).gradient(*state.values()), strict=True)
            named_so = {f"output/{name}": value for name, value in outputs.items()}
            return named_so | {f"gradient/{name}": value for name, value in found}

        found = self._replay("gradient", config, both, params, batch, duals)
        outputs, grads = (
            {name.removeprefix(kind): value for name, value in found.items() if name.startswith(kind)}
            for kind in ("output/", "gradient/")
        )
        return outputs, grads

    def initial(self, config: Mapping[str, Any], seed: int) -> dict[str, Array]:
        with drawing(seed):
            return _values(_realized(get_state_dict(self._model(**config))))

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        def step(params: dict[str, Tensor], gradients: dict[str, Tensor]) -> dict[str, Tensor]:
            moved = {name: tensor.clone() for name, tensor in params.items()}
            optimizer = SGD(list(moved.values()), lr=learning_rate)
            for name, tensor in moved.items():
                tensor.grad = gradients[name]
            Tensor.realize(*optimizer.schedule_step())
            return moved

        with Tensor.train():
            return descend(
                self, params, batch, config, steps, lambda *at: self._replay(f"step {learning_rate!r}", {}, step, *at)
            )


def _tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Tensors of their own memory, in place before anything is scheduled, in one order: a TinyJit knows them by it."""
    tensors = {name: Tensor(np.ascontiguousarray(value)).reshape(value.shape) for name, value in sorted(arrays.items())}
    if tensors:
        Tensor.realize(*tensors.values())
    return tensors


def _realized(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each in memory of its own, all by one schedule."""
    computed = {name: value.contiguous() for name, value in tensors.items()}
    Tensor.realize(*computed.values())
    return computed


def _values(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    return measure_autodiff(paper, "tinygrad", TinygradBackend(paper), progress, parts)


def prepare(task: str) -> None:
    """Nothing has to be set."""


def state() -> dict[str, Any]:
    """What a paper could leave changed in tinygrad for the next one; its random numbers are seeded for each."""
    return {
        "tinygrad's default float": str(dtypes.default_float),
        "tinygrad's training mode": bool(Tensor.training),
        "tinygrad's context": {name: variable.value for name, variable in ContextVar._cache.items()},
    }
