r"""How many layers and parameters the nets of arXiv:1603.05027 have.

printed   Table 4: 1.7M for 164 layers, 10.2M for 1001; section 3.1: ResNet-110 has 54 units, ResNet-1001 has 333
derived   from the authors' code: 9n + 2 layers, three stages of n bottleneck units of 64, 128 and 256 channels behind a
          first layer of 16; the first unit of each stage projects; BN before each weight and behind the last unit. BN's scales
          and shifts are counted or not: without them both printed figures come out
"""

import sympy as sp

from s30.room import Identity

kernel, before, after, counted = sp.symbols("k c d a")  # a = 1 where BN's parameters count, else 0
n = sp.Symbol("n", integer=True, positive=True)
WEIGHTS = kernel**2 * before * after
NORM = counted * 2 * before  # BN stands before each convolution: of its input's channels


def _layer(side: int, c: int, d: int) -> sp.Expr:
    return sp.Subs(WEIGHTS + NORM, (kernel, before, after), (side, c, d))


def _unit(c: int, d: int) -> sp.Expr:
    """1x1 to a quarter of d, 3x3, 1x1 to d."""
    return _layer(1, c, d // 4) + _layer(3, d // 4, d // 4) + _layer(1, d // 4, d)


def preactivated(units) -> sp.Expr:
    """Parameters of the net with `units` bottleneck units in each of three stages."""
    count, channels = sp.Subs(WEIGHTS, (kernel, before, after), (3, 3, 16)), 16
    for width in (64, 128, 256):
        projection = sp.Subs(WEIGHTS, (kernel, before, after), (1, channels, width))
        count += _unit(channels, width) + projection + (units - 1) * _unit(width, width)
        channels = width
    return count + counted * 2 * 256 + 256 * 10 + 10


def identities() -> list[Identity]:
    nets = [preactivated(sp.Integer(units)) for units in (18, 111)]
    found = [sp.Subs(net, counted, with_norms) for with_norms in (1, 0) for net in nets]
    return [
        Identity(
            "depths",
            "printed: 9n + 2 layers are 164 for n = 18 and 1001 for n = 111, with 333 units; 6n + 2 are 110 for n = 18, with 54",
            sp.Matrix([sp.Subs(sp.Sum(9, (kernel, 1, n)) + 2, n, units) for units in (18, 111)]
                      + [sp.Subs(sp.Sum(3, (kernel, 1, n)), n, units) for units in (111, 18)]),
            sp.Matrix([164, 1001, 333, 54]),
            "three layers a bottleneck unit, three stages, a first and a last layer",
            "sections 3.1 and 4.1",
            proof=("doit",),
        ),
        Identity(
            "printed_parameters",
            "derived: 1,703,258 and 10,327,706 parameters for 164 and 1001 layers, 1,679,034 and 10,178,490 of them not BN's; "
            "the latter round to the printed 1.7M and 10.2M, with BN's the second would be 10.3M",
            sp.Matrix([*found, *(sp.floor((count + 50_000) / 100_000) for count in found)]),
            sp.Matrix([1_703_258, 10_327_706, 1_679_034, 10_178_490, 17, 103, 17, 102]),
            "pre-activation units; convolutions without bias",
            "table 4",
            proof=("doit",),
        ),
    ]  # fmt: skip
