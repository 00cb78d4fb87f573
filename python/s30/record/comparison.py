"""What two records say differently: what fails, and what is information. It reads the two records and nothing else.

| must be equal                                          | may differ, and is told as information               |
|--------------------------------------------------------|------------------------------------------------------|
| every outcome, which check, proof and claim there is    | the environment                                      |
| statements, proofs, depths, scope, coverage, equations  | the bits of the evidence (its digests)               |
| tolerances, bounds, how many entries were compared      | an observed error, while both are within tolerance   |
| the summary's counts, the profile, the problems         | a metric's value, while its bound decides the same   |
| the commit and its sources, when one is measured again  | the commit and its sources, when records are read    |

What only one of the two has is told once, at its highest place, with what it states. An error beyond its tolerance (the row
failed or was waived) must come back as well: within twice the tolerance, since either of the two values that it is the
difference of may move by one. What a record says must also fit together: its digests are those of what it holds, a row that
passed lies within its tolerance, evidence that passed meets its bound. `run` is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s30.layers.catalogue import TRAINING
from s30.record import entry as record
from s30.record import telemetry

Place = tuple[str, ...]

ABSENT, PRESENT = "absent", "present"
ERRORS = ("error", "worst")
FROM_CLAIMS = (
    "outcome",
    "claims",
    "metrics",
    "lines",
    "problems",
    "failures",
)  # of a paper: they depend on experiments
FROM_EXPERIMENTS = ("checks", "failed", "message", "experiment_evidence")  # and of one of its layers
TOLD = ("statement", "formula", "reason")  # what says best what a part was that only one of the two has


@dataclass(frozen=True)
class Difference:
    """One place where two records differ, with what each says there. What does not fail is information."""

    at: str
    old: Any
    new: Any
    why: str
    fails: bool = True


@dataclass(frozen=True)
class Pair:
    """What is compared, and how it is spoken of. `again` when `new` is `old`'s own commit, measured again."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    again: bool
    names: tuple[str, str]


def measured_again(
    old: Mapping[str, Any], new: Mapping[str, Any], papers: Sequence[str] | None = None, claims: bool = True
) -> list[Difference]:
    """Where the measurement `new` differs from the record `old` of the same commit; what fails comes first.

    With `papers` only these are compared, and without `claims` nothing that rests on experiments; `new` may then lack
    what describes the whole: outcome, summary and problems.
    """
    return _compare(Pair(old, new, True, ("record", "new measurement")), papers, claims)


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Where two records differ, of whatever commits; what fails comes first."""
    return _compare(Pair(old, new, False, ("old record", "new record")), None, True)


def told(differences: Iterable[Difference], old: str = "old", new: str = "new") -> dict[str, list[dict[str, Any]]]:
    """For machines: failing differences apart from information. `old` and `new` name the two sides."""
    parts: dict[str, list[dict[str, Any]]] = {"differences": [], "information": []}
    for d in differences:
        parts["differences" if d.fails else "information"].append({"at": d.at, old: d.old, new: d.new, "why": d.why})
    return parts


def leaves(value: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of a record with the way to it; an entry of a list goes by its id, its name or its number."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*at, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            name = inner.get("id") or inner.get("name") or index if isinstance(inner, Mapping) else index
            yield from leaves(inner, (*at, str(name)))
    else:
        yield at, value


def chosen(entry: Mapping[str, Any], claims: bool) -> Mapping[str, Any]:
    """The part of a paper's entry that is compared, with every row and every piece of evidence under its name."""
    entry = record.spelled_out(entry)
    if claims or "layers" not in entry:
        return entry
    layers = {
        name: {key: value for key, value in layer.items() if key not in FROM_EXPERIMENTS}
        for name, layer in entry["layers"].items()
    }
    checks = {kind: group for kind, group in entry["checks"].items() if kind != "experiment"}
    rest = {key: value for key, value in entry.items() if key not in FROM_CLAIMS}
    return {**rest, "layers": layers, "checks": checks}


def _compare(pair: Pair, papers: Sequence[str] | None, claims: bool) -> list[Difference]:
    old, new = pair.old, pair.new
    found = [*_edited(pair)]
    for key, moved in (("checked_commit", "another commit"), ("source_digest", "other sources")):
        why = "must be equal" if pair.again else moved
        found += [Difference(_name(at), a, b, why, pair.again) for at, a, b in _unequal(old[key], new[key], (key,))]
    for key in ("profile", *(("outcome", "summary", "problems") if papers is None and claims else ())):
        found += [_unlike(at, a, b) for at, a, b in _unequal(old[key], new[key], (key,))]
    for key, why in (
        ("schema_version", "another version"),
        ("tree", "another tree"),
        ("environment", "another environment"),
    ):
        if new.get(key):  # a part's measurement may lack it
            found += [Difference(_name(at), a, b, why, False) for at, a, b in _unequal(old[key], new[key], (key,))]
    for number in sorted(old["papers"].keys() | new["papers"].keys()) if papers is None else papers:
        one, other = (chosen(side["papers"].get(number, {}), claims) for side in (old, new))
        found += _compare_paper(pair, one, other, number)
        found += [*_contradictions(pair, 0, one, number), *_contradictions(pair, 1, other, number)]
    return sorted(found, key=lambda difference: not difference.fails)


def _unlike(at: Place, one: Any, other: Any) -> Difference:
    """A value that must be equal, or that only one of the two has."""
    return Difference(
        _name(at), one, other, "only one of the two has it" if ABSENT in (one, other) else "must be equal"
    )


