"""A record is measured again at its own commit: what differs fails, what may differ is told, and nothing is left behind."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from s30 import cli
from s30.corpus.repository import source_digest
from s30.errors import S30Error
from s30.layers.catalogue import ENGINE
from s30.record import places, reproduce, telemetry

# The measurement, with an engine of a few lines that answers as it is told

FAKE = '''\
"""Answers as s30 does, from answer.json beside the sources; `fault` says how it misbehaves."""
import json, os, pathlib, subprocess, sys, time
root = pathlib.Path(os.environ["S30_ROOT"])
answer = json.loads((root / "answer.json").read_text())
if sys.argv[1] == "list":
    print(json.dumps([{"id": n, "built": "layers" in p} for n, p in answer["papers"].items()]))
elif answer["fault"] == "dies":
    sys.exit("error: the disk is full")
elif answer["fault"] == "hangs":
    pathlib.Path(os.environ["PIDS"]).write_text(str(os.getpid()))
    time.sleep(600)
else:
    cache = pathlib.Path(os.environ["S30_CACHE"])
    if cache.exists() and any(cache.iterdir()):
        sys.exit("error: the cache is not empty")
    routes = pathlib.Path("/proc/self/net/route").read_text().splitlines()[1:] if "ROUTES" in os.environ else []
    if routes:
        sys.exit("error: there is a route")
    papers = {n: p for n, p in answer["papers"].items() if n in sys.argv}
    print("  measured  01 JAX in 1.0 s", file=sys.stderr)
    print(json.dumps({"passed": True, "papers": papers}))
'''


@pytest.fixture
def repository(toy_record, monkeypatch, tmp_path):
    """`repository(fault, change, files)`: a commit with an engine that measures the toy's record, changed by `change`, and
    on top of it the record, committed. Returns its root and git."""
    monkeypatch.setattr(reproduce, "_measured_environment", lambda *_: {})

    def make(fault="", change=lambda papers: papers, files=None, edit=lambda record: record):
        root, record = toy_record()
        papers = copy.deepcopy(record["papers"])
        change(papers)
        engine = root / "python" / "s30"
        engine.mkdir(parents=True)
        (engine / "__init__.py").write_text("")
        (engine / "cli.py").write_text(FAKE)
        (root / "answer.json").write_text(json.dumps({"papers": papers, "fault": fault}))
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        def git(*arguments):
            who = ["-c", "user.name=Toy", "-c", "user.email=toy@example.org", "-c", "commit.gpgsign=false"]
            command = ["git", "-C", str(root), *who, *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

        git("add", "-A")
        git("commit", "-qm", "engine")
        record = record | {
            "checked_commit": git("rev-parse", "HEAD"),
            "source_digest": source_digest(root),
        }
        record = edit(record)
        telemetry.write(telemetry.sealed(record), root / "verification.yaml")
        git("add", "-A")
        git("commit", "-qm", "record")
        monkeypatch.setenv("S30_ROOT", str(root))
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr(places.tempfile, "tempdir", str(tmp_path))
        return root, git

    return make


@pytest.fixture
def again(capsys):
    """`s30 reproduce` in this process."""

    def run(*arguments):
        code = cli.main(["reproduce", *arguments])
        return code, *capsys.readouterr()

    return run


PAPER = ("--paper", "1")


def test_a_record_is_reproduced_and_the_worktree_removed(repository, again, tmp_path):
    root, git = repository()
    code, out, err = again(*PAPER)
    assert (code, out.splitlines()[-1]) == (0, "REPRODUCED"), err
    assert "environment: the present one, since the commit pins none" in out
    assert "network: open" in out
    assert git("worktree", "list").count("\n") == 0
    assert not list((root / ".git").glob("worktrees/*"))
    assert not list(tmp_path.glob("s30-reproduce-*"))


def test_the_cache_of_the_one_who_asks_is_not_used(repository, again, monkeypatch, tmp_path):
    repository()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "entry.json").write_text("{}")
    monkeypatch.setenv("S30_CACHE", str(tmp_path / "mine"))
    code, _, err = again(*PAPER)
    assert code == 0, err


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_what_the_sweep_says_of_its_progress_is_passed_on(repository, again, as_json):
    """The engine is asked for JSON on its standard output, and tells on the other how far it is."""
    repository()
    code, out, err = again(*PAPER, *as_json)
    assert (code, "  measured  01 JAX in 1.0 s\n" in err, "measured  01" in out) == (0, True, False), err


def test_what_is_not_reproduced_is_named_and_the_exit_code_tells(repository, again, tmp_path):
    repository(change=lambda papers: papers["01"]["layers"]["jax"].update(outcome="failed"))
    code, out, _ = again(*PAPER, "--output", str(tmp_path / "report.json"))
    assert code == 1
    assert out.splitlines()[-1] == "NOT REPRODUCED"
    (line,) = [line for line in out.splitlines() if line.startswith("01/layers/jax/outcome")]
    assert line.split()[1:3] == ["passed", "failed"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["reproduced"] is False
    assert [d["at"] for d in report["differences"]] == ["01/layers/jax/outcome"]
    assert report["papers"] == ["01"]
    assert report["values"] > 100


def test_a_record_that_was_edited_is_not_reproduced(repository, again):
    root, git = repository()
    text = (root / "verification.yaml").read_text()
    (root / "verification.yaml").write_text(text.replace("depth: partial", "depth: substantive", 1))
    git("commit", "-qam", "tampered")
    code, out, _ = again(*PAPER)
    assert code == 1
    first = [line.split()[0] for line in out.splitlines() if line.split()]
    assert {"record_digest", "01/layers/sympy/depth"} <= set(first), out


def test_the_report_is_valid_json_and_nothing_else(repository, again):
    repository()
    code, out, err = again(*PAPER, "--json", "--no-claims")
    report = json.loads(out)
    assert code == 0, err
    assert (report["reproduced"], report["claims"], report["network"]) == (True, False, "open: --offline cuts it off")


def test_a_commit_names_the_record_that_describes_it(repository, again):
    root, git = repository()
    for target in ("HEAD~1", git("rev-parse", "HEAD~1"), git("rev-parse", "--short", "HEAD~1")):
        assert again(target, *PAPER)[0] == 0
    (root / "verification.yaml").unlink()
    git("commit", "-qam", "the record is gone")
    code, out, _ = again("HEAD~2", *PAPER)
    assert code == 0
    assert f"record: verification.yaml of commit {git('rev-parse', 'HEAD~1')[:12]}" in out


def test_the_record_of_this_branch_comes_before_a_later_one_elsewhere(repository, again):
    root, git = repository()
    commit = git("rev-parse", "HEAD~1")
    git("checkout", "-q", "-b", "elsewhere")
    (root / "verification.yaml").write_text((root / "verification.yaml").read_text().replace("{exact: ", "{proxy: "))
    git("commit", "-qam", "tampered", "--date=2030-01-01T00:00:00")
    assert again(commit, *PAPER)[0] == 1
    git("checkout", "-q", "-")
    assert again(commit, *PAPER)[0] == 0


def test_the_commit_that_holds_the_record_has_the_same_sources(repository, again):
    _, git = repository()
    code, out, _ = again("HEAD", *PAPER)
    assert code == 0
    assert f"it was made from the same sources as commit {git('rev-parse', 'HEAD')[:12]}" in out


def test_a_record_can_be_named_as_a_file(repository, again, tmp_path):
    root, _ = repository()
    shutil.copy(root / "verification.yaml", tmp_path / "elsewhere.yaml")
    code, out, _ = again(str(tmp_path / "elsewhere.yaml"), *PAPER)
    assert code == 0
    assert "whether it is in a commit was not asked" in out


@pytest.mark.parametrize(
    ("prepare", "arguments", "code", "words"),
    [
        (lambda root, git: None, ["v9"], 2, "v9: no such file, and no commit, tag or branch of that name"),
        (lambda root, git: None, ["abcdef0"], 2, "commit abcdef0 is not in this clone: `git fetch` it from where"),
        (
            lambda root, git: None,
            ["HEAD~2"],
            1,
            "no verification.yaml in the history describes commit",
        ),
        (
            lambda root, git: (root / "verification.yaml").write_text(
                (root / "verification.yaml").read_text() + "# x\n"
            ),
            [],
            1,
            "verification.yaml differs from the one in the last commit: commit it",
        ),
        (
            lambda root, git: git("rm", "-q", "--cached", "verification.yaml") or git("commit", "-qm", "out"),
            [],
            1,
            "verification.yaml is in no commit: commit it",
        ),
        (lambda root, git: (root / "verification.yaml").unlink(), [], 2, "verification.yaml: cannot be read: "),
        (lambda root, git: None, ["--paper", "7"], 2, "verification.yaml has no paper '7': it has 01"),
        (lambda root, git: None, ["--paper", "02"], 2, "verification.yaml says not_run of paper 02"),
        (lambda root, git: shutil.rmtree(root / ".git"), [], 1, "is no git repository"),
        (lambda root, git: None, ["--workers", "0"], 2, "--workers must be at least 1"),
        (lambda root, git: None, ["--time-limit", "nan"], 2, "--time-limit must be positive"),
    ],
)
def test_a_fault_is_one_line(repository, again, monkeypatch, tmp_path, prepare, arguments, code, words):
    root, git = repository()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    prepare(root, git)
    found, out, err = again(*arguments)
    assert (found, out) == (code, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_a_record_of_a_dirty_tree_describes_no_commit(repository, again):
    repository(edit=lambda record: record | {"tree": {"state": "dirty", "changed": ["new.py"]}})
    code, _, err = again()
    assert code == 1
    assert err == "error: verification.yaml was made from a dirty tree (new.py): no commit holds what it describes\n"


def test_a_shallow_clone_is_told_how_to_become_whole(repository, again, monkeypatch, tmp_path):
    root, git = repository()
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{root}", str(tmp_path / "shallow")], check=True)
    monkeypatch.setenv("S30_ROOT", str(tmp_path / "shallow"))
    for arguments in ([], [git("rev-parse", "HEAD~1")]):
        code, _, err = again(*arguments)
        assert code in (1, 2)
        assert "is not in this shallow clone: `git fetch --unshallow` brings the whole history" in err


def test_a_commit_without_an_engine_cannot_be_swept(repository, again):
    root, git = repository()
    record = telemetry.read(root / "verification.yaml")
    telemetry.write(record | {"checked_commit": git("rev-parse", "HEAD~2")}, root / "verification.yaml")
    git("commit", "-qam", "an earlier one")
    code, _, err = again(*PAPER)
    assert code == 1
    assert "holds no engine (python/s30): it cannot be swept" in err


def test_a_sweep_that_dies_says_its_own_line(repository, again, tmp_path):
    repository(fault="dies")
    for arguments in (PAPER, ()):
        code, _, err = again(*arguments)
        assert code == 1
        assert err.splitlines()[-1].endswith(": the disk is full")
    assert not list(tmp_path.glob("s30-reproduce-*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_reproduction_leaves_nothing_behind(repository, tmp_path, how):
    _, git = repository(fault="hangs")
    pids = tmp_path / "pids"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"PYTHONPATH": str(ENGINE.parent), "PIDS": str(pids)}
    process = subprocess.Popen(
        [sys.executable, "-m", "s30.cli", "reproduce", *PAPER],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a background job ignores
    )
    try:
        deadline = time.monotonic() + 60
        while not pids.is_file() or not pids.read_text():
            assert time.monotonic() < deadline
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(how)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err.splitlines()[-1].startswith("error: interrupted: the worktree is removed")
        with pytest.raises(ProcessLookupError):
            os.kill(int(pids.read_text()), 0)
    finally:  # a test that fails leaves no process either
        for pid in (process.pid, *map(int, pids.read_text().split() if pids.is_file() else ())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    assert git("worktree", "list").count("\n") == 0
    assert not list(tmp_path.glob("s30-reproduce-*"))


@pytest.mark.parametrize("papers", [{}, {"02": None}, {"77": {"title": "Made up", "outcome": "not_run"}}])
def test_the_whole_is_measured_whatever_papers_the_record_has(repository, again, papers):
    """The engine here makes no record, and would answer for single papers: a record of other papers is no smaller request."""

    def edit(record):
        return record | {"papers": {n: p for n, p in (record["papers"] | papers).items() if p is not None}}

    repository(edit=edit)
    code, _, err = again()
    assert code == 1
    assert "the sweep made no record" in err.splitlines()[-1]


# The environment

OWN = 'setup:\n\t@mkdir -p .venv/bin && printf \'#!/bin/sh\\nexec "{python}" "$$@"\\n\' > .venv/bin/python && chmod +x .venv/bin/python\n'
LOCK = "requirements/lock.txt"


def test_another_lock_gets_its_own_environment(repository, again):
    repository(files={LOCK: "numpy==0\n", "Makefile": OWN.format(python=sys.executable), ".gitignore": ".venv/\n"})
    code, out, err = again(*PAPER)
    assert code == 0, err
    assert "environment: the commit's own, by `make setup` from its requirements" in out


def test_what_this_process_was_told_does_not_lead_the_setup_astray(repository, again, monkeypatch):
    repository(files={LOCK: "numpy==0\n", "Makefile": OWN.format(python=sys.executable), ".gitignore": ".venv/\n"})
    monkeypatch.setenv("MAKEFLAGS", "n")  # as when `make -n` called it: every recipe would only be printed
    monkeypatch.setenv("S30_CACHE", "/nonexistent")
    code, out, err = again(*PAPER)
    assert code == 0, err
    assert "by `make setup`" in out


def test_the_present_environment_is_used_when_the_locks_are_the_same(repository, again, monkeypatch, tmp_path):
    files = {LOCK: "numpy==0\n", "Makefile": OWN.format(python=sys.executable), ".gitignore": ".venv/\n"}
    root, _ = repository(files=files)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # an environment without a stamp
    assert "environment: the present one: its repository's lock files equal" in again(*PAPER)[1]
    assert "by `make setup`" in again(*PAPER, "--fresh-environment")[1]
    (root / LOCK).write_text("numpy==1\n")  # what is installed here is something else
    assert "by `make setup`" in again(*PAPER)[1]


def test_the_stamp_of_the_environment_tells_what_it_was_made_from(repository, again, monkeypatch, tmp_path):
    files = {LOCK: "numpy==0\n", "Makefile": OWN.format(python=sys.executable), ".gitignore": ".venv/\n"}
    root, _ = repository(files=files)
    (tmp_path / "ci").mkdir()
    script = (ENGINE.parents[1] / "ci" / "setup.sh").read_text()
    wanted = script[script.index("wanted=$(") :].split("\nstamp=")[0].replace('"$python"', f'"{sys.executable}"')
    made = subprocess.run(["bash", "-c", f"{wanted}\necho $wanted"], cwd=root, capture_output=True, text=True).stdout
    assert len(made.strip()) == 64
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    (tmp_path / ".s30-setup").write_text(made)
    (root / LOCK).write_text("numpy==1\n")  # changed since; the stamp counts
    assert "environment: the present one: it was set up from the same requirements" in again(*PAPER)[1]
    (tmp_path / ".s30-setup").write_text("0" * 64)
    assert "by `make setup`" in again(*PAPER)[1]


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({}, ["--fresh-environment"], "the commit pins no environment"),
        (
            {LOCK: "", "Makefile": "setup:\n\t@echo no such package >&2; exit 1\n"},
            [],
            "cannot be built: make setup: no such",
        ),
        ({LOCK: ""}, [], "cannot be built: make setup: ended with code 2"),
        ({LOCK: "", "Makefile": "setup:\n\t@true\n"}, [], "cannot be built: make setup: "),
        ({"flake.lock": "{}"}, [], "cannot be built: it has only a flake.lock, and nix is not on the PATH"),
    ],
)
def test_an_environment_that_cannot_be_built_is_told(repository, again, monkeypatch, tmp_path, files, arguments, words):
    repository(files=files)
    monkeypatch.setattr(places, "_same_locks", lambda *_: "")
    which = shutil.which
    monkeypatch.setattr(places.shutil, "which", lambda name: None if name == "nix" else which(name))
    code, _, err = again(*PAPER, *arguments)
    assert code == 1
    assert words in err.splitlines()[-1]
    assert not list(tmp_path.glob("s30-reproduce-*"))


NIX = """#!/bin/sh
echo "$*" >> "{log}"
case "$3" in
  flake) {archive} ;;
  develop) shift; while [ "$1" != --command ]; do shift; done; shift; exec "$@" ;;
