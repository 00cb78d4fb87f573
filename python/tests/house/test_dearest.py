"""A log of CI ends with what its steps and the dearest of its parts cost, and with the test runner's own summary."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from s30.corpus.registry import load_file

ROOT = Path(__file__).resolve().parents[3]
dearest = load_file(ROOT / "ci" / "dearest.py")


def entry(cache: Path, name: str, seconds: float, age: float, **facts: str) -> None:
    """An entry of a sweep's cache that was written `age` seconds after the step began."""
    document = {"paper": "13", "layer": name, "facts": facts, "run": {"cpu_seconds": seconds}}
    (cache / f"{name}.json").write_text(json.dumps(document))
    os.utime(cache / f"{name}.json", (1000 + age, 1000 + age))


@pytest.fixture
def times(tmp_path, monkeypatch):
    """CI_TIMES and a cache of its own, of a run that began at second 1000."""
    folder = tmp_path / "times"
    folder.mkdir()
    (folder / "begun").touch()
    os.utime(folder / "begun", (1000, 1000))
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("CI_TIMES", str(folder))
    monkeypatch.setenv("S30_CACHE", str(tmp_path / "cache"))
    return folder


def test_cells_tests_and_mutants_are_ranked_together_and_only_the_dearest_are_told(times, tmp_path):
    entry(tmp_path / "cache", "jax", 38.25, 5, profile="quick")
    entry(tmp_path / "cache", "tinygrad", 12.0, 5)
    entry(tmp_path / "cache", "torch", 99.0, -5)  # from another run
    (times / "steps").write_text("163\t95\tverify\n2\t1\tlint\n")
    (times / "tests").write_text("20.00\tpython/tests/test_mutants.py::test_it[13-jax]\n")
    own = "".join(f"{n}.50\ta/test_x.py::test_{n}\n" for n in range(9))
    assert dearest.closing(own, (7.0, 3.4)) == [
        "--- steps, in CPU seconds (and seconds)",
        "    163.0   (95)  verify",
        "      2.0    (1)  lint",
        "      7.0    (3)  this one, so far",
        "--- the 10 dearest of 12 cells, tests and mutants, in CPU seconds",
        "     38.2  cell    13 jax experiment",
        "     20.0  mutant  python/tests/test_mutants.py::test_it[13-jax]",
        "     12.0  cell    13 tinygrad checks",
        *(f"      {n}.5  test    a/test_x.py::test_{n}" for n in range(8, 1, -1)),
    ]
    assert (times / "tests").read_text().endswith(own), "the step that closes the log knows them too"


def test_without_ci_the_tests_alone_are_told_and_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("CI_TIMES", raising=False)
    said = dearest.closing("1.00\tone\n3.00\tthree\n", (0.0, 0.0))
    assert said[1:] == ["      3.0  test    three", "      1.0  test    one"]
    assert dearest.closing("", (0.0, 0.0)) == []


def test_the_plugin_tells_the_cpu_seconds_of_each_test_and_of_what_it_started(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import subprocess, sys, time\n"
        "BUSY = 'import time\\nwhile time.process_time() < 0.6: pass'\n"
        "def test_started(): subprocess.run([sys.executable, '-S', '-c', BUSY], check=True)\n"
        "def test_idle(): time.sleep(0.5)\n"
        "def test_fails(): assert False\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ci.cpu_times", "-c", os.devnull, "--rootdir", str(tmp_path)]
    env = os.environ | {"TEST_TIMES": str(tmp_path / "times"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert "1 failed, 2 passed" in done.stdout
    spent = {name.rpartition("::")[2]: seconds for seconds, _, name in dearest.tests((tmp_path / "times").read_text())}
    assert set(spent) == {"test_started", "test_idle", "test_fails"}
    assert spent["test_started"] > 0.5 > spent["test_idle"]  # the clock of processors ticks a hundred times a second


def test_each_step_says_its_seconds_and_the_last_word_is_the_test_runners(tmp_path):
    """The real .ci/run, with a make whose tests are the real runner's, on one small file."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    runner = f"exec '{sys.executable}' '{ROOT}/ci/run_tests.py' engine '{ROOT}/python/tests/house/test_metadata.py'"
    make = f'#!/bin/sh\ncase $1 in test) {runner} ;; lint) echo bad >&2; exit 3 ;; verify) echo "{{}}" >said ;; esac\n'
    (tmp_path / "bin" / "make").write_text(make)
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\n")
    for name in ("make", "git"):
        (tmp_path / "bin" / name).chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "S30_CACHE": str(tmp_path / "none")}
    done = subprocess.run(["bash", str(tmp_path / ".ci" / "run")], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "bad\n"), "a step's own words are not kept from the log"
    steps = re.findall(r"^step (\S+): \d+ s, \d+ CPU s(.*)$", done.stdout, re.MULTILINE)
    named = ["verify", "readme", "lint", "nix-check", "container-check", "telemetry", "reproduce", "mutants"]
    assert steps == [(name, ", exit code 3" if name == "lint" else "") for name in named]
    closing = done.stdout[done.stdout.index("--- steps") :].splitlines()
    assert [line.split()[2] for line in closing[1:9]] == named
    assert closing[9].endswith("this one, so far")
    assert re.fullmatch(r"--- the \d+ dearest of \d+ cells, tests and mutants, in CPU seconds", closing[10])
    assert re.fullmatch(r"\d+ passed, 0 failed, 0 skipped", closing[-1])


@pytest.mark.parametrize(("papers", "parts"), [(0, 1), (4, 1), (5, 2), (7, 2), (10, 3), (30, 8)])
def test_a_part_of_the_mutants_is_what_four_papers_have_and_commits_take_turns(monkeypatch, papers, parts):
    monkeypatch.syspath_prepend(ROOT / "ci")
    run_tests = load_file(ROOT / "ci" / "run_tests.py")
    corpus = SimpleNamespace(papers=[SimpleNamespace(built=at < papers) for at in range(30)])
    found = {run_tests.part_of(corpus, f"{at:08x}{'f' * 32}") for at in range(100, 120)}
    assert found == {f"{number}/{parts}" for number in range(1, parts + 1)}
