"""Somebody's own file in the place of a layer: what agrees, what does not and where first, what is missing, what cannot run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from s30 import cli, hold
from s30.errors import UsageError
from s30.verdict.holding import equations_of

ELSEWHERE = {  # the toy's layer under other names, its matrix transposed and in another order of rows
    "torch": """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale, self.W, self.c = scale, nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(3))

    def forward(self, batch):
        scores = (batch["inputs"] @ self.W + self.c)[:, [2, 0, 1]]
        hidden = torch.tanh(self.scale * scores)
        return {"affine": scores, "hidden": hidden, "loss": ((hidden - batch["targets"]) ** 2).mean()}
""",
    "tinygrad": """\
from tinygrad import Tensor


class Model:
    def __init__(self, scale):
        self.scale, self.W, self.c = scale, Tensor.zeros(2, 3), Tensor.zeros(3)

    def __call__(self, batch):
        scores = (batch["inputs"] @ self.W + self.c)[:, [2, 0, 1]]
        hidden = (self.scale * scores).tanh()
        return {"affine": scores, "hidden": hidden, "loss": ((hidden - batch["targets"]) ** 2).mean()}
""",
    **{
        layer: f"""\
import {module} as np


def forward(params, batch, scale):
    scores = (batch["inputs"] @ params["W"] + params["c"])[:, np.array([2, 0, 1])]
    hidden = np.tanh(scale * scores)
    return {{"affine": scores, "hidden": hidden, "loss": np.mean((hidden - batch["targets"]) ** 2)}}
"""
        for layer, module in (("jax", "jax.numpy"), ("numpy", "numpy"))
    },
}
NAMES = """\
parameters:
  weight: {name: W, blocks: [1, 2, 0], transpose: true}
  bias: {name: c, blocks: [1, 2, 0]}
outputs: {scores: affine}
"""
CUT = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale, self.weight, self.bias = scale, nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(3))

    def forward(self, batch):
        scores = batch["inputs"] @ self.weight.T + self.bias
        hidden = torch.tanh(self.scale * scores).detach()
        return {"scores": scores, "hidden": hidden, "loss": ((hidden - batch["targets"]) ** 2).mean()}
"""
EXECUTABLE = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ELSEWHERE]


@pytest.fixture
def tried(corpus, monkeypatch, capsys, results_of, tmp_path):
    """`s30 try 01` on a text, beside the toy's evidence: exit code, standard output, standard error."""
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    results = results_of(corpus.paper("01"))
    monkeypatch.setattr(
        "s30.cli.asking.sweep", lambda slots, *_: {s: e for s, e in results.items() if s[2] == "checks"}
    )

    def run(text, *arguments, layer="torch", names=None):
        file, told = tmp_path / "mine.py", tmp_path / "names.yaml"
        if text is not None:
            file.write_text(text)
        if names is not None:
            told.write_text(names)
            arguments = (*arguments, "--names", str(told))
        code = cli.main(["try", "01", str(file), "--layer", layer, *arguments])
        return code, *capsys.readouterr()

    return run


def report(outcome):
    code, out, err = outcome
    return code, json.loads(out), err


@pytest.mark.parametrize("layer", EXECUTABLE)
def test_another_layout_under_other_names_agrees_and_is_seen_where_the_names_are_wrong(tried, layer):
    code, found, err = report(tried(ELSEWHERE[layer], "--json", layer=layer, names=NAMES))
    assert (code, found["agrees"], found["failed"], found["lacking"]) == (0, True, [], []), err
    kinds = {kind for kind, rows in found["rows"].items() if rows}
    asked = {"forward", "variant", "conduct", "invariant", "bridge"}
    assert kinds >= (asked if layer == "numpy" else asked | {"gradient", "difference", "trajectory"})
    code, found, _ = report(
        tried(ELSEWHERE[layer], "--json", layer=layer, names=NAMES.replace("[1, 2, 0]", "[0, 1, 2]"))
    )
    assert (code, found["earliest"]) == (1, "scores")


@pytest.mark.torch
def test_the_earliest_output_that_disagrees_stands_first_with_its_equation(tried, toy):
    code, out, err = tried(toy.torch.replace("self.scale * scores", "scores"))
    assert code == 1
    assert out.startswith("The earliest output that disagrees is hidden.\n")
    assert out.endswith("mine.py as PyTorch disagrees with paper 01\n")
    assert err.splitlines()[-1].startswith("mine.py")
    code, out, _ = tried(toy.torch.replace("+ self.bias", "- self.bias"))
    assert out.splitlines()[:2] == ["The earliest output that disagrees is scores.", "   x W + b   ((1))"]


@pytest.mark.torch
def test_a_mistake_that_no_output_of_the_first_problems_shows_is_seen(tried, toy):
    """The gradient alone is wrong, or a call spoils its batch."""
    stopped = toy.torch.replace(
        "torch.tanh(self.scale * scores)",
        "torch.tanh(self.scale * (scores.detach() + 0.5 * (scores - scores.detach())))",
    )
    code, found, _ = report(tried(stopped, "--json"))
    assert (code, found["earliest"]) == (1, None)
    assert any("gradient" in message for message in found["failed"])
    code, found, _ = report(
        tried(toy.torch.replace("        scores =", "        batch['inputs'].mul_(1.5)\n        scores ="), "--json")
    )
    assert any("conduct" in message for message in found["failed"])


