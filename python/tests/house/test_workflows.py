"""The workflows only call what a developer calls too, with pinned actions, few rights and limits of time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from s30.corpus.registry import load_corpus, load_file
from s30.corpus.vocabulary import Outcome
from s30.layers.catalogue import LAYERS
from s30.record import exports, telemetry
from s30.sweep import sessions

ROOT = Path(__file__).resolve().parents[3]
ci_exports = load_file(ROOT / "ci" / "exports.py")
FILES = sorted((ROOT / ".github" / "workflows").iterdir())
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# What a job may do beyond reading the sources that it checks out, and for which step.
GRANTS = {
    ("telemetry.yml", "attest"): {"id-token": "actions/attest", "attestations": "actions/attest"},
    ("container.yml", "push"): {"packages": "make container-push"},
}
ARCHIVE = "evidence/container/s30.tar"
NIX = re.compile(r"nix (?:flake check|build \.#(?:verification|container))(?: --print-build-logs)?")


def workflow(path: Path) -> dict:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}  # YAML 1.1 reads `on` as true


WORKFLOWS = {path.name: workflow(path) for path in FILES}
JOBS = [(name, job) for name, document in WORKFLOWS.items() for job in document["jobs"]]
CALLED = {
    (name, job): WORKFLOWS[name]["jobs"][job]["uses"] for name, job in JOBS if "uses" in WORKFLOWS[name]["jobs"][job]
}
STEPS = [(name, job, step) for name, job in JOBS for step in WORKFLOWS[name]["jobs"][job].get("steps", ())]
BUILDS = re.compile(r"nix |make (?!container-push$)")  # commands that run the project's code, or what it builds
TOKENS = re.compile(r"github\.token|secrets[.\[]|toJSON\((?:github|secrets)\)|toJson\((?:github|secrets)\)")


@pytest.fixture(scope="module")
def known_sessions() -> set[str]:
    """What `nox --list` lists, whether it runs by default or not."""
    pytest.importorskip("nox")
    done = subprocess.run([sys.executable, "-m", "nox", "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(re.findall(r"^[-*] (\S+)", re.sub(r"\x1b\[[\d;]*m", "", done.stdout), re.MULTILINE))


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return sessions.matrix(load_corpus(ROOT))


def test_there_are_workflows():
    assert set(WORKFLOWS) >= {"ci.yml", "telemetry.yml", "container.yml"}


def test_they_fit_githubs_schema():
    pytest.importorskip("check_jsonschema")
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, FILES),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path):
    used = re.findall(r"^\s*(?:- )?uses:\s*(.+?)\s*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    called = [where for (name, _), where in CALLED.items() if name == path.name]
    assert len(used) - len(called) == sum(name == path.name and "uses" in step for name, _, step in STEPS) > 0
    assert [line for line in used if not PINNED.fullmatch(line)] == called  # of this repository, and so of this commit


def test_a_workflow_that_is_called_is_one_of_these_files_and_says_that_it_may_be():
    assert set(CALLED) == {("container.yml", "verify")}
    for (name, job), where in CALLED.items():
        assert set(WORKFLOWS[name]["jobs"][job]) <= {"uses", "needs", "if", "permissions"}, "it is handed no secret"
        assert where.startswith("./.github/workflows/")
        assert "workflow_call" in WORKFLOWS[Path(where).name]["on"]


def test_one_version_of_each_action_is_used_everywhere():
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for action, version in re.findall(r"uses: ([\w./-]+)@(.+)", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(version)
    assert {action: versions for action, versions in pins.items() if len(versions) > 1} == {}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_each_job_may_do_no_more_than_its_steps_need(name, job):
    assert WORKFLOWS[name]["permissions"] == {}
    granted, steps = WORKFLOWS[name]["jobs"][job]["permissions"], WORKFLOWS[name]["jobs"][job].get("steps", [])
    expected = GRANTS.get((name, job), {})
    reads = (name, job) in CALLED or any("actions/checkout@" in step.get("uses", "") for step in steps)
    assert granted == ({"contents": "read"} if reads else {}) | dict.fromkeys(expected, "write")
    for needed in expected.values():
        assert any(step.get("run", step.get("uses", "")).startswith(needed) for step in steps), (
            f"nothing calls {needed}"
        )


@pytest.mark.parametrize(("name", "job"), [where for where in JOBS if where not in CALLED])
def test_each_job_ends_in_time_on_a_named_image(name, job):
    found = WORKFLOWS[name]["jobs"][job]
    assert found["timeout-minutes"] == "${{ matrix.timeout }}" or 0 < found["timeout-minutes"] < 360
    assert re.fullmatch(r"ubuntu-\d\d\.\d\d", found["runs-on"])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_newer_run_does_not_race_an_older_one(name):
    concurrency = WORKFLOWS[name]["concurrency"]
    assert concurrency["group"].startswith(f"{name.removesuffix('.yml')}-${{{{ github.")
    assert concurrency["cancel-in-progress"] in (False, "${{ github.event_name == 'pull_request' }}")


def test_no_checkout_leaves_its_credentials_and_nothing_commits():
    checkouts = [step for _, _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(JOBS) - len(CALLED) - 1  # the one that signs
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert not any(
        re.search(r"git (commit|push)", path.read_text())
        for path in [*FILES, *(ROOT / "ci").iterdir()]
        if path.is_file()
    )


def test_secrets_reach_only_the_step_that_pushes():
    for name, job, step in STEPS:
        if TOKENS.search(str(step)):
            assert (name, job, step.get("run")) == ("container.yml", "push", "make container-push")
    for document in WORKFLOWS.values():
        for scope in (document, *document["jobs"].values()):  # an `env` of a whole job reaches every step of it
            assert not TOKENS.search(str({key: value for key, value in scope.items() if key not in ("jobs", "steps")}))


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_what_builds_may_write_nothing_and_what_may_write_builds_nothing(name, job):
    found = WORKFLOWS[name]["jobs"][job]
    steps = found.get("steps", [])
    builds = any(BUILDS.match(step.get("run", "")) or "install-nix" in step.get("uses", "") for step in steps)
    writes = "write" in found["permissions"].values() or any(TOKENS.search(str(step)) for step in steps)
    assert not (builds and writes)


def test_nix_is_installed_without_the_jobs_token():
    """The action writes the token into nix.conf, which every build may read, unless it is given another word."""
    installed = [step for _, _, step in STEPS if "install-nix-action@" in step.get("uses", "")]
    assert len(installed) == sum(
        bool(NIX.match(s.get("run", ""))) or s.get("run") == "make container" for _, _, s in STEPS
    )
    assert {str(step.get("with")) for step in installed} == {
        str({"github_access_token": "none", "extra_nix_config": "access-tokens ="})
    }


def test_a_tag_publishes_what_was_built_in_the_same_run_and_only_what_ci_passed():
    jobs = WORKFLOWS["container.yml"]["jobs"]
    push = jobs["push"]
    assert set(push["needs"]) == {"verify", "build"}
    assert jobs["verify"]["uses"] == "./.github/workflows/ci.yml"
    tag = "${{ github.ref_type == 'tag' }}"
    assert (push["if"], jobs["verify"]["if"]) == (tag, tag)  # no always() or !cancelled(): a failure of either stops it
    assert not any("if" in step or "continue-on-error" in step for step in push["steps"])
    assert not any("continue-on-error" in job for document in WORKFLOWS.values() for job in document["jobs"].values())
    tags = [
        name for name, document in WORKFLOWS.items() if "tags" in str(document["on"]) or "release" in document["on"]
    ]
    assert tags == ["container.yml"], "nothing else is set off by a tag"

    made = next(step for step in jobs["build"]["steps"] if step.get("run") == "make container")
    upload = next(step["with"] for step in jobs["build"]["steps"] if "upload-artifact" in step.get("uses", ""))
    download = next(step["with"] for step in push["steps"] if "download-artifact" in step.get("uses", ""))
    assert jobs["build"]["outputs"] == {"digest": f"${{{{ steps.{made['id']}.outputs.digest }}}}"}
    assert push["steps"][-1]["env"]["DIGEST"] == "${{ needs.build.outputs.digest }}"
    assert (upload["name"], upload["path"]) == (download["name"], download["path"])
    assert (upload["path"], upload["if-no-files-found"]) == (str(Path(ARCHIVE).parent), "error")
    assert calls(push["steps"]) == [
        "actions/checkout",
        "actions/download-artifact",
        f"make container-push {' '.join(push['steps'][-1]['env'].values())}",
    ]


def run_steps() -> list[tuple[str, str, dict]]:
    return [(name, job, step) for name, job, step in STEPS if "run" in step]


@pytest.mark.parametrize(("name", "job", "step"), run_steps())
def test_a_step_calls_a_session_a_target_or_nix_and_holds_no_logic(name, job, step, known_sessions, rows):
    command, variables = step["run"], step.get("env", {})
    if command.startswith("make "):
        target = command.removeprefix("make ")
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert target in targets
        if target == "session":
            session = variables["SESSION"]
            named = {row["session"] for row in rows} if session == "${{ matrix.session }}" else {session}
            assert named <= known_sessions
    else:
        assert NIX.fullmatch(command), f"{command!r} is neither a make target nor nix"


def test_the_matrix_has_every_layer_the_style_and_the_tests(rows, known_sessions):
    names = [row["session"] for row in rows]
    assert len(names) == len(set(names))
    assert set(names) >= {*LAYERS, "lint", "tests", "workflows"}
    assert set(names) <= known_sessions
    assert all(0 < row["timeout"] < 360 for row in rows)


def test_what_a_layer_hands_over_is_what_is_uploaded_downloaded_and_merged(rows):
    jobs = WORKFLOWS["ci.yml"]["jobs"]
    upload = next(s["with"] for s in jobs["session"]["steps"] if "upload-artifact" in s.get("uses", ""))
    download = next(s["with"] for s in jobs["merge"]["steps"] if "download-artifact" in s.get("uses", ""))
    for row in rows:
        if row["session"] in LAYERS:
            path = upload["path"].replace("${{ matrix.session }}", row["session"])
            assert row["arguments"] == f"--evidence {path}"
    assert upload["name"] == download["pattern"].replace("*", "${{ matrix.session }}")
    merge = next(s["env"]["ARGS"] for s in jobs["merge"]["steps"] if s.get("env", {}).get("SESSION") == "merge")
    assert merge.split()[0] == download["path"]
    for job in ("session", "merge"):  # a layer that failed neither hides its evidence nor stops the verdict
        assert "${{ !cancelled() }}" in str(jobs[job])
    assert jobs["session"]["strategy"]["fail-fast"] is False


def calls(steps: list[dict]) -> list[str]:
    """What each step calls, without versions."""
    return [
        " ".join([step["run"], *step.get("env", {}).values()]) if "run" in step else step["uses"].split("@")[0]
        for step in steps
    ]


def test_what_is_attested_is_what_nix_built_checked_and_uploaded():
    jobs = WORKFLOWS["telemetry.yml"]["jobs"]
    folder, name = "evidence/record", "verification-${{ github.sha }}"
    assert calls(jobs["verification"]["steps"])[-4:] == [
        "nix build .#verification --print-build-logs",
        "make session telemetry result/verification.yaml",
        f"make session exports result/verification.yaml {folder}",
        "actions/upload-artifact",
    ]
    download, provenance, result = jobs["attest"]["steps"]
    assert calls(jobs["attest"]["steps"]) == ["actions/download-artifact", "actions/attest", "actions/attest"]
    uploaded = jobs["verification"]["steps"][-1]["with"]
    assert (uploaded["name"], uploaded["path"], uploaded["if-no-files-found"]) == (name, folder, "error")
    assert download["with"] == {"name": name, "path": folder}
    subject = {"subject-path": f"{folder}/{ci_exports.RECORD}"}
    assert provenance["with"] == subject
    predicate = {"predicate-type": exports.TEST_RESULT, "predicate-path": f"{folder}/{ci_exports.PREDICATE}"}
    assert result["with"] == subject | predicate


def test_what_may_sign_runs_nothing_of_the_project_and_a_failure_is_red_only_then():
    """Packages that pip installs, and the project's own code, run without the right to sign."""
    jobs = WORKFLOWS["telemetry.yml"]["jobs"]
    assert not any("run" in step for step in jobs["attest"]["steps"])
    assert [job.get("needs") for job in jobs.values()] == [None, "verification", "attest"]
    assert calls(jobs["outcome"]["steps"])[1:] == ["actions/download-artifact", "make session outcome evidence/record"]
    assert jobs["outcome"]["steps"][1]["with"] == jobs["attest"]["steps"][0]["with"]


