r"""What the theory predicts, measured with PyTorch: K and m of a machine, learned weights, regret, compression distance.

    K(x) = min over programs, m(x) = sum over programs of 2^(-length): one recursion over the last instruction, with
    min and logsumexp; held against the enumeration of all programs (machine.py)
    weights w and pseudo-counts a learned by gradient descent on the mixture's bits
    regret of the expert of order k in n bits: 2^k / 2 log2 n + O(1)
    NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y)), C the length after compression

The enumeration and the compressors are the same in both experiments; all else is computed with tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from s30.corpus import sibling
from s30.vocabulary import Experiment, Lines

model = sibling(__file__, "model.py")
machine = sibling(__file__, "../machine.py")
report = sibling(__file__, "../report.py")
sources = sibling(__file__, "../sources.py")

ORDERS = (0, 1, 2)
SHARES = (0.5, 0.3, 0.2)  # of the orders among the sources whose strings teach the weights
SIZES = {  # strings and steps for learning; strings per order for regret; documents per corpus; modules
    "quick": {"strings": 600, "steps": 60, "regret": 300, "documents": 12, "modules": 8},
    "full": {"strings": 2000, "steps": 120, "regret": 1000, "documents": 24, "modules": 24},
}
LENGTH, REGRET_LENGTH, DOCUMENT_BYTES, PER_MODULE = 96, 1024, 4096, 4


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    torch.manual_seed(seed)
    rng, sizes = np.random.default_rng([25, seed]), SIZES[profile]
    metrics, figures = {}, {}
    parts = (
        (0.0, "learning the weights", lambda: learn(rng, sizes["strings"], sizes["steps"])),
        (0.4, "regret", lambda: regret(rng, sizes["regret"])),
        (0.6, "running every program", lambda: report.machine_report(*complexities(report.RECURSION_BITS))),
        (0.7, "compressing pairs of documents", lambda: distances(rng, sizes["documents"], sizes["modules"])),
    )
    for fraction, text, part in parts:
        progress(fraction, text)
        measured, drawn = part()
        metrics |= measured
        figures |= drawn
    progress(1.0, "done")
    return Experiment(metrics, figures)


def complexities(max_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index."""
    shortest, mass = torch.zeros(1), torch.zeros(1)  # before HALT; log2 of the mass
    for n in range(1, max_bits + 1):
        source, cost = (torch.from_numpy(part) for part in machine.last_instructions(n))
        never, cost = source < 0, cost[:, None].to(shortest)  # (ways, 2^n), (ways, 1)
        # K(x) = min over the last instruction of K(before) + its bits
        best = (shortest[source] + cost).masked_fill(never, math.inf).amin(0)  # (2^n,)
        # m(x) = sum over the last instruction of m(before) 2^(-its bits)
        log_mass = ((mass[source] - cost) * math.log(2)).masked_fill(never, -math.inf).logsumexp(0) / math.log(2)
        shortest, mass = torch.cat([shortest, best]), torch.cat([mass, log_mass])
    halt = len(machine.HALT)
    return (shortest + halt).double().numpy(), (halt - mass).double().numpy()


