"""The Agda layer: checks every proof in one `agda` process and records each claimed theorem as Agda prints it.

Sources are staged into one folder of the cache, so that interfaces are kept there and never beside the sources, which
need not be writable. One process at a time works in it:

    CACHE/agda/PROVIDER/    s30.agda-lib, S30/, provider/ (the embedded library, when it is used), libraries (which provider),
                            and the modules of the paper that is checked now, with ClaimsNN.agda (generated: opens every
                            theorem that is claimed)
    CACHE/agda/PROVIDER.lock
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s30.corpus import Paper
from s30.environment import Provider, agda_version, cache_folder, find_agda, find_provider
from s30.errors import S30Error
from s30.evidence import Evidence, write_atomically
from s30.locks import held

if TYPE_CHECKING:
    from s30.layers.executable import Progress

MISSING = re.compile(r"ailed to find source of module (\S+)")


def stage_of(root: Path, provider: Provider) -> Path:
    """The folder in which Agda works with this provider."""
    return cache_folder(root) / "agda" / re.sub(r"[^\w.-]+", "-", provider.name)


def stage(root: Path, provider: Provider) -> Path:
    """Brings all but the papers' modules in line with the sources. Returns the folder."""
    folder = stage_of(root, provider)
    shared, library, home = root / "agda", provider.library, provider.library.parent
    wanted = {path.relative_to(shared): path for path in [shared / "s30.agda-lib", *(shared / "S30").rglob("*.agda")]}
    if provider.embedded:
        place = Path("provider") / home.name
        wanted |= {place / path.relative_to(home): path for path in [library, *home.rglob("*.agda")]}
        library = folder / place / library.name
    contents = {name: _content(path) for name, path in wanted.items()} | {Path("libraries"): f"{library}\n".encode()}
    there = (path for path in folder.rglob("*") if path.is_file() and "_build" not in path.parts)
    _bring(folder, contents, (path for path in there if path not in set(folder.glob("*.agda"))))
    return folder


def place(paper: Paper, folder: Path) -> None:
    """Puts the paper's modules in the place of another's, so that none can import what is not its own."""
    contents = {Path(path.name): _content(path) for path in paper.agda_files()}
    claims = Path(f"Claims{paper.id}.agda")
    if claims in contents:
        raise S30Error(
            f"{paper.folder}/cubical-agda/{claims}: this name is taken by a module that is generated: rename it"
        )
    _bring(folder, contents | {claims: claims_module(paper).encode()}, folder.glob("*.agda"))


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

    def load_anew(self, file: str, progress: Progress) -> None:
        """As `load`, without the file's own interface: then bound variables print with their own names."""
        for interface in self._folder.glob(f"_build/*/agda/{Path(file).stem}.agdai"):
            interface.unlink()
        self.load(file, progress)

    def contents(self, file: str, module: str) -> dict[str, str]:
        """The public names of `module` (relative to `file`, empty for the file itself) with their types.

        `file` is the one that was loaded last.
        """
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
    folder = stage_of(root, provider)
    with held(folder.with_name(f"{folder.name}.lock"), lambda: progress(f"waits for another Agda in {folder}")):
        stage(root, provider)
        agda = Agda(program, folder)
        try:
            for paper in papers:
                try:
                    place(paper, folder)
                    yield paper, _check(agda, paper, agda_version(program), provider, progress)
                except S30Error as error:
                    yield paper, _foreign_import(paper, str(error)) or error
                    if agda.ended():
                        agda.close()
                        agda = Agda(program, folder)
        finally:
            agda.close()


def _foreign_import(paper: Paper, message: str) -> S30Error | None:
    """What to say when a module is missing because it is another paper's."""
    found = MISSING.search(message)
    for path in sorted(paper.root.glob(f"papers/*/cubical-agda/{found[1]}.agda")) if found else ():
        where = f"{path.relative_to(paper.root)}, which is another paper's"
        return S30Error(
            f"{paper.folder.name} imports {path.stem} from {where}: a paper stands on its own; what two share belongs into agda/S30"
        )
    return None


def _check(agda: Agda, paper: Paper, version: str, provider: Provider, progress: Progress) -> Evidence:
    files = [path.name for path in paper.agda_files()]
    if not files:
        raise S30Error(f"{paper.folder / 'cubical-agda'} holds no .agda file")
    for path in paper.agda_files():
        for other in paper.root.glob(f"papers/*/cubical-agda/{path.name}"):
            if other != path:
                raise S30Error(f"{path}: the module name {path.stem} is taken by another paper, in {other}")
    claimed = [(*theorem["name"].rpartition(".")[::2], theorem) for theorem in paper.card["theorems"]]
    for module, name, _ in claimed:
        if f"{module.partition('.')[0]}.agda" not in files:
            lacking = f"there is no cubical-agda/{module.partition('.')[0]}.agda"
            raise S30Error(f"theorem {module}.{name} is claimed, but {lacking}")
    public: dict[str, dict[str, str]] = {}
    for file in files:
        progress(f"checking {file}")
        modules = sorted({m for m, _, _ in claimed if f"{m.partition('.')[0]}.agda" == file})
        (agda.load_anew if modules else agda.load)(file, progress)
        public |= {module: agda.contents(file, module.partition(".")[2]) for module in modules}
    theorems: dict[str, Any] = {}
    for module, name, theorem in claimed:
        if name not in public[module]:
            raise S30Error(
                f"theorem {theorem['name']} is claimed in paper.yaml but not defined in cubical-agda/{module.partition('.')[0]}.agda"
            )
        statement = public[module][name]
        theorems[theorem["name"]] = {"statement": statement, "says": theorem["says"], "source": theorem["source"]}
    progress(f"checking Claims{paper.id}.agda")
    agda.load(f"Claims{paper.id}.agda", progress)
    return Evidence(
        paper.id,
        "agda",
        facts={"agda": version, "provider": provider.name, "modules": files, "theorems": theorems},
    )
