"""The beginning of somebody's own file for `s30 try`: a layer's contract for one room, with names, shapes and equations, unsolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s30.corpus.problem import Arrays, Problem
from s30.corpus.registry import Paper
from s30.layers.catalogue import Layer

HEADS = {
    "torch": "import torch\nfrom torch import Tensor, nn\n\n\nclass Model(nn.Module):",
    "tinygrad": "from tinygrad import Tensor\n\n\nclass Model:",
    "jax": "import jax\nimport jax.numpy as jnp\n\n\n",
    "numpy": "import numpy as np\n\n\n",
}
MODEL = """
    def __init__(self, {config}):
{super}        # the keys of its state are the parameters above
        raise NotImplementedError

    def {call}(self, batch):
        # returns a dict of the outputs above
        raise NotImplementedError
"""
FUNCTION = """def forward(params, batch, *, {config}):
    # returns a dict of the outputs above; params and batch are dicts of the arrays above
    raise NotImplementedError
"""


def skeleton(paper: Paper, layer: Layer, problem: Problem, outputs: Arrays) -> str:
    """Python text: what problem(0) gives and what is to be computed from it, in the order of computation."""
    config = ", ".join(f"{name}: {type(value).__name__}" for name, value in problem.config.items())
    lines = [f'r"""{paper.authors}, «{paper.title}» ({paper.year}), by my own hand, in {layer.title}.', "", "Equations"]
    lines += [f"    {e['formula']}    ({e['source']})" for e in paper.card["equations"]]
    lines += [
        "",
        "Configuration of the first problem",
        *(f"    {name} = {value!r}" for name, value in problem.config.items()),
    ]
    parts = {"Parameters": problem.params, "Batch": problem.batch, "Outputs, in the order of computation": outputs}
    for title, arrays in parts.items():
        lines += ["", title, *_listed(arrays)]
    lines += [
        "",
        f"Shapes are those of the first problem; others have others. `s30 show {paper.id}` says more.",
        '"""',
        "",
    ]
    if layer.name in ("jax", "numpy"):
        return "\n".join(lines) + "\n" + HEADS[layer.name] + FUNCTION.format(config=config)
    torch = layer.name == "torch"
    body = MODEL.format(
        config=config, super="        super().__init__()\n" * torch, call="forward" if torch else "__call__"
    )
    return "\n".join(lines) + "\n" + HEADS[layer.name] + body


def _listed(arrays: Mapping[str, Any]) -> list[str]:
    width = max(map(len, arrays))
    return [f"    {name:<{width}}  {value.dtype} {tuple(value.shape)}" for name, value in arrays.items()]