esac
"""


@pytest.mark.parametrize("available", [True, False])
def test_nix_brings_up_the_flake_where_it_can(repository, again, monkeypatch, tmp_path, available):
    """A stand-in for `nix` that runs the command of `develop` as it is, and has the flake's inputs or not."""
    files = {"flake.lock": "{}", LOCK: "", "Makefile": OWN.format(python=sys.executable), ".gitignore": ".venv/\n"}
    repository(files=files)
    monkeypatch.setattr(places, "_same_locks", lambda *_: "")
    (tmp_path / "bin").mkdir()
    archive = "exit 0" if available else "echo 'error: unable to download\n(use --show-trace)' >&2; exit 1"
    for name, text in (
        ("nix", NIX.format(log=tmp_path / "log", archive=archive)),
        ("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'),
    ):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    code, out, err = again(*PAPER)
    assert code == 0, err
    log = (tmp_path / "log").read_text()
    if available:
        assert "environment: the commit's own, by `nix develop` on its flake.lock" in out
        assert "--command python3 -P -m s30.cli verify 01 --json" in log
    else:
        assert "develop" not in log
        assert "Nix cannot have the flake's inputs here (unable to download)" in out
        assert "environment: the commit's own, by `make setup` from its requirements" in out


@pytest.mark.parametrize(("kind", "why"), [("nix", "Nix, which is not on the PATH"), ("venv", None)])
def test_a_record_made_with_nix_asks_for_nix_first(repository, again, monkeypatch, kind, why):
    repository(files={LOCK: ""}, edit=lambda r: r | {"environment": r["environment"] | {"kind": kind}})
    monkeypatch.setattr(places, "_same_locks", lambda *_: "it was set up from the same requirements")
    monkeypatch.setattr(places.environment, "kind", lambda: "venv")
    which = shutil.which
    monkeypatch.setattr(places.shutil, "which", lambda name: None if name == "nix" else which(name))
    code, out, err = again(*PAPER)
    assert code == 0, err
    assert "environment: the present one: it was set up from the same requirements" in out
    assert (f"the record was made with {why}" in out) if why else ("made with Nix" not in out)


# The network


def test_offline_the_sweep_has_no_route_out(repository, again, monkeypatch):
    try:
        places.cut_off()
    except S30Error as error:
        pytest.skip(str(error))
    repository()
    monkeypatch.setenv("ROUTES", "1")
    code, out, err = again(*PAPER, "--offline", "--json")
    assert code == 0, err
    assert json.loads(out)["network"].startswith("cut off with `unshare -")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1", "Operation not permitted"),
        ("printf 'Iface\\neth0\\n'", "leaves a route out"),
        (None, "unshare: No such file or directory"),
    ],
)
def test_where_the_network_cannot_be_cut_off_it_is_said(repository, again, monkeypatch, tmp_path, script, words):
    repository()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
    if script:
        (tmp_path / "bin" / "unshare").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    code, out, err = again(*PAPER, "--offline")
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("error: the network cannot be cut off here (")
    assert words in line


