"""The words in which papers speak to the engine.

Nothing here computes: these are the types that a paper's files build and that the engine reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

import numpy as np

from s30.corpus.pictures import Bars as Bars
from s30.corpus.pictures import Figure as Figure
from s30.corpus.pictures import Graph as Graph
from s30.corpus.pictures import Heatmap as Heatmap
from s30.corpus.pictures import Images as Images
from s30.corpus.pictures import Lines as Lines
from s30.corpus.pictures import Panels as Panels
from s30.corpus.pictures import Scatter as Scatter
from s30.corpus.problem import Array as Array
from s30.corpus.problem import Arrays as Arrays
from s30.corpus.problem import Problem as Problem


class Outcome(StrEnum):
    """What became of a check. The default is `NOT_RUN`: nothing passes without having run."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Tolerance:
    """`observed` agrees with `expected` when |observed - expected| <= atol + rtol * |expected|, entry by entry.

    `reason` says why a paper has a tolerance of its own.
    """

    rtol: float
    atol: float
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"rtol {self.rtol:g}, atol {self.atol:g}"


EXACT = Tolerance(0.0, 0.0)

# By kind of check, and by layer (of experiments: by what is asked) where one differs; for float64.
TOLERANCES: dict[tuple[str, str | None], Tolerance] = {
    ("forward", None): Tolerance(1e-10, 1e-12),
    ("forward", "tinygrad"): Tolerance(1e-9, 1e-12),
    ("gradient", None): Tolerance(1e-8, 1e-10),
    ("difference", None): Tolerance(1e-5, 1e-7),
    ("trajectory", None): Tolerance(1e-8, 1e-10),
    ("bridge", None): Tolerance(1e-9, 1e-11),
    ("invariant", None): Tolerance(1e-9, 1e-11),
    ("oracle", None): Tolerance(1e-9, 1e-11),
    ("evaluation", None): Tolerance(1e-10, 1e-12),
    ("experiment", None): Tolerance(1e-6, 1e-8),  # answers, of one framework against the other or a reference
    ("experiment", "predict"): Tolerance(1e-7, 1e-9),  # a network's answers against the reference
    ("experiment", "single"): Tolerance(1e-4, 1e-6),  # answers that are computed in float32 on purpose
}

# The most that a tolerance of a room's own may be, by kind: a thousand times the default, so that it still tells a wrong
# formula from rounding; a hundred times for central differences, which are the coarsest of all already. An oracle may be a
# numerical method itself (quadrature, another precision), a formula in another language less so.
CEILINGS: dict[str, Tolerance] = {
    "forward": Tolerance(1e-7, 1e-9),
    "gradient": Tolerance(1e-5, 1e-7),
    "difference": Tolerance(1e-3, 1e-5),
    "trajectory": Tolerance(1e-5, 1e-7),
    "bridge": Tolerance(1e-6, 1e-8),
    "invariant": Tolerance(1e-6, 1e-8),
    "variant": Tolerance(1e-5, 1e-7),
    "oracle": Tolerance(1e-4, 1e-6),
    "evaluation": Tolerance(1e-7, 1e-9),
    "experiment": Tolerance(1e-3, 1e-5),
}


class Forward(Protocol):
    """One layer's forward pass on NumPy arrays, whatever framework computes it.

    `overrides` replace entries of the problem's configuration for this call.
    """

    def __call__(self, params: Arrays, batch: Arrays, **overrides: Any) -> dict[str, Array]: ...


@dataclass(frozen=True)
class Invariant:
    """A property that every executable layer must have.

    `sides(forward, problem, rng)` returns the two arrays that `relation` must hold between, entry by entry:
    `==` within `tolerance` (the engine's default for invariants when None), `<=`, `<`, `>=` or `>` without any.
    `raises` is for bad input that a room promises to refuse: `sides` must then raise an S30Error or a ValueError, whose
    message holds the invariant's `message`; what it returns instead counts for nothing.
    """

    name: str
    statement: str
    source: str
    sides: Callable[[Forward, Problem, np.random.Generator], tuple[Array, Array]]
    relation: str = "=="
    tolerance: Tolerance | None = None
    message: str = ""


@dataclass(frozen=True)
class Identity:
    """A statement `lhs relation rhs` between SymPy expressions (or matrices), proved and never sampled.

    The engine forms lhs - rhs, applies the SymPy functions named in `proof` in their order, and accepts only the
    literal zero (`==`), or an expression that SymPy's assumptions decide to be nonnegative (`>=`) or positive (`>`).
    An identity whose sides are the same expression before any step proves nothing, and fails. `induction` names a
    symbol: the engine then proves the base case at `base` and the step n -> n + 1.
    """

    name: str
    statement: str
    lhs: Any
    rhs: Any
    assumptions: str
    source: str
    relation: str = "=="
    proof: Sequence[str] = ("simplify",)
    induction: Any = None
    base: int = 0


@dataclass(frozen=True)
class Bridge:
    """A formula derived in SymPy, evaluated on a Problem, that must equal what the executable layers compute.

    `target` is `output:NAME` or `gradient:NAME`, the latter meaning the derivative of the loss alone.
    """

    name: str
    statement: str
    target: str
    value: Callable[[Problem], Array]
    source: str


