"""From arrays, whatever framework computed them, to the metrics and figures that both experiments share."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from s30.corpus import sibling
from s30.vocabulary import Array, Figure, Heatmap, Lines

machine = sibling(__file__, "machine.py")
sources = sibling(__file__, "sources.py")

Report = tuple[dict[str, float], dict[str, Figure]]

EXHAUSTIVE_BITS = 8  # every program whose output has at most so many bits is run, one by one
RECURSION_BITS = 14  # K and m of longer strings come from the recursion over the last instruction
PLAIN_BITS = 16  # every tape of at most so many bits is run in the plain reading: C <= n + 2 of all strings of 14 bits
ZEROS_POWER = 12  # K and m of 0^n for n up to 2^12
MASS_BITS = 1024  # m summed over all strings of n bits, for n up to this


def literal_bits(n: int) -> int:
    """The program that writes n bits as one block: the length that most strings of n bits cannot beat."""
    return len(machine.WRITE + machine.gamma(n) + machine.HALT) + n


def machine_report(complexity: Array, minus_log_mass: Array) -> Report:
    """K and -log2 m of all strings of at most RECURSION_BITS bits, in the order of machine.index."""
    by_length = {n: slice(2**n - 1, 2 ** (n + 1) - 1) for n in range(RECURSION_BITS + 1)}
    gap = complexity - minus_log_mass
    parts = (
        _enumeration(complexity, minus_log_mass),
        _plain_counting(complexity, by_length),
        _prefix_counting(complexity, minus_log_mass, by_length),
        _zeros(complexity, gap, by_length),
    )
    metrics = {name: value for measured, _ in parts for name, value in measured.items()}
    figures = {name: figure for _, drawn in parts for name, figure in drawn.items()}
    return metrics, figures


def _enumeration(complexity: Array, minus_log_mass: Array) -> Report:
    """Every program with an output of at most 8 bits: is it read as it was written, and what are K, m, their gap?"""
    found = list(machine.programs(EXHAUSTIVE_BITS))
    exact, mass = machine.enumerate_complexity(found)
    names = machine.strings(EXHAUSTIVE_BITS)
    few = len(names)
    shortest = np.array([exact[y] for y in names])
    log_mass = np.array([np.log2(float(mass[y])) for y in names])
    gap, eight = shortest + log_mass, slice(2**8 - 1, None)
    total = sum(mass.values())
    # Sum of m over the strings of n bits, once from the programs and once from its own recursion, as fractions
    of_length = [sum(mass[y] for y in names if len(y) == n) for n in range(EXHAUSTIVE_BITS + 1)]
    recursion = machine.mass_by_length(EXHAUSTIVE_BITS, Fraction(1))
    in_order = sorted(program for program, _ in found)
    metrics = {
        "programs_enumerated": float(len(found)),
        "reading_mismatches": float(sum(machine.read(program + "10") != (program, y) for program, y in found)),
        "prefix_violations": float(sum(later.startswith(program) for program, later in pairwise(in_order))),
        "complexity_mismatches": float((complexity[:few] != shortest).sum()),
        "log_mass_error": float(np.abs(minus_log_mass[:few] + log_mass).max()),
        "kraft_sum": float(total),
        "mass_by_length_mismatches": float(sum(a != b for a, b in zip(of_length, recursion, strict=True))),
        "mass_up_to_1024_bits": float(sum(machine.mass_by_length(MASS_BITS))),
        "complexity_zeros_8": float(exact["0" * 8]),
        "complexity_alternating_8": float(exact["01" * 4]),
        "complexity_thue_morse_8": float(exact["01101001"]),
        "incompressible_strings_8": float((shortest[eight] == literal_bits(8)).sum()),
        "coding_gap_max_8": float(gap[eight].max()),
        "complexity_at_the_largest_gap_8": float(shortest[eight][gap[eight].argmax()]),
        "coding_gap_zeros_8": float(gap[eight][0]),
    }
    nibbles = [f"{value:04b}" for value in range(16)]
    near = {n: slice(2**n - 1, 2 ** (n + 1) - 1) for n in range(2, EXHAUSTIVE_BITS + 1, 2)}
    diagonal = np.arange(7.0, 19.01, 0.2).tolist()
    return metrics, {
        "complexity": Heatmap(
            "K(x) of every string of 8 bits",
            shortest[eight].reshape(16, 16),
            nibbles,
            nibbles,
            "last four bits",
            "first four bits",
            annotate=True,
        ),
        "coding": Lines(
            "K(x) against -log2 m(x), all strings of 2, 4, 6 and 8 bits",
            "-log2 m(x)",
            "K(x)",
            {
                **{f"{n} bits": _sorted(-log_mass[at], shortest[at]) for n, at in near.items()},
                "K = -log2 m": (diagonal, diagonal),
            },
            joined=False,
        ),
    }


def _plain_counting(complexity: Array, by_length: dict[int, slice]) -> Report:
    """Fewer than 2^k strings have C(x) < k, and fewer than 2^(n - c) strings of n bits C(x) < n - c."""
    # C(x) = min(K(x) - 2, min over the beginnings u of x of K(u) + the bits after u): HALT is not needed, or names the rest
    literal, plain = complexity[:1], [complexity[:1] - len(machine.HALT)]
    for n in range(1, RECURSION_BITS + 1):
        literal = np.minimum(np.repeat(literal, 2) + 1, complexity[by_length[n]])
        plain.append(np.minimum(complexity[by_length[n]] - len(machine.HALT), literal))
    recursion = np.concatenate(plain)
    every = machine.plain_complexity(PLAIN_BITS)
    found = np.array([every.get(y, PLAIN_BITS + 1) for y in machine.strings(RECURSION_BITS)])
    levels = np.arange(PLAIN_BITS + 2)
    lengths = np.array(list(every.values()))
    below = np.array([(lengths < k).sum() for k in levels])  # of all strings, longer than 14 bits too
    few = [(recursion < k).sum() / 2.0**k for k in levels]
    few += [(recursion[at] < n - c).sum() / 2.0 ** (n - c) for n, at in by_length.items() for c in range(n)]
    metrics = {
        "plain_mismatches": float((recursion != found).sum()),
        "counting_violations": float(sum(ratio >= 1 for ratio in few)),
        "plain_strings_below_16": float(below[16]),
        "plain_strings_below_17": float(below[17]),
        "plain_compressible_14": float((recursion[by_length[14]] < 14).sum()),
    }
    x = levels[1:].tolist()
    series = {
        "2^k": (x, [2.0**k for k in x]),
        "strings with C(x) < k": (x, below[1:].astype(float).tolist()),
        "strings of 14 bits with C(x) < k": _nonzero(
            levels, np.array([(recursion[by_length[14]] < k).sum() for k in levels])
        ),
    }
    title = "Plain reading: how many strings have C(x) < k"
    return metrics, {"counting": Lines(title, "k", "number of strings", series, log_y=True, markers=True)}


def _prefix_counting(complexity: Array, minus_log_mass: Array, by_length: dict[int, slice]) -> Report:
    """#{x of n bits: K(x) <= n + kappa_n - c} <= 2^(n - c), kappa_n = -log2 of the mass of all strings of n bits.

    It follows from N 2^(-k) <= sum 2^(-K(x)) <= sum m(x) = 2^(-kappa_n) over the N strings with K(x) <= k.
    """
    kappa = {n: -np.log2((2.0 ** -minus_log_mass[at]).sum()) for n, at in by_length.items()}
    levels = np.arange(1, int(complexity.max()) + 1)
    count = {n: np.array([(complexity[at] <= k).sum() for k in levels]) for n, at in by_length.items()}
    ratio = {n: (count[n] / 2.0 ** (levels - kappa[n])).max() for n in by_length}
    metrics = {
        "kappa_8": float(kappa[8]),
        "kappa_14": float(kappa[14]),
        "prefix_counting_violations": float(sum(value > 1 for value in ratio.values())),
        "prefix_counting_ratio_8": float(ratio[8]),
        "prefix_counting_ratio_14": float(ratio[14]),
    }
    few = [[float(count[n][k - 1] - (count[n][k - 2] if k > 1 else 0)) or None for n in range(9)] for k in levels[1:19]]
    shown = levels[levels >= 11]
    series = {
        "2^(k - kappa)": (shown.tolist(), (2.0 ** (shown - kappa[14])).tolist()),
        "strings of 14 bits with K(x) <= k": _nonzero(levels, count[14]),
    }
    title = f"Prefix complexity: strings of 14 bits with K(x) <= k, kappa = {kappa[14]:.2f}"
    return metrics, {
        "table": Heatmap(
            "How many strings of each length have each K",
            few,
            [f"{k}" for k in levels[1:19]],
            [f"{n}" for n in range(9)],
            "length of x",
            "K(x)",
            annotate=True,
        ),
        "prefix-counting": Lines(title, "k", "number of strings", series, log_y=True, markers=True),
    }


def _zeros(complexity: Array, gap: Array, by_length: dict[int, slice]) -> Report:
    """K + log2 m is not bounded: K(0^(2^j)) = 2 j + 7, and the gap there is at least (j - 1) log2 1.5."""
    shortest, minus_log_mass = machine.zeros(2**ZEROS_POWER)
    j = np.arange(1, ZEROS_POWER + 1)
    of_powers = (shortest - minus_log_mass)[2**j]
    proved = (j - 1) * np.log2(1.5)
    lengths = np.arange(1, RECURSION_BITS + 1)
    all_zeros = np.array([complexity[by_length[n]][0] for n in lengths])
    floor = 2 * np.log2(lengths) + 6
    metrics = {
        "zeros_mismatches": float((shortest[lengths] != all_zeros).sum()),
        "zeros_not_2j_plus_7": float((shortest[2**j] != 2 * j + 7).sum()),
        "strings_below_2_log_n_plus_6": float(
            sum((complexity[by_length[n]] < bound).sum() for n, bound in zip(lengths, floor, strict=True))
        ),
        "zeros_gap_above_proved_min": float((of_powers - proved).min()),
        "zeros_gap_4096": float(of_powers[-1]),
        "coding_gap_min": float(gap.min()),
        "coding_gap_max_14": float(gap[by_length[14]].max()),
        "coding_gap_mean_7": float(gap[by_length[7]].mean()),
        "coding_gap_mean_8": float(gap[by_length[8]].mean()),
        "coding_gap_mean_14": float(gap[by_length[14]].mean()),
    }
    x = lengths.tolist()
    powers = (2.0**j).tolist()
    series = {
        "largest among the strings of n bits": (x, [float(gap[by_length[n]].max()) for n in x]),
        "mean over the strings of n bits": (x, [float(gap[by_length[n]].mean()) for n in x]),
        "zeros, n = 2^j": (powers, of_powers.tolist()),
        "(log2 n - 1) log2 1.5, proved for them": (powers, proved.tolist()),
    }
    return metrics, {
        "gap": Lines("K(x) + log2 m(x) is not bounded", "length n", "bits", series, log_x=True, markers=True)
    }


def distance_report(
    distances: dict[str, Array], nearest: dict[str, Array], labels: Array, texts: list[bytes]
) -> Report:
    """Leave-one-out accuracy of the nearest neighbour under each compressor's distance (document, document)."""
    names = [
        sources.CORPORA[label] if place == 0 or labels[place - 1] != label else "" for place, label in enumerate(labels)
    ]
    zlib = distances["zlib"]
    shown = [[None if i == j else float(value) for j, value in enumerate(row)] for i, row in enumerate(zlib)]
    figure = Heatmap("Normalised compression distance, zlib", shown, names, names)
    return nearest_report("ncd", nearest, labels, texts), {"distance": figure}


