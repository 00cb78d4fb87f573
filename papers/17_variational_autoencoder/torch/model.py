r"""Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), in PyTorch: modules, one for each of the paper's parts.

Encoder           q(z|x) = N(mean, sigma^2), z = mean + sigma noise
Flow              eps = (z - mu(z_<)) / sigma(z_<), and back;  log p(z) = log u(eps) + log det d eps / d z
Local, Recurrent  p(x|z): masked convolutions over a window of earlier pixels, or `nn.GRU` over all of them
Model             L = log p(x|z) + log p(z) - log q(z|x), and the bits of its code

paper            here
mu_i, sigma_i    Made: the two halves of its output, the second as a logarithm
x_window(i)      what the masks of Local leave
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal


class MaskedLinear(nn.Linear):
    """W x + b with entries of W that are held at zero."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.where(self.mask, 0), self.bias)


class MaskedConv2d(nn.Conv2d):
    """A convolution whose taps after the centre are zero, and with mask A the centre too."""

    def __init__(self, given: int, out: int, kernel: int, seen: bool) -> None:
        super().__init__(given, out, kernel, padding=kernel // 2, bias=seen)
        place = torch.arange(kernel**2).view(kernel, kernel)
        self.register_buffer("mask", place < kernel**2 // 2 + seen, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(maps, self.weight.where(self.mask, 0), self.bias, padding=self.padding)


class Flow(nn.Module):
    """One autoregressive flow: a MADE of one hidden layer gives mu and log sigma, of the units before each."""

    def __init__(self, latent: int, hidden: int, mean_only: bool) -> None:
        super().__init__()
        unit, degree = torch.arange(1, latent + 1), 1 + torch.arange(hidden) % max(1, latent - 1)
        self.hidden = MaskedLinear(degree[:, None] >= unit)
        self.output = MaskedLinear((unit[:, None] > degree).repeat(1 if mean_only else 2, 1))

    def made(self, y: Tensor) -> tuple[Tensor, Tensor]:
        found = self.output(self.hidden(y).tanh())
        mu, *log_scale = found.split(y.shape[-1], -1)
        return mu, log_scale[0] if log_scale else torch.zeros_like(mu)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """epsilon, and log det d epsilon / d y."""
        mu, log_scale = self.made(y)
        # eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i)
        return (y - mu) * (-log_scale).exp(), -log_scale.sum(-1)

    def inverse(self, epsilon: Tensor) -> Tensor:
        """All units at once, as many times as there are units: after n rounds the first n are right."""
        y = torch.zeros_like(epsilon)
        for _ in range(epsilon.shape[-1]):
            mu, log_scale = self.made(y)
            # y_i = eps_i sigma_i(y_<i) + mu_i(y_<i)
            y = epsilon * log_scale.exp() + mu
        return y


class Local(nn.Module):
    """Masked convolutions over the image, told of the code at every pixel."""

    def __init__(self, maps: int, channels: int, kernel: int, layers: int) -> None:
        super().__init__()
        self.image, self.code = MaskedConv2d(1, channels, kernel, seen=False), nn.Linear(maps, channels)
        self.layers = nn.ModuleList(MaskedConv2d(channels, channels, kernel, seen=True) for _ in range(layers - 1))

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        """images (batch, height, width), features (batch, sample, map, height, width) -> (batch, sample, height, width, channel)."""
        read = self.image(images[:, None])[:, None]  # (batch, 1, channel, height, width)
        told = self.code(features.movedim(2, -1)).movedim(-1, 2)
        # h = tanh(A * x + C s(z) + c)
        hidden = (read + told).tanh().flatten(0, 1)
        for layer in self.layers:
            # h <- tanh(B * h + b)
            hidden = layer(hidden).tanh()
        return hidden.unflatten(0, features.shape[:2]).movedim(2, -1)


class Recurrent(nn.GRU):
    """A GRU from pixel to pixel: it reads the one before and what this one is told of the code."""

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        before = F.pad(images.flatten(1), (1, -1))  # x_{i-1} at i
        told = features.flatten(3).movedim(2, -1)  # (batch, sample, pixel, map)
        read = before[:, None, :, None].expand(*told.shape[:3], 1)
        hidden, _ = super().forward(torch.cat([read, told], -1).flatten(0, 1))
        return hidden.unflatten(1, features.shape[3:]).unflatten(0, features.shape[:2])


class Encoder(nn.Module):
    """mean and log sigma of q(z|x), by one hidden layer."""

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(pixels, hidden), nn.Linear(hidden, 2 * latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_sigma = self.output(self.hidden(images.flatten(1)).tanh()).chunk(2, -1)
        return mean, log_sigma


class Model(nn.Module):
    """batch: images (batch, height, width), noise (batch, sample, latent). The loss is a mean over images and samples, in nats."""

    def __init__(self, height: int, width: int, encoder: int, latent: int, flows: int, flow_hidden: int, mean_only: bool, iaf: bool,
    maps: int,
                 channels: int, told: str, decoder: str, kernel: int, layers: int, closed_form: bool, free_nats: float,
                 kl_weight: float) -> None:  # fmt: skip
        super().__init__()
        if decoder not in ("local", "recurrent"):
            raise ValueError(f"the decoder is one of local, recurrent, not {decoder}")
        if told not in ("all", "first", "none"):
            raise ValueError(f"of the code are told all, first, none, not {told}")
        if kernel % 2 == 0 or layers < 1:
            raise ValueError(f"a mask has a centre, and a decoder a layer: not kernel {kernel} and {layers} layers")
        if closed_form and flows:
            raise ValueError(f"the divergence from a flow has no closed form: not with {flows} flows")
        self.encoder = Encoder(height * width, encoder, latent)
        self.flows = nn.ModuleList(Flow(latent, flow_hidden, mean_only) for _ in range(flows))
        self.code, self.output = nn.Linear(latent, maps * height * width), nn.Linear(channels, 1)
        if decoder == "local":
            self.local = Local(maps, channels, kernel, layers)
        else:
            self.gru = Recurrent(1 + maps, channels, batch_first=True)
        told_pixels = torch.zeros(height * width).index_fill(
            0, torch.arange({"all": height * width, "first": 1, "none": 0}[told]), 1
        )
        self.register_buffer("hears", told_pixels.view(height, width), persistent=False)
        self.maps, self.iaf, self.closed_form, self.free_nats, self.kl_weight = (
            maps,
            iaf,
            closed_form,
            free_nats,
            kl_weight,
        )

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images, noise = batch["images"], batch["noise"]
        if not ((images == 0) | (images == 1)).all():
            raise ValueError("the pixels of an image are 0 or 1")
        mean, log_sigma = self.encoder(batch.get("coded", images))
        # z = mean + sigma noise
        posterior, standard = Normal(mean[:, None], log_sigma[:, None].exp()), Normal(0.0, 1.0)
        z = posterior.loc + posterior.scale * noise  # (batch, sample, latent)
        epsilon, log_determinants = self.whiten(z)
        log_determinant = log_determinants.sum(-1)
        # log q(z|x), without the division (z - mean) / sigma
        log_q = standard.log_prob(noise).sum(-1) - log_sigma.sum(-1, keepdim=True)
        log_u = standard.log_prob(epsilon).sum(-1)
        # log p(z) = log u(epsilon) + log det d epsilon / d z
        log_prior = log_u + log_determinant
        # D_KL(q || N(0, 1)) in closed form
        gaussian_kl = 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(-1)
        kl = log_q - log_prior
        features, logits = self.decode(images, epsilon if self.iaf else z)
        # log p(x|z)
        log_likelihood = -F.binary_cross_entropy_with_logits(
            logits, images[:, None].expand_as(logits), reduction="none"
        ).sum((2, 3))
        bound = log_likelihood - kl
        # log 1/S sum_s p(x, z_s) / q(z_s|x)
        importance_bound = bound.logsumexp(-1) - math.log(bound.shape[-1])
        spent = (gaussian_kl if self.closed_form else kl).mean()
        # gamma maximum(lambda, KL)
        penalty = self.kl_weight * (self.free_nats + F.relu(spent - self.free_nats))
        return {
            "mean": mean, "log_sigma": log_sigma, "z": z, "epsilon": epsilon,
            **({"log_determinants": log_determinants} if len(self.flows) else {}),
            "generated": self.generate(epsilon), "log_q": log_q, "log_u": log_u, "log_prior": log_prior,
            "iaf_log_q": log_q - log_determinant, "gaussian_kl": gaussian_kl, "kl": kl, "features": features, "logits": logits,
            "log_likelihood": log_likelihood, "bound": bound, "naive_bits": -(log_prior + log_likelihood) / math.log(2),
            "back_bits": -log_q / math.log(2), "net_bits": -bound / math.log(2), "importance_bound": importance_bound,
            "loss": penalty - log_likelihood.mean(),
        }  # fmt: skip

    def whiten(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """epsilon = f^-1(z), (batch, sample, latent), and the log-determinants (batch, sample, flow)."""
        found = []
        for k, flow in enumerate(self.flows):
            z, log_determinant = flow(z.flip(-1) if k else z)
            found.append(log_determinant)
        return z, torch.stack(found, -1) if found else z.new_zeros(*z.shape[:-1], 0)

    def generate(self, epsilon: Tensor) -> Tensor:
        """z = f(epsilon)."""
        for k, flow in reversed(list(enumerate(self.flows))):
            epsilon = flow.inverse(epsilon).flip(-1) if k else flow.inverse(epsilon)
        return epsilon

    def decode(self, images: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """What every pixel is told of the code, and its logit given that and the earlier pixels."""
        # s(z) = hears W z + b
        form = (self.maps, *self.hears.shape)
        of_code = F.linear(code, self.code.weight).unflatten(-1, form) * self.hears
        features = of_code + self.code.bias.view(form)  # (batch, sample, map, height, width)
        decoder = self.local if hasattr(self, "local") else self.gru
        return features, self.output(decoder(images, features))[..., 0]
