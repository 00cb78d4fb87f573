"""CS231n's definitions in Agda, run on the room's numbers, layer by layer: each reads what the NumPy layer gave the one before."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
backward = sibling(__file__, "../backward.py")


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


# --- Forward, on the plane of integers: CS231n-Run ---


def taps(problem: Problem) -> str:
    """Filters and biases of CONV, the taps of a filter in one row."""
    weight = problem.params["conv.weight"]  # (filter, channel, 3, 3)
    return f"{literal(weight.reshape(*weight.shape[:2], -1))} {literal(problem.params['conv.bias'])}"


def convolution(problem: Problem) -> str:
    """The arguments of a CONV layer: channels, filters, height, width, taps in one row, biases."""
    filters, channels = problem.params["conv.weight"].shape[:2]
    height, width = problem.batch["images"].shape[2:]
    return f"{channels} {filters} {height} {width} {taps(problem)}"


def convolved(problem: Problem) -> str:
    return f"convolved {convolution(problem)} {literal(problem.batch['images'][:2])}"


def activated(problem: Problem) -> str:
    return f"activated {convolution(problem)} {literal(problem.batch['images'][:1])}"


def pooled(problem: Problem) -> str:
    activation = outputs(problem)["activation"]  # (batch, filter, height, width)
    _, filters, height, width = activation.shape
    return f"pooled {filters} {height // 2} {width // 2} {literal(activation)}"


def pooled_moved(problem: Problem) -> str:
    activation = outputs(problem)["activation"][0, :2]  # (filter, height, width)
    filters, height, width = activation.shape
    return f"pooledMoved {filters} {height // 2} {width // 2} {literal(activation)}"


def moved(problem: Problem, found: Arrays) -> Array:
    """By one row up and one column to the right; beyond the border there is nothing."""
    still = found["pooled"][0, :2]
    return np.pad(still, [(0, 0), (0, 1), (1, 0)])[:, 1:, :-1]


def scores(problem: Problem) -> str:
    weight, bias = problem.params["fc.weight"], problem.params["fc.bias"]
    pooled = outputs(problem)["pooled"].reshape(-1, weight.shape[1])[:1]  # (example, feature)
    return f"scores {len(weight)} {weight.shape[1]} {literal(weight)} {literal(bias)} {literal(pooled)}"


def hinges(problem: Problem) -> str:
    scores, labels = outputs(problem)["scores"], problem.batch["labels"]
    return f"hinges {scores.shape[1] - 1} {literal(float(problem.config['margin']))} 4.0 {literal(labels)} {literal(scores)}"


def hinge_of_each(problem: Problem, found: Arrays) -> Array:
    """The NumPy layer's mean over a batch of one is that example's loss."""
    one_by_one = range(len(problem.batch["labels"]))
    batches = ({name: value[i : i + 1] for name, value in problem.batch.items()} for i in one_by_one)
    return np.array([checks.forward(problem.params, batch, **problem.config)["hinge"] for batch in batches])


def slices(problem: Problem) -> list[Array]:
    """Two small affine layers and an input: W1 (4, 5), b1, W2 (3, 4), b2, x, cut out of the room's numbers."""
    weight, bias = problem.params["fc.weight"], problem.params["fc.bias"]
    return [weight[:4, :5], bias[:4], weight[4:7, 7:11], bias[4:7], outputs(problem)["pooled"][0].ravel()[:5]]


def two_layers(problem: Problem) -> str:
    return "twoLayers 3 4 5 " + " ".join(literal(value) for value in slices(problem))


def two_layers_at_once(problem: Problem, found: Arrays) -> Array:
    first_weight, first_bias, second_weight, second_bias, x = slices(problem)
    return np.tile(second_weight @ (first_weight @ x + first_bias) + second_bias, (2, 1))


def sizes(problem: Problem) -> str:
    kernel, padding, pool = (problem.config[name] for name in ("kernel", "padding", "pool"))
    return f"composed {kernel - 1} {padding} 1 {pool - 1} 0 {pool}"


def sizes_at_once(problem: Problem, found: Arrays) -> Array:
    """A window that fits n times across W with padding P is W + 2P - S (n - 1) wide."""
    padding, pool, width = (problem.config[name] for name in ("padding", "pool", "width"))
    places = found["pooled"].shape[3]
    return np.array([width + 2 * padding - pool * (places - 1) - 1, padding, pool])


# --- Zero padding and backward, on the first image's pixels: CS231n-Backward-Run ---


