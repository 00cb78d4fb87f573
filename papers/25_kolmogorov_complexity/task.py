r"""What the theory predicts, measured: data, starts, what is asked of a framework, metrics.

    weights      gradient descent on the mixture's bits, from equal weights and Laplace's pseudo-count 1
    regret       bits of the expert of order k above the best parameters in hindsight: 2^k / 2 log2 n + O(1)
    machine      K(x) = min over programs, m(x) = sum over programs of 2^(-length), of all strings of at most 14 bits
    neighbours   NCD(x, y) = (C(xy) - min(C(x), C(y))) / max(C(x), C(y)), C the length after compression
    controls     fair coins, which no code can shorten; labels in random order

A framework trains and predicts the mixture, and computes the recursion for K and m and the distances. What is the same for
both, the programs that are run one by one and the compressors, stands here and in the files beside.
"""

from __future__ import annotations

import math

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, cosine_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
complexity = sibling(__file__, "complexity.py")
estimates = sibling(__file__, "estimates.py")
figures = sibling(__file__, "figures.py")
machine = sibling(__file__, "machine.py")
sources = sibling(__file__, "sources.py")

ORDERS = (0, 1, 2)
SHARES = (0.5, 0.3, 0.2)  # of the orders among the sources whose strings teach the weights
SIZES = {  # strings and steps for learning; strings per order for regret; documents per corpus; modules, and choices of them
    "quick": {"strings": 900, "steps": 72, "regret": 300, "documents": 24, "modules": 16, "choices": 4},
    "full": {"strings": 3000, "steps": 120, "regret": 1000, "documents": 24, "modules": 40, "choices": 4},
}
LENGTH, REGRET_LENGTH, DOCUMENT_BYTES, PER_MODULE = 64, 1024, 4096, 4
EXHAUSTIVE_BITS = 8  # every program whose output has at most so many bits is run, one by one
RECURSION_BITS = 14  # K and m of longer strings come from the recursion over the last instruction
PLAIN_BITS = 16  # every tape of at most so many bits is run in the plain reading
ZEROS_POWER = 10  # K and m of 0^n for n up to 2^10
SHUFFLES = 200

