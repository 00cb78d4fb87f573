"""What the README and the locks promise is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from s30.cli import entry  # noqa: F401 - its commands are added to the application
from s30.cli.app import app, telemetry_app
from s30.corpus import documents
from s30.corpus.registry import load_corpus
from s30.layers.catalogue import LAYERS

ROOT = Path(__file__).resolve().parents[3]
SHARED = ("README.md", "CONTRIBUTING.md", "agda/README.md")


def locked() -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "lock.txt").read_text(), re.MULTILINE))


def wanted() -> set[str]:
    lines = (ROOT / "requirements" / "lock.in").read_text().splitlines()
    return {re.match(r"[\w.-]+", line)[0].lower() for line in lines if line and not line.startswith("#")}


def subset(*tags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "ci" / "subset.py", *tags], capture_output=True, text=True)


def test_the_registry_holds_the_thirty_papers_in_both_orders() -> None:
    papers = load_corpus(ROOT).papers
    assert [p.id for p in papers] == [f"{n:02d}" for n in range(1, 31)]
    assert [p.order for p in papers] == list(range(1, 31))
    assert sorted(p.build_order for p in papers) == list(range(1, 31))


def test_every_requirement_is_locked_with_hashes() -> None:
    text = (ROOT / "requirements" / "lock.txt").read_text()
    assert wanted() <= locked()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert re.fullmatch(r"torch==[\d.]+\n", (ROOT / "requirements" / "torch.txt").read_text())


@pytest.mark.parametrize("tag", [name for name in LAYERS if name != "numpy"])
def test_a_layers_subset_holds_its_framework_and_no_other(tag: str) -> None:
    names = set(re.findall(r"^([a-z0-9._-]+)==", subset(tag).stdout, re.MULTILINE))
    assert {"numpy", "pytest", "pyyaml"} <= names
    others = {"jax", "tinygrad", "agda", "sympy"} - {tag} - ({"sympy"} if tag == "torch" else set())
    assert not names & others
    assert tag == "torch" or tag in names
    assert "cuda" not in " ".join(names)


def test_an_unknown_tag_is_refused() -> None:
    answer = subset("pascal")
    assert answer.returncode != 0
    assert "no tag pascal" in answer.stderr


@pytest.mark.parametrize("name", SHARED)
def test_commands_that_a_page_names_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands} | {"telemetry"}
    parts = {c.name for c in telemetry_app.registered_commands}
    code = re.findall(r"`([^`]+)`", text) + re.findall(r"^    (\S.+)$", text, re.MULTILINE)

    def named(command: str) -> set[str]:
        return {match[1] for line in code if (match := re.match(rf"(?:\w+=\S+ )*{command} ([a-z-]+)", line))}

    assert named("make") <= targets
    assert named("s30") <= commands
    assert named("s30 telemetry") <= parts
    assert name != "README.md" or {"verify", "test"} <= named("make")


def test_links_of_the_pages_lead_somewhere() -> None:
    rooms = [paper.folder for paper in load_corpus(ROOT).papers if paper.built]  # a draft's figures are yet to be drawn
    pages = [ROOT / name for name in SHARED] + [page for room in rooms for page in room.glob("*.md")]
    dead = []
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in link and not (page.parent / link).exists() and link != "verification.yaml":
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert not dead


def test_ci_ends_with_the_readmes_test_command() -> None:
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("make ")]
    assert lines[-1].startswith("make test")
    assert any(line.startswith("make verify") for line in lines)


@pytest.mark.parametrize("script", ["ci/setup.sh", ".ci/run"])
def test_shell_scripts_parse(script: str) -> None:
    assert subprocess.run(["bash", "-n", ROOT / script], capture_output=True).returncode == 0


def test_waivers_are_well_formed() -> None:
    documents.load(ROOT / "waivers.yaml", "waivers")
