"""The lossy autoencoder once more (paper 17): a discrete model enumerated, the evidence by quadrature, an IAF model of its own with a
numerical Jacobian, and a coder of integers that sends and receives the images."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Forward, Oracle, Problem, Tolerance, sibling

checks = sibling(__file__, "numpy_checks.py")
coder = sibling(__file__, "coder.py")
windows = sibling(__file__, "windows.py")

QUADRATURE = Tolerance(
    1e-8, 1e-9, "sums over 481 and 1601 nodes, whose error falls faster than any power of their distance"
)
DIFFERENCES = Tolerance(1e-6, 1e-8, "central differences of step 1e-5")
CELLS = Tolerance(1e-6, 1e-7, "cells of width 2^-10, whose probabilities are whole numbers of 2^-48")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "discrete_model", "a code of three values and all 64 images of 2 x 3 pixels, with either decoder: for a uniform q, for the "
            "posterior and for another q the bound is log p(x) less the divergence of q from the posterior, none for the posterior "
            "itself; the importance-sampled bound is log p(x), and its exponentials sum to the mass of the prior", "enumeration",
            discrete_model,
        ),
        Oracle(
            "evidence_by_quadrature", "with one unit of code the mean bound is log p(x) less the divergence of q from the posterior "
            "p(z|x), all by "
            "the trapezium rule; and so is the importance-sampled bound log p(x)", "trapezium rule over the code", evidence,
            ("plain_prior",),
            QUADRATURE,
        ),
        Oracle(
            "jacobian", "the log-determinants of all flows sum to the logarithm of the determinant of d epsilon / d z",
            "numpy.linalg.slogdet of "
            "central differences", jacobian, ("one_image", "three_layers"), DIFFERENCES,
        ),
        Oracle(
            "iaf_model", "the bound is that of a model whose code is epsilon: a posterior that is a Gaussian pushed through the inverse "
            "flow, the "
            "density from a numerical Jacobian, a prior N(0, 1), a decoder of f(epsilon)", "equation (14), unit by unit", iaf_model, (),
            DIFFERENCES,
        ),
        Oracle(
            "sent_and_received", "an image's net bits are what the message grows by that it is sent in, its code having been read from "
            "that message; "
            "and it is received, and the message is as before", "bits-back coding in whole numbers", sent_and_received, (), CELLS,
        ),
    ]  # fmt: skip


def discrete_model(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The three samples of a code that no image changes are its values, a uniform q(k|x) = 1/3 among them, and N(z_k) / q(z_k) / 3 is the
    mass of value k: p(k) but for its sum, which need not be one and enters all bounds as a factor."""
    ours, theirs = [], []
    for decoder in ("local", "recurrent"):
        rng, again = np.random.default_rng(17), np.random.default_rng(17)
        found, small = windows.of_all_images(forward, problem, rng, decoder), windows.every_image(again, decoder)
        mass, given = enumerated(small)  # (code,), (image, code)
        total = mass.sum()
        p_x = given @ (mass / total)  # (image,)
        posterior = given * (mass / total) / p_x[:, None]
        another = np.random.default_rng(18).dirichlet(np.ones(len(mass)), len(p_x))  # a q(k|x) of no meaning
        for q in (np.full_like(posterior, 1 / len(mass)), posterior, another):
            # E_q[log p(x|k) + log p(k) - log q(k|x)], where log p(x|k) + log p(k) is bound_k - log 3
            ours.append((q * (found["bound"] - np.log(len(mass) * q))).sum(1))
            # log p(x) - D_KL(q || p(k|x))
            theirs.append(np.log(total * p_x) - (q * np.log(q / posterior)).sum(1))
        ours += [found["importance_bound"], np.exp(found["importance_bound"]).sum()]
        theirs += [np.log(total * p_x), total]
    return _flat(*ours), _flat(*theirs)


def enumerated(small: Problem) -> tuple[Array, Array]:
    """Of three codes N(z_k) / q(z_k) / 3; and p(x|z_k), (image, code), a product of six probabilities."""
    mean, log_sigma = (part[0] for part in checks.encode(windows.blind(small.params), small.batch["images"][:1]))
    z = mean + np.exp(log_sigma) * small.batch["noise"][0]  # (code, latent)
    ratio = np.prod(
        np.exp(-(z**2) / 2) / (np.exp(-(((z - mean) / np.exp(log_sigma)) ** 2) / 2) / np.exp(log_sigma)), -1
    )
    given = np.ones((len(small.batch["images"]), len(z)))
    for n, image in enumerate(small.batch["images"]):
        logits = checks.decode(
            small.params, image[None], checks.code_map(small.params, z[None], **small.config), **small.config
        )
        ones = 1 / (1 + np.exp(-logits[0].reshape(len(z), -1)))  # (code, pixel)
        for i, pixel in enumerate(image.ravel()):
            given[n] *= ones[:, i] if pixel else 1 - ones[:, i]
    return ratio / len(z), given