@dataclass(frozen=True)
class Experiment:
    """What an experiment measured. A metric is a number, or one number per seed; claims are held against its mean."""

    metrics: Mapping[str, float | Sequence[float]]
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """A further small problem, on which every executable layer must agree with NumPy as on the checked one.

    name         unique in the room
    statement    what it varies, and which mistake would show on it
    problem      the instance; `config`, sizes and data may all differ from those of `problem(0)`
    kind         `shape`: other sizes, switches or constants. `extreme`: numbers at which a naive exp, log, power or long
                 product overflows or underflows. `tie`: equal maxima, kinks. The last two are differentiated as well
    convention   of a tie: what the derivative is taken to be there, in words, such as «relu'(0) = 0»
    gradient     of a tie: d(loss)/d(parameter) under that convention, by parameter, worked out by hand in NumPy, so that
                 the layers are held to it and not to one another alone
    """

    name: str
    statement: str
    problem: Problem
    kind: Literal["shape", "extreme", "tie"] = "shape"
    convention: str = ""
    gradient: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Oracle:
    """Another implementation, or a closed form, that the layer must equal; it runs in the layer's own process.

    `sides(forward, problem)` returns ours and theirs, entry by entry equal within `tolerance` (the engine's default for
    oracles when None). `implementation` names theirs with what it is, such as «torch.nn.LSTM» or «brute force over all
    permutations». Asked on every seed's problem and on the variants named in `variants`.
    """

    name: str
    statement: str
    implementation: str
    sides: Callable[[Forward, Problem], tuple[Array, Array]]
    variants: Sequence[str] = ()
    tolerance: Tolerance | None = None


@dataclass(frozen=True)
class Evaluation:
    """A definition of the Agda layer, run by Agda on numbers, that must equal what the NumPy layer computes.

    name         unique in the room
    definitions  the definitions that are run, as `Module.name`: those that claimed theorems are about
    module       the harness in `cubical-agda/evaluation/`, in whose scope `term` is read
    term         the expression, for a problem: Agda text, its numbers written by `s30.literals`
    expected     what it must equal, from the problem and the NumPy layer's outputs on it
    on           the problems: `seed0`, `seed1`, …, and variants by name
    exact        whether the numbers are integers or booleans, compared without any tolerance
    """

    name: str
    definitions: Sequence[str]
    module: str
    term: Callable[[Problem], str]
    expected: Callable[[Problem, Arrays], Array]
    on: Sequence[str] = ("seed0",)
    exact: bool = False


@dataclass(frozen=True)
class Training:
    """What a framework is given to train one network, and nothing of what the network is examined on.

    net       which of the room's networks: a name that `experiment.py` and `task.predict` know
    start     the initial parameters by name, floating point
    data      the training examples by name, examples along the first axis, targets included
    order     (update, size): which examples each minibatch holds
    rates     (update,): the learning rate of each update; a schedule is worked out here, once for both frameworks
    clip      the largest Euclidean norm of the whole gradient, applied before the step; None for no limit
    settings  further constants by name: of the optimiser, of the loss; hashable. Only where `stop` is among them, when to
              stop early, may there be fewer updates than minibatches
    keep      the numbers of updates after which the parameters are kept for curves
    """

    net: str
    start: Mapping[str, Array]
    data: Mapping[str, Array]
    order: Array
    rates: Array
    clip: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keep: Sequence[int] = ()


@dataclass(frozen=True)
class Trained:
    """What came of it.

    params  the final parameters by name
    losses  (update,): the loss of each minibatch, in front of its update; as many as there were updates
    kept    the parameters after so many updates, for each number in `Training.keep` that was reached
    """

    params: Mapping[str, Array]
    losses: Array
    kept: Mapping[int, Arrays] = field(default_factory=dict)


class Framework(Protocol):
    """What `task.run` asks of PyTorch or JAX. The engine stands between them, and checks every question and answer."""

    def train(self, training: Training) -> Trained:
        """Trains by the framework's own loop and optimiser."""
        ...

    def predict(self, net: str, params: Arrays, inputs: Arrays, seen: bool = False) -> dict[str, Array]:
        """The network's answers in float64, by name; held against `task.predict`, the reference in NumPy.

        Targets are never handed over. Unless they are declared as `seen`, the inputs may not occur among the examples
        on which these parameters were trained.
        """
        ...

    def ask(self, name: str, *arguments: Any) -> Any:
        """The answer of the function `name` of `experiment.py`: a dict of arrays, or one array.

        Held against the function of that name in `task.py` where there is one, and else against the other framework's.
        """
        ...

    def progress(self, share: float, text: str) -> None:
        """Says how far the experiment is, `share` in 0..1."""
        ...


@dataclass(frozen=True)
class Metric:
    """What a number of an experiment means; `task.METRICS` has one for each, by name.

    says     one sentence: what it is
    unit     such as `share`, `nats`, `bits per character`, `updates`
    over     over what its values run, and so what the mean is taken over: `seeds`, `nets`, `examples`, or `` for one number
    model    which model it is about, so that a rival that is claimed to fail can be seen to have learnt the easy case
    good     `high` or `low` where one end is better, empty where neither is
    control  whether the information was removed (labels shuffled, say), so that it must stay at chance
    spread   how far the two frameworks' means may lie apart; 0.0 where the number is deterministic, 1.0 of a share where nothing is
             said of that, and so nothing checked
    """

    says: str
    unit: str
    over: Literal["", "seeds", "nets", "examples"] = ""
    model: str = ""
    good: Literal["", "high", "low"] = ""
    control: bool = False
    spread: float = 0.0
