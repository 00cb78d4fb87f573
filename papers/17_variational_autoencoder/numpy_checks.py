r"""Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), arXiv:1611.02731v2.

A variational autoencoder of binary images whose prior is an autoregressive flow and whose decoder reads earlier pixels, either those of a
small window or all of them. The noise is part of the batch, so that the bound is a number and no expectation:

    z        = mean(x) + exp(log_sigma(x)) noise                            q(z|x), re-parameterised (2.1)
    epsilon  = f^-1(z),   eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i)         the flow, from the code to its noise (3.2)
    log p(z) = log u(epsilon) + log det d epsilon / d z                      3.2
    log p(x|z) = sum_i log p(x_i | z, x_window(i))                           3.1
    L        = log p(x|z) + log p(z) - log q(z|x)                            (2), (12)
    L_lambda = E log p(x|z) - gamma maximum(lambda, E KL)                    appendix C, with all units in one group

    paper             name here                        shape in the checked problem
    x                 images                           (batch 2, height 4, width 5)
    noise of q        noise                            (batch, sample 3, latent 3)
    z, epsilon        z, epsilon                       (batch, sample, latent)
    log det d eps/dz  log_determinants, one per flow   (batch, sample, flow 1), absent without flows
    f(epsilon)        generated                        (batch, sample, latent)
    a pixel's logit   logits                           (batch, sample, height, width)
    L                 bound                            (batch, sample)
    (5), (6)          naive_bits, net_bits = naive_bits - back_bits

A weight is stored (out, in). The pixels' order is row after row. Logarithms are natural but for names that end in `_bits`.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "height": 4, "width": 5, "encoder": 7, "latent": 3, "flows": 1, "flow_hidden": 5, "mean_only": False, "iaf": False, "maps": 2,
    "channels": 6,
    "told": "all", "decoder": "local", "kernel": 3, "layers": 2, "closed_form": False, "free_nats": 0.0, "kl_weight": 1.0,
}  # fmt: skip
DECODERS, TOLD = ("local", "recurrent"), ("all", "first", "none")
KINK = 1e-3  # the mean KL of a Problem is no nearer to its free nats than this


def forward(params: Arrays, batch: Arrays, **config: Any) -> dict[str, Array]:
    """`images` (batch, height, width) of zeros and ones, `noise` (batch, sample, latent) -> the outputs in the order of computation.

    `coded`, if it is there, is what the encoder sees in place of the images.
    """
    check(batch, **config)
    images, noise = batch["images"], batch["noise"]
    mean, log_sigma = encode(params, batch.get("coded", images))
    # z = mean + sigma noise
    z = mean[:, None] + np.exp(log_sigma)[:, None] * noise  # (batch, sample, latent)
    epsilon, log_determinants = whiten(params, z, **config)
    # log q(z|x) = log N(noise) - log det d z / d noise
    log_q = log_normal(noise) - log_sigma.sum(-1)[:, None]  # (batch, sample)
    # log p(z) = log u(epsilon) + log det d epsilon / d z
    log_determinant, log_u = sum(log_determinants, np.zeros(noise.shape[:2])), log_normal(epsilon)
    log_prior = log_u + log_determinant
    # log density of epsilon where z is drawn from q(z|x): the IAF posterior, (14)
    iaf_log_q = log_q - log_determinant
    # D_KL(q || N(0, 1)), in closed form
    gaussian_kl = 0.5 * (mean**2 + np.exp(2 * log_sigma) - 1 - 2 * log_sigma).sum(-1)  # (batch,)
    kl = log_q - log_prior
    # an autoregressive prior has the decoder read z; an IAF posterior of the noise has it read epsilon
    features = code_map(params, epsilon if config["iaf"] else z, **config)  # (batch, sample, map, height, width)
    logits = decode(params, images, features, **config)
    # log p(x|z) = sum_i x_i a_i - log(1 + exp a_i)
    log_likelihood = (images[:, None] * logits - np.logaddexp(0, logits)).sum((2, 3))  # (batch, sample)
    bound = log_likelihood - kl
    # log 1/S sum_s p(x, z_s) / q(z_s|x)
    importance_bound = log_mean_exp(bound)  # (batch,)
    spent = (gaussian_kl if config["closed_form"] else kl).mean()
    # gamma maximum(lambda, KL) = gamma (lambda + relu(KL - lambda))
    penalty = config["kl_weight"] * (config["free_nats"] + np.maximum(spent - config["free_nats"], 0))
    return {
        "mean": mean, "log_sigma": log_sigma, "z": z, "epsilon": epsilon,
        **({"log_determinants": np.stack(log_determinants, -1)} if log_determinants else {}),
        "generated": generate(params, epsilon, **config), "log_q": log_q, "log_u": log_u, "log_prior": log_prior, "iaf_log_q": iaf_log_q,
        "gaussian_kl": gaussian_kl, "kl": kl, "features": features, "logits": logits, "log_likelihood": log_likelihood, "bound": bound,
        "naive_bits": -(log_prior + log_likelihood) / log(2), "back_bits": -log_q / log(2), "net_bits": -bound / log(2),
        "importance_bound": importance_bound, "loss": np.asarray(penalty - log_likelihood.mean()),
    }  # fmt: skip


def check(
    batch: Arrays, *, decoder: str, told: str, kernel: int, layers: int, closed_form: bool, flows: int, **_: Any
) -> None:
    """Raises ValueError for a configuration that means nothing, and for images that are not binary."""
    if decoder not in DECODERS:
        raise ValueError(f"the decoder is one of {', '.join(DECODERS)}, not {decoder}")
    if told not in TOLD:
        raise ValueError(f"of the code are told {', '.join(TOLD)}, not {told}")
    if kernel % 2 == 0 or layers < 1:
        raise ValueError(f"a mask has a centre, and a decoder a layer: not kernel {kernel} and {layers} layers")
    if closed_form and flows:
        raise ValueError(f"the divergence from a flow has no closed form: not with {flows} flows")
    if not np.isin(batch["images"], (0, 1)).all():
        raise ValueError("the pixels of an image are 0 or 1")


def encode(params: Arrays, images: Array) -> tuple[Array, Array]:
    """mean and log sigma of q(z|x), each (batch, latent)."""
    hidden = np.tanh(affine(params, "encoder.hidden", images.reshape(len(images), -1)))
    mean, log_sigma = np.split(affine(params, "encoder.output", hidden), 2, -1)
    return mean, log_sigma


def whiten(params: Arrays, z: Array, *, flows: int, **_: Any) -> tuple[Array, list[Array]]:
    """epsilon = f^-1(z) and log det d epsilon / d z of each flow; between two flows the units are reversed, which has |det| = 1."""
    found = []
    for k in range(flows):
        y = z[..., ::-1] if k else z
        mu, log_scale = shift_and_scale(params, k, y)
        # eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i)
        z = (y - mu) * np.exp(-log_scale)
        found.append(-log_scale.sum(-1))
    return z, found


def generate(params: Arrays, epsilon: Array, *, flows: int, latent: int, **_: Any) -> Array:
    """z = f(epsilon), one unit after the other, since mu_i and sigma_i ask for the units before i."""
    z = epsilon
    for k in reversed(range(flows)):
        y = np.zeros_like(z)
        for i in range(latent):
            mu, log_scale = shift_and_scale(params, k, y)
            # y_i = eps_i sigma_i(y_<i) + mu_i(y_<i)
            y[..., i] = z[..., i] * np.exp(log_scale[..., i]) + mu[..., i]
        z = y[..., ::-1] if k else y
    return z


def shift_and_scale(params: Arrays, k: int, y: Array) -> tuple[Array, Array]:
    """mu and log sigma of flow k, each of which sees the units before its own: two masked layers, as in MADE."""
    name, latent = f"flows.{k}", y.shape[-1]
    hidden_mask, output_mask = made_masks(latent, len(params[f"{name}.hidden.bias"]))
    hidden = np.tanh(y @ (params[f"{name}.hidden.weight"] * hidden_mask).T + params[f"{name}.hidden.bias"])
    weight = params[f"{name}.output.weight"] * np.tile(output_mask, (len(params[f"{name}.output.weight"]) // latent, 1))
    found = hidden @ weight.T + params[f"{name}.output.bias"]
    return found[..., :latent], found[..., latent:] if found.shape[-1] > latent else np.zeros_like(y)


def made_masks(latent: int, hidden: int) -> tuple[Array, Array]:
    """(hidden, latent) and (latent, hidden): a hidden unit of degree m sees units 1 ... m, and output i sees degrees below i."""
    unit, degree = np.arange(1, latent + 1), 1 + np.arange(hidden) % max(1, latent - 1)
    return degree[:, None] >= unit, unit[:, None] > degree


def code_map(params: Arrays, z: Array, *, maps: int, height: int, width: int, told: str, **_: Any) -> Array:
    """What every pixel is told, (batch, sample, map, height, width): where it lies, and if `told` names it, the code."""
    hears = np.arange(height * width) < {"all": height * width, "first": 1, "none": 0}[told]
    # s(z) = hears W z + b
    of_code = (z @ params["code.weight"].T).reshape(*z.shape[:2], maps, -1) * hears
    return of_code.reshape(*z.shape[:2], maps, height, width) + params["code.bias"].reshape(maps, height, width)


def decode(params: Arrays, images: Array, features: Array, *, decoder: str, **config: Any) -> Array:
    """The logit of every pixel given the code and earlier pixels, (batch, sample, height, width)."""
    if decoder == "local":
        hidden = local(params, images, features, **config)  # (batch, sample, channel, height, width)
        return np.tensordot(hidden, params["output.weight"][0], ([2], [0])) + params["output.bias"]
    hidden = recurrent(params, images, features)  # (batch, sample, pixel, channel)
    return affine(params, "output", hidden)[..., 0].reshape(*features.shape[:2], *images.shape[1:])


def local(params: Arrays, images: Array, features: Array, *, layers: int, **_: Any) -> Array:
    """Masked convolutions: the first does not see the pixel itself (mask A), the others do (mask B)."""
    told = (
        np.einsum("bsfhw,cf->bschw", features, params["local.code.weight"]) + params["local.code.bias"][:, None, None]
    )
    # h = tanh(A * x + C s(z) + c)
    hidden = np.tanh(masked(params["local.image.weight"], images[:, None, None], seen=False) + told)
    for n in range(layers - 1):
        # h <- tanh(B * h + b)
        bias = params[f"local.layers.{n}.bias"][:, None, None]
        hidden = np.tanh(masked(params[f"local.layers.{n}.weight"], hidden, seen=True) + bias)
    return hidden


def masked(weight: Array, maps: Array, seen: bool) -> Array:
    """maps (..., in, height, width) with weight (out, in, kernel, kernel), zeros outside: taps above, and to the left of the centre."""
    (*_, height, width), kernel = maps.shape, weight.shape[-1]
    border = kernel // 2
    padded = np.pad(maps, [(0, 0)] * (maps.ndim - 2) + [(border, border)] * 2)
    total = np.zeros((*maps.shape[:-3], len(weight), height, width))
    for row, column in np.argwhere(conv_mask(kernel, seen)):
        window = padded[..., row : row + height, column : column + width]
        total += np.moveaxis(np.tensordot(window, weight[:, :, row, column], ([-3], [1])), -1, -3)
    return total


def conv_mask(kernel: int, seen: bool) -> Array:
    """(kernel, kernel), true at the taps that are earlier than the centre, and at the centre where it may be `seen`."""
    place, centre = np.arange(kernel**2).reshape(kernel, kernel), kernel**2 // 2
    return place <= centre if seen else place < centre


def recurrent(params: Arrays, images: Array, features: Array) -> Array:
    """A GRU over all pixels, which reads the pixel before and what this one is told of the code: (batch, sample, pixel, channel)."""
    told = features.reshape(*features.shape[:3], -1)  # (batch, sample, feature, pixel)
    before = np.pad(images.reshape(len(images), -1), ((0, 0), (1, 0)))[:, None]  # (batch, 1, pixel + 1), x_{i-1} at i
    hidden = np.zeros((*told.shape[:2], params["gru.weight_hh_l0"].shape[1]))
    states = []
    for i in range(told.shape[-1]):
        x = np.broadcast_to(before[..., i : i + 1], (*told.shape[:2], 1))
        hidden = gru(params, np.concatenate([x, told[..., i]], -1), hidden)
        states.append(hidden)
    return np.stack(states, 2)


def gru(params: Arrays, x: Array, hidden: Array) -> Array:
    """h_i from the input (..., 1 + feature) and h_{i-1} (..., channel)."""
    given = x @ params["gru.weight_ih_l0"].T + params["gru.bias_ih_l0"]
    carried = hidden @ params["gru.weight_hh_l0"].T + params["gru.bias_hh_l0"]
    (r, u, n), (r_, u_, n_) = np.split(given, 3, -1), np.split(carried, 3, -1)
    # r, u = sigma(...),  n = tanh(W x + r (U h + b)),  h <- (1 - u) n + u h
    r, u = sigmoid(r + r_), sigmoid(u + u_)
    return (1 - u) * np.tanh(n + r * n_) + u * hidden


def affine(params: Arrays, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def sigmoid(a: Array) -> Array:
    # sigma(a) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = -1000 or 1000
    return np.exp(-np.logaddexp(0.0, -a))


def log_normal(x: Array) -> Array:
    """The log-density of independent standard normal entries, summed over the last axis."""
    return -0.5 * (x**2 + log(2 * pi)).sum(-1)


def log_mean_exp(x: Array) -> Array:
    """log of the mean of exp x over the last axis, shifted by the maximum so that nothing overflows."""
    most = x.max(-1, keepdims=True)
    return most[..., 0] + np.log(np.exp(x - most).mean(-1))


def shapes(*, height: int, width: int, encoder: int, latent: int, flows: int, flow_hidden: int, mean_only: bool, maps: int,
           channels: int, decoder: str, kernel: int, layers: int, **_: Any) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter."""

    def map_(name: str, out: int, given: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (out, given), f"{name}.bias": (out,)}

    found = map_("encoder.hidden", encoder, height * width) | map_("encoder.output", 2 * latent, encoder)
    for k in range(flows):
        found |= map_(f"flows.{k}.hidden", flow_hidden, latent)
        found |= map_(f"flows.{k}.output", latent if mean_only else 2 * latent, flow_hidden)
    found |= map_("code", maps * height * width, latent)
    if decoder == "recurrent":
        found |= {"gru.weight_ih_l0": (3 * channels, 1 + maps), "gru.weight_hh_l0": (3 * channels, channels)}
        found |= {"gru.bias_ih_l0": (3 * channels,), "gru.bias_hh_l0": (3 * channels,)}
    else:
        found |= {"local.image.weight": (channels, 1, kernel, kernel)} | map_("local.code", channels, maps)
        for n in range(layers - 1):
            found |= {
                f"local.layers.{n}.weight": (channels, channels, kernel, kernel),
                f"local.layers.{n}.bias": (channels,),
            }
    return found | map_("output", 1, channels)


