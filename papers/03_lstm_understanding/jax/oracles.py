"""JAX's automatic Jacobians of the scanned cells against the products of the blocks that SymPy proves."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")
jacobians = sibling(__file__, "../jacobians.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "Jacobians of scanned cells",
            "∂(C_T, h_T)/∂(C_0, h_0) of the LSTM and ∂h_T/∂h_0 of the RNN are the products of the blocks of the identities"
            " `lstm_jacobian` and `rnn_jacobian`",
            "jax.jacfwd through jax.lax.scan",
            _sides,
        )
    ]


@jax.jit
@partial(jax.vmap, in_axes=(None, 0, 0, 0))
def _found(params: dict, inputs: jax.Array, hidden: jax.Array, cell: jax.Array) -> jax.Array:
    def last(state: jax.Array) -> jax.Array:
        trace = model.run(model.lstm, params, inputs, *jnp.split(state, 2)[::-1])
        return jnp.concatenate([trace["cell"][-1], trace["hidden"][-1]])

    rnn = jax.jacfwd(lambda start: model.run(model.rnn, params, inputs, start, cell)["hidden"][-1])(hidden)
    return jnp.concatenate([jax.jacfwd(last)(jnp.concatenate([cell, hidden])).ravel(), rnn.ravel()])


def _sides(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    ours = jacobians.of_states(problem.params, problem.batch["cell"], forward(problem.params, problem.batch))
    theirs = _found(dict(problem.params), *(problem.batch[name] for name in ("inputs", "hidden", "cell")))
    return ours, np.asarray(theirs)
