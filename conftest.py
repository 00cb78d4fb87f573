"""What all tests share: the flags of every layer's process, set before a framework is imported, and a paper's room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from s30.corpus.registry import Paper, load_corpus
from s30.layers import catalogue

ROOT = Path(__file__).resolve().parent
# The tests of a draft are run when they are named.
collect_ignore = [str(paper.folder) for paper in load_corpus(ROOT).papers if paper.draft]

for _layer in catalogue.LAYERS.values():
    for _name, _value in catalogue.process_flags(_layer, catalogue.CHECKS).items():
        os.environ.setdefault(_name, _value)


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="module")
def room(request: pytest.FixtureRequest) -> Paper:
    """The paper in whose room the test stands."""
    folder = next(parent for parent in request.path.parents if parent.parent.name == "papers")
    return load_corpus(ROOT).paper(folder.name)


@pytest.fixture(autouse=True)
def _double_precision(request: pytest.FixtureRequest) -> None:
    """PyTorch computes in float64 on one thread, as in the engine's own process."""
    if request.node.get_closest_marker("torch"):
        import torch

        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
