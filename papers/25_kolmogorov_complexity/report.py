"""From arrays, whatever framework computed them, to the metrics and figures that both experiments share."""

from __future__ import annotations

import numpy as np

from s30.corpus import sibling
from s30.vocabulary import Array, Figure, Heatmap, Lines

machine = sibling(__file__, "machine.py")
sources = sibling(__file__, "sources.py")

Report = tuple[dict[str, float], dict[str, Figure]]

EXHAUSTIVE_BITS = 8  # every program whose output has at most so many bits is run, one by one
RECURSION_BITS = 14  # K and m of longer strings come from the recursion over the last instruction


def literal_bits(n: int) -> int:
    """The program that writes n bits as one block: the length that most strings of n bits cannot beat."""
    return len(machine.WRITE + machine.gamma(n) + machine.HALT) + n


def machine_report(complexity: Array, minus_log_mass: Array) -> Report:
    """K and -log2 m of all strings of at most RECURSION_BITS bits, in the order of machine.index."""
    exact, mass, number = machine.enumerate_complexity(EXHAUSTIVE_BITS)
    names = machine.strings(EXHAUSTIVE_BITS)
    enumerated = np.array([exact[y] for y in names])
    enumerated_log_mass = np.array([-np.log2(float(mass[y])) for y in names])
    few = len(names)
    gap = complexity - minus_log_mass
    by_length = {n: slice(2**n - 1, 2 ** (n + 1) - 1) for n in range(1, RECURSION_BITS + 1)}
    eight = complexity[by_length[8]]

    # #{x in {0,1}^n : K(x) < n - c} against 2^(n-c), for every n and c; and of all strings, K(x) < k against 2^k.
    plain = [(complexity[at] < n - c).sum() / 2 ** (n - c) for n, at in by_length.items() for c in range(n)]
    level = [(complexity < k).sum() / 2**k for k in range(1, int(complexity.max()) + 1)]
    # Prefix complexity: typical strings of n bits cost literal_bits(n), so measure c from there.
    below = {n: [(complexity[at] < literal_bits(n) - c).sum() for c in range(n)] for n, at in by_length.items()}
    typical = [count / 2 ** (n - c) for n, counts in below.items() for c, count in enumerate(counts)]
    longest = RECURSION_BITS
    some = [float(count) for count in below[longest] if count]

    metrics = {
        "programs_enumerated": float(number),
        "complexity_mismatches": float((complexity[:few] != enumerated).sum()),
        "log_mass_error": float(np.abs(minus_log_mass[:few] - enumerated_log_mass).max()),
        "kraft_sum": float(sum(mass.values())),
        "counting_violations": float(sum(ratio >= 1 for ratio in plain + level)),
        "counting_ratio_all_strings": float(max(level)),
        "counting_ratio_same_length": float(max(typical)),
        "coding_gap_max": float(gap[:few].max()),
        "coding_gap_min": float(gap[:few].min()),
        "coding_gap_max_14": float(gap[by_length[14]].max()),
        "coding_gap_mean_8": float(gap[by_length[8]].mean()),
        "coding_gap_mean_14": float(gap[by_length[14]].mean()),
        "complexity_zeros_8": float(eight[0]),
        "complexity_alternating_8": float(eight[0b01010101]),
        "incompressible_share_8": float((eight == literal_bits(8)).mean()),
    }
    nibbles = [f"{value:04b}" for value in range(16)]
    near = [(f"{n} bits", at) for n, at in by_length.items() if n <= EXHAUSTIVE_BITS and n % 2 == 0]
    figures: dict[str, Figure] = {
        "complexity": Heatmap(
            "K(x) of every string of 8 bits",
            eight.reshape(16, 16),
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
            {label: _sorted(minus_log_mass[at], complexity[at]) for label, at in near},
            markers=True,
        ),
        "counting": Lines(
            f"Strings of {longest} bits that save more than c of {literal_bits(longest)} bits",
            "c",
            "number of strings",
            {
                "2^(n - c)": (list(range(longest)), [2.0 ** (longest - c) for c in range(longest)]),
                "K(x) < K of a literal - c": ([c for c, count in enumerate(below[longest]) if count], some),
            },
            log_y=True,
            markers=True,
        ),
    }
    return metrics, figures


def distance_report(distances: dict[str, Array], nearest: dict[str, Array], labels: Array) -> Report:
    """Leave-one-out accuracy of the nearest neighbour under each compressor's distance (document, document)."""
    metrics = {f"ncd_accuracy_{name}": float((labels[index] == labels).mean()) for name, index in nearest.items()}
    names = [
        sources.CORPORA[label] if place == 0 or labels[place - 1] != label else "" for place, label in enumerate(labels)
    ]
    shown = distances["zlib"].copy()
    np.fill_diagonal(shown, (shown + 2 * np.eye(len(shown))).min())  # a document is nearest to itself: not of interest
    figure = Heatmap("Normalised compression distance, zlib, without the diagonal", shown, names, names)
    return metrics, {"distance": figure}


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


def _sorted(x: Array, y: Array) -> tuple[list[float], list[float]]:
    order = np.lexsort((y, x))
    return x[order].tolist(), y[order].tolist()
