"""The registry of papers and the files in each paper's room.

Files are loaded lazily and by path, never through sys.path: a room has folders named `torch`, `jax` and `sympy`,
which must not hide the frameworks of those names.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from s30.corpus import documents, reach
from s30.corpus.vocabulary import CEILINGS, EXACT, TOLERANCES, Tolerance
from s30.errors import S30Error, UsageError

REGISTRY = "papers.yaml"
CARD = "paper.yaml"
TEMPLATE = "TEMPLATE"  # what a new room is copied from
LARGEST_BOUND = 1e6  # of a metric, unless the card gives a reason
UNIQUE = {  # the lists of a card in which no two entries may have the same of this key
    **{"claims": "id", "equations": "id", "theorems": "name", "unfolded": "name"},
    **{"coverage": "item", "not_evaluated": "definition"},
}


def default_root() -> Path:
    """S30_ROOT, else the nearest folder above the working directory, else above this file, that holds papers.yaml."""
    if named := os.environ.get("S30_ROOT"):
        root = Path(named).resolve()
        if not (root / REGISTRY).is_file():
            raise UsageError(f"S30_ROOT={named} has no {REGISTRY}")
        return root
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / REGISTRY).is_file():
                return folder
    raise UsageError(f"no {REGISTRY} in {Path.cwd()} or above it: work inside the repository, or set S30_ROOT")


_executed: dict[Path, str] = {}
_marks: dict[Path, reach.Marks] = {}


def load_file(path: Path) -> ModuleType:
    """The Python file at `path` as a module, executed once per process.

    It is compiled from its text every time: the interpreter's own cache tells two texts apart by their length and by
    whole seconds. `executed` says which text it was.
    """
    path = path.resolve()
    name = "s30_room" + "".join(c if c.isalnum() else "_" for c in str(path.with_suffix("")))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or not path.is_file():
        raise S30Error(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        text = path.read_bytes()
        _executed[path] = hashlib.sha256(text).hexdigest()
        code, _marks[path] = reach.compiled(text, str(path))
        module.__dict__[reach.MARKS] = _marks[path].reached
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def executed(folder: Path) -> dict[str, str]:
    """sha256 of each file of this folder that `load_file` executed, by its path relative to it."""
    folder = folder.resolve()
    return {str(p.relative_to(folder)): digest for p, digest in _executed.items() if p.is_relative_to(folder)}


def lines_reached(folder: Path) -> dict[str, dict[str, str]]:
    """Of each file of this folder that `load_file` executed: its statements' lines, and those that were reached so far."""
    folder = folder.resolve()
    return {str(p.relative_to(folder)): m.as_fact() for p, m in sorted(_marks.items()) if p.is_relative_to(folder)}


def sibling(file: str, name: str) -> ModuleType:
    """A file beside or below `file`'s folder: `sibling(__file__, "model.py")`, `sibling(__file__, "../numpy_checks.py")`."""
    return load_file(Path(file).resolve().parent / name)


@dataclass(frozen=True)
class Paper:
    """One entry of the registry, with its room at `papers/ID_SLUG/`."""

    id: str
    slug: str
    title: str
    authors: str
    year: str
    link: str
    order: int
    build_order: int
    root: Path
    draft: bool = False  # it is being built: nothing is asked of it, and nothing claimed, until it is named

    @property
    def folder(self) -> Path:
        return self.root / "papers" / f"{self.id}_{self.slug}"

    @property
    def built(self) -> bool:
        """Whether the room exists, and is no draft. A paper without one is `not_run` in every layer; a room without a card is
        a fault."""
        return self.folder.is_dir() and not self.draft

    @cached_property
    def card(self) -> Mapping[str, Any]:
        """The validated paper.yaml."""
        path = self.folder / CARD
        card: Mapping[str, Any] = documents.load(path, "paper")
        for kind, key in UNIQUE.items():
            documents.refuse_repetition(path, card.get(kind, ()), key, (kind,))
        for number, entry in enumerate(card.get("tolerances", ())):
            own = Tolerance(float(entry["rtol"]), float(entry["atol"]), entry["reason"])
            if unfit := unfit_tolerance(entry["kind"], own):
                raise documents.error_at(path, ("tolerances", number), f"the tolerance {own} {unfit}")
        for number, claim in enumerate(card["claims"]):
            for place, evidence in enumerate(claim.get("evidence", ())):
                if unfit := unfit_bound(evidence):
                    raise documents.error_at(path, ("claims", number, "evidence", place), unfit)
        return card

    def module(self, relative: str) -> ModuleType:
        """A file of the room, such as `torch/model.py`, as a module."""
        return load_file(self.folder / relative)

    def tolerance(self, kind: str, layer: str, quantity: str) -> Tolerance | None:
        """The card's own tolerance for a quantity, when it names one (with its reason)."""
        for entry in self.card.get("tolerances", ()):
            if (entry["kind"], entry["quantity"]) == (kind, quantity) and entry.get("layer", layer) == layer:
                return Tolerance(float(entry["rtol"]), float(entry["atol"]), entry["reason"])
        return None

    def agda_files(self) -> list[Path]:
        return sorted((self.folder / "cubical-agda").glob("*.agda"))

    def harnesses(self) -> list[Path]:
        """The modules in which Agda's definitions are run on numbers."""
        return sorted((self.folder / "cubical-agda" / "evaluation").glob("*.agda"))