def nearest_report(task: str, nearest: dict[str, Array], labels: Array, texts: list[bytes]) -> dict[str, float]:
    """Accuracy of each compressor's nearest neighbours, and that of the control, which compresses nothing."""
    neighbours = {**nearest, "histogram": sources.nearest_by_histogram(texts)}
    return {f"{task}_accuracy_{name}": float((labels[index] == labels).mean()) for name, index in neighbours.items()}


def regret_report(lengths: Array, regret: Array, mixture: Array, found: Array) -> Report:
    """regret (order, length): mean bits above the best parameters in hindsight, of the expert of the source's own order;
    mixture (order, length): the same of the mixture; found (order, length): share of the strings on which that expert
    has the largest posterior weight.
    """
    late = lengths >= 64
    metrics = {}
    for order, bits in enumerate(regret):
        # regret = (number of parameters) / 2 log2 n + O(1)
        slope = np.polyfit(np.log2(lengths[late]), bits[late], 1)[0]
        metrics[f"regret_slope_order_{order}"] = float(slope / 2**order)
        metrics[f"order_found_{order}"] = float(found[order, -1])
    x = lengths.tolist()
    series = {f"order {order}: own expert": (x, bits.tolist()) for order, bits in enumerate(regret)}
    series |= {f"order {order}: mixture": (x, bits.tolist()) for order, bits in enumerate(mixture)}
    shares = {f"source of order {order}": (x, share.tolist()) for order, share in enumerate(found)}
    return metrics, {
        "regret": Lines(
            "Bits above the best parameters in hindsight",
            "length n",
            "regret in bits",
            series,
            log_x=True,
            markers=True,
        ),
        "order": Lines(
            "The mixture finds the source's order", "length n", "share of strings", shares, log_x=True, markers=True
        ),
    }


def _nonzero(x: Array, count: Array) -> tuple[list[float], list[float]]:
    """The points whose count has a logarithm."""
    return x[count > 0].astype(float).tolist(), count[count > 0].astype(float).tolist()


def _sorted(x: Array, y: Array) -> tuple[list[float], list[float]]:
    order = np.lexsort((y, x))
    return x[order].tolist(), y[order].tolist()
