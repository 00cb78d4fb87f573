"""The paper's definitions in Agda, run on the room's numbers: flows both ways and composed, both bounds, the logits of a masked decoder,
and bits-back coding of two images in one whole number."""

from __future__ import annotations

import math

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
coder = sibling(__file__, "../coder.py")
RUN, START, SENT = "VLAE-Run", 1_234_567_890_123, [1, 0]  # a message, and which of the two images are sent in it
TOTAL = 1 << 32  # of the frequencies, small enough for messages that a double holds


def evaluations() -> list[Evaluation]:
    flow, bits = (lambda *names: [f"VLAE-Flow.{name}" for name in names]), "VLAE-BitsBack."
    return [
        Evaluation("epsilon", flow("whiten"), RUN, lambda p: f"whitened {of_flow(p)} {codes(p, 'z')}", lambda p,
        found: flat(found["epsilon"])),
        Evaluation("generated", flow("generate", "extend"), RUN, lambda p: f"generated {of_flow(p)} {codes(p, 'epsilon')}",
                   lambda p, found: flat(found["generated"])),
        Evaluation("log_determinant", flow("logDet"), RUN, lambda p: f"logDets {of_flow(p)} {codes(p, 'z')}",
                   lambda p, found: found["log_determinants"].ravel()),
        Evaluation("earlier_units", flow("dropLatest"), RUN, lambda p: f"earlier {of_flow(p)} {codes(p, 'z')}",
                   lambda p, found: flat(found["epsilon"])[:, :-1]),
        Evaluation("two_flows", flow("_⨾_"), RUN, lambda p: f"whitened ({of_flow(p)} ⨾ {of_flow(p)}) {codes(p, 'z')}",
                   lambda p, found: twice(p, found)[0]),
        Evaluation("two_flows_back", flow("_⨾_"), RUN, lambda p: f"generated ({of_flow(p)} ⨾ {of_flow(p)}) {literal(twice(p)[0])}",
                   lambda p, found: flat(found["z"])),
        Evaluation("two_log_determinants", flow("_⨾_"), RUN, lambda p: f"logDets ({of_flow(p)} ⨾ {of_flow(p)}) {codes(p, 'z')}",
                   lambda p, found: twice(p, found)[1]),
        Evaluation("bounds", flow("priorBound", "posteriorBound"), RUN, bounds, lambda p, found: np.repeat(found["bound"].ravel()[:,
        None], 2, 1)),
        Evaluation("logits", ["VLAE-Window.conv"], RUN, logits, lambda p, found: found["logits"][0, 0].ravel(), on=("one_image",)),
        Evaluation("masks_in_a_stack", ["VLAE-Window.Earlier.stack"], RUN, stacked, stacked_by_hand),
        Evaluation("message", [bits + "send", bits + "sendAll", bits + "writeBy"], RUN, lambda p: f"Coding.sent {tables(p)} {images()}",
                   lambda p, found: np.array([message(p, SENT), message(p, SENT[:1])]), exact=True),
        Evaluation("received", [bits + name for name in ("receive", "receiveAll", "readBy", "giveBack", "further", "consTo")], RUN,
                   lambda p: f"Coding.received {tables(p)} {literal(np.array(SENT))} {message(p, SENT)}",
                   lambda p, found: np.array([START, message(p, SENT[1:]), SENT[0], *SENT]), exact=True),
        Evaluation("costs", [bits + f"Lengths.{name}" for name in ("netCosts", "netCost", "naiveCost", "codeOf")], RUN,
                   lambda p: f"Coding.costs {tables(p)} {images()}", lambda p, found: costs(p)),
    ]  # fmt: skip


def flat(values: Array) -> Array:
    return values.reshape(-1, values.shape[-1])


def outputs(problem: Problem) -> Arrays:
    found: Arrays = checks.forward(problem.params, problem.batch, **problem.config)
    return found


def codes(problem: Problem, name: str) -> str:
    return literal(flat(outputs(problem)[name]))


def of_flow(problem: Problem) -> str:
    """`flowOf` with the masked weights of the first flow."""
    params, latent = problem.params, problem.config["latent"]
    hidden, output = checks.made_masks(latent, problem.config["flow_hidden"])
    weights = [params["flows.0.hidden.weight"] * hidden, params["flows.0.hidden.bias"],
               params["flows.0.output.weight"] * np.tile(output, (2, 1)), params["flows.0.output.bias"]]  # fmt: skip
    return f"(flowOf {latent} {' '.join(map(literal, weights))})"


def twice(problem: Problem, found: Arrays | None = None) -> tuple[Array, Array]:
    """z through the first flow two times, and the log-determinant of both."""
    y, log_determinant = flat((found or outputs(problem))["z"]), 0.0
    for _ in range(2):
        mu, log_scale = checks.shift_and_scale(problem.params, 0, y)
        y, log_determinant = (y - mu) / np.exp(log_scale), log_determinant - log_scale.sum(-1)
    return y, np.asarray(log_determinant)


def bounds(problem: Problem) -> str:
    found = outputs(problem)
    parts = [found["log_likelihood"], found["log_u"], found["log_determinants"].sum(-1), found["log_q"]]
    return "bounds " + " ".join(literal(part.ravel()) for part in parts)


