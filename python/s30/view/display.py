"""What a person sees in the terminal: progress of a sweep, and tables. Without a terminal, plain lines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.layers.catalogue import CHECKS, EXPERIMENT, LAYERS
from s30.sweep.plan import Event, Slot
from s30.verdict.claims import Metrics, coverage, number
from s30.verdict.judge import PaperVerdict, Verification
from s30.verdict.margins import Margin
from s30.view.tables import Cell, Column

MARKS = {
    Outcome.PASSED: ("passed", "green"),
    Outcome.FAILED: ("FAILED", "bold red"),
    Outcome.NOT_RUN: ("not_run", "yellow"),
    Outcome.WAIVED: ("waived", "magenta"),
    Outcome.NOT_APPLICABLE: ("-", "dim"),
}

PROOFS = ("identity", "theorem")

# What a room or a file says may hold brackets, which Rich would take for markup, and codes that a terminal would obey.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class Plain(Console):
    """Prints every text as it stands: no markup, no emoji, and control codes as words."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(text.translate(CONTROLS), **options)


errors = Plain(stderr=True, soft_wrap=True)
console = Plain(width=None if sys.stdout.isatty() else 160)


def mark(outcome: Outcome) -> Text:
    """An outcome as a coloured word."""
    word, style = MARKS[outcome]
    return Text(word, style)


def name_of(slot: Slot) -> str:
    """A slot in words: `26 PyTorch experiment`."""
    paper, layer, task = slot
    return f"{paper} {LAYERS[layer].title}{' experiment' if task == EXPERIMENT else ''}"


class Progress:
    """Listens to a sweep. On a terminal it shows what runs now; elsewhere it prints a line when something ends.

    All of it goes to standard error, so that a program may read standard output and a person still see how far it is.
    """

    def __init__(self) -> None:
        self._now: dict[Slot, str] = {}
        self._guard = threading.Lock()
        self._live = Live(console=errors, refresh_per_second=8, transient=True) if errors.is_terminal else None
        self.measured = self.cached = self.not_run = 0

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        with self._guard:
            name = name_of(event.slot)
            if event.kind in ("start", "waiting", "stage"):
                self._now[event.slot] = event.text
            else:
                self._now.pop(event.slot, None)
            self.cached += event.kind == "cached"
            self.measured += event.kind in ("done", "failed")
            self.not_run += event.kind == "not_run"
            if event.kind == "done":
                self._line(f"  measured  {name} in {event.seconds:.1f} s")
            elif event.kind == "waiting":
                self._line(f"  {name} {event.text}")
            elif event.kind in ("failed", "not_run", "damaged"):
                self._line(f"  {event.kind:<9} {name}: {event.text}")
            if self._live:
                self._live.update(
                    Text("\n".join(f"  {name_of(slot)}: {text}" for slot, text in sorted(self._now.items())))
                )

    def _line(self, text: str) -> None:
        (self._live.console if self._live else errors).print(text, markup=False)


