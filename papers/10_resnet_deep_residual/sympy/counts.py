r"""How many layers, parameters and multiply-adds the nets of arXiv:1512.03385 have, counted from its architectures.

    printed   in the paper: Table 6 (0.27M to 19.4M), Table 1 and section 3.3 (multiply-adds), 6n + 2 layers
    derived   from the paper's architectures, by the layers below
    library   torchvision's models of the same names: 11,689,512 and so on; the paper prints no count of these

A convolution of side k from c to d channels has k k c d weights and BN 2 d parameters; per position it multiplies and adds
k k c d times. BN, ReLU, pooling and addition are not counted in multiply-adds.
"""

import sympy as sp

from s30.room import Identity

kernel, before, after, side = sp.symbols("k c d s")
PARAMETERS, MULTIPLY_ADDS = kernel**2 * before * after + 2 * after, kernel**2 * before * after * side**2

n = sp.Symbol("n", integer=True, positive=True)
IMAGENET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
CIFAR = {20: 3, 32: 5, 44: 7, 56: 9, 110: 18, 1202: 200}
# The configuration E of VGG nets: channels of each stage, at 224, 112, 56, 28 and 14 pixels.
VGG = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,) * 4)


def _layers(name: int, option: str) -> list[tuple[int, int, int, int]]:
    """(kernel, before, after, side of the output) of each convolution of an ImageNet net of Table 1."""
    found, channels, place = [(7, 3, 64, 112)], 64, 56
    for stage, blocks in enumerate(IMAGENET[name]):
        width = 64 * 2**stage
        out = width if name < 50 else 4 * width
        for block in range(blocks):
            place //= 2 if stage and not block else 1  # «conv3_1, conv4_1, and conv5_1 with a stride of 2»
            inner = [(3, channels, width), (3, width, width)]
            if name >= 50:
                inner = [(1, channels, width), (3, width, width), (1, width, out)]
            if channels != out and option == "B":
                inner.append((1, channels, out))
            found += [(*layer, place) for layer in inner]
            channels = out
    return found


def _counted(formula, layers) -> sp.Expr:
    return sum(sp.Subs(formula, (kernel, before, after, side), layer) for layer in layers)


def parameters(name: int, option: str) -> sp.Expr:
    width = 512 if name < 50 else 2048
    return _counted(PARAMETERS, _layers(name, option)) + width * 1000 + 1000


def multiply_adds(name: int, option: str) -> sp.Expr:
    width = 512 if name < 50 else 2048
    return _counted(MULTIPLY_ADDS, _layers(name, option)) + width * 1000


def cifar(blocks: sp.Expr) -> sp.Expr:
    """Parameters of the 6n + 2 layers of section 4.2, with option A or plain: stages of 2n layers."""
    count, channels = sp.Subs(PARAMETERS, (kernel, before, after), (3, 3, 16)), 16
    for width in (16, 32, 64):
        first = sp.Subs(PARAMETERS, (kernel, before, after), (3, channels, width))
        count += first + (2 * blocks - 1) * sp.Subs(PARAMETERS, (kernel, before, after), (3, width, width))
        channels = width
    return count + 64 * 10 + 10


def _rounded(value: sp.Expr, unit: int) -> sp.Expr:
    """To the nearest multiple of `unit`, in units."""
    return sp.floor((value + sp.Rational(unit, 2)) / unit)


