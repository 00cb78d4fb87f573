"""The border between the engine and an executable layer: what an adaptor brings, and what may cross it.

`measure.py` decides what is asked over this border, and under which names the answers are stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import numpy as np

from s30.corpus.problem import Problem, cotangents
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays, Forward, Oracle, Variant
from s30.errors import S30Error

Progress = Callable[[str], None]
Update = Callable[[Arrays, Arrays], dict[str, Array]]  # parameters, gradients -> parameters
Parts = Collection[str]  # of layers.PARTS; outputs are always measured

KINDS = ("shape", "extreme", "tie")  # of variants


class Computes(Protocol):
    """One layer's way to compute the outputs. All arrays that cross this border are NumPy's.

    `altered` collects the inputs that a call of the room's code did not leave as they were, by name.
    """

    altered: set[str]

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]: ...

    def plain(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        """The same by the room's code as it stands, on plain arrays, so that it can look at their values and refuse them."""
        ...

    def anew(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        """The same by the room's code run once more, where `forward` may replay what an earlier run compiled."""
        ...


class Backend(Computes, Protocol):
    """One framework's way to compute and to differentiate."""

    def gradient(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The outputs while derivatives are recorded, and the gradient of loss + sum <dual, output> by every parameter."""
        ...

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        """Losses before each step of the framework's own gradient descent and after the last, and the final parameters."""
        ...


class Initialises(Backend, Protocol):
    """A backend whose models draw their own parameters."""

    def initial(self, config: Mapping[str, Any], seed: int) -> dict[str, Array]:
        """The parameters of a model that was built with the framework's generator at `seed`."""
        ...


def problem_of(paper: Paper, seed: int) -> Problem:
    """The paper's problem for a seed. Raises S30Error when it is no Problem."""
    problem = paper.module("numpy_checks.py").problem(seed)
    if not isinstance(problem, Problem):
        raise S30Error(f"numpy_checks.problem({seed}) must return a Problem, not {type(problem).__name__}")
    return problem


def variants_of(paper: Paper) -> list[Variant]:
    """The paper's further problems; none without `variants.py`. Raises S30Error, naming it, when one is malformed."""
    if not (paper.folder / "variants.py").is_file():
        return []
    found: list[Variant] = paper.module("variants.py").variants()
    _refuse_names("variant", found, Variant)
    for variant in found:
        what = f"variant {variant.name!r}"
        if not isinstance(variant.problem, Problem):
            raise S30Error(f"{what}: its problem must be a Problem, not {type(variant.problem).__name__}")
        if variant.kind not in KINDS:
            raise S30Error(f"{what}: unknown kind {variant.kind!r}; the kinds are {', '.join(KINDS)}")
        if (variant.kind == "tie") != bool(variant.convention):
            raise S30Error(f"{what}: a tie, and no other variant, states its convention")
        if variant.gradient and variant.kind != "tie":
            raise S30Error(f"{what}: a gradient by hand belongs to a tie")
        for name, value in variant.gradient.items():
            if name not in variant.problem.params:
                raise S30Error(f"{what}: it has no parameter {name!r} to be differentiated by")
            if np.shape(value) != variant.problem.params[name].shape:
                raise S30Error(f"{what}: the gradient by {name!r} has shape {np.shape(value)}")
    return found


def oracles_of(paper: Paper, layer: str) -> list[Oracle]:
    """The layer's oracles, in NumPy's case those of the room itself. Raises S30Error, naming it, when one is malformed."""
    file = "oracles.py" if layer == "numpy" else f"{layer}/oracles.py"
    if not (paper.folder / file).is_file():
        return []
    found: list[Oracle] = paper.module(file).oracles()
    _refuse_names("oracle", found, Oracle)
    known = {variant.name for variant in variants_of(paper)}
    for oracle in found:
        if unknown := [name for name in oracle.variants if name not in known]:
            raise S30Error(f"oracle {oracle.name!r}: no variant is named {unknown[0]!r}")
    return found


def _refuse_names(what: str, found: Any, kind: type) -> None:
    """Raises S30Error unless these are named things of that kind whose names differ and can stand in a check's id."""
    if not isinstance(found, list) or not all(isinstance(item, kind) for item in found):
        raise S30Error(f"{what}s() must return a list of {kind.__name__}s")
    names = [item.name for item in found]
    for name in names:
        if not re.fullmatch(r"\w[\w .+-]*", name):
            raise S30Error(f"{what} {name!r}: a name is made of letters, digits, spaces, dots, «+», «-» and «_»")
        if names.count(name) > 1:
            raise S30Error(f"two {what}s are named {name!r}")


class Outputs(dict[str, Array]):
    """Outputs that name those there are when one is asked for that there is not."""

    def __missing__(self, name: str) -> Array:
        raise S30Error(f"forward returned no output named {name!r} (it returned {', '.join(sorted(self))})")


def named(outputs: Any, kind: type | tuple[type, ...]) -> Mapping[str, Any]:
    """What a room's forward pass returned, once it is sure that it has names and is made of the framework's own arrays."""
    if not isinstance(outputs, Mapping) or not outputs:
        raise S30Error(f"forward must return a dict of named outputs, not {type(outputs).__name__}")
    for name, value in outputs.items():
        if not isinstance(value, kind):
            own = (kind[0] if isinstance(kind, tuple) else kind).__name__.rpartition(".")[2]
            raise S30Error(
                f"the output {name!r} must be of the framework's own kind, {own}, not {type(value).__name__}"
            )
    return outputs


def checked_outputs(outputs: Mapping[str, Any]) -> Outputs:
    """The outputs as NumPy arrays, once it is sure that they hold a scalar loss."""
    arrays = Outputs({str(name): np.asarray(value) for name, value in outputs.items()})
    if arrays["loss"].shape != ():
        raise S30Error(f"the output 'loss' must be a scalar, not of shape {arrays['loss'].shape}")
    return arrays


def altered(before: Arrays, after: Mapping[str, Any]) -> set[str]:
    """The names of the inputs that are not, to the byte, what they were."""
    kept = {name for name in before.keys() & after.keys() if _same(before[name], np.asarray(after[name]))}
    return (before.keys() | after.keys()) - kept


def _same(one: Array, other: Array) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def asking(forward: Callable[..., Any], config: Mapping[str, Any]) -> Forward:
    """A layer's forward pass as invariants and oracles call it: on this configuration, but for what they override."""

    def asked(params: Arrays, batch: Arrays, **overrides: Any) -> dict[str, Array]:
        return checked_outputs(forward(params, batch, {**config, **overrides}))

    return asked


def silenced(duals: Arrays) -> dict[str, Array]:
    """Cotangents of zero, with which the same function gives the derivative of the loss alone."""
    return {name: np.zeros_like(dual) for name, dual in duals.items()}


def descend(
    backend: Backend, params: Arrays, batch: Arrays, config: Mapping[str, Any], steps: int, update: Update
) -> tuple[Array, dict[str, Array]]:
    """A trajectory for frameworks that compile: each step asks the gradient that was compiled already, with cotangents
    of zero, where a program of its own would double the time. `update` is the framework's step of gradient descent."""
    now, losses = dict(params), []
    silent = silenced(cotangents(backend.forward(now, batch, config), 0))
    for _ in range(steps):
        outputs, gradient = backend.gradient(now, batch, config, silent)
        losses.append(outputs["loss"])
        now = update(now, gradient)
    return np.array([*losses, backend.forward(now, batch, config)["loss"]]), now
