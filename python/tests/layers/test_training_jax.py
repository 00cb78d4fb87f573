"""The optimisers written out for JAX follow their papers, step by step, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.jax

PARAMS = {"w": np.array([[1.0, -2.0, 0.5], [0.1, 3.0, -0.7]]), "b": {"inner": np.array([0.3, 0.0])}}


def numpy_adam(value, gradients, rate, b1=0.9, b2=0.999, eps=1e-8):
    """Kingma and Ba, algorithm 1, literally."""
    m, v = np.zeros_like(value), np.zeros_like(value)
    for t, g in enumerate(gradients, 1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        value = value - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return value


@pytest.fixture(scope="module")
def jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def gradients(steps):
    rng = np.random.default_rng(0)
    return [{"w": rng.standard_normal((2, 3)), "b": {"inner": rng.standard_normal(2) * 1e-3}} for _ in range(steps)]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("options", [{}, {"b1": 0.5, "b2": 0.9, "eps": 1e-2}])
def test_adam_is_algorithm_1(jax, compiled, options):
    from s30.training.jax import adam, adam_init

    def step(params, grads, state):
        return adam(params, grads, state, 0.05, **options)

    step = jax.jit(step) if compiled else step
    params, state = jax.tree.map(jax.numpy.asarray, PARAMS), adam_init(PARAMS)
    for grads in gradients(7):
        params, state = step(params, grads, state)
    assert int(state.step) == 7
    for found, start, which in (
        (params["w"], PARAMS["w"], lambda g: g["w"]),
        (params["b"]["inner"], PARAMS["b"]["inner"], lambda g: g["b"]["inner"]),
    ):
        np.testing.assert_allclose(
            found, numpy_adam(start, [which(g) for g in gradients(7)], 0.05, **options), rtol=1e-12, atol=1e-15
        )


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate(jax):
    from s30.training.jax import adam, adam_init

    (grads,) = gradients(1)
    params, _ = adam(PARAMS, grads, adam_init(PARAMS), 0.05)
    np.testing.assert_allclose(np.abs(params["w"] - PARAMS["w"]), 0.05, rtol=1e-6)


def test_sgd_goes_against_the_gradient(jax):
    from s30.training.jax import sgd

    (grads,) = gradients(1)
    np.testing.assert_allclose(sgd(PARAMS, grads, 0.1)["w"], PARAMS["w"] - 0.1 * grads["w"], rtol=1e-15)


def test_clipping_scales_the_whole_gradient_down_and_never_up(jax):
    from s30.training.jax import clip_by_global_norm

    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}  # norm 5
    clipped = clip_by_global_norm(grads, 1.0)
    np.testing.assert_allclose(clipped["a"], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped["b"], [[0.8]], rtol=1e-6)
    np.testing.assert_allclose(clip_by_global_norm(grads, 7.0)["a"], [3.0, 0.0], rtol=1e-12)
    np.testing.assert_array_equal(clip_by_global_norm({"a": np.zeros(2)}, 1.0)["a"], [0.0, 0.0])