def identities() -> list[Identity]:
    cifar_counts = [269_722, 464_154, 658_586, 853_018, 1_727_962, 19_421_274]
    vgg = [(3, a, b, 224 // 2**stage) for stage, pairs in enumerate(_pairs()) for a, b in pairs]
    dense = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    bottleneck = [(1, 256, 64), (3, 64, 64), (1, 64, 256)]
    weights = kernel**2 * before * after

    def block(layers) -> sp.Expr:
        return sum(sp.Subs(weights, (kernel, before, after), layer) for layer in layers)

    return [
        Identity(
            "cifar_parameters",
            "derived: a net of 6n + 2 layers, plain or with option A, has 97,216 n - 21,926 parameters, so 269,722, 464,154, "
            "658,586, 853,018, 1,727,962 and 19,421,274 for n = 3, 5, 7, 9, 18, 200",
            sp.Matrix([cifar(n), *(cifar(sp.Integer(blocks)) for blocks in CIFAR.values())]),
            sp.Matrix([97_216 * n - 21_926, *cifar_counts]),
            "weights of convolutions without bias, BN's scales and shifts, the last layer with its bias",
            "section 4.2",
            proof=("doit", "expand"),
        ),
        Identity(
            "printed_parameters",
            "printed: rounded, these are the 0.27M, 0.46M, 0.66M, 0.85M, 1.7M and 19.4M of Table 6",
            sp.Matrix(
                [_rounded(cifar(sp.Integer(blocks)), 10_000 if blocks < 18 else 100_000) for blocks in CIFAR.values()]
            ),
            sp.Matrix([27, 46, 66, 85, 17, 194]),
            "to two digits after the point of a million, or one",
            "Table 6",
            proof=("doit",),
        ),
        Identity(
            "printed_depths",
            "printed: 6n + 2 weighted layers; 18, 34, 50, 101 and 152 layers; thirteen identity shortcuts of "
            "the 34-layer net become projections in option C",
            sp.Matrix(
                [
                    1 + 3 * sp.Sum(2, (side, 1, n)) + 1,
                    *(len(_layers(name, "A")) + sp.Subs(side, side, 1) for name in IMAGENET if name < 50),
                    *(len(_layers(name, "B")) - 4 + sp.Subs(side, side, 1) for name in IMAGENET if name >= 50),
                    sum(IMAGENET[34]) - sp.Sum(1, (side, 1, 3)),
                ]
            ),
            sp.Matrix([6 * n + 2, *IMAGENET, 13]),
            "three stages of n blocks of two layers, a first and a last layer; in Table 1's deep nets four projections are no "
            "layers of their own",
            "sections 3.3, 4.1 and 4.2, Table 1",
            proof=("doit", "expand"),
        ),
        Identity(
            "library_parameters",
            "library: torchvision's resnet18, 34, 50, 101 and 152 have 11,689,512, 21,797,672, 25,557,032, 44,549,160 and "
            "60,192,808 parameters: option B with BN behind the projections",
            sp.Matrix([parameters(name, "B") for name in IMAGENET]),
            sp.Matrix([11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808]),
            "counted from Table 1; the right side is what the library states",
            "Table 1, option B of section 3.3; torchvision 0.2x model pages",
            proof=("doit",),
        ),
        Identity(
            "printed_multiply_adds",
            "printed: 1.8, 3.6, 7.6 and 11.3 billion for 18, 34, 101 and 152 layers, and 19.6 for VGG-19; of 50 layers we count "
            "3.86, which the paper prints as 3.8",
            sp.Matrix(
                [
                    *(_rounded(multiply_adds(name, "A"), 10**8) for name in (18, 34)),
                    *(_rounded(multiply_adds(name, "B"), 10**8) for name in (101, 152)),
                    _rounded(_counted(MULTIPLY_ADDS, vgg) + dense, 10**8),
                    _rounded(multiply_adds(50, "B"), 10**7),
                ]
            ),
            sp.Matrix([18, 36, 76, 113, 196, 386]),
            "option A for 18 and 34 layers, B for the others; the stride stands in the first layer of a block; BN not counted",
            "Table 1, section 3.3 and figure 3",
            proof=("doit",),
        ),
        Identity(
            "projections_double",
            "derived: a projection in place of the identity gives a bottleneck block of 69,632 weights another 65,536, which "
            "«doubles» it (1.94 times)",
            sp.Matrix([block(bottleneck), block([*bottleneck, (1, 256, 256)])]),
            sp.Matrix([69_632, 69_632 + 65_536]),
            "256 and 64 channels, as in figure 5, right",
            "section 4.1, «Deeper Bottleneck Architectures»",
            proof=("doit",),
        ),
    ]


def _pairs() -> list[list[tuple[int, int]]]:
    """Channels before and after each convolution of VGG-19, stage by stage."""
    depths, found = 3, []
    for stage in VGG:
        found.append(list(zip((depths, *stage), stage)))
        depths = stage[-1]
    return found
