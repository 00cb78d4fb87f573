"""The shell scripts of ci/, each in a folder of its own, with stand-ins for the programs that it calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ("bash", "cat", "date", "dirname", "env", "git", "grep", "make", "mkdir", "rm", "sed", "sh", "touch", "tr")


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the scripts and no .venv; `program` puts a stand-in on its PATH, which has little else; `run` runs a
    command there and returns its exit code and what it said."""
    root, programs = tmp_path / "checkout", tmp_path / "bin"
    for name in ("ci", ".ci"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "noxfile.py"):
        shutil.copy(ROOT / name, root)
    programs.mkdir()
    for name in LOCAL:
        if found := shutil.which(name):
            (programs / name).symlink_to(found)

    def program(name: str, script: str) -> None:
        (programs / name).unlink(missing_ok=True)
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    def run(*command: str, **variables: str) -> tuple[int, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "GIT_"))}
        kept = {k: v for k, v in kept.items() if k not in ("CI", "IN_NIX_SHELL", "PAPER", "ARGS")}
        env = kept | {"PATH": str(programs)} | variables
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return SimpleNamespace(root=root, program=program, run=run, log=tmp_path / "log")


# The record, measured again


@pytest.fixture
def recorded(checkout, git_repository):
    """The checkout as a repository whose record names its first commit, with an s30 that ends as STATUS says."""
    head = git_repository(checkout.root)("rev-parse", "HEAD").strip()
    (checkout.root / "verification.yaml").write_text(f"outcome: passed\nchecked_commit: {head}\n")
    git_repository(checkout.root)
    checkout.program("s30", f'echo "$*" >>{checkout.log}; echo said; exit "$STATUS"')
    checkout.program("unshare", "exit 0")
    return checkout


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_record_that_does_not_come_back_is_a_failure(recorded, status):
    assert recorded.run("bash", "ci/reproduce.sh", "--paper", "26", STATUS=str(status)) == (status, "said\n")
    assert recorded.log.read_text() == "reproduce --offline --paper 26\n"


@pytest.mark.parametrize("lacking", ["record", "commit", "unshare"])
def test_a_record_that_cannot_be_measured_again_here_is_a_note(recorded, git_repository, lacking):
    record = recorded.root / "verification.yaml"
    if lacking == "record":
        record.write_text(record.read_text() + "\n")
        why = "verification.yaml is in no commit as it stands"
    elif lacking == "commit":
        record.write_text(f"checked_commit: '{'0123456789' * 4}'\n")
        git_repository(recorded.root)
        why = f"its commit {'0123456789' * 4} is not in this clone (git fetch --unshallow brings the whole history)"
    else:
        recorded.program("unshare", "echo unshare: not permitted >&2; exit 1")
        why = "unshare is not allowed here, so that the network stays open"
    assert recorded.run("bash", "ci/reproduce.sh", STATUS="1") == (0, f"note: the record was not reproduced: {why}\n")
    assert not recorded.log.exists()


@pytest.mark.parametrize(
    ("target", "status"), [("nothing", 0), ("reproduce", 1), ("verify", 1), ("test", 1), ("telemetry", 0)]
)
def test_what_ci_runs_fails_with_each_of_its_steps_but_a_record_that_is_not_fresh(checkout, target, status):
    checkout.program("make", f'echo "$*" >>{checkout.log}; [ "$1" != {target} ]')
    checkout.program("git", "exit 0")
    assert checkout.run("bash", ".ci/run")[0] == status
    assert "reproduce PAPER=26" in checkout.log.read_text().splitlines()


# Inside a Nix shell


@pytest.mark.skipif(not Path("/usr/bin/env").exists(), reason="make calls the scripts by their first line")
def test_in_a_nix_shell_nothing_is_installed_and_make_takes_what_is_there(checkout):
    for name in ("python", "s30", "nox"):
        checkout.program(name, f'echo "{name} $*" >>{checkout.log}')
    code, said = checkout.run("make", "verify", "lint", "test", IN_NIX_SHELL="impure")
    assert code == 0, said
    assert said == "setup: nothing to do in a Nix shell, which holds everything\n"
    assert checkout.log.read_text().splitlines() == [
        "s30 verify",
        "nox --no-venv -s lint workflows",
        "python ci/run_tests.py --no-mutants",
    ]
    assert checkout.run("make", "session", SESSION="torch", ARGS="--fresh", IN_NIX_SHELL="pure")[0] == 0
    assert checkout.log.read_text().splitlines()[-1] == "nox --session torch -- --fresh"
    assert not {".venv", ".nox", ".s30"} & {path.name for path in checkout.root.iterdir()}


def test_another_projects_nix_shell_is_named(checkout):
    code, said = checkout.run("bash", "ci/setup.sh", IN_NIX_SHELL="impure")
    assert code == 1
    assert said == "setup: this Nix shell has no python: enter the project's own (nix develop), or leave it\n"


# libLLVM


@pytest.mark.parametrize(
    ("user", "variables", "calls"),
    [
        ("0", {}, ["install"]),
        ("1000", {"CI": "true"}, ["sudo", "sudo", "install"]),  # once to see whether it may
        ("1000", {}, []),
    ],
)
def test_a_session_gets_libllvm_where_packages_may_be_installed(checkout, user, variables, calls):
    there = checkout.root / "libLLVM"
    checkout.program("python", f"[ -e {there} ]")
    checkout.program("id", f"echo {user}")
    checkout.program("sudo", f'echo sudo >>{checkout.log}; shift; exec "$@"')
    checkout.program("true", "exit 0")
    checkout.program("apt-get", f"echo $1 >>{checkout.log}; touch {there}")
    code, said = checkout.run("bash", "ci/setup.sh", "llvm", "python", **variables)
    assert code == 0, said  # without it the layer is not_run, and says so itself
    assert (checkout.log.read_text().split() if calls else []) == calls
    assert there.exists() == bool(calls)
    assert ("no libLLVM 16 to 21 found" in said) != bool(calls)
    assert checkout.run("bash", "ci/setup.sh", "llvm", "python", **variables)[0] == 0
    assert (checkout.log.read_text().split() if calls else []) == calls, "what is there is not installed again"
