"""A toy corpus for the engine's tests: hidden = tanh(scale * scores), scores = x W^T + b, in layers written as small strings.

Its evidence is also built here in plain NumPy, with gradients by hand, so that comparators, claims and verdicts are tested
without a process and without a framework.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from s30.corpus import documents
from s30.corpus.problem import SEEDS, STEPS, TRAJECTORY_SEEDS, cotangents
from s30.corpus.registry import Corpus, Paper, load_corpus
from s30.corpus.vocabulary import Metric
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers import numpy as numpy_layer
from s30.layers.catalogue import AUTODIFF, ENGINE, LAYERS, PARTS
from s30.record import telemetry
from s30.verdict.completeness import MUTANTS, ROOM
from s30.verdict.judge import judge

ROOT = Path(__file__).resolve().parents[2]

# What a shell starts in the background ignores SIGINT and hands that down: the sweeps interrupted here have to hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)

NUMPY_CHECKS = '''\
"""scores = x W^T + b; hidden = tanh(scale * scores); loss = mean (hidden - targets)^2."""

import numpy as np

from s30.room import Invariant
from s30.room import Problem


def problem(seed=0):
    rng = np.random.default_rng(seed)
    params = {"weight": rng.standard_normal((3, 2)), "bias": rng.standard_normal(3)}
    batch = {"inputs": rng.standard_normal((4, 2)), "targets": rng.standard_normal((4, 3))}
    return Problem({"scale": 0.5}, params, batch, 0.1)


def forward(params, batch, scale):
    scores = batch["inputs"] @ params["weight"].T + params["bias"]
    hidden = np.tanh(scale * scores)
    return {"scores": scores, "hidden": hidden, "loss": np.mean((hidden - batch["targets"]) ** 2)}


def _order(forward, problem, rng):
    order = rng.permutation(4)
    moved = {name: value[order] for name, value in problem.batch.items()}
    return forward(problem.params, moved)["hidden"], forward(problem.params, problem.batch)["hidden"][order]


def _bounded(forward, problem, rng):
    hidden = np.abs(forward(problem.params, problem.batch)["hidden"])
    return hidden, np.ones_like(hidden)


def invariants():
    return [
        Invariant("example_order", "examples do not mix", "equation 1", _order),
        Invariant("bounded", "tanh stays below one", "equation 2", _bounded, "<"),
    ]
'''

VARIANTS = """\
import numpy as np

from s30.room import Problem, Variant


def draw(seed, examples, scale, loud=1.0):
    rng = np.random.default_rng(seed)
    params = {"weight": loud * rng.standard_normal((3, 2)), "bias": rng.standard_normal(3)}
    batch = {"inputs": rng.standard_normal((examples, 2)), "targets": rng.standard_normal((examples, 3))}
    return Problem({"scale": scale}, params, batch, 0.1)


def slope(problem):
    p, b, scale = problem.params, problem.batch, problem.config["scale"]
    hidden = np.tanh(scale * (b["inputs"] @ p["weight"].T + p["bias"]))
    upstream = scale * (1 - hidden**2) * 2 * (hidden - b["targets"]) / hidden.size
    return {"weight": upstream.T @ b["inputs"], "bias": upstream.sum(0)}


def variants():
    still = draw(8, 2, 0.5, loud=0.0)
    return [
        Variant("single", "one example", draw(7, 1, 2.0)),
        Variant("loud", "tanh saturates", draw(9, 4, 0.5, loud=1e3), "extreme"),
        Variant("still", "weights of zero", still, "tie", "tanh'(0) = 1", slope(still)),
    ]
"""

ORACLES = """\
import math

import numpy as np

from s30.room import Oracle


def by_loops(forward, problem):
    p, b, scale = problem.params, problem.batch, problem.config["scale"]
    sums = [[sum(w * x for w, x in zip(row, xs)) for row in p["weight"]] for xs in b["inputs"]]
    theirs = [[math.tanh(scale * (s + c)) for s, c in zip(line, p["bias"])] for line in sums]
    return forward(p, b)["hidden"], np.array(theirs)


def oracles():
    return [Oracle("by_loops", "hidden, entry by entry", "loops over math.tanh", by_loops, ("loud",))]
