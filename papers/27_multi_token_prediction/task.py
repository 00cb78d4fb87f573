r"""Next tokens by one head and by three, with equal parameters, on a source whose entropies are known; and what the heads save.

    one        n = 1: a trunk of three layers, one head             the ordinary language model
    three      n = 3: a trunk of one layer, three heads             as many parameters, by section 3 of the paper
    scrambled  as three, on text whose tokens were put into a random order    the control

Asked is what each head loses on held-out text, above what the source itself makes necessary; what greedy decoding writes behind a
word; and in how many calls self-speculative decoding writes it. Training is Adam as in table S13, with a rate that rises for a
tenth of the updates and falls along a cosine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, cosine_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
decoding = sibling(__file__, "decoding.py")
source = sibling(__file__, "source.py")
figures = sibling(__file__, "figures.py")

SIZES: dict[str, Any] = {
    "vocabulary": source.WORDS + 1, "model": 24, "inner": 32, "attention_heads": 4, "head": "layer", "arrangement": "parallel",
}  # fmt: skip
NETS: dict[str, dict[str, Any]] = {
    "one": {"layers": 3, "future": 1},
    "three": {"layers": 1, "future": 3},
    "scrambled": {"layers": 1, "future": 3},
}
TEXT, WRITTEN = 8, 24  # words of a training text; tokens that are written behind a prompt of one word
# Seeds, updates, held-out texts, prompts. The control has a third of the updates.
PROFILES = {"quick": (1, 150, 200, 16), "full": (5, 240, 200, 16)}
BATCH, PEAK, CLIP, BETAS, EPSILON = 16, 1e-2, 1.0, (0.9, 0.95), 1e-8
EARLY = 45  # updates after which learning is looked at
CURVE = (0, 15, 30, EARLY, 60, 90, 120, 180)  # updates after which the curves have a point, besides the last

HEADS = {1: "next token", 2: "second-next token", 3: "third-next token"}
METRICS = {
    **{
        f"excess_{i}": Metric(f"what head {i} of three loses on the {name} of held-out text, above the source's own surprise",
        "nats per token",
                              "seeds", "three", "low", spread=0.03)
        for i, name in HEADS.items()
    },
    "excess_one": Metric("the same of the model with one head on the next token", "nats per token", "seeds", "one", "low", spread=0.03),
    "early_three": Metric(f"what head 1 of three loses above the source after {EARLY} updates", "nats per token", "seeds", "three", "low",
                          spread=0.15),
    "early_one": Metric(f"the same of the model with one head after {EARLY} updates", "nats per token", "seeds", "one", "low", spread=0.1),
    "parameters_ratio": Metric("parameters of three over those of one", "1"),
    "weight_of_a_choice": Metric("what all heads of three lose on letters behind a choice, over what head 1 loses there", "1", "seeds",
                                 "three", spread=0.3),
    "terms_of_a_choice": Metric("how many of the loss terms for a word have its choice before them and after what they know", "1"),
    "same_text": Metric("share of tokens that self-speculative decoding writes as greedy decoding does, with its own drafts, with those of "
                        "another prompt and with heads that were not trained", "share", "seeds", "three", "high"),
    "tokens_per_call": Metric("tokens that self-speculative decoding writes in a call, with its own drafts", "tokens", "seeds", "three",
                              "high", spread=0.3),
    "tokens_per_call_borrowed": Metric("the same with the drafts of another prompt", "tokens", "seeds", "three", control=True, spread=0.1),
    "tokens_per_call_untrained": Metric("the same with heads 2 and 3 as they were before training", "tokens", "seeds", "three",
                                        control=True, spread=0.1),
    "most_per_call": Metric("the most that three heads can write in a call, in the mean over so many tokens", "tokens"),
    "as_the_source": Metric("share of the words written by greedy decoding that are the likeliest after the one before", "share", "seeds",
                            "three", "high", spread=0.1),

       "information_of_one": Metric("how often I(X;Y) is in what one head is trained on behind a space: (H(X) - H(X|Y)) / I(X;Y)", "1"),
    "information_of_two": Metric("the same for two heads, (H(X) + H(Y) - H(X|Y) - H(Y|X)) / I(X;Y)", "1"),
    "loss_scrambled": Metric("loss on the next token of scrambled held-out text, by the model trained on scrambled text", "nats per token",
                             "seeds", "scrambled", "low", control=True, spread=0.05),
    "loss_by_frequency": Metric("the least that is expected of a model that knows but how often each token occurs", "nats per token"),
    "held_out_texts_seen": Metric("share of held-out texts that are trained on", "share", "seeds", good="low"),
}  # fmt: skip


def switches(net: str) -> dict[str, Any]:
    """The configuration of a net: what `Model` and `forward` are built with."""
    return {**SIZES, **NETS[net]}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Gains 1, embeddings normal, weights normal of variance 1 / fan-in, and a quarter of it where a layer adds to its input."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if len(shape) == 1:
            return np.ones(shape)
        adds = name.endswith(("output.weight", "outer.weight"))
        return rng.normal(0, 1 if name == "embedding.weight" else (0.5 if adds else 1) * shape[1] ** -0.5, shape)

    return {name: draw(name, shape) for name, shape in checks.shapes(**switches(net)).items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """With `tokens` the logits (text, future, time, token); with `prompt` what greedy decoding writes, (prompt, WRITTEN); with `lender`
    beside it what self-speculative decoding writes with the drafts of that prompt, and its calls (prompt,)."""
    config = switches(net)

    def logits(tokens: Array) -> Array:
        return checks.unembed(params, checks.heads(params, checks.trunk(params, tokens, config), config), config)

    def ask(tokens: Array) -> Array:
        return logits(tokens).argmax(-1)

    if "tokens" in inputs:
        return {"logits": logits(inputs["tokens"])}
    if "lender" not in inputs:
        return {"written": decoding.greedy(ask, inputs["prompt"], WRITTEN)}
    written, calls = decoding.speculate(ask, inputs["prompt"], WRITTEN, inputs["lender"])
    return {"written": written, "calls": calls}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, updates, texts, count = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    curves: dict[str, list[list[float]]] = {"one": [], "three": []}
    times = [*(CURVE if profile == "full" else [EARLY]), updates]
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([27, s])
        known = source.lexicon(rng)
        rows = source.drawn(rng, known, BATCH * updates, TEXT, held_out=False)
        new = source.drawn(rng, known, texts, TEXT, held_out=True)
        metrics["held_out_texts_seen"].append(float((new[:, None] == rows).all(-1).any(-1).mean()))
        text, test = source.spelt(known, rows), source.spelt(known, new)
        start = {net: initial(np.random.default_rng([27, s, 1]), net) for net in ("one", "three")}
        rates = warmed(updates)
        order = np.arange(BATCH * updates).reshape(updates, BATCH)
        trained = {}
        for number, net in enumerate(("one", "three")):
            framework.progress((s - seed + number / 3) / seeds, f"seed {s}, {net}")
            trained[net] = framework.train(
                Training(net, start[net], {"tokens": text}, order, rates, clip=CLIP, keep=times)
            )
            found = [
                framework.predict(net, trained[net].kept[at], {"tokens": test})["logits"] for at in times
            ]  # (text, future, time, token) each
            lost = [excess(known, new, logits, 1).mean() for logits in found]
            curves[net].append([float(value) for value in lost])
            metrics[f"early_{net}"].append(float(lost[times.index(EARLY)]))
        metrics["excess_one"].append(float(lost_of(curves["one"])))
        for i in HEADS:
            metrics[f"excess_{i}"].append(float(excess(known, new, found[-1], i).mean()))
        behind = [crossing_loss(new, known, found[-1], i) for i in HEADS]
        metrics["weight_of_a_choice"].append(float(sum(behind) / behind[0]))
        speculation(framework, known, trained["three"].params, start["three"], count, rng, metrics)
        framework.progress((s - seed + 2 / 3) / seeds, f"seed {s}, scrambled")
        length = updates // 3
        mixed = {"tokens": rng.permuted(text[: BATCH * length], axis=1)}
        control = framework.train(
            Training("scrambled", start["three"], mixed, order[:length], warmed(length), clip=CLIP)
        )
        asked = rng.permuted(test, axis=1)
        logits = framework.predict("scrambled", control.params, {"tokens": asked})["logits"][:, 0, :-1]
        metrics["loss_scrambled"].append(float(losses(logits, asked[:, 1:]).mean()))
    sizes = {net: sum(value.size for value in start[net].values()) for net in start}
    metrics |= counted(known)
    metrics |= {
        "parameters_ratio": sizes["three"] / sizes["one"], "terms_of_a_choice": source.terms(3),
        "most_per_call": WRITTEN / (1 - -(WRITTEN - 1) // 3), "loss_by_frequency": by_frequency(),
    }  # fmt: skip
    return Experiment(metrics, figures.drawn(curves, times, metrics, source.entropy()))


def counted(known: Any) -> dict[str, float]:
    """Over all words of the lexicon, each entropy from its own definition. Behind a space X and Y are letters of a word to come."""
    parts = [source.parts(source.joint(known, word, source.LENGTH - 1)) for word in range(source.WORDS)]
    total = {name: sum(part[name] for part in parts) for name in parts[0]}
    one = total["H(X)"] - total["H(X|Y)"]
    return {
        "information_of_one": one / total["I(X;Y)"],
        "information_of_two": (one + total["H(Y)"] - total["H(Y|X)"]) / total["I(X;Y)"],
    }


def lost_of(curve: list[list[float]]) -> float:
    """What is lost at the end of the last curve."""
    return curve[-1][-1]


def speculation(framework: Framework, known: Any, params: Arrays, start: Arrays, count: int, rng: np.random.Generator,
                metrics: dict[str, Any]) -> None:  # fmt: skip
    """Greedy and self-speculative decoding behind every word of the lexicon, with drafts of three kinds."""
    prompt = known.spelling[rng.permutation(source.WORDS)[:count]]
    raw = {name: start[name] if name.startswith(("heads.1.", "heads.2.")) else value for name, value in params.items()}
    # a word of the lexicon is all that is asked about, so prompts are seen in training
    greedy = framework.predict("three", params, {"prompt": prompt}, seen=True)["written"]
    own, other = np.arange(len(prompt)), np.roll(np.arange(len(prompt)), 1)
    same = []
    for name, weights, lender in (("", params, own), ("_borrowed", params, other), ("_untrained", raw, own)):
        found = framework.predict("three", weights, {"prompt": prompt, "lender": lender}, seen=True)
        metrics[f"tokens_per_call{name}"].append(float(WRITTEN * len(prompt) / found["calls"].sum()))
        same.append(float((found["written"] == greedy).mean()))
    metrics["same_text"].append(float(np.mean(same)))
    words = np.concatenate([prompt, greedy], 1).reshape(len(prompt), -1, source.LENGTH)
    expected = known.spelling[known.after[:, 0]]  # (word, LENGTH): the likeliest after each
    before = (words[:, :-1, None] == known.spelling).all(-1)  # (prompt, word, lexicon)
    metrics["as_the_source"].append(float((before & (words[:, 1:, None] == expected).all(-1)).any(-1).mean()))


def warmed(updates: int) -> Array:
    """A rate that rises linearly for a tenth of the updates and falls along a cosine."""
    rising = np.minimum(1, (np.arange(updates) + 1) / (updates // 10))
    return cosine_decay(PEAK, updates) * rising


def losses(logits: Array, targets: Array) -> Array:
    log_p = checks.log_softmax(logits.astype(float))
    return -np.take_along_axis(log_p, targets[..., None], -1)[..., 0]


def excess(known: Any, rows: Array, logits: Array, i: int) -> Array:
    """What head i loses above the source's own surprise, (text, time - i), from the second word on."""
    text = source.spelt(known, rows)
    lost = losses(logits[:, i - 1, : text.shape[1] - i], text[:, i:]) - source.surprise(known, rows, i)
    return lost[:, source.LENGTH :]


def crossing_loss(rows: Array, known: Any, logits: Array, i: int) -> float:
    """What head i loses for each word on letters behind a choice that it has not seen, from the second word's end to the last
    word but one: as many of each kind."""
    text = source.spelt(known, rows)
    lost = losses(logits[:, i - 1, : text.shape[1] - i], text[:, i:])
    places = slice(source.LENGTH, (TEXT - 1) * source.LENGTH)
    return float((lost * source.crosses(i, text.shape[1])[: text.shape[1] - i])[:, places].sum(1).mean() / (TEXT - 2))


def by_frequency() -> float:
    """The entropy of a token of a text at random: a space at one place in four, the letters all alike."""
    spaces = 1 / source.LENGTH
    return float(-spaces * np.log(spaces) - (1 - spaces) * np.log((1 - spaces) / source.WORDS))
