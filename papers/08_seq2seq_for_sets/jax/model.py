r"""Read, process and write as pure functions of one example in JAX, paper 08 (Vinyals, Bengio, Kudlur, 2015).

    4.3    m_i = a small network of x_i                                                     read
    (3)    q_t = LSTM(q*_{t-1}), which takes no inputs; q*_0 = 0                            process
    (4-7)  e_i = m_i . q_t,  a = softmax(e),  r_t = sum_i a_i m_i,  q*_t = [q_t r_t]
    4.3    d_j = LSTM(m_{C_{j-1}}, d_{j-1}),  d_0 = W_0 q*_P,  g_j read as r_t is, with d_j  write
           u_ij = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j),  p(C_j | ...) = softmax(u_j)

    paper     name here                     paper       name here
    m, q*_P   memory, context               W_0, v      context.weight, score.weight
    a         attention                     W_1..W_3    key.weight, query.weight, glimpse.weight

`vmap` carries a function of one set over a batch, `scan` the LSTMs over steps. Sets as outputs stand in `orders.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import sigmoid

from s30.room import sibling

orders = sibling(__file__, "orders.py")

Params = dict[str, Array]
State = tuple[Array, Array]  # hidden and cell, each (hidden,)


def forward(
    params: Params, batch: dict[str, Array], *, variables: int, symbols: int, told: Any = False, **config: Any
) -> dict[str, Array]:
    """The outputs that `numpy_checks.forward` names. Raises ValueError as that does, once values can be seen."""
    written = pointing(params, batch, **config)
    joint = orders.joint(params, batch["values"], batch["order"], variables=variables, symbols=symbols, told=told)
    return {**written, **joint, "loss": written["loss"] + joint["loss"]}


def pointing(params: Params, batch: dict[str, Array], *, steps: Any = 0, glimpse: Any = False, ordered: bool = False, reuse: Any = False,
             most: int | None = None, **_: Any) -> dict[str, Array]:  # fmt: skip
    """`steps`, `glimpse` and `reuse` may be traced, if `most` bounds the steps: then one program serves all columns of table 1."""
    if not isinstance(batch["point_mask"], jax.core.Tracer) and not batch["point_mask"].any(1).all():
        raise ValueError("an empty set: there is nothing to attend to")
    one = partial(
        example,
        params,
        steps=steps,
        glimpse=glimpse,
        ordered=ordered,
        reuse=reuse,
        most=steps if most is None else most,
    )
    outputs = jax.vmap(one)(*(batch[name] for name in ("points", "point_mask", "target", "target_mask")))
    # log p(C_j | C_1, ..., C_{j-1}, X)
    said = jnp.take_along_axis(outputs.pop("log_p"), batch["target"][..., None], -1)[..., 0]
    said = jnp.where(batch["target_mask"], said, 0)  # (batch, output)
    if not isinstance(said, jax.core.Tracer) and jnp.isneginf(said).any():
        raise ValueError("a target is no choice: it points at padding, or at an element that was used")
    # -mean over examples of sum_j log p(C_j | ...)
    return {**outputs, "loss": -said.sum(1).mean()}


def example(params: Params, points: Array, mask: Array, target: Array, real: Array, *, steps: Any, glimpse: Any, ordered: bool,
            reuse: Any, most: int) -> dict[str, Array]:  # fmt: skip
    """points (input, feature), target (output,) -> the outputs of one example, and the logarithms of its probabilities."""
    memory, context, state, attention = encode(params, points, mask, steps, ordered, most)
    # m_{C_{j-1}}, and `start` at the first step
    given = jnp.concatenate([params["start"][None], memory[target[:-1]]])
    _, decoded = lax.scan(partial(step, params, "write"), state, given)  # (output, hidden)
    scores = jax.vmap(lambda query: pointers(params, memory, query, mask, glimpse))(decoded)  # (output, input)
    chosen = jax.nn.one_hot(target, len(mask), dtype=int)
    unused = jnp.cumsum(chosen, 0) == chosen  # before step j
    may = mask & (unused | reuse | ~real[:, None])
    log_p = jax.nn.log_softmax(jnp.where(may, scores, -jnp.inf))
    outputs = {"memory": memory, **attention, "context": context, "decoded": decoded, "scores": scores}
    return {**outputs, "probability": jnp.exp(log_p), "log_p": log_p}


def encode(
    params: Params, points: Array, mask: Array, steps: Any, ordered: bool, most: int
) -> tuple[Array, Array, State, dict[str, Array]]:
    """The memory (input, hidden), the context (2 hidden,), the state from which is written, and the attention of every step."""
    inner = jnp.tanh(points @ params["read.0.weight"].T + params["read.0.bias"])
    memory = inner @ params["read.2.weight"].T + params["read.2.bias"]  # (input, hidden)
    return in_order(params, memory, mask) if ordered else as_set(params, memory, mask, steps, most)


def in_order(params: Params, memory: Array, mask: Array) -> tuple[Array, Array, State, dict[str, Array]]:
    """The rival's encoder: what it makes of each element, and its last real state."""
    zero = jnp.zeros_like(params["start"])
    state, memory = lax.scan(partial(past_padding, params), (zero, zero), (memory, mask))
    return memory, jnp.concatenate(state), state, {}


