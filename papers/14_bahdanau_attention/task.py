r"""Number words translated into digits by RNNsearch, by the fixed-vector model, and by an RNNsearch
whose training knew short sentences alone.

    search         RNNsearch, trained on numbers of up to 14 words, the longest there are       as RNNsearch-50
    fixed          no search: the context is [h>_T; h<_1]; more parameters than search          as RNNencdec-50
    search_short   RNNsearch, trained on numbers of up to 8 words                               as RNNsearch-30
    shuffled       RNNsearch, trained on targets that belong to other sources                   the control

Asked is what greedy decoding writes, by the number of words in the source (figure 2), and where the alignment is greatest
(figure 3). Training is Adam, the norm of the gradient cut at 1 as in B.2, and a rate that rises for a tenth of the updates and falls
linearly to zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
numerals = sibling(__file__, "numerals.py")
figures = sibling(__file__, "figures.py")

SIZES = {
    "source_words": len(numerals.WORDS),
    "target_words": len(numerals.SIGNS),
    "embedding": 16,
    "alignment": 32,
    "maxout": 24,
}
NETS: dict[str, dict[str, Any]] = {
    "search": {"hidden": 32, "search": True},
    "fixed": {"hidden": 35, "search": False},
    "search_short": {"hidden": 32, "search": True},
    "shuffled": {"hidden": 32, "search": True},
}
SHORT = 8  # words in the longest sentence that search_short is trained on
BINS = ((1, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14))  # of held-out sentences, by their words
EASY, BEYOND, LONG = BINS[:1], BINS[3:4], BINS[4:]
# Seeds, updates, held-out numbers for each bin. The control has a fifth of the updates.
PROFILES = {"quick": (1, 220, 100), "full": (3, 600, 200)}
BATCH, PEAK, CLIP, BETAS, EPSILON = 48, 2e-2, 1.0, (0.9, 0.98), 1e-8

NAMES = {
    "search": "the model that searches",
    "fixed": "the model with a fixed vector",
    "search_short": f"the model that searches, trained on up to {SHORT} words",
}
PARTS = {
    "easy": (EASY, "1 to 4 words"),
    "beyond": (BEYOND, "9 or 10 words"),
    "long": (LONG, "11 to 14 words"),
    "all": (BINS, "all lengths alike"),
}
METRICS = {
    **{
        f"exact_{part}_{net}": Metric(f"share of held-out numbers of {words} that {name} writes without an error", "share", "seeds",
                                      net, "high", spread=0.2)
        for part, (_, words) in PARTS.items() for net, name in NAMES.items()
    },
    "parameters_ratio": Metric("parameters of the model with a fixed vector over those of the model that searches", "1"),
    "aligned": Metric("share of digits with a word of their own that are written while the alignment is greatest at this word", "share",
                      "seeds", "search", "high", spread=0.2),
    "well_placed": Metric("share of these digits whose word can state them, looked at by itself", "share", "seeds"),
    "aligned_in_proportion": Metric("the same for whoever looks along the source in proportion to the place in the target", "share",
                                    "seeds"),
    "forwards": Metric("share of pairs of such digits, one after the other and in different words, between which the greatest alignment "
                       "moves forwards", "share", "seeds", "search", "high", spread=0.2),
    "loss_shuffled": Metric("loss on held-out numbers of the model trained on shuffled targets", "nats per sign", "seeds", "shuffled",
                            "low", control=True, spread=0.05),
    "loss_search": Metric("the same of the model that searches", "nats per sign", "seeds", "search", "low", spread=0.1),
    "loss_without_source": Metric("the least that is expected of a model that does not read the source", "nats per sign"),
    "held_out_numbers_seen": Metric("share of held-out numbers that are trained on", "share", "seeds", good="low"),
}  # fmt: skip


def switches(net: str) -> dict[str, Any]:
    """The configuration of a net: what `Model` and `forward` are built with."""
    return {**checks.CONFIG, **SIZES, **NETS[net]}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Parameters by name, as in B.1 where that says more than how small: U orthogonal, v_a and biases zero; other weights normal with
    the variance 1 / fan-in, embeddings with 1."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if len(shape) == 1:
            return np.zeros(shape)
        if name.endswith("state.weight") and not name.startswith("readout"):
            blocks = np.linalg.qr(rng.normal(size=(3, shape[1], shape[1])))[0]  # U_z, U_r, U
            return blocks.reshape(shape)
        return rng.normal(0, 1 if "embedding" in name else shape[1] ** -0.5, shape)

    return {name: draw(name, shape) for name, shape in checks.shapes(**switches(net)).items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """With a `target_input` the logits (number, target, sign) and, of a net that searches, the alignment (number, target, source);
    without, the signs that greedy decoding writes (number, target)."""
    on = switches(net)
    annotations, ends = checks.encode(params, inputs["source"], inputs["source_mask"])
    state = np.tanh(checks.affine(params, "initial", ends[:, on["hidden"] :]))
    sentence = {"annotations": annotations, "mask": inputs["source_mask"], "ends": ends}
    table = params["target_embedding.weight"]
    if "target_input" in inputs:
        embedded = table[inputs["target_input"]]
        trace = checks.decode(params, embedded, state, sentence, on["search"])
        seen = np.concatenate([state[:, None], trace["states"][:, :-1]], 1)
        _, logits = checks.predict(params, seen, embedded, trace["context"])
        return {"logits": logits} | ({"alignment": trace["alignment"]} if on["search"] else {})
    key = annotations @ params["alignment.key.weight"].T if on["search"] else None
    word, written = np.full(len(ends), numerals.SIGNS.index(numerals.START)), []
    for _ in range(
        numerals.TARGET_LENGTH
    ):  # each sign is the most probable one, given the source and those written so far
        new, found = checks.step(params, table[word], state, sentence, key)
        _, logits = checks.predict(params, state, table[word], found["context"])
        word, state = logits.argmax(-1), new
        written.append(word)
    return {"written": np.stack(written, 1)}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, updates, each = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    by_length: dict[str, list[list[float]]] = {net: [] for net in NAMES}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([14, s])
        pool = numerals.drawn(rng, 2 * BATCH * updates, held_out=False)
        short = pool[numerals.lengths(pool) <= SHORT][: BATCH * updates]
        known = {"": numerals.batch_of(pool[: BATCH * updates]), "short": numerals.batch_of(short)}
        known["shuffled"] = shuffled(rng, known[""])
        tests = held_out(rng, each)
        numbers = np.stack([*tests.values()]).ravel()  # as many in each bin
        asked = numerals.batch_of(numbers)
        start = {name: initial(np.random.default_rng([14, s, 1]), name) for name in ("search", "fixed")}
        metrics["held_out_numbers_seen"].append(float(np.isin(numbers, pool).mean()))
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {NAMES.get(net, net)}")
            kind, _, data = net.partition("_")
            length = updates // 5 if net == "shuffled" else updates
            order = np.arange(BATCH * length).reshape(length, BATCH)
            examples = known["shuffled" if net == "shuffled" else data]
            first = start["search" if net == "shuffled" else kind]
            rates = linear_decay(PEAK, length, warm_up=length // 10)
            trained = framework.train(Training(net, first, examples, order, rates, clip=CLIP))
            source = {name: asked[name] for name in ("source", "source_mask")}
            if net in ("search", "shuffled"):
                typical = numerals.drawn(rng, each * len(BINS), held_out=True)
                test = numerals.batch_of(typical)
                answer = framework.predict(
                    net, trained.params, {name: test[name] for name in (*source, "target_input")}
                )
                log_p = checks.log_softmax(answer["logits"].astype(float))
                right = np.take_along_axis(log_p, test["target_output"][..., None], -1)[..., 0]
                metrics[f"loss_{net}"].append(-float(right[test["target_mask"]].mean()))
                if net == "search":
                    places = numerals.places_of(typical)
                    for name, value in numerals.alignment_shares(answer["alignment"], places).items():
                        metrics[name].append(value)
                    metrics["aligned_in_proportion"].append(numerals.middle_of(test, places))
                    metrics["well_placed"].append(numerals.well_placed(test, places))
                    shown = test, answer["alignment"], places  # of the last seed
            if net in NAMES:
                written = framework.predict(net, trained.params, source)["written"]
                exact = (
                    ((written == asked["target_output"]) | ~asked["target_mask"]).all(1).reshape(len(BINS), -1).mean(1)
                )
                by_length[net].append(exact.tolist())
                for part, (bins, _) in PARTS.items():
                    metrics[f"exact_{part}_{net}"].append(float(np.mean([exact[BINS.index(b)] for b in bins])))
    sizes = {net: sum(value.size for value in start[net].values()) for net in start}
    metrics |= {
        "parameters_ratio": sizes["fixed"] / sizes["search"],
        "loss_without_source": numerals.loss_without_source(),
    }
    return Experiment(metrics, figures.drawn(by_length, BINS, SHORT, *shown))


def held_out(rng: np.random.Generator, each: int) -> dict[tuple[int, int], Array]:
    """So many different held-out numbers for each bin of lengths."""
    numbers = rng.permutation(
        np.unique(numerals.drawn(rng, 50 * each, held_out=True))
    )  # a 25th of them has 13 or 14 words
    words = numerals.lengths(numbers)
    return {(low, high): numbers[(low <= words) & (words <= high)][:each] for low, high in BINS}


def shuffled(rng: np.random.Generator, batch: Arrays) -> dict[str, Array]:
    """The same sources with targets of others."""
    order = rng.permutation(len(batch["source"]))
    return {name: value[order] if name.startswith("target") else value for name, value in batch.items()}