"""

TORCH = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.randn(3, 2))
        self.bias = nn.Parameter(torch.randn(3))

    def forward(self, batch):
        scores = batch["inputs"] @ self.weight.T + self.bias
        hidden = torch.tanh(self.scale * scores)
        return {"scores": scores, "hidden": hidden, "loss": ((hidden - batch["targets"]) ** 2).mean()}
"""

JAX = """\
import jax.numpy as jnp


def forward(params, batch, scale):
    scores = batch["inputs"] @ params["weight"].T + params["bias"]
    hidden = jnp.tanh(scale * scores)
    return {"scores": scores, "hidden": hidden, "loss": jnp.mean((hidden - batch["targets"]) ** 2)}
"""

SYMPY = """\
import sympy
from s30.room import Bridge, Identity

x = sympy.Symbol("x", real=True)


def identities():
    return [
        Identity("tanh_derivative", "tanh' = 1 / cosh^2", sympy.tanh(x).diff(x), 1 / sympy.cosh(x) ** 2, "x real", "equation 2", proof=("rewrite:exp", "simplify")),
        Identity("tanh_odd", "tanh(-x) = -tanh x", sympy.tanh(-x).rewrite(sympy.exp), -sympy.tanh(x), "x real", "equation 2", proof=("rewrite:exp", "simplify")),
    ]


def bridges():
    function = sympy.lambdify(x, sympy.tanh(x), "numpy")

    def hidden(problem):
        p, b = problem.params, problem.batch
        return function(problem.config["scale"] * (b["inputs"] @ p["weight"].T + p["bias"]))

    return [Bridge("hidden_formula", "the formula of equation 2", "output:hidden", hidden, "equation 2")]
"""

TASK = """\
import numpy as np
from s30.room import Experiment, Lines, Metric, Training, linear_decay

METRICS = {
    "accuracy": Metric("share of signs that are right", "share", "seeds", "tanh", "high"),
    "chance": Metric("the same for targets in random order", "share", "", "control", "high", control=True),
}


def predict(net, params, inputs):
    return {"hidden": np.tanh(inputs["inputs"] @ params["weight"].T + params["bias"])}


def run(profile, seed, framework):
    rng = np.random.default_rng(seed)
    start = {"weight": rng.standard_normal((3, 2)), "bias": rng.standard_normal(3)}
    data = {"inputs": rng.standard_normal((12, 2)), "targets": rng.standard_normal((12, 3))}
    order = rng.integers(12, size=(20, 4))
    framework.progress(0.5, "half way")
    trained = framework.train(Training("tanh", start, data, order, linear_decay(0.1, 20), clip=0.5, keep=(10, 20)))
    framework.predict("tanh", trained.params, {"inputs": rng.standard_normal((5, 2))})
    framework.ask("slopes", data["inputs"])
    return Experiment({"accuracy": [0.94, 0.96], "chance": 0.1})
"""

EXPERIMENT = """\
import numpy as np
from s30.room import Trained


def train(training):
    params, losses, kept = dict(training.start), [], {}
    for index, rate in zip(training.order, training.rates):
        inputs, targets = (training.data[name][index] for name in ("inputs", "targets"))
        hidden = np.tanh(inputs @ params["weight"].T + params["bias"])
        losses.append(np.mean((hidden - targets) ** 2))
        upstream = 2 * (hidden - targets) * (1 - hidden**2) / hidden.size
        grads = {"weight": upstream.T @ inputs, "bias": upstream.sum(0)}
        norm = np.sqrt(sum(np.sum(grad**2) for grad in grads.values()))
        scale = min(1.0, training.clip / norm)
        params = {name: params[name] - rate * scale * grad for name, grad in grads.items()}
        if len(losses) in training.keep:
            kept[len(losses)] = params
    return Trained(params, losses, kept)


def predict(net, params, inputs):
    return {"hidden": np.tanh(inputs["inputs"] @ params["weight"].T + params["bias"])}


def slopes(inputs):
    return 1 - np.tanh(inputs) ** 2
"""

