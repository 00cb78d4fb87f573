"""TODO: the phenomenon that this paper reports, on real or generated data:

__TITLE__.
"""

from collections.abc import Callable

from s30.vocabulary import Experiment


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    """`quick` takes less than 15 s on one core, `full` less than 120 s; the same seed gives the same metrics."""
    raise NotImplementedError("TODO: train, measure, and return Experiment(metrics, figures)")
