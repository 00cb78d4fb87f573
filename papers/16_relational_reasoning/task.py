r"""Sort-of-CLEVR from state descriptions, and counting links: what a sum over pairs learns, and rivals of equal parameters (paper 16).

    rn         the relation network, whose objects come in an order drawn anew for every question       sections 3.2 and 5.3
    mlp        an MLP with the same number of parameters, which reads that list                         its rival
    fixed      the same MLP, where the list has the red object first, then the green one, and so on     what the order costs it
    pairs      a relation network asked how many of 15 pairs of points are linked: those closer than REACH   section 3.4, at rest
    objects    a sum over single points with as many parameters, asked the same
    list       an MLP with as many parameters, asked the same

Sort-of-CLEVR with five objects: half of the questions are relational. Its guesses, for comparison, know all shapes and sides but not
which object is asked about; those on the closest and the furthest know the shapes of all others, and no place. Links are counted without
a question: its one bit is 1.
`strangers` is the control: the trained relation network is asked about objects of another scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
figures = sibling(__file__, "figures.py")
scenes = sibling(__file__, "scenes.py")
shapes = checks.shapes

OBJECTS, POINTS, REACH, MOST = 5, 6, 0.55, 6  # MOST links or more are one answer
CLEVR = {"features": scenes.FEATURES, "bits": scenes.BITS, "readout": (36,), "answers": len(scenes.ANSWERS)}
LINKS = {"features": 2, "bits": 1, "readout": (32,), "answers": MOST + 1}
# 4,260 and 4,262 parameters; 2,535, 2,543 and 2,561
NETS: dict[str, dict[str, Any]] = {
    "rn": {**CLEVR, "relation": (36, 36), "reads": "pairs", "places": 0},
    "mlp": {**CLEVR, "relation": (25, 36), "reads": "list", "places": OBJECTS},
    "pairs": {**LINKS, "relation": (32, 32), "reads": "pairs", "places": 0},
    "objects": {**LINKS, "relation": (34, 32), "reads": "objects", "places": 0},
    "list": {**LINKS, "relation": (27, 32), "reads": "list", "places": POINTS},
}
MODELS = {"rn": "rn", "mlp": "mlp", "fixed": "mlp", "pairs": "pairs", "objects": "objects", "list": "list"}
SCALE = {
    "rn": 4.0,
    "mlp": 4.0,
    "pairs": 3.0,
    "objects": 3.0,
    "list": 3.0,
}  # of what is read: without it learning is slower
# minibatches, peaks of the rate and numbers of updates: an MLP is cheap, and gets more than twice as many examples
BATCH = {"rn": 128, "mlp": 256, "fixed": 256, "pairs": 64, "objects": 64, "list": 64}
RATE = {"rn": 1.5e-2, "mlp": 2e-2, "fixed": 2e-2, "pairs": 1.5e-2, "objects": 1.5e-2, "list": 1.5e-2}
UPDATES = {"rn": 1100, "mlp": 1300, "fixed": 2600, "pairs": 700, "objects": 700, "list": 700}
SCENES, EACH, SETS = 3000, 20, 40000  # scenes in training, questions about each as in the paper; sets of points
PROFILES = {"quick": (1, 1800), "full": (6, 6000)}  # how often the updates of quick, held-out questions
NON_RELATIONAL, RELATIONAL = scenes.QUESTIONS[:3], scenes.QUESTIONS[3:]
COSTS = (6, 12, 24)

WHO = {
    "rn": "the relation network on lists in any order",
    "mlp": "the MLP on lists in any order",
    "fixed": "the MLP on lists in a fixed order",
    "fewer": "the relation network, trained on scenes of 5 objects, on scenes of 4",
    "strangers": "the relation network, asked about an object of another scene",
    "guess": "the commonest shape, side or number of the scene; of the closest and the furthest, the commonest shape of the others",
}


def _metrics() -> dict[str, Metric]:
    found = {}
    for who, words in WHO.items():
        model = {"fewer": "rn", "strangers": "rn"}.get(who, who)
        for name in ("non_relational", "relational", *scenes.QUESTIONS):
            kind = f"«{name}» questions" if name in scenes.QUESTIONS else f"{name.replace('_', '-')} questions"
            found[f"{name}_{who}"] = Metric(
                f"share of held-out {kind} answered right by {words}", "share", "seeds", model, "" if who == "guess" else "high",
                control=who == "strangers", spread=0.0 if who == "guess" else 0.2,
            )  # fmt: skip
    for net in ("pairs", "objects", "list"):
        words = {"pairs": "a sum over pairs", "objects": "a sum over single points", "list": "an MLP of the list"}[net]
        found[f"links_{net}"] = Metric(
            f"share of held-out sets of {POINTS} points whose number of links is told right by {words}", "share", "seeds", net,
            "high", spread=0.1,
        )  # fmt: skip
    found["links_guess"] = Metric("the same by the commonest number of links", "share", "seeds", "guess")
    for n in COSTS:
        found[f"multiplications_{n}"] = Metric(
            f"multiplications of the relation network in answering one question about {n} objects",
            "thousands",
            "",
            "rn",
            "low",
        )
    return found


METRICS = _metrics()


def config(net: str) -> dict[str, Any]:
    """What `Model` and `forward` are built with."""
    return NETS[net]


def blank(net: str, objects: int) -> Arrays:
    """One set of so many objects with a question, all zeros."""
    how = NETS[net]
    return {
        "objects": np.zeros((1, objects, how["features"])),
        "mask": np.ones((1, objects), bool),
        "edges": np.ones((1, objects, objects), bool),
        "question": np.zeros((1, how["bits"])),
    }


def multiplications(net: str, objects: int) -> Array:
    """n^2 times those of the layers of g behind the first; the first is applied to objects (or to the list), and to the question."""
    how = NETS[net]
    units = how["relation"]
    deep = sum(a * b for a, b in zip(units[:-1], units[1:], strict=True))
    outer = (units[-1], *how["readout"], how["answers"])
    last = sum(a * b for a, b in zip(outer[:-1], outer[1:], strict=True))
    times = {"pairs": objects**2, "objects": objects, "list": 1}[how["reads"]]
    read = (2 if how["reads"] == "pairs" else 1) * objects * how["features"]
    return np.array((read + how["bits"]) * units[0] + times * deep + last)


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Uniform within 1 / sqrt(fan in), as PyTorch has it."""
    found = {}
    for name, shape in shapes(**NETS[net]).items():
        weights = shapes(**NETS[net])[name.replace("bias", "weight")]
        found[name] = rng.uniform(-1, 1, shape) * weights[1] ** -0.5
    return found


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """Logits (question, answer)."""
    target = np.zeros(len(inputs["mask"]), int)
    return {"logits": checks.forward(params, {**inputs, "target": target}, **NETS[net])["logits"]}


