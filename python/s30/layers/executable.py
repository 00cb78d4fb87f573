"""What every executable layer is asked, written once: outputs, gradients, a trajectory and the invariants.

An adaptor brings a `Backend`; this file decides what is measured and under which name it is stored:

    seedS/output/NAME          outputs of the forward pass, S in SEEDS
    seedS/gradient/PARAM       d(loss + sum <cotangent, output>)/dPARAM
    seedS/loss_gradient/PARAM  d(loss)/dPARAM
    trajectory/loss            losses of STEPS steps of gradient descent and the loss after them, seed 0
    trajectory/param/PARAM     the parameters they end at
    seedS/invariant/NAME/left, /right    S in INVARIANT_SEEDS

The fact `invariants` lists what was asked of each invariant, and which raised: whoever judges needs the evidence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import numpy as np

from s30.corpus import Paper
from s30.errors import S30Error, one_line, place
from s30.evidence import Evidence
from s30.problem import INVARIANT_SEEDS, SEEDS, STEPS, Problem, cotangents
from s30.vocabulary import Array, Arrays

Progress = Callable[[str], None]
Update = Callable[[Arrays, Arrays], dict[str, Array]]  # parameters, gradients -> parameters
Parts = Collection[str]  # of layers.PARTS; outputs are always measured


class Computes(Protocol):
    """One layer's way to compute the outputs. All arrays that cross this border are NumPy's."""

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]: ...


class Backend(Computes, Protocol):
    """One framework's way to compute and to differentiate."""

    def gradient(self, params: Arrays, batch: Arrays, config: Mapping[str, Any], duals: Arrays) -> dict[str, Array]:
        """The gradient of loss + sum <dual, output> by every parameter."""
        ...

    def trajectory(
        self, params: Arrays, batch: Arrays, config: Mapping[str, Any], learning_rate: float, steps: int
    ) -> tuple[Array, dict[str, Array]]:
        """Losses before each step of the framework's own gradient descent and after the last, and the final parameters."""
        ...


def problem_of(paper: Paper, seed: int) -> Problem:
    """The paper's problem for a seed. Raises S30Error when it is no Problem."""
    problem = paper.module("numpy_checks.py").problem(seed)
    if not isinstance(problem, Problem):
        raise S30Error(f"numpy_checks.problem({seed}) must return a Problem, not {type(problem).__name__}")
    return problem


class Outputs(dict[str, Array]):
    """Outputs that name those there are when one is asked for that there is not."""

    def __missing__(self, name: str) -> Array:
        raise S30Error(f"forward returned no output named {name!r} (it returned {', '.join(sorted(self))})")


def named(outputs: Any) -> Mapping[str, Any]:
    """What a framework's forward pass returned, once it is sure that it has names."""
    if not isinstance(outputs, Mapping) or not outputs:
        raise S30Error(f"forward must return a dict of named outputs, not {type(outputs).__name__}")
    return outputs


def descend(
    backend: Backend, params: Arrays, batch: Arrays, config: Mapping[str, Any], steps: int, update: Update
) -> tuple[Array, dict[str, Array]]:
    """A trajectory for frameworks that compile: each step asks the gradient that was compiled already, with cotangents
    of zero, where a program of its own would double the time. `update` is the framework's step of gradient descent."""
    now, losses = dict(params), []
    duals = cotangents(backend.forward(now, batch, config), 0)
    silent = {name: np.zeros_like(dual) for name, dual in duals.items()}
    for _ in range(steps):
        losses.append(backend.forward(now, batch, config)["loss"])
        now = update(now, backend.gradient(now, batch, config, silent))
    return np.array([*losses, backend.forward(now, batch, config)["loss"]]), now


def checked_outputs(outputs: Any) -> Outputs:
    """The outputs as NumPy arrays, once it is sure that they are named and hold a scalar loss."""
    arrays = Outputs({str(name): np.asarray(value) for name, value in named(outputs).items()})
    if arrays["loss"].shape != ():
        raise S30Error(f"the output 'loss' must be a scalar, not of shape {arrays['loss'].shape}")
    return arrays


