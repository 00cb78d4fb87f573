"""The Containerfile's steps are ones that ci/check_container.py can run, and the user is not root when `make setup` runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus.registry import load_file

ROOT = Path(__file__).resolve().parents[3]
checker = load_file(ROOT / "ci" / "check_container.py")


def test_the_containerfile_sets_up_as_a_user_who_is_not_root():
    steps = checker.steps((ROOT / "Containerfile").read_text())
    assert steps.index(("RUN", "make setup")) > steps.index(("USER", "s30"))
    assert steps[-1] == ("CMD", '["make", "verify"]')
    assert [rest for word, rest in steps if word == "USER"] == ["s30"]


DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_the_base_is_pinned_by_its_digest():
    steps = checker.steps((ROOT / "Containerfile").read_text())
    assert checker.suite(steps) == "bookworm"
    assert re.fullmatch(r"debian:bookworm-\d{8}-slim@sha256:[0-9a-f]{64} AS system", steps[0][1])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("FROM debian:bookworm-slim", "a tag alone may move"),
        ("FROM debian:bookworm-20260918-slim", "a tag alone may move"),
        (f"FROM debian:bookworm-slim@{DIGEST}", "not debian:SUITE-DATE-slim"),
        (f"FROM debian:bookworm-20260918-slim@{DIGEST[:-1]}", "a tag alone may move"),
        (f"FROM debian:bookworm-20260918-slim@{DIGEST} AS a\nFROM b", "begins with none of a"),
        ("RUN true", "first step must be FROM"),
        ("", "first step must be FROM"),
    ],
)
def test_a_base_without_its_digest_is_refused(text, complaint):
    with pytest.raises(SystemExit, match=complaint):
        checker.suite(checker.steps(text))


def test_the_commit_is_stated_since_there_is_no_git_in_the_image():
    steps = checker.steps((ROOT / "Containerfile").read_text())
    assert (
        steps.index(("ENV", "S30_COMMIT=$S30_COMMIT"))
        > steps.index(("ARG", "S30_COMMIT="))
        > steps.index(("RUN", "make setup"))
    )
    assert ".git" in (ROOT / ".dockerignore").read_text().split()


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs git")
def test_the_commit_that_is_stated_says_when_the_tree_is_dirty(tmp_path, monkeypatch, git_repository):
    (tmp_path / "file").write_text("one")
    head = git_repository(tmp_path)("rev-parse", "HEAD").strip()
    monkeypatch.setattr(checker, "ROOT", tmp_path)
    assert checker.described() == head
    (tmp_path / "file").write_text("two")
    assert checker.described() == f"{head}-dirty"


@pytest.mark.parametrize(("said", "code"), [("fresh: it is", 0), ("stale: it is", 0), ("error: git ls-tree", 1)])
def test_an_image_that_does_not_know_its_commit_fails(monkeypatch, tmp_path, capfd, said, code):
    given = {}

    def chroot(command, env, **_):
        given.update({key: value for key, value in env.items() if key.startswith("S30_")})
        return subprocess.CompletedProcess(command, 0, said if "telemetry" in command[-1] else "")

    monkeypatch.setattr(checker.subprocess, "run", chroot)
    monkeypatch.setenv("S30_COMMIT", "a" * 40)
    steps = [("USER", "s30"), ("ARG", "S30_COMMIT="), ("ENV", "S30_COMMIT=$S30_COMMIT"), ("RUN", "true")]
    assert checker.perform(tmp_path, steps) == code
    assert given == {"S30_COMMIT": "a" * 40}
    assert ("does not know its commit" in capfd.readouterr().err) == bool(code)


def test_nothing_that_git_ignores_goes_into_the_image():
    """By the one name that Docker reads. A copied .venv would pass for one that was set up there."""
    left_out = checker.ignored((ROOT / ".dockerignore").read_text())
    assert left_out.fullmatch(".git")
    for line in (ROOT / ".gitignore").read_text().split():
        path = line.strip("/").replace("*", "x").replace("[cod]", "c")
        for place in (
            [path] if line.startswith("/") or line[:-1] in (".venv", ".s30", ".nox") else [path, f"python/{path}"]
        ):
            assert left_out.fullmatch(place), f".dockerignore does not leave out {place}"
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert [name for name in listing.split("\0") if left_out.fullmatch(name)] == []
    assert not (ROOT / ".containerignore").exists(), "Podman would read that one instead"


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("a", "a", "b/a"),
        ("**/a", "b/c/a", "ba"),
        ("**/*.py[cod]", "b/x.pyc", "b/x.py"),
        ("/a/*", "a/b", "a/b/c"),
        ("a?", "ab", "a/"),
    ],
)
def test_the_ignore_file_is_read_as_docker_reads_it(pattern, inside, outside):
    assert checker.ignored(f"# of a\n\n{pattern}\n").fullmatch(inside)
    assert not checker.ignored(pattern).fullmatch(outside)


@pytest.mark.parametrize("line", ["!a", "a/**"])
def test_an_ignore_file_that_cannot_be_read_is_refused(line):
    with pytest.raises(SystemExit, match=r"^\.dockerignore:2: ci/check_container\.py cannot read "):
        checker.ignored(f"a\n{line}\n")


def test_copy_brings_all_but_the_ignored_and_owns_what_it_brings_alone(tmp_path, monkeypatch):
    source, new = tmp_path / "source", tmp_path / "new"
    for name in (
        ".venv/bin/python",
        ".git/HEAD",
        "evidence/x",
        "python/s30/a.py",
        "python/s30/__pycache__/a.pyc",
        "Makefile",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    shutil.copy(ROOT / ".dockerignore", source)
    (new / "etc").mkdir(parents=True)
    (new / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\ns30:x:1000:1001::/home/s30:/bin/sh\n")
    (new / "etc" / "group").write_text("root:x:0:\ns30:x:1001:\n")
    owned = {}
    monkeypatch.setattr(checker, "ROOT", source)
    monkeypatch.setattr(checker.os, "lchown", lambda path, *numbers: owned.update({str(path): numbers}))
    monkeypatch.setattr(checker, "run", lambda *_: 0)
    steps = [("WORKDIR", "/there"), ("COPY", "--chown=s30:s30 . ."), ("USER", "s30")]
    assert checker.perform(new, steps) == 0
    brought = {str(path.relative_to(new / "there")) for path in (new / "there").rglob("*")}
    assert brought == {".dockerignore", "Makefile", "python", "python/s30", "python/s30/a.py"}
    assert owned == {str(new / "there" / name): (1000, 1001) for name in brought}
    with pytest.raises(SystemExit, match=r"no nobody in /etc/passwd by then$"):
        checker.identity(new, "nobody:s30")


def test_the_folder_is_the_users_before_anything_is_copied_into_it():
    steps = checker.steps((ROOT / "Containerfile").read_text())
    folder = dict(steps)["WORKDIR"]
    made = next(
        n for n, (word, rest) in enumerate(steps) if word == "RUN" and f"--owner=s30 --group=s30 {folder}" in rest
    )
    assert made < steps.index(("WORKDIR", folder))


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
