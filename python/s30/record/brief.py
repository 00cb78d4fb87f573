"""The record's file in few words: how a paper's part is abridged when it is written, and made whole when it is read.

The file leaves out what goes without saying, and `whole(brief(part)) == part`:

| part     | in the file                                                                                            |
|----------|--------------------------------------------------------------------------------------------------------|
| outcome  | of a layer, identity, theorem or claim: not said where it is `passed` (out of scope: `not_applicable`) |
| row      | `[error, entries]`; then its share of the tolerance from 0.01 on, then a tolerance of its own; the     |
|          | entries alone where nothing is measured; several of one module in its line: `net.0: {bias.weight: …}`  |
| identity | `[statement, assumptions, *proof]`; `same` are the assumptions of the one before                       |
| theorem  | under its module, where `(given)` is what all statements there assume first, written once; in claims   |
|          | and equations by its last word, where no other theorem of the paper has the same                       |
| claim    | its statement under its kind; then its evidence, names by kind; of a metric `[name, relation, bound,   |
|          | value, limit]`: `[bound, margin]` with a margin, `[torch, jax]` of what differs, a limit if measured   |
| metric   | `jax: same` where it gives what torch gives                                                            |

What does not fit is written as it is, under its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from s30.corpus.documents import OneLine, OneLineList
from s30.corpus.vocabulary import Outcome
from s30.layers.catalogue import TRAINING
from s30.verdict.claims import RELATIONS

Entry = dict[str, Any]
Names = Mapping[str, str]  # of theorems: what stands in the one form, by what stands in the other

PASSED = str(Outcome.PASSED)
PASSED_LAYER = {"outcome": PASSED, "failed": 0}
UNDER_OUTCOME = {"out_of_scope": str(Outcome.NOT_APPLICABLE)}  # what a claim comes to when nothing is said of it
KINDS_OF_CLAIM = ("exact", "reproduced", "proxy", "out_of_scope")
GIVEN = "(given)"  # which no name in Agda can be
SAME = "same"


def brief(part: Mapping[str, Any]) -> Entry:
    """A paper's part of the record as the file has it."""
    if "layers" not in part:
        return dict(part)
    names = {long: short for short, long in _known(part["theorems"], part["unfolded"]).items()}
    return {
        **part,
        "layers": {name: OneLine(_brief_layer(layer)) for name, layer in part["layers"].items()},
        "equations": {name: OneLine(_named(carried, names)) for name, carried in part["equations"].items()},
        "checks": {
            kind: {**group, "rows": _grouped({name: _brief_row(row) for name, row in group["rows"].items()})}
            for kind, group in part["checks"].items()
        },
        "identities": _brief_identities(part["identities"]),
        "theorems": _by_module(part["theorems"]),
        "claims": {name: _brief_claim(claim, names) for name, claim in part["claims"].items()},
        "metrics": {name: _brief_metric(metric) for name, metric in part["metrics"].items()},
    }


def whole(part: Mapping[str, Any]) -> Entry:
    """A paper's part of the record with all its words, as `brief` had it."""
    if "layers" not in part:
        return dict(part)
    theorems = _by_name(part["theorems"])
    names = _known(theorems, part["unfolded"])
    return {
        **part,
        "layers": {name: PASSED_LAYER | dict(layer) for name, layer in part["layers"].items()},
        "equations": {name: _named(carried, names) for name, carried in part["equations"].items()},
        "checks": {
            kind: {**group, "rows": {name: _whole_row(row) for name, row in _apart(group["rows"])}}
            for kind, group in part["checks"].items()
        },
        "identities": _whole_identities(part["identities"]),
        "theorems": theorems,
        "claims": {name: _whole_claim(claim, names) for name, claim in part["claims"].items()},
        "metrics": {name: _whole_metric(metric) for name, metric in part["metrics"].items()},
    }


def _brief_layer(layer: Mapping[str, Any]) -> Entry:
    return {name: value for name, value in layer.items() if (name, value) not in PASSED_LAYER.items()}