def read(net: str, objects: Array, question: Array) -> dict[str, Array]:
    """What a network is given."""
    count, size = objects.shape[:2]
    return {
        "objects": SCALE[net] * objects,
        "mask": np.ones((count, size), bool),
        "edges": np.ones((count, size, size), bool),
        "question": SCALE[net] * question,
    }


def questions(rng: np.random.Generator, count: int, size: int) -> tuple[Array, Array]:
    """Colours and kinds: half of the kinds are relational."""
    return rng.integers(0, size, count), rng.integers(0, len(scenes.QUESTIONS), count)


def shuffled(rng: np.random.Generator, objects: Array) -> Array:
    """Every list in an order of its own."""
    order = rng.permuted(np.tile(np.arange(objects.shape[1]), (len(objects), 1)), axis=1)
    return np.take_along_axis(objects, order[..., None], 1)


def shares(right: Array, kind: Array) -> dict[str, float]:
    """Of the answers to each kind of question those that are right, and the means over the three kinds of either sort."""
    found = {name: float(right[kind == k].mean()) for k, name in enumerate(scenes.QUESTIONS)}
    sorts = {"non_relational": NON_RELATIONAL, "relational": RELATIONAL}
    return found | {sort: float(np.mean([found[name] for name in names])) for sort, names in sorts.items()}