def verification_table(verification: Verification, names: Sequence[str]) -> Table:
    """One row per paper: a cell per layer, the claims that hold, the entries compared."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("paper", no_wrap=True)
    for name in names:
        table.add_column(LAYERS[name].title, no_wrap=True)
    table.add_column("claims", no_wrap=True)
    table.add_column("coverage", no_wrap=True)
    table.add_column("entries compared", justify="right", no_wrap=True)
    for verdict in verification.papers:
        compared, total = (sum(getattr(c, what) for c in verdict.checks) for what in ("compared", "total"))
        cells = [mark(verdict.cells[name].outcome) for name in names]
        table.add_row(
            f"{verdict.paper.id} {verdict.paper.slug}",
            *cells,
            claims_cell(verdict),
            coverage_cell(verdict),
            f"{compared:,}/{total:,}" if total else "-",
        )
    return table


def results(verification: Verification, names: Sequence[str], width: int) -> Table | Text:
    """The table, or where it would not fit one line per paper, with the layers that did not pass by name."""
    table = verification_table(verification, names)
    if Plain(width=1000).measure(table).maximum <= width:
        return table
    lines = []
    for verdict in verification.papers:
        outcomes = {name: verdict.cells[name].outcome for name in names}
        told = [f"{name} {MARKS[o][0]}" for name, o in outcomes.items() if o is not Outcome.PASSED]
        passed = sum(outcome is Outcome.PASSED for outcome in outcomes.values())
        claims = claims_cell(verdict).plain
        lines.append(
            f"{verdict.paper.id} {verdict.paper.slug}: {', '.join([*told, f'{passed} passed'])}; claims {claims}"
        )
    return Text("\n".join(lines))


def coverage_cell(verdict: PaperVerdict) -> Text:
    """How much of the paper is carried, of what its card lists."""
    counted = coverage(verdict.paper) if verdict.paper.built else None
    return Text(f"{len(counted.carried)} of {counted.items}") if counted and counted.items else Text("-", "dim")


def checks_line(summary: Mapping[str, Any], seconds: float | None = None) -> str:
    """How many checks passed of all that there are, those included that could not run."""
    counts = summary["checks"]
    rest = [f"{counts[o]:,} {o.replace('_', ' ')}" for o in ("failed", "waived", "not_run") if counts.get(o)]
    parts = [
        f"checks: {counts.get('passed', 0):,} of {sum(counts.values()):,} passed"
        + "".join(f", {text}" for text in rest),
        f"{summary['identities']} identities proved, {summary['theorems']} theorems checked",
    ]
    if summary["coverage"]["items"]:
        parts.append(f"{summary['coverage']['carried']} of {summary['coverage']['items']} items of the papers carried")
    return "; ".join([*parts, *([f"{seconds:.1f} s"] if seconds is not None else [])])


def uncounted(verification: Verification) -> str:
    """Which layers did not finish, so that the total lacks what nobody else could tell of them; empty where all did."""
    unfinished: dict[str, list[str]] = {}
    for (paper, name, task), evidence in verification.evidence.items():
        if task == CHECKS and evidence.outcome is not Outcome.PASSED:
            unfinished.setdefault(LAYERS[name].title, []).append(paper)
    layers = "; ".join(f"{title} of {', '.join(papers)}" for title, papers in unfinished.items())
    what = "the identities, oracles, evaluations and starts that only the layer itself can tell of"
    return f"not in that total: {what}: {layers}" if layers else ""


def last_line(verification: Verification) -> tuple[str, str]:
    """The verdict in words, and its style: what is waived is named, and what failed is counted."""
    if verification.passed:
        waived = verification.waived
        words = f"PASSED with {len(waived)} waived: {', '.join(waived)}" if waived else "PASSED"
        return words, "bold magenta" if waived else "bold green"
    failed = Outcome.FAILED
    counts = {
        ("check", "checks"): sum(
            check.outcome is failed for verdict in verification.papers for check in verdict.checks
        ),
        ("claim", "claims"): sum(
            claim.outcome is failed for verdict in verification.papers for claim in verdict.claims
        ),
        ("problem", "problems"): len(verification.problems)
        + sum(len(verdict.problems) for verdict in verification.papers),
        ("layer not run", "layers not run"): sum(
            cell.outcome is Outcome.NOT_RUN for verdict in verification.papers for cell in verdict.cells.values()
        ),
    }
    told = [f"{n} {word if n == 1 else words}" for (word, words), n in counts.items() if n]
    return "FAILED" + (f": {', '.join(told)}" if told else ""), "bold red"


def without_room(papers: Sequence[Paper]) -> str:
    """How many papers have no room, and how many a draft of one."""
    drafts = sum(paper.draft for paper in papers)
    told = f"{len(papers) - drafts} papers have no room yet" if drafts < len(papers) else ""
    return " and ".join(
        filter(
            None, [told, f"{drafts} a draft" if told and drafts else f"{drafts} papers have a draft" if drafts else ""]
        )
    )


def metric_rows(metrics: Metrics, described: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Each metric with its unit and over how many of what it is a mean, such as `5 seeds`."""
    counts = {name: len(values) for measured in metrics.values() for name, values in measured.items()}
    return [
        (name, about.get("unit", ""), f"{count} {about['over']}" if about.get("over") else "")
        for name, count in counts.items()
        for about in (described.get(name, {}),)
    ]


