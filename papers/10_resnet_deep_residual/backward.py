r"""The backward pass of the room's network by hand (arXiv:1512.03385, and its reference [16] for BN).

    through BN          d h = scale/sqrt(var + eps) (g - mean(g) - z mean(g z)),  z = (h - mean)/sqrt(var + eps)
    its parameters      d scale = sum g z,  d shift = sum g        (means and sums over batch and positions)
    through the block   the gradient by y goes to F and, unchanged, to x: «all information is always passed through»
    through ReLU        where its argument is positive; at exactly 0 nothing passes

It says what a gradient is at a kink, where differences cannot be taken: relu'(0) = 0.
"""

import numpy as np

from s30.room import Array, Arrays, Problem, sibling

EXTRA = "images"  # the name under which the gradient by the images is returned


class Pass:
    """The forward pass with everything remembered that the backward pass reads."""

    def __init__(self, problem: Problem):
        self.checks = sibling(__file__, "numpy_checks.py")
        self.params, self.config = problem.params, problem.config
        self.labels, self.eps = problem.batch["labels"], problem.config["eps"]
        self.gradient: dict[str, Array] = {}
        self.before: dict[str, Array] = {}  # what each ReLU is applied to
        self.taps: dict[str, tuple[Array, Array, int]] = {}  # by convolution: its input, its output, its stride
        x = self._relu("stem", self._layer("stem.conv", problem.batch["images"], 1))
        self.shapes: dict[str, tuple[int, ...]] = {}
        for block, stride in (("block1", 1), ("block2", self.config["stride"])):
            inner = self._relu(f"{block}.inner", self._layer(f"{block}.conv1", x, stride))
            residual = self._layer(f"{block}.conv2", inner, 1)
            added = 0.0
            if f"{block}.projection.weight" in self.params:
                added = self._layer(f"{block}.projection", x, stride)
            elif self.config["option"] != "plain":
                added = self.checks.shortcut(self.params, block, x, residual, self.config["option"], self.eps, stride)
            self.shapes[block] = x.shape
            x = self._relu(block, residual + added)
        self.last = x
        pooled = x.mean(axis=(2, 3))
        scores = pooled @ self.params["fc.weight"].T + self.params["fc.bias"]
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.pooled, self.probabilities = pooled, exponents / exponents.sum(axis=1, keepdims=True)

    def _norm(self, conv: str) -> str:
        return conv.replace("conv", "norm").replace("projection", "norm_projection")

    def _layer(self, conv: str, x: Array, stride: int) -> Array:
        convolved, normal = self.checks.conv_norm(self.params, conv, self._norm(conv), x, self.eps, stride)
        self.taps[conv] = x, convolved, stride
        return normal

    def _relu(self, name: str, y: Array) -> Array:
        self.before[name] = y
        return np.maximum(0.0, y)

    def backward(self) -> Arrays:
        """d loss by each parameter under its name, and by the images."""
        # d L/d scores = (p - one-hot) / N
        upstream = (self.probabilities - np.eye(self.probabilities.shape[1])[self.labels]) / len(self.labels)
        self.gradient |= {"fc.weight": upstream.T @ self.pooled, "fc.bias": upstream.sum(0)}
        # the mean over positions hands each an equal share
        g = np.broadcast_to((upstream @ self.params["fc.weight"])[:, :, None, None], self.last.shape)
        g = g / np.prod(self.last.shape[2:])
        for block in ("block2", "block1"):
            g = g * (self.before[block] > 0)
            inner = self._back(f"{block}.conv2", g) * (self.before[f"{block}.inner"] > 0)
            through = self._back(f"{block}.conv1", inner)
            if f"{block}.projection.weight" in self.params:
                through = through + self._back(f"{block}.projection", g)
            elif self.config["option"] != "plain":
                stride = self.taps[f"{block}.conv1"][2]
                through[:, :, ::stride, ::stride] += g[:, : through.shape[1]]
            g = through
        self.gradient[EXTRA] = self._back("stem.conv", g * (self.before["stem"] > 0))
        return self.gradient

    def _back(self, conv: str, g: Array) -> Array:
        """Through BN and the convolution; notes down the gradients of their parameters."""
        x, h, stride = self.taps[conv]
        norm, over = self._norm(conv), (0, 2, 3)
        mean = h.mean(axis=over, keepdims=True)
        root = np.sqrt(np.square(h - mean).mean(axis=over, keepdims=True) + self.eps)
        z = (h - mean) / root
        self.gradient |= {f"{norm}.weight": (g * z).sum(axis=over), f"{norm}.bias": g.sum(axis=over)}
        scale = self.params[f"{norm}.weight"][:, None, None]
        g = scale / root * (g - g.mean(axis=over, keepdims=True) - z * (g * z).mean(axis=over, keepdims=True))
        weight = self.params[f"{conv}.weight"]
        kernel, pad = weight.shape[-1], weight.shape[-1] // 2
        padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        found, back = np.zeros_like(weight), np.zeros_like(padded)
        rows, columns = (stride * (side - 1) + 1 for side in g.shape[2:])
        for i, j in np.ndindex(kernel, kernel):
            # each pixel that a tap reads gets the tap times the upstream back
            read = np.s_[:, :, i : i + rows : stride, j : j + columns : stride]
            found[:, :, i, j] = np.einsum("nktu,nctu->kc", g, padded[read])
            back[read] += np.einsum("nktu,kc->nctu", g, weight[:, :, i, j])
        self.gradient[f"{conv}.weight"] = found
        return back[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]]


def pre_activations(problem: Problem) -> Arrays:
    """What each ReLU is applied to, by name."""
    return Pass(problem).before


def gradients(problem: Problem) -> Arrays:
    return Pass(problem).backward()