@pytest.fixture
def handed_over(toy_record, tmp_path):
    """A record, and the folder that ci/exports.py makes of it, with its exit code."""

    def make(edit=lambda results: results) -> tuple[int, Path, Path]:
        _, found = toy_record(edit)
        record = tmp_path / "made.yaml"
        telemetry.write(found, record)
        return ci_exports.main([str(record), str(tmp_path / "folder")]), record, tmp_path / "folder"

    return make


def test_the_record_its_exports_and_the_predicate_are_kept_together(handed_over, capsys):
    code, record, folder = handed_over()
    assert code == 0
    names = {ci_exports.RECORD, ci_exports.PREDICATE, *ci_exports.EXPORTS.values()}
    assert {path.name for path in folder.iterdir()} == names
    assert set(ci_exports.EXPORTS) == set(exports.FORMATS)
    assert (folder / ci_exports.RECORD).read_bytes() == record.read_bytes()
    statement = json.loads((folder / ci_exports.EXPORTS["intoto"]).read_text())
    assert json.loads((folder / ci_exports.PREDICATE).read_text()) == statement["predicate"]
    assert ci_exports.main([str(record), str(folder)]) == 2
    assert ci_exports.main([str(record)]) == 2
    record.write_text(record.read_text().replace("profile: quick", "profile: full"))
    capsys.readouterr()
    assert ci_exports.main([str(record), str(folder.parent / "other")]) == 1
    assert "was edited after it was generated" in capsys.readouterr().err
    assert not (folder.parent / "other").exists()


