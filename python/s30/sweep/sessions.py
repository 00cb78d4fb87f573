"""How sessions share the work of a verification: which there are, what each hands over, how the parts become one.

A session writes its evidence into a folder: the entries as in a cache, and manifest.json, which lists all that each entry
depends on and states the environment that it was measured in. Merging takes such folders and refuses what is damaged,
foreign, stale or contradictory. It imports no framework and needs none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from s30.corpus.registry import Corpus, Paper
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError, one_line
from s30.evidence import store
from s30.evidence.store import DamagedEntryError, Evidence, digest_of, write_atomically
from s30.layers import catalogue, provenance
from s30.layers.catalogue import EVERYWHERE, LAYERS, Layer
from s30.sweep.plan import Slot, slots_for

VERSION = 1  # of the manifest
MANIFEST = "manifest.json"
FOLDER = "evidence"  # where CI's sessions hand over, each in a folder of its own name
AGAIN = "run that session again, on these sources"


def matrix(corpus: Corpus) -> list[dict[str, Any]]:
    """The nox sessions that CI runs side by side: name, arguments, and the minutes after which one is taken for hung."""
    built = sum(paper.built for paper in corpus.papers)

    def row(session: str, arguments: str, minutes: int) -> dict[str, Any]:
        return {"session": session, "arguments": arguments, "timeout": min(minutes, 350)}

    measuring = [
        row(name, f"--evidence {FOLDER}/{name}", 30 + 2 * built * (1 + layer.trains)) for name, layer in LAYERS.items()
    ]
    return [row("lint", "", 15), row("workflows", "", 15), row("tests", "engine", 30 + built), *measuring]


def check_empty(folder: Path) -> None:
    """Raises UsageError when evidence cannot be handed over into this folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder: evidence is handed over into a new one")


def hand_over(
    folder: Path,
    root: Path,
    slots: Sequence[tuple[Paper, Layer, str]],
    results: Mapping[Slot, Evidence],
    profile: str,
    seed: int = 0,
) -> None:
    """Writes the evidence of these slots for a merge, whatever its outcome; the manifest, which makes it valid, last.

    Raises S30Error when the sources are no longer those that were measured.
    """
    check_empty(folder)
    entries = {}
    for paper, layer, task in slots:
        found, parts = results[paper.id, layer.name, task], provenance.ingredients(paper, layer, task, profile, seed)
        if found.key not in ("", digest_of(parts)):
            raise S30Error(f"the sources of {paper.id} {layer.name} changed after they were measured: run this again")
        entries[digest_of(parts)] = parts
        store.save(found, folder, digest_of(parts))
    manifest: dict[str, Any] = {"version": VERSION, "environment": catalogue.fingerprint(root), "entries": entries}
    manifest["digest"] = digest_of(manifest)
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode())


def merge(
    corpus: Corpus, folders: Iterable[Path], profile: str, seed: int = 0
) -> tuple[dict[Slot, Evidence], dict[str, Any]]:
    """The evidence of every paper that has a room, in all layers with the experiments, and the environments in one.

    What no folder holds is `not_run`. Raises S30Error for a folder that cannot be trusted.
    """
    slots = slots_for([p for p in corpus.papers if p.built], list(LAYERS), True)
    expected = {
        (p.id, layer.name, task): provenance.ingredients(p, layer, task, profile, seed) for p, layer, task in slots
    }
    found: dict[Slot, tuple[Evidence, Path]] = {}
    environments: dict[str, list[Mapping[str, Any]]] = {}
    for folder in _homes(folders):
        manifest = _read(corpus.root, folder)
        for key, parts in manifest["entries"].items():
            slot: Slot = (parts["paper"], parts["layer"], parts["task"])
            name = " ".join(slot)
            if slot not in expected:
                raise S30Error(f"{folder} holds evidence of {name}, which this repository does not ask for: remove it")
            if differing := provenance.differing(parts, expected[slot]):
                raise S30Error(f"{folder}: the evidence of {name} is stale: {differing}; {AGAIN}")
            evidence = _entry(folder, key, slot)
            other, where = found.setdefault(slot, (evidence, folder))
            if other.digest != evidence.digest:
                raise S30Error(f"{where} and {folder} hold different evidence of {name}: remove one of them")
            environments.setdefault(slot[1], []).append(manifest["environment"])
    lacking = {
        slot: Evidence(slot[0], slot[1], error=_not_handed_over(slot), outcome=Outcome.NOT_RUN)
        for slot in expected
        if slot not in found
    }
    return {slot: evidence for slot, (evidence, _) in found.items()} | lacking, _joint(corpus.root, environments)


