"""A layer that misbehaves costs itself one clear line and nothing else; a sweep resumes, shares its cache and can be interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence import environment, store
from s30.evidence.store import Evidence
from s30.layers import catalogue, provenance
from s30.layers import numpy as numpy_layer
from s30.layers.catalogue import CHECKS, ENGINE, EXPERIMENT, LAYERS, PARTS
from s30.sweep import worker
from s30.sweep.durations import FIRST, START, Durations
from s30.sweep.plan import Event, Options, plan, slots_for
from s30.sweep.run import LocalExecutor, only_one, sweep
from s30.verdict.parity import blamed, check_paper

HEAD = "import os, signal, sys, time\nimport numpy as np\n"
CHANGED = "numpy_checks.py differs from what was measured"
LIMIT = 6.0  # seconds; a paper here takes milliseconds, but the machine may be busy


def spoilt(numpy_checks: str, statement: str) -> str:
    """The toy's numpy_checks.py with a statement at the start of `forward`."""
    start = "def forward(params, batch, scale):\n"
    return HEAD + numpy_checks.replace(start, start + f"    {statement}\n")


def returning(numpy_checks: str, expression: str) -> str:
    start = "def forward(params, batch, scale):\n"
    renamed = numpy_checks.replace(start, start.replace("forward", "_right"))
    return HEAD + renamed + f"\n\n{start}    right = _right(params, batch, scale)\n    return {expression}\n"


class Log(list):
    """A listener that remembers."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def of(self, kind: str) -> list[str]:
        return [event.slot[0] for event in self if event.kind == kind]


def run(corpus, layer="numpy", cache="cache", log=None, **settings):
    options = Options(corpus.root, corpus.root / cache, **{"time_limit": LIMIT, "workers": 1, **settings})
    return sweep(slots_for(corpus.papers, [layer], False), options, Log() if log is None else log)


@pytest.fixture(scope="module")
def misbehaved(tmp_path_factory, toy):
    """One sweep of the NumPy layer over papers each of which misbehaves in its own way, with two good ones around them."""
    right = toy.numpy
    rooms = {
        "01_good": right,
        "02_raises": spoilt(right, "raise ValueError('the weights\\n  are sour')"),
        "03_prints": spoilt(right, "print('{\"event\": \"done\"}'); sys.stdout.flush(); os.write(1, b'raw bytes')"),
        "04_noloss": returning(right, "{'scores': right['scores']}"),
        "05_vectorloss": returning(right, "right | {'loss': right['hidden']}"),
        "06_nodict": returning(right, "right['loss']"),
        "07_nan": returning(right, "right | {'scores': right['scores'] * np.nan}"),
        "08_single": returning(right, "right | {'hidden': right['hidden'].astype(np.float32)}"),
        "09_foreign": spoilt(right, "import torch"),
        "10_syntax": right.replace("def forward(params, batch, scale):", "def forward(params, batch, scale:"),
        "11_objects": returning(right, "right | {'extra': np.array([None])}"),
        "12_noproblem": right + "\n\ndef problem(seed=0):\n    return {}\n",
        "13_exits": spoilt(right, "sys.exit('enough')"),
        "14_dies": spoilt(right, "os.kill(os.getpid(), signal.SIGKILL)"),
        "15_hangs": spoilt(right, "time.sleep(600)"),
        "16_forks": spoilt(right, "os.fork() == 0 and time.sleep(600); os._exit(7)"),
        "17_fine": right,
        "19_twice": right.replace('Invariant("bounded"', 'Invariant("example_order"'),
        "18_changes": spoilt(right, "open(__file__, 'a').write('# more\\n')"),
    }
    corpus = toy.write_corpus(
        tmp_path_factory.mktemp("misbehaved"), {n: {"numpy_checks.py": t} for n, t in rooms.items()}
    )
    log = Log()
    started = time.monotonic()
    results = {paper: evidence for (paper, _, _), evidence in run(corpus, log=log).items()}
    return corpus, results, log, time.monotonic() - started


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("02", "papers/02_raises/numpy_checks.py:19: ValueError: the weights are sour"),
        ("04", "forward returned no output named 'loss' (it returned scores)"),
        ("05", "the output 'loss' must be a scalar, not of shape (4, 3)"),
        ("06", "forward must return a dict of named outputs, not float64"),
        ("09", "papers/09_foreign/numpy_checks.py:19: ModuleNotFoundError: the NumPy layer may not import torch"),
        ("10", "papers/10_syntax/numpy_checks.py:16: SyntaxError: '(' was never closed (numpy_checks.py, line 16)"),
        ("11", "seed0/output/extra holds Python objects, not numbers"),
        ("12", "numpy_checks.problem(0) must return a Problem, not dict"),
        ("13", "papers/13_exits/numpy_checks.py:19: it calls sys.exit('enough')"),
        ("14", "the NumPy process was killed by SIGKILL at «forward, seed 0»"),
        ("19", "two invariants are named 'example_order'"),
        ("18", f"its sources changed while it was measured ({CHANGED}): run it again"),
        ("15", f"NumPy exceeded its time limit of {LIMIT:g} s at «forward, seed 0»; raise it with --time-limit"),
    ],
)
def test_a_fault_costs_its_own_paper_one_line_that_says_what_and_where(misbehaved, number, error):
    _, results, log, _ = misbehaved
    assert results[number].outcome is Outcome.FAILED
    assert results[number].error == error
    assert [e.text for e in log if e.kind == "failed" and e.slot[0] == number] == [error]
    assert not results[number].arrays


@pytest.mark.numpy
def test_every_other_paper_is_measured_nevertheless(misbehaved):
    corpus, results, log, _ = misbehaved
    assert set(results) == {paper.id for paper in corpus.papers}
    assert sorted(log.of("done")) == ["01", "03", "07", "08", "17"]
    assert results["01"].digest == replace(results["17"], paper="01").digest


@pytest.mark.numpy
def test_what_a_layer_prints_does_not_reach_the_reports(misbehaved):
    one, other = misbehaved[1]["03"], misbehaved[1]["01"]
    assert {n: a.tobytes() for n, a in one.arrays.items()} == {n: a.tobytes() for n, a in other.arrays.items()}


@pytest.mark.numpy
@pytest.mark.parametrize(
    ("number", "words"),
    [("07", "seed0/output/scores is nan at index [0, 0]"), ("08", "seed0/output/hidden is float32")],
)
def test_values_that_are_not_finite_float64_are_told_by_the_checks(misbehaved, number, words):
    corpus, results, _, _ = misbehaved
    checks = check_paper(corpus.paper(number), {"numpy": results[number]})
    assert any(words in c.message for c in checks if c.outcome is Outcome.FAILED)


@pytest.mark.numpy
def test_a_child_that_outlives_its_worker_does_not_hold_up_the_sweep(misbehaved):
    """Paper 16's worker leaves by `_exit` while a fork of it sleeps with the pipe open."""
    _, results, _, seconds = misbehaved
    assert results["16"].outcome is Outcome.FAILED
    assert seconds < 10 * LIMIT


