r"""Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), in JAX: one image and one code, `vmap` over both.

encode : image -> mean, log sigma           q(z|x), z = mean + sigma noise
whiten : z -> epsilon, log-determinants     eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i), flow after flow
generate : epsilon -> z                     a scan over the units
decode : image, z -> logits                 log p(x|z) = sum_i log p(x_i | z, x_window(i)) or, by a scan over pixels, | z, x_<i
terms : image, z -> everything that belongs to this one code; L = log p(x|z) + log p(z) - log q(z|x)

paper                       here
mu_i, log sigma_i           shift_and_scale
log det d eps / d z         log_determinants, one per flow
what a pixel hears of z     features (map, height, width)
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_sigmoid, logsumexp, relu, sigmoid
from jax.scipy.stats import norm

Params = dict[str, Array]
TOLD = ("all", "first", "none")


def affine(params: Params, name: str, x: Array) -> Array:
    return params[f"{name}.weight"] @ x + params[f"{name}.bias"]


def encode(params: Params, image: Array) -> tuple[Array, Array]:
    """image (height, width) -> mean and log sigma, (latent,) each."""
    hidden = jnp.tanh(affine(params, "encoder.hidden", image.ravel()))
    mean, log_sigma = jnp.split(affine(params, "encoder.output", hidden), 2)
    return mean, log_sigma


def shift_and_scale(params: Params, k: int, y: Array) -> tuple[Array, Array]:
    """mu and log sigma of flow k, (latent,) each: entry i sees y_<i alone."""
    (hidden, latent), out = params[f"flows.{k}.hidden.weight"].shape, params[f"flows.{k}.output.weight"]
    # a hidden unit of degree m sees units 1 ... m, an output i sees degrees below i
    unit, degree = jnp.arange(1, latent + 1), 1 + jnp.arange(hidden) % max(1, latent - 1)
    first = jnp.where(degree[:, None] >= unit, params[f"flows.{k}.hidden.weight"], 0)
    second = jnp.where(jnp.tile(unit, len(out) // latent)[:, None] > degree, out, 0)
    found = second @ jnp.tanh(first @ y + params[f"flows.{k}.hidden.bias"]) + params[f"flows.{k}.output.bias"]
    return found[:latent], found[latent:] if len(found) > latent else jnp.zeros_like(y)


def whiten(params: Params, z: Array, flows: int) -> tuple[Array, Array]:
    """epsilon (latent,) and the log-determinants (flow,); the units are reversed between two flows."""
    found = []
    for k in range(flows):
        y = z[::-1] if k else z
        mu, log_scale = shift_and_scale(params, k, y)
        # eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i)
        z = (y - mu) * jnp.exp(-log_scale)
        found.append(-log_scale.sum())
    return z, jnp.array(found)


def generate(params: Params, epsilon: Array, flows: int) -> Array:
    """z = f(epsilon), unit after unit."""

    def unit(k: int, epsilon: Array, y: Array, i: Array) -> tuple[Array, None]:
        mu, log_scale = shift_and_scale(params, k, y)
        # y_i = eps_i sigma_i(y_<i) + mu_i(y_<i)
        return y.at[i].set(epsilon[i] * jnp.exp(log_scale[i]) + mu[i]), None

    for k in reversed(range(flows)):
        y, _ = lax.scan(partial(unit, k, epsilon), jnp.zeros_like(epsilon), jnp.arange(len(epsilon)))
        epsilon = y[::-1] if k else y
    return epsilon


def masked(weight: Array, maps: Array, seen: bool) -> Array:
    """weight (out, in, kernel, kernel) without the taps after the centre, and with mask A without the centre, over (in, height, width)."""
    kernel = weight.shape[-1]
    earlier = (jnp.arange(kernel**2) < kernel**2 // 2 + seen).reshape(kernel, kernel)
    border = [(kernel // 2, kernel // 2)] * 2
    return lax.conv_general_dilated(maps[None], jnp.where(earlier, weight, 0), (1, 1), border)[0]


def local(params: Params, image: Array, features: Array, layers: int) -> Array:
    """(channel, height, width) by masked convolutions."""
    told = jnp.tensordot(params["local.code.weight"], features, 1) + params["local.code.bias"][:, None, None]
    # h = tanh(A * x + C s(z) + c)
    hidden = jnp.tanh(masked(params["local.image.weight"], image[None], seen=False) + told)
    for n in range(layers - 1):
        # h <- tanh(B * h + b)
        bias = params[f"local.layers.{n}.bias"][:, None, None]
        hidden = jnp.tanh(masked(params[f"local.layers.{n}.weight"], hidden, seen=True) + bias)
    return hidden


def gru(params: Params, hidden: Array, x: Array) -> tuple[Array, Array]:
    """One more pixel: x (1 + map,) holds the one before it and what this one is told."""
    r, u, n = jnp.split(params["gru.weight_ih_l0"] @ x + params["gru.bias_ih_l0"], 3)
    r_, u_, n_ = jnp.split(params["gru.weight_hh_l0"] @ hidden + params["gru.bias_hh_l0"], 3)
    # r, u = sigma(...),  n = tanh(W x + r (U h + b)),  h <- (1 - u) n + u h
    u = sigmoid(u + u_)
    hidden = (1 - u) * jnp.tanh(n + sigmoid(r + r_) * n_) + u * hidden
    return hidden, hidden


def recurrent(params: Params, image: Array, features: Array) -> Array:
    """(channel, height, width) by a scan over the pixels, row after row."""
    before = jnp.concatenate([jnp.zeros(1, image.dtype), image.ravel()[:-1]])  # x_{i-1} at i
    told = features.reshape(len(features), -1).T  # (pixel, map)
    start = jnp.zeros(params["gru.weight_hh_l0"].shape[1], image.dtype)
    _, hidden = lax.scan(partial(gru, params), start, jnp.column_stack([before, told]))
    return hidden.T.reshape(-1, *image.shape)


def hears(told: str, height: int, width: int) -> Array:
    """(height, width): 1 at the pixels that are told of the code."""
    return (jnp.arange(height * width) < (height * width, 1, 0)[TOLD.index(told)]).reshape(height, width).astype(float)


def decode(
    params: Params, image: Array, code: Array, maps: int, hears: Array, decoder: str, layers: int
) -> tuple[Array, Array]:
    """What every pixel is told of the code, (map, height, width), and its logit, (height, width)."""
    # s(z) = hears W z + b
    features = (params["code.weight"] @ code).reshape(maps, *image.shape) * hears
    features += params["code.bias"].reshape(features.shape)
    hidden = local(params, image, features, layers) if decoder == "local" else recurrent(params, image, features)
    return features, jnp.tensordot(params["output.weight"][0], hidden, 1) + params["output.bias"]


def terms(params: Params, image: Array, read: Array, mean: Array, log_sigma: Array, noise: Array, hears: Array, flows: int,
iaf: bool | Array,
          maps: int, decoder: str, layers: int) -> dict[str, Array]:  # fmt: skip
    """All that belongs to one image and one sample of its code; the decoder reads earlier pixels of `read`, which is the image."""
    # z = mean + sigma noise
    z = mean + jnp.exp(log_sigma) * noise
    epsilon, log_determinants = whiten(params, z, flows)
    log_q = norm.logpdf(noise).sum() - log_sigma.sum()
    log_u = norm.logpdf(epsilon).sum()
    # log p(z) = log u(epsilon) + log det d epsilon / d z
    log_prior = log_u + log_determinants.sum()
    features, logits = decode(params, read, jnp.where(iaf, epsilon, z), maps, hears, decoder, layers)
    # log p(x|z): log sigma(a) where the pixel is 1, log sigma(-a) where it is 0
    log_likelihood = (image * log_sigmoid(logits) + (1 - image) * log_sigmoid(-logits)).sum()
    return {
        "z": z, "epsilon": epsilon, **({"log_determinants": log_determinants} if flows else {}),
        "log_q": log_q, "log_u": log_u, "log_prior": log_prior, "iaf_log_q": log_q - log_determinants.sum(),
        "kl": log_q - log_prior, "features": features, "logits": logits, "log_likelihood": log_likelihood,
        "bound": log_likelihood + log_prior - log_q,
    }  # fmt: skip


def forward(params: Params, batch: dict[str, Array], *, flows: int, iaf: bool, maps: int, told: str, decoder: str, kernel: int, layers: int,
            closed_form: bool, free_nats: float, kl_weight: float, **sizes: Any) -> dict[str, Array]:  # fmt: skip
    """images (batch, height, width), noise (batch, sample, latent). The loss is a mean over images and samples, in nats."""
    if decoder not in ("local", "recurrent"):
        raise ValueError(f"the decoder is one of local, recurrent, not {decoder}")
    if told not in TOLD:
        raise ValueError(f"of the code are told {', '.join(TOLD)}, not {told}")
    if kernel % 2 == 0 or layers < 1:
        raise ValueError(f"a mask has a centre, and a decoder a layer: not kernel {kernel} and {layers} layers")
    if closed_form and flows:
        raise ValueError(f"the divergence from a flow has no closed form: not with {flows} flows")
    images = batch["images"]
    if not isinstance(images, jax.core.Tracer) and not jnp.isin(images, jnp.array([0.0, 1.0])).all():
        raise ValueError("the pixels of an image are 0 or 1")
    mean, log_sigma = jax.vmap(partial(encode, params))(batch.get("coded", images))
    one = partial(
        terms,
        params,
        hears=hears(told, *images.shape[1:]),
        flows=flows,
        iaf=iaf,
        maps=maps,
        decoder=decoder,
        layers=layers,
    )
    found = jax.vmap(jax.vmap(one, (None, None, None, None, 0)))(images, images, mean, log_sigma, batch["noise"])
    # D_KL(q || N(0, 1)) in closed form
    gaussian_kl = 0.5 * (mean**2 + jnp.exp(2 * log_sigma) - 1 - 2 * log_sigma).sum(-1)
    spent = jnp.mean(gaussian_kl if closed_form else found["kl"])
    # gamma maximum(lambda, KL)
    penalty = kl_weight * (free_nats + relu(spent - free_nats))
    bits = 1 / jnp.log(2.0)
    return found | {
        "generated": jax.vmap(jax.vmap(partial(generate, params, flows=flows)))(found["epsilon"]),
        "mean": mean, "log_sigma": log_sigma, "gaussian_kl": gaussian_kl,
        "naive_bits": -(found["log_prior"] + found["log_likelihood"]) * bits, "back_bits": -found["log_q"] * bits,
        "net_bits": -found["bound"] * bits,
        # log 1/S sum_s p(x, z_s) / q(z_s|x)
        "importance_bound": logsumexp(found["bound"], axis=-1) - jnp.log(found["bound"].shape[-1]),
        "loss": penalty - found["log_likelihood"].mean(),
    }  # fmt: skip
