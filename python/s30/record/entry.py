"""One paper's part of the record: how a verdict is put down in few words, and how those words are read again.

A row of numbers tells, over all layers and seeds, the largest error, its share of what the tolerance allows in hundredths,
and how many entries were compared; a tolerance that is not the kind's own comes fourth, as `exact` or `rtol/atol`. Any row
that did not pass with all its entries is spelled out: see `Row`. `brief` abridges the part further for the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s30.corpus import documents, reach
from s30.corpus.documents import OneLine, OneLineList
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import EXACT, TOLERANCES, Outcome, Tolerance
from s30.layers.catalogue import TRAINING
from s30.verdict.checks import GRAVEST, KINDS, Check
from s30.verdict.claims import RELATIONS, Finding, Verdict, bound_of, coverage, holds, names_of, number
from s30.verdict.judge import PaperVerdict

Entry = dict[str, Any]
DIGITS = 16  # of a sha256: enough to tell other bits, or other words, from the same


@dataclass(frozen=True)
class Row:
    """All that the record says of one quantity. `tolerance` is empty where it is the kind's own; `reason` is the card's.

    `layers` are those of which it did not pass.
    """

    outcome: str
    error: float | None
    worst: float | None
    compared: int
    total: int
    tolerance: str = ""
    reason: str = ""
    layers: str = ""

    def written(self) -> OneLine | OneLineList:
        """As the record holds it."""
        if self.outcome == Outcome.PASSED and self.compared == self.total and not self.reason:
            return OneLineList([self.error, self.worst, self.total, *([self.tolerance] if self.tolerance else [])])
        return OneLine({name: value for name, value in vars(self).items() if value != ""})

    @staticmethod
    def read(line: Sequence[Any] | Mapping[str, Any]) -> Row:
        if isinstance(line, Mapping):
            return Row(**line)
        error, worst, total, *rest = line
        return Row(str(Outcome.PASSED), error, worst, total, total, rest[0] if rest else "")


def distinct(verdict: PaperVerdict) -> list[Check]:
    """The checks that the record counts: one that stands twice is one."""
    return list({check.id: check for check in verdict.checks}.values())


def paper_entry(verdict: PaperVerdict) -> Entry:
    """The paper's part of the record."""
    paper, experiments = verdict.paper, verdict.experiments or {}
    facts = {name: evidence.facts for name, evidence in (verdict.evidences or {}).items()}
    covered = coverage(paper)
    slots = [*(verdict.evidences or {}).values(), *experiments.values()]
    return {
        "title": paper.title,
        "outcome": str(verdict.outcome),
        "layers": _layers(verdict),
        "coverage": {"carried": OneLineList(covered.carried), "left_out": OneLineList(covered.left_out)},
        "equations": {entry["id"]: OneLine(entry["carried_by"]) for entry in paper.card["equations"]},
        "checks": _comparisons(verdict),
        "stated": _stated(facts),
        "identities": {
            name: OneLine(
                {
                    "outcome": _outcome(verdict, "identity", name),
                    **{key: identity[key] for key in ("statement", "assumptions")},
                    "proof": list(identity["proof"]),
                }
            )
            for name, identity in facts.get("sympy", {}).get("identities", {}).items()
        },
        "theorems": {
            name: OneLine(outcome=_outcome(verdict, "theorem", name), statement=said["statement"])
            for name, said in facts.get("agda", {}).get("theorems", {}).items()
        },
        "unfolded": OneLine(
            {name: _outcome(verdict, "unfolded", name) for name in facts.get("agda", {}).get("unfolded", ())}
        ),
        "not_evaluated": {one["definition"]: one["why"] for one in paper.card.get("not_evaluated", ())},
        "claims": {claim.claim: _claim(paper, claim) for claim in verdict.claims},
        "metrics": _metrics(verdict),
        "mutants": _mutants(paper),
        "lines": _lines(verdict) if all("lines" in evidence.facts for evidence in slots) else {},
        "problems": list(verdict.problems),
        "failures": [line for line in verdict.messages if line not in verdict.problems],
        "scope": dict(paper.card["scope"]),
    }


