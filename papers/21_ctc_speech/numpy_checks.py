r"""Speech to symbols without an alignment, paper 21.

Amodei et al., «Deep Speech 2: End-to-End Speech Recognition in English and Mandarin», 2015 (arXiv:1512.02595); the loss is Graves,
Fernandez, Gomez, Schmidhuber, «Connectionist Temporal Classification», 2006.

    section 3.1  h_t = f(w * x)_t, every `stride`-th frame          f(x) = min(max(x, 0), ceiling); f' = 0 at both kinks
                 h>_t = f(B(W h_t) + U> h>_{t-1}),  h = h> + h<     W is one for both directions
    section 3.2  B(a) = gamma (a - E a) / sqrt(Var a + eps) + beta  over all real frames of the minibatch
    section 3.7  r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}        row convolution, behind a forward direction alone
                 y_t = softmax(W_o h_t + b_o),  symbol 0 is the blank
    Graves, 4.1  l' = blank l_1 blank ... l_U blank
                 alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [l'_s is no blank and not l'_{s-2}] alpha_{t-1}(s-2)) y_t(l'_s)
                 p(l | x) = alpha_T(2U) + alpha_T(2U - 1)           counted from s = 0; alpha_0 is 1 at s = 0
                 occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
                 loss = -mean log p(l | x) over the examples that have an alignment

    symbol      name here                          symbol     name here
    w           conv.weight, conv.bias             U>, U<     ahead.weight, back.weight
    W           recurrent.weight                   W_{i,j}    row.weight
    gamma, beta norm.weight, norm.bias             W_o, b_o   output.weight, output.bias

A label that has no alignment, since it and its repeats need more frames than there are, has p = 0 and the loss +infinity:
`impossible="infinite"` returns that; "skip" leaves such examples out of the mean, "zero" counts them in it with the loss 0. In
both, nothing of the gradient comes from them.
Everything is in logarithms, log 0 = -infinity included; `beta_t` does not count frame t, so that alpha beta counts each frame once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "frequency": 4, "channels": 8, "kernel": 3, "stride": 2, "hidden": 7, "symbols": 6, "recurrence": True, "bidirectional": True,
    "context": 0, "ceiling": 20.0, "impossible": "skip",
}  # fmt: skip
EPSILON = 1e-5  # in the root of B
KINK = 1e-4  # no argument of f is nearer to 0 or to the ceiling


def forward(params: Arrays, batch: Arrays, *, stride: int, recurrence: bool, bidirectional: bool, ceiling: float,
            impossible: str, **_: int) -> dict[str, Array]:  # fmt: skip
    """hidden (batch, time, hidden), zero behind the end; logits and occupancy (batch, time, symbols); log_likelihood (batch,), zero
    where there is no alignment; possible (batch,), whether there is one; loss in nats per example."""
    hidden, mask, _ = encode(params, batch, stride, recurrence, bidirectional, ceiling)
    # y_t = softmax(W_o h_t + b_o)
    logits = hidden @ params["output.weight"].T + params["output.bias"]  # (batch, time, symbols)
    found = alignments(log_softmax(logits), mask, batch["label"], batch["label_mask"])
    log_p = found["log_p"]
    possible = log_p > -np.inf
    # loss = -mean log p(l | x)
    total = np.where(possible, log_p, -np.inf if impossible == "infinite" else 0.0).sum()
    loss = -total / (max(possible.sum(), 1) if impossible == "skip" else len(possible))
    return {
        "hidden": hidden, "logits": logits, "occupancy": found["occupancy"], "log_likelihood": np.where(possible, log_p, 0.0),
        "possible": possible, "loss": np.asarray(loss),
    }  # fmt: skip


def encode(params: Arrays, batch: Arrays, stride: int, recurrence: bool, bidirectional: bool,
           ceiling: float) -> tuple[Array, Array, Array]:  # fmt: skip
    """The states (batch, time, hidden), which of the frames are real (batch, time), and all arguments of f at real frames.
    Without `recurrence` h_t = f(B(W h_t)), and there is neither a direction nor a row convolution."""
    x = np.where(batch["frame_mask"][..., None], batch["frames"], 0.0)  # (batch, input, frequency)
    mask = batch["frame_mask"][:, ::stride]  # (batch, time)
    w = params["conv.weight"]  # (channels, frequency, kernel)
    kernel = w.shape[-1]
    padded = np.pad(x, ((0, 0), (kernel // 2, kernel // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, 1)[
        :, ::stride
    ]  # (batch, time, frequency, kernel)
    # h_t = f(w * x)_t
    a = np.einsum("btfk,cfk->btc", windows, w) + params["conv.bias"]
    arguments = [a[mask].ravel()]
    # B(W h_t)
    given = normalised(
        clip(a, ceiling) @ params["recurrent.weight"].T, mask, params["norm.weight"], params["norm.bias"]
    )
    if not recurrence:
        return clip(given, ceiling) * mask[..., None], mask, np.append(arguments[0], given[mask])
    hidden = np.zeros_like(given)
    for name in ("ahead", "back") if bidirectional else ("ahead",):
        state, times = np.zeros_like(given[:, 0]), range(given.shape[1])
        for t in times if name == "ahead" else reversed(times):
            # h_t = f(B(W h_t) + U h_{t-1})
            a = given[:, t] + state @ params[f"{name}.weight"].T  # (batch, hidden)
            arguments.append(a[mask[:, t]].ravel())
            state = np.where(mask[:, t, None], clip(a, ceiling), 0.0)
            hidden[:, t] += state
    if not bidirectional:
        # r_{t,i} = sum_{j=0}^{tau} W_{i,j} h_{t+j,i}
        row, time = params["row.weight"], hidden.shape[1]
        ahead = np.pad(hidden, ((0, 0), (0, row.shape[1] - 1), (0, 0)))
        hidden = sum(ahead[:, j : j + time] * row[:, j] for j in range(row.shape[1])) * mask[..., None]
    return hidden, mask, np.concatenate(arguments)


def normalised(a: Array, mask: Array, weight: Array, bias: Array) -> Array:
    """B(a) for a (batch, time, hidden): mean and biased variance over the real frames of all examples."""
    mean, variance = a[mask].mean(0), a[mask].var(0)  # (hidden,)
    return weight * (a - mean) / np.sqrt(variance + EPSILON) + bias


def clip(a: Array, ceiling: float) -> Array:
    return np.minimum(np.maximum(a, 0.0), ceiling)


def alignments(log_y: Array, mask: Array, label: Array, label_mask: Array) -> dict[str, Array]:
    """log_p (batch,) and occupancy (batch, time, symbols) from log y (batch, time, symbols) and labels (batch, label); and
    alpha and beta, (batch, time, 2 label + 1), in logarithms. The frames and labels of an example are followed by its padding."""
    l, skip = extended(label)
    here = np.take_along_axis(log_y, np.broadcast_to(l[:, None], (*log_y.shape[:2], l.shape[1])), -1)
    time, ends = log_y.shape[1], 2 * label_mask.sum(1)[:, None]  # the last blank
    states = np.arange(l.shape[1])
    alpha = np.where(states == 0, 0.0, -np.inf) + np.zeros(l.shape)
    beta = np.where((states == ends) | (states == ends - 1), 0.0, -np.inf)
    alphas, betas = [], [beta]
    for t in range(time):
        # alpha_t(s) = (alpha_{t-1}(s) + alpha_{t-1}(s-1) + [..] alpha_{t-1}(s-2)) y_t(l'_s)
        three = [alpha, shifted(alpha, 1), np.where(skip, shifted(alpha, 2), -np.inf)]
        alpha = np.where(mask[:, t, None], logsumexp(np.stack(three), 0) + here[:, t], alpha)
        alphas.append(alpha)
    # p(l | x) = alpha_T(2U) + alpha_T(2U - 1)
    log_p = logsumexp(np.where((states == ends) | (states == ends - 1), alpha, -np.inf), -1)
    for t in reversed(range(1, time)):
        # beta_{t-1}(s) = sum over s' in s, s+1, s+2 of beta_t(s') y_t(l'_{s'})
        then = beta + here[:, t]
        three = [then, shifted(then, -1), shifted(np.where(skip, then, -np.inf), -2)]
        beta = np.where(mask[:, t, None], logsumexp(np.stack(three), 0), beta)
        betas.append(beta)
    alphas, betas = np.stack(alphas, 1), np.stack(betas[::-1], 1)
    # occupancy_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s) / p(l | x)
    whole = np.where(log_p > -np.inf, log_p, 0.0)[:, None, None]
    shares = np.where(mask[..., None], np.exp(alphas + betas - whole), 0.0)
    occupancy = shares @ (l[..., None] == np.arange(log_y.shape[-1]))
    return {"log_p": log_p, "occupancy": occupancy, "alpha": alphas, "beta": betas}


def extended(label: Array) -> tuple[Array, Array]:
    """l' = blank l_1 blank ... l_U blank, (batch, 2 label + 1), and where s - 2 may be left for s."""
    l, skip = np.zeros((2, len(label), 2 * label.shape[1] + 1), int)
    l[:, 1::2] = label
    skip[:, 3::2] = label[:, 1:] != label[:, :-1]
    return l, skip.astype(bool)