@pytest.mark.numpy
def test_a_file_that_was_another_one_while_it_was_read_is_no_evidence(make_corpus, toy, tmp_path):
    """While 01 is measured, 02 is edited; the edit undoes itself as soon as it has been executed."""
    script = tmp_path / "edit.py"
    script.write_text(  # it runs in a process of its own, as an editor does
        "import sys\npath = sys.argv[1].replace('01_first', '02_second'); text = open(path).read()\n"
        "if '# undone' not in text:\n"
        "    open(path, 'w').write(f'{text}open(__file__, \"w\").write({text!r})  # undone')\n"
    )
    run_it = f"__import__('subprocess').run([{sys.executable!r}, {str(script)!r}, __file__], check=True)"
    first = spoilt(toy.numpy, run_it)
    corpus = make_corpus({"01_first": {"numpy_checks.py": first}, "02_second": {"numpy_checks.py": toy.numpy}})
    path = corpus.paper("02").folder / "numpy_checks.py"
    results = run(corpus)
    assert path.read_text() == toy.numpy
    assert (
        results["02", "numpy", "checks"].error == f"its sources changed while it was measured ({CHANGED}): run it again"
    )
    again = run(corpus)["02", "numpy", "checks"]
    assert again.outcome is Outcome.PASSED


def test_failures_are_measured_again_and_successes_are_not(misbehaved):
    corpus, _, _, _ = misbehaved
    few = replace(corpus, papers=tuple(corpus.paper(n) for n in ("01", "02", "17")))
    log = Log()
    run(few, log=log)
    assert (sorted(log.of("cached")), log.of("failed"), log.of("done")) == (["01", "17"], ["02"], [])


@pytest.mark.numpy
@pytest.mark.parametrize("harm", ["flip", "truncate", "lose"])
def test_a_damaged_cache_entry_is_measured_again_with_one_line(misbehaved, harm):
    corpus, results, _, _ = misbehaved
    few = replace(corpus, papers=(corpus.paper("17"),))
    key = provenance.key(corpus.paper("17"), LAYERS["numpy"], CHECKS, "quick", 0)
    path = corpus.root / "cache" / f"{key}.npz"
    content = path.read_bytes()
    if harm == "lose":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if harm == "truncate" else content.replace(b"\x3f", b"\x40", 1))
    log = Log()
    (again,) = run(few, log=log).values()
    assert again.digest == results["17"].digest
    (event,) = [e for e in log if e.kind == "damaged"]
    assert event.text.startswith(f"cache entry {path.with_suffix('.json')} is damaged (")
    assert event.text.endswith("; it is measured again")
    assert "\n" not in event.text
    assert log.of("done") == ["17"]