def _layers(verdict: PaperVerdict) -> Entry:
    evidences, experiments = verdict.evidences or {}, verdict.experiments or {}
    layers = {}
    for name, cell in verdict.cells.items():
        depth = verdict.paper.card["depth"][name]
        layers[name] = OneLine(
            {
                "outcome": str(cell.outcome),
                "depth": depth if isinstance(depth, str) else depth["level"],
                **({"why_thin": depth["why"]} if not isinstance(depth, str) else {}),
                "checks": cell.checks,
                "failed": cell.failed,
                **({"message": cell.message} if cell.message else {}),
                "evidence": evidences[name].digest[:DIGITS] if name in evidences else None,
                **({"experiment_evidence": experiments[name].digest[:DIGITS]} if name in experiments else {}),
            }
        )
    return layers


def _comparisons(verdict: PaperVerdict) -> Entry:
    """By kind: how many checks of which layers, the tolerance, and one row per quantity."""
    groups: dict[str, list[Check]] = {kind: [] for kind in KINDS}
    for check in distinct(verdict):
        if check.kind in groups and (check.total or check.kind != "experiment"):  # whether it ran to its end is none
            groups[check.kind].append(check)
    found: Entry = {}
    for kind, checks in groups.items():
        if not checks:
            continue
        pairs = Counter(" ~ ".join(check.layers) for check in checks)
        rows: dict[str, list[Check]] = {}
        for check in checks:
            rows.setdefault(check.row, []).append(check)
        own = {
            layer: _told(tolerance) for (of, layer), tolerance in TOLERANCES.items() if of == kind and layer is not None
        }
        default = TOLERANCES.get((kind, None))
        found[kind] = {
            "layers": OneLine(sorted(pairs.items())),
            **({"tolerance": OneLine({"all": _told(default), **own})} if default else {}),
            "rows": {name: _row(kind, group).written() for name, group in sorted(rows.items())},
        }
    return found


def _row(kind: str, checks: Sequence[Check]) -> Row:
    outcomes = {check.outcome for check in checks}
    numbers = {
        name: max(values) if (values := [v for c in checks if (v := getattr(c, name)) is not None]) else None
        for name in ("error", "worst")
    }
    unusual = [
        check.tolerance
        for check in checks
        if check.tolerance is not None
        and not (kind == "experiment" and check.row == "metrics")  # whose spreads stand under `metrics`
        and check.tolerance != _own(kind, check)
    ]
    outcome = str(next(outcome for outcome in GRAVEST if outcome in outcomes))
    passed = outcome == Outcome.PASSED
    return Row(
        outcome=outcome,
        error=_rounded(numbers["error"], 2 if passed else 3),
        worst=_share(numbers["worst"]) if passed else _rounded(numbers["worst"], 3),
        compared=sum(check.compared for check in checks),
        total=sum(check.total for check in checks),
        tolerance=" ".join(dict.fromkeys(map(_told, unusual))),
        reason=next((tolerance.reason for tolerance in unusual if tolerance.reason), ""),
        layers=", ".join(dict.fromkeys(" ~ ".join(c.layers) for c in checks if c.outcome is not Outcome.PASSED)),
    )


def _own(kind: str, check: Check) -> Tolerance | None:
    """The tolerance that the kind has for a layer, or for rows of that first word."""
    named = (TOLERANCES.get((kind, word)) for word in (check.layers[0], check.row.partition(" ")[0]))
    return next((tolerance for tolerance in named if tolerance), TOLERANCES.get((kind, None)))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else float(f"{value:.{digits}g}")


def _share(worst: float | None) -> float | None:
    """Of what a tolerance allows, in hundredths; a row that passed never reads as beyond it."""
    return None if worst is None else min(round(worst, 2), 1.0)


def _told(tolerance: Tolerance) -> str:
    return "exact" if tolerance == EXACT else f"{tolerance.rtol:g}/{tolerance.atol:g}"


