"""Runs the builders of the flake's record and of the evidence that it rests on, without building anything: an s30 that
measures nothing stands in, and evidence of one entry lies where each builder would find what was measured before. So it is
seen, rather than read, that nothing is measured twice. Called by ci/check_nix.py.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from run_tests import LAYERS

TRAINING = ("torch", "jax")
RECORD, EVIDENCE, EXPERIMENTS = "s30-verification", "s30-evidence-", "s30-experiments-"
STAND_IN = """#!/bin/sh
echo "$*" >"$TMPDIR/words"
ls "$S30_CACHE" >"$TMPDIR/found"
touch "$TMPDIR/verification.yaml"
"""


def expected() -> dict[str, set[str]]:
    """Each builder's name with the evidence that it begins with: NumPy's for a layer, the layer's for its long experiments,
    and all of it for the record."""
    numpy = f"{EVIDENCE}numpy"
    found = {f"{EVIDENCE}{layer}": {numpy} - {f"{EVIDENCE}{layer}"} for layer in LAYERS}
    found |= {f"{EXPERIMENTS}{layer}": {numpy, f"{EVIDENCE}{layer}"} for layer in TRAINING}
    return found | {RECORD: set(found)}


def rehearse(builder: Mapping[str, str], prepared: list[Mapping[str, str]], folder: Path) -> tuple[list[str], set[str]]:
    """Runs a builder in a new folder: the words with which it calls s30, and the names of the evidence in its cache then.
    Raises CalledProcessError, with what it said, when it fails."""
    for evidence in prepared:
        if evidence["out"] in builder["script"]:
            cache = Path(evidence["out"]) / "cache"
            cache.mkdir(parents=True, exist_ok=True)
            (cache / f"{evidence['name']}.json").write_text("{}")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "s30").write_text(STAND_IN)
    (folder / "bin" / "s30").chmod(0o755)
    given = {"TMPDIR": str(folder), "out": str(folder / "out"), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    command = ["bash", "-eu", "-o", "pipefail", "-c", builder["script"]]
    subprocess.run(command, env=given, capture_output=True, text=True, cwd=folder, check=True)
    return (folder / "words").read_text().split(), {Path(n).stem for n in (folder / "found").read_text().split()}


def fault(derivations: Mapping[str, Any], folder: Path) -> str:
    """What is wrong, in one line, in the derivations behind the record; empty when each builder takes what is measured."""
    builders = {d["env"]["name"]: d["env"] for d in derivations.values()}
    prepared = [env for name, env in builders.items() if name.startswith((EVIDENCE, EXPERIMENTS))]
    if unlike := {env["name"] for env in prepared} ^ (expected().keys() - {RECORD}):
        return f"the record rests on other evidence than ci/nix_rehearsal.py expects: {', '.join(sorted(unlike))}"
    for name, known in expected().items():
        try:
            words, found = rehearse(builders[name], prepared, folder / name)
        except subprocess.CalledProcessError as error:
            return f"the builder of {name} ends with {error.returncode}: {' '.join(error.stderr.split())[-200:]}"
        if found != known:
            return f"{name} begins with {', '.join(sorted(found)) or 'nothing'}, not with {', '.join(sorted(known))}"
        if "--fresh" in words or ("--record" in words and "--cached" not in words):
            return f"{name} measures again what is at hand: s30 {' '.join(words)}"
    return ""
