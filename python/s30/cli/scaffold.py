"""Lays out a new paper's room from papers/TEMPLATE."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from s30.corpus import documents
from s30.corpus.registry import REGISTRY, TEMPLATE, Corpus, Paper
from s30.errors import S30Error, UsageError
from s30.evidence.store import write_atomically


def new_room(corpus: Corpus, name: str, slug: str | None) -> Path:
    """Copies the template for a paper of the registry, or for a new number and slug, which is then added to it.

    Raises UsageError when the room exists, or when a new number comes without a proper slug; S30Error when the folder
    takes no room. Nothing half-made is left.
    """
    template = corpus.root / "papers" / TEMPLATE
    if not template.is_dir():
        raise S30Error(f"{template} is missing, so there is nothing to copy")
    registry = None  # as it reads with a new paper in it
    try:
        paper = corpus.paper(name)
    except UsageError:
        paper, registry = _new_paper(corpus, name, slug)
    if slug not in (None, paper.slug):
        raise UsageError(f"paper {paper.id} is in {REGISTRY} already, with the slug {paper.slug}")
    if paper.folder.exists():
        raise UsageError(f"{paper.folder} exists already")
    staged = paper.folder.with_name(f".{paper.folder.name}.new")
    words = {
        "NN_SLUG": paper.folder.name,
        "SLUG": paper.slug,
        "NN": paper.id,
        "TITLE": paper.title,
        "LINK": paper.link,
        "Template": _module(paper),
    }
    try:
        shutil.rmtree(staged, ignore_errors=True)  # what a killed process left
        for source in sorted(template.rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                target = staged / _filled(str(source.relative_to(template)), words)
                write_atomically(target, _filled(documents.text_of(source), words).encode())
        if registry is not None:
            write_atomically(corpus.root / REGISTRY, registry.encode())
        staged.rename(paper.folder)
    except OSError as error:
        raise S30Error(f"cannot make {paper.folder}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return paper.folder


def _new_paper(corpus: Corpus, name: str, slug: str | None) -> tuple[Paper, str]:
    """A paper that is not in the registry yet, and the registry's text with it."""
    if not (name.isdigit() and len(name) <= 2 and slug):
        raise UsageError(
            f"no paper {name!r} in {REGISTRY}: for a new one give a number of two digits and a slug, as in `s30 new 31 my_paper`"
        )
    if slug in [paper.slug for paper in corpus.papers]:
        raise UsageError(f"the slug {slug!r} is taken: {corpus.paper(slug).id} has it")
    order = 1 + max(paper.order for paper in corpus.papers)
    build_order = 1 + max(paper.build_order for paper in corpus.papers)
    entry = {
        "id": name.zfill(2),
        "slug": slug,
        "title": slug.replace("_", " "),
        "authors": "unknown",
        "year": 0,
        "link": "https://example.org",
        "order": order,
        "build_order": build_order,
    }
    problems = [e.message for e in documents.validator("papers").iter_errors({"papers": [entry]})]
    if problems:
        raise UsageError(f"papers.yaml would not take this entry: {problems[0]}")
    path = corpus.root / REGISTRY
    text = documents.text_of(path).rstrip("\n") + "\n" + _indented(documents.dump([entry]))
    try:
        fits = yaml.safe_load(text) == {"papers": [*documents.load(path, "papers")["papers"], entry]}
    except yaml.YAMLError:
        fits = False
    if not fits:
        raise S30Error(f"{path} is not laid out as a list indented by two spaces, so nothing can be appended to it")
    return Paper(root=corpus.root, **{**entry, "year": "0"}), text  # type: ignore[arg-type]


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def _module(paper: Paper) -> str:
    return "".join(part.capitalize() for part in paper.slug.split("_"))


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"__{word}__", value)
    return text