def _stated(facts: Mapping[str, Mapping[str, Any]]) -> Entry:
    """What the rows are about, by kind and name, in the words of the room."""
    numpy = facts.get("numpy", {})
    oracles = [entry for fact in facts.values() for entry in fact.get("oracles", ())]
    stated = {
        "invariant": {i["name"]: i["statement"] for i in numpy.get("invariants", ())},
        "bridge": {name: bridge["statement"] for name, bridge in facts.get("sympy", {}).get("bridges", {}).items()},
        "oracle": {o["name"]: f"{o['statement']}, by {o['implementation']}" for o in oracles},
        "evaluation": {e["name"]: _by_module(e["definitions"]) for e in facts.get("agda", {}).get("evaluations", ())},
    }
    return {kind: entries for kind, entries in stated.items() if entries}


def _by_module(definitions: Sequence[str]) -> str:
    """Names in words, such as `Gates.{forget, input}, Cell.step`."""
    modules: dict[str, list[str]] = {}
    for name in definitions:
        modules.setdefault(name.rpartition(".")[0], []).append(name.rpartition(".")[2])
    words = ((module, own[0] if len(own) == 1 else f"{{{', '.join(own)}}}") for module, own in modules.items())
    return ", ".join(f"{module}.{names}" if module else names for module, names in words)


def _outcome(verdict: PaperVerdict, kind: str, name: str) -> str:
    return next(str(check.outcome) for check in verdict.checks if (check.kind, check.name) == (kind, name))


def _claim(paper: Paper, claim: Verdict) -> OneLine:
    entry = next(entry for entry in paper.card["claims"] if entry["id"] == claim.claim)
    findings = iter(claim.findings)
    pieces = [_evidence(piece, findings) for piece in entry.get("evidence", ())]
    together = OneLine()  # what is proved or holds in all layers: names by kind
    for kind, name in (pair for piece in pieces if len(piece) == 1 for pair in piece.items()):
        together.setdefault(kind, []).append(name)
    evidence = [*([together] if together else []), *(piece for piece in pieces if len(piece) > 1)]
    return OneLine(
        {"kind": claim.kind, "outcome": str(claim.outcome), "statement": claim.statement}
        | ({"reason": claim.reason} if claim.reason else {})
        | ({"control": entry["control"]} if "control" in entry else {})
        | ({"evidence": evidence} if evidence else {})
    )


def _evidence(piece: Mapping[str, Any], findings: Iterator[Finding]) -> OneLine:
    """One piece of evidence as the card names it, with each framework's value, and what was found where it does not hold."""
    of_layers = {
        name: next(findings) for name in (piece.get("layers", TRAINING) if "metric" in piece else ("",))
    }  # one finding per framework
    values = {name: found.values["value"] for name, found in of_layers.items() if "value" in found.values}
    limits = {name: found.values["limit"] for name, found in of_layers.items() if "limit_from" in found.values}
    unmet = [found for found in of_layers.values() if found.outcome is not Outcome.PASSED]
    outcomes = {found.outcome for found in unmet}
    for name in values:
        values[name], limit = _few_digits(piece, values[name], limits.get(name))
        limits |= {} if limit is None else {name: limit}
    return OneLine(
        {name: value for name, value in piece.items() if name != "layers"}
        | values
        | ({"limits": limits} if limits else {})
        | ({"outcome": str(next(o for o in GRAVEST if o in outcomes))} if unmet else {})
        | ({"measured": "; ".join(found.measured for found in unmet)} if unmet else {})
    )


def _few_digits(piece: Mapping[str, Any], value: float, limit: float | None) -> tuple[float, float | None]:
    """A value, and the limit that was measured with it, to five digits, unless these would decide the bound otherwise."""
    relation = next(word for word in RELATIONS if word in piece)
    short = _rounded(value, 5), _rounded(limit, 5)

    def decides(one: Any, other: Any) -> bool:
        return holds(relation, one, piece[relation] if other is None else other, piece.get("within", 0.0))

    return short if decides(*short) == decides(value, limit) else (value, limit)  # type: ignore[return-value]


def _metrics(verdict: PaperVerdict) -> Entry:
    """Each metric with what decides how its values are compared, and each framework's values; the rest stands in task.py."""
    found: dict[str, Any] = {}
    for layer, evidence in (verdict.experiments or {}).items():
        for name, values in evidence.facts.get("metrics", {}).items():
            about = evidence.facts.get("described", {}).get(name, {})
            meaning = {word: about[word] for word in ("unit", "over", "control", "spread") if about.get(word)}
            found.setdefault(name, OneLine(meaning))[layer] = [_rounded(value, 5) for value in values]
    return found


