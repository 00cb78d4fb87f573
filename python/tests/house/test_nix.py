"""ci/check_nix.py accepts this flake and refuses each kind of mistake in it, with a line that names the mistake."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus.registry import load_file

ROOT = Path(__file__).resolve().parents[3]
OTHER = "0123456789" * 4
needs_nix = pytest.mark.skipif(
    not all(map(shutil.which, ("nix", "git", "bash"))) or not (ROOT / ".git").exists(), reason="needs Nix and git"
)


@pytest.fixture
def flake(tmp_path):
    """The flake and what it reads, in a repository of their own."""
    root = tmp_path / "flake"
    root.mkdir()
    for name in ("nix", "requirements"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("flake.nix", "flake.lock", "papers.yaml", "README.md"):
        shutil.copy(ROOT / name, root)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def check(root):
    done = subprocess.run(
        [sys.executable, ROOT / "ci" / "check_nix.py", root, "--no-build"], capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@needs_nix
def test_this_flake_is_right(flake):
    code, said = check(flake)
    assert code == 0, said
    assert "77 outputs of 3 systems" in said
    assert "not built, not checked against the real nixpkgs" in said


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("flake.nix", "21a67dc470149f337cecafbe965d8d252a390518", OTHER, f"but flake.nix names revision {OTHER}"),
        ("flake.nix", "/21a67dc470149f337cecafbe965d8d252a390518", "/nixos-26.05", "not pinned to a full revision"),
        ("flake.lock", '"version": 7', '"version": 6', "needs version 7"),
        ("flake.lock", '"narHash": "sha256-', '"narHash": "', "needs a narHash"),
        ("flake.lock", "{", "[", "not a lock of nixpkgs"),
    ],
)
def test_a_lock_that_does_not_fit_is_refused_without_nix(flake, file, old, new, complaint):
    edit(flake / file, old, new)
    code, said = check(flake)
    assert code == 1
    assert complaint in said


def test_a_lock_of_another_revision_is_refused(flake):
    lock = (flake / "flake.lock").read_text()
    first, pin, rest = lock.partition("21a67dc470149f337cecafbe965d8d252a390518")
    assert pin
    (flake / "flake.lock").write_text(first + OTHER + rest)
    assert check(flake) == (1, f"nix: flake.lock: it locks {OTHER}, but flake.nix names revision {pin}\n")


@needs_nix
@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("nix/shells.nix", "pkgs.mkShell {", "pkgs.mkShell {{", "syntax error"),
        ("nix/shells.nix", "pkgs.gnumake", "pkgs.cmake", "attribute 'cmake' missing"),
        ("nix/default.nix", "pkgs.nixfmt-tree", "pkgs.nixfmt-treee", "formatter."),
        ("requirements/lock.in", "sympy  ", "leftpad\nsympy  ", "names leftpad, which python3Packages lacks"),
        ("nix/container.nix", "tag = revision;", "label = revision;", "packages.aarch64-linux.container"),
        ("nix/container.nix", '"org.opencontainers.image.revision" = revision;', "", "container does not name its revision"),
        ("nix/measured.nix", "  S30_COMMIT = revision;", "", "packages.x86_64-linux.verification does not name"),
        ("nix/s30.nix", "-${revision}}", "-}", "packages.x86_64-linux.s30 does not name its revision"),
        ("nix/measured.nix", '"papers.yaml"', '"README.md"', "is built anew by a commit that changes README.md alone"),
        ("nix/measured.nix", "status=0\n", "status=0; if\n", "does not parse"),
        ("nix/measured.nix", " --cached --record", " --record", "s30-verification measures again what is at hand: s30 verify"),
        ("nix/measured.nix", ' ++ map experiments [ "torch" "jax" ]', "", "other evidence than ci/nix_rehearsal.py expects"),
        ("nix/measured.nix", '[ ] else [ (evidence "numpy") ]', "[ ] else [ ]", "s30-evidence-sympy begins with nothing"),
        ("nix/measured.nix", "        (evidence layer)\n", "", "s30-experiments-torch begins with s30-evidence-numpy, not"),
        ("nix/measured.nix", "$S30_CACHE\") known)}", "$TMPDIR\") known)}", "begins with nothing"),
        ("nix/default.nix", 'reproduce = app "reproduce" "reproduce";', "", "apps.x86_64-linux.reproduce"),
        ("nix/default.nix", "then\n      {\n        container", "then\n      {\n        image", "packages.x86_64-linux.image"),
        ("nix/tests/stub/attributes.txt", "\nruff ", "\nripgrep  pkgs/x\nruff ", "nothing asks for: ripgrep"),
        ("nix/tests/stub/attributes.txt", "pkgs/by-name/ru/ruff/package.nix", "", "needs `attribute  file of nixpkgs"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_flake_is_named(flake, file, old, new, complaint):
    edit(flake / file, old, new)
    code, said = check(flake)
    assert code == 1, said
    assert complaint in said


@needs_nix
def test_the_digest_of_the_sources_is_computed_by_a_python_that_has_what_the_engine_imports(flake, tmp_path, checker):
    """The builder runs, with the packages that every environment has: those that requirements/lock.in gives no tag."""
    shutil.copytree(ROOT / "python" / "s30", flake / "python" / "s30", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".gitignore", flake)
    nix = checker.Nix(tmp_path / "nix", tmp_path / "source")
    checker.copy(flake, nix.source)
    nix.lock_stub()
    behind = nix.derivations([nix.flake("eval", "--raw", "#packages.x86_64-linux.s30.drvPath")])
    builder = next(d for d in behind.values() if d["env"]["name"] == "s30-source-digest")
    python = next(d["env"] for name, d in behind.items() if name in builder["inputDrvs"] and "python3" in name)
    assert {"numpy", "pyyaml", "jsonschema"} <= {path.rpartition(".")[2] for path in python["paths"].split()}
    given = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "out": str(tmp_path / "out")}
    subprocess.run(["bash", "-euc", builder["env"]["script"]], env=given, check=True)
    listing = subprocess.run(["git", "ls-tree", "-rz", "HEAD"], cwd=nix.source, capture_output=True, text=True).stdout
    sources = "\n".join(sorted(line for line in listing.split("\0") if line))
    assert (tmp_path / "out").read_text().strip() == hashlib.sha256(sources.encode()).hexdigest()


@pytest.fixture
def checker(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "ci")
    return load_file(ROOT / "ci" / "check_nix.py")


def test_without_nix_the_check_says_that_it_did_not_run(checker, monkeypatch, capsys):
    monkeypatch.setattr(checker.shutil, "which", lambda _: None)
    assert checker.main([str(ROOT)]) == checker.SKIPPED
    assert capsys.readouterr().out.splitlines()[-1].startswith("skipped: no `nix` here")


@needs_nix
def test_a_shallow_clone_can_be_read_and_what_cannot_is_named(flake, tmp_path, checker, git_repository):
    git = git_repository(flake)
    git("commit", "--allow-empty", "-qm", "another")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{flake}", str(shallow)], check=True)
    assert (shallow / ".git" / "shallow").is_file()
    environment = checker.Nix(tmp_path / "nix", shallow).environment
    checker.read(checker.checkout(shallow), environment)
    edit(shallow / "flake.nix", "outputs =", "outputs = =")
    with pytest.raises(checker.WrongError, match=r"^Nix cannot read this checkout: error: syntax error"):
        checker.read(checker.checkout(shallow), environment)


def test_nixpkgs_that_cannot_be_fetched_is_a_note_and_another_fault_is_none(checker, monkeypatch, capsys):
    faulty = ["archive"]

    def nix(command, **_):
        said = "error: unable to download\n         'https://example.org'"
        return subprocess.CompletedProcess(command, int(faulty[0] in command), "", said)

    monkeypatch.setattr(checker.subprocess, "run", nix)
    checker.build(ROOT, "2.30.1")
    assert capsys.readouterr().out == (
        "not built, not checked against the real nixpkgs, which cannot be had here: "
        "error: unable to download 'https://example.org'\n"
    )
    for faulty[0], said in (
        ("metadata", "^Nix cannot read this checkout: error: "),
        ("check", "^nix flake check failed"),
    ):
        with pytest.raises(checker.WrongError, match=said):
            checker.build(ROOT, "2.30.1")


def test_an_old_nix_builds_nothing_and_says_so(checker, capsys):
    checker.build(ROOT, "2.8.0")
    assert capsys.readouterr().out == (
        "not built, not checked against the real nixpkgs: it needs Nix 2.18, this is 2.8.0\n"
    )
