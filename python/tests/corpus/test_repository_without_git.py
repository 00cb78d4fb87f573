"""Sources without git, as in a Nix build: the commit is stated, the digest is computed from the files, doubts are said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from s30 import cli
from s30.corpus import repository
from s30.errors import S30Error
from s30.evidence import environment
from s30.layers.catalogue import LAYERS
from s30.record import telemetry
from s30.verdict.judge import judge

ROOT = Path(__file__).resolve().parents[3]
COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in ("S30_COMMIT", "S30_SOURCE_DIGEST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")


@pytest.fixture
def tracked(make_corpus, git_repository):
    """A repository with an executable file, a link to a folder, a name that is not ASCII, and files that git ignores."""
    root = make_corpus().root
    (root / "tool.sh").write_text("#!/bin/sh\n")
    (root / "tool.sh").chmod(0o755)
    (root / "Löwe.txt").write_text("Grüße\n")
    (root / "rooms").symlink_to("papers")
    (root / ".s30").mkdir()
    (root / ".s30" / "cache.bin").write_bytes(b"\0")
    git_repository(root)
    return root


@pytest.fixture
def bare(tracked, tmp_path):
    """The same files without the repository."""
    copy = tmp_path / "bare"
    shutil.copytree(tracked, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return copy


def stated(monkeypatch, root, commit=COMMIT, digest=None):
    monkeypatch.setenv("S30_COMMIT", commit)
    if digest:
        monkeypatch.setenv("S30_SOURCE_DIGEST", digest)
    return root


def test_the_digest_of_the_files_is_that_of_the_commit(tracked, bare, monkeypatch):
    wanted = repository.source_digest(tracked)
    assert repository.files_digest(bare) == wanted
    stated(monkeypatch, bare)
    assert repository.source_digest(bare) == wanted
    (bare / "tool.sh").chmod(0o644)
    assert repository.source_digest(bare) != wanted


def test_the_digest_agrees_for_this_project_too(tmp_path, monkeypatch):
    if not (ROOT / ".git").exists():
        pytest.skip("these sources came without git")
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", tmp_path], input=archive, check=True)
    wanted = repository.source_digest(ROOT)
    assert repository.source_digest(stated(monkeypatch, tmp_path)) == wanted


def test_the_record_and_ignored_files_leave_the_digest_alone(bare, monkeypatch):
    before = repository.source_digest(stated(monkeypatch, bare))
    (bare / "verification.yaml").write_text("outcome: passed\n")
    (bare / "papers" / "__pycache__").mkdir()
    (bare / "papers" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert repository.source_digest(bare) == before


def test_ignored_paths_are_read_as_git_reads_them(bare, git_repository):
    """`/name/` is a folder of the root, `/name` anything there, `a/name` a path, `name/` a folder anywhere."""
    (bare / ".gitignore").write_text(
        "# evidence result\n/evidence/\n\n/result\npapers/*.log\n__pycache__/\n*.py[cod]\n.s30/\n"
    )
    for name in (
        *(
            "evidence/a.json",
            "papers/evidence/kept.json",
            "result",
            "papers/result",
            "papers/x.log",
            "x.log",
            "evidence.md",
        ),
        *("papers/deep/x.log", "papers/__pycache__/x.txt", "deep/result", "x.pyc", "#"),
    ):
        (bare / name).parent.mkdir(parents=True, exist_ok=True)
        (bare / name).write_text("x\n")
    listed = git_repository(bare)("ls-files").split()
    assert "papers/evidence/kept.json" in listed
    assert "evidence/a.json" not in listed
    wanted = repository.source_digest(bare)
    shutil.rmtree(bare / ".git")
    assert repository.files_digest(bare) == wanted


def test_the_commit_is_the_stated_one_and_the_tree_is_clean(tracked, bare, monkeypatch):
    stated(monkeypatch, bare, digest=repository.source_digest(tracked))
    assert repository.head(bare) == COMMIT
    assert repository.changed_files(bare) == []


def test_sources_that_differ_from_the_stated_digest_are_dirty(tracked, bare, monkeypatch):
    stated(monkeypatch, bare, digest=repository.source_digest(tracked))
    (bare / "papers" / "01_affine" / "numpy_checks.py").write_text("x = 1\n")
    assert repository.changed_files(bare) == ["unnamed files: the sources differ from S30_SOURCE_DIGEST"]


def test_a_dirty_tree_is_said_to_be_dirty(bare, monkeypatch):
    stated(monkeypatch, bare, f"{COMMIT}-dirty")
    assert repository.head(bare) == COMMIT
    assert repository.changed_files(bare) == ["unnamed files: S30_COMMIT says that the tree was dirty"]


@pytest.mark.parametrize("commit", ["unknown", "abc", COMMIT.upper(), f"{COMMIT}\n"])
def test_what_names_no_commit_is_refused(bare, monkeypatch, commit):
    stated(monkeypatch, bare, commit)
    with pytest.raises(S30Error, match="names no commit"):
        repository.head(bare)


def test_git_wins_and_a_disagreement_is_an_error(tracked, monkeypatch):
    actual = repository.head(tracked)
    assert repository.head(stated(monkeypatch, tracked, actual)) == actual
    assert repository.stated(tracked) is None
    stated(monkeypatch, tracked)
    for ask in (repository.head, repository.changed_files, repository.source_digest):
        with pytest.raises(S30Error, match=f"S30_COMMIT={COMMIT}, but .* has commit {actual} checked out"):
            ask(tracked)


def test_without_git_and_without_a_stated_commit_git_says_so(bare):
    with pytest.raises(S30Error, match="not a git repository"):
        repository.head(bare)


def test_the_record_says_who_stated_the_commit_and_is_checked_in_the_repository(
    make_corpus, git_repository, results_of, tmp_path, monkeypatch
):
    corpus = make_corpus()
    git_repository(corpus.root)
    commit = repository.head(corpus.root)
    verification = judge(corpus, corpus.select([]), list(LAYERS), results_of(corpus.paper("01")), True)
    bare = tmp_path / "bare"
    shutil.copytree(corpus.root, bare, ignore=shutil.ignore_patterns(".git"))
    stated(monkeypatch, bare, commit)
    record = telemetry.assemble(bare, verification, "quick", 1.0, False)
    assert record["tree"] == {"state": "clean", "changed": [], "stated_by": "S30_COMMIT"}
    assert record["checked_commit"] == commit
    telemetry.write(record, bare / "verification.yaml")
    assert telemetry.check(bare, bare / "verification.yaml")[0] == "fresh"
    monkeypatch.delenv("S30_COMMIT")
    assert telemetry.check(corpus.root, bare / "verification.yaml")[0] == "fresh"
    # other sources under the same commit's name
    monkeypatch.setenv("S30_COMMIT", commit)
    (bare / "papers" / "01_affine" / "numpy_checks.py").write_text("x = 1\n")
    telemetry.write(telemetry.assemble(bare, verification, "quick", 1.0, False), bare / "verification.yaml")
    monkeypatch.delenv("S30_COMMIT")
    assert telemetry.check(corpus.root, bare / "verification.yaml")[0] == "tampered"


def test_a_dirty_stated_tree_is_refused_before_the_work(bare, monkeypatch, capsys):
    stated(monkeypatch, bare, f"{COMMIT}-dirty")
    monkeypatch.setenv("S30_ROOT", str(bare))
    assert cli.main(["verify", "--record", str(bare / "r.yaml")]) == 1
    assert "the tree is dirty" in capsys.readouterr().err
