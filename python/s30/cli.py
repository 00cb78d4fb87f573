"""The command line. It parses, calls the engine and prints; what is true is decided elsewhere."""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from s30 import (
    __version__,
    comparison,
    corpus,
    display,
    documents,
    environment,
    experiments,
    exports,
    figures,
    layers,
    repository,
    reproduce,
    scaffold,
    sessions,
    telemetry,
)
from s30.checks import pair_rows
from s30.claims import coverage, names_of
from s30.cluster import DaskExecutor
from s30.corpus import Corpus, Paper
from s30.display import console, errors
from s30.environment import cache_folder
from s30.errors import Interrupted, S30Error, UsageError, one_line, place
from s30.evidence import write_atomically
from s30.layers import EXPERIMENT, LAYERS, TRAINING
from s30.record import paper_entry
from s30.sweep import TIME_LIMIT, Executor, LocalExecutor, Options, slots_for, sweep
from s30.verdicts import Verification, judge, load_waivers
from s30.vocabulary import Outcome

INTERRUPTED = 130  # exit code, also of Typer, after Ctrl-C
# Typer's own copy of Click, or the Click that it is built on: what a malformed command line raises.
ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    help="Thirty papers of deep learning, each as one small object in six layers, and how far the layers agree.",
    no_args_is_help=True,
    context_settings=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"s30 {__version__}", markup=False)
        raise typer.Exit()


@app.callback()
def _options_of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None: ...


telemetry_app = typer.Typer(
    help="The record verification.yaml: is it fresh, what changed between two, and the record in other formats.",
    no_args_is_help=True,
    context_settings=HELP,
)
app.add_typer(telemetry_app, name="telemetry")

