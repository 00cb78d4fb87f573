"""A paper reads nothing that its evidence is not keyed by, and leaves the process as it found it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from s30.corpus.vocabulary import Outcome
from s30.layers.catalogue import CHECKS, ENGINE
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep

pytestmark = pytest.mark.numpy


def measured(corpus, layer="numpy", listen=lambda _: None):
    """Each paper's evidence of that layer, from one sweep with one process."""
    results = sweep(
        slots_for(corpus.papers, [layer], False), Options(corpus.root, corpus.root / "cache", workers=1), listen
    )
    return {paper: evidence for (paper, _, task), evidence in results.items() if task == CHECKS}


def with_line(text: str, line: str, function: str = "forward") -> str:
    """The room's text with a further first line in one of its functions."""
    indent = " " * (8 if "nn.Module" in text else 4)
    changed, count = re.subn(rf"def {function}\(.*\):\n", lambda found: f"{found[0]}{indent}{line}\n", text)
    assert count == 1
    return changed


OPENS = [
    "open(__file__.replace('numpy_checks.py', 'data.json')).read()",
    "__import__('pathlib').Path(__file__).with_name('data.json').read_bytes()",
    "__import__('os').open(__file__.replace('numpy_checks.py', 'data.json'), 0)",
    "np.loadtxt(__file__.replace('numpy_checks.py', 'data.json'))",
    "__import__('s30.corpus.registry', fromlist=['_']).sibling(__file__, 'deeper/helper.py')",
]


@pytest.mark.parametrize("line", OPENS)
def test_a_file_that_is_not_part_of_the_key_is_refused(make_corpus, toy, line):
    room = {"numpy_checks.py": with_line(toy.numpy, line), "data.json": "1", "deeper/helper.py": "x = 1\n"}
    corpus = make_corpus({"01_reads": room, "02_other": {"numpy_checks.py": toy.numpy}})
    found = measured(corpus)
    assert found["01"].outcome is Outcome.FAILED
    assert "numpy_checks.py:" in found["01"].error
    assert "it opens papers/01_reads/de" in found["01"].error.replace("data.json", "de")
    assert found["02"].outcome is Outcome.PASSED


@pytest.mark.parametrize(("name", "value"), [("PYTHONOPTIMIZE", "1"), ("PYTHONWARNINGS", "error")])
def test_python_s_own_variables_do_not_reach_a_worker(make_corpus, toy, monkeypatch, name, value):
    """Without them its assertions are executed, for one."""
    monkeypatch.setenv(name, value)
    line = f"assert __import__('os').environ.get({name!r}) == {value!r}, 'it is not set here'"
    corpus = make_corpus({"01_asserts": {"numpy_checks.py": with_line(toy.numpy, line)}})
    assert "it is not set here" in measured(corpus)["01"].error


def test_a_room_that_catches_the_refusal_is_found_out(make_corpus, toy):
    line = 'exec(\'try:\\n open(__file__.replace("numpy_checks.py", "data.json"))\\nexcept Exception: pass\')'
    corpus = make_corpus({"01_reads": {"numpy_checks.py": with_line(toy.numpy, line), "data.json": "1"}})
    assert measured(corpus)["01"].error.startswith("it opens papers/01_reads/data.json, on which its evidence")


def test_another_papers_file_is_refused(make_corpus, toy):
    line = "open(__file__.replace('01_reads', '02_other')).read()"
    corpus = make_corpus(
        {"01_reads": {"numpy_checks.py": with_line(toy.numpy, line)}, "02_other": {"numpy_checks.py": toy.numpy}}
    )
    assert "it opens papers/02_other/numpy_checks.py" in measured(corpus)["01"].error


def test_an_engine_module_outside_the_key_is_refused(make_corpus, toy):
    corpus = make_corpus({"01_draws": {"numpy_checks.py": "import s30.view.figures\n" + toy.numpy}})
    assert "it imports the engine's view/__init__.py, which is not part of its key" in measured(corpus)["01"].error


