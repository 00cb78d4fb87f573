"""The numerical object of a paper: named float64 arrays, and the random directions in which the engine probes it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s30.errors import S30Error

Array = NDArray[Any]
Arrays = Mapping[str, Array]

SEEDS = (0, 1, 2)  # forward, gradient and bridge checks
INVARIANT_SEEDS = (0, 1, 2, 3, 4)
JOINT_DIRECTIONS = 8  # finite differences along all parameters at once, besides one per tensor
TRAJECTORY_SEEDS = (0, 1)
STEPS = 5  # of gradient descent in the trajectory check


@dataclass(frozen=True)
class Problem:
    """A small, non-degenerate instance of a paper's object.

    params         the trainable arrays, float64; their names are those of the PyTorch state_dict
    batch          the data, of any dtype
    config         keyword arguments of `forward` and of each `Model`: sizes, masks' switches, constants
    learning_rate  step of the five-step trajectory check
    """

    config: Mapping[str, Any]
    params: Mapping[str, Array]
    batch: Mapping[str, Array]
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not self.params:
            raise S30Error("a Problem needs at least one parameter")
        for name, value in self.params.items():
            if not isinstance(value, np.ndarray) or value.dtype != np.float64:
                raise S30Error(f"parameter {name!r} must be a float64 array, not {_describe(value)}")
            if not value.size:
                raise S30Error(f"parameter {name!r} is empty")
            if not np.isfinite(value).all():
                raise S30Error(f"parameter {name!r} holds a NaN or an infinity")
        for name, value in self.batch.items():
            if not isinstance(value, np.ndarray):
                raise S30Error(f"batch entry {name!r} must be a NumPy array, not {_describe(value)}")
            if value.dtype.kind == "f" and value.dtype != np.float64:
                raise S30Error(f"batch entry {name!r} must be float64, not {value.dtype}")
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise S30Error(f"batch entry {name!r} holds a NaN or an infinity")
        if both := sorted(self.params.keys() & self.batch.keys()):
            raise S30Error(f"{both[0]!r} is the name of a parameter and of a batch entry")
        if not self.learning_rate > 0:
            raise S30Error(f"learning_rate must be positive, not {self.learning_rate}")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter."""
        return {name: value.shape for name, value in self.params.items()}


def cotangents(outputs: Arrays, seed: int) -> dict[str, Array]:
    """A fixed random cotangent for every floating-point output but the loss, of norm about one.

    They depend on the output's name and shape and on the seed alone, so that processes which never meet agree on them.
    """
    return {
        name: _normal("cotangent", name, seed, value.shape) / max(1.0, np.sqrt(value.size))
        for name, value in sorted(outputs.items())
        if name != "loss" and value.dtype.kind == "f"
    }


def objective(outputs: Mapping[str, Any], duals: Arrays) -> Any:
    """loss + sum over outputs of <cotangent, output>, in whatever framework the outputs live."""
    total = outputs["loss"]
    for name, dual in duals.items():
        total = total + (outputs[name] * dual).sum()
    return total


def directions(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, dict[str, Array]]:
    """Directions of the finite differences in the space of parameters of these shapes: one unit direction per tensor,
    then joint ones over all tensors."""
    single = {name: {name: _unit(_normal("direction", name, seed, shapes[name]))} for name in sorted(shapes)}
    size = sum(math.prod(shape) for shape in shapes.values())
    joint = {
        f"joint {k}": {name: _normal(f"joint {k}", name, seed, shapes[name]) / np.sqrt(size) for name in sorted(shapes)}
        for k in range(JOINT_DIRECTIONS)
    }
    return single | joint


def _normal(purpose: str, name: str, seed: int, shape: tuple[int, ...]) -> Array:
    digest = hashlib.sha256(f"{purpose}|{name}|{seed}|{shape}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little")).standard_normal(shape)


def _unit(direction: Array) -> Array:
    unit: Array = direction / np.linalg.norm(direction)
    return unit


def _describe(value: Any) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
