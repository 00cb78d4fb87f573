r"""Whether far context decides, with dilations and without, from the identity start and from random ones (paper 11).

    front end   the maps themselves, no module                                       Table 3, «Front end»
    dilated     the context module, dilations 1, 1, 2, 4, 1, from equation 4         Table 3, «Front + Basic»
    undilated   the same five layers and as many weights with dilation 1             section 2: what dilation is for
    random      the dilated module from normal weights of deviation sqrt(2 / fan-in) section 3, «random initialization»
    blind       the trained dilated modules on scenes without the square             control

Vehicles stand near (1 to 4 pixels from what decides; both modules see so far) or far (6 to 8; an undilated output sees 5, a
dilated one 9). In a pair of scenes only the square differs, so a module that does not see it names both alike, and its
intersection over union is at most CEILING whatever it has learnt: 1 for three classes, and for boats and cars together
q / (1 + q) + (1 - q) / (2 - q) <= 2 / 3, where q is the share of vehicles that it calls boats (sympy, `blind_ceiling`).
Training sees 1 to 8. The measure is the mean over classes of one confusion matrix of all test scenes.
"""

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
figures = sibling(__file__, "figures.py")
made = sibling(__file__, "scenes.py")
confusion, intersections, told_apart = made.confusion, made.intersections, made.told_apart

SEEDS, TEST_PAIRS, BATCH, RATE = 5, 24, 6, 0.012
SIZES = {"quick": {"updates": 120, "pairs": 200}, "full": {"updates": 480, "pairs": 400}}
LADDERS = {"dilated": (1, 1, 2, 4, 1), "undilated": (1, 1, 1, 1, 1)}
MODELS = {
    "dilated": "dilated",
    "undilated": "undilated",
    "random": "dilated",
}  # what is compared, and which net each is
PLACES = {"near": (1, 4), "far": (6, 8)}
CEILING = 11 / 15
IOU = "mean over classes of intersection over union on test scenes, vehicles"

METRICS = {
    **{
        f"front_{place}_iou": Metric(f"{IOU} {place} from what decides, of the front end alone", "share", "seeds",
                                     "front end", "high")
        for place in PLACES
    },
    **{
        f"{net}_{place}_iou": Metric(f"{IOU} {place} from what decides, of the {net} module", "share", "seeds", net, "high",
                                     spread=0.1)
        for net in MODELS for place in PLACES
    },
    "constant_near_iou": Metric(f"{IOU} near what decides, of naming every pixel ground", "share", "seeds", "front end", "high"),
    "start_far_iou": Metric(f"{IOU} far from what decides, of the dilated module before training", "share", "seeds",
                            "front end", "high"),
    "blind_iou": Metric(f"{IOU} far from where the square was, of the trained dilated modules: 5/9 is the ceiling", "share",
                        "seeds", "blind", "high", control=True, spread=0.1),
    **{
        f"{net}_told_apart": Metric("share of the far vehicles' pixels that are named differently in the two scenes of a pair",
                                    "share", "seeds", net, "high", spread=0.1)
        for net in ("dilated", "undilated")
    },
}  # fmt: skip


def config(net: str) -> dict:
    """The module's configuration: C maps throughout, zeros around every layer as in appendix A."""
    sizes = dict(channels=made.CLASSES, widths=(made.CLASSES,) * len(LADDERS[net]), dilations=LADDERS[net])
    return checks.CONFIG | sizes | {"padding": "layers", "ignored": made.IGNORED}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """scores (scene, class, height, width), unnormalised log-probabilities in nats."""
    labels = np.zeros((len(inputs["maps"]), *inputs["maps"].shape[2:]), int)
    return {"scores": checks.forward(params, {**inputs, "labels": labels}, **config(net))["scores"]}


def initial(rng: np.random.Generator, model: str) -> Arrays:
    """Equation 4, or normal weights of deviation sqrt(2 / fan-in) for «random»; biases are zero."""
    params = {name: np.zeros(shape) for name, shape in checks.shapes(config(MODELS[model])).items()}
    for name, value in params.items():
        if name.endswith("weight") and model == "random":
            value[:] = rng.normal(0.0, (2.0 / np.prod(value.shape[1:])) ** 0.5, value.shape)
        elif name.endswith("weight"):
            middle = value.shape[2] // 2
            value[:, :, middle, middle] = checks.identity_start(value.shape[1], value.shape[0], made.CLASSES)
    return params


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    updates, pairs = SIZES[profile]["updates"], SIZES[profile]["pairs"]
    metrics: dict[str, list[float]] = {name: [] for name in METRICS}
    losses: dict[str, list[Array]] = {model: [] for model in MODELS}
    shown: dict[str, Array] = {}

    def named(net: str, params: Arrays, part: made.Scenes) -> Array:
        return framework.predict(net, params, {"maps": part.maps})["scores"].argmax(1)

    for s in range(SEEDS):
        rng = np.random.default_rng([seed, s])
        train = made.scenes(rng, pairs, 1, 8)
        test = {place: made.scenes(rng, TEST_PAIRS, *distances) for place, distances in PLACES.items()}
        order = rng.integers(0, 2 * pairs, (updates, BATCH))
        for place, part in test.items():
            metrics[f"front_{place}_iou"].append(iou(part, part.maps.argmax(1)))
        metrics["constant_near_iou"].append(iou(test["near"], np.full_like(test["near"].labels, made.GROUND)))
        start = initial(rng, "dilated")
        metrics["start_far_iou"].append(iou(test["far"], named("dilated", start, test["far"])))
        for number, (model, net) in enumerate(MODELS.items()):
            framework.progress((3 * s + number) / (3 * SEEDS), f"{model}, seed {s}")
            rates = linear_decay(RATE, updates)
            trained = framework.train(Training(net, initial(rng, model), train._asdict(), order, rates))
            answers = {place: named(net, trained.params, part) for place, part in test.items()}
            losses[model].append(trained.losses)
            for place, part in test.items():
                metrics[f"{model}_{place}_iou"].append(iou(part, answers[place]))
            if model != "random":
                metrics[f"{model}_told_apart"].append(told_apart(test["far"].labels, answers["far"]))
            if model == "dilated":
                blind = made.without_context(test["far"])
                metrics["blind_iou"].append(iou(blind, named(net, trained.params, blind)))
            if s == 0:
                shown |= {model: answers["far"], "labels": test["far"].labels}
    return Experiment(metrics, figures.drawn(metrics, losses, shown, LADDERS, CEILING))


def iou(part: made.Scenes, named: Array) -> float:
    return float(intersections(confusion(part.labels, named, made.CLASSES, made.IGNORED)).mean())