def evidence(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """On one unit; a problem of more has the others' part in its own sum, and is cut to the first unit."""
    problem = problem if problem.config["latent"] == 1 else one_unit(problem)
    nodes = np.linspace(-24, 24, 481)
    images, weights = problem.batch["images"], np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi) * (nodes[1] - nodes[0])
    batch = {**problem.batch, "noise": np.broadcast_to(nodes[:, None], (len(images), len(nodes), 1)).copy()}
    found = forward(problem.params, batch, **problem.config)
    bound = (found["bound"] * weights).sum(1)
    # p(x, z) on a grid of z of its own, wide enough for every posterior
    z = np.linspace(-40, 40, 1601)
    joint, step = log_joint(problem, images, z), z[1] - z[0]  # (image, z)
    p_x = np.exp(joint).sum(1) * step
    mean, log_sigma = checks.encode(problem.params, images)
    log_q = -0.5 * ((z - mean) / np.exp(log_sigma)) ** 2 - log_sigma - 0.5 * np.log(2 * np.pi)
    gap = (np.exp(log_q) * (log_q - joint + np.log(p_x)[:, None])).sum(1) * step
    return np.concatenate([bound, np.log((np.exp(found["bound"]) * weights).sum(1))]), np.concatenate(
        [np.log(p_x) - gap, np.log(p_x)]
    )


def one_unit(problem: Problem) -> Problem:
    config = {**problem.config, "latent": 1, "flows": 0}
    found: Problem = checks.drawn(np.random.default_rng(17), 2, 1, config)
    return found


def log_joint(problem: Problem, images: Array, z: Array) -> Array:
    """log p(x|z) + log N(z), one image and one code at a time in the decoder."""
    rows = []
    for image in images:
        features = checks.code_map(problem.params, z[None, :, None], **problem.config)
        logits = checks.decode(problem.params, image[None], features, **problem.config)[0]
        log_p = np.where(image == 1, -np.logaddexp(0, -logits), -np.logaddexp(0, logits)).sum((1, 2))
        rows.append(log_p - 0.5 * z**2 - 0.5 * np.log(2 * np.pi))
    return np.stack(rows)


def whitened(problem: Problem, z: Array) -> Array:
    found: Array = checks.whiten(problem.params, z, **problem.config)[0]
    return found


def numerical(problem: Problem, z: Array, step: float = 1e-5) -> Array:
    """d epsilon / d z at each code (code, latent): (code, latent, latent)."""
    shifts = step * np.eye(z.shape[-1])
    columns = [(whitened(problem, z + shift) - whitened(problem, z - shift)) / (2 * step) for shift in shifts]
    return np.stack(columns, -1)


def jacobian(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    z = found["z"].reshape(-1, problem.config["latent"])
    sign, log_det = np.linalg.slogdet(numerical(problem, z))
    # reversals between flows change the sign, and nothing else
    return found["log_determinants"].sum(-1).ravel(), np.where(sign == 0, np.nan, log_det)


def iaf_model(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch, config = problem.params, problem.batch, problem.config
    mean, log_sigma = checks.encode(params, batch["images"])
    y = mean[:, None] + np.exp(log_sigma)[:, None] * batch["noise"]
    log_y = (
        -0.5 * ((y - mean[:, None]) / np.exp(log_sigma)[:, None]) ** 2 - log_sigma[:, None] - 0.5 * np.log(2 * np.pi)
    ).sum(-1)
    epsilon = whitened(problem, y)
    _, log_det = np.linalg.slogdet(numerical(problem, y.reshape(-1, y.shape[-1])))
    log_posterior = log_y - log_det.reshape(log_y.shape)  # of epsilon
    features = checks.code_map(params, checks.generate(params, epsilon, **config), **config)
    logits = checks.decode(params, batch["images"], features, **config)
    log_x = np.where(batch["images"][:, None] == 1, -np.logaddexp(0, -logits), -np.logaddexp(0, logits)).sum((2, 3))
    log_prior = (-0.5 * epsilon**2 - 0.5 * np.log(2 * np.pi)).sum(-1)
    return forward(params, batch)["bound"], log_x + log_prior - log_posterior


def sent_and_received(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    # a tamer flow: a cell of less than 2^-48 under the prior would be sent as one of 2^-48
    params = {name: value * (0.3 if name.startswith("flows.0.output") else 1) for name, value in problem.params.items()}
    images = problem.batch["images"]
    by = coder.of_model(params, problem.config)
    message = coder.noise_of(512, np.random.default_rng(17))
    grown, codes, held = [], [], []
    for image in images:
        held.append(message)
        message, z = by.send(message, image)
        grown.append(coder.bits(message) - coder.bits(held[-1]))
        codes.append(z)
    back, restored = [], []
    for before in reversed(held):
        message, image = by.receive(message, images.shape[1:])
        back.append(image)
        restored.append(float(message == before))
    mean, log_sigma = checks.encode(params, images)
    noise = np.broadcast_to(((np.stack(codes) - mean) / np.exp(log_sigma))[:, None], problem.batch["noise"].shape)
    told = forward(params, {**problem.batch, "noise": noise.copy()})["net_bits"][:, 0]
    return _flat(told, images, np.ones(len(images))), _flat(np.array(grown), np.stack(back[::-1]), np.array(restored))


def _flat(*parts: Array) -> Array:
    return np.concatenate([np.ravel(part) for part in parts])
