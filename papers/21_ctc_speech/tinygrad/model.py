r"""Deep Speech 2: End-to-End Speech Recognition in English and Mandarin in tinygrad.

prediction = W x + b; loss = 1/N sum_i |prediction_i - target_i|^2. TODO: the paper's object.
"""

from tinygrad import Tensor


class Model:
    """batch: inputs (batch, feature), targets (batch, output). The loss is a mean over the batch."""

    def __init__(self, *, features: int, outputs: int):
        self.weight = Tensor.glorot_uniform(outputs, features)
        self.bias = Tensor.glorot_uniform(outputs)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # prediction = W x + b
        prediction = batch["inputs"] @ self.weight.T + self.bias  # (batch, output)
        # 1/N sum_i |prediction_i - target_i|^2
        return {"prediction": prediction, "loss": (prediction - batch["targets"]).square().sum(1).mean()}
