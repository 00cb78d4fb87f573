"""The frame between a room's `task.py` and its `{torch,jax}/experiment.py`: it puts every question, and checks every answer.

What passes between the two passes here, as copies, so that neither can alter what the other holds. Training runs in
float32; predictions, other answers and the first updates of a training are computed in float64, so that they can be held
against the NumPy reference or the other framework entry by entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from s30.corpus.entries import Agreement, hold
from s30.corpus.vocabulary import TOLERANCES, Array, Arrays, Tolerance, Trained, Training
from s30.errors import S30Error

FIRST = 6  # updates of the real training loop that are repeated in float64
LATER = 12  # more of them in a room's first training: what a loop leaves out now and then, or does from some update on, shows
SMALL = 1e-3  # the rate of these, in rates of the training: so small that what has come apart by then does not grow
KEEP = 3  # of them, after which the parameters are kept where the training keeps any
FREE = 1e30  # a limit of the gradient's norm that is never reached
BINDING = 1e-2  # by which a limit of the gradient's norm is lowered there, until it changes what is learnt
ASKED, PREDICT, SINGLE = (TOLERANCES["experiment", what] for what in (None, "predict", "single"))
LEARNT = "!"  # marks what was trained or answered, and so may differ between frameworks


class Frame:
    """What `task.run` knows as its framework.

    `module` is the room's experiment.py, `task` its task.py, `double` the adaptor's switch to float64, which is told whether
    what follows runs once. In a `trial` every training is its first updates alone.
    """

    def __init__(
        self,
        layer: str,
        module: ModuleType,
        task: ModuleType,
        double: Callable[[bool], AbstractContextManager[None]],
        trial: bool,
        report: Callable[[str], None],
    ) -> None:
        self._layer, self._module, self._task = layer, module, task
        self._double, self._trial, self._report = double, trial, report
        self._labels: dict[str, str] = {}  # digest of an array -> where it came from
        self._behind: dict[
            str, frozenset[int]
        ] = {}  # digest of a parameter -> the trainings whose examples it has seen
        self._examples: dict[int, tuple[str, Arrays]] = {}  # training -> its net and examples
        self._rows: dict[tuple[str, ...], set[bytes]] = {}
        self._held: dict[str, bool] = {}  # functions that were asked -> whether anything holds their answers
        self.questions: list[tuple[str, dict[str, str]]] = []
        self.trainings: list[dict[str, Any]] = []
        self.updates: list[str] = []  # labels of the trainings whose first updates are stored
        self.compared: dict[str, tuple[Agreement, Tolerance]] = {}
        self.arrays: dict[str, Array] = {}

    def progress(self, share: float, text: str) -> None:
        """See `vocabulary.Framework`."""
        self._report(f"{share:4.0%} {text}")

    def train(self, training: Training) -> Trained:
        """See `vocabulary.Framework`. Raises S30Error when the answer is not what was asked for."""
        _check_question(training)
        number = self._question(f"train {training.net}", vars(training))
        behind = self._seen_by(training.start)
        for value in training.start.values():
            self._register(value, f"start {number}", behind)
            self._register(value.astype(np.float32), f"start {number}", behind)
        label = ", ".join([training.net, *(f"{name} {value}" for name, value in sorted(training.settings.items()))])
        trained = None
        last = label if training.clip is None else f"{label}, clipped"
        if self._trial or last not in self.updates:
            trained = self._first_updates(training, label)
        if trained is None or not self._trial:
            trained = self._answer(training, np.float32)
        updates = len(trained.losses)
        self.trainings.append({"net": training.net, "updates": updates, "examples": updates * training.order.shape[1]})
        self._examples[number] = training.net, training.data
        kept = {f"after {at} updates": params for at, params in trained.kept.items()}
        for when, params in {"at its end": trained.params, **kept}.items():
            for value in params.values():
                self._register(value, f"{LEARNT}training {number} {when}", behind | {number})
        return _lengthened(trained, training) if self._trial else trained

    def predict(self, net: str, params: Arrays, inputs: Arrays, seen: bool = False) -> dict[str, Array]:
        """See `vocabulary.Framework`. Raises S30Error when an input is an example that the parameters were trained on."""
        # What a task makes of trained parameters differs between frameworks; its predictions are held here all the same.
        known = all(_digest(value) in self._labels for value in params.values())
        number = self._question(
            f"predict {net}", {"params": params if known else "other", "inputs": inputs, "seen": seen}
        )
        if not seen:
            self._check_disjoint(net, params, inputs)
        with self._double(False):
            found = _answers(self._module.predict(net, _handed(params, np.float64), _handed(inputs, np.float64)))
        expected = _answers(self._task.predict(net, _handed(params, np.float64), _handed(inputs, np.float64)))
        self._hold(f"predict {net}", found, expected, PREDICT)
        for value in found.values():
            self._register(value, f"{LEARNT}answer {number}")
        return found

    def ask(self, name: str, *arguments: Any) -> Any:
        """See `vocabulary.Framework`. Floating-point arrays are handed over, and expected back, in float64."""
        number = self._question(f"ask {name}", {f"argument {n}": value for n, value in enumerate(arguments, 1)})
        learnt = any(text.startswith(LEARNT) for text in self.questions[-1][1].values())
        with self._double(True):
            answer = getattr(self._module, name)(*_handed(arguments, np.float64))
        found = _answers(answer)
        if reference := getattr(self._task, name, None):
            self._hold(f"ask {name}", found, _answers(reference(*_handed(arguments, np.float64))), ASKED)
        elif not learnt:  # the other framework answers the same question
            count = sum(kind == f"ask {name}" for kind, _ in self.questions)
            self.arrays |= {f"asked/{name}/{count}/{key}": value for key, value in found.items()}
        self._held[name] = self._held.get(name, False) or not learnt or reference is not None
        for value in found.values():
            self._register(value, f"{LEARNT}answer {number}")
        return found if isinstance(answer, Mapping) else found[""]

    def finish(self) -> None:
        """Raises S30Error when nothing was asked, or something that nothing holds."""
        if not self.questions:
            raise S30Error("task.run asked nothing of its framework")
        for name in (name for name, held in self._held.items() if not held):
            raise S30Error(
                f"nothing holds the answers of {name}, which rest on what was trained and so differ between frameworks: "
                f"give task.py a reference of that name"
            )

    # --- training ---

    def _first_updates(self, training: Training, label: str) -> Trained:
        """The first updates of the real loop in float64; where the gradient's norm is limited, once with a limit that is
        never reached and once with one that binds. Stored once per label; the room's first is followed further."""
        keep = (min(KEEP, len(training.order)),) if len(training.keep) else ()
        order, rates = training.order[:FIRST], training.rates[:FIRST]
        if not self.updates:
            order = training.order[: FIRST + LATER]
            rates = np.concatenate([rates, np.full(len(order) - len(rates), SMALL * rates.max(), rates.dtype)])
        cut = replace(training, order=order, rates=rates, keep=keep)
        with self._double(True):
            found = {label: self._answer(replace(cut, clip=None if cut.clip is None else FREE), np.float64)}
            if cut.clip is not None and f"{label}, clipped" not in self.updates:
                found[f"{label}, clipped"] = self._bound(cut, cut.clip, found[label])
        for name, trained in found.items():
            if name not in self.updates:
                self.updates.append(name)
                stored = {"losses": trained.losses, **{f"parameter {n}": v for n, v in trained.params.items()}}
                for at, params in trained.kept.items():
                    stored |= {f"after {at} {n}": v for n, v in params.items()}
                self.arrays |= {f"updates/{name}/{n}": value for n, value in stored.items()}
        return found[label]

    def _bound(self, training: Training, clip: float, free: Trained) -> Trained:
        """With a limit so low that it changes what is learnt: one that is ignored, or comes after the step, then shows."""
        for power in range(1, 5):
            found = self._answer(replace(training, clip=clip * BINDING**power), np.float64)
            if any(np.abs(found.params[n] - v).max() > 1e-4 * np.abs(v).max() for n, v in free.params.items()):
                return found
        raise S30Error(f"{training.net}: a limit of {clip * BINDING**4:g} to the gradient's norm changes nothing")

    def _answer(self, training: Training, dtype: Any) -> Trained:
        """The answer of experiment.py in NumPy's arrays, once it has the names, shapes and dtype of the question."""
        handed = {name: _handed(getattr(training, name), dtype) for name in ("start", "data", "order", "rates")}
        found = self._module.train(replace(training, **handed))
        net, updates = training.net, len(training.order)
        if not isinstance(found, Trained):
            raise S30Error(f"experiment.train must return a Trained, not {type(found).__name__}")
        losses = np.array(found.losses, np.float64)
        if losses.ndim != 1 or not 1 <= len(losses) <= updates:
            raise S30Error(f"{net}: losses of shape {losses.shape} for {updates} minibatches")
        if len(losses) < updates and "stop" not in training.settings:
            raise S30Error(
                f"{net}: {len(losses)} of {updates} updates, but its settings name no `stop`, when to stop early"
            )
        if len(losses) < (least := min(updates, FIRST)) and dtype is np.float64:
            raise S30Error(f"{net} stops after {len(losses)} updates, but its first {least} are to be compared")
        if not np.isfinite(losses).all():
            raise S30Error(f"{net}: the loss of a minibatch is {losses[~np.isfinite(losses)][0]}")
        asked = sorted({int(at) for at in training.keep if at <= len(losses)})
        if sorted(found.kept) != asked:
            raise S30Error(f"{net}: kept after {sorted(found.kept)} updates, asked for {asked}")
        params = _checked(training, found.params, dtype, "its parameters")
        if _equal(_handed(training.start, dtype), params):
            raise S30Error(f"{net} was not trained: it ends with the parameters that it started with")
        kept = {at: _checked(training, found.kept[at], dtype, f"kept after {at}") for at in asked}
        for one, other in pairwise(asked):
            if _equal(kept[one], kept[other]):
                raise S30Error(f"{net}: the parameters kept after {one} and after {other} updates are the same")
        return Trained(params, losses, kept)

    # --- what is known of arrays ---

    def _question(self, kind: str, arguments: Mapping[str, Any]) -> int:
        """Notes a question down; its number, from 1."""
        self.questions.append((kind, {name: self._named(value) for name, value in arguments.items()}))
        return len(self.questions)

    def _named(self, value: Any) -> str:
        """A short text that says which value this is: where an array came from if that is known, else its digest."""
        if isinstance(value, np.ndarray):
            digest = _digest(value)
            return self._labels.get(digest, digest)
        if isinstance(value, Mapping):
            parts = {str(name): self._named(entry) for name, entry in sorted(value.items())}
        elif isinstance(value, (list, tuple)):
            parts = {str(place): self._named(entry) for place, entry in enumerate(value)}
        elif isinstance(value, (str, int, float, np.generic, type(None))):
            return _short(str(value))
        else:
            raise S30Error(
                f"a question holds {type(value).__name__}: it may hold numbers, text, arrays, lists and dicts"
            )
        learnt = LEARNT if any(text.startswith(LEARNT) for text in parts.values()) else ""
        whole = set(parts.values())
        return whole.pop() if len(whole) == 1 else learnt + _short(str(parts))

    def _register(self, value: Array, label: str, behind: frozenset[int] = frozenset()) -> None:
        """Where an array came from, unless it is known."""
        digest = _digest(value)
        if digest not in self._labels:
            self._labels[digest], self._behind[digest] = label, behind

    def _seen_by(self, params: Arrays) -> frozenset[int]:
        return frozenset().union(*(self._behind.get(_digest(value), ()) for value in params.values()))

    def _check_disjoint(self, net: str, params: Arrays, inputs: Arrays) -> None:
        """That no input is an example of the trainings behind the parameters: of all of that net where some are unknown."""
        trainings = self._seen_by(params)
        if not all(_digest(value) in self._labels for value in params.values()):
            trainings |= {number for number, (name, _) in self._examples.items() if name == net}
        for number in sorted(trainings):
            _, data = self._examples[number]
            names = sorted(data.keys() & inputs.keys())
            if not names:
                raise S30Error(
                    f"predict {net}: the inputs ({', '.join(inputs)}) share no name with the examples of the training "
                    f"({', '.join(data)}), so nothing tells that they are others: name them alike, or say seen=True"
                )
            key = tuple(_digest(data[name]) for name in names)
            if key not in self._rows:
                self._rows[key] = _rows([data[name] for name in names])
            again = self._rows[key] & _rows([inputs[name] for name in names])
            if again:
                count = f"{len(again)} of {len(inputs[names[0]])} inputs"
                raise S30Error(f"predict {net}: {count} are examples on which it was trained (question {number})")

    def _hold(self, quantity: str, found: Arrays, expected: Arrays, tolerance: Tolerance) -> None:
        """Adds every answer to the comparison of that quantity with the NumPy reference."""
        for name in dict.fromkeys([*expected, *found]):
            single = name in found and name in expected and found[name].dtype == np.float32
            used = SINGLE if single and tolerance is ASKED else tolerance
            other = expected[name].astype(np.float32) if used is SINGLE else expected.get(name)
            agreement = hold(found.get(name), other, used, (self._layer, "task.py"))
            if agreement.problem and name:
                agreement = replace(agreement, problem=f"{name}: {agreement.problem}")
            before, _ = self.compared.get(quantity, (Agreement(), used))
            self.compared[quantity] = before.joined(agreement), used


