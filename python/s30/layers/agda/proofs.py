"""Checks every proof of a paper and records what is claimed of it: each statement as Agda prints it, with its hypotheses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s30.corpus.registry import Paper
from s30.errors import S30Error
from s30.evidence.environment import Provider, library_digest
from s30.evidence.store import digest_of, write_atomically
from s30.layers.agda.modules import Modules, library_words
from s30.layers.agda.process import Agda
from s30.layers.agda.source import Source

if TYPE_CHECKING:
    from s30.layers.executable import Progress

IMPORT = re.compile(r"^\s*(?:open\s+)?import\s+(\S+)", re.MULTILINE)
PASSED_ON = re.compile(r"^open import (S30\.\S+)(?:.|\n[ ]+)*? public\b", re.MULTILINE)
Types = dict[str, str]  # of the names that a module makes public, as Agda prints them in its file


def claimed(paper: Paper) -> list[Mapping[str, Any]]:
    """What the card names: the theorems that count, then the definitions that are only unfolded."""
    return [*paper.card["theorems"], *paper.card.get("unfolded", ())]


def check(
    agda: Agda, paper: Paper, folder: Path, version: str, provider: Provider, progress: Progress
) -> tuple[dict[str, Any], Modules]:
    """The facts about the paper's proofs, and its modules. Raises S30Error for what does not check or is not there."""
    _refuse_taken_names(paper)
    files = {path.stem: path for path in paper.agda_files()}
    if not files:
        raise S30Error(f"{paper.folder / 'cubical-agda'} holds no .agda file")
    asked: dict[str, list[str]] = {}  # the modules of each file in which something is claimed
    for entry in claimed(paper):
        module = entry["name"].rpartition(".")[0]
        file = module.partition(".")[0]
        if file not in files:
            raise S30Error(f"theorem {entry['name']} is claimed, but there is no cubical-agda/{file}.agda")
        asked.setdefault(file, []).append(module)
    library = [
        version,
        provider.name,
        library_digest(provider.library),
        library_digest(paper.root / "agda" / "s30.agda-lib"),
    ]
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    needs = {name: [one for one in IMPORT.findall(text) if one in files] for name, text in texts.items()}
    keys: dict[str, str] = {}
    sources: list[Source] = []
    public: dict[str, Types] = {}
    for name in _in_order(needs):
        progress(f"checking {name}.agda")
        keys[name] = digest_of({"text": texts[name], "needs": [keys[one] for one in needs[name]], "library": library})
        source, types = _checked(agda, folder, name, keys[name], sorted(set(asked.get(name, ()))), progress)
        sources.append(source)
        public |= types
    modules = Modules(sources, library_words(paper.root))
    for entry in claimed(paper):
        passed_on = PASSED_ON.findall(texts[entry["name"].partition(".")[0]])
        for shared in passed_on if entry["name"] not in modules.declarations else ():
            modules.adopt(entry["name"], agda.load(f"{shared.replace('.', '/')}.agda", progress))
    said: dict[str, dict[str, Any]] = {"theorems": {}, "unfolded": {}}
    for kind in said:
        for entry in paper.card.get(kind, ()):
            module, _, own = entry["name"].rpartition(".")
            found = modules.declarations.get(entry["name"])
            if found is None or found.is_private:
                where = f"cubical-agda/{module.partition('.')[0]}.agda"
                raise S30Error(f"theorem {entry['name']} is claimed in paper.yaml but not defined in {where}")
            printed = "" if modules.is_explicit(entry["name"]) else public.get(module, {}).get(own, "")
            said[kind][entry["name"]] = {
                "statement": modules.statement(entry["name"], printed),
                "says": found.says or entry.get("says", ""),
                "source": entry["source"],
                "assumes": [one for part in modules.assumptions(entry["name"]) for one in part],
            }
    progress(f"checking Claims{paper.id}.agda")
    agda.load(f"Claims{paper.id}.agda", progress)
    return {"agda": version, "provider": provider.name, "modules": [f"{name}.agda" for name in files], **said}, modules


def problems(paper: Paper, modules: Modules, evaluated: set[str]) -> list[str]:
    """What the card and the sources leave open about the theorems, one line each."""
    lines: list[str] = []
    spoken_of: dict[str, str] = {}  # a definition, and a theorem that speaks of it
    for entry in paper.card["theorems"]:
        name = entry["name"]
        declaration = modules.declarations[name]
        if not declaration.says and "says" not in entry:
            lines.append(f"theorem {name} has no comment directly above it that says it in words")
        if declaration.is_refl:
            lines.append(f"theorem {name} is refl: list it under `unfolded`, which does not count")
        for definition in modules.spoken_of(name):
            spoken_of.setdefault(definition, name)
    for entry in claimed(paper):
        spoken_of.pop(entry["name"], None)
    left_out = {entry["definition"] for entry in paper.card.get("not_evaluated", ())}
    for definition, theorem in spoken_of.items():
        if definition not in evaluated | left_out:
            short = theorem.rpartition(".")[2]
            what = f"the definition {definition}, of which theorem {short} speaks,"
            lines.append(f"{what} is neither evaluated nor listed in not_evaluated")
    for definition in sorted(left_out):
        why = "it is evaluated" if definition in evaluated else "no claimed theorem speaks of it"
        if definition in evaluated or definition not in spoken_of:
            lines.append(f"not_evaluated lists {definition}, but {why}: remove it")
    return [f"paper {paper.id}: {line}" for line in lines]


def _checked(
    agda: Agda, folder: Path, name: str, key: str, asked: list[str], progress: Progress
) -> tuple[Source, dict[str, Types]]:
    """Checks a file. Where a statement of it leaves types for Agda to find, what Agda prints in the modules `asked` is
    kept beside its interface: bound variables have their own names only where the file itself has just been checked."""
    file, kept = f"{name}.agda", folder / "_build" / "statements" / f"{name}.json"
    if not asked or "∀" not in (folder / file).read_text(encoding="utf-8"):
        return agda.load(file, progress), {}
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["key"] == key and {*asked} <= {*found["types"]}:
            return agda.load(file, progress), found["types"]
    source = agda.load_anew(file, progress)
    types = {module: agda.contents(file, module.partition(".")[2]) for module in asked}
    write_atomically(kept, json.dumps({"key": key, "types": types}, ensure_ascii=False).encode())
    return source, types


def _in_order(needs: Mapping[str, list[str]]) -> list[str]:
    """The files, each after those that it imports."""
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise S30Error(f"modules import each other in a circle: {' → '.join(error.args[1])}") from None


def _refuse_taken_names(paper: Paper) -> None:
    own = [*paper.agda_files(), *paper.harnesses()]
    for path in own:
        for other in paper.root.glob(f"papers/*/cubical-agda/**/{path.name}"):
            if other != path:
                whose = "taken by another paper" if other not in own else "taken twice"
                raise S30Error(f"{path}: the module name {path.stem} is {whose}, in {other}")
