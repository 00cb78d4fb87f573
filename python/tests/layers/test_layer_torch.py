"""PyTorch's adaptor: what an experiment imports, and what it does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from s30.layers.catalogue import ENGINE

pytestmark = pytest.mark.torch

TRAIN = """
import sys, torch
from s30.layers import torch as adaptor
def train():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimiser = torch.optim.Adam([weight], lr=0.1)
    for _ in range(5):
        optimiser.zero_grad()
        (weight**4).sum().backward()
        optimiser.step()
    return weight.tolist()
"""


def answer(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN + script],
        env={"PYTHONPATH": str(ENGINE.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.strip()


def test_an_optimiser_does_the_same_without_the_compiler_that_it_would_import():
    quickly = answer(
        "adaptor.prepare('experiment'); print(train(), len([m for m in sys.modules if m.startswith('torch._dynamo')]))"
    )
    usually = answer("adaptor.prepare('checks'); torch.set_default_dtype(torch.float32); print(train(), 1)")
    assert quickly == usually


def test_whoever_compiles_gets_the_compiler():
    said = answer(
        "adaptor.prepare('experiment'); train(); "
        "compiled = torch.compile(lambda x: x + 1, backend='eager'); "
        "print(compiled(torch.ones(1)).item(), type(sys.modules['torch._dynamo']).__name__, torch._dynamo is sys.modules['torch._dynamo'])"
    )
    assert said == "2.0 module True"