def _edited(pair: Pair) -> Iterator[Difference]:
    for index, side in enumerate((pair.old, pair.new)):
        if "record_digest" in side and (broken := telemetry.broken_seal(side)):  # which a part's measurement has not
            why = f"the {pair.names[index]} was edited after it was generated: its {broken} does not match"
            stated = side["record_digest"] if broken == "record_digest" else side["run"]["digest"]
            yield Difference(broken, *_on(index, stated, ABSENT), why)


def _compare_paper(pair: Pair, one: Mapping[str, Any], other: Mapping[str, Any], number: str) -> Iterator[Difference]:
    judged = set()
    for at, old, new in _unequal(one, other, (number,)):
        part = at[:-1]
        if ABSENT in (old, new):
            yield _unlike(at, old, new)
        elif at[1] == "checks" and at[-1] in ERRORS:
            if part not in judged:  # one line for a row's numbers
                judged.add(part)
                here, there = (_at(side, part[1:]) for side in (one, other))
                why = _moved(here, there)
                errors = here["error"], there["error"]
                yield Difference(_name((*part, "error")), *errors, why or "both within tolerance", bool(why))
        elif at[1] == "claims" and (at[-1] in TRAINING or at[-1] == "measured" or part[-1] == "limits"):
            yield Difference(_name(at), old, new, "a metric's value: its bound decides", False)
        elif at[1] == "metrics" and at[3] in TRAINING:
            yield Difference(_name(at), old, new, "a metric's value: its bounds decide, under claims", False)
        elif at[1] == "failures" or (at[1] == "layers" and at[-1] == "message"):
            yield Difference(_name(at), old, new, "words: the outcomes decide", False)
        elif at[1] == "layers" and at[-1] in ("evidence", "experiment_evidence"):
            yield Difference(_name(at), old, new, "other bits", False)
        else:
            yield _unlike(at, old, new)


def _moved(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is wrong with two unequal errors of a row; empty when nothing is."""
    if any((one[name] is None) != (other[name] is None) for name in ERRORS):
        return "a number on one side only"
    if one["outcome"] == other["outcome"] == "passed":
        return ""  # both within tolerance, or else a contradiction, which is told as such
    allowed = 2 * one["error"] / one["worst"] if one["worst"] else 0.0  # `worst` is in units of what is allowed
    moved = abs(other["error"] - one["error"])
    return "" if moved <= allowed else f"an error beyond its tolerance moved by {moved:.3g}, more than {allowed:.3g}"


def _contradictions(pair: Pair, index: int, entry: Mapping[str, Any], number: str) -> Iterator[Difference]:
    """What cannot be as one record says it."""

    def difference(at: Place, value: Any, why: str) -> Difference:
        return Difference(_name(at), *_on(index, value, ""), f"the {pair.names[index]} contradicts itself: {why}")

    for kind, group in entry.get("checks", {}).items():
        for name, row in group["rows"].items():
            if row["outcome"] == "passed" and row["worst"] is not None and not row["worst"] <= 1.0:
                place = (number, "checks", kind, "rows", name, "worst")
                yield difference(place, row["worst"], "passed, beyond its tolerance (worst > 1)")
    for claimed, claim in entry.get("claims", {}).items():
        for name, piece in claim.get("evidence", {}).items():
            outcome, met = piece.get("outcome", "passed"), [*record.verdicts_on(piece)]
            if met and (outcome in ("passed", "failed")) and all(holds for *_, holds in met) != (outcome == "passed"):
                at = (number, "claims", claimed, "evidence", name)
                values = ", ".join(f"{layer} {value:.6g}" for layer, value, _ in met)
                yield difference(at, values, f"it {outcome}")


def _at(entry: Mapping[str, Any], place: Place) -> Any:
    """The part of an entry at a place."""
    found: Any = entry
    for step in place:
        found = found[step]
    return found


def _on(index: int, value: Any, otherwise: Any) -> tuple[Any, Any]:
    """What a difference that concerns one side alone shows of both."""
    return (value, otherwise) if index == 0 else (otherwise, value)


def _unequal(one: Any, other: Any, at: Place) -> Iterator[tuple[Place, Any, Any]]:
    """Where two parts differ, with both values. What only one of them has is told once, at its highest place."""
    sides = [dict(leaves(side, at)) for side in (one, other)]
    within = [{path[:n] for path in side for n in range(1, len(path) + 1)} for side in sides]
    already = set()
    for path in sorted(sides[0].keys() | sides[1].keys()):
        values = [side.get(path, ABSENT) for side in sides]
        if path in sides[0] and path in sides[1]:
            if values[0] != values[1]:
                yield path, *values
            continue
        lacking = within[path in sides[0]]
        top = next((path[:n] for n in range(1, len(path)) if path[:n] not in lacking), path)
        if top not in already:
            already.add(top)
            said = (
                values
                if top == path
                else [v if v == ABSENT else _said(side, top) for v, side in zip(values, sides, strict=True)]
            )
            yield top, *said


def _said(side: Mapping[Place, Any], top: Place) -> Any:
    """What a part states that only one of the two has."""
    within = {place[len(top) :]: value for place, value in side.items() if place[: len(top)] == top}
    words = ", ".join(f"{_name(place)} {value}" for place, value in within.items())
    return next((within[(word,)] for word in TOLD if (word,) in within), words if len(words) <= 200 else PRESENT)


def _name(at: Place) -> str:
    return "/".join(at)