@pytest.mark.parametrize("failing", [False, True])
def test_the_run_is_red_when_the_record_says_failed(handed_over, capsys, failing):
    def broken(results):
        slot = ("01", "jax", "checks")
        return (
            results | {slot: replace(results[slot], error="it broke", outcome=Outcome.FAILED)} if failing else results
        )

    code, _, folder = handed_over(broken)
    assert code == 0, "a record of a failure is kept and signed as well"
    script = [sys.executable, "-S", str(ROOT / "ci" / "exports.py"), "--outcome", str(folder)]  # without a package
    done = subprocess.run(script, capture_output=True, text=True, env={})
    assert (done.returncode, done.stderr) == (int(failing), "")
    assert done.stdout.startswith(f"verification.yaml: {'FAILED' if failing else 'PASSED'}: ")
    assert ("failed: 01/layer/jax\n" in done.stdout) == failing


@pytest.fixture
def container(tmp_path):
    """Runs a copy of ci/container.sh with a nix and a docker that write down how they were called, and what each was given
    of the token."""
    (tmp_path / "ci").mkdir()
    shutil.copy2(ROOT / "ci" / "container.sh", tmp_path / "ci")
    (tmp_path / "bin").mkdir()
    log = tmp_path / "log"
    image = "#!/bin/sh\nprintf image"
    nix = f"echo \"nix $* $REGISTRY_TOKEN\" >>{log}; printf '{image}' >.s30/container; chmod +x .s30/container"
    docker = f'echo "docker $*" >>{log}; case $1 in login) cat >{tmp_path}/token ;; load) cat >{tmp_path}/loaded; echo "Loaded image: s30:abc" ;; esac'
    for name, script in (("nix", nix), ("docker", docker)):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)

    def run(*arguments: str, **variables: str) -> tuple[int, list[str]]:
        env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"} | variables
        done = subprocess.run(["bash", str(tmp_path / "ci" / "container.sh"), *arguments], env=env, capture_output=True)
        return done.returncode, log.read_text().splitlines() if log.exists() else []

    return run