METRICS = {
    "held_out_bits_start": Metric(
        "code length of new strings, twice as long as those learnt from, under the starting parameters",
        "bits per symbol",
        spread=1e-9,
    ),
    "held_out_bits_end": Metric(
        "code length of the same strings under the learned parameters",
        "bits per symbol",
        good="low",
        model="mixture",
        spread=1e-5,
    ),
    "fair_coin_bits": Metric(
        "code length of fair coins under the learned mixture: 1 is chance, and the least possible",
        "bits per symbol",
        good="low",
        control=True,
        spread=1e-5,
    ),
    "weight_gap_to_optimum": Metric(
        "largest distance of a learned weight from the mean posterior, where the gradient vanishes",
        "weight",
        good="low",
        spread=1e-4,
    ),
    "weight_gap_to_source": Metric(
        "largest distance of a learned weight from the share of sources of that order",
        "weight",
        good="low",
        spread=1e-4,
    ),
    "learned_pseudo_count": Metric(
        "mean of the six learned pseudo-counts; 1/2 is Krichevsky and Trofimov's",
        "count",
        spread=5e-4,
    ),
    **{
        f"regret_slope_order_{k}": Metric(
            f"bits of regret per doubling of the length, per parameter of order {k}: 1/2 is predicted",
            "bits",
            spread=1e-9,
        )
        for k in ORDERS
    },
    **{
        f"order_found_{k}": Metric(
            f"strings from a source of order {k} on which that expert has the largest weight after 1,023 bits",
            "share",
            good="high",
            spread=1e-9,
        )
        for k in ORDERS
    },
    "kraft_sum_8": Metric(
        "sum of 2^(-length) over all 227,127 programs whose output has at most 8 bits",
        "probability",
    ),
    "complexity_mismatches": Metric(
        "strings of at most 8 bits whose K by the framework's recursion is not that of the enumeration",
        "strings",
        good="low",
    ),
    "incompressible_8": Metric("strings of 8 bits without a program shorter than the literal one, of 256", "strings"),
    "thue_morse_8": Metric("K(01101001)", "bits"),
    "coding_gap_8": Metric("largest K + log2 m among the strings of 8 bits", "bits", spread=1e-9),
    "coding_gap_14": Metric("largest K + log2 m among the strings of 14 bits", "bits", spread=1e-9),
    "zeros_gap_1024": Metric("K + log2 m of 1,024 zeros", "bits"),
    "prefix_ratio_14": Metric(
        "largest share that the strings of 14 bits with K <= k take of the bound 2^(k - kappa), kappa = "
        "-log2 of their mass",
        "share",
        spread=1e-9,
    ),
    "plain_below_16": Metric(
        "strings with C < 16 in the plain reading, of fewer than 65,536 that the counting bound allows",
        "strings",
    ),
    "plain_compressible_14": Metric("strings of 14 bits with C < 14", "strings"),
    "mass_up_to_1024": Metric(
        "sum of m over all strings of at most 1,024 bits; over all strings it is 1/2",
        "probability",
    ),
    "corpus_accuracy": Metric(
        "documents whose nearest neighbour by compression distance is of the same of three corpora, for "
        "the worst of three compressors",
        "share",
        good="high",
        model="compression",
    ),
    "corpus_accuracy_bytes": Metric(
        "documents of the same corpus as their nearest neighbour by how often each byte occurs (Hellinger)",
        "share",
        good="high",
        model="bytes",
    ),
    "corpus_accuracy_shuffled": Metric(
        f"corpus_accuracy of zlib with labels in random order, mean of {SHUFFLES}: chance is a little below 1/3",
        "share",
        good="high",
        control=True,
    ),
    "closest_documents": Metric(
        "smallest compression distance (zlib) between two documents: near 0 where one repeats the other",
        "distance",
        spread=1e-12,
    ),
    "module_accuracy": Metric(
        "pieces of Python source of the same module as their nearest neighbour by compression distance (zlib); "
        "mean of four choices of modules",
        "share",
        good="high",
        model="compression",
    ),
    "module_accuracy_bytes": Metric(
        "pieces of the same module as their nearest neighbour by how often each byte occurs",
        "share",
        good="high",
        model="bytes",
    ),
    "module_accuracy_bigrams": Metric(
        "pieces of the same module as their nearest neighbour by how often each pair of bytes occurs: a rival "
        "that compresses nothing",
        "share",
        good="high",
        model="bigrams",
    ),
    "closest_pieces": Metric(
        "smallest compression distance (zlib) between two pieces, over all choices of modules",
        "distance",
        spread=1e-12,
    ),
}


# --- references ---


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """All outputs of spec.md but the loss, for `strings` (batch, time) that fill their rows."""
    strings = inputs["strings"]
    batch = {"strings": strings, "mask": np.ones(strings.shape, dtype=bool)}
    outputs: dict[str, Array] = checks.forward(params, batch, orders=ORDERS)
    return {name: value for name, value in outputs.items() if name != "loss"}


def complexities(max_bits: int) -> dict[str, Array]:
    """K and -log2 m of every string of at most `max_bits` bits, by machine.index: of the first 511 by running every program."""
    found, minus_log_mass = complexity.by_recursion(max_bits)
    exact, mass = complexity.enumerated(EXHAUSTIVE_BITS)
    names = machine.strings(EXHAUSTIVE_BITS)
    found[: len(names)] = [exact[y] for y in names]
    minus_log_mass[: len(names)] = [-math.log2(mass[y]) for y in names]
    return {"complexity": found, "minus_log_mass": minus_log_mass}


def neighbours(single: Array, pair: Array) -> dict[str, Array]:
    """Compression distances (document, document), and each document's nearest other one (document,)."""
    distance = np.array([[(xy - min(x, y)) / max(x, y) for y, xy in zip(single, row)] for x, row in zip(single, pair)])
    others = np.where(np.eye(len(single), dtype=bool), np.inf, distance)
    return {"distance": distance, "nearest": others.argmin(1)}


# --- the experiment ---


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    rng, sizes = np.random.default_rng([25, seed]), SIZES[profile]
    metrics: dict[str, float] = {}
    drawn: dict[str, figures.Figure] = {}
    parts = (
        (0.0, "learning the weights", lambda: learning(framework, rng, sizes["strings"], sizes["steps"])),
        (0.4, "regret", lambda: regrets(framework, rng, sizes["regret"])),
        (0.6, "the machine", lambda: tables(framework)),
        (0.7, "compressing pairs of documents", lambda: distances(framework, rng, sizes)),
    )  # fmt: skip
    for share, text, part in parts:
        framework.progress(share, text)
        measured, figure = part()
        metrics |= measured
        drawn |= figure
    return Experiment({name: float(value) for name, value in metrics.items()}, drawn)