def learn(rng: np.random.Generator, count: int, steps: int) -> report.Report:
    """Weights and pseudo-counts by gradient descent on strings whose order, and whose parameters, were drawn."""
    drawn = np.repeat(ORDERS, np.round(np.array(SHARES) * count).astype(int))
    strings = torch.from_numpy(sources.jeffreys_strings(rng, drawn, LENGTH))
    batch = {"strings": strings, "mask": torch.ones_like(strings, dtype=torch.bool)}
    mixture = model.Model(ORDERS)
    with torch.no_grad():
        mixture.log_pseudo.fill_(math.log(2.0))  # a = 1, Laplace's rule: the 1/2 has to be found
    optimizer = torch.optim.Adam(mixture.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss, priors = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        out = mixture(batch)
        out["loss"].backward()
        optimizer.step()
        scheduler.step()
        loss.append(out["loss"].item())
        priors.append(out["prior"].tolist())
    with torch.no_grad():
        out = mixture(batch)
        # Where dL/d log w = (w - mean posterior) / ln 2 vanishes: w is the mean posterior. Iterating that is EM.
        optimum = torch.full((len(ORDERS),), 1 / len(ORDERS))
        for _ in range(200):
            optimum = (optimum.log() - out["expert_bits"] * math.log(2)).softmax(-1).mean(0)
        pseudo = 0.5 * mixture.log_pseudo.exp()
    x = list(range(1, steps + 1))
    metrics = {
        "bits_per_symbol_start": loss[0] / LENGTH,
        "bits_per_symbol_end": out["loss"].item() / LENGTH,
        "weight_gap_to_optimum": (out["prior"] - optimum).abs().max().item(),
        "weight_gap_to_source": (out["prior"] - torch.tensor(SHARES)).abs().max().item(),
        "learned_pseudo_count": pseudo.mean().item(),
        "learned_pseudo_count_order_0": pseudo[0].mean().item(),
    }
    series = {f"w of order {k}": (x, [prior[k] for prior in priors]) for k in ORDERS}
    series |= {f"share of order {k}": ([1, steps], [share, share]) for k, share in zip(ORDERS, SHARES, strict=True)}
    return metrics, {"learning": Lines("Weights learned by gradient descent", "step", "weight", series)}


@torch.no_grad()
def regret(rng: np.random.Generator, count: int) -> report.Report:
    """Bits above the best parameters in hindsight at growing lengths, KT experts and uniform weights."""
    lengths = 2 ** np.arange(4, int(math.log2(REGRET_LENGTH)) + 1)
    own, mixed, found = [], [], []
    for order in ORDERS:
        chance = rng.uniform(0.15, 0.85, (count, 2**order))
        strings = torch.from_numpy(sources.markov_strings(rng, chance, REGRET_LENGTH))
        out = model.Model(ORDERS)({"strings": strings, "mask": torch.ones_like(strings, dtype=torch.bool)})
        at = torch.from_numpy(lengths - 1)
        bits = -out["predictive"][..., order].log2().cumsum(1)[:, at]  # (count, length)
        mixture_bits = -out["mixture_predictive"].log2().cumsum(1)[:, at]
        best = hindsight_bits(strings, order, lengths)
        own.append((bits - best).mean(0))
        mixed.append((mixture_bits - best).mean(0))
        found.append((out["step_weights"][:, at].argmax(-1) == order).double().mean(0))
    return report.regret_report(lengths, *(torch.stack(rows).double().numpy() for rows in (own, mixed, found)))


def hindsight_bits(strings: Tensor, order: int, lengths: np.ndarray) -> Tensor:
    """Code length under the parameters that fit each prefix best, sum_c n_c h(n_c1 / n_c): (count, length)."""
    cells = F.one_hot(model.context_cells(strings, order), 2 ** (order + 1)).cumsum(1)[:, torch.from_numpy(lengths - 1)]
    counts = cells.unflatten(-1, (2**order, 2)).to(torch.get_default_dtype())  # (count, length, context, 2)
    total = counts.sum(-1, keepdim=True)
    return -(torch.xlogy(counts, counts) - torch.xlogy(counts, total)).sum((-1, -2)) / math.log(2)


def distances(rng: np.random.Generator, count: int, modules: int) -> report.Report:
    """Normalised compression distance among documents of three corpora, then among pieces of modules of one of them."""
    texts = sources.documents(count, DOCUMENT_BYTES, rng)
    labels = np.repeat(np.arange(len(sources.CORPORA)), count)
    distance, nearest = neighbours(texts)
    metrics, figures = report.distance_report(distance, nearest, labels, texts)
    pieces, module = sources.module_pieces(modules, PER_MODULE, DOCUMENT_BYTES, rng)
    return metrics | report.nearest_report("module", neighbours(pieces)[1], module, pieces), figures


def neighbours(texts: list[bytes]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """For each compressor the distances (document, document) and each document's nearest other one (document,)."""
    distance, nearest = {}, {}
    for name, compress in sources.COMPRESSORS.items():
        single, pair = (torch.from_numpy(lengths) for lengths in sources.compressed_lengths(texts, compress))
        # NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y))
        low, high = torch.minimum(single[:, None], single), torch.maximum(single[:, None], single)
        ncd = (pair - low) / high  # (document, document)
        distance[name] = ncd.numpy().copy()
        nearest[name] = ncd.fill_diagonal_(math.inf).argmin(1).numpy()
    return distance, nearest
