"""The application and its options, which the groups of commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s30 import __version__
from s30.corpus import registry
from s30.errors import S30Error
from s30.layers.catalogue import LAYERS
from s30.view.display import console

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


def paper_names(incomplete: str) -> list[tuple[str, str]]:
    """For a shell's completion: papers by number, or by slug once letters are typed, each with its title."""
    try:
        papers = registry.load_corpus().papers
    except S30Error:  # which the command itself will tell
        return []
    named = [(p.slug if incomplete and not incomplete[0].isdigit() else p.id, p.title) for p in papers]
    return [(name, title) for name, title in named if name.startswith(incomplete)]


def layer_names(incomplete: str) -> list[tuple[str, str]]:
    """For a shell's completion: the layers, each with its question."""
    return [(name, layer.question) for name, layer in LAYERS.items() if name.startswith(incomplete)]


Papers = Annotated[
    list[str] | None,
    typer.Argument(
        help="Papers by number or slug; all that are built when none is named.",
        show_default=False,
        autocompletion=paper_names,
    ),
]
OnePaper = Annotated[
    str, typer.Argument(help="A paper by number or slug.", metavar="PAPER", autocompletion=paper_names)
]
LayerOption = Annotated[
    list[str] | None,
    typer.Option("--layer", "-l", help="Only this layer (repeatable).", show_default=False, autocompletion=layer_names),
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
