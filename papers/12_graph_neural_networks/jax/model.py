r"""The message passing network as a pure function, paper 12 (Gilmer et al., 2017).

Everything is written for ONE graph; `scan` runs the rounds and the steps of set2set, `vmap` adds the batch.

    (1)    m_v = [sum over edges w -> v of A_in(e) h_w ; sum over edges v -> w of A_out(e) h_w],  A(e) the edge network
    (2)    h_v = GRU(h_v, m_v), the same weights in all rounds
    5.3    n_v = P (h_v^T, x_v);  q_t = LSTM(q*_{t-1}),  a_t = softmax_v(n_v . q_t),  q*_t = [q_t; sum_v a_tv n_v]
    (3)    y = W_2 relu(W_1 q*_M + b_1) + b_2
    (4)    with readout "gated":  y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T);    with "sum":  q* is sum_v n_v

    symbol    name here                     symbol      name here
    A_in      edge_in.hidden, .matrix       P, n_v      project, memories
    A_out     edge_out                      LSTM        set2set.gates, rows i, f, g, o
    W, U      gru.message, gru.state        W_1, W_2    output.hidden, output.prediction
    i, j      gate, value                   q*_M        embedding

Masks are boolean, true = is there; a graph without a vertex is an error, or NaN where its mask is traced.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax

Params = dict[str, Array]
Graph = dict[str, Array]


def forward(
    params: Params, batch: Graph, *, hidden: int, rounds: int, steps: int, readout: str, **_sizes: int
) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names. Raises ValueError where a graph has no vertex, once it can be seen."""
    real = batch["vertex_mask"].any(-1)
    if not isinstance(real, jax.core.Tracer) and not real.all():
        raise ValueError("readout: a graph has no vertex: its mask row is false throughout")
    graphs = {name: value for name, value in batch.items() if name != "target"}
    found = jax.vmap(partial(read, params, hidden=hidden, rounds=rounds, steps=steps, readout=readout))(graphs)
    # loss = mean (y - target)^2
    return {**found, "loss": jnp.mean((found["prediction"] - batch["target"]) ** 2)}


def read(params: Params, graph: Graph, *, hidden: int, rounds: int, steps: int, readout: str) -> dict[str, Array]:
    """One graph: atoms (vertex, feature), edges (edge,)."""
    atoms, mask = graph["atoms"], graph["vertex_mask"]
    there = mask[:, None]
    # h_v^0 = [x_v; 0]
    h = jnp.pad(atoms, ((0, 0), (0, hidden - atoms.shape[1]))) * there  # (vertex, hidden)
    found: dict[str, Array] = {}
    if rounds:
        A_in, A_out = (edge_network(params, name, graph["bonds"]) for name in ("edge_in", "edge_out"))

        def one(h: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
            incoming = along(A_in, h, graph["source"], graph["target_vertex"], graph["edge_mask"])
            outgoing = along(A_out, h, graph["target_vertex"], graph["source"], graph["edge_mask"])
            m = jnp.concatenate([incoming, outgoing], -1)
            h = gru(params, m, h) * there
            return h, (m, h)

        h, (found["messages"], found["states"]) = lax.scan(one, h, None, rounds)
    both = jnp.concatenate([h, atoms], -1)  # (h_v^T, x_v)
    if readout == "gated":
        # y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T)
        each = jax.nn.sigmoid(affine(params, "gate", both)) * affine(params, "value", h)
        return {**found, "prediction": jnp.sum(each, 0, where=there)}
    found["memories"] = affine(params, "project", both) * there  # (vertex, memory)
    if readout == "set2set":
        found["embedding"], found["attention"] = set2set(params, found["memories"], mask, steps)
    else:
        found["embedding"] = found["memories"].sum(0)
    # y = W_2 relu(W_1 q*_M + b_1) + b_2
    rectified = jax.nn.relu(affine(params, "output.hidden", found["embedding"]))
    return {**found, "prediction": affine(params, "output.prediction", rectified)}


def edge_network(params: Params, name: str, bonds: Array) -> Array:
    """A(e), (edge, hidden, hidden)."""
    flat = affine(params, f"{name}.matrix", jax.nn.relu(affine(params, f"{name}.hidden", bonds)))
    side = params["gru.state.weight"].shape[1]
    return flat.reshape(-1, side, side)


def along(A: Array, h: Array, begin: Array, end: Array, there: Array) -> Array:
    """The sum at each vertex of A(e) h_w over the edges that end there, (vertex, hidden)."""
    # A(e) h_w
    sent = jax.vmap(jnp.matmul)(A, h[begin])  # (edge, hidden)
    # m_v = sum over the edges at v
    return jax.ops.segment_sum(sent * there[:, None], end, len(h))


def gru(params: Params, m: Array, h: Array) -> Array:
    z_given, r_given, new_given = jnp.split(affine(params, "gru.message", m), 3, -1)
    U_z, U_r, U = jnp.split(params["gru.state.weight"], 3)
    # z = sigma(W_z m + U_z h),  r = sigma(W_r m + U_r h)
    z, r = jax.nn.sigmoid(z_given + h @ U_z.T), jax.nn.sigmoid(r_given + h @ U_r.T)
    # h~ = tanh(W m + U [r h]);  z h + (1 - z) h~
    return z * h + (1 - z) * jnp.tanh(new_given + (r * h) @ U.T)


def set2set(params: Params, memories: Array, mask: Array, steps: int) -> tuple[Array, Array]:
    """q*_M (2 memory,) and a (step, vertex)."""

    def one(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Array]:
        star, cell = carry
        # q_t = LSTM(q*_{t-1})
        i, f, g, o = jnp.split(affine(params, "set2set.gates", star), 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        q = jax.nn.sigmoid(o) * jnp.tanh(cell)
        # a_t = softmax_v(n_v . q_t)
        weights = jax.nn.softmax(jnp.where(mask, memories @ q, -jnp.inf))  # (vertex,)
        # q*_t = [q_t; sum_v a_tv n_v]
        return (jnp.concatenate([q, weights @ memories]), cell), weights

    zero = jnp.zeros(memories.shape[1], memories.dtype)
    (star, _), found = lax.scan(one, (jnp.concatenate([zero, zero]), zero), None, steps)
    return star, found


def affine(params: Params, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]
