"""What a user's surroundings can do to a checkout: line ends that git turns, and a folder of Agda's that is not there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from s30 import cli
from s30.layers.agda import run_all

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("kept", [True, False])
def test_scripts_keep_their_line_ends_whatever_git_is_told(tmp_path, git_repository, kept):
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(ROOT / "ci" / "setup.sh", source)
    if kept:
        shutil.copy(ROOT / ".gitattributes", source)
    git_repository(source)
    clone = ["git", "-c", "core.autocrlf=true", "clone", "-q", str(source), str(tmp_path / "clone")]
    subprocess.run(clone, check=True)
    assert (b"\r" not in (tmp_path / "clone" / "setup.sh").read_bytes()) == kept


def test_completion_is_offered(capsys):
    assert cli.main(["--help"]) == 0
    assert "--install-completion" in capsys.readouterr().out


@pytest.mark.agda
def test_a_folder_of_agdas_that_is_not_there_costs_no_proof(agda_rooms, monkeypatch):
    monkeypatch.setenv("AGDA_DIR", "/nowhere")
    source = "{-# OPTIONS --safe #-}\nmodule Odd where\nopen import Cubical.Foundations.Prelude\nbad : {A : Type} (x : A) → x ≡ x\nbad x _ = x\n"
    corpus = agda_rooms(("Odd", source, ["Odd.bad"]))
    ((_, evidence),) = run_all(list(corpus.papers), lambda _: None)
    assert not isinstance(evidence, Exception), evidence
    assert evidence.facts["theorems"]["Odd.bad"]["statement"] == "{A : Type} (x : A) → x ≡ x"
