"""The folder of the cache in which Agda works, and what of the sources is put there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from s30.corpus.registry import Paper
from s30.errors import S30Error
from s30.evidence.environment import Provider, cache_folder
from s30.evidence.store import write_atomically

EVALUATION = "evaluation"  # the folder of the library, and of a paper's modules, that are not `--safe`


def stage_of(root: Path, provider: Provider) -> Path:
    """The folder in which Agda works with this provider."""
    return cache_folder(root) / "agda" / re.sub(r"[^\w.-]+", "-", provider.name)


def stage(root: Path, provider: Provider) -> Path:
    """Brings all but the papers' modules in line with the sources. Returns the folder."""
    folder = stage_of(root, provider)
    shared, library, home = root / "agda", provider.library, provider.library.parent
    wanted = {path.relative_to(shared): path for path in [shared / "s30.agda-lib", *(shared / "S30").rglob("*.agda")]}
    wanted |= {path.relative_to(shared): path for path in (shared / EVALUATION).rglob("*.agda*")}
    if provider.embedded:
        place = Path("provider") / home.name
        wanted |= {place / path.relative_to(home): path for path in [library, *home.rglob("*.agda")]}
        library = folder / place / library.name
    contents = {name: _content(path) for name, path in wanted.items()}
    contents[Path("libraries")] = f"{library}\n{folder / 's30.agda-lib'}\n".encode()
    there = (path for path in folder.rglob("*") if path.is_file() and "_build" not in path.parts)
    papers = {*folder.glob("*.agda"), *folder.glob(f"{EVALUATION}/*.agda")}
    _bring(folder, contents, (path for path in there if path not in papers))
    return folder


def place(paper: Paper, folder: Path) -> None:
    """Puts the paper's modules in the place of another's, so that none can import what is not its own."""
    contents = {Path(path.name): _content(path) for path in paper.agda_files()}
    claims = Path(f"Claims{paper.id}.agda")
    if claims in contents:
        raise S30Error(
            f"{paper.folder}/cubical-agda/{claims}: this name is taken by a module that is generated: rename it"
        )
    contents |= {claims: claims_module(paper).encode()}
    contents |= {Path(EVALUATION, path.name): _content(path) for path in paper.harnesses()}
    _bring(folder, contents, [*folder.glob("*.agda"), *folder.glob(f"{EVALUATION}/*.agda")])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise S30Error(f"{path}: cannot be read: {error.strerror or error}") from None


def _bring(folder: Path, contents: Mapping[Path, bytes], there: Iterable[Path]) -> None:
    """Of the files `there`, only these contents are left; those that are right already keep their interfaces."""
    for path in there:
        if path.relative_to(folder) not in contents:
            path.unlink()
    for name, content in contents.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            write_atomically(folder / name, content)


def claims_module(paper: Paper) -> str:
    """A module that opens every theorem that paper.yaml names, and so does not check when one is missing."""
    lines = [
        "{-# OPTIONS --safe -Werror #-}",
        f"-- Generated: every theorem that papers/{paper.folder.name}/paper.yaml claims.",
        f"module Claims{paper.id} where",
    ]
    lines += [f"import {path.stem}" for path in paper.agda_files()]
    for theorem in (*paper.card["theorems"], *paper.card.get("unfolded", ())):
        module, _, name = theorem["name"].rpartition(".")
        lines.append(f"open {module} using ({name})")
    return "\n".join(lines) + "\n"
