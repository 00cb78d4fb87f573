"""The commands by which sessions share the work: merge, matrix."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from s30.cli.app import (
    AllowDirty,
    Json,
    Profile,
    RecordOption,
    app,
)
from s30.cli.asking import profile_of, select
from s30.cli.printing import (
    finish,
    print_json,
    print_table,
)
from s30.corpus import registry
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError, one_line
from s30.evidence.store import check_target
from s30.layers.catalogue import LAYERS
from s30.record import telemetry
from s30.sweep import sessions
from s30.verdict.judge import judge
from s30.view.display import errors
from s30.view.tables import Column


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
    chosen = registry.load_corpus()
    if record is not None:
        check_target(record)
    results, measured_in = sessions.merge(chosen, folders, profile_of(profile))
    try:
        verification = judge(chosen, select(chosen, None), list(LAYERS), results, True)
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
    finish(verification, list(LAYERS), as_json, time.monotonic() - started)


@app.command()
def matrix(
    github: Annotated[
        bool, typer.Option("--github", help="Also set the step output `matrix` of a GitHub workflow.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The nox sessions that CI runs side by side, with the minutes each may take. Example: `s30 matrix --json`"""
    rows = sessions.matrix(registry.load_corpus())
    if github:
        named = os.environ.get("GITHUB_OUTPUT")
        if not named:
            raise UsageError("--github: GITHUB_OUTPUT, the file that takes a step's outputs, is not set")
        with open(named, "a", encoding="utf-8") as file:
            file.write(f"matrix={json.dumps({'include': rows})}\n")
    if as_json:
        print_json({"include": rows})
        return
    columns = Column("session"), Column("arguments", prose=True), Column("minutes", right=True)
    print_table(columns, [[row["session"], row["arguments"], str(row["timeout"])] for row in rows])