@pytest.mark.numpy
def test_fresh_measures_what_is_cached(misbehaved):
    corpus, _, _, _ = misbehaved
    log = Log()
    run(replace(corpus, papers=(corpus.paper("01"),)), log=log, fresh=True)
    assert (log.of("done"), log.of("cached")) == (["01"], [])


@pytest.mark.numpy
def test_the_room_it_is_started_in_does_not_hide_the_engine_or_a_framework(make_corpus, monkeypatch):
    """The adaptors' folder has a numpy.py, and a worker is started with `-m`."""
    monkeypatch.chdir(ENGINE / "layers")
    (found,) = run(make_corpus()).values()
    assert found.error == ""


TORCH_EDITS = {
    "01_good": ("", ""),
    "02_name": ('"hidden": hidden', '"hiden": hidden'),
    "03_shape": ('"hidden": hidden', '"hidden": hidden.T'),
    "04_single": ('"hidden": hidden', '"hidden": hidden.float()'),
    "05_nan": ('"hidden": hidden', '"hidden": hidden / 0 * 0'),
    "06_parameter": ("self.bias", "self.offset"),
    "07_parametershape": ("torch.randn(3, 2)", "torch.randn(2, 3)"),
    "08_noloss": ('"loss":', '"cost":'),
    "09_nodict": ("return {", "return hidden, {"),
    "10_scale": ("self.scale * scores", "scores"),
    "11_detached": ("+ self.bias", "+ self.bias.detach()"),
    "12_foreign": ("import torch\n", "import torch\nimport jax\n"),
}


@pytest.mark.torch
def test_every_kind_of_wrong_torch_layer_is_rejected_by_a_line_that_leads_to_it(make_corpus, toy):
    """One process measures twelve versions of one model; NumPy's evidence is computed here."""
    corpus = make_corpus({name: {"torch/model.py": toy.torch.replace(*edit)} for name, edit in TORCH_EDITS.items()})
    results = run(corpus, "torch", time_limit=120.0)
    said = {}
    for paper in corpus.papers:
        found = {"numpy": numpy_layer.run(paper, lambda _: None, PARTS), "torch": results[paper.id, "torch", CHECKS]}
        checks = check_paper(paper, found)
        said[paper.id] = [c.message for c in checks if c.outcome is Outcome.FAILED]
        assert {name for name, against in blamed(checks).items() if against} == (
            set() if paper.id == "01" else {"torch"}
        ), said[paper.id]
    assert said["01"] == []
    for number, words in {
        "02": "layer torch against numpy, forward seed 0 hidden: missing from torch",
        "03": "forward seed 0 hidden: shape (3, 4), expected (4, 3)",
        "04": "forward seed 0 hidden: dtype float32, expected float64",
        "05": "forward seed 0 hidden: torch is nan at index [0, 0]",
        "06": "Model does not take the problem's parameters: ",
        "07": "size mismatch for weight",
        "08": "forward returned no output named 'loss' (it returned cost, hidden, scores)",
        "09": "forward must return a dict of named outputs, not tuple",
        "10": "forward seed 0 hidden: at index [",
        "11": "difference seed 0 bias: at index []: ",
        "12": "papers/12_foreign/torch/model.py:2: ModuleNotFoundError: the PyTorch layer may not import jax",
    }.items():
        assert any(words in line for line in said[number]), (number, said[number][:2])
        assert all("\n" not in line for line in said[number])
    # An invariant that stumbles over a wrong output says so besides, and hides nothing.
    raised = "invariant seed 0 bounded: papers/02_name/numpy_checks.py:29: forward returned no output named 'hidden' (it returned hiden, loss, scores)"
    assert any(line.endswith(raised) for line in said["02"])
    assert any(
        "papers/03_shape/numpy_checks.py:25: IndexError: index 3 is out of bounds" in line for line in said["03"]
    )


@pytest.fixture
def experiment(make_corpus, toy):
    """What a worker makes of the toy's experiment, when its task returns this."""

    def measure(returned: str, said=lambda _: None):
        text = toy.task.replace('Experiment({"accuracy": [0.94, 0.96], "chance": 0.1})', returned)
        paper = make_corpus({"01_affine": {"task.py": text}}).paper("01")
        options = Namespace(profile="quick", seed=3)
        return worker._experiment(paper, LAYERS["torch"], Namespace(double=nullcontext), options, said)

    return measure