def test_a_file_outside_the_repository_is_refused_unless_it_was_written_here(make_corpus, toy, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("1")
    reads = with_line(toy.numpy, f"open({str(outside)!r}).read()")
    own = with_line(
        toy.numpy, f"open({str(tmp_path / 'own')!r}, 'w').write('1'); open({str(tmp_path / 'own')!r}).read()"
    )
    found = measured(make_corpus({"01_reads": {"numpy_checks.py": reads}, "02_writes": {"numpy_checks.py": own}}))
    assert f"it opens {outside}, on which its evidence would depend" in found["01"].error
    assert found["02"].outcome is Outcome.PASSED


CHANGES = {
    "NumPy's error handling": "np.seterr(all='ignore')",
    "NumPy's global random numbers": "np.random.rand()",
    "the environment": "__import__('os').environ.update(OMP_NUM_THREADS='2')",
    "the working directory": "__import__('os').chdir('/')",
    "sys.path": "__import__('sys').path.append('/nowhere')",
    "numpy.tanh": "setattr(np, 'tanh', lambda x, original=np.tanh: original(x) + 1e-3)",
    "numpy.linalg.norm": "setattr(np.linalg, 'norm', lambda x: 1.0)",
}


@pytest.mark.parametrize(("what", "line"), CHANGES.items(), ids=list(CHANGES))
def test_what_a_paper_leaves_changed_costs_that_paper_alone(make_corpus, toy, what, line):
    honest = make_corpus({"02_honest": {"numpy_checks.py": toy.numpy}})
    alone = measured(honest)["02"]
    room = {"numpy_checks.py": with_line(toy.numpy, line, "invariants")}
    corpus = make_corpus({"01_changes": room, "02_honest": {"numpy_checks.py": toy.numpy}})
    found = measured(corpus)
    assert found["01"].outcome is Outcome.FAILED
    assert found["01"].error.startswith(f"it leaves {what} changed in its process")
    assert found["02"].outcome is Outcome.PASSED
    assert found["02"].digest == alone.digest


@pytest.mark.torch
@pytest.mark.parametrize(
    ("what", "line"),
    {
        "PyTorch's default dtype": "torch.set_default_dtype(torch.float32)",
        "PyTorch's gradient mode": "torch.is_grad_enabled() and torch.set_grad_enabled(False)",
        "torch.tanh": "torch.tanh = lambda x, original=torch.tanh: original(x)",
        "torch.Tensor.sum": "torch.Tensor.sum = lambda x, original=torch.Tensor.sum: original(x)",
    }.items(),
)
def test_state_of_pytorch_that_a_paper_leaves_costs_that_paper_alone(make_corpus, toy, what, line):
    honest = {"numpy_checks.py": toy.numpy, "torch/model.py": toy.torch}
    changes = {**honest, "torch/model.py": with_line(toy.torch, line)}
    corpus = make_corpus({"01_changes": changes, "02_honest": honest})
    found = measured(corpus, "torch")
    assert f"it leaves {what}" in found["01"].error
    assert " changed in its process" in found["01"].error
    assert found["02"].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("layer", "file", "what", "line"),
    [
        pytest.param("jax", "jax/model.py", "jax.nn.softmax", "jax.nn.softmax = abs", marks=pytest.mark.jax),
        pytest.param("sympy", "sympy/derivations.py", "sympy.simplify", "sp.simplify = abs", marks=pytest.mark.sympy),
    ],
)
def test_a_patched_framework_costs_the_paper_that_patched_it_alone(make_corpus, toy, layer, file, what, line):
    text = getattr(toy, layer)
    name = {"jax": "forward", "sympy": "identities"}[layer]
    brought = {"jax": "import jax.nn; ", "sympy": "import sympy as sp; "}[layer]
    honest = {"numpy_checks.py": toy.numpy, file: text}
    changes = {**honest, file: with_line(text, f"{brought}{line}", name)}
    found = measured(make_corpus({"01_changes": changes, "02_honest": honest}), layer)
    assert f"it leaves {what} changed in its process" in found["01"].error
    assert found["02"].outcome is Outcome.PASSED


def test_a_worker_sees_nothing_of_the_users_python(make_corpus, toy, tmp_path):
    """Neither a NumPy on PYTHONPATH that breaks, nor a `sitecustomize` that changes what NumPy computes."""
    corpus = make_corpus({"01_toy": {"numpy_checks.py": toy.numpy}})
    alone = measured(corpus)["01"]
    (tmp_path / "sitecustomize.py").write_text("import numpy\nnumpy.tanh = numpy.sin\nprint('hello')\n")
    script = (
        "import sys\nfrom pathlib import Path\nfrom s30.corpus.registry import load_corpus\n"
        "from s30.sweep.plan import Options, slots_for\nfrom s30.sweep.run import sweep\n"
        "corpus = load_corpus(Path(sys.argv[1]))\n"
        "found = sweep(slots_for(corpus.papers, ['numpy'], False), Options(corpus.root, Path(sys.argv[2])), lambda _: None)\n"
        "print([evidence.digest for evidence in found.values()][0])\n"
    )
    paths = os.pathsep.join([str(ENGINE.parent), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(corpus.root), str(tmp_path / "cache")],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split()[-1] == alone.digest
