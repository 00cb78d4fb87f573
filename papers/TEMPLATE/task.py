"""TODO: the phenomenon that this paper reports, on real or generated data:

__TITLE__.

Here stand the data and their parts, starts, minibatches, settings, metrics and figures, in NumPy; how to train and to
predict is the frameworks' own, in {torch,jax}/experiment.py.
"""

from s30.room import Array, Arrays, Experiment, Framework, Metric

METRICS = {
    "todo": Metric("TODO: what it is, in one sentence", "share", over="seeds", model="ours", good="high"),
    "todo_shuffled": Metric("TODO: the same where nothing can be learnt", "share", "seeds", good="high", control=True),
}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """What the network of that name answers, by name: both frameworks are held against it."""
    raise NotImplementedError("TODO: the forward pass in NumPy")


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    """`quick` takes 8 s of one core in either framework, `full` less than 120 s; the same seed gives the same metrics."""
    raise NotImplementedError("TODO: framework.train, framework.predict, and return Experiment(metrics, figures)")
