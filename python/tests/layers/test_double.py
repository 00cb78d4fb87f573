"""What an experiment is asked in float64 is computed so, and what follows is not."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.torch
def test_pytorch_computes_in_float64_within_double_alone():
    torch = pytest.importorskip("torch")
    from s30.layers.catalogue import EXPERIMENT
    from s30.layers.torch import double, prepare

    before = torch.get_default_dtype()
    try:
        prepare(EXPERIMENT)
        with double(True):
            assert torch.nn.Linear(1, 1).weight.dtype == torch.float64
        with pytest.raises(ZeroDivisionError), double(False):
            raise ZeroDivisionError
        assert torch.zeros(1).dtype == torch.float32
    finally:
        torch.set_default_dtype(before)


@pytest.mark.jax
def test_jax_computes_in_float64_within_double_alone():
    jax = pytest.importorskip("jax")
    from s30.layers.jax import double

    with jax.enable_x64(False):
        one = jax.jit(lambda x: x + 1)
        with double(True):
            assert one(np.ones(1)).dtype == np.float64
        assert one(np.ones(1)).dtype == np.float32
        with pytest.raises(ZeroDivisionError), double(False):
            raise ZeroDivisionError
        assert jax.numpy.zeros(1).dtype == np.float32
