r"""The lossy autoencoder on binarised 8 x 8 digits: which decoder leaves what to the code, and what the code is worth.

    local           a window of 3 x 3, four earlier pixels, told of the code at every pixel; Gaussian prior
    flow, iaf       the same with an autoregressive flow for a prior, and with the flow in the posterior (the decoder reads epsilon)
    alone           the same decoder, told of nothing: the paper's «unconditional decoder»
    factorised      the same with a window of no pixel at all
    shuffled        as `local`, but the encoder sees another image: the control
    explained       as `local`, but on images drawn from `alone`, all of which the window explains
    recurrent       a GRU over all earlier pixels, told of the code at the first pixel alone, as a sentence decoder is by its first state
    recurrent_told  the same GRU, told of the code at every pixel

Costs are negative bounds in nats for an image, on images that no net was trained on. Training is Adam, the norm of the gradient cut at
`CLIP`, and a rate that rises for 20 updates and falls linearly to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, digits_split, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
coder = sibling(__file__, "coder.py")
decompress = sibling(__file__, "decompress.py")
figures = sibling(__file__, "figures.py")

SIZES: dict[str, Any] = {
    **checks.CONFIG, "height": 8, "width": 8, "encoder": 64, "latent": 8, "flows": 0, "flow_hidden": 24, "maps": 4, "channels": 24,
    "kernel": 3, "layers": 1, "closed_form": True,
}  # fmt: skip
FLOW = {"flows": 1, "closed_form": False}
NETS: dict[str, dict[str, Any]] = {
    "local": {}, "flow": FLOW, "iaf": {**FLOW, "iaf": True}, "alone": {"told": "none"}, "factorised": {"kernel": 1}, "shuffled": {},
    "explained": {},
    "recurrent": {"decoder": "recurrent", "told": "first"}, "recurrent_told": {"decoder": "recurrent"},
}  # fmt: skip
# Seeds, updates of the masked nets, of the recurrent ones, images to test on, samples of their code, images that are drawn.
PROFILES = {"quick": (1, 144, 96, 200, 8, 1000), "full": (2, 400, 400, 400, 16, 2400)}
RATE, CLIP, BETAS, EPSILON = 1e-2, 5.0, (0.9, 0.999), 1e-8
BATCH = {"local": 64, "recurrent": 32}  # by decoder
CODED = 12  # images that are sent by bits-back coding and received

METRICS = {
    **{
        f"cost_{net}": Metric(f"{what}: nats for an image, the negative bound", "nats", "seeds", net, "low", net == "shuffled", spread)
        for net, what, spread in (
            ("local", "window of 3 x 3", 0.6), ("flow", "the same with a flow for a prior", 0.6), ("iaf",
            "with the flow in the posterior", 0.6),
            ("alone", "without a code", 0.6), ("factorised", "a window of no pixel", 0.6),
            ("shuffled", "encoder that was trained on other images than the decoder", 0.6), ("recurrent", "GRU told once", 1.5),
            ("recurrent_told", "GRU told at every pixel", 1.5),
        )
    },
    **{
        f"kl_{net}": Metric(f"{what}: mean D_KL(q(z|x) || p(z))", "nats", "seeds", net, "", net == "shuffled", spread)
        for net, what, spread in (
            ("local", "window of 3 x 3", 0.6), ("flow", "the same with a flow for a prior", 0.6), ("iaf",
            "with the flow in the posterior", 0.6),
            ("factorised", "a window of no pixel", 0.8), ("shuffled", "encoder that was trained on other images than the decoder", 0.05),
            ("explained", "window of 3 x 3, trained and asked on images that the window explains", 0.05),
            ("recurrent", "GRU told once", 0.05), ("recurrent_told", "GRU told at every pixel", 1.5),
        )
    },
    "cost_pixels": Metric("nats for an image if each pixel has its share of ones in the training images", "nats", "seeds"),
    "sampled_local": Metric("nats for an image, importance-sampled: window of 3 x 3", "nats", "seeds", "local", "low", spread=0.6),
    "sampled_recurrent": Metric("the same: GRU told once", "nats", "seeds", "recurrent", "low", spread=1.5),
    "wrong_code_local": Metric("-log p(x|z) with another image's code: window of 3 x 3", "nats", "seeds", "local", spread=6.0),
    "right_code_local": Metric("-log p(x|z) with its own code", "nats", "seeds", "local", "low", spread=0.8),
    "wrong_code_recurrent": Metric("how much more -log p(x|z) is with another image's code: GRU told once", "nats", "seeds", "recurrent",
                                   spread=0.1),
    "own_local": Metric("share of pixels that a decompression shares with its image: window of 3 x 3", "share", "seeds", "local", "high",
                        spread=0.04),
    "others_local": Metric("the same with the images of others", "share", "seeds", "local", spread=0.04),
    "own_recurrent": Metric("share of pixels that a decompression shares with its image: GRU told once", "share", "seeds", "recurrent",
                            spread=0.06),
    "others_recurrent": Metric("the same with the images of others", "share", "seeds", "recurrent", spread=0.06),
    "sent_bits": Metric("bits for an image that the coder's message grew by, bits-back, window of 3 x 3", "bits", "seeds", "local", "low",
                        spread=2.0),
    "sent_bound": Metric("what equation (6) says of the codes that these images were sent by", "bits", "seeds", "local", spread=2.0),
    "naive_bits": Metric("what equation (5) says of them: nothing is read back", "bits", "seeds", "local", spread=4.0),
    "received": Metric("share of these images that came back, all pixels of them, and the message with them", "share", "seeds", "local",
                       "high"),
}  # fmt: skip


def config(net: str) -> dict[str, Any]:
    return {**SIZES, **NETS[net]}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Biases zero; weights normal of the variance 1 / fan-in, those of the code's map and of the flow's output a tenth as large."""
    scale = {"code.weight": 0.1, "flows.0.output.weight": 0.1}
    return {
        name: np.zeros(shape) if len(shape) == 1 else rng.normal(0, scale.get(name, 1.0) * np.prod(shape[1:]) ** -0.5, shape)
        for name, shape in checks.shapes(**config(net)).items()
    }  # fmt: skip


