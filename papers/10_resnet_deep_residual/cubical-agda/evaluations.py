"""ResNet's definitions in Agda, run on the room's numbers, stage by stage: each reads what the NumPy layer gave the one before."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")

SHARED = (2, 4, 6, 8, 17, 199)  # blocks behind the first of each stage: ResNet-20 to ResNet-1202


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def blocks(problem: Problem) -> str:
    out = outputs(problem)
    return f"blocks {literal(out['residual2'].ravel())} {literal(out['shortcut2'].ravel())}"


def plains(problem: Problem) -> str:
    out = outputs(problem)
    return f"plains {literal(out['residual2'].ravel())} {literal(out['block1'].ravel()[: out['residual2'].size])}"


def branches(problem: Problem) -> tuple[Array, Array]:
    """Three branches w x + b cut out of the room's numbers, and inputs."""
    return problem.params["fc.weight"][:3, :2], problem.params["fc.weight"][3:5, :3].ravel()


def stacks(problem: Problem) -> str:
    rows, inputs = branches(problem)
    return f"stacks 4 {literal(rows)} {literal(inputs)}"


def stacks_at_once(problem: Problem, found: Arrays) -> Array:
    rows, inputs = branches(problem)
    x = inputs
    for w, b in rows:
        x = np.maximum(0.0, x + w * x + b)
    return np.stack([x, x, np.maximum(0.0, inputs), np.maximum(0.0, inputs)], axis=1)


def masked(problem: Problem) -> Array:
    """The branches with a mask before each: the last one drops nothing, so that the product is not zero."""
    return np.column_stack([[1.0, 1.0, 1.0], branches(problem)[0]])


def pieces(problem: Problem) -> str:
    return f"pieces {literal(masked(problem))} {literal(float(branches(problem)[1][0]))}"


def pieces_at_once(problem: Problem, found: Arrays) -> Array:
    x = branches(problem)[1][0]
    for m, w, b in masked(problem):
        x = m * (x + w * x + b)
    return np.array([np.prod([m * (1.0 + w) for m, w, _ in masked(problem)]), x])


def rows(volume: Array) -> Array:
    """(batch, channel, height, width) as (channel, value)."""
    return volume.swapaxes(0, 1).reshape(volume.shape[1], -1)


def normalised(problem: Problem) -> str:
    values = rows(outputs(problem)["convolved2"])
    scale, shift = (literal(problem.params[f"block2.norm2.{kind}"]) for kind in ("weight", "bias"))
    return f"channels {values.shape[1]} {literal(problem.config['eps'])} {scale} {shift} {literal(values)}"


def upstream(problem: Problem) -> tuple[Array, Array]:
    """One channel before BN, and a gradient by what BN returns."""
    values = rows(outputs(problem)["convolved2"])[:2]
    return values, np.random.default_rng(0).normal(size=values.shape)


def pulls(problem: Problem) -> str:
    values, slopes = upstream(problem)
    return f"pulls {values.shape[1]} {literal(problem.config['eps'])} {literal(values)} {literal(slopes)}"


def pulled(problem: Problem, found: Arrays) -> Array:
    """By central differences of NumPy's BN, each value moved in turn, to third order exact (Richardson)."""
    values, slopes = upstream(problem)
    ones, zeros = np.ones(len(values)), np.zeros(len(values))

    def total(moved: Array) -> Array:
        normal = checks.batch_norm(moved.swapaxes(0, 0)[None, :, :, None], ones, zeros, problem.config["eps"])
        return (normal[0, :, :, 0] * slopes).sum(1)

    def difference(at: int, h: float) -> Array:
        step = np.eye(values.shape[1])[at] * h
        return (total(values + step) - total(values - step)) / (2 * h)

    each = [(4 * difference(at, 5e-4) - difference(at, 1e-3)) / 3 for at in range(values.shape[1])]
    return np.column_stack([values.mean(1), np.stack(each, axis=1)])


def stages(problem: Problem) -> str:
    return f"stages {problem.config['filters']} {problem.config['widened']}"


def sizes(problem: Problem, found: Arrays) -> Array:
    """Numbers in the blocks' parameters: of the first, of the second without its projection, of the second."""

    def size(block: str, projection: bool) -> int:
        names = [name for name in problem.params if name.startswith(block) and (projection or "projection" not in name)]
        return sum(problem.params[name].size for name in names)

    return np.array([size("block1", False), size("block2", False), size("block2", True)])


def counts(problem: Problem) -> str:
    return f"counts {literal(np.array(SHARED))}"


def counted(problem: Problem, found: Arrays) -> Array:
    """Number by number from the arrays' shapes, one block after another."""

    def three(before: int, after: int) -> int:
        return before * after * 9 + 2 * after

    table = []
    for more in SHARED:
        total = three(3, 16) + 64 * 10 + 10
        for before, after in ((16, 16), (16, 32), (32, 64)):
            total += three(before, after) + (2 * more + 1) * three(after, after)
        table.append([total, total, 6 * (more + 1) + 2, more * 2 * sum(three(d, d) for d in (16, 32, 64))])
    return np.array(table)


def evaluations() -> list[Evaluation]:
    block = [f"ResNet-Blocks.{name}" for name in ("residual",)]
    stack = [f"ResNet-Blocks.{name}" for name in ("run", "deepen", "zeros", "zeroBranch")]
    norm = [f"ResNet-Norm.{name}" for name in ("mean", "centred", "variance", "normal")]
    count = [f"ResNet-Counts.{name}" for name in ("cifar", "stage", "same", "layers", "perBlock", "shortcut")]

    def run(name, definitions, term, expected, *on, exact=False):
        return Evaluation(name, definitions, "ResNet-Run", term, expected, on or ("seed0",), exact)

    return [
        run("block", block, blocks, lambda problem, found: found["block2"].ravel(), "seed0", "one image"),
        run(
            "plain block",
            ["ResNet-Blocks.plain"],
            plains,
            lambda problem, found: np.maximum(0.0, found["residual2"].ravel()),
            "one image",
        ),
        run("stacks", stack, stacks, stacks_at_once),
        run("pieces", ["ResNet-Blocks.slope", "ResNet-Blocks.runPieces"], pieces, pieces_at_once),
        run("normalised", norm, normalised, lambda problem, found: rows(found["residual2"]), "one image", "colours"),
        run("backward through BN", ["ResNet-Norm.pull"], pulls, pulled, "one image"),
        run("sizes", count[1:2] + count[5:], stages, sizes, exact=True),
        run("counts", count, counts, counted, exact=True),
    ]
