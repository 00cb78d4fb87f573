"""The JAX layer: a pure function of a dict of parameters, differentiated by `jax.grad` and compiled whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from s30.corpus.problem import objective
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays
from s30.evidence.store import Evidence
from s30.layers.executable import Parts, Progress, descend, named
from s30.layers.measure import measure_autodiff


class JaxBackend:
    """A room's `forward`, compiled once per purpose and configuration."""

    def __init__(self, paper: Paper) -> None:
        self._function = paper.module("jax/model.py").forward
        self._compiled: dict[tuple[str, str], Any] = {}
        self.altered: set[str] = set()

    def _call(
        self, params: Mapping[str, Any], batch: Mapping[str, Any], config: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The room's function. Its arrays cannot be altered, but the dicts that hold them can."""
        given = {**params, **batch}
        outputs = named(self._function(params, batch, **config), jax.Array)
        left = {**params, **batch}
        self.altered |= {name for name in given.keys() | left.keys() if given.get(name) is not left.get(name)}
        return outputs

    def _jit(self, purpose: str, config: Mapping[str, Any], make: Any) -> Any:
        """One compiled function per purpose and configuration: the configuration is static, the arrays are traced."""
        at = (purpose, repr(sorted(config.items())))
        if at not in self._compiled:
            self._compiled[at] = jax.jit(make(lambda params, batch: self._call(params, batch, config)))
        return self._compiled[at]

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        return _arrays(self._jit("forward", config, lambda f: f)(_device(params), _device(batch)))

    def plain(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        return _arrays(self._call(_device(params), _device(batch), config))

    def anew(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        self._compiled.pop(("forward", repr(sorted(config.items()))), None)
        return self.forward(params, batch, config)

    def gradient(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        def make(function: Any) -> Any:
            def both(params: Any, batch: Any, duals: Any) -> Any:
                def total(params: Any) -> Any:
                    outputs = function(params, batch)
                    return objective(outputs, duals), outputs

                return jax.grad(total, has_aux=True)(params)

            return both

        found, outputs = self._jit("gradient", config, make)(_device(params), _device(batch), _device(duals))
        return _arrays(outputs), _arrays(found)

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        step = jax.jit(lambda params, grads: jax.tree.map(lambda p, g: p - learning_rate * g, params, grads))

        return descend(self, params, batch, config, steps, lambda *at: _arrays(step(*map(_device, at))))


def _device(arrays: Arrays) -> dict[str, Any]:
    return {name: jnp.asarray(value) for name, value in arrays.items()}


def _arrays(tree: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.asarray(value) for name, value in tree.items()}


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """The layer's evidence for one paper."""
    backend = JaxBackend(paper)
    return measure_autodiff(paper, "jax", backend, progress, parts)


def prepare(task: str) -> None:
    """Nothing: the process's flags choose the precision and one thread."""


def state() -> dict[str, Any]:
    """What a paper could leave changed in JAX for the next one."""
    return {"JAX's configuration": {name: repr(value) for name, value in jax.config.values.items()}}


@contextmanager
def double(once: bool) -> Iterator[None]:
    """Within an experiment, what is to be compared entry by entry: arrays are float64. Programs that run `once` are not
    optimised: that they compile fast counts for more than that they run fast."""
    jax.config.update("jax_disable_most_optimizations", once)
    try:
        with jax.enable_x64(True):
            yield
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