PUSH = {"IMAGE": "registry.example/Owner/Name", "TAG": "v1.0", "REGISTRY_USER": "me", "REGISTRY_TOKEN": "hush"}
BUILT = "nix build .#container --out-link .s30/container "  # and no token
IMAGE_DIGEST = f"sha256:{hashlib.sha256(b'image').hexdigest()}"
PUSHED = [
    "docker load",
    "docker tag s30:abc registry.example/owner/name:v1.0",
    "docker login registry.example --username me --password-stdin",
    "docker push registry.example/owner/name:v1.0",
]


def test_the_image_is_built_and_pushed_only_when_asked_to(container, tmp_path):
    assert container("build", GITHUB_OUTPUT=str(tmp_path / "output")) == (0, [BUILT])
    assert (tmp_path / "output").read_text() == f"digest={IMAGE_DIGEST}\n"
    assert (tmp_path / ARCHIVE).read_bytes() == b"image"
    code, calls = container("push", **PUSH)
    assert (code, calls[1:]) == (0, [BUILT, *PUSHED])
    assert (tmp_path / "token").read_text() == "hush"  # by standard input, never in an argument


def test_with_a_digest_the_image_is_the_one_that_was_built_and_nothing_is_built(container, tmp_path):
    (tmp_path / ARCHIVE).parent.mkdir(parents=True)
    (tmp_path / ARCHIVE).write_bytes(b"image")
    assert container("push", DIGEST=IMAGE_DIGEST, **PUSH) == (0, PUSHED)
    assert (tmp_path / "loaded").read_bytes() == b"image"