def measure_outputs(paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress) -> None:
    """Adds the outputs of every seed to `arrays`."""
    for seed in SEEDS:
        progress(f"forward, seed {seed}")
        problem = problem_of(paper, seed)
        outputs = checked_outputs(backend.forward(problem.params, problem.batch, problem.config))
        arrays |= {f"seed{seed}/output/{name}": value for name, value in outputs.items()}


def measure_invariants(paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress) -> dict[str, Any]:
    """Adds both sides of every invariant, for every seed, to `arrays`. Returns the fact `invariants`.

    An invariant of a wrong output may raise instead of failing (an index out of bounds); the outputs still have to be
    compared, since they say what is wrong.
    """
    asked: list[dict[str, Any]] = []
    for invariant in paper.module("numpy_checks.py").invariants():
        progress(f"invariant {invariant.name}")
        if invariant.name in [entry["name"] for entry in asked]:
            raise S30Error(f"two invariants are named {invariant.name!r}")
        own = invariant.tolerance
        tolerance = own and [own.rtol, own.atol, own.reason]
        entry = {name: getattr(invariant, name) for name in ("name", "statement", "source", "relation")}
        asked.append(entry | {"tolerance": tolerance, "raised": ""})
        for seed in INVARIANT_SEEDS:
            problem = problem_of(paper, seed)

            def forward(
                params: Arrays, batch: Arrays, _config: Any = problem.config, **overrides: Any
            ) -> dict[str, Array]:
                return checked_outputs(backend.forward(params, batch, {**_config, **overrides}))

            try:
                left, right = invariant.sides(forward, problem, np.random.default_rng(seed))
            except Exception as error:
                asked[-1]["raised"] = place(error, paper.folder, paper.root) + one_line(error)
                continue
            arrays[f"seed{seed}/invariant/{invariant.name}/left"] = np.asarray(left)
            arrays[f"seed{seed}/invariant/{invariant.name}/right"] = np.asarray(right)
    return {"invariants": asked}


def measure_gradients(paper: Paper, backend: Backend, arrays: dict[str, Array], progress: Progress) -> None:
    """Adds the gradients of every seed and the trajectory to `arrays`; the outputs must be there already."""
    for seed in SEEDS:
        progress(f"gradient, seed {seed}")
        problem = problem_of(paper, seed)
        outputs = {name: arrays[f"seed{seed}/output/{name}"] for name in _names(arrays, f"seed{seed}/output/")}
        duals = cotangents(outputs, seed)
        # With cotangents of zero the same function gives the derivative of the loss alone.
        silent = {name: np.zeros_like(dual) for name, dual in duals.items()}
        for kind, weights in (("gradient", duals), ("loss_gradient", silent)):
            found = backend.gradient(problem.params, problem.batch, problem.config, weights)
            arrays |= {f"seed{seed}/{kind}/{name}": value for name, value in found.items()}
    progress("trajectory")
    problem = problem_of(paper, SEEDS[0])
    losses, params = backend.trajectory(problem.params, problem.batch, problem.config, problem.learning_rate, STEPS)
    arrays["trajectory/loss"] = losses
    arrays |= {f"trajectory/param/{name}": value for name, value in params.items()}


def measure_autodiff(paper: Paper, layer: str, backend: Backend, progress: Progress, parts: Parts) -> Evidence:
    """All that a framework with automatic differentiation is asked, or the named parts of it."""
    arrays: dict[str, Array] = {}
    measure_outputs(paper, backend, arrays, progress)
    if "gradients" in parts:
        measure_gradients(paper, backend, arrays, progress)
    facts = measure_invariants(paper, backend, arrays, progress) if "invariants" in parts else {}
    return Evidence(paper.id, layer, arrays, facts)


def _names(arrays: Arrays, prefix: str) -> list[str]:
    return [name[len(prefix) :] for name in arrays if name.startswith(prefix)]