def linked(points: Array) -> Array:
    """How many of the pairs are closer than REACH, at most MOST: (set,)."""
    near = ((points[:, :, None] - points[:, None]) ** 2).sum(-1) < REACH**2
    result: Array = np.minimum((near.sum((1, 2)) - points.shape[1]) // 2, MOST)
    return result


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    times, held_out = PROFILES[profile]
    rng = np.random.default_rng([16, seed])
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    losses: dict[str, Array] = {}

    def trained(model: str, data: Mapping[str, Array]) -> Arrays:
        framework.progress(list(MODELS).index(model) / len(MODELS), f"training, {model}")
        updates = times * UPDATES[model]
        order = rng.integers(0, len(data["target"]), (updates, BATCH[model]))
        rates = linear_decay(RATE[model], updates, warm_up=updates // 10)
        net = MODELS[model]
        start = initial(np.random.default_rng([16, seed, list(MODELS).index(model)]), net)
        found = framework.train(Training(net, start, data, order, rates))
        losses[model] = found.losses
        return found.params

    def said(model: str, params: Arrays, inputs: Arrays) -> Array:
        return framework.predict(MODELS[model], params, inputs)["logits"].argmax(1)

    def record(who: str, right: Array, kind: Array) -> None:
        for name, share in shares(right, kind).items():
            metrics[f"{name}_{who}"].append(share)  # type: ignore[union-attr]

    sizes = (SCENES, OBJECTS), (held_out, OBJECTS), (held_out, OBJECTS - 1)
    seen, new, smaller = (scenes.scenes(rng, *size) for size in sizes)
    colour, kind = questions(rng, held_out, OBJECTS - 1)  # the last colour is missing in the smaller scenes
    row = np.arange(held_out)
    right = scenes.answers(*new)[row, colour, kind]
    described, asked = scenes.described(*new), scenes.asked(colour, kind)
    which, (hue, sort) = np.repeat(np.arange(SCENES), EACH), questions(rng, SCENES * EACH, OBJECTS)
    objects, bits = scenes.described(*seen)[which], scenes.asked(hue, sort)
    target = scenes.answers(*seen)[which, hue, sort]
    lists = {"rn": shuffled(rng, objects), "fixed": objects}
    params = {}
    for model in ("rn", "mlp", "fixed"):
        data = read(MODELS[model], lists["fixed" if model == "fixed" else "rn"], bits)
        params[model] = trained(model, {**data, "target": target})
        listed = described if model == "fixed" else shuffled(rng, described)
        record(model, said(model, params[model], read(MODELS[model], listed, asked)) == right, kind)
    record("fewer", said("rn", params["rn"], read("rn", scenes.described(*smaller), asked))
           == scenes.answers(*smaller)[row, colour, kind], kind)  # fmt: skip
    strangers = read("rn", np.roll(described, 1, 0), asked)
    record("strangers", said("rn", params["rn"], strangers) == right, kind)
    record("guess", scenes.guesses(*new)[row, colour, kind] == right, kind)

    for net in ("pairs", "objects", "list"):
        points = rng.uniform(-1, 1, (SETS, POINTS, 2))
        data = {**read(net, points, np.ones((len(points), 1))), "target": linked(points)}
        params[net] = trained(net, data)
    points = rng.uniform(-1, 1, (held_out, POINTS, 2))
    for net in ("pairs", "objects", "list"):
        told = said(net, params[net], read(net, points, np.ones((held_out, 1))))
        metrics[f"links_{net}"].append(float((told == linked(points)).mean()))  # type: ignore[union-attr]
    metrics["links_guess"].append(float(np.bincount(linked(points)).max() / held_out))  # type: ignore[union-attr]
    for n in COSTS:
        metrics[f"multiplications_{n}"] = float(framework.ask("multiplications", "rn", n)) / 1000
    return Experiment(metrics, figures.drawn(metrics, losses, new))