def as_set(
    params: Params, memory: Array, mask: Array, steps: Any, most: int
) -> tuple[Array, Array, State, dict[str, Array]]:
    zero = jnp.zeros_like(params["start"])
    memory = jnp.where(mask[:, None], memory, 0)

    def process(carry: tuple[Array, Array], t: Array) -> tuple[tuple[Array, Array], Array]:
        read, cell = carry
        # q_t = LSTM(q*_{t-1})
        query, new = gated(params["process.weight"] @ read + params["process.bias"], cell)
        weights, glimpsed = attend(memory, query, mask)
        # q*_t = [q_t r_t]
        after = jnp.concatenate([query, glimpsed]), new
        return jax.tree.map(lambda late, early: jnp.where(t < steps, late, early), after, carry), weights

    (read, _), weights = lax.scan(process, (jnp.concatenate([zero, zero]), zero), jnp.arange(most))
    # d_0 = W_0 q*_P
    return memory, read, (params["context.weight"] @ read, zero), {"attention": weights} if most else {}


def attend(memory: Array, query: Array, mask: Array) -> tuple[Array, Array]:
    """Equations (4) to (6) for one query: the weights (input,), and what is read (hidden,)."""
    # e_i = m_i . q,  a = softmax(e)
    weights = jax.nn.softmax(jnp.where(mask, memory @ query, -jnp.inf))
    # r = sum_i a_i m_i
    return weights, weights @ memory


def pointers(params: Params, memory: Array, decoded: Array, mask: Array, glimpse: Any) -> Array:
    """u (input,) for one state d_j, whatever may be pointed at."""
    query = params["query.weight"] @ decoded
    if glimpse is not False:  # True, or traced
        query = query + jnp.where(glimpse, params["glimpse.weight"] @ attend(memory, decoded, mask)[1], 0)
    # u_i = v^T tanh(W_1 m_i + W_2 d_j + W_3 g_j)
    return jnp.tanh(memory @ params["key.weight"].T + query) @ params["score.weight"][0]


def past_padding(params: Params, state: State, seen: tuple[Array, Array]) -> tuple[State, Array]:
    """A step of the rival's encoder, where the state stays at padding, and zero is put out."""
    x, here = seen
    new, out = step(params, "encoder", state, x)
    kept = jax.tree.map(lambda late, early: jnp.where(here, late, early), new, state)
    return kept, jnp.where(here, out, 0)


def step(params: Params, name: str, state: State, x: Array) -> tuple[State, Array]:
    """One step of an LSTM with inputs: its state, and its hidden state once more as what it puts out."""
    gates = params[f"{name}.weight_ih_l0"] @ x + params[f"{name}.bias_ih_l0"]
    state = gated(gates + params[f"{name}.weight_hh_l0"] @ state[0] + params[f"{name}.bias_hh_l0"], state[1])
    return state, state[0]


def gated(gates: Array, cell: Array) -> State:
    i, f, g, o = jnp.split(gates, 4)  # each (hidden,)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g),  h_t = σ(o) * tanh(c_t)
    cell = sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(cell), cell
