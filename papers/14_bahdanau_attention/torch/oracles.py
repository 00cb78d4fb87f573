"""PyTorch's own recurrent units, which this room's must equal where the two conventions meet (paper 14).

`nn.GRU` differs from the paper twice: its gate is 1 - z = sigma(-a), and it resets after the matrix, r (U s), where the paper has
U (r s). With a diagonal U the second makes no difference.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from s30.room import Array, Forward, Oracle, Problem


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "bidirectional_gru", "the annotations are those of PyTorch's bidirectional GRU on the sentences without padding, the sign of "
            "z's weights turned, with a diagonal U", "torch.nn.GRU", annotations, ("long",),
        ),
        Oracle(
            "gru_cell", "given each step's context, the states are those of PyTorch's cell that reads [e, c], with a diagonal U",
            "torch.nn.GRUCell", states, ("long", "fixed_vector"),
        ),
    ]  # fmt: skip


def diagonal(problem: Problem) -> dict[str, Array]:
    """The parameters with U cut to its diagonal in all units."""
    found = {name: value.copy() for name, value in problem.params.items()}
    for name in ("forward_gru", "backward_gru", "decoder"):
        weight = found[f"{name}.state.weight"]
        hidden = weight.shape[1]
        weight[2 * hidden :] *= torch.eye(hidden).numpy()
    return found


def libraries(params: dict[str, Array], name: str, suffix: str) -> dict[str, Tensor]:
    """A unit's weights as `nn.GRU` has them: rows r, 1 - z, n."""
    found = {part: torch.from_numpy(value) for part, value in params.items() if part.startswith(f"{name}.")}

    def turned(value: Tensor) -> Tensor:
        z, r, new = value.chunk(3)
        return torch.cat([r, -z, new])

    reads = [found[f"{name}.{part}.weight"] for part in ("input", "context") if f"{name}.{part}.weight" in found]
    bias = turned(found[f"{name}.input.bias"])
    return {
        f"weight_ih{suffix}": turned(torch.cat(reads, 1)), f"weight_hh{suffix}": turned(found[f"{name}.state.weight"]),
        f"bias_ih{suffix}": bias, f"bias_hh{suffix}": torch.zeros_like(bias),
    }  # fmt: skip


def annotations(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, mask = diagonal(problem), torch.from_numpy(problem.batch["source_mask"])
    gru: Any = nn.GRU(problem.config["embedding"], problem.config["hidden"], batch_first=True, bidirectional=True)
    gru.load_state_dict(libraries(params, "forward_gru", "_l0") | libraries(params, "backward_gru", "_l0_reverse"))
    words = torch.from_numpy(params["source_embedding.weight"])[torch.from_numpy(problem.batch["source"])]
    packed = pack_padded_sequence(words, mask.sum(1), batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        theirs, _ = pad_packed_sequence(gru(packed)[0], batch_first=True)
    real = problem.batch["source_mask"]
    return forward(params, problem.batch)["annotations"][real], theirs.numpy()[real]


def states(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, found, hidden = diagonal(problem), {}, problem.config["hidden"]
    cell = nn.GRUCell(problem.config["embedding"] + 2 * hidden, hidden)
    cell.load_state_dict(libraries(params, "decoder", ""))
    found = {name: torch.tensor(value) for name, value in forward(params, problem.batch).items()}
    words = torch.from_numpy(params["target_embedding.weight"])[torch.from_numpy(problem.batch["target_input"])]
    state, theirs = found["initial_state"], []
    with torch.no_grad():
        for e, context in zip(words.unbind(1), found["context"].unbind(1), strict=True):
            state = cell(torch.cat([e, context], -1), state)
            theirs.append(state)
    return found["states"].numpy(), torch.stack(theirs, 1).numpy()
