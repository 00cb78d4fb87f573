"""Faults of what lies around the engine: other users' checkouts, hidden files, few characters, old programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus import repository
from s30.errors import S30Error, UsageError
from s30.evidence import environment
from s30.evidence.store import write_atomically
from s30.layers import catalogue
from s30.layers.catalogue import ENGINE, LAYERS


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one room's file and one engine file, and a function that runs git in it."""
    root = tmp_path / "checkout"
    (root / "papers/01_toy").mkdir(parents=True)
    (root / "papers/01_toy/numpy_checks.py").write_text("x = 1\n")
    (root / ".gitignore").write_text("hidden/\n")

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "one")
    assert repository.changed_files(root) == []
    return root, git


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_makes_a_tree_dirty(checkout, flag):
    root, git = checkout
    git("update-index", flag, "papers/01_toy/numpy_checks.py")
    (root / "papers/01_toy/numpy_checks.py").write_text("x = 2\n")
    assert repository.changed_files(root) == ["papers/01_toy/numpy_checks.py"]


def test_a_link_out_of_the_tree_makes_it_dirty(checkout):
    root, git = checkout
    (root / "papers/01_toy/inside.py").symlink_to("numpy_checks.py")
    (root / "papers/01_toy/outside.py").symlink_to(root.parent / "elsewhere.py")
    git("add", "--all")
    git("commit", "--quiet", "--message", "two")
    assert repository.changed_files(root) == ["papers/01_toy/outside.py (a link out of the tree)"]


@pytest.mark.parametrize("folder", ["hidden", "_build"])
def test_a_source_that_gitignore_hides_makes_a_tree_dirty(checkout, folder):
    root, _ = checkout
    (root / ".git" / "info" / "exclude").write_text(f"{folder}/\n")
    (root / "papers/01_toy" / folder).mkdir()
    (root / "papers/01_toy" / folder / "helper.py").write_text("x = 3\n")
    (root / "papers/01_toy" / folder / "notes.txt").write_text("read by nobody\n")
    assert repository.changed_files(root) == [f"papers/01_toy/{folder}/helper.py"]


def test_another_users_checkout_is_told_with_its_remedy(checkout, monkeypatch):
    root, _ = checkout
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(root, 12345, 12345)
    os.chown(root / ".git", 12345, 12345)
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.delenv("SUDO_UID", raising=False)
    with pytest.raises(S30Error, match=r"belongs to another user, and git does not trust it: `git config --global"):
        repository.head(root)


def test_without_git_the_remedy_is_told(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(S30Error, match=r"git cannot be run .*: install it"):
        repository.head(checkout[0])


def test_without_a_home_libraries_are_looked_for_all_the_same(monkeypatch):
    monkeypatch.delenv("S30_CUBICAL", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # what it does for a user without an entry
    environment.find_provider(Path("/somewhere"))


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Makes a program pass for Agda."""

    def make(version: str) -> str:
        path = tmp_path / "agda"
        path.write_text(f"#!/bin/sh\necho Agda version {version}\n")
        path.chmod(0o755)
        environment.find_agda.cache_clear()
        environment.agda_version.cache_clear()
        monkeypatch.setenv("S30_AGDA", str(path))
        return str(path)

    yield make
    environment.find_agda.cache_clear()
    environment.agda_version.cache_clear()


@pytest.mark.parametrize(("version", "fits"), [("2.6.4.3", False), ("2.7.0", True), ("2.8.0", True), ("2.10.0", True)])
def test_an_agda_that_is_too_old_is_not_run_and_the_versions_that_work_are_told(program, version, fits):
    path = program(version)
    told = catalogue.missing(LAYERS["agda"])
    assert told == (
        None if fits else f"{path} is Agda {version}, which is too old; what works: {environment.AGDA_PAIRS}"
    )


@pytest.mark.parametrize(("wrong", "meant"), [("pytorch", "torch"), ("Cubical Agda", "agda"), ("jaxx", "jax")])
def test_a_layer_by_another_name_is_suggested(wrong, meant):
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        catalogue.get(wrong)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_of_few_characters_loses_nothing_and_ends_in_no_traceback(corpus, encoding):
    environ = os.environ | {
        "S30_ROOT": str(corpus.root),
        "PYTHONPATH": str(ENGINE.parent),
        "PYTHONIOENCODING": encoding,
    }
    command = [sys.executable, "-m", "s30.cli", "show", "01"]
    shown = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stderr
    assert b"Traceback" not in shown.stderr
    done = subprocess.run([*command, "--json"], env=environ, capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout.decode(encoding))["id"] == "01"


@pytest.mark.parametrize("make", [lambda p: os.mkfifo(p), lambda p: p.symlink_to("other"), Path.mkdir])
def test_what_is_no_plain_file_is_not_replaced(tmp_path, make):
    path = tmp_path / "record.yaml"
    make(path)
    with pytest.raises(S30Error, match="it is no plain file; choose another name"):
        write_atomically(path, b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["record.yaml"]


def test_what_judges_sees_nothing_of_the_users_python(make_corpus, tmp_path):
    """A `sitecustomize` is met by the interpreter that is started, not by the process that goes on, nor is a NumPy that breaks."""
    corpus = make_corpus()
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise RuntimeError('broken')")
    (tmp_path / "sitecustomize.py").write_text(f"open({str(tmp_path / 'met')!r}, 'a').write('x')")
    done = subprocess.run(
        [sys.executable, "-m", "s30.cli", "show", "01", "--json"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ENGINE.parent}", "S30_ROOT": str(corpus.root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "01"
    assert (tmp_path / "met").read_text() == "x"