@pytest.mark.parametrize(("content", "digest"), [(b"other", IMAGE_DIGEST), (b"image", ""), (None, IMAGE_DIGEST)])
def test_an_image_of_another_digest_is_neither_loaded_nor_pushed(container, tmp_path, content, digest):
    if content is not None:
        (tmp_path / ARCHIVE).parent.mkdir(parents=True)
        (tmp_path / ARCHIVE).write_bytes(content)
    assert container("push", DIGEST=digest, **PUSH) == (2, [])


@pytest.mark.parametrize("lacking", PUSH)
def test_a_push_that_lacks_something_is_refused_before_the_build(container, lacking):
    assert container("push", **{name: value for name, value in PUSH.items() if name != lacking}) == (2, [])


def test_nox_alone_is_installed_for_a_session_and_every_file_of_it_by_hash():
    done = subprocess.run(
        [sys.executable, str(ROOT / "ci" / "subset.py"), "--only", "session"],
        capture_output=True,
        text=True,
        check=True,
    )
    pinned = re.findall(r"^([\w.-]+)==", done.stdout, re.MULTILINE)
    assert {"nox", "virtualenv"} <= set(pinned)
    assert not {"numpy", "torch", "scikit-learn"} & set(pinned)
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[A-Za-z0-9])", done.stdout.strip()))
