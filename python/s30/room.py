"""The one door through which a room's files import the engine: `from s30.room import Problem, Variant, sibling`.

What stands behind it may move; this line in a room does not change. The frameworks' helpers are beside it, in
`s30.training`, since importing one of them imports its framework.
"""

from s30.corpus.data import Digits, digits, digits_split, documentation, minibatches
from s30.corpus.literals import literal
from s30.corpus.problem import Problem
from s30.corpus.registry import Paper, sibling
from s30.corpus.vocabulary import (
    EXACT,
    Array,
    Arrays,
    Bars,
    Bridge,
    Evaluation,
    Experiment,
    Figure,
    Forward,
    Framework,
    Graph,
    Heatmap,
    Identity,
    Images,
    Invariant,
    Lines,
    Metric,
    Oracle,
    Panels,
    Scatter,
    Tolerance,
    Trained,
    Training,
    Variant,
)
from s30.errors import S30Error
from s30.training.schedules import constant, cosine_decay, linear_decay

__all__ = [
    "EXACT",
    "Array",
    "Arrays",
    "Bars",
    "Bridge",
    "Digits",
    "Evaluation",
    "Experiment",
    "Figure",
    "Forward",
    "Framework",
    "Graph",
    "Heatmap",
    "Identity",
    "Images",
    "Invariant",
    "Lines",
    "Metric",
    "Oracle",
    "Panels",
    "Paper",
    "Problem",
    "S30Error",
    "Scatter",
    "Tolerance",
    "Trained",
    "Training",
    "Variant",
    "constant",
    "cosine_decay",
    "digits",
    "digits_split",
    "documentation",
    "linear_decay",
    "literal",
    "minibatches",
    "sibling",
]
