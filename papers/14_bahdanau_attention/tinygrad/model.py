r"""RNNsearch in tinygrad, paper 14 (Bahdanau, Cho, Bengio, 2014): every step of both loops written into one graph.

    A.1.1  z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c),  s~ = tanh(W e + U [r s] + C c)
           s_i = (1 - z_i) s_{i-1} + z_i s~_i
    (7)    h_j = [h>_j; h<_j],  s_0 = tanh(W_s h<_1)
    A.1.2  e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j)
    (5, 6) alpha_i = softmax(e_i),  c_i = sum_j alpha_ij h_j
    A.2.2  t_i = maxout(U_o s_{i-1} + V_o E y_{i-1} + C_o c_i),  p(y_i) ~ exp(y_i^T W_o t_i)

    symbol          name here                          symbol           name here
    W, U, C         decoder.input, .state, .context    W_a, U_a, v_a    alignment.query, .key, .energy
    W_s             initial                            U_o, V_o, C_o    readout.state, .previous, .context

Masks are boolean, true = may attend; a sentence without any word gives NaN.
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn


class GatedUnit:
    """A.1.1, rows z, r, s~; with `context` features it reads C c as well."""

    def __init__(self, embedding: int, hidden: int, context: int = 0) -> None:
        self.input, self.state = nn.Linear(embedding, 3 * hidden), nn.Linear(hidden, 3 * hidden, bias=False)
        if context:
            self.context = nn.Linear(context, 3 * hidden, bias=False)


def gated(given: Tensor, state: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The new state and z, each (..., hidden), from W e + C c, the old state and U (..., 3 hidden, hidden)."""
    z_given, r_given, new_given = given.chunk(3, -1)
    U_z, U_r, U = weight.transpose(-1, -2).chunk(3, -1)
    # z = sigma(W_z e + U_z s + C_z c),  r = sigma(W_r e + U_r s + C_r c)
    z, r = (z_given + state @ U_z).sigmoid(), (r_given + state @ U_r).sigmoid()
    # s~ = tanh(W e + U [r s] + C c)
    new = (new_given + (r * state) @ U).tanh()
    # s_i = (1 - z_i) s_{i-1} + z_i s~_i; stored at every step, so that all steps are the same kernels
    return ((1 - z) * state + z * new).contiguous(), z


