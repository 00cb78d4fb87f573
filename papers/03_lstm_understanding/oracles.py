"""The post's formulas once more: one unit, one number at a time, with one matrix on the concatenated vector, to 40 digits."""

import mpmath
import numpy as np

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

properties = sibling(__file__, "properties.py")
Vector = list  # of mpmath numbers


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "post in 40 digits",
            "hidden states and cells of every cell follow the post's formulas, W·[h_(t-1), x_t] + b with one matrix; nn.GRU's"
            " alone is no formula of the post",
            "mpmath, 40 digits, a loop over units and steps",
            _sides,
            variants=("one of each", "saturated"),
        )
    ]


def _sides(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    names = [name for name in (*properties.HIDDEN, *properties.CELL) if "after" not in name]
    outputs = forward(problem.params, problem.batch)
    with mpmath.workdps(40):
        runs = [_run(problem, example) for example in range(len(problem.batch["target"]))]
    theirs = [[[run[name][t] for t in range(len(run[name]))] for run in runs] for name in names]
    return np.stack([outputs[name] for name in names]), np.array(theirs, dtype=float)


def _run(problem: Problem, example: int) -> dict[str, list[Vector]]:
    """Every state of one example by name, (time, hidden)."""
    h_0, c_0 = (_numbers(problem.batch[name][example]) for name in ("hidden", "cell"))
    found: dict[str, list[Vector]] = {}
    for kind, step in {"rnn": _rnn, "lstm": _lstm, "peephole": _lstm, "coupled": _lstm, "gru": _gru}.items():
        h, c, prefix = h_0, c_0, "" if kind == "lstm" else f"{kind}_"
        for row in problem.batch["inputs"][example]:
            h, c = step(problem.params, kind, h, c, _numbers(row))
            found.setdefault(f"{prefix}hidden", []).append(h)
            found.setdefault(f"{prefix}cell", []).append(c)
    return found


def _numbers(row: Array) -> Vector:
    return [mpmath.mpf(float(value)) for value in row]


def _sigmoid(a: mpmath.mpf) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-a))


def _layer(params: Arrays, kind: str, block: int, z: Vector, cell: Vector | None = None, look: int = 0) -> Vector:
    """W·z + b for one gate, z = [h_(t-1), x_t] or, where it looks at a cell, [C, h_(t-1), x_t]."""
    units = len(params["readout.weight"][0])
    rows = slice(block * units, (block + 1) * units)
    joined = [params[f"{kind}.weight_hh_l0"][rows], params[f"{kind}.weight_ih_l0"][rows]]
    if cell is not None:
        joined, z = [params[f"{kind}.weight_ch_l0"][look * units : (look + 1) * units], *joined], [*cell, *z]
    bias = _numbers(params[f"{kind}.bias_ih_l0"][rows]), _numbers(params[f"{kind}.bias_hh_l0"][rows])
    matrix = [_numbers(row) for row in np.concatenate(joined, axis=1)]
    return [mpmath.fdot(row, z) + b + d for row, b, d in zip(matrix, *bias, strict=True)]


def _rnn(params: Arrays, kind: str, h: Vector, c: Vector, x: Vector) -> tuple[Vector, Vector]:
    return [mpmath.tanh(a) for a in _layer(params, kind, 0, [*h, *x])], c


def _lstm(params: Arrays, kind: str, h: Vector, c: Vector, x: Vector) -> tuple[Vector, Vector]:
    z, peeps, coupled = [*h, *x], kind == "peephole", kind == "coupled"
    blocks = (None, 0, 1, 2) if coupled else (0, 1, 2, 3)  # of i, f, g, o
    f = [_sigmoid(a) for a in _layer(params, kind, blocks[1], z, c if peeps else None, 1)]
    i = [1 - y for y in f] if coupled else [_sigmoid(a) for a in _layer(params, kind, 0, z, c if peeps else None, 0)]
    g = [mpmath.tanh(a) for a in _layer(params, kind, blocks[2], z)]
    c = [f_ * c_ + i_ * g_ for f_, c_, i_, g_ in zip(f, c, i, g, strict=True)]
    o = [_sigmoid(a) for a in _layer(params, kind, blocks[3], z, c if peeps else None, 2)]
    return [o_ * mpmath.tanh(c_) for o_, c_ in zip(o, c, strict=True)], c


def _gru(params: Arrays, kind: str, h: Vector, c: Vector, x: Vector) -> tuple[Vector, Vector]:
    r = [_sigmoid(a) for a in _layer(params, kind, 0, [*h, *x])]
    z = [_sigmoid(-a) for a in _layer(params, kind, 1, [*h, *x])]  # stored with the opposite sign
    n = [mpmath.tanh(a) for a in _layer(params, kind, 2, [*(r_ * h_ for r_, h_ in zip(r, h, strict=True)), *x])]
    return [(1 - z_) * h_ + z_ * n_ for z_, h_, n_ in zip(z, h, n, strict=True)], c
