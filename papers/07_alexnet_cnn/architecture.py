r"""The paper's own network, counted: sides, strides, receptive fields, neurons and parameters (paper 07, section 3.5, figure 2).

    side       (W - F + 2P) / S + 1                       W of the layer's input
    stride     j S                                        j of the layer's input, 1 for pixels: pixels between two neighbours
    field      r + (F - 1) j                              r of the layer's input, 1 for pixels: pixels that an entry sees
    neurons    K side^2
    weights    K F^2 D / groups, D the maps of the layer's input, and K biases

**Printed** are the kernels of 11, 5, 3, 3, 3, the depths 3, 48, 256, 192, 192, the stride 4, pooling's 3 and 2, and the input
of 224 pixels. **Derived** is the rest: the side 227, the paddings 2, 1, 1, 1, and all that the functions here return.
"""

from typing import NamedTuple


class Layer(NamedTuple):
    name: str
    kernels: int  # 0: pooling, which keeps the maps
    kernel: int  # the side of a kernel or a neighbourhood
    stride: int
    padding: int
    groups: int


SIDE, CHANNELS = 227, 3  # printed: 224
LAYERS = (
    Layer("conv1", 96, 11, 4, 0, 1),
    Layer("pool1", 0, 3, 2, 0, 1),
    Layer("conv2", 256, 5, 1, 2, 2),
    Layer("pool2", 0, 3, 2, 0, 1),
    Layer("conv3", 384, 3, 1, 1, 1),
    Layer("conv4", 384, 3, 1, 1, 2),
    Layer("conv5", 256, 3, 1, 1, 2),
    Layer("pool5", 0, 3, 2, 0, 1),
    Layer("fc6", 4096, 6, 1, 0, 1),
    Layer("fc7", 4096, 1, 1, 0, 1),
    Layer("fc8", 1000, 1, 1, 0, 1),
)
# torchvision's AlexNet, another network of that name: no groups, other kernels, a border around the first layer.
LIBRARY = tuple(
    layer._replace(kernels=kernels, groups=1, padding=2 if layer.name == "conv1" else layer.padding)
    for layer, kernels in zip(LAYERS, (64, 0, 192, 0, 384, 256, 256, 0, 4096, 4096, 1000))
)


def counted(layers: tuple[Layer, ...], side: int) -> dict[str, list[int]]:
    """Of every layer its side, stride and field, and its neurons and parameters; these last are 0 of a pooling."""
    maps, stride, field = CHANNELS, 1, 1
    found: dict[str, list[int]] = {name: [] for name in ("side", "stride", "field", "neurons", "parameters")}
    for layer in layers:
        side = (side - layer.kernel + 2 * layer.padding) // layer.stride + 1
        field, stride = field + (layer.kernel - 1) * stride, stride * layer.stride
        weights = layer.kernels * (layer.kernel**2 * maps // layer.groups + 1)
        maps = layer.kernels or maps
        for name, value in zip(found, (side, stride, field, layer.kernels * side**2, weights)):
            found[name].append(value)
    return found
