"""The Containerfile's steps are ones that ci/check_container.py can run, and the user is not root when `make setup` runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus import load_file

ROOT = Path(__file__).resolve().parents[2]
checker = load_file(ROOT / "ci" / "check_container.py")


def test_the_containerfile_sets_up_as_a_user_who_is_not_root():
    steps = checker.steps((ROOT / "Containerfile").read_text())
    assert re.fullmatch("debian:[a-z]+-slim", dict(steps)["FROM"])
    assert steps.index(("RUN", "make setup")) > steps.index(("USER", "s30"))
    assert steps[-1] == ("CMD", '["make", "verify"]')
    assert [rest for word, rest in steps if word == "USER"] == ["s30"]


@pytest.mark.parametrize("line", ["HEALTHCHECK NONE", "RUN true \\"])
def test_a_step_that_cannot_be_run_is_refused(line):
    with pytest.raises(SystemExit, match=r"Containerfile:2: .* cannot run"):
        checker.steps(f"FROM debian:bookworm-slim\n{line}\n")


def test_without_root_the_check_says_that_it_did_not_run(monkeypatch, capsys):
    monkeypatch.setattr(checker.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["check_container.py"])
    assert checker.main() == checker.SKIPPED
    assert "were not run: debootstrap and chroot need root" in capsys.readouterr().out


def test_a_step_that_fails_ends_the_check(monkeypatch, tmp_path, capfd):
    ran = []

    def chroot(command, **_):
        ran.append(command[-1])
        return subprocess.CompletedProcess(command, int("false" in command[-1]))

    monkeypatch.setattr(checker.subprocess, "run", chroot)
    assert checker.perform(tmp_path, [("RUN", "true"), ("RUN", "false"), ("RUN", "make setup")]) == 1
    assert ran == ["cd / && true", "cd / && false"]
    assert "step failed: RUN false" in capfd.readouterr().err
    assert checker.perform(tmp_path, [("RUN", "true")]) == 1, "the user is still root"
    assert checker.perform(tmp_path, [("USER", "s30"), ("RUN", "true")]) == 0
