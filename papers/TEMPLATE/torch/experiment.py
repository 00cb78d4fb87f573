"""TODO: how the networks of `task.py` are trained and asked in PyTorch."""

from s30.room import Array, Arrays, Trained, Training


def train(training: Training) -> Trained:
    """By PyTorch's own loop, in the dtype of the start: float32, and float64 where its first updates are compared."""
    raise NotImplementedError("TODO: one update for each minibatch of training.order, at the rates of training.rates")


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """The answers of the network of that name, by the names of `task.predict`, in float64."""
    raise NotImplementedError("TODO: the forward pass, without any target")