METRICS, CURVE = '{"accuracy": (0.5, 0.7), "chance": 0.25}', 'Lines("t", "x", "y", {"a": ([0, 1], [1.0, 2.0])})'


def test_an_experiment_becomes_evidence_of_plain_numbers(experiment):
    said = []
    facts = experiment(f'Experiment({METRICS}, {{"curve": {CURVE}}})', said.append).facts
    assert facts["metrics"] == {"accuracy": [0.5, 0.7], "chance": [0.25]}
    assert facts["described"]["chance"]["control"] is True
    assert facts["figures"]["curve"]["series"] == {"a": [[0, 1], [1.0, 2.0]]}
    assert (facts["profile"], facts["seed"], said) == ("quick", 3, [" 50% half way"])


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("Experiment({'accuracy': [0.5, float('nan')]})", r"the metric 'accuracy' is not finite: \[0.5, nan\]"),
        ("Experiment({'accuracy': float('-inf')})", r"the metric 'accuracy' is not finite: \[-inf\]"),
        ("Experiment({'accuracy': []})", r"the metric 'accuracy' is not finite: \[\]"),
        (
            f"Experiment({METRICS}, {{'curve': {CURVE.replace('2.0', 'np.inf')}}})",
            "the figure 'curve' holds a NaN or an infinity",
        ),
        ("{}", r"task\.run must return an Experiment, not dict"),
    ],
)
def test_an_experiment_without_finite_numbers_is_refused_by_name(experiment, returned, words):
    with pytest.raises(S30Error, match=words):
        experiment(returned)


class Never:
    """An executor for what must not run."""

    def run(self, jobs, options, listen):
        raise AssertionError(f"{[job.layer.name for job in jobs]} ran")


@pytest.mark.parametrize(
    ("layer", "lacking", "words"),
    [
        ("torch", "module", "PyTorch is not installed: run `make setup`"),
        ("jax", "module", "JAX is not installed: run `make setup`"),
        ("tinygrad", "llvm", "tinygrad's LLVM backend needs libLLVM 16 to 21: install Debian's libllvm19"),
        ("agda", "agda", "Agda is not installed: run `make setup`, or set S30_AGDA"),
    ],
)
def test_what_is_missing_is_not_run_with_the_remedy(corpus, monkeypatch, layer, lacking, words):
    monkeypatch.setattr(
        environment, "missing_module", lambda name: lacking == "module" and name == LAYERS[layer].module
    )
    if lacking == "llvm":
        monkeypatch.setattr(environment, "find_llvm", lambda: None)
    if lacking == "agda":
        monkeypatch.setattr(environment, "find_agda", lambda: None)
    log = Log()
    options = Options(corpus.root, corpus.root / "cache")
    (found,) = sweep(slots_for(corpus.papers, [layer], False), options, log, Never()).values()
    assert found.outcome is Outcome.NOT_RUN
    assert found.error.startswith(words)
    assert [(e.kind, e.text) for e in log] == [("not_run", found.error)]


def test_an_agda_that_does_not_answer_costs_that_layer_alone(corpus, monkeypatch):
    monkeypatch.setattr(environment, "find_agda", lambda: "/nonexistent/agda")
    options = Options(corpus.root, corpus.root / "cache")
    (found,) = sweep(slots_for(corpus.papers, ["agda"], False), options, Log(), Never()).values()
    assert found.outcome is Outcome.NOT_RUN
    assert "/nonexistent/agda --version did not answer" in found.error


@pytest.mark.numpy
def test_a_layer_without_its_framework_fails_the_command_with_the_remedy(corpus, tmp_path):
    """Python sees none of the frameworks: -S hides site-packages, whose other packages are linked beside the engine."""
    hidden = {layer.module for layer in LAYERS.values() if layer.module} | {"jaxlib"}
    site = Path(np.__file__).parent.parent
    beside = tmp_path / "site"
    beside.mkdir()
    for path in site.iterdir():
        if path.name not in hidden and path.suffix not in (".pth", ".egg-link"):
            (beside / path.name).symlink_to(path)
    (beside / "s30").symlink_to(ENGINE)
    done = subprocess.run(
        [sys.executable, "-S", "-m", "s30.cli", "run", "--layer", "jax", "--layer", "sympy", "01"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(beside),
            "S30_PYTHONPATH": str(beside),
            "S30_ROOT": str(corpus.root),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "  not_run   01 JAX: JAX is not installed: run `make setup`" in done.stderr
    assert "  not_run   01 SymPy: SymPy is not installed: run `make setup`" in done.stderr
    assert "paper 01, layer jax: JAX is not installed: run `make setup`" in done.stderr
    assert "Traceback" not in done.stderr


def no_space(command: str, size: str, cache: Path) -> list[str]:
    """The command with a tiny file system of its own at the cache's place; then a listing of what is left there."""
    script = f'mkdir -p "{cache}" && mount -t tmpfs -o size={size} none "{cache}" && {command}; code=$?; ls -A "{cache}"; exit $code'
    return ["unshare", "-m", "sh", "-c", script]


needs_mount = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0,
    reason="this user may not mount a small file system (unshare -m) to fill up",
)


@needs_mount
@pytest.mark.numpy
def test_a_full_disk_is_one_line_before_work_begins(corpus):
    from_environment = {
        "S30_ROOT": str(corpus.root),
        "S30_CACHE": str(corpus.root / "cache"),
        "PYTHONPATH": str(ENGINE.parent),
    }
    command = no_space(f"'{sys.executable}' -m s30.cli run --layer numpy", "64k", corpus.root / "cache")
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | from_environment, timeout=120)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: cannot write ")
    assert done.stderr.endswith(": No space left on device; free space or choose another folder\n")
    assert done.stdout == ""  # no file is left


