"""All that a piece of evidence depends on, by digest: its key. Another key is other evidence, whatever else is equal."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from s30.corpus import data
from s30.corpus.registry import Paper
from s30.errors import S30Error
from s30.evidence import environment
from s30.evidence.store import VERSION, digest_files, digest_of
from s30.layers.catalogue import (
    ENGINE,
    EVERYWHERE,
    EXPERIMENT,
    PARTS,
    Layer,
    recorded_flags,
    variables,
)

CORE = (
    "__init__",
    "errors",
    "room",
    *(
        "corpus/__init__",
        "corpus/registry",
        "corpus/vocabulary",
        "corpus/pictures",
        "corpus/problem",
        "corpus/documents",
    ),
    *("corpus/reach", "corpus/literals", "corpus/data"),
    *("training/__init__", "training/schedules"),
    *("evidence/__init__", "evidence/store", "evidence/environment"),
    *("layers/__init__", "layers/catalogue", "layers/provenance"),
    *("sweep/__init__", "sweep/worker", "sweep/isolation", "sweep/kin"),
)

TRIALS = (
    "corpus/entries",
    "layers/frame",
    "layers/experiments",
)  # the engine's files behind an experiment, besides CORE and `training`

# Ingredients that the environment decides, not the sources.
MACHINE = ("packages", "python", "cpu", "llvm", "agda", "variables", "data")


def key(paper: Paper, layer: Layer, task: str, profile: str, seed: int, asked: Sequence[str] = PARTS) -> str:
    """The digest of all that the evidence depends on."""
    return digest_of(ingredients(paper, layer, task, profile, seed, asked))


def ingredients(
    paper: Paper, layer: Layer, task: str, profile: str, seed: int, asked: Sequence[str] = PARTS
) -> dict[str, Any]:
    """All that the evidence depends on: sources, engine, versions, flags and machine, as JSON."""
    files = [f for pattern in layer.files for f in paper.folder.glob(pattern)]
    parts: dict[str, Any] = {
        "version": VERSION,
        "paper": paper.id,
        "layer": layer.name,
        "task": task,
        "room": digest_files(files, paper.folder),
        "engine": digest_files(_engine_files(layer, task), ENGINE),
        "packages": {name: environment.version(name) for name in (*layer.distributions, *EVERYWHERE)},
        "python": platform.python_version(),
        "cpu": environment.cpu_model(),
        "flags": recorded_flags(layer, task),
        "variables": variables(layer, task),
        "data": _data(),
    }
    if layer.name == "tinygrad":
        parts["llvm"] = llvm.major if (llvm := environment.find_llvm()) else None
    if layer.name == "agda":
        parts["agda"] = _agda_parts(paper)
        shared = (f for f in (paper.root / "agda").rglob("*") if f.suffix in (".agda", ".agda-lib"))
        parts["shared"] = digest_files(shared, paper.root)
    if tuple(asked) != PARTS:
        parts["asked"] = list(asked)
    if task == EXPERIMENT:
        parts |= {"profile": profile, "seed": seed}
    return parts


def differing(stated: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What the sources, the settings or the engine say differently in two sets of ingredients; empty when nothing does.

    The machine's part is left out: a library may set variables of its process while it is imported.
    """
    for part in sorted({*stated, *here} - {*MACHINE}):
        one, other = stated.get(part), here.get(part)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            files = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
            if files:
                return f"{', '.join(files[:3])}{' ...' if len(files) > 3 else ''} differs from what was measured"
        elif one != other:
            return f"{part} {one!r} was measured, {other!r} is asked for"
    return ""


def _engine_files(layer: Layer, task: str) -> Sequence[Path]:
    files = [ENGINE / f"{name}.py" for name in (*CORE, *layer.engine)]
    files += [*ENGINE.glob(f"layers/{layer.name}.py"), *ENGINE.glob(f"layers/{layer.name}/*.py")]
    if task != EXPERIMENT:
        return files
    return sorted({*files, *(ENGINE / f"{name}.py" for name in TRIALS), *(ENGINE / "training").glob("*.py")})


@cache
def _data() -> dict[str, str]:
    return data.digests()


def _agda_parts(paper: Paper) -> dict[str, Any]:
    """The program and its library, None where `missing` says what is wrong with them."""
    parts: dict[str, Any] = {"version": None, "provider": None, "library": None}
    with contextlib.suppress(S30Error):
        parts["version"] = environment.agda_version(agda) if (agda := environment.find_agda()) else None
    with contextlib.suppress(S30Error):
        provider = environment.find_provider(paper.root)
        parts["provider"] = provider.name
        parts["library"] = None if provider.embedded else environment.library_digest(provider.library)
    return parts
