"""The commands about rooms, and about this machine: list, show, new, doctor."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from typing import Annotated, Any

import typer

from s30 import __version__
from s30.cli import scaffold
from s30.cli.app import (
    Json,
    OnePaper,
    app,
)
from s30.cli.printing import (
    plain,
    print_json,
    print_table,
)
from s30.corpus import registry
from s30.corpus.registry import Paper
from s30.errors import S30Error
from s30.evidence import environment
from s30.evidence.environment import cache_folder
from s30.layers import catalogue, experiments
from s30.layers.catalogue import LAYERS
from s30.verdict.claims import coverage, names_of
from s30.view.display import console
from s30.view.tables import Column

WIDE = 130  # of a terminal in which the rooms' folders have a place in the list


@app.command("list")
def list_papers(as_json: Json = False) -> None:
    """The registry. Example: `s30 list`"""
    papers = registry.load_corpus().papers
    if as_json:
        print_json([{**plain(p), "built": p.built} for p in papers])
        return

    def room(paper: Paper) -> str:
        where = f"papers/{paper.folder.name}" if console.width >= WIDE else "built"
        return where if paper.built else "draft" if paper.draft else "not built yet"

    columns = (
        *(Column("id"), Column("title", prose=True), Column("authors", prose=True, spare=2), Column("year", spare=1)),
        Column("room"),
    )
    rows = [[p.id, p.title, p.authors, p.year, room(p)] for p in papers]
    print_table(columns, rows)


@app.command()
def show(paper: OnePaper, as_json: Json = False) -> None:
    """What one paper's room holds and claims. Example: `s30 show 26`"""
    found = registry.load_corpus().paper(paper)
    if as_json:
        print_json({**plain(found), "built": found.built, "card": found.card if found.built else None})
        return
    console.print(f"{found.id} {found.title}\n{found.authors}, {found.year}  {found.link}", style="bold", markup=False)
    if not found.built:
        console.print(f"not built yet: `s30 new {found.id}` lays out its room")
        return
    console.print(f"\n{found.card['summary']}\n", markup=False)
    if needs := found.card.get("needs", ()):
        console.print(f"To be read before: {', '.join(needs)}\n")
    depths = {name: d if isinstance(d, str) else f"{d['level']}: {d['why']}" for name, d in found.card["depth"].items()}
    print_table(
        (Column("layer"), Column("depth", prose=True), Column("question", prose=True, spare=1)),
        [[LAYERS[name].title, depth, LAYERS[name].question] for name, depth in depths.items()],
    )
    for title, key, columns in (
        (
            "Equations",
            "equations",
            (Column("id"), Column("formula", prose=True), Column("source", prose=True, spare=1)),
        ),
        ("Claims", "claims", (Column("id"), Column("kind"), Column("statement", prose=True))),
        ("Deviations", "deviations", tuple(Column(name, prose=True) for name in ("what", "where", "why"))),
    ):
        entries = found.card[key]
        print_table(columns, [[str(entry[column.name]) for column in columns] for entry in entries], f"\n{title}")
    covered = coverage(found)
    if covered.items:
        rows = []
        for entry in found.card["coverage"]:
            carried = (f"{kind} {', '.join(names_of(names))}" for kind, names in entry.get("carried_by", {}).items())
            rows.append([entry["item"], "; ".join(carried) or f"left out: {entry['left_out']}"])
        columns = Column("item", prose=True), Column("carried by", prose=True)
        print_table(columns, rows, f"\nCoverage of the paper: {covered}")
    if (found.folder / "task.py").is_file():  # a room that is being filled in may have none yet
        rows = [[name, m.unit, m.over, m.says] for name, m in experiments.meanings(found).items()]
        columns = Column("metric"), Column("unit", spare=2), Column("over", spare=1), Column("says", prose=True)
        print_table(columns, rows, "\nMetrics")


@app.command()
def new(
    paper: Annotated[
        str, typer.Argument(help="A paper of the registry by number or slug, or a new number.", metavar="PAPER")
    ],
    slug: Annotated[str | None, typer.Argument(help="For a new number: its slug.", show_default=False)] = None,
) -> None:
    """Lays out a paper's room from the template. Example: `s30 new 07` or `s30 new 31 my_paper`"""
    folder = scaffold.new_room(registry.load_corpus(), paper, slug)
    console.print(
        f"laid out {folder}: fill it in, then `s30 verify {folder.name[:2]}` says what is missing", markup=False
    )


@app.command()
def doctor(as_json: Json = False) -> None:
    """What is installed, which LLVM, Agda and cubical library are used, and how to get what is missing. Example: `s30 doctor`"""
    root = registry.default_root()
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
        name: catalogue.missing(layer)
        or "ready: " + (", ".join(f"{d} {environment.version(d)}" for d in layer.distributions) or facts["agda"])
        for name, layer in LAYERS.items()
    }
    lacking = [name for name, layer in LAYERS.items() if catalogue.missing(layer)]
    if as_json:
        print_json({"facts": facts, "layers": states, "missing": lacking})
    else:
        told = (*facts.items(), *((LAYERS[name].title, state) for name, state in states.items()))
        rows = [[name, str(value) if value else "not found"] for name, value in told]
        print_table((Column(""), Column("", prose=True)), rows)
    raise typer.Exit(1 if lacking else 0)


def _or_fault(answer: Callable[[], str]) -> str:
    """What `answer` says, or why it cannot."""
    try:
        return answer()
    except S30Error as error:
        return str(error)