def first(problem: Problem) -> Problem:
    """The problem's first example alone."""
    return Problem(problem.config, problem.params, {name: value[:1] for name, value in problem.batch.items()})


def rows(volume: Array) -> Array:
    """(channel, height, width) as (pixel, channel)."""
    return volume.reshape(len(volume), -1).T


def places(height: int, width: int) -> Array:
    return np.stack(np.indices((height, width)), axis=-1).reshape(-1, 2)  # (pixel, [row, column])


def some(problem: Problem) -> Array:
    """A pixel in a corner, one inside, one at the border, by number."""
    height, width = problem.batch["images"].shape[2:]
    return np.array([width - 1, width + 1, height * width - 2])


def at_some(name: str, problem: Problem, images: bool = True) -> str:
    """`name` from the pixels of the image to some of the outputs, or back from all outputs to some pixels."""
    everywhere, chosen = places(*problem.batch["images"].shape[2:]), some(problem)
    filters, channels = problem.params["conv.weight"].shape[:2]
    sides = (everywhere, everywhere[chosen]) if images else (everywhere[chosen], everywhere)
    volume = problem.batch["images"][0] if images else backward.gradients(first(problem))["convolved"][0]
    sizes = " ".join(str(len(side)) for side in sides)
    ends = " ".join(literal(side, signed=True) for side in sides)
    return f"{name} {channels} {filters} {taps(problem)} {sizes} {ends} {literal(rows(volume))}"


def filters(name: str, problem: Problem, chosen: Array | slice = np.s_[:]) -> str:
    """At these positions of the outputs, or at all of them."""
    filters, channels = problem.params["conv.weight"].shape[:2]
    upstream = literal(rows(backward.gradients(first(problem))["convolved"][0])[chosen])
    to = places(*problem.batch["images"].shape[2:])[chosen]
    image, at = literal(problem.batch["images"][0]), literal(to, signed=True)
    return f"{name} {channels} {filters} {taps(problem)} {len(to)} {at} {image} {upstream}"


def made_of_layers(problem: Problem, found: Arrays) -> Array:
    """CONV is linear in its parameters, so doubling them doubles what the upstream makes of it."""
    upstream = rows(backward.gradients(first(problem))["convolved"][0])
    made = float((upstream * rows(found["convolved"][0]))[some(problem)].sum())
    return np.array([2 * made, made, made, made])


def read(problem: Problem) -> str:
    known = (
        backward.gradients(first(problem))["convolved"][0],
        outputs(problem)["convolved"][0],
        reversed_pixels(problem),
    )
    return stack("read", problem, *(literal(rows(volume)) for volume in known))


def read_at_once(problem: Problem, found: Arrays) -> Array:
    upstream = backward.gradients(first(problem))["convolved"][0]
    return np.array([(upstream * (found["convolved"][0] + reversed_pixels(problem))).sum()])