Papers = Annotated[
    list[str] | None,
    typer.Argument(help="Papers by number or slug; all that are built when none is named.", show_default=False),
]
OnePaper = Annotated[str, typer.Argument(help="A paper by number or slug.", metavar="PAPER")]
LayerOption = Annotated[
    list[str] | None, typer.Option("--layer", "-l", help="Only this layer (repeatable).", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Profile = Annotated[str, typer.Option(help="How long the experiments may take: quick or full.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure again, whatever is cached.")]
Limit = Annotated[float, typer.Option(help="Seconds that a layer may spend on one paper.")]
RecordOption = Annotated[Path | None, typer.Option(help="Write the record to this file.", show_default=False)]
AllowDirty = Annotated[bool, typer.Option("--allow-dirty", help="Write a record of a dirty tree, marked as such.")]
Workers = Annotated[int | None, typer.Option(help="Processes at a time; one per core by default.", show_default=False)]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor", help="Where jobs run: local, or dask for a cluster on this machine.", show_default="local"
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Run the jobs on the Dask cluster of this scheduler: tcp://HOST:PORT.", show_default=False),
]


@app.command("list")
def list_papers(as_json: Json = False) -> None:
    """The registry. Example: `s30 list`"""
    papers = corpus.load_corpus().papers
    if as_json:
        _print_json([{**_plain(p), "built": p.built} for p in papers])
        return
    table = _table("id", "title", "authors", "year", "room")
    for paper in papers:
        table.add_row(
            paper.id,
            paper.title,
            paper.authors,
            paper.year,
            f"papers/{paper.folder.name}" if paper.built else "not built yet",
        )
    console.print(table)


@app.command()
def show(paper: OnePaper, as_json: Json = False) -> None:
    """What one paper's room holds and claims. Example: `s30 show 26`"""
    found = corpus.load_corpus().paper(paper)
    if as_json:
        _print_json({**_plain(found), "built": found.built, "card": found.card if found.built else None})
        return
    console.print(f"{found.id} {found.title}\n{found.authors}, {found.year}  {found.link}", style="bold", markup=False)
    if not found.built:
        console.print(f"not built yet: `s30 new {found.id}` lays out its room")
        return
    console.print(f"\n{found.card['summary']}\n", markup=False)
    if needs := found.card.get("needs", ()):
        console.print(f"To be read before: {', '.join(needs)}\n")
    table = _table("layer", "depth", "question")
    for name, depth in found.card["depth"].items():
        table.add_row(
            LAYERS[name].title,
            depth if isinstance(depth, str) else f"{depth['level']}: {depth['why']}",
            LAYERS[name].question,
        )
    console.print(table)
    for title, key, columns in (
        ("Equations", "equations", ("id", "formula", "source")),
        ("Claims", "claims", ("id", "kind", "statement")),
        ("Deviations", "deviations", ("what", "where", "why")),
    ):
        table = _table(*columns, title=title)
        for entry in found.card[key]:
            table.add_row(*(str(entry[column]) for column in columns))
        console.print(table)
    covered = coverage(found)
    if covered.items:
        table = _table("item", "carried by", title=f"Coverage of the paper: {covered}")
        for entry in found.card["coverage"]:
            carried = (f"{kind} {', '.join(names_of(names))}" for kind, names in entry.get("carried_by", {}).items())
            table.add_row(entry["item"], "; ".join(carried) or f"left out: {entry['left_out']}")
        console.print(table)
    if (found.folder / "task.py").is_file():  # a room that is being filled in may have none yet
        table = _table("metric", "unit", "over", "says", title="Metrics")
        for name, metric in experiments.meanings(found).items():
            table.add_row(name, metric.unit, metric.over, metric.says)
        console.print(table)


@app.command()
def run(
    papers: Papers = None,
    layer: LayerOption = None,
    fresh: Fresh = False,
    time_limit: Limit = TIME_LIMIT,
    workers: Workers = None,
    executor: ExecutorOption = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Runs the layers of some papers and checks what they computed, without experiments. Example: `s30 run 26 --layer torch`

    NumPy, the reference, always runs with a layer that is compared with it.
    """
    needed = _with_reference(_names(layer))
    chosen = corpus.load_corpus()
    verification = _verify(
        chosen,
        _select(chosen, papers),
        needed,
        False,
        fresh=fresh,
        time_limit=time_limit,
        workers=workers,
        executor=_executor(executor, scheduler, workers),
    )
    _finish(verification, needed, as_json)


@app.command()
def parity(paper: OnePaper, as_json: Json = False) -> None:
    """Every comparison of one paper's layers, with its largest error and tolerance. Example: `s30 parity 26`"""
    chosen = corpus.load_corpus()
    verification = _verify(chosen, [_built(chosen.paper(paper))], list(LAYERS), False)
    verdict = verification.papers[0]
    rows = pair_rows(verdict.checks)
    if as_json:
        _print_json(rows)
    else:
        console.print(display.parity_table(verdict, rows))
        _print_failures(verification)
    raise typer.Exit(
        0 if all(cell.outcome in (Outcome.PASSED, Outcome.WAIVED) for cell in verdict.cells.values()) else 1
    )


@app.command()
def train(
    paper: OnePaper,
    layer: LayerOption = None,
    profile: Profile = "quick",
    seed: Annotated[int, typer.Option(help="Seed of the experiment.")] = 0,
    save: Annotated[
        bool,
        typer.Option("--save", help="Draw the figures into figures/, and put the table into the README, of the room."),
    ] = False,
    fresh: Fresh = False,
    time_limit: Limit = TIME_LIMIT,
    as_json: Json = False,
) -> None:
    """Runs one paper's experiments and prints their metrics. Example: `s30 train 26 --layer torch --save`"""
    chosen = corpus.load_corpus()
    found = _built(chosen.paper(paper))
    names = _names(layer, TRAINING)
    options = _options(chosen, profile=_profile(profile), seed=seed, fresh=fresh, time_limit=time_limit)
    slots = [slot for slot in slots_for([found], names, True) if slot[2] == EXPERIMENT]
    with display.Progress() as progress:
        results = sweep(slots, options, progress)
    failed = [e for e in results.values() if e.error]
    done = {name: e.facts for (_, name, _), e in results.items() if not e.error}
    metrics = {name: done[name]["metrics"] for name in TRAINING if name in done}
    described = {metric: about for facts in done.values() for metric, about in facts.get("described", {}).items()}
    if as_json:
        _print_json({"metrics": metrics, "described": described, "errors": {e.layer: e.error for e in failed}})
    else:
        table = _table("metric", "unit", "over", *(LAYERS[name].title for name in metrics))
        for metric, unit, over in display.metric_rows(metrics, described):
            values = (", ".join(f"{v:.6g}" for v in metrics[name].get(metric, ())) or "-" for name in metrics)
            table.add_row(metric, unit, over, *values)
        console.print(table)
    if save:
        for name, drawing in figures.named({name: facts["figures"] for name, facts in done.items()}).items():
            path = found.folder / "figures" / f"{name}.svg"
            if drawing is not None:
                write_atomically(path, figures.svg(drawing))
                errors.print(f"  wrote {path.relative_to(chosen.root)}", markup=False)
            elif path.is_file():
                path.unlink()
                errors.print(f"  removed {path.relative_to(chosen.root)}", markup=False)
        if set(metrics) == set(TRAINING):  # a table of some layers would pass for the whole
            where = "".join(f"{LAYERS[n].title} {environment.version(n)}, " for n in metrics) + environment.cpu_model()
            table = display.markdown_metrics(found, metrics, described, profile, seed, f"Measured with {where}.")
            _rewrite_table(found.folder / "README.md", table, "make figures")
    for evidence in failed:
        errors.print(f"error: paper {found.id}, {evidence.layer} experiment: {evidence.error}", markup=False)
    raise typer.Exit(1 if failed else 0)


@app.command()
def theorems(
    papers: Papers = None,
    assumptions: Annotated[bool, typer.Option("--assumptions", help="as Markdown, by what they assume")] = False,
    as_json: Json = False,
) -> None:
    """Every theorem that Agda checked, with all that it assumes. Example: `s30 theorems 26`"""
    chosen = corpus.load_corpus()
    selected = [_built(paper) for paper in _select(chosen, papers)]
    verification = _verify(chosen, selected, ["agda"], False)
    found = {v.paper.id: (v.evidences or {})["agda"].facts.get("theorems", {}) for v in verification.papers}
    if as_json:
        _print_json(found)
    elif assumptions:
        print(display.markdown_assumptions({paper.title: found[paper.id] for paper in selected}), end="")
    else:
        for number, entries in found.items():
            for name, theorem in entries.items():
                console.print(f"{number} {name}", style="bold", markup=False)
                console.print(f"   {theorem['says']}\n   {theorem['statement']}\n", markup=False, soft_wrap=True)
        _print_failures(verification)
    raise typer.Exit(
        0 if all(v.cells["agda"].outcome in (Outcome.PASSED, Outcome.WAIVED) for v in verification.papers) else 1
    )


@app.command()
def verify(
    papers: Papers = None,
    layer: LayerOption = None,
    profile: Profile = "quick",
    claims: Annotated[bool, typer.Option(help="Run the experiments and evaluate the claims.")] = True,
    record: RecordOption = None,
    allow_dirty: AllowDirty = False,
    evidence: Annotated[
        Path | None,
        typer.Option(
            help="Hand the named layers' evidence over into this new folder, for `s30 merge`.", show_default=False
        ),
    ] = None,
    readme: Annotated[
        Path | None, typer.Option(help="Rewrite the table of results between this file's markers.", show_default=False)
    ] = None,
    fresh: Annotated[
        bool | None,
        typer.Option(
            "--fresh/--cached",
            help="Measure again, or take what is cached.",
            show_default="cached, but fresh with --record",
        ),
    ] = None,
    time_limit: Limit = TIME_LIMIT,
    workers: Workers = None,
    executor: ExecutorOption = None,
    scheduler: Scheduler = None,
    as_json: Json = False,
) -> None:
    """Verifies papers in all layers: parity, proofs, invariants, claims. Example: `s30 verify` or `s30 verify 26 --layer jax`

    With `--layer`, NumPy, the reference, runs as well, and only the claims that the named layers can decide are judged.
    A record is of what was measured for it: `--record` measures everything anew, unless `--cached` allows what is cached.
    """
    fresh = record is not None if fresh is None else fresh
    started = time.monotonic()
    chosen = corpus.load_corpus()
    names = _with_reference(_names(layer))
    selected = _select(chosen, papers)
    if record is not None:
        if set(names) != set(LAYERS) or papers or not claims:
            raise UsageError(
                "a record covers every paper, layer and claim: leave out the papers, --layer and --no-claims"
            )
        changed = repository.changed_files(chosen.root)
        if changed and not allow_dirty:  # said before the work rather than after it
            raise S30Error(
                f"the tree is dirty ({', '.join(changed[:3])}): commit first, or pass --allow-dirty to have it marked in the record"
            )
    if evidence is not None:
        sessions.check_empty(evidence)
    progress = display.Progress()
    try:
        verification = _verify(
            chosen,
            selected,
            names,
            claims,
            progress,
            profile=_profile(profile),
            fresh=fresh,
            time_limit=time_limit,
            workers=workers,
            executor=_executor(executor, scheduler, workers),
        )
    except KeyboardInterrupt:
        if not fresh:
            raise
        raise Interrupted(
            "interrupted: what was finished is kept, and a rerun with --cached goes on from there"
        ) from None
    if record is not None:
        slots = {name: getattr(progress, name) for name in ("measured", "cached", "not_run")}
        seconds = time.monotonic() - started
        telemetry.write(
            telemetry.assemble(chosen.root, verification, profile, seconds, allow_dirty, slots=slots), record
        )
        errors.print(f"  wrote {record}", markup=False)
    if evidence is not None:  # of the named layers alone: the reference that came along is another session's
        handed = slots_for([paper for paper in selected if paper.built], _names(layer), claims)
        sessions.hand_over(evidence, chosen.root, handed, verification.evidence, profile)
        errors.print(f"  handed {len(handed)} entries over in {evidence}", markup=False)
    if readme is not None:
        _rewrite_table(readme, display.markdown_table(verification), "make readme")
    _finish(verification, names, as_json, time.monotonic() - started)


@app.command()
def merge(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders that `s30 verify --evidence` filled, or folders that hold such.")
    ],
    profile: Profile = "quick",
    record: RecordOption = None,
    allow_dirty: AllowDirty = False,
    as_json: Json = False,
) -> None:
    """Judges evidence that several sessions measured, as `s30 verify` would. Example: `s30 merge evidence`

    It runs no layer and needs no framework. Evidence that is damaged, stale or contradictory is refused; what no folder
    holds is not_run.
    """
    started = time.monotonic()
    chosen = corpus.load_corpus()
    results, measured_in = sessions.merge(chosen, folders, _profile(profile))
    try:
        verification = judge(chosen, _select(chosen, None), list(LAYERS), results, True)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:  # what no layer measures so
        raise S30Error(
            f"the evidence that was handed over does not hold what a layer measures ({one_line(error)}): measure it again"
        ) from None
    if record is not None:
        seconds, there = time.monotonic() - started, sum(e.outcome is not Outcome.NOT_RUN for e in results.values())
        slots = {"handed_over": there, "not_run": len(results) - there}
        telemetry.write(
            telemetry.assemble(chosen.root, verification, profile, seconds, allow_dirty, measured_in, slots), record
        )
        errors.print(f"  wrote {record}", markup=False)
    _finish(verification, list(LAYERS), as_json, time.monotonic() - started)


@app.command()
def matrix(
    github: Annotated[
        bool, typer.Option("--github", help="Also set the step output `matrix` of a GitHub workflow.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The nox sessions that CI runs side by side, with the minutes each may take. Example: `s30 matrix --json`"""
    rows = sessions.matrix(corpus.load_corpus())
    if github:
        named = os.environ.get("GITHUB_OUTPUT")
        if not named:
            raise UsageError("--github: GITHUB_OUTPUT, the file that takes a step's outputs, is not set")
        with open(named, "a", encoding="utf-8") as file:
            file.write(f"matrix={json.dumps({'include': rows})}\n")
    if as_json:
        _print_json({"include": rows})
        return
    table = _table("session", "arguments", "minutes")
    for row in rows:
        table.add_row(row["session"], row["arguments"], str(row["timeout"]))
    console.print(table)


@app.command("reproduce")
def reproduce_record(
    target: Annotated[
        str | None,
        typer.Argument(
            help="A record's file, or a commit that a record describes; verification.yaml by default.",
            metavar="[RECORD|COMMIT]",
            show_default=False,
        ),
    ] = None,
    paper: Annotated[
        list[str] | None, typer.Option("--paper", help="Only this paper (repeatable).", show_default=False)
    ] = None,
    claims: Annotated[bool, typer.Option(help="Run the experiments and compare the claims.")] = True,
    offline: Annotated[bool, typer.Option("--offline", help="Cut the network off from the sweep (unshare).")] = False,
    fresh_environment: Annotated[
        bool, typer.Option("--fresh-environment", help="Build the commit's environment even if the present one fits.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report as JSON to this file.", show_default=False)
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds that a layer may spend on one paper.", show_default=False)
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measures a record again and compares. Example: `s30 reproduce` or `s30 reproduce HEAD~3 --paper 26 --offline`

    The checked commit is checked out into a temporary worktree and swept, without a cache, by its own engine in its own
    environment: the present one when its locks are the same (which is said), else Nix, else `make setup`. Outcomes must be
    equal, and numbers within the recorded tolerances; another environment is told as information.
    """
    if time_limit is not None and not time_limit > 0:
        raise UsageError("--time-limit must be positive")
    if workers is not None and workers < 1:
        raise UsageError("--workers must be at least 1")
    request = reproduce.Request(
        corpus.default_root(), target, tuple(paper or ()), claims, offline, fresh_environment, time_limit, workers
    )
    report = reproduce.reproduce(request, lambda line: errors.print(line, markup=False))
    if output is not None:
        write_atomically(output, (json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n").encode())
        errors.print(f"  wrote {output}", markup=False)
    if as_json:
        _print_json(report.as_dict())
    else:
        _print_report(report)
    raise typer.Exit(0 if report.reproduced else 1)


@telemetry_app.command("check")
def telemetry_check(
    record: Annotated[
        Path | None, typer.Argument(help="The record; verification.yaml by default.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Says whether the record is fresh, stale or tampered with. Example: `s30 telemetry check`"""
    root = corpus.default_root()
    state, why = telemetry.check(root, record or root / repository.RECORD)
    if as_json:
        _print_json({"state": state, "why": why})
    else:
        console.print(f"{state}: {why}", markup=False, soft_wrap=True)
    raise typer.Exit(0 if state == "fresh" else 1)


@telemetry_app.command("diff")
def telemetry_diff(old: Path, new: Path, as_json: Json = False) -> None:
    """What two records say differently. Example: `s30 telemetry diff old.yaml verification.yaml`

    What differs in an outcome, a statement, a count or beyond a tolerance is a difference, for which the exit code is 1.
    Another commit, environment or metric, or an error that moved within its tolerance, is told as information.
    """
    found = comparison.between(telemetry.read(old), telemetry.read(new))
    failing = sum(difference.fails for difference in found)
    if as_json:
        _print_json({"agree": not failing, **comparison.told(found)})
    else:
        _print_differences(found, "old", "new", "see --json")
        words = f"{failing} differences" if failing else "no difference in outcomes or beyond tolerance"
        console.print(words + (f"; {len(found) - failing} of information" if len(found) > failing else ""))
    raise typer.Exit(1 if failing else 0)


@telemetry_app.command("export")
def telemetry_export(
    record: Annotated[
        Path | None, typer.Argument(help="The record; verification.yaml by default.", show_default=False)
    ] = None,
    form: Annotated[str, typer.Option("--format", "-f", help=f"One of {', '.join(exports.FORMATS)}.")] = "intoto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead.", show_default=False)
    ] = None,
) -> None:
    """Prints the record as an in-toto attestation, a CTRF report or JUnit XML. Example: `s30 telemetry export --format junit -o junit.xml`

    The in-toto statement is unsigned: its subject is the record's file, by sha256, for a signer to sign.
    """
    text = exports.export(form, record or corpus.default_root() / repository.RECORD)
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomically(output, text.encode())
        errors.print(f"  wrote {output}", markup=False)


@app.command()
def new(
    paper: Annotated[
        str, typer.Argument(help="A paper of the registry by number or slug, or a new number.", metavar="PAPER")
    ],
    slug: Annotated[str | None, typer.Argument(help="For a new number: its slug.", show_default=False)] = None,
) -> None:
    """Lays out a paper's room from the template. Example: `s30 new 07` or `s30 new 31 my_paper`"""
    folder = scaffold.new_room(corpus.load_corpus(), paper, slug)
    console.print(
        f"laid out {folder}: fill it in, then `s30 verify {folder.name[:2]}` says what is missing", markup=False
    )


@app.command()
def doctor(as_json: Json = False) -> None:
    """What is installed, which LLVM, Agda and cubical library are used, and how to get what is missing. Example: `s30 doctor`"""
    root = corpus.default_root()
    llvm, agda = environment.find_llvm(), environment.find_agda()
    facts: dict[str, Any] = {
        "s30": __version__,
        "python": f"{platform.python_version()} ({environment.kind()})",
        "cache": str(cache_folder(root)),
        "libLLVM": f"{llvm.path} (version {llvm.major})" if llvm else None,
        "agda": _or_fault(lambda: f"{agda} (version {environment.agda_version(agda)})") if agda else None,
        "cubical": _or_fault(lambda: environment.find_provider(root).name),
        "git": shutil.which("git"),
    }
    states = {
        name: layers.missing(layer)
        or "ready: " + (", ".join(f"{d} {environment.version(d)}" for d in layer.distributions) or facts["agda"])
        for name, layer in LAYERS.items()
    }
    lacking = [name for name, layer in LAYERS.items() if layers.missing(layer)]
    if as_json:
        _print_json({"facts": facts, "layers": states, "missing": lacking})
    else:
        table = _table("", "")
        for name, value in (*facts.items(), *((LAYERS[name].title, state) for name, state in states.items())):
            table.add_row(name, str(value) if value else "not found")
        console.print(table)
    raise typer.Exit(1 if lacking else 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 0 all passed, 1 something failed, 2 usage, 130 interrupted."""
    if arguments is None:  # the whole process is ours: a request to end it ends the workers too
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        for stream in (sys.stdout, sys.stderr):  # a terminal of few characters is told the others by their numbers
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    try:
        result = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        if result == INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except S30Error as error:
        errors.print(f"error: {error}", markup=False)
        return error.exit_code
    except ClickException as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # whose help is printed already
            errors.print(f"error: {' '.join(error.format_message().split())}", markup=False)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        errors.print("interrupted: what was finished is kept, and a rerun goes on from there")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader of our output has left
        return 1
    except (
        OSError,
        UnicodeError,
    ) as error:  # a file that nobody expected to be so; whoever reads or writes one says more
        errors.print(f"error: {_file_fault(error)}", markup=False)
        return 1


def _file_fault(error: OSError | UnicodeError) -> str:
    """The file and the reason in one line, or where in the engine it happened when the error names no file."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror or error}"
    return place(error, layers.ENGINE, layers.ENGINE.parent) + one_line(error)


def _verify(
    chosen: Corpus,
    papers: list[Paper],
    names: Sequence[str],
    claims: bool,
    progress: display.Progress | None = None,
    executor: Executor | None = None,
    **settings: Any,
) -> Verification:
    load_waivers(chosen.root)  # a malformed file is said before the work rather than after it
    for paper in papers:
        if paper.built:
            _ = paper.card
    with progress or display.Progress() as progress:
        slots = slots_for([p for p in papers if p.built], names, claims)
        results = sweep(slots, _options(chosen, **settings), progress, executor)
    errors.print(f"  {progress.measured} measured, {progress.cached} from the cache")
    return judge(chosen, papers, names, results, claims)


def _executor(name: str | None, scheduler: str | None, workers: int | None) -> Executor:
    if name not in (None, "local", "dask"):
        raise UsageError(f"no executor {name!r}: choose local or dask")
    if scheduler and name == "local":
        raise UsageError("--scheduler names a Dask cluster: leave out --executor local")
    if scheduler and workers is not None:
        raise UsageError("--scheduler names a cluster that has its own workers: leave out --workers")
    return DaskExecutor(scheduler) if scheduler or name == "dask" else LocalExecutor()


def _options(chosen: Corpus, workers: int | None = None, **settings: Any) -> Options:
    if not settings.get("time_limit", 1.0) > 0:
        raise UsageError("--time-limit must be positive")
    if workers is not None and workers < 1:
        raise UsageError("--workers must be at least 1")
    options = Options(chosen.root, cache_folder(chosen.root), **settings)
    return replace(options, workers=workers) if workers else options


def _select(chosen: Corpus, papers: list[str] | None) -> list[Paper]:
    selected = chosen.select(papers or [])
    if not selected:
        raise S30Error(f"no paper in {chosen.root / corpus.REGISTRY} has a room yet: `s30 new` lays one out")
    return selected


def _built(paper: Paper) -> Paper:
    if not paper.built:
        raise UsageError(f"paper {paper.id} ({paper.slug}) has no room yet: `s30 new {paper.id}` lays it out")
    return paper


def _names(chosen: list[str] | None, among: Sequence[str] = tuple(LAYERS)) -> list[str]:
    for name in chosen or ():
        layers.get(name)
        if name not in among:
            raise UsageError(f"layer {name!r} has no experiment: choose from {', '.join(among)}")
    return [name for name in LAYERS if name in (chosen or among)]


def _with_reference(names: Sequence[str]) -> list[str]:
    """The layers, and NumPy with those that are compared with it."""
    compared = any(LAYERS[name].executable or name == "sympy" for name in names)
    return [name for name in LAYERS if name in names or (name == "numpy" and compared)]


def _or_fault(answer: Callable[[], str]) -> str:
    """What `answer` says, or why it cannot."""
    try:
        return answer()
    except S30Error as error:
        return str(error)


def _profile(profile: str) -> str:
    if profile not in ("quick", "full"):
        raise UsageError(f"no profile {profile!r}: choose quick or full")
    return profile


def _finish(verification: Verification, names: Sequence[str], as_json: bool, seconds: float | None = None) -> None:
    """Prints the verdict and leaves with its exit code."""
    if as_json:
        _print_json(
            {
                "passed": verification.passed,
                "outcome": str(verification.outcome),
                "waived": verification.waived,
                "problems": list(verification.problems),
                "papers": {v.paper.id: paper_entry(v) for v in verification.papers if v.paper.built},
            }
        )
        raise typer.Exit(0 if verification.passed else 1)
    console.print(display.results(verification, names, console.width))
    if verification.unbuilt:
        console.print(f"{len(verification.unbuilt)} papers have no room yet: not_run", style="dim")
    _print_failures(verification)
    for paper in (verdict.paper for verdict in verification.papers if not verdict.paper.built):
        errors.print(f"paper {paper.id} has no room yet: `s30 new {paper.id}` lays it out", style="red")
    console.print(display.checks_line(telemetry.summary(verification), seconds))
    words, style = display.last_line(verification)
    console.print(words, style=style, soft_wrap=True)
    raise typer.Exit(0 if verification.passed else 1)


def _print_failures(verification: Verification) -> None:
    for line in display.failures(verification):
        errors.print(line, style="red", markup=False)


def _print_differences(
    differences: Sequence[comparison.Difference], old: str, new: str, whole: str, most: int = 60
) -> None:
    """A table of what failed, then one of the information, each cut after `most` lines; `whole` says where all stand."""
    for title, fails in (("Differences", True), ("Information (no failure)", False)):
        found = [difference for difference in differences if difference.fails is fails]
        if found:
            table = _table("where", old, new, "why", title=title)
            for difference in found[:most]:
                sides = (difference.old, difference.new)  # what was dropped or loosened stands there in full
                values = (_short(side, 400 if fails and " " in str(side) else 40) for side in sides)
                table.add_row(difference.at, *values, difference.why)
            console.print(table)
            if len(found) > most:
                console.print(f"... and {len(found) - most} more: {whole}")


def _print_report(report: reproduce.Report) -> None:
    _print_differences(report.differences, "recorded", "measured now", "see --output or --json")
    failing = sum(difference.fails for difference in report.differences)
    for line in (
        f"record: {report.record}, commit {report.checked_commit}",
        *report.notes,
        f"environment: {report.environment}",
        f"network: {report.network}",
        f"compared: papers {', '.join(report.papers)}{'' if report.claims else ' without claims'}, {report.values:,} values",
        f"{failing} differences; {report.seconds:.1f} s",
    ):
        console.print(line, markup=False, soft_wrap=True)
    console.print(
        "REPRODUCED" if report.reproduced else "NOT REPRODUCED", style="bold green" if report.reproduced else "bold red"
    )


def _short(value: Any, most: int = 40) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _rewrite_table(path: Path, table: str, command: str) -> None:
    """Replaces what stands between the two markers of the file; the first names the command that does so."""
    begin, end = f"<!-- results: generated by `{command}` -->\n", "\n<!-- end of results -->"
    text = documents.text_of(path)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise UsageError(f"{path}: needs the markers {begin.strip()} and {end.strip()}, once each")
    write_atomically(path, (text[: text.index(begin) + len(begin)] + table + text[text.index(end) :]).encode())


def _table(*columns: str, title: str | None = None) -> Any:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    return table


def _plain(paper: Paper) -> dict[str, Any]:
    return {
        name: getattr(paper, name)
        for name in ("id", "slug", "title", "authors", "year", "link", "order", "build_order")
    }


def _print_json(value: Any) -> None:
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"  # JSON has escapes of its own
    sys.stdout.write(json.dumps(value, ensure_ascii=plain, indent=1, default=dict) + "\n")


if __name__ == "__main__":
    sys.exit(main())