CARD: dict[str, Any] = {
    "summary": "An affine map and a tanh.",
    "depth": {
        "numpy": "substantive",
        "sympy": "partial",
        "tinygrad": "substantive",
        "torch": "substantive",
        "jax": "substantive",
        "agda": {"level": "minimal", "why": "the toy has one lemma"},
    },
    "equations": [
        {
            "id": "affine",
            "source": "(1)",
            "formula": "x W + b",
            "carried_by": {"output": "scores", "parameter": "weight"},
        },
        {
            "id": "tanh",
            "source": "(2)",
            "formula": "tanh",
            "carried_by": {"identity": "tanh_odd", "invariant": "bounded", "theorem": "Toy.odd"},
        },
        {
            "id": "bridge",
            "source": "(2)",
            "formula": "tanh",
            "carried_by": {"bridge": "hidden_formula", "metric": "accuracy"},
        },
    ],
    "coverage": [
        {"item": "(1)", "carried_by": {"output": "scores"}},
        {"item": "(2)", "carried_by": {"output": "hidden", "claim": ["odd", "learns"]}},
        {"item": "table 2", "left_out": "needs a cluster"},
    ],
    "theorems": [{"name": "Toy.odd", "says": "tanh is odd", "source": "(2)"}],
    "deviations": [],
    "fixed": [
        {"array": array, "axis": axis, "why": "one size is enough here"}
        for array, axis in (("weight", 0), ("weight", 1), ("bias", 0), ("inputs", 1), ("targets", 1))
    ],
    "claims": [
        {
            "id": "odd",
            "statement": "tanh is odd",
            "source": "(2)",
            "kind": "exact",
            "evidence": [{"identity": "tanh_odd"}, {"theorem": "Toy.odd"}],
        },
        {
            "id": "learns",
            "statement": "it learns",
            "source": "table 1",
            "kind": "reproduced",
            "evidence": [{"metric": "accuracy", "at_least": 0.9}, {"metric": "chance", "at_most": 0.2}],
        },
        {
            "id": "scale",
            "statement": "at scale",
            "source": "table 2",
            "kind": "out_of_scope",
            "reason": "needs a cluster",
        },
    ],
    "scope": {
        "proxy_scope": "toy",
        "claim_coverage": "all",
        "measured_regime": "tiny",
        "failure_modes": ["none known"],
    },
}

CODE = {  # of each layer, the files in which there is a mistake
    "numpy": ["numpy_checks.py", "task.py"],
    "sympy": ["sympy/derivations.py"],
    "tinygrad": ["tinygrad/model.py"],
    "torch": ["torch/model.py", "torch/experiment.py"],
    "jax": ["jax/model.py", "jax/experiment.py"],
    "agda": ["cubical-agda/Toy.agda", "cubical-agda/evaluation/Toy-Run.agda"],
}
MISTAKES = [
    {"name": f"{layer} {number}", "layer": layer, "file": CODE[layer][number % len(CODE[layer])]}
    | {"find": "a", "replace": "b", "caught_by": "layer"}
    for layer, least in MUTANTS.items()
    for number in range(max(least, len(CODE[layer])))
]
FILES = {
    "numpy_checks.py": NUMPY_CHECKS,
    "variants.py": VARIANTS,
    "oracles.py": ORACLES,
    "torch/model.py": TORCH,
    "jax/model.py": JAX,
    "sympy/derivations.py": SYMPY,
    "cubical-agda/evaluations.py": "def evaluations():\n    return []\n",
    "task.py": TASK,
    "torch/experiment.py": EXPERIMENT,
    "jax/experiment.py": EXPERIMENT,
    "tests/mutants.yaml": documents.dump({"mutants": MISTAKES}),
}


def entry(number: str, slug: str) -> dict[str, Any]:
    link = "https://example.org/toy"
    order = int(number)
    return {
        "id": number,
        "slug": slug,
        "title": f"Toy {number}",
        "authors": "A. Toy",
        "year": 2020,
        "link": link,
        "order": order,
        "build_order": order,
    }


def write_corpus(root: Path, rooms: Mapping[str, Mapping[str, str] | None] | None = None, card: Any = CARD) -> Corpus:
    """`rooms`: `NN_slug` -> files that replace or join the toy's own; None leaves the paper without a room."""
    rooms = {"01_affine": {}} if rooms is None else rooms
    entries = [entry(*name.split("_", 1)) for name in rooms]
    root.mkdir(parents=True, exist_ok=True)
    (root / "papers.yaml").write_text(documents.dump({"papers": entries}))
    (root / "waivers.yaml").write_text("waivers: []\n")
    (root / ".gitignore").write_text(".s30/\n__pycache__/\n")
    for name, files in rooms.items():
        for relative, text in (
            {**FILES, "paper.yaml": documents.dump(card), **files} if files is not None else {}
        ).items():
            path = root / "papers" / name / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for pattern in ROOM if files is not None else ():  # the rest of a room, empty
            folder = root / "papers" / name
            if not any(folder.glob(pattern)):
                stem = "Toy-Run" if "evaluation" in pattern else "Toy" if pattern.endswith(".agda") else "toy"
                path = folder / pattern.removeprefix("**/").replace("*", stem)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
    return load_corpus(root)


