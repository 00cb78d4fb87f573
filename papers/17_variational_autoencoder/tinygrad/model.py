r"""Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), in tinygrad: every unit and every pixel written into one graph.

z = mean + sigma noise                             q(z|x)
eps_i = (y_i - mu_i(y_<i)) / sigma_i(y_<i)         the flow, and back: y_i = eps_i sigma_i(y_<i) + mu_i(y_<i), unit after unit
log p(x|z) = sum_i log p(x_i | z, x_window(i))     masked convolutions, or a GRU over all earlier pixels
L = log p(x|z) + log p(z) - log q(z|x)

symbol              name here
mu_i, log sigma_i   Flow.made
log det d eps/d z   log_determinants
s(z)                features (batch, sample, map, height, width)
"""

from __future__ import annotations

import math

from tinygrad import Tensor, nn
from tinygrad.engine.realize import capturing


def log_normal(x: Tensor) -> Tensor:
    """The log-density of independent standard normal entries, summed over the last axis."""
    return -0.5 * (x.square() + math.log(2 * math.pi)).sum(-1)


class Flow:
    """mu and log sigma by two masked layers, as in MADE."""

    def __init__(self, latent: int, hidden: int, mean_only: bool) -> None:
        self.hidden, self.output = nn.Linear(latent, hidden), nn.Linear(hidden, latent if mean_only else 2 * latent)
        degrees = [1 + k % max(1, latent - 1) for k in range(hidden)]
        # a hidden unit of degree m sees units 1 ... m, an output i sees degrees below i
        self._first = [[degree > i for i in range(latent)] for degree in degrees]
        self._second = [[i + 1 > degree for degree in degrees] for i in range(latent)] * (1 if mean_only else 2)

    def made(self, y: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (
            Tensor(self._first).where(self.hidden.weight, 0),
            Tensor(self._second).where(self.output.weight, 0),
        )
        found = y.linear(first.T, self.hidden.bias).tanh().linear(second.T, self.output.bias)
        if found.shape[-1] == y.shape[-1]:
            return found, y.zeros_like()
        mu, log_scale = found.chunk(2, -1)
        return mu, log_scale

    def whiten(self, y: Tensor) -> tuple[Tensor, Tensor]:
        mu, log_scale = self.made(y)
        return (y - mu) * (-log_scale).exp(), -log_scale.sum(-1)

    def generate(self, epsilon: Tensor) -> Tensor:
        """Unit after unit; those to come are zero, and not looked at."""
        known, zeros = [], epsilon.zeros_like().contiguous()
        for i in range(epsilon.shape[-1]):
            mu, log_scale = self.made(Tensor.cat(*known, zeros[..., i:], dim=-1) if known else zeros)
            known.append((epsilon * log_scale.exp() + mu)[..., i : i + 1].contiguous())
        return Tensor.cat(*known, dim=-1)


class Conv:
    """Taps after the centre are zero, and the centre too unless it may be seen."""

    def __init__(self, given: int, out: int, kernel: int, seen: bool) -> None:
        self.weight = Tensor.kaiming_uniform(out, given, kernel, kernel, a=math.sqrt(5))
        if seen:
            self.bias = Tensor.zeros(out)
        places = [place < kernel**2 // 2 + seen for place in range(kernel**2)]
        self._mask = [places[row * kernel : (row + 1) * kernel] for row in range(kernel)]

    def __call__(self, maps: Tensor) -> Tensor:
        weight = Tensor(self._mask).where(self.weight, 0)
        return maps.conv2d(weight, getattr(self, "bias", None), padding=len(self._mask) // 2)


class Local:
    def __init__(self, maps: int, channels: int, kernel: int, layers: int) -> None:
        self.image, self.code = Conv(1, channels, kernel, False), nn.Linear(maps, channels)
        self.layers = [Conv(channels, channels, kernel, True) for _ in range(layers - 1)]

    def __call__(self, images: Tensor, features: Tensor) -> Tensor:
        """(batch, sample, height, width, channel)."""
        read = self.image(images.unsqueeze(1)).unsqueeze(1)
        # h = tanh(A * x + C s(z) + c)
        hidden = (read + self.code(features.permute(0, 1, 3, 4, 2)).permute(0, 1, 4, 2, 3)).tanh().flatten(0, 1)
        for layer in self.layers:
            # h <- tanh(B * h + b)
            hidden = layer(hidden).tanh()
        return hidden.reshape(*features.shape[:2], *hidden.shape[1:]).permute(0, 1, 3, 4, 2)


class GRU:
    def __init__(self, given: int, hidden: int) -> None:
        self.weight_ih_l0, self.weight_hh_l0 = (
            Tensor.glorot_uniform(3 * hidden, given),
            Tensor.glorot_uniform(3 * hidden, hidden),
        )
        self.bias_ih_l0, self.bias_hh_l0 = Tensor.zeros(3 * hidden), Tensor.zeros(3 * hidden)

    def __call__(self, images: Tensor, features: Tensor) -> Tensor:
        told = features.flatten(3).transpose(2, 3)  # (batch, sample, pixel, map)
        before = images.flatten(1).pad((None, (1, 0)))[:, :-1]  # x_{i-1} at i
        read = before.reshape(before.shape[0], 1, -1, 1).expand(*told.shape[:3], 1)
        given = read.cat(told, dim=-1).linear(self.weight_ih_l0.T, self.bias_ih_l0)
        hidden = Tensor.zeros(*told.shape[:2], self.weight_hh_l0.shape[1])
        states = []
        for i in range(told.shape[2]):
            (r, u, n), (r_, u_, n_) = (
                x.chunk(3, -1) for x in (given[:, :, i], hidden.linear(self.weight_hh_l0.T, self.bias_hh_l0))
            )
            # r, u = sigma(...),  n = tanh(W x + r (U h + b)),  h <- (1 - u) n + u h
            u = (u + u_).sigmoid()
            hidden = ((1 - u) * (n + (r + r_).sigmoid() * n_).tanh() + u * hidden).contiguous()
            states.append(hidden)
        return Tensor.stack(*states, dim=2).reshape(*told.shape[:2], *features.shape[3:], -1)


class Encoder:
    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        self.hidden, self.output = nn.Linear(pixels, hidden), nn.Linear(hidden, 2 * latent)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_sigma = self.output(self.hidden(images.flatten(1)).tanh()).chunk(2, -1)
        return mean, log_sigma


class Model:
    def __init__(self, height: int, width: int, encoder: int, latent: int, flows: int, flow_hidden: int, mean_only: bool, iaf: bool,
    maps: int,
                 channels: int, told: str, decoder: str, kernel: int, layers: int, closed_form: bool, free_nats: float,
                 kl_weight: float) -> None:  # fmt: skip
        if decoder not in ("local", "recurrent"):
            raise ValueError(f"the decoder is one of local, recurrent, not {decoder}")
        if told not in ("all", "first", "none"):
            raise ValueError(f"of the code are told all, first, none, not {told}")
        if kernel % 2 == 0 or layers < 1:
            raise ValueError(f"a mask has a centre, and a decoder a layer: not kernel {kernel} and {layers} layers")
        if closed_form and flows:
            raise ValueError(f"the divergence from a flow has no closed form: not with {flows} flows")
        self.encoder = Encoder(height * width, encoder, latent)
        self.flows = [Flow(latent, flow_hidden, mean_only) for _ in range(flows)]
        self.code, self.output = nn.Linear(latent, maps * height * width), nn.Linear(channels, 1)
        if decoder == "local":
            self.local = Local(maps, channels, kernel, layers)
        else:
            self.gru = GRU(1 + maps, channels)
        self._hears = [
            [told == "all" or (told == "first" and not (i or j)) for j in range(width)] for i in range(height)
        ]
        self.maps, self.iaf, self.closed_form, self.free_nats, self.kl_weight = (
            maps,
            iaf,
            closed_form,
            free_nats,
            kl_weight,
        )

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images, noise = batch["images"], batch["noise"]
        # while a graph is captured its numbers cannot be seen
        if not capturing and not ((images == 0) | (images == 1)).all().item():
            raise ValueError("the pixels of an image are 0 or 1")
        mean, log_sigma = self.encoder(batch.get("coded", images))
        # z = mean + sigma noise
        z = mean.unsqueeze(1) + log_sigma.exp().unsqueeze(1) * noise  # (batch, sample, latent)
        epsilon, log_determinants = z, []
        for k, flow in enumerate(self.flows):
            epsilon, log_determinant = flow.whiten(epsilon.flip(-1) if k else epsilon)
            log_determinants.append(log_determinant)
        log_determinant = sum(log_determinants) if log_determinants else z.sum(-1).zeros_like()
        log_q, log_u = log_normal(noise) - log_sigma.sum(-1, keepdim=True), log_normal(epsilon)
        # log p(z) = log u(epsilon) + log det d epsilon / d z
        log_prior = log_u + log_determinant
        gaussian_kl = 0.5 * (mean.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(-1)
        kl = log_q - log_prior
        # s(z) = hears W z + b
        form = (self.maps, *images.shape[1:])
        of_code = (epsilon if self.iaf else z).linear(self.code.weight.T).reshape(*z.shape[:2], *form)
        features = Tensor(self._hears).where(of_code, 0) + self.code.bias.reshape(form)
        decoder = self.local if hasattr(self, "local") else self.gru
        logits = self.output(decoder(images, features)).squeeze(-1)
        # log p(x|z) = sum_i x_i a_i - log(1 + exp a_i)
        log_likelihood = (images.unsqueeze(1) * logits - logits.softplus()).sum((2, 3))
        bound = log_likelihood - kl
        spent = (gaussian_kl if self.closed_form else kl).mean()
        # gamma maximum(lambda, KL)
        penalty = self.kl_weight * (self.free_nats + (spent - self.free_nats).relu())
        return {
            "mean": mean, "log_sigma": log_sigma, "z": z, "epsilon": epsilon,
            **({"log_determinants": Tensor.stack(*log_determinants, dim=-1)} if log_determinants else {}),
            "generated": self.generate(epsilon), "log_q": log_q, "log_u": log_u, "log_prior": log_prior,
            "iaf_log_q": log_q - log_determinant, "gaussian_kl": gaussian_kl, "kl": kl, "features": features, "logits": logits,
            "log_likelihood": log_likelihood, "bound": bound, "naive_bits": -(log_prior + log_likelihood) / math.log(2),
            "back_bits": -log_q / math.log(2), "net_bits": -bound / math.log(2),
            # log 1/S sum_s p(x, z_s) / q(z_s|x)
            "importance_bound": bound.logsumexp(-1) - math.log(bound.shape[-1]), "loss": penalty - log_likelihood.mean(),
        }  # fmt: skip

    def generate(self, epsilon: Tensor) -> Tensor:
        """z = f(epsilon)."""
        for k, flow in reversed(list(enumerate(self.flows))):
            epsilon = flow.generate(epsilon).flip(-1) if k else flow.generate(epsilon)
        return epsilon
