r"""CS231n's formulas for sizes, weights and volumes at the numbers that the notes print (convolutional-networks.md).

    (W - F + 2P)/S + 1     outputs along one side
    (F F D1) K + K         weights and biases of a CONV layer with parameter sharing
    W H D                  numbers in a volume

Printed are the examples of «Spatial arrangement», AlexNet's first layer, and VGGNet layer by layer.
"""

import itertools
from collections.abc import Callable

import sympy as sp

from s30.room import Identity

# VGGNet as tabulated: the side, and the channels of the CONV layers, of each stage before its POOL; then the FC layers.
VGG = ((224, (64, 64)), (112, (128, 128)), (56, (256,) * 3), (28, (512,) * 3), (14, (512,) * 3))
DENSE = ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000))
# W, F, P, S, and how many outputs: «Spatial arrangement», «Real-world example», «Numpy examples».
PLACES = ((7, 3, 0, 1, 5), (7, 3, 0, 2, 3), (5, 3, 1, 1, 5), (5, 3, 1, 2, 3), (227, 11, 0, 4, 55), (11, 5, 0, 2, 4))

side, kernel, channels, filters = sp.symbols("W F D1 K")
WEIGHTS, VOLUME = kernel**2 * channels * filters, side**2 * channels


def _weights(*numbers: int) -> sp.Subs:
    return sp.Subs(WEIGHTS, (kernel, channels, filters), numbers)


def _volume(*numbers: int) -> sp.Subs:
    return sp.Subs(VOLUME, (side, channels), numbers)


def identities(size: Callable) -> list[Identity]:
    """`size` is the formula for the outputs along one side."""
    places = [*PLACES, *((w, 3, 1, 1, w) for w, _ in VGG), *((w, 2, 0, 2, w // 2) for w, _ in VGG)]
    symbols = sp.symbols("W F P S")
    depths = [3, *(depth for _, stage in VGG for depth in stage)]
    convolutions = sum(_weights(3, before, after) for before, after in itertools.pairwise(depths))
    volumes = [
        (224, 3),
        *((w, depth) for w, stage in VGG for depth in stage),
        *((w // 2, stage[-1]) for w, stage in VGG),
    ]
    first = _weights(11, 3, 96)
    return [
        Identity(
            "printed_sizes",
            "(W - F + 2P)/S + 1 gives the sizes that the notes print in their examples, of AlexNet's first layer and of VGGNet",
            sp.Matrix([sp.Subs(size(*symbols), symbols, numbers) for *numbers, _ in places]),
            sp.Matrix([outputs for *_, outputs in places]),
            f"{len(places)} cases",
            "convolutional-networks.md, «Spatial arrangement», «Numpy examples», «VGGNet in detail»",
            proof=("doit",),
        ),
        Identity(
            "printed_parameters",
            "AlexNet's first layer has 34,944 parameters with sharing and 105,705,600 without; VGGNet has 138,344,128 weights; "
            "three 3x3 layers have 27 C^2 weights where one 7x7 layer has 49 C^2",
            sp.Matrix(
                [
                    first + 96,
                    55**2 * (first + 96),
                    convolutions + sum(_weights(1, *numbers) for numbers in DENSE),
                    3 * _weights(3, channels, channels),
                    _weights(7, channels, channels),
                ]
            ),
            sp.Matrix([34_944, 105_705_600, 138_344_128, 27 * channels**2, 49 * channels**2]),
            "VGGNet without its 13,416 biases, as in the notes' table, which prints 138M",
            "convolutional-networks.md, «Parameter Sharing», «VGGNet in detail», «Prefer a stack of small filter CONV»",
            proof=("doit",),
        ),
        Identity(
            "vgg_memory",
            "the volumes of the notes' table of VGGNet hold 15,237,608 numbers, and not the 24M that it prints as their total",
            sum(_volume(*numbers) for numbers in volumes) + sum(outputs for _, outputs in DENSE),
            sp.Integer(15_237_608),
            "the volumes of the input and after each CONV, POOL and FC layer, as tabulated",
            "convolutional-networks.md, «VGGNet in detail»",
            proof=("doit",),
        ),
    ]