def _check_question(training: Training) -> None:
    net, order = training.net, training.order
    counts = {len(value) for value in training.data.values()}
    if not training.start or any(value.dtype.kind != "f" for value in training.start.values()):
        raise S30Error(f"{net}: a start is floating-point arrays, at least one")
    if len(counts) != 1:
        raise S30Error(f"{net}: the data hold {sorted(counts)} examples, and should agree")
    if order.ndim != 2 or not order.size or order.dtype.kind not in "iu":
        raise S30Error(f"{net}: an order is integers (update, size), not {order.dtype} {order.shape}")
    if order.min() < 0 or order.max() >= min(counts):
        raise S30Error(f"{net}: the order asks for example {order.max()} of {min(counts)}")
    if training.rates.shape != (len(order),):
        raise S30Error(f"{net}: rates of shape {training.rates.shape} for {len(order)} updates")
    if any(not 0 <= at <= len(order) for at in training.keep):
        raise S30Error(f"{net}: parameters are to be kept after {max(training.keep)} of {len(order)} updates")


def _checked(training: Training, found: Mapping[str, Any], dtype: Any, what: str) -> dict[str, Array]:
    """Parameters as NumPy's arrays, with the names and shapes of the start, of the dtype handed over, and finite."""
    params = {str(name): np.array(value) for name, value in found.items()}
    for name in sorted(params.keys() | training.start.keys()):
        value, start = params.get(name), training.start.get(name)
        if value is None or start is None:
            raise S30Error(f"{training.net}: {name} is missing from {'its start' if start is None else what}")
        if value.shape != start.shape:
            raise S30Error(f"{training.net}, {what}: {name} has shape {value.shape}, its start {start.shape}")
        if value.dtype != dtype:
            raise S30Error(f"{training.net}, {what}: {name} is {value.dtype}, but {np.dtype(dtype)} was handed over")
        if not np.isfinite(value).all():
            raise S30Error(f"{training.net}, {what}: {name} holds a NaN or an infinity")
    return params