@needs_mount
@pytest.mark.numpy
def test_a_disk_that_fills_up_during_work_ends_it_with_one_line_and_keeps_what_was_finished(make_corpus, toy):
    rooms = {
        "01_small": toy.numpy,
        "02_big": returning(toy.numpy, "right | {'big': np.ones(500_000)}"),
        "03_other": toy.numpy,
    }
    corpus = make_corpus({name: {"numpy_checks.py": text} for name, text in rooms.items()})
    from_environment = {
        "S30_ROOT": str(corpus.root),
        "S30_CACHE": str(corpus.root / "cache"),
        "PYTHONPATH": str(ENGINE.parent),
    }
    command = no_space(f"'{sys.executable}' -m s30.cli run --layer numpy", "3m", corpus.root / "cache")
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | from_environment, timeout=120)
    assert done.returncode == 1
    measured, error = done.stderr.splitlines()
    assert measured.startswith("  measured  01 NumPy in ")
    assert error.startswith("error: cannot write ")
    assert error.endswith(": No space left on device; free space or choose another folder")
    assert sorted(Path(name).suffix for name in done.stdout.split()) == [
        "",
        ".json",
        ".npz",
    ]  # the locks, paper 01's entry


@pytest.mark.parametrize("place", ["file/cache", "/proc/s30"])
def test_a_cache_folder_that_takes_no_file_is_one_line(corpus, s30, place):
    (corpus.root / "file").write_text("")
    done = s30(corpus.root, "run", "--layer", "numpy", S30_CACHE=str(corpus.root / place))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot write ")
    assert line.endswith("; free space or choose another folder")