def unfit_tolerance(kind: str, tolerance: Tolerance) -> str:
    """Why a check of this kind may not have this tolerance; empty when it may. The engine's own need no reason."""
    most, default = CEILINGS.get(kind, EXACT), TOLERANCES.get((kind, None), EXACT)
    if not all(0 <= size < math.inf for size in (tolerance.rtol, tolerance.atol)):
        return "is none: both of its numbers must be finite and not negative"
    if tolerance in [own for (other, _), own in TOLERANCES.items() if other == kind]:
        return ""
    if kind in CEILINGS and _looser(tolerance, most):
        return f"is more than a check of kind {kind} may have, {most}"
    if not tolerance.reason and tolerance not in TOLERANCES.values() and _looser(tolerance, default):
        return "is looser than the engine's own and gives no reason"
    return ""


def unfit_bound(evidence: Mapping[str, Any]) -> str:
    """Why the bound of a claim's metric could hardly be missed, whatever is measured; empty when it could, and where the
    card gives its reason for an unusual one."""
    bound = next(
        (evidence[word] for word in ("at_least", "at_most", "above", "below", "equals") if word in evidence), 0.0
    )
    within, numbers = evidence.get("within", 0.0), [bound]
    if isinstance(bound, Mapping):
        if bound["metric"] == evidence["metric"]:
            return f"the metric {bound['metric']!r} is held against itself, which cannot fail"
        if bound.get("times") == 0:
            return f"the metric {bound['metric']!r} times 0 is no bound"
        numbers = [bound.get("times", 1.0), bound.get("plus", 0.0)]
    if "reason" in evidence:
        return ""
    if large := [n for n in (*numbers, within) if abs(n) > LARGEST_BOUND]:
        return f"a bound of {large[0]:g} is larger than {LARGEST_BOUND:g}: give a `reason`"
    if not isinstance(bound, Mapping) and within > abs(bound) / 2:
        return f"within {within:g} of {bound:g} lies almost anything: half of it at most, or give a `reason`"
    return ""


def _looser(one: Tolerance, other: Tolerance) -> bool:
    return one.rtol > other.rtol or one.atol > other.atol


@dataclass(frozen=True)
class Corpus:
    """All papers of a registry, in its order."""

    root: Path
    papers: tuple[Paper, ...]

    def paper(self, name: str) -> Paper:
        """A paper by number (`26`, `3`) or slug, a draft as if it were done. Raises UsageError naming close matches."""
        wanted = name.strip().lower()
        for paper in self.papers:
            if wanted in (paper.id, paper.slug, f"{paper.id}_{paper.slug}") or wanted.zfill(2) == paper.id:
                return replace(paper, draft=False)
        words = {word for p in self.papers for word in (p.slug, *p.slug.split("_"))}
        similar = set(difflib.get_close_matches(wanted, words, cutoff=0.7))
        near = [
            f"{p.id} {p.slug}"
            for p in self.papers
            if wanted and (wanted in p.slug or not similar.isdisjoint((p.slug, *p.slug.split("_"))))
        ][:4]
        hint = f"did you mean {', '.join(near)}?" if near else "`s30 list` shows them all"
        raise UsageError(f"no paper {name!r} in {self.root / REGISTRY}: {hint}")

    def select(self, names: list[str]) -> list[Paper]:
        """The named papers, or all that have a room when none is named; without repetition, in registry order."""
        if not names:
            return [paper for paper in self.papers if paper.built]
        chosen = {found.id: found for found in map(self.paper, names)}
        return [chosen[paper.id] for paper in self.papers if paper.id in chosen]


def load_corpus(root: Path | None = None) -> Corpus:
    """The registry of `root` (found by `default_root` when None). Raises UsageError, with file and line, when malformed."""
    root = default_root() if root is None else root
    path = root / REGISTRY
    entries = documents.load(path, "papers")["papers"]
    for key in ("id", "slug", "order", "build_order"):
        documents.refuse_repetition(path, entries, key, ("papers",))
    corpus = Corpus(root, tuple(Paper(root=root, **{**entry, "year": str(entry["year"])}) for entry in entries))
    for paper in corpus.papers:
        if os.path.lexists(paper.folder) and not paper.folder.is_dir():
            raise UsageError(
                f"{paper.folder} is no folder, where the room of paper {paper.id} would be: remove or mend it"
            )
    rooms = {paper.folder.name for paper in corpus.papers} | {TEMPLATE}
    for folder in sorted((root / "papers").glob("*/")):
        if folder.name not in rooms and not folder.name.startswith((".", "__")):
            raise UsageError(f"{folder} belongs to no paper of {path}: rename it to NN_slug of its entry, or remove it")
    return corpus
