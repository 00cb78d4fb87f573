r"""The network with its backward pass by hand, as a tape of gates (arXiv:1603.05027; of BN its reference [8]).

    through the addition   the gradient by y goes to the shortcut, times lambda, and to F: equations 5 and 8
    through BN             scale/sqrt(var + eps) (g - mean(g) - z mean(g z)),  z = (h - mean)/sqrt(var + eps)
    through ReLU           where its argument is positive; at exactly 0 nothing passes
    through CONV           each pixel that a tap reads gets the tap times the upstream back

It says what a gradient is at a kink, where differences cannot be taken: relu'(0) = 0.
"""

from collections.abc import Callable

import numpy as np

from s30.room import Array, Arrays, Problem, sibling

Back = Callable[[Array], None]


class Value:
    """An array, the gradient by it, and what hands that gradient down."""

    def __init__(self, array: Array, back: Back | None = None):
        self.array, self.gradient, self.back = array, np.zeros_like(array), back

    def receive(self, g: Array) -> None:
        self.gradient = self.gradient + g


class Pass:
    """The forward pass, gate by gate; `before` holds what each ReLU is applied to."""

    def __init__(self, problem: Problem):
        self.checks = sibling(__file__, "numpy_checks.py")
        self.config, self.labels = problem.config, problem.batch["labels"]
        self.params = {name: Value(value) for name, value in problem.params.items()}
        self.tape: list[Value] = []
        self.before: list[Array] = []
        self.images = Value(problem.batch["images"])
        self.scores = self._network()

    def _new(self, array: Array, back: Back) -> Value:
        self.tape.append(Value(array, back))
        return self.tape[-1]

    def relu(self, x: Value) -> Value:
        self.before.append(x.array)
        return self._new(np.maximum(0.0, x.array), lambda g: x.receive(g * (x.array > 0)))

    def add(self, a: float, x: Value, b: float, y: Value) -> Value:
        def back(g: Array) -> None:
            x.receive(a * g)
            y.receive(b * g)

        return self._new(a * x.array + b * y.array, back)

    def norm(self, name: str, h: Value) -> Value:
        scale, shift, over = self.params[f"{name}.weight"], self.params[f"{name}.bias"], (0, 2, 3)
        mean = h.array.mean(axis=over, keepdims=True)
        root = np.sqrt(np.square(h.array - mean).mean(axis=over, keepdims=True) + self.config["eps"])
        z = (h.array - mean) / root

        def back(g: Array) -> None:
            scale.receive((g * z).sum(axis=over))
            shift.receive(g.sum(axis=over))
            centred = g - g.mean(axis=over, keepdims=True) - z * (g * z).mean(axis=over, keepdims=True)
            h.receive(scale.array[:, None, None] / root * centred)

        return self._new(scale.array[:, None, None] * z + shift.array[:, None, None], back)

    def convolve(self, x: Value, name: str, stride: int = 1) -> Value:
        weight = self.params[f"{name}.weight"]
        kernel, pad = weight.array.shape[-1], weight.array.shape[-1] // 2
        padded = np.pad(x.array, [(0, 0), (0, 0), (pad, pad), (pad, pad)])

        def back(g: Array) -> None:
            found, below = np.zeros_like(weight.array), np.zeros_like(padded)
            rows, columns = (stride * (side - 1) + 1 for side in g.shape[2:])
            for i, j in np.ndindex(kernel, kernel):
                read = np.s_[:, :, i : i + rows : stride, j : j + columns : stride]
                found[:, :, i, j] = np.einsum("nktu,nctu->kc", g, padded[read])
                below[read] += np.einsum("nktu,kc->nctu", g, weight.array[:, :, i, j])
            weight.receive(found)
            x.receive(below[:, :, pad : pad + x.array.shape[2], pad : pad + x.array.shape[3]])

        return self._new(self.checks.convolve(x.array, weight.array, stride), back)

    def _unit(self, number: int, x: Value) -> Value:
        unit, name, ends = self.config["unit"], f"block{number}", self.config["unit"] in self.checks.ENDS_WITH_NORM
        stride = self.config["stride"] if number == 3 else 1
        active = x
        if number > 1 and unit in ("full", "relu_only"):
            active = self.relu(self.norm(f"{name}.norm1", x) if unit == "full" else x)
        inner = self.norm(
            f"{name}.{'norm2' if unit == 'full' else 'norm1'}", self.convolve(active, f"{name}.conv1", stride)
        )
        residual = self.convolve(self.relu(inner), f"{name}.conv2")
        residual = self.norm(f"{name}.norm2", residual) if ends else residual
        residual = self.relu(residual) if unit == "relu_before" else residual
        if number < 3:
            y = self.add(self.config["shortcut_scale"], x, self.config["residual_scale"], residual)
        else:
            shortcut = self.convolve(active, f"{name}.projection", stride)
            y = self.add(1.0, self.norm(f"{name}.norm_projection", shortcut) if ends else shortcut, 1.0, residual)
        y = self.norm(f"{name}.norm2", y) if unit == "bn_after" else y
        return self.relu(y) if unit in ("original", "bn_after") else y

    def _network(self) -> Array:
        x = self.relu(self.norm("stem.norm", self.convolve(self.images, "stem.conv")))
        for number in (1, 2, 3):
            x = self._unit(number, x)
        if self.config["unit"] not in ("original", "bn_after"):
            x = self.relu(self.norm("norm", x) if self.config["unit"] == "full" else x)
        self.last = x
        return x.array.mean(axis=(2, 3)) @ self.params["fc.weight"].array.T + self.params["fc.bias"].array

    def backward(self) -> Arrays:
        """d loss by each parameter under its name, and by the `images`."""
        exponents = np.exp(self.scores - self.scores.max(axis=1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        # d L/d scores = (p - one-hot) / N
        g = (probabilities - np.eye(probabilities.shape[1])[self.labels]) / len(self.labels)
        self.params["fc.weight"].receive(g.T @ self.last.array.mean(axis=(2, 3)))
        self.params["fc.bias"].receive(g.sum(0))
        shares = (g @ self.params["fc.weight"].array)[:, :, None, None] / np.prod(self.last.array.shape[2:])
        self.last.receive(np.broadcast_to(shares, self.last.array.shape))
        for value in reversed(self.tape):
            value.back(value.gradient)
        return {"images": self.images.gradient, **{name: value.gradient for name, value in self.params.items()}}


def gradients(problem: Problem) -> Arrays:
    return Pass(problem).backward()