@pytest.mark.numpy
def test_two_sweeps_at_once_do_the_work_once(make_corpus, toy):
    corpus = make_corpus({"01_slow": {"numpy_checks.py": HEAD + "time.sleep(1.5)\n" + toy.numpy}})
    environ = {k: v for k, v in os.environ.items() if not k.startswith("S30_")}
    environ |= {"S30_ROOT": str(corpus.root), "PYTHONPATH": str(ENGINE.parent)}
    command = [sys.executable, "-m", "s30.cli", "run", "--layer", "numpy"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    lines = [line for _, err in said for line in err.splitlines()]
    assert sorted(line for line in lines if "from the cache" in line) == [
        "  0 measured, 1 from the cache",
        "  1 measured, 0 from the cache",
    ]
    assert [line for line in lines if "waits" in line] == ["  01 NumPy waits for another sweep that measures it"]


def test_a_sweep_that_waits_for_another_says_so_once(make_corpus):
    corpus = make_corpus({"01_one": {}, "02_two": {}})
    (job,) = plan(slots_for(corpus.papers, ["numpy"], False), 2, Durations(corpus.root / "cache", "quick"))
    log = Log()
    free = threading.Event()
    with only_one(corpus.root, job, log, lambda: False):
        assert not log  # it was free

        def second() -> None:
            with only_one(corpus.root, job, log, lambda: False):
                free.set()

        waiter = threading.Thread(target=second)
        waiter.start()
        time.sleep(0.5)
        assert not free.is_set()
    waiter.join(10)
    assert free.is_set()
    assert list(log) == [
        Event("waiting", ("01", "numpy", CHECKS), "waits for another sweep that measures papers 01, 02")
    ]


@pytest.fixture
def slow(make_corpus, toy):
    sleeper = spoilt(toy.numpy, "open('PID', 'w').write(str(os.getpid())); time.sleep(600)")
    corpus = make_corpus({"01_quick": {}, "02_slow": {"numpy_checks.py": sleeper}})
    path = corpus.paper("02").folder / "numpy_checks.py"
    path.write_text(path.read_text().replace("'PID'", repr(str(corpus.root.parent / "pid"))))
    return corpus


def started(corpus, command, environ) -> tuple[subprocess.Popen[str], int]:
    """The command, once its worker is busy with paper 02, and that worker's process id."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    pid = corpus.root.parent / "pid"
    until = time.monotonic() + 60
    while not (pid.is_file() and pid.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    return process, int(pid.read_text())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"


@pytest.mark.numpy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_at_once_keeps_what_is_finished_and_goes_on_from_there(slow, s30, number):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("S30_")}
    environ |= {"S30_ROOT": str(slow.root), "PYTHONPATH": str(ENGINE.parent)}
    process, worker = started(
        slow, [sys.executable, "-m", "s30.cli", "verify", "--layer", "numpy", "--no-claims"], environ
    )
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    *before, last = err.splitlines()
    assert last == "interrupted: what was finished is kept, and a rerun goes on from there"
    assert all(
        line.startswith("  measured  01 NumPy in ") for line in before
    )  # or it was interrupted before it could say so
    assert not alive(worker)
    again = s30(slow.root, "verify", "01", "--layer", "numpy", "--no-claims")
    assert again.returncode == 0, again.stderr
    assert "  0 measured, 1 from the cache" in again.stderr


@pytest.mark.numpy
def test_a_worker_ends_with_a_sweep_that_was_killed(slow):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("S30_")}
    environ |= {"S30_ROOT": str(slow.root), "PYTHONPATH": str(ENGINE.parent)}
    process, worker = started(slow, [sys.executable, "-m", "s30.cli", "run", "--layer", "numpy", "02"], environ)
    process.kill()
    process.communicate(timeout=20)
    until = time.monotonic() + 20
    while alive(worker):
        assert time.monotonic() < until
        time.sleep(0.02)


def opened(pid: int) -> Iterator[str]:
    """The paths of a process's open files; it may close some meanwhile."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(link)


@pytest.mark.numpy
def test_a_sweep_that_waits_for_another_can_be_interrupted(slow):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("S30_")}
    environ |= {"S30_ROOT": str(slow.root), "PYTHONPATH": str(ENGINE.parent)}
    command = [sys.executable, "-m", "s30.cli", "run", "--layer", "numpy", "02"]
    first, _ = started(slow, command, environ)
    try:
        second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
        until = time.monotonic() + 60
        while not any("locks" in path for path in opened(second.pid)):
            assert time.monotonic() < until
            time.sleep(0.05)
        second.send_signal(signal.SIGINT)
        _, err = second.communicate(timeout=20)
        assert second.returncode == 130
        assert err.splitlines() == [
            "  02 NumPy waits for another sweep that measures it",
            "interrupted: what was finished is kept, and a rerun goes on from there",
        ]
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=20)


def key_of(corpus, layer="numpy", task=CHECKS, profile="quick", seed=0) -> str:
    return provenance.key(corpus.paper("01"), LAYERS[layer], task, profile, seed)


def test_the_key_of_an_entry_stays_while_nothing_changes(make_corpus):
    one, other = make_corpus(name="one"), make_corpus(name="other/deeper")
    for layer in ("numpy", "torch", "jax", "sympy"):
        assert key_of(one, layer) == key_of(one, layer) == key_of(other, layer)


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("numpy_checks.py", {"numpy", "sympy", "torch", "jax"}),
        ("helper.py", {"numpy", "sympy", "torch", "jax"}),
        ("torch/model.py", {"torch"}),
        ("jax/model.py", {"jax"}),
        ("sympy/derivations.py", {"sympy"}),
        ("sympy/more.py", {"sympy"}),
        ("README.md", set()),
        ("paper.yaml", set()),
        ("tests/test_affine.py", set()),
    ],
)
def test_the_key_changes_with_the_room_files_that_the_layer_reads(corpus, file, concerned):
    names = ("numpy", "sympy", "torch", "jax")
    before = {name: key_of(corpus, name) for name in names}
    path = corpus.paper("01").folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.is_file() else "") + "\n# changed\n")
    assert {name for name in names if key_of(corpus, name) != before[name]} == concerned


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("corpus/problem.py", {"numpy", "sympy", "torch", "jax", "experiment"}),
        ("corpus/data.py", {"numpy", "sympy", "torch", "jax", "experiment"}),
        ("sweep/worker.py", {"numpy", "sympy", "torch", "jax", "experiment"}),
        ("layers/executable.py", {"numpy", "sympy", "torch", "jax", "experiment"}),
        ("layers/torch.py", {"torch", "experiment"}),
        ("training/jax.py", {"experiment"}),
        ("cli/measuring.py", set()),
        ("verdict/parity.py", set()),
        ("verdict/claims.py", set()),
    ],
)
def test_the_key_changes_with_the_engine_files_behind_the_layer(corpus, tmp_path, monkeypatch, file, concerned):
    copy = tmp_path / "s30"
    shutil.copytree(ENGINE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "ENGINE", copy)

    def keys():
        checks = {name: key_of(corpus, name) for name in ("numpy", "sympy", "torch", "jax")}
        return checks | {"experiment": key_of(corpus, "torch", EXPERIMENT)}

    before = keys()
    (copy / file).write_text((copy / file).read_text() + "\n# changed\n")
    after = keys()
    assert {name for name in before if before[name] != after[name]} == concerned


