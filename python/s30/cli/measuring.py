"""The commands that measure: run, parity, train, seeds, theorems, verify."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from s30.cli.app import (
    AllowDirty,
    ExecutorOption,
    Fresh,
    Json,
    LayerOption,
    Limit,
    OnePaper,
    Papers,
    Profile,
    RecordOption,
    Scheduler,
    Workers,
    app,
)
from s30.cli.asking import (
    built,
    executor_of,
    names_among,
    options_of,
    profile_of,
    select,
    swept,
    verified,
    with_reference,
)
from s30.cli.printing import (
    finish,
    print_failures,
    print_indented,
    print_json,
    print_table,
    rewrite_table,
)
from s30.corpus import registry, repository
from s30.corpus.vocabulary import Outcome
from s30.errors import Interrupted, S30Error, UsageError
from s30.evidence import environment
from s30.evidence.store import check_target, write_atomically
from s30.layers.catalogue import EXPERIMENT, LAYERS, TRAINING
from s30.record import telemetry
from s30.sweep import sessions
from s30.sweep.plan import TIME_LIMIT, slots_for
from s30.verdict.checks import pair_rows
from s30.verdict.margins import margins
from s30.view import display, figures, markdown
from s30.view.display import console, errors
from s30.view.tables import Column


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
    needed = with_reference(names_among(layer))
    chosen = registry.load_corpus()
    verification = verified(
        chosen,
        select(chosen, papers),
        needed,
        False,
        fresh=fresh,
        time_limit=time_limit,
        workers=workers,
        executor=executor_of(executor, scheduler, workers),
    )
    finish(verification, needed, as_json)


@app.command()
def parity(
    paper: OnePaper,
    rows: Annotated[bool, typer.Option("--rows", help="Show every comparison, with its tolerance.")] = False,
    as_json: Json = False,
) -> None:
    """How far one paper's layers agree: a line for each kind and pair, and what fails. Example: `s30 parity 26 --rows`"""
    chosen = registry.load_corpus()
    verification = verified(chosen, [built(chosen.paper(paper))], list(LAYERS), False)
    verdict = verification.papers[0]
    found = pair_rows(verdict.checks)
    if as_json:
        print_json(found)
    else:
        print_table(*display.parity_summary(found))
        kept = found if rows else display.not_passed(found)
        if any(kept.values()):
            print_table(*display.parity_rows(kept), "\nEvery comparison" if rows else "\nWhat did not pass")
        if not rows:
            console.print(f"`s30 parity {verdict.paper.id} --rows` shows every comparison", style="dim")
        print_failures(verification)
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
    chosen = registry.load_corpus()
    found = built(chosen.paper(paper))
    names = names_among(layer, TRAINING)
    options = options_of(chosen, profile=profile_of(profile), seed=seed, fresh=fresh, time_limit=time_limit)
    slots = [slot for slot in slots_for([found], names, True) if slot[2] == EXPERIMENT]
    results = swept(slots, options, display.Progress())
    failed = [e for e in results.values() if e.error]
    done = {name: e.facts for (_, name, _), e in results.items() if not e.error}
    metrics = {name: done[name]["metrics"] for name in TRAINING if name in done}
    described = {metric: about for facts in done.values() for metric, about in facts.get("described", {}).items()}
    if as_json:
        print_json({"metrics": metrics, "described": described, "errors": {e.layer: e.error for e in failed}})
    else:
        columns = (
            *(Column("metric"), Column("unit", spare=2), Column("over", spare=1)),
            *(Column(LAYERS[name].title, prose=True) for name in metrics),
        )
        rows = []
        for metric, unit, over in display.metric_rows(metrics, described):
            values = (", ".join(f"{v:.6g}" for v in metrics[name].get(metric, ())) or "-" for name in metrics)
            rows.append([metric, unit, over, *values])
        print_table(columns, rows)
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
            table = markdown.metrics(found, metrics, described, profile, seed, f"Measured with {where}.")
            rewrite_table(found.folder / "README.md", table, "make figures")
    for evidence in failed:
        errors.print(f"error: paper {found.id}, {evidence.layer} experiment: {evidence.error}", markup=False)
    raise typer.Exit(1 if failed else 0)