def _not_handed_over(slot: Slot) -> str:
    return f"no session handed over its {slot[2]}: `nox -s {slot[1]} -- --evidence FOLDER` measures them"


def _homes(folders: Iterable[Path]) -> list[Path]:
    """The folders with a manifest: those named, and where one has none, the folders in it, all of which must have one."""
    homes = []
    for folder in folders:
        inner = [folder] if (folder / MANIFEST).is_file() else sorted(f for f in folder.glob("*") if f.is_dir())
        if not inner:
            raise UsageError(f"{folder}: no evidence here, neither a {MANIFEST} nor folders that hold one")
        for home in inner:
            if not (home / MANIFEST).is_file():
                raise S30Error(f"{home} has no {MANIFEST}: it was not handed over whole; {AGAIN}")
        homes += inner
    return homes


def _read(root: Path, folder: Path) -> Mapping[str, Any]:
    """The manifest, once it and the list of files beside it are what was handed over."""
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, entries = manifest["version"], manifest["entries"]
        whole = manifest.pop("digest") == digest_of(manifest)
        whole = whole and all(key == digest_of(parts) for key, parts in entries.items())
        told, here = manifest["environment"], catalogue.fingerprint(root)
        for fact, value in here.items():
            if isinstance(value, Mapping) and not isinstance(told[fact], Mapping):
                raise TypeError(f"its environment tells no {fact}")
    except Exception as error:  # whatever a damaged file makes of itself
        raise S30Error(f"{path} is damaged ({one_line(error)}); {AGAIN}") from None
    if not whole:
        raise S30Error(f"{path} is damaged (its digest does not match); {AGAIN}")
    if version != VERSION:
        raise S30Error(f"{path} was written by another version of s30 (layout {version}, here {VERSION}); {AGAIN}")
    known = {MANIFEST, *(f"{key}{suffix}" for key in entries for suffix in (".json", ".npz"))}
    if foreign := sorted({f.name for f in folder.iterdir()} - known):
        raise S30Error(f"{folder} holds {foreign[0]}, which its {MANIFEST} does not list: remove it, or {AGAIN}")
    return manifest


def _entry(folder: Path, key: str, slot: Slot) -> Evidence:
    try:
        evidence = store.load(folder, key)
    except DamagedEntryError as error:
        raise S30Error(f"{error}; {AGAIN}") from None
    if evidence is None:
        raise S30Error(f"{folder}: the entry {key} of {' '.join(slot)} is missing; {AGAIN}")
    if (evidence.paper, evidence.layer) != slot[:2]:
        raise S30Error(f"{folder}: the entry {key} is of {evidence.paper} {evidence.layer}, not of {' '.join(slot)}")
    return evidence


def _joint(root: Path, environments: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """One environment of many: each fact from the layers that it bears on, once where all agree, else with their names."""

    def joint(names: Iterable[str], fact: str, entry: str | None = None) -> Any:
        said: dict[str, tuple[Any, list[str]]] = {}
        for name in names:
            for one in environments.get(name, ()):
                value = one[fact] if entry is None else one[fact].get(entry)
                _, sayers = said.setdefault(store.canonical(value), (value, []))
                if name not in sayers:
                    sayers.append(name)
        if len(said) < 2:
            return next((value for value, _ in said.values()), None)
        return "; ".join(f"{value} ({', '.join(sayers)})" for value, sayers in said.values())

    def entries(fact: str) -> list[str]:
        return sorted({entry for those in environments.values() for one in those for entry in one[fact]})

    def users(package: str) -> list[str]:
        used = [name for name, layer in LAYERS.items() if package in (*layer.distributions, *EVERYWHERE)]
        return used or ["agda"]  # the distribution that brings the program

    return {
        **{fact: joint(LAYERS, fact) for fact in ("kind", "python", "platform", "cpu", "threads")},
        "packages": {package: joint(users(package), "packages", package) for package in entries("packages")},
        "llvm": joint(["tinygrad"], "llvm"),
        **{fact: joint(["agda"], fact) for fact in ("agda", "cubical")},
        **catalogue.stated_flags(),
        "variables": {name: joint([name], "variables", name) for name in entries("variables")},
        **{fact: {entry: joint(LAYERS, fact, entry) for entry in entries(fact)} for fact in ("locks", "data")},
    }
