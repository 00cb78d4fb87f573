r"""RNNsearch as PyTorch modules, paper 14 (Bahdanau, Cho, Bengio, 2014).

    A.1.1  z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c),  s~ = tanh(W e + U [r s] + C c)
           s_i = (1 - z_i) s_{i-1} + z_i s~_i         `nn.GRU` has 1 - z for its gate, and resets after the matrix U
    (7)    h_j = [h>_j; h<_j],  s_0 = tanh(W_s h<_1)
    A.1.2  e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    (5, 6) alpha_i = softmax(e_i),  c_i = sum_j alpha_ij h_j
    A.2.2  t_i = maxout(U_o s_{i-1} + V_o E y_{i-1} + C_o c_i),  p(y_i) ~ exp(y_i^T W_o t_i)

    symbol          name here                          symbol           name here
    W, U, C         decoder.input, .state, .context    W_a, U_a, v_a    alignment.query, .key, .energy
    W_s             initial                            U_o, V_o, C_o    readout.state, .previous, .context

Masks are boolean, true = may attend. `search` is on in the paper: without it the context is [h>_T; h<_1] at every step.
`late_readout` is off, as in A.2.2: on, the readout sees s_i in place of s_{i-1}.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedUnit(nn.Module):
    """The weights of a gated hidden unit (A.1.1), rows z, r, s~; with `context` features it reads C c as well."""

    def __init__(self, embedding: int, hidden: int, context: int = 0) -> None:
        super().__init__()
        self.input, self.state = nn.Linear(embedding, 3 * hidden), nn.Linear(hidden, 3 * hidden, bias=False)
        if context:
            self.context = nn.Linear(context, 3 * hidden, bias=False)

    def transposed(self) -> tuple[Tensor, Tensor]:
        """U of both gates, (hidden, 2 hidden), and of s~, (hidden, hidden)."""
        gates, new = self.state.weight.tensor_split([2 * self.state.in_features])
        return gates.T, new.T


def gated(given: Tensor, state: Tensor, weight: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The new state and z, from W e + C c (..., 3 hidden), the old state (..., hidden) and U of the gates and of s~, transposed."""
    given_gates, given_new = given.tensor_split([2 * state.shape[-1]], -1)
    # z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c)
    z, r = (given_gates + state @ weight[0]).sigmoid().chunk(2, -1)  # (..., hidden)
    # s~ = tanh(W e + U [r s] + C c)
    new = (given_new + (r * state) @ weight[1]).tanh()
    # s_i = (1 - z_i) s_{i-1} + z_i s~_i
    return state.lerp(new, z), z


