"""What two records say differently: what fails, and what is information. It reads the two records and nothing else.

| must be equal                                          | may differ, and is told as information               |
|--------------------------------------------------------|------------------------------------------------------|
| every outcome, which check, proof and claim there is    | the environment                                      |
| statements, sources, proofs, depths, scope              | the bits of the evidence (its digests)               |
| tolerances, how many entries were compared              | an observed error, while both are within tolerance   |
| the summary's counts, the profile, the problems         | a metric's value, while its bound decides the same   |
| the commit and its sources, when one is measured again  | the commit and its sources, when records are read    |

An error beyond its tolerance (the row failed or was waived) must come back as well: within twice the tolerance, since either
of the two values that it is the difference of may move by one. What a record says must also fit together: its digests are
those of what it holds, a row that passed lies within its tolerance, a metric that passed meets its bound. `run` is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s30 import telemetry
from s30.claims import holds

Place = tuple[str, ...]

ABSENT = "absent"
ROWS = ("parity", "bridges", "invariants", "evaluations")
ERRORS = ("error", "relative", "worst")
FROM_CLAIMS = ("outcome", "claims", "metrics", "problems", "failures")  # of a paper: they depend on its experiments
BOUND = ("relation", "limit", "limit_from", "within")  # what a finding's value is held against
SINCE_2 = ("statement", "source", "reason", "value", *BOUND, "cells", "claims_by_kind")  # no field of an older record


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

    @property
    def versions(self) -> list[int]:
        """Of the older fields, then of the newer. A part's measurement states none: its version is that of the record."""
        return sorted((self.old["schema_version"], self.new.get("schema_version", self.old["schema_version"])))


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
    """The part of a paper's entry that is compared."""
    if claims or "layers" not in entry:
        return entry
    layers = {
        name: {key: value for key, value in layer.items() if key != "experiment_evidence"}
        for name, layer in entry["layers"].items()
    }
    return {key: value for key, value in entry.items() if key not in FROM_CLAIMS} | {"layers": layers}


def _compare(pair: Pair, papers: Sequence[str] | None, claims: bool) -> list[Difference]:
    old, new = pair.old, pair.new
    found = [*_edited(pair)]
    for key, moved in (("checked_commit", "another commit"), ("source_digest", "other sources")):
        why = "must be equal" if pair.again else moved
        found += [Difference(_name(at), a, b, why, pair.again) for at, a, b in _unequal(old[key], new[key], (key,))]
    for key in ("profile", *(("outcome", "summary", "problems") if papers is None and claims else ())):
        found += [_unlike(pair, at, a, b) for at, a, b in _unequal(old[key], new[key], (key,))]
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


def _unlike(pair: Pair, at: Place, one: Any, other: Any) -> Difference:
    """A value that must be equal, or that only one of the two has, which is none of its faults if it is of an older version."""
    if ABSENT not in (one, other):
        return Difference(_name(at), one, other, "must be equal")
    if pair.versions == [1, 2] and at[-1] in SINCE_2:
        return Difference(_name(at), one, other, "a record of version 1 does not say", False)
    return Difference(_name(at), one, other, "only one of the two has it")


def _edited(pair: Pair) -> Iterator[Difference]:
    for index, side in enumerate((pair.old, pair.new)):
        if "record_digest" in side and (broken := telemetry.broken_seal(side)):  # which a part's measurement has not
            why = f"the {pair.names[index]} was edited after it was generated: its {broken} does not match"
            stated = side["record_digest"] if broken == "record_digest" else side["run"]["digest"]
            yield Difference(broken, *_on(index, stated, ABSENT), why)


