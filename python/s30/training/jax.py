r"""Gradient descent on pytrees, written out so that no optimiser library has to keep step with JAX's releases."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Tree = Any


class AdamState(NamedTuple):
    """What Adam remembers between steps."""

    step: jax.Array
    mean: Tree  # running mean of the gradient
    square: Tree  # running mean of its square


def adam_init(params: Tree) -> AdamState:
    """The state before the first step."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    return AdamState(jnp.zeros((), jnp.int32), zeros, zeros)


def adam(
    params: Tree,
    grads: Tree,
    state: AdamState,
    learning_rate: Any,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Tree, AdamState]:
    """One step of Adam with bias correction (Kingma and Ba, algorithm 1), pure and jit-able."""
    step = state.step + 1
    # m <- b1 m + (1 - b1) g
    mean = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, grads)
    # v <- b2 v + (1 - b2) g^2
    square = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.square, grads)
    # theta <- theta - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
    scale1, scale2 = 1 / (1 - b1**step), 1 / (1 - b2**step)
    params = jax.tree.map(
        lambda p, m, v: p - learning_rate * (m * scale1) / (jnp.sqrt(v * scale2) + eps), params, mean, square
    )
    return params, AdamState(step, mean, square)


def sgd(params: Tree, grads: Tree, learning_rate: Any) -> Tree:
    """theta <- theta - lr * g."""
    return jax.tree.map(lambda p, g: p - learning_rate * g, params, grads)


def clip_by_global_norm(grads: Tree, limit: Any) -> Tree:
    """Scales the whole gradient so that its Euclidean norm is at most `limit`, as `torch.nn.utils.clip_grad_norm_` does."""
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
    return jax.tree.map(lambda g: g * jnp.minimum(1.0, limit / (norm + 1e-6)), grads)
