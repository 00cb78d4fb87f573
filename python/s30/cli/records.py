"""The commands about records: reproduce; telemetry check, diff, export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from s30.cli.app import (
    Json,
    Workers,
    app,
    telemetry_app,
)
from s30.cli.printing import (
    print_differences,
    print_json,
    print_report,
)
from s30.corpus import registry, repository
from s30.errors import UsageError
from s30.evidence.store import write_atomically
from s30.record import comparison, exports, reproduce, telemetry
from s30.view.display import console, errors


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
        registry.default_root(), target, tuple(paper or ()), claims, offline, fresh_environment, time_limit, workers
    )
    report = reproduce.reproduce(request, lambda line: errors.print(line, markup=False))
    if output is not None:
        write_atomically(output, (json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n").encode())
        errors.print(f"  wrote {output}", markup=False)
    if as_json:
        print_json(report.as_dict())
    else:
        print_report(report)
    raise typer.Exit(0 if report.reproduced else 1)


@telemetry_app.command("check")
def telemetry_check(
    record: Annotated[
        Path | None, typer.Argument(help="The record; verification.yaml by default.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Says whether the record is fresh, stale or tampered with. Example: `s30 telemetry check`"""
    root = registry.default_root()
    state, why = telemetry.check(root, record or root / repository.RECORD)
    if as_json:
        print_json({"state": state, "why": why})
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
        print_json({"agree": not failing, **comparison.told(found)})
    else:
        print_differences(found, "old", "new", "see --json")
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
    text = exports.export(form, record or registry.default_root() / repository.RECORD)
    if output is None:
        sys.stdout.write(text)
    else:
        write_atomically(output, text.encode())
        errors.print(f"  wrote {output}", markup=False)