def _mutants(paper: Paper) -> Entry:
    """How many mistakes are listed, by layer, and by the check that must notice."""
    path = paper.folder / "tests" / "mutants.yaml"
    listed = documents.load(path, "mutants")["mutants"] if path.is_file() else []
    return {
        "layers": OneLine(sorted(Counter(mutant["layer"] for mutant in listed).items())),
        "caught_by": OneLine(sorted(Counter(mutant["caught_by"] for mutant in listed).items())),
    }


def _lines(verdict: PaperVerdict) -> Entry:
    """How many statements the room's files hold, and which of them nothing reached."""
    facts = [e.facts for e in (*(verdict.evidences or {}).values(), *(verdict.experiments or {}).values())]
    executable: dict[str, set[int]] = {}
    for fact in facts:
        for file, lines in fact.get("lines", {}).items():
            executable.setdefault(file, set()).update(reach.numbers(lines["executable"]))
    missed = {file: lines for file, lines in reach.unreached(facts).items() if lines}
    return {"statements": sum(map(len, executable.values())), "unreached": missed}


# --- read again ---


def rows(entry: Mapping[str, Any]) -> Iterator[tuple[str, str, Row]]:
    """Every row of a paper's part of the record with its kind and its name."""
    for kind, group in entry.get("checks", {}).items():
        for name, line in group["rows"].items():
            yield kind, name, Row.read(line)


def labelled(evidence: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """A claim's pieces of evidence by their names, such as `metric accuracy at_least`, numbered where two have the same."""
    found: dict[str, Mapping[str, Any]] = {}
    for piece in evidence:
        named = [(kind, name) for kind in SUBJECTS for name in names_of(piece.get(kind, ()))]
        for kind, name in named:
            label = " ".join([kind, name, *(word for word in RELATIONS if word in piece)])
            times = 1 + sum(other == label or other.startswith(f"{label} #") for other in found)
            alone = piece if kind == "metric" or "outcome" in piece else {kind: name}
            found[label if times == 1 else f"{label} #{times}"] = alone
    return found


SUBJECTS = ("metric", "identity", "bridge", "invariant", "theorem", "oracle", "evaluation", "variant")


def spelled_out(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part with every row and every piece of evidence under its name, so that two parts can be compared by places."""
    if "layers" not in entry:
        return entry
    comparisons = {
        kind: {**group, "rows": {name: vars(Row.read(line)) for name, line in group["rows"].items()}}
        for kind, group in entry["checks"].items()
    }
    claims = {
        name: {**claim, "evidence": labelled(claim["evidence"])} if "evidence" in claim else claim
        for name, claim in entry["claims"].items()
    }
    covered = dict.fromkeys(entry["coverage"]["carried"], "carried")
    covered |= dict.fromkeys(entry["coverage"]["left_out"], "left out")
    return {**entry, "checks": comparisons, "claims": claims, "coverage": covered}


def verdicts_on(piece: Mapping[str, Any]) -> Iterator[tuple[str, float, bool]]:
    """Of a metric's evidence: each framework's value, and whether it meets the bound."""
    relation = next((word for word in RELATIONS if word in piece), "")
    for layer in TRAINING:
        if relation and layer in piece:
            limit = piece["limits"][layer] if "limits" in piece else piece[relation]
            yield layer, piece[layer], holds(relation, piece[layer], limit, piece.get("within", 0.0))


def spoken(piece: Mapping[str, Any]) -> str:
    """A piece of evidence in words."""
    words = ", ".join(f"{kind} {name}" for kind in SUBJECTS for name in names_of(piece.get(kind, ())))
    if "metric" in piece:
        values = ", ".join(f"{layer} {number(piece[layer])}" for layer in TRAINING if layer in piece)
        words += f" {bound_of(piece)}" + (f": {values}" if values else "")
    return words + (f" ({piece['outcome']}: {piece['measured']})" if "outcome" in piece else "")