def padded(image: Array, border: int) -> tuple[Array, Array]:
    """An image as one row with zeros between its rows and before them, and the places of its pixels."""
    wide = np.pad(image, border)
    return wide.ravel(), np.arange(wide.size).reshape(wide.shape)[border:-border, border:-border].ravel()


def offsets(width: int, kernel: int, seen: bool) -> tuple[Array, Array]:
    """The taps of a mask (row, column), and how far from the centre each is in the row of the padded image."""
    taps = np.argwhere(checks.conv_mask(kernel, seen))
    return taps, (taps - kernel // 2) @ np.array([width, 1])


def logits(problem: Problem) -> str:
    params, kernel, found = problem.params, problem.config["kernel"], outputs(problem)
    row, places = padded(problem.batch["images"][0], kernel // 2)
    taps, far = offsets(problem.config["width"] + 2 * (kernel // 2), kernel, False)
    weights = params["local.image.weight"][:, 0, taps[:, 0], taps[:, 1]]  # (channel, tap)
    features = found["features"][0, 0].reshape(problem.config["maps"], -1)  # (map, pixel)
    told = features.T @ params["local.code.weight"].T + params["local.code.bias"]  # (pixel, channel)
    return " ".join(["logits", literal(far, signed=True), literal(weights), literal(row), literal(params["output.weight"][0]),
                     literal(float(params["output.bias"][0])), literal(places, signed=True), literal(told)])  # fmt: skip


def stack_of(problem: Problem) -> tuple[Array, Array, Array]:
    """Mask A from the image to the first channel, and mask B among the first channel, twice; the image with zeros around it."""
    params = problem.params
    first, second = params["local.image.weight"][0, 0], params["local.layers.0.weight"][0, 0]
    return first, second, np.pad(problem.batch["images"][0], 3)


def stacked(problem: Problem) -> str:
    first, second, wide = stack_of(problem)
    far = [offsets(wide.shape[1], 3, seen) for seen in (False, True)]
    a, b = (weight[taps[:, 0], taps[:, 1]] for weight, (taps, _) in zip((first, second), far))
    places = np.arange(wide.size).reshape(wide.shape)[3:-3, 3:-3].ravel()
    return " ".join(["stacked", *(literal(distance, signed=True) for _, distance in far), literal(a), literal(np.stack([b, b])),
                     literal(wide.ravel()), literal(places, signed=True)])  # fmt: skip


def stacked_by_hand(problem: Problem, found: Arrays) -> Array:
    first, second, wide = stack_of(problem)
    maps = checks.masked(first[None, None], wide[None], seen=False)
    for _ in range(2):
        maps = checks.masked(second[None, None], maps, seen=True)
    inside: Array = maps[0, 3:-3, 3:-3].ravel()
    return inside


def frequencies(shares: Array) -> list[int]:
    """Shares of their total, the last of them what is left."""
    sizes = [int(share * TOTAL) for share in shares[:-1]]
    return [*sizes, TOTAL - sum(sizes)]


def laws(problem: Problem) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """A code of three values and an image of two, of the problem's numbers: prior, likelihood of each code, posterior of each image."""
    found = outputs(problem)
    soft = np.exp(found["mean"]) / np.exp(found["mean"]).sum(1, keepdims=True)
    chances = checks.sigmoid(found["logits"][0, :3, 0, 0])
    prior = np.exp(found["epsilon"][0, 0]) / np.exp(found["epsilon"][0, 0]).sum()
    return frequencies(prior), [frequencies(np.array([1 - p, p])) for p in chances], [frequencies(row) for row in soft]


def tables(problem: Problem) -> str:
    return " ".join(literal(np.array(part)) for part in laws(problem))


def images() -> str:
    return f"{literal(np.array(SENT))} {START}"


def span(sizes: list[int], symbol: int) -> tuple[int, int]:
    return sum(sizes[:symbol]), sizes[symbol]


def steps(problem: Problem, sent: list[int]) -> tuple[int, list[int]]:
    """The message after these images, the last of them first, and their codes in that order."""
    prior, likelihood, posterior = laws(problem)
    held, used = START, []
    for x in reversed(sent):
        z = int(np.searchsorted(np.cumsum(posterior[x]), held % TOTAL, side="right"))
        held = coder.pop(held, *span(posterior[x], z), TOTAL)
        held = coder.push(coder.push(held, *span(likelihood[z], x), TOTAL), *span(prior, z), TOTAL)
        used.append(z)
    return held, used


def message(problem: Problem, sent: list[int]) -> int:
    return steps(problem, sent)[0]


def costs(problem: Problem) -> Array:
    """The net costs of both images together; the first one's when it is sent alone; its two-part code."""
    prior, likelihood, posterior = laws(problem)

    def parts(x: int, z: int) -> tuple[float, float]:
        naive = -math.log2(prior[z] * likelihood[z][x] / TOTAL**2)
        return naive + math.log2(posterior[x][z] / TOTAL), naive

    both = sum(parts(x, z)[0] for x, z in zip(reversed(SENT), steps(problem, SENT)[1], strict=True))
    return np.array([both, *parts(SENT[0], steps(problem, SENT[:1])[1][0])])