class Attention:
    """A.1.2 and equations (5) and (6): `key` is U_a h_j, computed once for a sentence."""

    def __init__(self, hidden: int, alignment: int) -> None:
        self.query, self.key = nn.Linear(hidden, alignment), nn.Linear(2 * hidden, alignment, bias=False)
        self.energy = Tensor.uniform(alignment, low=-(alignment**-0.5), high=alignment**-0.5)

    def __call__(self, state: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        # e_ij = v_a^T tanh(W_a s_{i-1} + U_a h_j), where a forbidden energy is -inf
        scores = ((self.query(state).unsqueeze(1) + key).tanh() * self.energy).sum(-1)  # (batch, source)
        # alpha_i = softmax(e_i)
        weights = mask.where(scores.contiguous(), -math.inf).softmax(-1).contiguous()
        # c_i = sum_j alpha_ij h_j
        return (weights.unsqueeze(-1) * value).sum(1).contiguous(), weights  # (batch, 2 hidden)


class Readout:
    """A.2.2: one layer of `maxout` units, each the larger of two neighbours."""

    def __init__(self, embedding: int, hidden: int, maxout: int) -> None:
        self.state = nn.Linear(hidden, 2 * maxout)
        self.previous = nn.Linear(embedding, 2 * maxout, bias=False)
        self.context = nn.Linear(2 * hidden, 2 * maxout, bias=False)

    def __call__(self, state: Tensor, previous: Tensor, context: Tensor) -> Tensor:
        # t~_i = U_o s_{i-1} + V_o E y_{i-1} + C_o c_i
        pairs = self.state(state) + self.previous(previous) + self.context(context)  # (..., 2 maxout)
        # t_i = [max(t~_{i,2j-1}, t~_{i,2j})]_j, where equals share the gradient
        return pairs.reshape(*pairs.shape[:-1], -1, 2).max(-1)


class Model:
    def __init__(self, source_words: int, target_words: int, embedding: int, hidden: int, alignment: int, maxout: int,
                 search: bool = True, late_readout: bool = False) -> None:  # fmt: skip
        self.source_embedding = nn.Embedding(source_words, embedding)
        self.target_embedding = nn.Embedding(target_words, embedding)
        self.forward_gru, self.backward_gru = GatedUnit(embedding, hidden), GatedUnit(embedding, hidden)
        self.decoder, self.initial = GatedUnit(embedding, hidden, 2 * hidden), nn.Linear(hidden, hidden)
        self.readout, self.output = Readout(embedding, hidden, maxout), nn.Linear(maxout, target_words)
        if search:
            self.alignment = Attention(hidden, alignment)
        self.search, self.late_readout, self.target_words = search, late_readout, target_words

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs that `numpy_checks.forward` names."""
        mask, (ahead, back) = batch["source_mask"], self.read(batch["source"], batch["source_mask"])
        # h_j = [h>_j; h<_j]
        annotations = (
            Tensor.stack(*ahead, dim=1).cat(Tensor.stack(*back, dim=1), dim=-1).contiguous()
        )  # (batch, source, 2 hidden)
        # s_0 = tanh(W_s h<_1)
        initial = state = self.initial(back[0]).tanh()  # (batch, hidden)
        key = self.alignment.key(annotations).contiguous() if self.search else None
        previous = self.target_embedding(batch["target_input"])  # (batch, target, embedding)
        given, before, found = self.decoder.input(previous), [], []
        for i in range(previous.shape[1]):
            before.append(state)
            seen, context = {}, ahead[-1].cat(back[0], dim=-1)
            if self.search:
                context, seen["alignment"] = self.alignment(state, key, annotations, mask)
            here = (given[:, i] + self.decoder.context(context)).contiguous()
            state, update = gated(here, state, self.decoder.state.weight)
            found.append({**seen, "context": context, "update_gate": update, "states": state})
        trace = {name: Tensor.stack(*(seen[name] for seen in found), dim=1) for name in found[0]}
        shown = trace["states"] if self.late_readout else Tensor.stack(*before, dim=1)
        t = self.readout(shown, previous, trace["context"])
        logits = self.output(t)  # (batch, target, target_words)
        # loss = -mean log p(y_i) over real words
        log_p = (logits.log_softmax() * batch["target_output"].one_hot(self.target_words)).sum(-1)  # (batch, target)
        real = batch["target_mask"].cast(log_p.dtype)
        return {
            "annotations": annotations, "initial_state": initial, **trace, "readout": t, "logits": logits,
            "loss": -(log_p * real).sum() / real.sum(),
        }  # fmt: skip

    def read(self, source: Tensor, mask: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The states of both directions, (batch, hidden) at each word, in one loop: h< reads the words in reverse order."""
        embedded, units = self.source_embedding(source), (self.forward_gru, self.backward_gru)
        given = Tensor.stack(units[0].input(embedded), units[1].input(embedded).flip(1))  # (2, batch, source, 3 hidden)
        real = Tensor.stack(mask, mask.flip(1)).unsqueeze(-1)  # (2, batch, source, 1)
        weight = Tensor.stack(*(unit.state.weight for unit in units))
        state, states = Tensor.zeros(2, source.shape[0], weight.shape[-1]), []
        for j in range(source.shape[1]):
            state = real[:, :, j].where(gated(given[:, :, j].contiguous(), state, weight)[0], state)
            states.append(state)  # padding is passed over
        return [both[0] for both in states], [both[1] for both in reversed(states)]
