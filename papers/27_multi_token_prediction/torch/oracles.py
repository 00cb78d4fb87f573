"""The order of figure 2 held against one backward pass over all heads: the same gradients, and the bytes that are alive at the
peak of either (paper 27)."""

from __future__ import annotations

import weakref
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from s30.room import EXACT, Array, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model

# A vocabulary that outweighs everything else, as in language models: V, and the places at which it is predicted.
VOCABULARY, BATCH, TIME = 4096, 2, 16
LOGITS = BATCH * TIME * VOCABULARY * 8  # bytes of one head's logits in float64
HEADS = (2, 3, 4)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "head_by_head", "all gradients and losses are those of one backward pass over the sum",
            "torch.autograd over L_n at once", gradients, ("replicated_unembeddings", "large_logits"),
        ),
        Oracle(
            "heads_to_the_bit", "the heads' own gradients do not even differ by rounding", "torch.autograd over L_n at once", to_the_bit,
            tolerance=EXACT,
        ),
        Oracle(
            "bytes_at_the_peak", "a head more costs figure 2's order the bytes of that head's gradients and of its loss, none besides, "
            "where one pass "
            "over all heads keeps that head's logits: O(V + d) in place of O(nV + d)", "every storage that is alive, counted operation by "
            "operation", peaks, tolerance=EXACT,
        ),
    ]  # fmt: skip


def at_once(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    losses = model(batch)["head_losses"]
    losses.sum().backward()
    return losses.detach()


def in_order(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return model.backward_head_by_head(batch)


def both(problem: Problem) -> list[dict[str, Tensor]]:
    """Gradients and losses, of either order."""
    found = []
    for order in (in_order, at_once):
        model = Model(**problem.config)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in problem.params.items()})
        losses = order(model, {name: torch.from_numpy(value) for name, value in problem.batch.items()})
        found.append({"losses": losses} | {name: value.grad for name, value in model.named_parameters()})
    return found


def gradients(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    one, other = (torch.cat([value.ravel() for value in found.values()]).numpy() for found in both(problem))
    return one, other


def to_the_bit(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    one, other = (
        torch.cat([value.ravel() for name, value in found.items() if name.startswith("heads.")]).numpy()
        for found in both(problem)
    )
    return one, other


class Alive(TorchDispatchMode):
    """Counts the bytes of all storages that operations made and nothing has freed yet."""

    def __init__(self, known: list[Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.seen = {value.untyped_storage()._cdata for value in known}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or the first use imports the compiler, which wraps functions of this process

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for value in tree_leaves(made):
            if isinstance(value, Tensor) and (key := value.untyped_storage()._cdata) not in self.seen:
                storage = value.untyped_storage()
                self.seen.add(key)
                self.now += storage.nbytes()
                weakref.finalize(storage, self.freed, key, storage.nbytes())
        self.peak = max(self.peak, self.now)
        return made

    def freed(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size


@cache  # it does not depend on the problem
def peak(order: Any, heads: int) -> int:
    """Bytes alive at the peak, above parameters and data."""
    model = Model(vocabulary=VOCABULARY, model=8, inner=10, attention_heads=2, layers=1, future=heads, head="layer",
                  arrangement="parallel")  # fmt: skip
    batch = {
        "tokens": torch.arange(BATCH * TIME).reshape(BATCH, TIME),
        "mask": torch.ones(BATCH, TIME, dtype=torch.bool),
    }
    with Alive([*model.parameters(), *batch.values()]) as alive:
        order(model, batch)
    return alive.peak


def peaks(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What one more head adds to either peak; of the plain order the part that is no more than its logits."""
    one, other = (np.diff([peak(order, heads) for heads in HEADS]) for order in (in_order, at_once))
    size = 8 * (4 * 8 * 8 + 3 * 8 * 10 + 2 * 8 + 1)  # a head's parameters, so its gradients, and its loss
    return np.append(one, np.minimum(other, LOGITS)), np.append(np.full(len(one), size), np.full(len(other), LOGITS))
