"""What the heads emit, set by hand: parameters in which a part of it no longer depends on the controller (paper 20)."""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem


def heads(config: dict[str, Any]) -> int:
    return config["write_heads"] + config["read_heads"]


def parts(config: dict[str, Any]) -> dict[str, tuple[str, int, slice]]:
    """Of each part the map that emits it, how many heads that map has, and the part's rows within one head."""
    size, turns = config["size"], 2 * config["reach"] + 1
    ends = np.cumsum([0, size, 1, 1, turns, 1])
    names = ("key", "strength", "gate", "shift", "sharpening")
    found = {name: ("address", heads(config), slice(a, b)) for name, a, b in zip(names, ends[:-1], ends[1:])}
    written = {"erase": slice(0, size), "add": slice(size, 2 * size)}
    return found | {name: ("write", config["write_heads"], rows) for name, rows in written.items()}


def fixed(problem: Problem, **values: Any) -> dict[str, Array]:
    """The parameters with these parts constant: each value, in front of its sigmoid, softmax or softplus, is (head, entry) or less."""
    params = dict(problem.params)
    for name, value in values.items():
        of, count, rows = parts(problem.config)[name]
        for kind, entry in (("weight", 0.0), ("bias", value)):
            whole = params[f"{of}.{kind}"].copy()
            split = whole.reshape(count, -1, *whole.shape[1:])  # a view
            split[:, rows] = entry
            params[f"{of}.{kind}"] = whole
    return params


def times(problem: Problem, name: str, factor: float) -> dict[str, Array]:
    """The parameters with one part multiplied."""
    params = dict(problem.params)
    of, count, rows = parts(problem.config)[name]
    for kind in ("weight", "bias"):
        whole = params[f"{of}.{kind}"].copy()
        whole.reshape(count, -1, *whole.shape[1:])[:, rows] *= factor
        params[f"{of}.{kind}"] = whole
    return params