@pytest.fixture(scope="session")
def toy() -> SimpleNamespace:
    """The strings of the toy's room, and `write_corpus` for fixtures of wider scope."""
    return SimpleNamespace(
        numpy=NUMPY_CHECKS,
        variants=VARIANTS,
        oracles=ORACLES,
        torch=TORCH,
        jax=JAX,
        sympy=SYMPY,
        task=TASK,
        experiment=EXPERIMENT,
        write_corpus=write_corpus,
        experiment_facts=experiment_facts,
    )


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Corpus]:
    return lambda rooms=None, card=CARD, name="corpus": write_corpus(tmp_path / name, rooms, card)


@pytest.fixture
def card() -> dict[str, Any]:
    """A copy of the toy's card, to be changed at will."""
    return copy.deepcopy(CARD)


@pytest.fixture
def corpus(make_corpus: Callable[..., Corpus]) -> Corpus:
    return make_corpus()


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """The toy paper in a corpus that tests share, and so do not write to."""
    return write_corpus(tmp_path_factory.mktemp("shared")).paper("01")


def by_hand(
    params: Mapping[str, Any], batch: Mapping[str, Any], duals: Mapping[str, Any], scale: float
) -> dict[str, Any]:
    """d(loss + sum <dual, output>)/dparams of the toy, by the chain rule."""
    hidden = np.tanh(scale * (batch["inputs"] @ params["weight"].T + params["bias"]))
    upstream = 2 * (hidden - batch["targets"]) / hidden.size + duals.get("hidden", 0.0)
    slope = scale * (1 - hidden**2) * upstream + duals.get("scores", 0.0)
    return {"weight": slope.T @ batch["inputs"], "bias": slope.sum(0)}


def toy_evidences(paper: Paper) -> dict[str, Evidence]:
    """Evidence of all six layers that agrees."""
    reference = numpy_layer.run(paper, lambda _: None, PARTS)
    toy = paper.module("numpy_checks.py")
    arrays = {name: a for name, a in reference.arrays.items() if "/difference/" not in name and "/by_hand/" not in name}
    bridges: dict[str, Any] = {}
    for seed in SEEDS:
        problem = toy.problem(seed)
        duals = cotangents(reference.group(f"seed{seed}/output"), seed)
        for what, c in (("gradient", duals), ("loss_gradient", {})):
            grads = by_hand(problem.params, problem.batch, c, **problem.config)
            arrays |= {f"seed{seed}/{what}/{name}": value for name, value in grads.items()}
        bridges[f"seed{seed}/bridge/hidden_formula"] = arrays[f"seed{seed}/output/hidden"]
        bridges[f"seed{seed}/bridge/bias_formula"] = arrays[f"seed{seed}/loss_gradient/bias"]
        arrays |= {f"seed{seed}/recorded/{n}": a for n, a in reference.group(f"seed{seed}/output").items()}
    for seed in TRAJECTORY_SEEDS:
        problem = toy.problem(seed)
        params, losses = dict(problem.params), []
        for _ in range(STEPS):
            losses.append(toy.forward(params, problem.batch, **problem.config)["loss"])
            grads = by_hand(params, problem.batch, {}, **problem.config)
            params = {name: value - problem.learning_rate * grads[name] for name, value in params.items()}
        losses.append(toy.forward(params, problem.batch, **problem.config)["loss"])
        arrays |= {f"seed{seed}/trajectory/loss": np.array(losses)}
        arrays |= {f"seed{seed}/trajectory/param/{n}": v for n, v in params.items()}
    for variant in paper.module("variants.py").variants():
        at, problem = f"variant/{variant.name}", variant.problem
        duals = cotangents(reference.group(f"{at}/output"), 0)
        for what, c in (("gradient", duals), ("loss_gradient", {})) if variant.kind != "shape" else ():
            grads = by_hand(problem.params, problem.batch, c, **problem.config)
            arrays |= {f"{at}/{what}/{name}": value for name, value in grads.items()}
    proved = {
        "statement": "s",
        "assumptions": "x real",
        "source": "(2)",
        "proof": ["simplify"],
        "proved": True,
        "why": "",
    }
    target = {"hidden_formula": "output:hidden", "bias_formula": "gradient:bias"}
    facts = {
        "identities": {"tanh_odd": proved, "tanh_derivative": proved},
        "bridges": {name: {"statement": "s", "source": "(2)", "target": t} for name, t in target.items()},
    }
    asked = {name: reference.facts[name] for name in ("invariants", "variants", "altered")} | {"oracles": []}
    drawn = {"shape": [3, 2], "finite": True, "spread": 1.5, "slope": 0.25}
    start = {"start": {"parameters": {"weight": drawn, "bias": drawn | {"shape": [3]}}, "seeded": True}}
    own = {"tinygrad": start, "torch": start | {"matters": reference.facts["matters"]}, "jax": {}}
    theorem = {"statement": "odd : Type", "says": "tanh is odd", "source": "(2)"}
    agda = {
        "agda": "2.7.0",
        "provider": "cubical-lite (embedded)",
        "modules": ["Toy.agda"],
        "theorems": {"Toy.odd": theorem},
        "evaluations": [
            {"name": "run", "definitions": ["Toy.run"], "on": ["seed0"], "exact": False, "failed": {}},
        ],
    }
    run = {f"evaluation/run/seed0/{side}": reference.arrays["seed0/output/scores"] for side in ("agda", "numpy")}
    return {
        "numpy": reference,
        "sympy": Evidence(paper.id, "sympy", bridges, facts),
        **{name: Evidence(paper.id, name, dict(arrays), asked | own[name]) for name in AUTODIFF},
        "agda": Evidence(paper.id, "agda", run, agda),
    }


