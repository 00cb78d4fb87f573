"""The command that holds somebody's own file against a room: try."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s30.cli.app import Json, Limit, OnePaper, app, layer_names
from s30.cli.asking import built, options_of, swept
from s30.cli.printing import print_json, print_table
from s30.corpus import registry
from s30.corpus.problem import SEEDS
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.evidence.store import Evidence, check_target, write_atomically
from s30.layers import catalogue
from s30.layers.catalogue import EXECUTABLE, Layer
from s30.layers.executable import checked_outputs, problem_of
from s30.sweep import stranger
from s30.sweep.plan import TIME_LIMIT, Event, slots_for
from s30.verdict.checks import Check, folded, pair_rows
from s30.verdict.holding import equations_of
from s30.verdict.parity import check_paper
from s30.view import display
from s30.view.display import console, errors
from s30.view.skeleton import skeleton

AGAINST = ("numpy", "sympy", "tinygrad", "torch", "jax")  # Agda's definitions are held against NumPy


@app.command("try")
def try_file(
    paper: OnePaper,
    file: Annotated[Path, typer.Argument(help="Your file.", metavar="FILE")],
    layer: Annotated[str, typer.Option("--layer", "-l", help="The layer it stands for.", autocompletion=layer_names)],
    names: Annotated[
        Path | None,
        typer.Option(
            help="YAML: what the file calls the parameters and outputs, and how it lays them out.", show_default=False
        ),
    ] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Write the file: names, shapes and equations, unsolved.")
    ] = False,
    time_limit: Limit = TIME_LIMIT,
    as_json: Json = False,
) -> None:
    """Holds your own file against a room's layers. Example: `s30 try 13 --layer torch my_model.py`

    It stands in for that layer in this run alone: outputs, gradients, further problems with their extremes and ties, and
    invariants. `--start` writes a file to begin with.
    """
    chosen = registry.load_corpus()
    found, asked = built(chosen.paper(paper)), catalogue.get(layer)
    if layer not in EXECUTABLE:
        raise UsageError(f"layer {layer!r} computes no outputs: choose from {', '.join(EXECUTABLE)}")
    problem = problem_of(found, SEEDS[0])
    if start:
        if file.exists():
            raise UsageError(f"{file} exists already: name another")
        check_target(file)
        outputs = checked_outputs(
            found.module("numpy_checks.py").forward(problem.params, problem.batch, **problem.config)
        )
        write_atomically(file, skeleton(found, asked, problem, outputs).encode())
        console.print(f"wrote {file}: fill it in, then `s30 try {found.id} --layer {layer} {file}`", markup=False)
        return
    if not file.is_file():
        raise UsageError(f"{file}: no such file; `--start` writes one to begin with")
    told = stranger.names_in(names, problem.params)
    progress = display.Progress()

    def listen(event: Event) -> None:
        if event.kind != "failed":  # which is told below, in the words of the file's owner
            progress(event)

    true = _others(chosen, found, asked, progress, time_limit)
    with progress:
        theirs = whole = stranger.measured(found, asked, file, told, stranger.ASKED, time_limit, listen)
        if whole.outcome is not Outcome.PASSED:  # perhaps for want of an output: what is there is held all the same
            theirs = stranger.measured(found, asked, file, told, ("outputs",), time_limit, listen)
    lacking = _lacking(theirs, true["numpy"]) if theirs.outcome is Outcome.PASSED else []
    if whole.outcome is not Outcome.PASSED and not lacking:
        raise S30Error(f"{file.name} does not run as {asked.title} of paper {found.id}: {whole.error}")
    checks = [c for c in check_paper(found, {**true, layer: theirs}) if layer in c.layers]
    given = [c for c in checks if not lacking or (c.kind == "forward" and c.name not in lacking)]
    _tell(found, asked, file, given, lacking, as_json)


def _others(
    chosen: registry.Corpus, paper: Paper, asked: Layer, progress: display.Progress, time_limit: float
) -> dict[str, Evidence]:
    """What the room's own layers have, but the one that is tried; NumPy, the reference, always."""
    wanted = [name for name in AGAINST if name != asked.name or name == "numpy"]
    results = swept(slots_for([paper], wanted, False), options_of(chosen, time_limit=time_limit), progress)
    true = {name: evidence for (_, name, _), evidence in results.items() if evidence.outcome is Outcome.PASSED}
    if "numpy" not in true:
        raise S30Error(
            f"the room's own NumPy layer does not run, so nothing can be held against it: `s30 run {paper.id} --layer numpy`"
        )
    return true


def _lacking(theirs: Evidence, reference: Evidence) -> list[str]:
    """The outputs that the file does not give, in the order of computation; a loss that stands for none is none."""
    expected, found = (e.group(f"seed{SEEDS[0]}/output") for e in (reference, theirs))
    zero = all(not e.any() for s in SEEDS if (e := theirs.arrays.get(f"seed{s}/output/loss")) is not None)
    return [name for name in expected if name not in found or (name == "loss" and zero)]


def _tell(paper: Paper, layer: Layer, file: Path, checks: list[Check], lacking: list[str], as_json: bool) -> None:
    """The report, the earliest disagreement first, and the exit code."""
    failed = [c for c in checks if c.outcome is Outcome.FAILED]
    first = next((c for c in failed if c.kind == "forward"), None)
    equations = equations_of(paper, first.name) if first else []
    rows = pair_rows(checks)
    if as_json:
        print_json({
            "agrees": not failed and not lacking, "earliest": first and first.name, "lacking": lacking,
            "equations": equations, "failed": [c.message for c in failed], "rows": rows,
        })  # fmt: skip
        raise typer.Exit(1 if failed or lacking else 0)
    if first:
        console.print(f"The earliest output that disagrees is {first.name}.", style="bold")
        for equation in equations:
            console.print(f"   {equation}")
    for line in folded(failed):
        errors.print(line.replace(f"paper {paper.id}, layer {layer.name}", file.name), style="red", markup=False)
    print_table(*display.parity_summary(rows))
    if lacking:
        few = ", ".join(lacking[:8]) + (", ..." if len(lacking) > 8 else "")
        console.print(
            f"It does not give {len(lacking)} outputs ({few}), so that its gradients and the rest were not asked for."
        )
    word = "disagrees with" if failed else "is not whole, and agrees so far with" if lacking else "agrees with"
    console.print(f"{file.name} as {layer.title} {word} paper {paper.id}", style="bold red" if failed else "bold")
    raise typer.Exit(1 if failed or lacking else 0)