def shifted(x: Array, by: int) -> Array:
    """Entry s of the result is entry s - by of x, and -infinity outside."""
    out = np.full_like(x, -np.inf)
    if by > 0:
        out[:, by:] = x[:, :-by]
    else:
        out[:, :by] = x[:, -by:]
    return out


def logsumexp(x: Array, axis: int) -> Array:
    """log sum exp x, which is -infinity where all are."""
    top = x.max(axis, keepdims=True)
    top = np.where(top > -np.inf, top, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - top).sum(axis)) + np.squeeze(top, axis)


def log_softmax(a: Array) -> Array:
    down = a - a.max(-1, keepdims=True)
    return down - np.log(np.exp(down).sum(-1, keepdims=True))


def shapes(*, frequency: int, channels: int, kernel: int, hidden: int, symbols: int, recurrence: bool, bidirectional: bool,
           context: int, **_: Any) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter."""
    found: dict[str, tuple[int, ...]] = {"conv.weight": (channels, frequency, kernel), "conv.bias": (channels,)}
    found |= {"recurrent.weight": (hidden, channels), "norm.weight": (hidden,), "norm.bias": (hidden,)}
    if recurrence:
        found |= {"ahead.weight": (hidden, hidden)}
        found |= {"back.weight": (hidden, hidden)} if bidirectional else {"row.weight": (hidden, context + 1)}
    return found | {"output.weight": (symbols, hidden), "output.bias": (symbols,)}


def problem(seed: int = 0) -> Problem:
    """Three examples of 4, 3 and 2 frames: three symbols, a repeat, which needs a blank, and a repeat without room for it."""
    rng = np.random.default_rng([21, seed])
    a, b, c, d = 1 + rng.permutation(CONFIG["symbols"] - 1)[:4]
    return drawn(rng, [7, 5, 3], [[a, b, a], [c, c], [d, d]], CONFIG)


def drawn(rng: np.random.Generator, lengths: list[int], labels: list[list[int]], config: dict[str, Any]) -> Problem:
    """Examples of these numbers of input frames, redrawn until no argument of f is near a kink."""
    count, time, width = len(lengths), max(lengths), max(1, *map(len, labels))
    label = np.array([[*l, *[0] * (width - len(l))] for l in labels])
    label_mask = np.arange(width) < np.array([[len(l)] for l in labels])
    frame_mask = np.arange(time) < np.array(lengths)[:, None]
    while True:
        params = {name: _draw(rng, name, shape) for name, shape in shapes(**config).items()}
        frames = np.where(frame_mask[..., None], rng.normal(size=(count, time, config["frequency"])), 0.0)
        batch = {"frames": frames, "frame_mask": frame_mask, "label": label, "label_mask": label_mask}
        _, _, a = encode(params, batch, *(config[key] for key in ("stride", "recurrence", "bidirectional", "ceiling")))
        if min(np.abs(a).min(), np.abs(a - config["ceiling"]).min()) > KINK:
            return Problem(config, params, batch, learning_rate=0.05)


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    if name == "norm.weight":
        return rng.uniform(0.7, 1.3, shape)
    scale = 0.3 if len(shape) == 1 else 0.5 if name in ("ahead.weight", "back.weight") else 1.0
    return rng.normal(0, scale * (np.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 1), shape)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