@pytest.mark.torch
def test_what_is_missing_is_said_and_the_rest_is_held(tried):
    part = ELSEWHERE["torch"].replace('"hidden": hidden, "loss": ((hidden - batch["targets"]) ** 2).mean()', "")
    code, found, _ = report(tried(part, "--json", names=NAMES))
    assert (code, found["agrees"], found["lacking"], found["failed"]) == (1, False, ["hidden", "loss"], [])
    code, out, _ = tried(part, names=NAMES)
    assert "does not give 2 outputs (hidden, loss)" in out
    assert out.endswith("mine.py as PyTorch is not whole, and agrees so far with paper 01\n")


@pytest.mark.torch
@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        (
            ELSEWHERE["torch"],
            None,
            "its parameter W is none of the room's, which are weight, bias: map it with --names",
        ),
        (
            ELSEWHERE["torch"],
            "parameters: {weight: W, bias: c}",
            "its parameter W has shape (2, 3); the room's weight, as it is",
        ),
        ("x = 1\n", None, "it defines no Model"),
        (CUT, None, "does not require grad"),
        ("import torch\nraise RuntimeError('no')\n", None, "mine.py:2: RuntimeError: no"),
        ("import jax\n", None, "the PyTorch layer may not import jax"),
    ],
)
def test_a_file_that_cannot_run_is_one_line(tried, text, names, words):
    code, out, err = tried(text, names=names)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("error: mine.py does not run as PyTorch of paper 01: ")
    assert words in err.splitlines()[-1]
    assert "papers/" not in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "text", "names", "words"),
    [
        ([], None, None, "mine.py: no such file; `--start` writes one"),
        (["--layer", "sympy"], "", None, "layer 'sympy' computes no outputs"),
        ([], "", "parameters: {wait: W}", "'wait' is no parameter of the problem, which has weight, bias"),
        ([], "", "parameters: {weight: {blocks: [0, 1]}}", "names.yaml:1: parameters/weight"),
        (["--start"], "mine", None, "mine.py exists already"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tried, arguments, text, names, words):
    code, out, err = tried(text, *arguments, names=names)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]


@pytest.mark.parametrize("layer", EXECUTABLE)
def test_a_file_to_begin_with_says_what_is_asked_and_solves_nothing(tried, tmp_path, layer):
    code, out, _ = tried(None, "--start", layer=layer)
    assert code == 0
    assert out.startswith("wrote ")
    text = (tmp_path / "mine.py").read_text()
    for words in (
        "scale = 0.5",
        "weight  float64 (3, 2)",
        "targets  float64 (4, 3)",
        "scores  float64 (4, 3)",
        "scale: float",
    ):
        assert words in text
    assert "tanh(" not in text
    compile(text, "mine.py", "exec")
    code, _, err = tried(text, layer=layer)
    assert code == 1
    assert "NotImplementedError" in err.splitlines()[-1]


def test_an_equation_that_several_outputs_carry_is_told_for_each(make_corpus, card):
    card["equations"][0]["carried_by"] = {"output": ["scores", "hidden"]}
    paper = make_corpus(card=card).paper("01")
    assert equations_of(paper, "hidden")[0] == "x W + b   ((1))"
    assert equations_of(paper, "loss") == []


def test_nothing_of_it_is_left_in_the_repository(tried, corpus, toy):
    before = {path for path in corpus.root.rglob("*") if "__pycache__" not in path.parts}
    tried(toy.numpy, layer="numpy")
    assert {path for path in corpus.root.rglob("*") if "__pycache__" not in path.parts} == before


# --- as a library ---


def own(params, batch, scale):
    scores = batch["inputs"] @ params["weight"].T + params["bias"]
    return {"hidden": np.tanh(scale * scores), "scores": scores}


def test_a_function_is_held_on_all_problems(corpus, monkeypatch):
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    errors = hold(own, "01")
    assert list(errors) == ["scores", "hidden"]
    assert max(errors.values()) < 1e-12
    with pytest.raises(AssertionError, match=r"paper 01, seed 0, scores: at index .* against .*; x W \+ b"):
        hold(lambda p, b, **c: {name: value * 1.01 for name, value in own(p, b, **c).items()}, "01")
    with pytest.raises(
        AssertionError, match=r"paper 01, variant .*, hidden: "
    ):  # at the first problem's scale alone it is right
        hold(lambda p, b, scale: {"hidden": own(p, b, 0.5)["hidden"]}, "01")
    with pytest.raises(AssertionError, match="has no output 'logits'"):
        hold(lambda p, b, **c: {"logits": np.zeros(3)}, "01")
    with pytest.raises(AssertionError, match="no output to hold"):
        hold(lambda p, b, **c: {}, "01")
    with pytest.raises(UsageError, match="no paper '77'"):
        hold(own, "77")


@pytest.mark.torch
def test_a_framework_s_tensors_are_taken(corpus, monkeypatch):
    import torch

    monkeypatch.setenv("S30_ROOT", str(corpus.root))

    def scores(params, batch, scale):
        weight = torch.tensor(params["weight"], requires_grad=True)
        return {"scores": torch.tensor(batch["inputs"]) @ weight.T + torch.tensor(params["bias"])}

    assert list(hold(scores, "01")) == ["scores"]