def binarised() -> tuple[Array, Array]:
    """(image, 8, 8) of zeros and ones, for training and for tests; a test image that is a training image as well is left out."""
    train, test = ((part.images >= 0.5).astype(float) for part in digits_split())
    known = {image.tobytes() for image in train}
    return train, np.stack([image for image in test if image.tobytes() not in known])


def batch(inputs: Arrays) -> Arrays:
    """What is asked, by the names that the networks have. With the examples of a training it shares the name `images` alone: by the
    arrays of one name the engine tells whether an example was trained on, and no noise is drawn twice."""
    return {"images": inputs["images"], "coded": inputs["encoded"], "noise": inputs["drawn"]}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """Of images, what the encoder sees and noise: the divergence (image,), and for every sample z, log p(x|z) and the bound."""
    found = checks.forward(params, batch(inputs), **config(net))
    divergence = found["gaussian_kl"] if config(net)["closed_form"] else found["kl"].mean(1)
    return {"kl": divergence, **{name: found[name] for name in ("mean", "z", "log_likelihood", "bound")}}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, updates, recurrent_updates, tests, samples, explained = PROFILES[profile]
    train, test = binarised()
    metrics: dict[str, list[float]] = {name: [] for name in METRICS}
    shown: dict[str, Array] = {}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([17, s])
        images = test[rng.permutation(len(test))[:tests]]
        asked = Asked(
            framework, s, (s - seed) / seeds, train, images, rng.normal(size=(tests, samples, SIZES["latent"]))
        )
        trained = {
            net: asked.train(net, recurrent_updates if net.startswith("recurrent") else updates)
            for net in NETS
            if net != "explained"
        }
        # images whose every pixel depends on the window alone
        double = {name: value.astype(float) for name, value in trained["alone"].items()}
        count = explained + tests
        drawn = decompress.draw(
            double, np.zeros((count, SIZES["latent"])), rng.random((count, *train.shape[1:])), config("alone")
        )
        local = Asked(framework, s, asked.share, drawn[tests:], drawn[:tests], asked.noise)
        found = {"kl_explained": local.answer("explained", local.train("explained", updates))["kl"].mean()}
        answers = {net: asked.answer(net, params) for net, params in trained.items()}
        for net, answer in answers.items():
            spent = 0.0 if net == "alone" else answer["kl"].mean()
            found[f"kl_{net}"] = spent
            found[f"cost_{net}"] = spent - answer["log_likelihood"].mean()
        del found["kl_alone"]
        chance = (train.sum(0) + 1) / (len(train) + 2)  # (height, width)
        found["cost_pixels"] = -np.log(np.where(images, chance, 1 - chance)).sum((1, 2)).mean()
        for net in ("local", "recurrent"):
            right, wrong = (
                answers[net]["log_likelihood"].mean(),
                asked.answer(net, trained[net], 1)["log_likelihood"].mean(),
            )
            found[f"sampled_{net}"] = -checks.log_mean_exp(answers[net]["bound"].astype(float)).mean()
            found |= (
                {f"wrong_code_{net}": right - wrong}
                if net == "recurrent"
                else {"wrong_code_local": -wrong, "right_code_local": -right}
            )
            params = {name: value.astype(float) for name, value in trained[net].items()}
            drawn = decompress.draw(
                params, answers[net]["z"][:, 0].astype(float), rng.random(images.shape), config(net)
            )
            found[f"own_{net}"], found[f"others_{net}"] = decompress.agreement(images, drawn)
            shown.setdefault(net, drawn[:8])
        shown.setdefault("images", images[:8])
        found |= sent(trained["local"], images[:CODED], np.random.default_rng([17, s, 2]))
        for name, value in found.items():
            metrics[name].append(float(value))
    return Experiment(metrics, figures.drawn(metrics, shown))