@pytest.fixture(scope="session")
def _shared_evidences(paper: Paper) -> dict[str, Evidence]:
    return toy_evidences(paper)


@pytest.fixture
def evidences(_shared_evidences: dict[str, Evidence]) -> dict[str, Evidence]:
    return dict(_shared_evidences)


def experiment_facts(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an experiment that measured this and was asked nothing that could be compared."""
    meanings = {
        "accuracy": Metric("share of signs that are right", "share", "seeds", "tanh", "high"),
        "chance": Metric("the same for targets in random order", "share", "", "control", "high", control=True),
    }
    facts: dict[str, Any] = {"profile": "quick", "seed": 0, "metrics": metrics, "figures": {}}
    facts["described"] = {name: dict(vars(meanings[name])) for name in metrics}
    return copy.deepcopy(facts | {"questions": [], "trainings": [], "updates": [], "compared": {}})


def toy_experiments(paper: Paper, accuracy: Any = (0.94, 0.96)) -> dict[str, Evidence]:
    facts = experiment_facts({"accuracy": list(accuracy), "chance": [0.1]})
    return {name: Evidence(paper.id, name, facts=copy.deepcopy(facts)) for name in ("torch", "jax")}


@pytest.fixture
def experiments(paper: Paper) -> dict[str, Evidence]:
    return toy_experiments(paper)


@pytest.fixture
def results_of() -> Callable[[Paper], dict[tuple[str, str, str], Evidence]]:
    """What a sweep of all layers and experiments would return for a toy paper."""
    return lambda paper: {
        **{(paper.id, name, "checks"): e for name, e in toy_evidences(paper).items()},
        **{(paper.id, name, "experiment"): e for name, e in toy_experiments(paper).items()},
    }


@pytest.fixture
def changed(evidences: dict[str, Evidence]) -> Callable[..., dict[str, Evidence]]:
    """`changed({(layer, array): function})`: the evidences with some arrays replaced (None removes one)."""

    def change(edits: Mapping[tuple[str, str], Callable[[Any], Any]]) -> dict[str, Evidence]:
        found = dict(evidences)
        for (layer, name), edit in edits.items():
            assert name in LAYERS or name in found[layer].arrays or edit(None) is not None, f"{layer} has no {name}"
            value = edit(found[layer].arrays.get(name))
            rest = {n: a for n, a in found[layer].arrays.items() if n != name}
            found[layer] = replace(found[layer], arrays=rest | ({} if value is None else {name: np.asarray(value)}))
        return found

    return change


@pytest.fixture
def s30(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line in a process of its own."""

    def run(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            s30_command(*arguments), capture_output=True, text=True, env=s30_environment(root, **variables), timeout=120
        )

    return run


def s30_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "s30.cli", *arguments]