def _lengthened(trained: Trained, training: Training) -> Trained:
    """As long as what was asked for, so that task.py reads a trial as it reads a training."""
    losses = np.concatenate([trained.losses, np.full(len(training.order) - len(trained.losses), trained.losses[-1])])
    return Trained(trained.params, losses, {at: trained.kept.get(at, trained.params) for at in training.keep})


def _answers(answer: Any) -> dict[str, Array]:
    """A dict of arrays as it is, one array under the empty name."""
    named = answer if isinstance(answer, Mapping) else {"": answer}
    return {str(name): np.array(value) for name, value in named.items()}


def _handed(value: Any, dtype: Any) -> Any:
    """A copy; floating-point arrays of the given dtype."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype) if value.dtype.kind == "f" else value.copy()
    if isinstance(value, Mapping):
        return {name: _handed(entry, dtype) for name, entry in value.items()}
    return type(value)(_handed(entry, dtype) for entry in value) if isinstance(value, (list, tuple)) else value


def _equal(one: Arrays, other: Arrays) -> bool:
    return all(np.array_equal(value, other[name]) for name, value in one.items())


def _rows(arrays: Iterable[Array]) -> set[bytes]:
    """Every example's bytes; as float32, so that one example is one in whatever type it comes. -0.0 counts as 0.0."""
    flat = [np.asarray(value.reshape(len(value), -1), np.float32) + np.float32(0) for value in arrays]
    return {row.tobytes() for row in np.concatenate(flat, axis=1)}


def _digest(value: Array) -> str:
    wide = np.ascontiguousarray(
        value, {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.int64}.get(value.dtype.kind)
    )
    return hashlib.sha256(f"{wide.dtype}{value.shape}".encode() + wide.tobytes()).hexdigest()[:12]


def _short(text: str) -> str:
    return text if len(text) <= 40 else hashlib.sha256(text.encode()).hexdigest()[:12]