def stack(name: str, problem: Problem, *arguments: str) -> str:
    """RELU, POOL and FC of the first example, from CONV's outputs."""
    out, weight = outputs(first(problem)), problem.params["fc.weight"]
    _, filters, height, width = out["convolved"].shape
    rows_, columns = out["pooled"].shape[2:]
    numbers = np.arange(height * width).reshape(rows_, height // rows_, columns, width // columns)
    windows = numbers.transpose(0, 2, 1, 3).reshape(rows_ * columns, -1)  # (window, entry)
    matrix = weight.reshape(len(weight), filters, -1).swapaxes(1, 2)  # (class, pixel, filter)
    sizes = f"{height * width - 1} {filters} {rows_ * columns} {len(weight)}"
    layers = f"{literal(windows)} {literal(places(rows_, columns), signed=True)} {literal(matrix)}"
    return " ".join([name, sizes, layers, literal(problem.params["fc.bias"]), *arguments])


def before_relu(problem: Problem) -> str:
    return literal(rows(outputs(problem)["convolved"][0]))


def upstream(problem: Problem) -> str:
    return literal(backward.gradients(first(problem))["scores"][0])


def reversed_pixels(problem: Problem) -> Array:
    """A direction in which CONV's outputs move: (filter, height, width)."""
    return outputs(first(problem))["convolved"][0, :, ::-1, ::-1]


def moves(problem: Problem, found: Arrays) -> Array:
    """By the gradient of each score in turn."""
    out, weight = outputs(first(problem)), problem.params["fc.weight"]
    by_score = [backward.through(out, row[None], weight, problem.config["pool"]) for row in np.eye(len(weight))]
    return np.array([(gradient[0] * reversed_pixels(problem)).sum() for gradient in by_score])


def filter_gradient(problem: Problem, found: Arrays) -> Array:
    weight = problem.params["conv.weight"]
    gradient = backward.gradients(first(problem))["conv.weight"] - problem.config["strength"] * weight
    return gradient.reshape(*weight.shape[:2], -1)


def evaluations() -> list[Evaluation]:
    grid = ["CS231n-Grid.digitNet", "CS231n-Grid.around", "CS231n-Conv.conv", "CS231n-Conv.run"]
    padding = ["CS231n-Border.zeroExtend", "CS231n-Border.padded", "CS231n-Grid.centred"]
    net = ["CS231n-Backprop.Net", "CS231n-Border.wholeFilter"]

    def run(name, definitions, term, expected):
        return Evaluation(name, definitions, "CS231n-Run", term, expected)

    def back(name, definitions, term, expected, on="ties"):
        return Evaluation(name, definitions, "CS231n-Backward-Run", term, expected, (on,))

    def inside(problem: Problem, found: Arrays) -> Array:
        return rows(found["convolved"][0])[some(problem)]

    return [
        run("convolved", grid, convolved, lambda problem, found: found["convolved"][:2]),
        run("activation", [*grid, "CS231n-Shift.pointwise"], activated, lambda problem, found: found["activation"][:1]),
        run(
            "first output",
            ["CS231n-Shift.readout"],
            lambda problem: f"seenAtOrigin {convolution(problem)} {literal(problem.batch['images'][0])}",
            lambda problem, found: found["convolved"][0, :, 0, 0],
        ),
        run("pooled", ["CS231n-Pool.pool2x2", "CS231n-Shift.sliding"], pooled, lambda problem, found: found["pooled"]),
        run("pooled, moved", ["CS231n-Pool.double", "CS231n-Shift.shift"], pooled_moved, moved),
        run("scores", ["CS231n-Affine.affine"], scores, lambda problem, found: found["scores"][:1]),
        run("hinge", ["CS231n-Affine.hinge", "CS231n-Affine.raise"], hinges, hinge_of_each),
        run("two layers", ["CS231n-Affine.runAffine", "CS231n-Affine._*ₘ_"], two_layers, two_layers_at_once),
        Evaluation(
            "sizes",
            ["CS231n-Sizes._⨾_"],
            "CS231n-Run",
            sizes,
            sizes_at_once,
            ("seed0", "colours", "single pixels", "ties"),
            exact=True,
        ),
        back("zero padding", padding, lambda problem: at_some("outputs", problem), inside),
        back(
            "CONV as FC",
            ["CS231n-Border.blocks", "CS231n-Border.dense"],
            lambda problem: at_some("densely", problem),
            inside,
        ),
        back(
            "input gradient",
            [*padding, "CS231n-Backward.flipped"],
            lambda problem: at_some("pixels", problem, images=False),
            lambda problem, found: rows(backward.gradients(first(problem))["images"][0])[some(problem)],
        ),
        back(
            "filter gradient",
            ["CS231n-Backward.correlate"],
            lambda problem: filters("filterGradients", problem),
            filter_gradient,
        ),
        back(
            "bias gradient",
            ["CS231n-Backward.total"],
            lambda problem: filters("biasGradients", problem),
            lambda problem, found: backward.gradients(first(problem))["conv.bias"],
        ),
        back(
            "parameters doubled",
            [f"CS231n-Backward.{name}" for name in ("move", "replaced", "pair", "parameterPair")],
            lambda problem: filters("whenDoubled", problem, some(problem)),
            made_of_layers,
        ),
        back("sum read", ["CS231n-Backward._⊞_"], read, read_at_once),
        back(
            "stack",
            ["CS231n-Backprop.forward", *net],
            lambda problem: stack("scores", problem, before_relu(problem)),
            lambda problem, found: found["scores"][0],
        ),
        back(
            "stack backward",
            ["CS231n-Backprop.backward", *net],
            lambda problem: stack(
                "gradients", problem, literal(some(problem)), before_relu(problem), upstream(problem)
            ),
            lambda problem, found: rows(backward.gradients(first(problem))["convolved"][0])[some(problem)],
        ),
        back(
            "stack forward mode",
            ["CS231n-Backprop.push"],
            lambda problem: stack("moves", problem, before_relu(problem), literal(rows(reversed_pixels(problem)))),
            moves,
        ),
    ]