def margin_rows(margins: Sequence[Margin]) -> tuple[list[Column], list[list[Cell]]]:
    """A line for each bound: the means that were measured, the room that the closest run leaves, and where that was."""
    columns = [
        *(Column("claim", spare=3), Column("metric"), Column("bound", prose=True)),
        *(Column("measured", right=True, spare=1), Column("room", right=True)),
        *(Column("differs by", right=True, spare=2), Column("closest", spare=1)),
    ]
    rows: list[list[Cell]] = []
    for margin in margins:
        look = "bold red" if margin.missed else "yellow" if margin.room < margin.spread / 2 else "green"
        measured = number(margin.low, 4) if margin.low == margin.high else f"{margin.low:.4g} to {margin.high:.4g}"
        room = Text(number(margin.room, 3), look)
        rows.append([margin.claim, margin.metric, margin.bound, measured, room, number(margin.spread, 3), margin.told])
    return columns, rows


def claims_cell(verdict: PaperVerdict) -> Text:
    """How many claims hold of those that were tried, and how many of these are about something smaller than the paper's."""
    tried = [claim for claim in verdict.claims if claim.outcome is not Outcome.NOT_APPLICABLE]
    held = sum(claim.outcome is Outcome.PASSED for claim in tried)
    if not tried:
        return Text("-", "dim")
    worst = next(
        (o for o in (Outcome.FAILED, Outcome.NOT_RUN, Outcome.WAIVED) if any(c.outcome is o for c in tried)),
        Outcome.PASSED,
    )
    proxies = sum(claim.kind == "proxy" for claim in tried)
    return Text(f"{held}/{len(tried)}" + (f", {proxies} proxy" if proxies else ""), MARKS[worst][1])


Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # of comparisons, by kind


def parity_summary(rows: Rows) -> tuple[list[Column], list[list[Cell]]]:
    """One line for each kind of comparison and pair of layers: how many passed, the largest error, and its share of what is
    allowed."""
    columns = [
        *(Column("kind"), Column("layers"), Column("passed", right=True), Column("largest error", right=True, spare=1)),
        *(Column("of allowed", right=True, spare=2), Column("entries", right=True, spare=3)),
    ]
    lines: list[list[Cell]] = []
    for kind, entries in rows.items():
        pairs: dict[str, list[Mapping[str, Any]]] = {}
        for row in entries:
            pairs.setdefault(row["id"].partition(": ")[0], []).append(row)
        for pair, members in pairs.items():
            passed = sum(row["outcome"] == Outcome.PASSED for row in members)
            error, worst = (max((r[n] for r in members if r[n] is not None), default=None) for n in ("error", "worst"))
            lines.append([
                kind,
                pair,
                Text(f"{passed}/{len(members)}", "green" if passed == len(members) else "bold red"),
                "-" if error is None else f"{error:.1e}",
                "-" if worst is None else f"{worst:.1e}",
                f"{sum(row['total'] for row in members):,}",
            ])  # fmt: skip
    return columns, lines


def parity_rows(rows: Rows) -> tuple[list[Column], list[list[Cell]]]:
    """One line for each comparison with its largest error and tolerance."""
    columns = [
        *(Column("what", prose=True), Column("kind", spare=1), Column("outcome"), Column("largest error", right=True)),
        *(
            Column("relative", right=True, spare=4),
            Column("tolerance", spare=2),
            Column("entries", right=True, spare=3),
        ),
    ]
    lines: list[list[Cell]] = []
    for kind, entries in rows.items():
        for row in entries:
            tolerance = row["tolerance"]
            lines.append([
                row["id"],
                kind,
                mark(Outcome(row["outcome"])),
                *(f"{row[n]:.1e}" if row[n] is not None else "-" for n in ("error", "relative")),
                f"rtol {tolerance['rtol']:g}, atol {tolerance['atol']:g}" if tolerance else "-",
                f"{row['compared']:,}/{row['total']:,}",
            ])  # fmt: skip
    return columns, lines


def not_passed(rows: Rows) -> Rows:
    """The comparisons that did not pass, by kind."""
    return {kind: [row for row in entries if row["outcome"] != Outcome.PASSED] for kind, entries in rows.items()}


def failures(verification: Verification, limit: int = 40) -> list[str]:
    """All that failed, one line each, cut after `limit`."""
    lines = [line for verdict in verification.papers for line in verdict.messages] + list(verification.problems)
    more = f"... and {len(lines) - limit} more: `s30 verify --json` tells all, as failures and problems"
    return lines[:limit] + ([more] if len(lines) > limit else [])