Part = tuple[dict[str, float], dict[str, "figures.Figure"]]


def learning(framework: Framework, rng: np.random.Generator, count: int, steps: int) -> Part:
    """Weights and pseudo-counts learned from strings whose order, and whose parameters, were drawn."""
    orders = np.repeat(ORDERS, np.round(np.array(SHARES) * count).astype(int))
    strings = sources.jeffreys_strings(rng, orders, LENGTH)
    longer = {"strings": sources.jeffreys_strings(rng, orders, 2 * LENGTH)}
    # a = 1, Laplace's rule: the 1/2 has to be found
    start = {"log_weights": np.zeros(len(ORDERS)), "log_pseudo": np.full((len(ORDERS), 2), math.log(2.0))}
    every = np.tile(np.arange(count)[::-1], (steps, 1))  # not in the order of `strings`: no loop may take it for that
    kept = list(range(3, steps + 1, 3))
    trained = framework.train(
        Training("mixture", start, {"strings": strings}, every, cosine_decay(0.05, steps), keep=kept)
    )
    out = predict("mixture", trained.params, {"strings": strings})
    before, after = (framework.predict("mixture", params, longer) for params in (start, trained.params))
    coins = framework.predict("mixture", trained.params, {"strings": rng.integers(0, 2, (count, 2 * LENGTH))})
    optimum = estimates.best_weights(out["expert_bits"])
    weights = {0: start["log_weights"], **{at: params["log_weights"] for at, params in trained.kept.items()}}
    return {
        "held_out_bits_start": before["mixture_bits"].mean() / (2 * LENGTH),
        "held_out_bits_end": after["mixture_bits"].mean() / (2 * LENGTH),
        "fair_coin_bits": coins["mixture_bits"].mean() / (2 * LENGTH),
        "weight_gap_to_optimum": np.abs(out["prior"] - optimum).max(),
        "weight_gap_to_source": np.abs(out["prior"] - SHARES).max(),
        "learned_pseudo_count": 0.5 * np.exp(trained.params["log_pseudo"]).mean(),
    }, figures.learning({at: checks.softmax(value) for at, value in weights.items()}, SHARES)


def regrets(framework: Framework, rng: np.random.Generator, count: int) -> Part:
    """Bits above the best parameters in hindsight at growing lengths; Krichevsky and Trofimov's experts, equal weights."""
    even = {"log_weights": np.zeros(len(ORDERS)), "log_pseudo": np.zeros((len(ORDERS), 2))}
    lengths = 2 ** np.arange(4, int(math.log2(REGRET_LENGTH)) + 1)
    late, metrics = lengths >= 64, {}
    own, mixed = [], []
    for order in ORDERS:
        strings = sources.markov_strings(rng, rng.uniform(0.15, 0.85, (count, 2**order)), REGRET_LENGTH)
        out = framework.predict("mixture", even, {"strings": strings})
        best = estimates.hindsight_bits(strings, order, lengths)  # (count, length)
        own.append((-np.log2(out["predictive"][..., order]).cumsum(1)[:, lengths - 1] - best).mean(0))
        mixed.append((-np.log2(out["mixture_predictive"]).cumsum(1)[:, lengths - 1] - best).mean(0))
        # regret = (number of parameters) / 2 log2 n + O(1)
        slope = np.polyfit(np.log2(lengths[late]), own[-1][late], 1)[0]
        metrics[f"regret_slope_order_{order}"] = slope / 2**order
        metrics[f"order_found_{order}"] = (out["step_weights"][:, -1].argmax(-1) == order).mean()
    return metrics, figures.regret(lengths, own, mixed)


