"""The Agda layer: checks every proof in one `agda` process and records each claimed theorem as Agda prints it.

Sources are staged into one folder, so that interfaces are cached there and never beside the sources:

    .s30/agda/PROVIDER/    s30.agda-lib, S30/, the papers' modules, provider/ (the embedded library, when it is used),
                           libraries (which provider), ClaimsNN.agda (generated: opens every theorem that is claimed)
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from s30.corpus import Paper
from s30.environment import Provider, agda_version, find_agda, find_provider
from s30.errors import S30Error
from s30.evidence import Evidence
from s30.layers.executable import Progress

STAGE = Path(".s30") / "agda"


def stage(root: Path, provider: Provider, papers: Iterable[Paper]) -> Path:
    """Brings the staging folder in line with the sources; unchanged files keep their interfaces. Returns the folder."""
    folder = root / STAGE / re.sub(r"[^\w.-]+", "-", provider.name)
    wanted = {Path("s30.agda-lib"): (root / "agda" / "s30.agda-lib").read_text(encoding="utf-8")}
    for path in (root / "agda" / "S30").rglob("*.agda"):
        wanted[Path("S30") / path.relative_to(root / "agda" / "S30")] = path.read_text(encoding="utf-8")
    library = provider.library
    if provider.embedded:
        home = library.parent
        library = folder / "provider" / home.name / provider.library.name
        for path in [provider.library, *home.rglob("*.agda")]:
            wanted[Path("provider") / home.name / path.relative_to(home)] = path.read_text(encoding="utf-8")
    wanted[Path("libraries")] = f"{library}\n"
    for paper in papers:
        for path in paper.agda_files():
            if Path(path.name) in wanted:
                raise S30Error(f"{path}: the module name {path.stem} is taken by another paper")
            wanted[Path(path.name)] = path.read_text(encoding="utf-8")
        wanted[Path(f"Claims{paper.id}.agda")] = claims_module(paper)
    for path in folder.rglob("*"):
        if path.is_file() and "_build" not in path.parts and path.relative_to(folder) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        target = folder / name
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return folder


def claims_module(paper: Paper) -> str:
    """A module that opens every theorem that paper.yaml names, and so does not check when one is missing."""
    lines = [
        "{-# OPTIONS --safe -Werror #-}",
        f"-- Generated: every theorem that papers/{paper.folder.name}/paper.yaml claims.",
        f"module Claims{paper.id} where",
    ]
    lines += [f"import {path.stem}" for path in paper.agda_files()]
    for theorem in paper.card["theorems"]:
        module, _, name = theorem["name"].rpartition(".")
        lines.append(f"open {module} using ({name})")
    return "\n".join(lines) + "\n"


class Agda:
    """One `agda --interaction-json` process. Raises S30Error when it ends unexpectedly or reports an error."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        self._options = [f"--library-file={folder / 'libraries'}"]
        self._process = subprocess.Popen(
            [program, "--interaction-json", *self._options],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )

    def load(self, file: str, progress: Progress = lambda _: None) -> None:
        """Typechecks `file` and all it imports."""
        info = self._ask(
            file, f"Cmd_load {_quoted(str(self._folder / file))} [{', '.join(map(_quoted, self._options))}]", progress
        )
        problems = [e["message"] for e in (*info.get("errors", ()), *info.get("warnings", ()))]
        if info["kind"] != "AllGoalsWarnings" or info.get("visibleGoals") or info.get("invisibleGoals"):
            problems.append(
                f"{file}: unsolved goals" if info["kind"] == "AllGoalsWarnings" else f"unexpected answer {info['kind']}"
            )
        if problems:
            raise S30Error(self._readable(problems[0]))

    def contents(self, file: str, module: str) -> dict[str, str]:
        """The public names of `module` (relative to `file`, empty for the file itself) with their types."""
        # Bound variables print with their own names only when the file was checked just now, not read from its interface.
        for interface in self._folder.glob(f"_build/*/agda/{Path(file).stem}.agdai"):
            interface.unlink()
        self.load(file)
        info = self._ask(file, f"Cmd_show_module_contents_toplevel AsIs {_quoted(module)}", lambda _: None)
        return {
            entry["name"]: re.sub(r"\b\w+\.(ℓ\w*)", r"\1", " ".join(entry["term"].split()))
            for entry in info["contents"]
        }

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()  # waits, and closes the pipes

    def _ask(self, file: str, command: str, progress: Progress) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"IOTCM {_quoted(str(self._folder / file))} None Direct ({command})\n")
            self._process.stdin.flush()
        except OSError as error:
            raise S30Error(f"agda ended before it was asked about {file}: {error}") from None
        for answer in self._answers():
            if answer["kind"] == "RunningInfo":
                progress(" ".join(answer["message"].split())[:60])
            if answer["kind"] == "DisplayInfo":
                info: dict[str, Any] = answer["info"]
                if info["kind"] == "Error":
                    raise S30Error(self._readable(info["error"]["message"]))
                return info
        raise S30Error(f"agda ended with code {self._process.wait()} while it worked on {file}")

    def _answers(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.removeprefix("JSON> ").strip()
            if text.startswith("{"):
                yield json.loads(text)
            elif text:
                raise S30Error(f"agda said: {self._readable(text)}")

    def _readable(self, message: str) -> str:
        """Agda's message in one line, without the staging folder in its paths."""
        return " ".join(message.replace(f"{self._folder}/", "").split())[:600]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def run_all(papers: list[Paper], progress: Progress) -> Iterator[tuple[Paper, Evidence | Exception]]:
    """The evidence of each paper, or what went wrong with it; all from one process."""
    root = papers[0].root
    program, provider = find_agda(), find_provider(root)
    if program is None:
        raise S30Error("Agda is not installed")
    folder = stage(root, provider, papers)
    agda = Agda(program, folder)
    try:
        for paper in papers:
            try:
                yield paper, _check(agda, paper, agda_version(program), provider, progress)
            except S30Error as error:
                yield paper, error
                if agda.ended():
                    agda.close()
                    agda = Agda(program, folder)
    finally:
        agda.close()


def _check(agda: Agda, paper: Paper, version: str, provider: Provider, progress: Progress) -> Evidence:
    files = [path.name for path in paper.agda_files()]
    if not files:
        raise S30Error(f"{paper.folder / 'cubical-agda'} holds no .agda file")
    for file in files:
        progress(f"checking {file}")
        agda.load(file, progress)
    theorems: dict[str, Any] = {}
    public: dict[str, dict[str, str]] = {}
    for theorem in paper.card["theorems"]:
        module, _, name = theorem["name"].rpartition(".")
        top, _, inner = module.partition(".")
        if f"{top}.agda" not in files:
            raise S30Error(f"theorem {theorem['name']} is claimed, but there is no cubical-agda/{top}.agda")
        if module not in public:
            public[module] = agda.contents(f"{top}.agda", inner)
        if name not in public[module]:
            raise S30Error(
                f"theorem {theorem['name']} is claimed in paper.yaml but not defined in cubical-agda/{top}.agda"
            )
        theorems[theorem["name"]] = {
            "statement": public[module][name],
            "says": theorem["says"],
            "source": theorem["source"],
        }
    progress(f"checking Claims{paper.id}.agda")
    agda.load(f"Claims{paper.id}.agda", progress)
    return Evidence(
        paper.id,
        "agda",
        facts={"agda": version, "provider": provider.name, "modules": files, "theorems": theorems},
    )
