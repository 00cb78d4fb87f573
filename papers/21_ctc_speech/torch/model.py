r"""Deep Speech 2: End-to-End Speech Recognition in English and Mandarin in PyTorch.

prediction = W x + b; loss = 1/N sum_i |prediction_i - target_i|^2. TODO: the paper's object.
"""

from torch import Tensor, nn


class Model(nn.Linear):
    """batch: inputs (batch, feature), targets (batch, output). The loss is a mean over the batch."""

    def __init__(self, *, features: int, outputs: int):
        super().__init__(features, outputs)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # prediction = W x + b
        prediction = super().forward(batch["inputs"])  # (batch, output)
        # 1/N sum_i |prediction_i - target_i|^2
        return {"prediction": prediction, "loss": (prediction - batch["targets"]).square().sum(1).mean()}