def tables(framework: Framework) -> Part:
    """K and m of all strings of at most 14 bits from the framework, against every program that is run one by one."""
    answer = framework.ask("complexities", RECURSION_BITS)
    found, minus_log_mass = answer["complexity"], answer["minus_log_mass"]
    gap, at = found - minus_log_mass, {n: slice(2**n - 1, 2 ** (n + 1) - 1) for n in range(RECURSION_BITS + 1)}
    exact, mass = complexity.enumerated(EXHAUSTIVE_BITS)
    plain, tapes = complexity.plain(found), np.array(list(complexity.of_every_tape(PLAIN_BITS).values()))
    # N 2^(-k) <= sum 2^(-K(x)) <= 2^(-kappa) over the N strings of n bits with K(x) <= k
    kappa, levels = -np.log2((2.0 ** -minus_log_mass[at[14]]).sum()), np.arange(1, 27)
    ratios = np.array([(found[at[14]] <= k).sum() / 2.0 ** (k - kappa) for k in levels])
    shortest, zeros_log_mass = complexity.zeros(2**ZEROS_POWER)
    literal = len(machine.WRITE + machine.gamma(8) + machine.HALT) + 8
    metrics = {
        "kraft_sum_8": float(sum(mass.values())),
        "complexity_mismatches": sum(found[machine.index(y)] != bits for y, bits in exact.items()),
        "incompressible_8": (found[at[8]] == literal).sum(),
        "thue_morse_8": found[machine.index("01101001")],
        "coding_gap_8": gap[at[8]].max(),
        "coding_gap_14": gap[at[14]].max(),
        "zeros_gap_1024": (shortest - zeros_log_mass)[-1],
        "prefix_ratio_14": ratios.max(),
        "plain_below_16": (tapes < 16).sum(),
        "plain_compressible_14": (plain[at[14]] < 14).sum(),
        "mass_up_to_1024": sum(complexity.mass_by_length(1024)),
    }
    return metrics, figures.machine(found, minus_log_mass, at, tapes, shortest - zeros_log_mass)


def distances(framework: Framework, rng: np.random.Generator, sizes: dict[str, int]) -> Part:
    """Leave-one-out nearest neighbours among documents of three corpora, then among pieces of modules of one of them."""
    texts = sources.documents(sizes["documents"], DOCUMENT_BYTES, rng)
    labels = np.repeat(np.arange(len(sources.CORPORA)), sizes["documents"])
    corpus, distance, nearest = accuracies(framework, texts, labels, list(sources.COMPRESSORS))
    # One choice of 16 modules tells the difference between two ways to a twelfth, four to a twenty-fifth.
    found = []
    for _ in range(sizes["choices"]):
        pieces, module = sources.module_pieces(sizes["modules"], PER_MODULE, DOCUMENT_BYTES, rng)
        found.append(accuracies(framework, pieces, module, ["zlib"]))
    among = {name: float(np.mean([shares[name] for shares, _, _ in found])) for name in found[0][0]}
    orders = [rng.permutation(labels) for _ in range(SHUFFLES)]
    metrics = {
        "corpus_accuracy": min(corpus[name] for name in sources.COMPRESSORS),
        "corpus_accuracy_bytes": corpus["bytes"],
        "corpus_accuracy_shuffled": np.mean([(shuffled[nearest] == shuffled).mean() for shuffled in orders]),
        "closest_documents": estimates.closest(distance),
        "module_accuracy": among["zlib"],
        "module_accuracy_bytes": among["bytes"],
        "module_accuracy_bigrams": among["bigrams"],
        "closest_pieces": min(estimates.closest(apart) for _, apart, _ in found),
    }
    chance = [(same - 1) / (len(all_) - 1) for same, all_ in ((sizes["documents"], texts), (PER_MODULE, pieces))]
    return metrics, figures.neighbours(distance, labels, corpus, among, *chance)


def accuracies(
    framework: Framework, texts: list[bytes], labels: Array, compressors: list[str]
) -> tuple[dict[str, float], Array, Array]:
    """By distance the share of texts whose nearest other one has their label; zlib's distances and nearest ones."""
    found = {
        name: framework.ask("neighbours", *sources.compressed_lengths(texts, sources.COMPRESSORS[name]))
        for name in compressors
    }
    nearest = {name: answer["nearest"] for name, answer in found.items()}
    for name, size in (("bytes", 1), ("bigrams", 2)):
        rival = sources.gram_distances(texts, size)
        np.fill_diagonal(rival, np.inf)
        nearest[name] = rival.argmin(1)
    shares = {name: float((labels[index] == labels).mean()) for name, index in nearest.items()}
    return shares, found["zlib"]["distance"], nearest["zlib"]