@dataclass
class Asked:
    """What is asked of a framework for one seed: nets start from the same numbers where they have the same shapes."""

    framework: Framework
    seed: int
    share: float
    train_images: Array
    images: Array
    noise: Array

    def train(self, net: str, updates: int) -> Arrays:
        self.framework.progress(self.share, f"seed {self.seed}, {net}")
        rng, size = np.random.default_rng([17, self.seed, 1]), BATCH[config(net)["decoder"]]
        visits = rng.integers(len(self.train_images), size=updates * size)
        images = self.train_images[visits]
        others = self.train_images[rng.permutation(visits)]
        data = {
            "images": images,
            "coded": others if net == "shuffled" else images,
            "noise": rng.normal(size=(len(visits), 1, SIZES["latent"])),
        }
        start = initial(np.random.default_rng([17, self.seed, 3]), net)
        order = np.arange(len(visits)).reshape(updates, size)
        rates = linear_decay(RATE, updates, warm_up=20)
        trained = self.framework.train(Training(net, start, data, order, rates, clip=CLIP))
        return trained.params

    def answer(self, net: str, params: Arrays, shift: int = 0) -> dict[str, Array]:
        """Of the test images, each with the code of the image so many places on."""
        coded = np.roll(self.images, shift, 0)
        if net == "shuffled":
            coded = np.roll(self.images, 1, 0)
        return self.framework.predict(net, params, {"images": self.images, "encoded": coded, "drawn": self.noise})


def sent(params: Arrays, images: Array, rng: np.random.Generator) -> dict[str, float]:
    """These images, one after another in one message, and back."""
    double = {name: value.astype(float) for name, value in params.items()}
    by = coder.of_model(double, config("local"))
    start = message = coder.noise_of(1024, rng)
    codes, before = [], []
    for image in images:
        before.append(message)
        message, z = by.send(message, image)
        codes.append(z)
    grown = (coder.bits(message) - coder.bits(start)) / len(images)
    right = 0
    for image, wanted in zip(images[::-1], before[::-1], strict=True):
        message, found = by.receive(message, image.shape)
        right += bool((found == image).all()) and message == wanted
    mean, log_sigma = checks.encode(double, images)
    noise = (np.stack(codes) - mean) * np.exp(-log_sigma)
    told = checks.forward(double, {"images": images, "noise": noise[:, None]}, **config("local"))
    return {
        "sent_bits": grown,
        "sent_bound": told["net_bits"].mean(),
        "naive_bits": told["naive_bits"].mean(),
        "received": right / len(images),
    }