def test_the_key_of_an_experiment_depends_on_profile_and_seed_and_that_of_checks_does_not(corpus):
    assert len({key_of(corpus, "torch", EXPERIMENT, p, s) for p in ("quick", "full") for s in (0, 1)}) == 4
    assert len({key_of(corpus, "torch", CHECKS, p, s) for p in ("quick", "full") for s in (0, 1)}) == 1
    assert key_of(corpus, "torch", EXPERIMENT) != key_of(corpus, "torch", CHECKS)


def test_evidence_of_some_parts_is_no_evidence_of_all(corpus):
    paper, numpy = corpus.paper("01"), LAYERS["numpy"]
    keys = {
        provenance.key(paper, numpy, CHECKS, "quick", 0, parts) for parts in (PARTS, PARTS[:1], PARTS[:2], PARTS[::2])
    }
    assert len(keys) == 4
    assert provenance.key(paper, numpy, CHECKS, "quick", 0, PARTS) in {key_of(corpus)}


@pytest.mark.numpy
def test_the_parts_that_are_asked_for_are_measured_and_no_others(corpus):
    (found,) = run(corpus, parts=("outputs",)).values()
    assert {name.split("/")[1] for name in found.arrays} == {"output"}
    (found,) = run(corpus, parts=("outputs", "invariants")).values()
    assert {name.split("/")[1] for name in found.arrays} == {"output", "invariant"}


def test_the_key_depends_on_flags_versions_and_the_machine(corpus, monkeypatch):
    before = key_of(corpus, "jax")
    for target, name, value in (
        (environment, "version", lambda _: "99"),
        (environment, "cpu_model", lambda: "another"),
        (provenance, "VERSION", 99),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, value)
            assert key_of(corpus, "jax") != before, name
    other = replace(LAYERS["jax"], flags={**LAYERS["jax"].flags, "XLA_FLAGS": ""})
    assert provenance.key(corpus.paper("01"), other, CHECKS, "quick", 0) != before
    assert key_of(corpus, "jax") == before


def test_checks_share_a_process_by_layer_and_each_experiment_has_its_own(make_corpus):
    corpus = make_corpus({"01_a": {}, "02_b": {}})
    slots = slots_for(corpus.papers, ["numpy", "torch", "agda"], True)
    jobs = plan(slots, 1, Durations(corpus.root / "cache", "quick"))
    assert [(job.layer.name, job.task, [p.id for p in job.papers]) for job in jobs] == [
        ("agda", "checks", ["01", "02"]),
        ("torch", "experiment", ["01"]),
        ("torch", "experiment", ["02"]),
        ("torch", "checks", ["01", "02"]),
        ("numpy", "checks", ["01", "02"]),
    ]


@pytest.fixture
def thirty():
    """Thirty papers with every layer's checks and two experiments each, of durations that were seen in four rooms."""
    rng = np.random.default_rng(0)
    seen = {"numpy": 0.3, "sympy": 2, "tinygrad": 11, "torch": 1, "jax": 7, "agda": 2.5, EXPERIMENT: 8}
    papers = [SimpleNamespace(id=f"{i:02d}") for i in range(1, 31)]
    slots = slots_for(papers, list(LAYERS), True)
    took = {(p.id, layer.name, task): seen[task if task == EXPERIMENT else layer.name] for p, layer, task in slots}
    return slots, {slot: seconds * rng.uniform(0.5, 2.5) for slot, seconds in took.items()}


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_a_plan_by_what_was_measured_keeps_all_workers_busy(thirty, tmp_path, workers):
    slots, took = thirty
    known = Durations(tmp_path, "quick")
    known.learn({slot: Evidence(slot[0], slot[1], run={"cpu_seconds": s}) for slot, s in took.items()})
    jobs = plan(slots, workers, Durations(tmp_path, "quick"))
    assert sorted(job.slot(paper) for job in jobs for paper in job.papers) == sorted(took)
    assert len({job.name for job in jobs}) == len(jobs)
    free = [0.0] * workers  # when each is free again
    for job in jobs:
        first = free.index(min(free))
        free[first] += START[job.layer.name] + sum(took[job.slot(paper)] for paper in job.papers)
    assert max(free) <= 1.25 * sum(took.values()) / workers