@app.command()
def seeds(
    paper: OnePaper,
    layer: LayerOption = None,
    count: Annotated[int, typer.Option("--seeds", min=2, help="How many seeds, from 0 on.")] = 5,
    profile: Profile = "quick",
    time_limit: Limit = TIME_LIMIT,
    as_json: Json = False,
) -> None:
    """How much room the bounds of one paper's claims leave over several seeds. Example: `s30 seeds 26 --seeds 5`

    Its experiments run once for each seed and framework. A bound's room is that of the run which comes closest to missing it.
    """
    chosen = registry.load_corpus()
    found = built(chosen.paper(paper))
    slots = [slot for slot in slots_for([found], names_among(layer, TRAINING), True) if slot[2] == EXPERIMENT]
    runs = {}
    for seed in range(count):
        options = options_of(chosen, profile=profile_of(profile), seed=seed, time_limit=time_limit)
        runs[seed] = {name: e for (_, name, _), e in swept(slots, options, display.Progress()).items()}
    measured = margins(found, runs)
    failed = [(seed, e) for seed, of_seed in runs.items() for e in of_seed.values() if e.error]
    if as_json:
        print_json([vars(margin) for margin in measured])
    else:
        print_table(*display.margin_rows(measured))
    for seed, evidence in failed:
        errors.print(
            f"error: paper {found.id}, {evidence.layer} experiment, seed {seed}: {evidence.error}", markup=False
        )
    for margin in (margin for margin in measured if margin.missed):
        missed = f"{margin.metric} {margin.bound} is missed in {margin.missed} of {margin.runs} runs"
        errors.print(f"paper {found.id}, claim {margin.claim}: {missed}, the farthest at {margin.told}", markup=False)
    raise typer.Exit(1 if failed or any(margin.missed for margin in measured) else 0)


@app.command()
def theorems(
    papers: Papers = None,
    assumptions: Annotated[bool, typer.Option("--assumptions", help="as Markdown, by what they assume")] = False,
    as_json: Json = False,
) -> None:
    """Every theorem that Agda checked, with all that it assumes. Example: `s30 theorems 26`"""
    chosen = registry.load_corpus()
    selected = [built(paper) for paper in select(chosen, papers)]
    verification = verified(chosen, selected, ["agda"], False)
    found = {v.paper.id: (v.evidences or {})["agda"].facts.get("theorems", {}) for v in verification.papers}
    if as_json:
        print_json(found)
    elif assumptions:
        print(markdown.assumptions({paper.title: found[paper.id] for paper in selected}), end="")
    else:
        for number, entries in found.items():
            for name, theorem in entries.items():
                console.print(f"{number} {name}", style="bold", markup=False)
                for said in (theorem["says"], theorem["statement"]):
                    print_indented(said)
                console.print()
        print_failures(verification)
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
    chosen = registry.load_corpus()
    names = with_reference(names_among(layer))
    selected = select(chosen, papers)
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
    for target in filter(None, (record, readme)):
        check_target(target)
    if evidence is not None:
        sessions.check_empty(evidence)
    progress = display.Progress()
    try:
        verification = verified(
            chosen,
            selected,
            names,
            claims,
            progress,
            profile=profile_of(profile),
            fresh=fresh,
            time_limit=time_limit,
            workers=workers,
            executor=executor_of(executor, scheduler, workers),
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
        handed = slots_for([paper for paper in selected if paper.built], names_among(layer), claims)
        sessions.hand_over(evidence, chosen.root, handed, verification.evidence, profile)
        errors.print(f"  handed {len(handed)} entries over in {evidence}", markup=False)
    if readme is not None:
        rewrite_table(readme, markdown.results(verification), "make readme")
    finish(verification, names, as_json, time.monotonic() - started)