# The real engine


@pytest.fixture(scope="module")
def measured(toy, tmp_path_factory):
    """A toy repository with a copy of this engine, and a record that it made of itself; most layers fail, since they are empty."""
    root = tmp_path_factory.mktemp("measured") / "toy"
    toy.write_corpus(root)
    shutil.copytree(ENGINE, root / "python" / "s30", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("S30_", "GIT_"))}
    environment |= {"PYTHONPATH": str(root / "python"), "S30_ROOT": str(root), "COLUMNS": "200"}

    def git(*arguments):
        who = ["-c", "user.name=Toy", "-c", "user.email=toy@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(root), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()

    def s30(*arguments):
        command = [sys.executable, "-P", "-m", "s30.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "toy")
    done = s30("verify", "--record", str(root / "verification.yaml"))
    assert (root / "verification.yaml").is_file(), done.stderr
    git("add", "-A")
    git("commit", "-qm", "record")
    return root, git, s30


def test_the_engine_reproduces_its_own_whole_record(measured):
    _, _, s30 = measured
    done = s30("reproduce", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["reproduced"], report["papers"], report["claims"]) == (True, ["01"], True)
    assert report["values"] > 100
    assert not [d for d in report["information"] if d["at"].startswith("environment")]


@pytest.mark.jax
def test_one_changed_line_of_a_layer_is_found(measured):
    """The record says that its commit is one in which the JAX layer lost the scale."""
    root, git, s30 = measured
    path = root / "papers" / "01_affine" / "jax" / "model.py"
    path.write_text(path.read_text().replace("jnp.tanh(scale * scores)", "jnp.tanh(scores)"))
    git("commit", "-qam", "the scale is gone")
    record = telemetry.read(root / "verification.yaml")
    record |= {"checked_commit": git("rev-parse", "HEAD"), "source_digest": source_digest(root)}
    telemetry.write(telemetry.sealed(record), root / "verification.yaml")
    git("commit", "-qam", "the record of before, said to be of now")
    done = s30("reproduce", "--json", "--paper", "01", "--no-claims")
    assert done.returncode == 1, done.stderr
    found = {d["at"]: (d["recorded"], d["measured"]) for d in json.loads(done.stdout)["differences"]}
    assert found["01/layers/jax/outcome"] == ("passed", "failed")
    at = "01/checks/forward/rows/hidden"  # of which the toy's tinygrad did not run in either
    assert found[f"{at}/outcome"] == ("not_run", "failed")
    assert found[f"{at}/layers"] == ("tinygrad ~ numpy", "jax ~ numpy, tinygrad ~ numpy")
    assert not any(at.startswith("01/checks/forward/rows/scores") for at in found)
