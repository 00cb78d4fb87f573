"""A new room is a filled-in copy of the template, whole or absent, and the registry stays readable."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s30.cli import scaffold
from s30.cli.scaffold import new_room
from s30.corpus import reach
from s30.corpus.registry import load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.layers.catalogue import ENGINE
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep
from s30.verdict.claims import check_claims
from s30.verdict.judge import judge

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def templated(make_corpus):
    corpus = make_corpus({"01_affine": {}, "02_set_to_set": None})
    template = corpus.root / "papers" / "TEMPLATE"
    for name, text in {
        "README.md": "# __NN__ __TITLE__\n\n<__LINK__> in papers/__NN_SLUG__\n",
        "cubical-agda/__Template__.agda": "module __Template__ where\n",
        "tests/test___SLUG__.py": "def test___SLUG__() -> None: ...\n",
        "__pycache__/junk.pyc": "junk",
    }.items():
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(text)
    return corpus


def files(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_registered_paper_gets_a_room_with_its_own_names(templated):
    folder = new_room(templated, "2", None)
    assert folder == templated.root / "papers" / "02_set_to_set"
    assert files(folder) == {
        "README.md": "# 02 Toy 02\n\n<https://example.org/toy> in papers/02_set_to_set\n",
        "cubical-agda/SetToSet.agda": "module SetToSet where\n",
        "tests/test_set_to_set.py": "def test_set_to_set() -> None: ...\n",
    }
    assert sorted(p.name for p in folder.parent.iterdir()) == ["01_affine", "02_set_to_set", "TEMPLATE"]


def test_a_new_number_joins_the_registry(templated):
    before = (templated.root / "papers.yaml").read_text()
    folder = new_room(templated, "31", "my_paper")
    assert folder.name == "31_my_paper"
    assert (templated.root / "papers.yaml").read_text().startswith(before)
    paper = load_corpus(templated.root).paper("my_paper")
    assert (paper.id, paper.order, paper.build_order, paper.title) == ("31", 3, 3, "my paper")


@pytest.mark.parametrize(
    ("name", "slug", "words"),
    [
        ("1", None, "01_affine exists already"),
        ("2", "other", "paper 02 is in papers.yaml already, with the slug set_to_set"),
        ("31", None, "give a number of two digits and a slug"),
        ("nothing", "my_paper", "give a number of two digits and a slug"),
        ("131", "my_paper", "give a number of two digits and a slug"),
        ("31", "My-Paper", "papers.yaml would not take this entry"),
        ("31", "../escape", "papers.yaml would not take this entry"),
        ("31", "set_to_set", "the slug 'set_to_set' is taken: 02 has it"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_and_changes_nothing(templated, name, slug, words):
    before = files(templated.root)
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        new_room(templated, name, slug)
    assert files(templated.root) == before


def test_without_a_template_nothing_is_registered(make_corpus):
    corpus = make_corpus()
    before = files(corpus.root)
    with pytest.raises(S30Error, match="TEMPLATE is missing, so there is nothing to copy"):
        new_room(corpus, "31", "my_paper")
    assert files(corpus.root) == before


def test_a_registry_laid_out_otherwise_is_left_alone(templated):
    path = templated.root / "papers.yaml"
    path.write_text("\n".join(line.removeprefix("  ") for line in path.read_text().splitlines()) + "\n")
    before = path.read_text()
    corpus = load_corpus(templated.root)
    with pytest.raises(S30Error, match="indented by two spaces"):
        new_room(corpus, "31", "my_paper")
    assert path.read_text() == before


def test_a_folder_that_takes_no_room_is_one_error_and_nothing_half_made_is_left(templated):
    (templated.root / "papers" / "TEMPLATE" / "zz.md").write_bytes("Grüße".encode("latin-1"))
    before = sorted(templated.root.rglob("*")), (templated.root / "papers.yaml").read_text()
    with pytest.raises(S30Error, match=r"zz\.md:1: cannot be read: it is not UTF-8"):
        new_room(templated, "31", "my_paper")
    assert (sorted(templated.root.rglob("*")), (templated.root / "papers.yaml").read_text()) == before
    (templated.root / "papers" / "TEMPLATE" / "zz.md").unlink()
    blocker = templated.root / "papers" / ".02_set_to_set.new"
    blocker.write_text("")
    with pytest.raises(S30Error, match=r"cannot write .*: (File exists|Not a directory)"):
        new_room(templated, "2", None)
    blocker.unlink()
    assert new_room(templated, "2", None).is_dir()


def test_a_read_only_repository_is_one_line(templated):
    mount = f"mount --bind {templated.root} {templated.root} && mount -o remount,bind,ro {templated.root}"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("this user may not mount a folder read-only (unshare -m)")
    before = files(templated.root)
    script = f'{mount} && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", "s30.cli", "new"]
    environ = os.environ | {"S30_ROOT": str(templated.root), "PYTHONPATH": str(ENGINE.parent)}
    for arguments in (["2"], ["31", "my_paper"]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environ, timeout=120)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"error: cannot write {templated.root / 'papers'}/")
        assert "Read-only file system" in line
    assert files(templated.root) == before


def test_the_rooms_of_all_papers_to_come_are_in_order(tmp_path):
    """Whatever the length of a title or an address, ruff has nothing to say."""
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    for name in ("papers.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "papers" / "TEMPLATE", tmp_path / "papers" / "TEMPLATE")
    (tmp_path / "python").symlink_to(ENGINE.parent)  # by which ruff knows the engine's imports from foreign ones
    corpus = load_corpus(tmp_path)
    for paper in corpus.papers:
        new_room(corpus, paper.id, None)
    for check in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "papers"], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.torch
def test_a_new_room_runs_as_it_is_and_says_what_is_still_to_do(tmp_path):
    """Its affine map agrees in NumPy and PyTorch, trains, and is reached line by line."""
    for name in ("papers.yaml", "waivers.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "papers" / "TEMPLATE", tmp_path / "papers" / "TEMPLATE")
    corpus = load_corpus(tmp_path)
    new_room(corpus, "07", None)
    slots = slots_for([corpus.paper("07")], ["numpy", "torch"], True)
    results = sweep(slots, Options(tmp_path, tmp_path / "cache"), lambda _: None)
    assert [evidence.error for evidence in results.values()] == [""] * 3
    (verdict,) = judge(corpus, [corpus.paper("07")], ["numpy", "torch"], results, True).papers
    assert [check.message for check in verdict.checks if check.outcome is Outcome.FAILED] == []
    missed = reach.unreached(evidence.facts for evidence in results.values())
    assert missed == dict.fromkeys(missed, "")
    assert {"numpy_checks.py", "variants.py", "oracles.py", "task.py", "torch/model.py", "torch/experiment.py"} <= {
        *missed
    }
    (claim,) = verdict.claims or check_claims(corpus.paper("07"), verdict.checks, verdict.experiments)
    assert [finding.outcome for finding in claim.findings if finding.subject.startswith("torch")] == ["passed"] * 2


def test_an_interrupted_copy_leaves_no_room_and_can_be_repeated(templated, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(scaffold, "_filled", lambda text, words: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            new_room(templated, "2", None)
    assert sorted(p.name for p in (templated.root / "papers").iterdir()) == ["01_affine", "TEMPLATE"]
    assert new_room(templated, "2", None).is_dir()
