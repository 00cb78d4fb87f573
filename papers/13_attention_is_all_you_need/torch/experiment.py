r"""Translating written dates to ISO 8601 with the room's Transformer in PyTorch, and three things taken away from it.

    exact match         share of held-out dates that greedy decoding writes without any error     section 6.1, a proxy
    without positions   PE is left out of sqrt(d_model) E[token] + PE                             section 3.5
    without the mask    every target position attends to every other while training               section 3.2.3
    without 1/sqrt(d_k) entropy and Jacobian norm of softmax(Q K^T) for standard normal Q, K      section 3.2.1, footnote 4

Training is Adam with the paper's betas and epsilon (section 5.3). The rate rises linearly to its peak during the
warm-up and falls linearly to zero: some hundred steps leave no time for the paper's inverse square root.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from s30.corpus import sibling
from s30.vocabulary import Experiment, Lines

dates = sibling(__file__, "../dates.py")
model = sibling(__file__, "model.py")

Batch = dict[str, Tensor]


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    torch.set_num_threads(1)
    seeds, steps = dates.PROFILES[profile]["seeds"], dates.PROFILES[profile]["steps"]
    metrics: dict[str, list[float]] = {}
    curves = {variant: torch.zeros(steps) for variant in dates.VARIANTS}
    shown = None
    for offset in range(seeds):
        parts = dates.split(seed + offset, dates.BATCH * steps, dates.HELD_OUT)
        train, held_out = ({name: torch.from_numpy(value) for name, value in part.items()} for part in parts)
        for number, (variant, switches) in enumerate(dates.VARIANTS.items()):
            share, what = (offset + number / len(dates.VARIANTS)) / seeds, variant.replace("_", " ")
            progress(share, f"seed {seed + offset}, dates{what}")
            transformer = model.Model(**dates.SIZES, **switches)
            start = dates.initial(seed + offset)
            transformer.load_state_dict({name: torch.from_numpy(value) for name, value in start.items()})
            curves[variant] += fit(transformer, train, steps) / seeds
            match, loss, cross_attention = evaluate(transformer, held_out)
            metrics.setdefault(f"exact_match{variant}", []).append(match)
            metrics.setdefault(f"loss_above_floor{variant}", []).append(loss - dates.floor())
            if not variant:
                shown = shown or (parts[1], cross_attention.numpy())
                for name, share in dates.attention_shares(parts[1], cross_attention.numpy()).items():
                    metrics.setdefault(name, []).append(share)
    matches = {variant: sum(metrics[f"exact_match{variant}"]) / seeds for variant in dates.VARIANTS}
    losses = {variant: values.numpy() for variant, values in curves.items()}
    figures = dates.figures(matches, losses, *shown)
    softmax, lines = scaling(seed)
    ceiling, information = dates.limits_without_positions()
    limits = {"exact_match_limit_without_positions": ceiling, "loss_limit_without_positions": information}
    return Experiment(metrics | limits | softmax, figures | {"scaling": lines})


def fit(transformer: nn.Module, train: Batch, steps: int) -> Tensor:
    """The losses (steps,) of one pass through `train`."""
    optimizer = torch.optim.Adam(transformer.parameters(), lr=dates.PEAK, betas=(0.9, 0.98), eps=1e-9, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / dates.WARM_UP, (steps - n) / (steps - dates.WARM_UP))
    )
    losses = []
    for start in range(0, steps * dates.BATCH, dates.BATCH):
        optimizer.zero_grad()
        loss = transformer({name: value[start : start + dates.BATCH] for name, value in train.items()})["loss"]
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@torch.no_grad()
def evaluate(transformer: nn.Module, batch: Batch) -> tuple[float, float, Tensor]:
    """Exact match of greedy decoding, teacher-forced loss in nats, and teacher-forced cross-attention."""
    outputs = transformer(batch)
    match = (greedy(transformer, batch) == batch["target_output"]).all(1).double().mean()
    return match.item(), outputs["loss"].item(), outputs["cross_attention"]


def greedy(transformer: nn.Module, batch: Batch) -> Tensor:
    """The most probable token at each step, given the source and the tokens written so far: (batch, target)."""
    memory, _ = transformer.encode(batch["source"], batch["source_mask"])
    written = torch.full((len(memory), 1), dates.IDS[dates.START])
    for _ in range(dates.TARGET_LENGTH):
        known = torch.ones_like(written, dtype=torch.bool)
        logits, *_ = transformer.decode(written, known, memory, batch["source_mask"])
        written = torch.cat([written, logits[:, -1:].argmax(-1)], 1)
    return written[:, 1:]


@torch.no_grad()
def scaling(seed: int) -> tuple[dict[str, float], Lines]:
    """Mean entropy of the softmax and mean Frobenius norm of its Jacobian diag(a) - a a^T, with and without 1/sqrt(d_k)."""
    series: dict[str, list[float]] = {}
    for d_k in dates.WIDTHS:
        query, key = torch.from_numpy(dates.gaussians(seed, d_k))
        for name, scaled in (("scaled", True), ("unscaled", False)):
            attention = model.MultiHeadAttention(d_k, 1, scaled)
            for projection in (attention.query, attention.key):
                nn.init.eye_(projection.weight)
            _, weights = attention(query, key, torch.ones(1, 1, 1, dates.KEYS, dtype=torch.bool))
            # d softmax / d scores = diag(a) - a a^T
            jacobian = weights.diag_embed() - weights[..., :, None] * weights[..., None, :]
            series.setdefault(f"entropy_{name}", []).append(torch.special.entr(weights).sum(-1).mean().item())
            series.setdefault(f"softmax_gradient_{name}", []).append(jacobian.norm(dim=(-2, -1)).mean().item())
    metrics = {name: values[dates.WIDTHS.index(256)] for name, values in series.items()}
    for what in ("entropy", "softmax_gradient"):
        metrics[f"{what}_ratio"] = metrics[f"{what}_unscaled"] / metrics[f"{what}_scaled"]
    return metrics, dates.scaling_figure({name.replace("_", " "): values for name, values in series.items()})