def s30_environment(root: Path, **variables: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("S30_", "GIT_"))}
    return clean | {"PYTHONPATH": str(ENGINE.parent), "S30_ROOT": str(root), "COLUMNS": "200"} | variables


@pytest.fixture
def git_repository(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Callable[..., str]]:
    """Makes a folder a repository with one commit, and returns a function that runs git in it."""
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)

    def make(root: Path) -> Callable[..., str]:
        def git(*arguments: str) -> str:
            who = [
                "-c",
                "user.name=Toy",
                "-c",
                "user.email=toy@example.org",
                "-c",
                "commit.gpgsign=false",
                "-c",
                "init.defaultBranch=main",
            ]
            return subprocess.run(
                ["git", "-C", str(root), *who, *arguments], capture_output=True, text=True, check=True
            ).stdout

        git("init", "-q")
        git("add", "-A")
        git("commit", "-qm", "toy")
        return git

    return make


@pytest.fixture
def toy_record(
    make_corpus: Callable[..., Corpus],
    git_repository: Callable[[Path], Callable[..., str]],
    _shared_evidences: dict[str, Evidence],
    experiments: dict[str, Evidence],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """`toy_record(edit, waivers)`: a repository of one built paper and one without a room, and its record, in which all
    passed unless `edit` changed the sweep's results."""
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")

    def make(edit: Callable[[Any], Any] = lambda results: results, waivers: Any = ()) -> tuple[Path, dict[str, Any]]:
        corpus = make_corpus({"01_affine": {}, "02_later": None})
        (corpus.root / "waivers.yaml").write_text(documents.dump({"waivers": list(waivers)}))
        git_repository(corpus.root)
        results = {("01", name, "checks"): e for name, e in _shared_evidences.items()}
        results |= {("01", name, "experiment"): e for name, e in experiments.items()}
        verification = judge(corpus, corpus.select([]), list(LAYERS), edit(results), True)
        return corpus.root, telemetry.assemble(corpus.root, verification, "quick", 1.5, False)

    return make


@pytest.fixture(scope="session")
def agda_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus root whose staged library keeps its interfaces from one test to the next."""
    if environment.find_agda() is None:
        pytest.skip("Agda is not installed")
    root = tmp_path_factory.mktemp("agda")
    shutil.copytree(ROOT / "agda", root / "agda", ignore=shutil.ignore_patterns("_build", "*.agdai"))
    return root


@pytest.fixture
def agda_rooms(agda_root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Corpus]:
    """Lays out one paper per (module, source, claimed theorems), with the embedded provider. The first one's room holds
    `files` besides, and its card what else is said."""
    monkeypatch.setenv("S30_CUBICAL", "embedded")
    monkeypatch.delenv("S30_CACHE", raising=False)

    def make(*rooms: tuple[str, str, list[str]], files: Mapping[str, str] | None = None, **card: Any) -> Corpus:
        shutil.rmtree(agda_root / "papers", ignore_errors=True)
        for loaded in [name for name in sys.modules if name.startswith("s30_room")]:
            del sys.modules[loaded]  # a room's code at the same place
        for number, (module, source, theorems) in enumerate(rooms, 1):
            folder = agda_root / "papers" / f"{number:02d}_p{number}"
            written = {f"cubical-agda/{module}.agda": source} | (dict(files or {}) if number == 1 else {})
            for name, text in written.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8")
            named = [{"name": name, "says": "it", "source": "s"} for name in theorems]
            said = {**copy.deepcopy(CARD), "theorems": named, **(card if number == 1 else {})}
            (folder / "paper.yaml").write_text(documents.dump(said), encoding="utf-8")
        entries = [entry(f"{number:02d}", f"p{number}") for number in range(1, len(rooms) + 1)]
        (agda_root / "papers.yaml").write_text(documents.dump({"papers": entries}), encoding="utf-8")
        return load_corpus(agda_root)

    return make
