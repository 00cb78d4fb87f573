r"""Written dates translated to ISO 8601 by the room's Transformer, four things taken away from it, and a control; and what
1/sqrt(d_k) does to the softmax of random queries and keys.

    whole               encoder and decoder as in the paper                                        section 6.1, a proxy
    encoder_positions   PE is added to the source alone                                            sections 3.2.3 and 3.5
    decoder_positions   PE is added to the target alone                                            section 3.5
    no_positions        PE is left out of sqrt(d_model) E[token] + PE                              section 3.5
    no_mask             every target position attends to every other                               section 3.2.3
    shuffled            the whole model, trained on targets that belong to other sources           the control
    scaling             entropy and Jacobian of softmax(Q K^T), with and without 1/sqrt(d_k)       section 3.2.1, footnote 4

Training is Adam with the paper's betas and epsilon (section 5.3). The rate rises linearly to its peak during the warm-up and
falls linearly to zero: some hundred updates leave no time for the paper's inverse square root.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
dates = sibling(__file__, "dates.py")
figures = sibling(__file__, "figures.py")

SIZES = {"vocabulary": len(dates.TOKENS), "d_model": 64, "d_ff": 64, "heads": 4, "layers": 1, "smoothing": 0.1}
NETS: dict[str, dict[str, bool]] = {  # what is switched off in each
    "whole": {},
    "encoder_positions": {"decoder_positions": False},
    "decoder_positions": {"encoder_positions": False},
    "no_positions": {"encoder_positions": False, "decoder_positions": False},
    "no_mask": {"causal": False},
    "shuffled": {},
}
# Seeds, updates, held-out dates. Where a theorem or a control gives the bound, half the updates must do.
PROFILES = {"quick": (1, 280, 256), "full": (3, 400, 400)}
HALF = ("decoder_positions", "no_positions", "no_mask", "shuffled")
BATCH, PEAK, BETAS, EPSILON = 16, 8e-3, (0.9, 0.98), 1e-9
WIDTHS, KEYS, SAMPLES = (4, 16, 64, 256), 32, 32  # of the softmax: d_k, keys of each query, groups of them
FROZEN = 0.01  # a gradient that is none

NAMES = {
    "whole": "the whole model",
    "encoder_positions": "the model with positions in the encoder alone",
    "decoder_positions": "the model with positions in the decoder alone",
    "no_positions": "the model without positions",
    "no_mask": "the model without the causal mask",
    "shuffled": "the whole model, trained on shuffled targets",
}
METRICS = {
    **{
        f"exact_match_{net}": Metric(f"share of held-out dates that {name} writes without an error", "share", "seeds", net, "high",
                                     spread=0.05 if net == "whole" else 0.15)
        for net, name in NAMES.items() if net != "shuffled"
    },
    **{
        f"token_accuracy_{net}": Metric(f"share of held-out tokens that {name} names, given those before", "share", "seeds", net,
                                        "high", control=net == "shuffled", spread=0.05)
        for net, name in NAMES.items()
    },
    **{
        f"loss_above_floor_{net}": Metric(f"teacher-forced loss of {name} on held-out dates, less the entropy of a smoothed target",
                                          "nats per token", "seeds", net, "low", spread=0.1)
        for net, name in NAMES.items() if net != "shuffled"
    },
    "token_accuracy_no_mask_wrong_sources": Metric(
        "the same of the model without the causal mask, where each target is read beside the source of another date", "share", "seeds",
        "no_mask", spread=0.1,
    ),
    "sources_of_their_own": Metric("share of targets that still stand beside their own date's source there", "share", "seeds"),
    "rarest_format": Metric(f"share of held-out dates that are written in the rarest of the {dates.STYLES} formats", "share", "seeds"),
    "held_out_dates_seen": Metric("share of held-out dates that are trained on, in whatever format", "share", "seeds", good="low"),
    "exact_match_of_bags": Metric("exact match that no reader of bags of source tokens exceeds, over all dates in all formats", "share"),
    "token_accuracy_of_bags": Metric("token accuracy that no such reader exceeds", "share"),
    "loss_of_bags": Metric("loss above its floor that no such reader gets below", "nats per token"),
    "token_accuracy_without_source": Metric("token accuracy that none exceeds who reads no source", "share"),
    "attention_to_last_year_digit": Metric(
        "share of held-out dates in which the whole model's cross-attention, averaged over heads, is greatest at the source's last "
        "digit of the year where this digit is written", "share", "seeds", "whole", "high", spread=0.1,
    ),
    "attention_to_month_name_units": Metric(
        "the same for the month's name, where it has one, and the month's second digit", "share", "seeds", "whole", "high", spread=0.4,
    ),
    "attention_to_own_digit": Metric("the same in dates that write the month as a number, for the digits of month and day", "share",
                                     "seeds", "whole", "high", spread=0.2),
    "entropy_expected": Metric(f"mean entropy of the softmax of {KEYS} independent standard normal scores, by quadrature", "nats"),
    **{
        f"entropy_{name}": Metric(f"mean entropy of a query's attention to {KEYS} keys, d_k = 256, {what}", "nats", spread=1e-9)
        for name, what in (("scaled", "scores over sqrt(d_k)"), ("unscaled", "scores as they are"))
    },
    **{
        f"softmax_gradient_{name}": Metric(f"median over queries of the Frobenius norm of d weights / d scores, {name}", "1", spread=1e-9)
        for name in ("scaled", "unscaled")
    },
    **{
        f"frozen_{name}": Metric(f"share of queries in which that norm is below {FROZEN}, {name}", "share")
        for name in ("scaled", "unscaled")
    },
    "entropy_ratio": Metric("mean entropy, unscaled over scaled", "1", spread=1e-9),
    "softmax_gradient_ratio": Metric("median norm of d weights / d scores, unscaled over scaled", "1", spread=1e-9),
    "query_gradient_mean_ratio": Metric(
        "mean norm of d weights / d query, which has the factor sqrt(d_k), unscaled over scaled", "1", spread=1e-9,
    ),
    "query_gradient_median_ratio": Metric("its median, unscaled over scaled", "1", spread=1e-9),
}  # fmt: skip


def switches(net: str) -> dict[str, Any]:
    """The configuration of a net: what `Model` and `forward` are built with."""
    return {**checks.CONFIG, **SIZES, **NETS[net]}


def initial(rng: np.random.Generator) -> dict[str, Array]:
    """Parameters by name: weights by Glorot's uniform rule, biases zero, gains one.

    The entries of sqrt(d_model) E get the standard deviation 1/2, so that at first the positions speak louder.
    """

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "embedding.weight":
            return rng.normal(0, 0.5 / np.sqrt(shape[1]), shape)
        if len(shape) == 2:
            return rng.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))
        return np.full(shape, float("norm.weight" in name))

    return {name: draw(name, shape) for name, shape in checks.shapes(**SIZES).items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """With a `target_input` the logits (date, target, vocabulary) and the cross-attention (date, layer, head, target, source)
    under teacher forcing; without, the tokens that greedy decoding writes (date, target)."""
    config, source_mask = switches(net), inputs["source_mask"]
    memory, _ = checks.encode(params, inputs["source"], source_mask, {}, **config)

    def decode(target: Array) -> tuple[Array, Array]:
        known = np.ones_like(target, dtype=bool)
        logits, _, aligned = checks.decode(params, target, known, memory, source_mask, {}, **config)
        return logits, aligned

    if "target_input" in inputs:
        logits, aligned = decode(inputs["target_input"])
        return {"logits": logits, "cross_attention": aligned}
    written = np.full((len(memory), 1), dates.IDS[dates.START])
    for _ in range(
        dates.TARGET_LENGTH
    ):  # each token is the most probable one, given the source and those written so far
        logits, _ = decode(written)
        written = np.concatenate([written, logits[:, -1:].argmax(-1)], 1)
    return {"written": written[:, 1:]}


def softmax_statistics(queries: list[Array], keys: list[Array]) -> dict[str, Array]:
    """For queries and keys (sample, KEYS, d_k) of several d_k, (d_k, scaled or not, query):

    entropy          -sum_k a_k log a_k of the attention weights a
    score_gradient   Frobenius norm of d a / d scores = diag(a) - a a^T
    query_gradient   Frobenius norm of d a / d query = J K, J = diag(a) - a a^T, over sqrt(d_k) where the scores are:
                     its square is tr(J K K^T J^T)
    """
    found: dict[str, list[Array]] = {"entropy": [], "score_gradient": [], "query_gradient": []}
    everywhere = np.ones((1, KEYS), dtype=bool)
    for query, key in zip(queries, keys, strict=True):
        for scaled in (True, False):
            _, a = checks.attention(query, key, key, everywhere, scaled)  # (sample, query, key)
            jacobian = a[..., None] * np.eye(KEYS) - a[..., :, None] * a[..., None, :]
            products = key @ key.swapaxes(-1, -2) / (key.shape[-1] if scaled else 1)  # K K^T, (sample, key, key)
            square = (jacobian * (jacobian @ products[:, None])).sum((-2, -1))
            found["entropy"].append(-(a * np.log(np.where(a > 0, a, 1))).sum(-1).ravel())
            found["score_gradient"].append(np.sqrt((jacobian**2).sum((-2, -1))).ravel())
            found["query_gradient"].append(np.sqrt(np.maximum(square, 0)).ravel())
    return {name: np.stack(rows).reshape(len(queries), 2, -1) for name, rows in found.items()}


def expected_entropy(keys: int, variance: float = 1.0) -> float:
    """E H of the softmax of independent normal scores s, in nats. With Z = sum exp(s) and weights p,

    E H = E log Z - E sum p s,  E sum p s = variance (1 - E sum p^2)     (Stein: E s f(s) = variance E f'(s)),
    E log Z = int (exp(-t) - phi^keys) dt / t,  phi = E exp(-t exp(s)),
    E sum p^2 = keys int t psi phi^(keys - 1) dt,  psi = E exp(2 s) exp(-t exp(s)).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights, growth = weights / weights.sum(), np.exp(np.sqrt(variance) * nodes)
    log_t, step = np.linspace(-30, 12, 2001, retstep=True)
    t = np.exp(log_t)  # dt = t d(log t)
    decay = np.exp(-np.outer(t, growth))  # (t, node)
    phi, psi = decay @ weights, decay @ (weights * growth**2)
    log_sum = ((np.exp(-t) - phi**keys) * step).sum()
    squares = keys * (t**2 * psi * phi ** (keys - 1) * step).sum()
    return float(log_sum - variance * (1 - squares))


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, updates, held_out = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    losses: dict[str, list[Array]] = {net: [] for net in NETS}
    floor = -_log_likelihood(np.log(_smoothed(0)), 0)
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([13, s])
        train, test = dates.split(rng, BATCH * updates, held_out)
        start, shuffle = initial(rng), rng.permutation(BATCH * updates)
        known = {row.tobytes() for row in train["target_output"]}
        metrics["held_out_dates_seen"].append(float(np.mean([row.tobytes() in known for row in test["target_output"]])))
        styles = np.bincount(dates.styles_of(test["source"]), minlength=dates.STYLES)
        metrics["rarest_format"].append(float(styles.min() / held_out))
        shuffled = {**train, **{name: train[name][shuffle] for name in ("target_input", "target_output")}}
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {NAMES[net]}")
            length = updates // 2 if net in HALF else updates
            order = np.arange(BATCH * length).reshape(length, BATCH)
            rates = linear_decay(PEAK, length, warm_up=length // 2)
            trained = framework.train(Training(net, start, shuffled if net == "shuffled" else train, order, rates))
            losses[net].append(trained.losses)
            source = {name: test[name] for name in ("source", "source_mask")}
            answer = framework.predict(net, trained.params, {**source, "target_input": test["target_input"]})
            found = {"token_accuracy": _accuracy(answer["logits"], test)}
            if net != "shuffled":
                found["loss_above_floor"] = -_log_likelihood(answer["logits"], test["target_output"]) - floor
                written = framework.predict(net, trained.params, source)["written"]
                found["exact_match"] = (written == test["target_output"]).all(1).mean()
            for name, value in found.items():
                metrics[f"{name}_{net}"].append(float(value))
            if net == "no_mask":  # who reads the answer needs no source
                wrong = {name: np.roll(value, 1, axis=0) for name, value in source.items()}
                answer = framework.predict(net, trained.params, {**wrong, "target_input": test["target_input"]})
                metrics["token_accuracy_no_mask_wrong_sources"].append(_accuracy(answer["logits"], test))
                metrics["sources_of_their_own"].append(float((wrong["source"] == test["source"]).all(1).mean()))
            if net == "whole":
                for name, value in dates.attention_shares(test, answer["cross_attention"]).items():
                    metrics[name].append(value)
                shown = test, answer["cross_attention"]  # of the last seed
    bags, nothing = (dates.limits(of_bags, SIZES["smoothing"]) for of_bags in (True, False))
    metrics |= {"exact_match_of_bags": bags.exact_match, "token_accuracy_of_bags": bags.token_accuracy}
    metrics |= {"loss_of_bags": bags.loss - floor, "token_accuracy_without_source": nothing.token_accuracy}
    framework.progress(0.95, "softmax with and without 1/sqrt(d_k)")
    statistics = scaling(seed, framework)
    metrics |= summarised(statistics)
    return Experiment(metrics, figures.drawn(metrics, losses, floor, WIDTHS, statistics, *shown))


def _accuracy(logits: Array, test: Arrays) -> float:
    """Share of tokens that are the most probable."""
    return float((logits.argmax(-1) == test["target_output"]).mean())


def _smoothed(label: int) -> Array:
    """q = (1 - eps) onehot(label) + eps / vocabulary."""
    words, epsilon = SIZES["vocabulary"], SIZES["smoothing"]
    return (1 - epsilon) * np.eye(words)[label] + epsilon / words


def _log_likelihood(logits: Array, labels: Any) -> float:
    """Mean over tokens of sum_k q_k log p_k, in nats: minus the loss."""
    targets = _smoothed(labels)  # (..., vocabulary)
    return float((targets * checks.log_softmax(logits)).sum(-1).mean())


def scaling(seed: int, framework: Framework) -> dict[str, Array]:
    """Statistics of independent standard normal queries and keys, as in footnote 4, by d_k in WIDTHS: each (d_k, 2, query)."""
    rng = np.random.default_rng([13, seed, 1])
    queries, keys = ([rng.standard_normal((SAMPLES, KEYS, d_k)) for d_k in WIDTHS] for _ in range(2))
    return framework.ask("softmax_statistics", queries, keys)


def summarised(statistics: Arrays) -> dict[str, float]:
    """The metrics of d_k = 256."""
    entropy, score, query = (
        statistics[name][WIDTHS.index(256)] for name in ("entropy", "score_gradient", "query_gradient")
    )
    found = {"entropy_expected": expected_entropy(KEYS)}
    for row, name in enumerate(("scaled", "unscaled")):
        found[f"entropy_{name}"] = float(entropy[row].mean())
        found[f"softmax_gradient_{name}"] = float(np.median(score[row]))
        found[f"frozen_{name}"] = float((score[row] < FROZEN).mean())
    for name in ("entropy", "softmax_gradient"):
        found[f"{name}_ratio"] = found[f"{name}_unscaled"] / found[f"{name}_scaled"]
    found["query_gradient_mean_ratio"] = float(query[1].mean() / query[0].mean())
    found["query_gradient_median_ratio"] = float(np.median(query[1]) / np.median(query[0]))
    return found