def test_a_job_is_long_only_where_it_cannot_be_two(thirty, tmp_path):
    slots, took = thirty
    Durations(tmp_path, "quick").learn({s: Evidence(s[0], s[1], run={"cpu_seconds": t}) for s, t in took.items()})
    for job in plan(slots, 1, Durations(tmp_path, "quick")):
        if len(job.papers) > 1 and job.layer.name != "agda":
            assert sum(took[job.slot(paper)] for paper in job.papers) <= 90  # processor seconds


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b'{"01 numpy checks": "long"}', b'{"01 numpy checks": NaN}', b"[" * 9999]
)
def test_durations_that_cannot_be_read_are_as_if_never_measured(tmp_path, content):
    (tmp_path / "durations").write_bytes(content)
    assert Durations(tmp_path, "quick").of("01", "numpy", CHECKS) == FIRST["numpy"]


@pytest.mark.numpy
def test_a_sweep_remembers_what_it_took(make_corpus):
    corpus = make_corpus()
    run(corpus)
    known = json.loads((corpus.root / "cache" / "durations").read_text())
    assert known.keys() == {"01 numpy checks"}
    assert 0 < known["01 numpy checks"] < 60


def test_a_worker_that_ends_without_a_report_is_a_failure(corpus, monkeypatch):
    monkeypatch.setattr(
        "s30.sweep.processes._command",
        lambda job, options: [sys.executable, "-c", "import sys; print('gone wrong', file=sys.stderr)"],
    )
    (found,) = run(corpus).values()
    assert found.outcome is Outcome.FAILED
    assert found.error == "the NumPy process ended with code 0 at «starting»: gone wrong"


def test_a_report_without_an_entry_ends_the_sweep(corpus, monkeypatch):
    report = """import json; print(json.dumps({"event": "done", "paper": "01", "key": "0"}))"""
    monkeypatch.setattr("s30.sweep.processes._command", lambda job, options: [sys.executable, "-c", report])
    with pytest.raises(S30Error, match=r"NumPy reported paper 01 as done, but .* has no entry"):
        run(corpus)


def test_a_fault_of_one_job_ends_the_workers_of_all_others(corpus, monkeypatch):
    def command(job, options):
        code = "import time; time.sleep(600)" if job.layer.name == "torch" else "print('no json')"
        return [sys.executable, "-c", code]

    monkeypatch.setattr("s30.sweep.processes._command", command)
    monkeypatch.setattr(catalogue, "missing", lambda layer: None)
    executor = LocalExecutor()
    options = Options(corpus.root, corpus.root / "cache", workers=2)
    started = time.monotonic()
    with pytest.raises(ValueError, match="Expecting value"):
        sweep(slots_for(corpus.papers, ["torch", "numpy"], False), options, Log(), executor)
    assert time.monotonic() - started < 60
    assert all(process.poll() is not None for process in executor.runner.processes)


def test_after_an_interrupt_nothing_more_is_told(corpus, monkeypatch):
    """The worker's reports are still in the pipe when the sweep is interrupted."""
    report = """print('{"event": "stage", "paper": "01", "text": "on and on"}\\n' * 400, flush=True); import time; time.sleep(600)"""
    monkeypatch.setattr("s30.sweep.processes._command", lambda job, options: [sys.executable, "-c", report])
    log = Log()

    def listen(event):
        log(event)
        time.sleep(0.005)

    def wait(pending, **_):
        while not log:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr("s30.sweep.run.wait", wait)
    executor = LocalExecutor()
    with pytest.raises(KeyboardInterrupt):
        sweep(slots_for(corpus.papers, ["numpy"], False), Options(corpus.root, corpus.root / "cache"), listen, executor)
    told = len(log)
    time.sleep(0.3)
    assert 0 < len(log) == told < 400


def test_the_cache_is_in_the_repository_unless_named(tmp_path, monkeypatch):
    monkeypatch.delenv("S30_CACHE", raising=False)
    assert environment.cache_folder(tmp_path) == tmp_path / ".s30" / "cache"
    monkeypatch.setenv("S30_CACHE", str(tmp_path / "elsewhere"))
    assert environment.cache_folder(tmp_path) == tmp_path / "elsewhere"


def test_evidence_of_an_older_layout_is_measured_again(corpus, monkeypatch):
    key = key_of(corpus)
    store.save(Evidence("01", "numpy"), corpus.root / "cache", key)
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    with pytest.raises(store.DamagedEntryError):
        store.load(corpus.root / "cache", key)