# Rows


def _brief_row(row: Any) -> Any:
    if isinstance(row, Mapping):
        return OneLine(row)
    error, worst, total, *tolerance = row
    if error is None and worst is None:
        return OneLineList([total, *tolerance]) if tolerance else total
    return OneLineList([error, total, *([worst] if worst != 0 else []), *tolerance])


def _whole_row(row: Any) -> Any:
    if isinstance(row, Mapping):
        return row
    if not isinstance(row, list):
        return [None, None, row]
    if len(row) == 2 and isinstance(row[1], str):
        return [None, None, *row]
    error, total, *rest = row
    worst = rest.pop(0) if rest and not isinstance(rest[0], str) else 0.0
    return [error, worst, total, *rest]


def _grouped(rows: Mapping[str, Any]) -> Entry:
    """Rows of what lies in one module, such as `encoder.0.query.weight`, together in one line, where it has several."""
    module = {name: ".".join(name.split(".")[:-2]) for name in rows}
    several = {one for one, count in Counter(module.values()).items() if one and count > 1 and one not in rows}
    found: Entry = {}
    for name, row in rows.items():
        if module[name] in several:
            found.setdefault(module[name], OneLine())[name[len(module[name]) + 1 :]] = row
        else:
            found[name] = row
    return found


def _apart(rows: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, row in rows.items():
        if isinstance(row, Mapping) and "outcome" not in row:
            yield from ((f"{name}.{rest}", inner) for rest, inner in row.items())
        else:
            yield name, row


# Identities and theorems


def _brief_identities(identities: Mapping[str, Mapping[str, Any]]) -> Entry:
    found: Entry = {}
    before = None
    for name, identity in identities.items():
        assumed = identity["assumptions"]
        if identity["outcome"] != PASSED or assumed == SAME:
            found[name] = OneLine(identity)
        else:
            found[name] = OneLineList(
                [identity["statement"], SAME if assumed == before else assumed, *identity["proof"]]
            )
        before = assumed
    return found


def _whole_identities(identities: Mapping[str, Any]) -> Entry:
    found: Entry = {}
    before = SAME
    for name, identity in identities.items():
        if not isinstance(identity, Mapping):
            statement, assumed, *proof = identity
            assumed = before if assumed == SAME else assumed
            identity = {"outcome": PASSED, "statement": statement, "assumptions": assumed, "proof": proof}
        found[name] = identity
        before = identity["assumptions"]
    return found


def _by_module(theorems: Mapping[str, Mapping[str, str]]) -> Entry:
    modules: dict[str, dict[str, Mapping[str, str]]] = {}
    for name, theorem in theorems.items():
        module, _, own = name.rpartition(".")
        modules.setdefault(module, {})[own] = theorem
    found: Entry = {}
    for module, here in modules.items():
        given = _telescope([theorem["statement"] for theorem in here.values()])
        found[module] = {GIVEN: given} if given else {}
        for own, theorem in here.items():
            statement = theorem["statement"][len(given) :]
            passed = theorem["outcome"] == PASSED
            found[module][own] = statement if passed else OneLine(outcome=theorem["outcome"], statement=statement)
    return found


def _telescope(statements: list[str]) -> str:
    """What several statements assume first, all in the same words: whole parameters and premises."""
    said = statements[0]
    depth, end = 0, 0
    for at, marks in enumerate(zip(*statements, strict=False)):
        if len(set(marks)) > 1:
            break
        depth += (said[at] in "({") - (said[at] in ")}")
        if said[at] == " " and depth == 0 and said[at - 1] in ")}→":
            end = at + 1
    return said[:end] if len(statements) > 1 else ""


def _by_name(modules: Mapping[str, Mapping[str, Any]]) -> Entry:
    found: Entry = {}
    for module, here in modules.items():
        given = here.get(GIVEN, "")
        for own, theorem in here.items():
            if own != GIVEN:
                said = theorem if isinstance(theorem, Mapping) else {"outcome": PASSED, "statement": theorem}
                name = f"{module}.{own}" if module else own
                found[name] = {"outcome": said["outcome"], "statement": given + said["statement"]}
    return found


def _known(theorems: Iterable[str], unfolded: Iterable[str]) -> Names:
    """The full names of theorems by their last word, where no other has the same."""
    full = dict.fromkeys([*theorems, *unfolded])
    own = Counter(name.rpartition(".")[2] for name in full)
    return {word: name for name in full if own[word := name.rpartition(".")[2]] == 1 and word != name}


def _named(carried: Mapping[str, Any], names: Names) -> Entry:
    """What carries an equation or a claim, with the names of its theorems in the other form."""

    def other(listed: Any) -> Any:
        return names.get(listed, listed) if isinstance(listed, str) else [names.get(name, name) for name in listed]

    return {kind: other(listed) if kind == "theorem" else listed for kind, listed in carried.items()}


# Claims


def _brief_claim(claim: Mapping[str, Any], names: Names) -> OneLine:
    kind = claim["kind"]
    said = {name: value for name, value in claim.items() if name not in ("kind", "outcome", "statement", "evidence")}
    as_usual = claim["outcome"] == UNDER_OUTCOME.get(kind, PASSED)
    return OneLine(
        {kind: claim["statement"]}
        | ({} if as_usual else {"outcome": claim["outcome"]})
        | said
        | ({"evidence": [_brief_piece(one, names) for one in claim["evidence"]]} if "evidence" in claim else {})
    )


def _whole_claim(claim: Mapping[str, Any], names: Names) -> Entry:
    kind = next(kind for kind in KINDS_OF_CLAIM if kind in claim)
    said = {name: value for name, value in claim.items() if name not in (kind, "evidence")}
    return (
        {"kind": kind, "outcome": UNDER_OUTCOME.get(kind, PASSED), "statement": claim[kind]}
        | said
        | ({"evidence": [_whole_piece(one, names) for one in claim["evidence"]]} if "evidence" in claim else {})
    )


def _brief_piece(piece: Mapping[str, Any], names: Names) -> Any:
    relation = next((word for word in RELATIONS if word in piece), "")
    known = {"metric", relation, "within", "limits", *TRAINING}
    if "metric" not in piece:
        return _named(piece, names)
    if not known >= piece.keys() or not piece.keys() >= set(TRAINING):
        return dict(piece)
    bound = [piece[relation], piece["within"]] if "within" in piece else piece[relation]
    return [piece["metric"], relation, bound, _pair(piece), *([_pair(piece["limits"])] if "limits" in piece else [])]


def _whole_piece(piece: Any, names: Names) -> Entry:
    if isinstance(piece, Mapping):
        return _named(piece, names) if "metric" not in piece else dict(piece)
    metric, relation, bound, values, *limits = piece
    bound, within = bound if isinstance(bound, list) else (bound, None)
    return (
        {"metric": metric, relation: bound}
        | ({} if within is None else {"within": within})
        | _by_layer(values)
        | ({"limits": _by_layer(limits[0])} if limits else {})
    )


def _pair(values: Mapping[str, float]) -> Any:
    both = [values[layer] for layer in TRAINING]
    return both[0] if both[0] == both[1] else both


def _by_layer(values: Any) -> dict[str, float]:
    return dict(zip(TRAINING, values if isinstance(values, list) else [values] * len(TRAINING), strict=True))


# Metrics


def _brief_metric(metric: Mapping[str, Any]) -> OneLine:
    first, second = TRAINING
    same = first in metric and metric.get(first) == metric.get(second)
    return OneLine({**metric, **({second: SAME} if same else {})})


def _whole_metric(metric: Mapping[str, Any]) -> Entry:
    first, second = TRAINING
    same = first in metric and metric.get(second) == SAME
    return {**metric, **({second: list(metric[first])} if same else {})}