class Attention(nn.Module):
    """A.1.2 and equations (5) and (6): `key` is U_a h_j, computed once for a sentence."""

    def __init__(self, hidden: int, alignment: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(hidden, alignment), nn.Linear(2 * hidden, alignment, bias=False)
        self.energy = nn.Parameter(torch.empty(alignment).uniform_(-(alignment**-0.5), alignment**-0.5))

    def forward(self, state: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """c_i (batch, 2 hidden), alpha_i (batch, source). Raises ValueError where `mask` leaves a query without any key."""
        if not mask.any(-1).all():
            raise ValueError("attention: a query may attend to no key: its mask row is false throughout")
        # e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j), where a forbidden energy is -inf
        scores = (self.query(state)[:, None] + key).tanh() @ self.energy  # (batch, source)
        # alpha_i = softmax(e_i)
        weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
        # c_i = sum_j alpha_ij h_j
        return (weights[:, None] @ value).squeeze(1), weights


class Readout(nn.Module):
    """A.2.2: one layer of `maxout` units, each the larger of two neighbours."""

    def __init__(self, embedding: int, hidden: int, maxout: int) -> None:
        super().__init__()
        self.state = nn.Linear(hidden, 2 * maxout)
        self.previous = nn.Linear(embedding, 2 * maxout, bias=False)
        self.context = nn.Linear(2 * hidden, 2 * maxout, bias=False)

    def forward(self, state: Tensor, previous: Tensor, context: Tensor) -> Tensor:
        # t~_i = U_o s_{i-1} + V_o E y_{i-1} + C_o c_i
        pairs = self.state(state) + self.previous(previous) + self.context(context)  # (..., 2 maxout)
        # t_i = [max(t~_{i,2j-1}, t~_{i,2j})]_j, where equals share the gradient
        return pairs.unflatten(-1, (-1, 2)).amax(-1)  # (..., maxout)


class Model(nn.Module):
    def __init__(self, source_words: int, target_words: int, embedding: int, hidden: int, alignment: int, maxout: int,
                 search: bool = True, late_readout: bool = False) -> None:  # fmt: skip
        super().__init__()
        self.source_embedding = nn.Embedding(source_words, embedding)
        self.target_embedding = nn.Embedding(target_words, embedding)
        self.forward_gru, self.backward_gru = GatedUnit(embedding, hidden), GatedUnit(embedding, hidden)
        self.decoder, self.initial = GatedUnit(embedding, hidden, 2 * hidden), nn.Linear(hidden, hidden)
        self.alignment = Attention(hidden, alignment) if search else None
        self.readout, self.output = Readout(embedding, hidden, maxout), nn.Linear(maxout, target_words)
        self.late_readout = late_readout

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        sentence, initial = self.encode(batch["source"], batch["source_mask"])
        embedded = self.target_embedding(batch["target_input"])  # (batch, target, embedding)
        states, found = [initial], []
        for previous in embedded.unbind(1):
            state, seen = self.step(previous, states[-1], sentence)
            states.append(state)
            found.append(seen)
        trace = {name: torch.stack([seen[name] for seen in found], 1) for name in found[0]}
        before_or_after = states[1:] if self.late_readout else states[:-1]
        t = self.readout(torch.stack(before_or_after, 1), embedded, trace["context"])
        logits = self.output(t)  # (batch, target, target_words)
        # loss = -mean log p(y_i) over real words;  PyTorch leaves out the labels -100
        labels = batch["target_output"].masked_fill(~batch["target_mask"], -100)  # (batch, target)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return {
            "annotations": sentence["annotations"], "initial_state": initial, **trace, "readout": t, "logits": logits, "loss": loss,
        }  # fmt: skip

    def encode(self, source: Tensor, mask: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """What of the sentence the decoder reads, and s_0. Both directions run in one loop, (direction, batch, ...)."""
        embedded, units = self.source_embedding(source), (self.forward_gru, self.backward_gru)
        # h< reads the sentence from its end: the same loop over the words in reverse order
        given = torch.stack(
            [units[0].input(embedded), units[1].input(embedded.flip(1))]
        )  # (2, batch, source, 3 hidden)
        real = torch.stack([mask, mask.flip(1)])[..., None]  # (2, batch, source, 1)
        weight = tuple(torch.stack(both) for both in zip(*(unit.transposed() for unit in units), strict=True))
        state, states = given.new_zeros(2, len(source), given.shape[-1] // 3), []
        for x, here in zip(given.unbind(2), real.unbind(2), strict=True):
            state = torch.where(here, gated(x, state, weight)[0], state)  # padding is passed over
            states.append(state)
        forward, backward = torch.stack(states, 2).unbind(0)
        # h_j = [h>_j; h<_j]
        annotations = torch.cat([forward, backward.flip(1)], -1)  # (batch, source, 2 hidden)
        sentence = {
            "annotations": annotations,
            "mask": mask,
            "ends": torch.cat([*state], -1),
            "weight": self.decoder.transposed(),
        }
        if self.alignment is not None:
            sentence["key"] = self.alignment.key(annotations)  # U_a h_j
        # s_0 = tanh(W_s h<_1)
        return sentence, self.initial(state[1]).tanh()  # (batch, hidden)

    def step(self, previous: Tensor, state: Tensor, sentence: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """s_i from e(y_{i-1}) and s_{i-1}, and what happened on the way."""
        seen, context = {}, sentence["ends"]
        if self.alignment is not None:
            context, seen["alignment"] = self.alignment(
                state, sentence["key"], sentence["annotations"], sentence["mask"]
            )
        given = self.decoder.input(previous) + self.decoder.context(context)  # (batch, 3 hidden)
        state, update = gated(given, state, sentence["weight"])
        return state, {**seen, "context": context, "update_gate": update, "states": state}
