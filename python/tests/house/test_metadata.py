"""What stands about the project outside its code, CITATION.cff and the dev container, says what is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from s30.corpus.registry import load_file

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
DEVELOPING = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
# Of the Citation File Format 1.2.0: what must be there, and what else may be.
REQUIRED = {"cff-version", "message", "title", "authors"}
OPTIONAL = {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url"),
    *(
        "preferred-citation",
        "references",
        "repository",
        "repository-artifact",
        "repository-code",
        "type",
        "url",
        "version",
    ),
}


def test_the_citation_has_the_keys_of_its_format():
    assert CITATION["cff-version"] == "1.2.0"
    assert set(CITATION) >= REQUIRED
    assert set(CITATION) <= REQUIRED | OPTIONAL
    assert CITATION["type"] in ("software", "dataset")
    assert CITATION["authors"]
    for author in CITATION["authors"]:  # an entity has a name, a person its parts
        assert ("name" in author) != bool({"family-names", "given-names"} & set(author))
    texts = [*(CITATION[key] for key in ("message", "title", "abstract", "version")), *CITATION["keywords"]]
    assert all(isinstance(text, str) and text.strip() for text in texts)
    assert len(set(CITATION["keywords"])) == len(CITATION["keywords"])


def test_the_citation_says_what_pyproject_and_the_licence_say():
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith(f"{CITATION['license']} License")
    assert [author["name"] for author in CITATION["authors"]] == re.findall(r"Copyright \(c\) \d{4} (.+)", licence)
    assert CITATION["title"].startswith(f"{PROJECT['name']}: ")


def test_the_dev_container_is_a_stage_of_the_containerfile_and_its_user(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "ci")
    checker = load_file(ROOT / "ci" / "check_container.py")
    build = DEVELOPING["build"]
    containerfile = (ROOT / ".devcontainer" / build["dockerfile"]).resolve()
    assert containerfile == ROOT / "Containerfile"
    assert (ROOT / ".devcontainer" / build["context"]).resolve() == ROOT
    steps = checker.steps(containerfile.read_text())
    stages = [n for n, (word, _) in enumerate(steps) if word == "FROM"]
    begin = next(n for n in stages if steps[n][1].endswith(f" AS {build['target']}"))
    stage = steps[begin : min((n for n in stages if n > begin), default=len(steps))]
    assert [rest for word, rest in stage if word == "USER"][-1] == DEVELOPING["remoteUser"]
    installed = next(rest for word, rest in stage if word == "RUN" and "apt-get install" in rest)
    assert {"git", "make", "python3-venv"} <= set(installed.split()), "`make setup` needs them, and runs there"
    assert not any(word == "COPY" for word, _ in stage), "the checkout is mounted"


def test_the_dev_container_runs_targets_of_make_alone():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = {key: value for key, value in DEVELOPING.items() if key.endswith("Command")}
    assert "postCreateCommand" in commands
    for command in commands.values():
        found = re.fullmatch(r"make ([a-z-]+)", command)
        assert found, command
        assert found[1] in targets


@pytest.mark.parametrize("extension", DEVELOPING["customizations"]["vscode"]["extensions"])
def test_an_extension_is_named_by_its_publisher(extension):
    assert re.fullmatch(r"[\w-]+\.[\w-]+", extension)


def test_the_dev_containers_python_is_that_of_make_setup():
    settings = DEVELOPING["customizations"]["vscode"]["settings"]
    folder, _, python = settings["python.defaultInterpreterPath"].partition("/")
    assert folder == "${containerWorkspaceFolder}"
    assert f"BIN := $(if $(IN_NIX_SHELL),,{python.removesuffix('python')})" in (ROOT / "Makefile").read_text()
