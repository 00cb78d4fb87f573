"""Agda's interaction protocol: one process that loads files, tells what is in them, and computes terms."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s30.errors import S30Error
from s30.evidence.environment import cpu_seconds
from s30.layers.agda.source import Source

if TYPE_CHECKING:
    from s30.layers.executable import Progress


PATIENCE = 15


class TimeLimitError(S30Error):
    """A term that takes too long."""


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
            # Its libraries are named above: a user's own list, or a folder for it that is not there, is not looked at.
            env=os.environ | {"LC_ALL": "C.UTF-8", "AGDA_DIR": str(folder), "HOME": str(folder)},
        )

    def load(self, file: str, progress: Progress = lambda _: None) -> Source:
        """Typechecks `file` and all it imports, and tells what is in it."""
        path, options = self._folder / file, ", ".join(map(_quoted, self._options))
        highlighting: list[Any] = []
        info = self._ask(file, f"Cmd_load {_quoted(str(path))} [{options}]", progress, highlighting)
        problems = [e["message"] for e in (*info.get("errors", ()), *info.get("warnings", ()))]
        if info["kind"] != "AllGoalsWarnings" or info.get("visibleGoals") or info.get("invisibleGoals"):
            problems.append(
                f"{file}: unsolved goals" if info["kind"] == "AllGoalsWarnings" else f"unexpected answer {info['kind']}"
            )
        if problems:
            raise S30Error(self._readable(problems[0]))
        return Source(str(path), path.read_text(encoding="utf-8"), highlighting)

    def load_anew(self, file: str, progress: Progress) -> Source:
        """As `load`, without the file's own interface: then bound variables print with their own names."""
        for interface in self._folder.glob(f"_build/*/agda/{Path(file).stem}.agdai"):
            interface.unlink()
        return self.load(file, progress)

    def contents(self, file: str, module: str) -> dict[str, str]:
        """The public names of `module` (relative to `file`, empty for the file itself) with their types.

        `file` is the one that was loaded last.
        """
        info = self._ask(file, f"Cmd_show_module_contents_toplevel AsIs {_quoted(module)}", lambda _: None)
        return {
            entry["name"]: re.sub(r"\b[\w-]+\.(ℓ\w*)", r"\1", " ".join(entry["term"].split()))
            for entry in info["contents"]
        }

    def compute(self, file: str, term: str, limit: float) -> str:
        """The normal form of `term` in the scope of `file`, the file that was loaded last, as Agda prints it.

        Raises TimeLimitError after `limit` seconds of processor time (or PATIENCE times as long by the clock, where the
        processor is shared or does not tell), and this process has then ended.
        """
        late, done = threading.Event(), threading.Event()
        spent, begun = cpu_seconds(), time.monotonic()

        def watch() -> None:
            while not done.wait(0.25):
                if cpu_seconds() - spent > limit or time.monotonic() - begun > PATIENCE * limit:
                    late.set()
                    self._process.kill()
                    return

        threading.Thread(target=watch, daemon=True).start()
        try:
            info = self._ask(file, f"Cmd_compute_toplevel DefaultCompute {_quoted(term)}", lambda _: None)
        except S30Error:
            if late.is_set():
                raise TimeLimitError(f"it is not computed after {limit:g} s") from None
            raise
        finally:
            done.set()
        text: str = info["expr"]
        return text

    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()  # waits, and closes the pipes

    def _ask(
        self, file: str, command: str, progress: Progress, highlighting: list[Any] | None = None
    ) -> dict[str, Any]:
        """What Agda displays in answer. Where a list is given, what it tells of each token is added to that."""
        level = "None" if highlighting is None else "NonInteractive"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"IOTCM {_quoted(str(self._folder / file))} {level} Direct ({command})\n")
            self._process.stdin.flush()
        except OSError as error:
            raise S30Error(f"agda ended before it was asked about {file}: {error}") from None
        for answer in self._answers():
            if answer["kind"] == "RunningInfo":
                progress(" ".join(answer["message"].split())[:60])
            if answer["kind"] == "HighlightingInfo" and highlighting is not None:
                highlighting += answer["info"]["payload"]
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