def _compare_paper(pair: Pair, one: Mapping[str, Any], other: Mapping[str, Any], number: str) -> Iterator[Difference]:
    rows, others = dict(_rows(one, (number,))), dict(_rows(other, (number,)))
    findings, theirs = dict(_findings(one, (number,))), dict(_findings(other, (number,)))
    judged = set()
    for at, old, new in _unequal(one, other, (number,)):
        part, said = at[:-1], {"row": (rows, others), "finding": (findings, theirs)}
        kind = next((name for name, (ours, those) in said.items() if part in ours and part in those), None)
        if kind == "row" and at[-1] in ERRORS:
            if part not in judged:  # one line for a row's three numbers
                judged.add(part)
                why = _moved(rows[part], others[part])
                errors = rows[part]["error"], others[part]["error"]
                yield Difference(_name((*part, "error")), *errors, why or "both within tolerance", bool(why))
        elif kind == "finding" and at[-1] in ("value", "limit", "measured") and ABSENT not in (old, new):
            if part not in judged:  # one line for a finding's numbers and the words that hold them
                judged.add(part)
                why = _decides_otherwise(pair, findings[part], theirs[part])
                words = findings[part]["measured"], theirs[part]["measured"]
                yield Difference(_name((*part, "measured")), *words, why or "the same outcome", bool(why))
        elif ABSENT in (old, new):
            yield _unlike(pair, at, old, new)
        elif at[1] == "metrics":
            yield Difference(_name(at), old, new, "a metric's value: its bounds decide, under claims", False)
        elif at[1] == "failures" or (at[1] == "layers" and at[-1] == "message"):
            yield Difference(_name(at), old, new, "words: the outcomes decide", False)
        elif at[1] == "layers" and at[-1] in ("evidence", "experiment_evidence"):
            yield Difference(_name(at), old, new, "other bits", False)
        else:
            yield _unlike(pair, at, old, new)


def _moved(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is wrong with two unequal errors of a row; empty when nothing is."""
    if any((one[name] is None) != (other[name] is None) for name in ERRORS):
        return "a number on one side only"
    if one["outcome"] == other["outcome"] == "passed":
        return ""  # both within tolerance, or else a contradiction, which is told as such
    tolerance = one["tolerance"] or {"rtol": 0.0, "atol": 0.0}
    scale = one["error"] / one["relative"] if one["relative"] else 0.0  # the largest expected magnitude
    allowed = 2 * (tolerance["atol"] + tolerance["rtol"] * scale)
    moved = abs(other["error"] - one["error"])
    return "" if moved <= allowed else f"an error beyond its tolerance moved by {moved:.3g}, more than {allowed:.3g}"


def _decides_otherwise(pair: Pair, one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is wrong with two findings of unequal numbers or words; empty when nothing is."""
    if "value" in one and "value" in other:
        measured = "limit_from" in one or "limit_from" in other  # the limit is a metric too, and may move as one
        return "" if measured or one["limit"] == other["limit"] else "another bound"
    if one["outcome"] == other["outcome"] and (one["outcome"] != "passed" or 1 in pair.versions):
        return ""  # the words of a failure, or of a record of version 1, in which they alone held the numbers
    return "must be equal"


def _contradictions(pair: Pair, index: int, entry: Mapping[str, Any], number: str) -> Iterator[Difference]:
    """What cannot be as one record says it."""

    def difference(at: Place, value: Any, why: str) -> Difference:
        return Difference(_name(at), *_on(index, value, ""), f"the {pair.names[index]} contradicts itself: {why}")

    for at, row in _rows(entry, (number,)):
        if row["outcome"] == "passed" and row["worst"] is not None and not row["worst"] <= 1.0:
            yield difference((*at, "worst"), row["worst"], "passed, beyond its tolerance (worst > 1)")
    for at, finding in _findings(entry, (number,)):
        if "value" in finding:
            met = holds(finding["relation"], finding["value"], finding["limit"], finding.get("within", 0.0))
            if met != (finding["outcome"] == "passed"):
                yield difference((*at, "measured"), finding["measured"], f"it {finding['outcome']}")


def _on(index: int, value: Any, otherwise: Any) -> tuple[Any, Any]:
    """What a difference that concerns one side alone shows of both."""
    return (value, otherwise) if index == 0 else (otherwise, value)


def _rows(entry: Mapping[str, Any], at: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every row of numbers of a paper with the way to it."""
    for section in ROWS:
        groups = entry.get(section, {})
        for kind, rows in groups.items() if isinstance(groups, Mapping) else (("", groups),):
            for row in rows:
                yield (*at, section, *([kind] if kind else []), row["id"]), row


def _findings(entry: Mapping[str, Any], at: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every finding of a paper's claims with the way to it."""
    for claim in entry.get("claims", ()):
        for index, finding in enumerate(claim["evidence"]):
            yield (*at, "claims", claim["id"], "evidence", str(index)), finding


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
            one_value, other_value = (v if top == path or v == ABSENT else "present" for v in values)
            yield top, one_value, other_value


def _name(at: Place) -> str:
    return "/".join(at)