def problem(seed: int = 0) -> Problem:
    """Two images with three samples of the code each."""
    return drawn(np.random.default_rng([17, seed]), 2, 3, CONFIG)


def drawn(rng: np.random.Generator, count: int, samples: int, config: dict[str, Any], scale: float = 1.0) -> Problem:
    """So many images of random bits and samples of noise. Weights have the variance scale / fan-in, biases 0.09. Redrawn until the mean
    KL is not near the free nats, where the loss has a kink."""

    def draw(shape: tuple[int, ...]) -> Array:
        return (
            rng.normal(0, 0.3, shape) if len(shape) == 1 else rng.normal(0, (scale / np.prod(shape[1:])) ** 0.5, shape)
        )

    while True:
        params = {name: draw(shape) for name, shape in shapes(**config).items()}
        images = rng.integers(2, size=(count, config["height"], config["width"])).astype(float)
        batch = {"images": images, "noise": rng.normal(size=(count, samples, config["latent"]))}
        found = forward(params, batch, **config)
        spent = found["gaussian_kl"] if config["closed_form"] else found["kl"]
        if (
            abs(spent.mean() - config["free_nats"]) > KINK
            and len(np.unique(images.reshape(count, -1), axis=0)) == count
        ):
            return Problem(config, params, batch, learning_rate=0.02)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
