"""Somebody's own file in the place of one executable layer, measured as that layer is, in a copy of the room that is thrown away.

The file is written to the room's contract: `Model(**config)` for PyTorch and tinygrad, `forward(params, batch, **config)` for
JAX and NumPy. A second file may say what it calls the parameters and outputs (`names.schema.json`), and how it lays
parameters out. Nothing of it enters the cache, the evidence or the record of the repository.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from s30.corpus import documents
from s30.corpus.registry import REGISTRY, Paper, load_corpus
from s30.errors import UsageError
from s30.evidence.store import Evidence
from s30.layers.catalogue import CHECKS, PARTS, Layer
from s30.sweep.plan import Listener, Options
from s30.sweep.run import sweep

# Not how it draws parameters, which is its own affair, nor the room's oracles, which may look into the room's own modules.
ASKED = tuple(part for part in PARTS if part not in ("start", "oracles"))
LEFT_OUT = shutil.ignore_patterns("__pycache__", "figures", "tests", "cubical-agda", "experiment.py", "oracles.py")
FILE, DOOR = "stranger.py", "stranger_door.py"
Names = Mapping[str, Mapping[str, Any]]

# What stands between the file and the engine, in the framework's own terms: parameters under the room's names and in its layout
# go in, and each is differentiated as such; outputs come out under the room's names. A loss that is not there is 0.
COMMON = '''
from s30.room import S30Error, sibling

theirs = sibling(__file__, "{file}")
PARAMETERS, OUTPUTS = {parameters!r}, {outputs!r}  # ours -> name, blocks, transpose; theirs -> ours
OURS = {{about["name"]: ours for ours, about in PARAMETERS.items()}}


def required(name):
    if not hasattr(theirs, name):
        raise S30Error(f"it defines no {{name}}")
    return getattr(theirs, name)


def laid(value, ours):
    """A parameter of the room as the file lays it out: blocks of rows in its order, then transposed."""
    about = PARAMETERS.get(ours, {{}})
    if blocks := about.get("blocks"):
        height = value.shape[0] // len(blocks)
        value = cat([value[k * height : (k + 1) * height] for k in blocks])
    return value.T if about.get("transpose") else value


def renamed(outputs):
    found = {{OUTPUTS.get(name, name): value for name, value in outputs.items()}}
    return {{**found, "loss": found["loss"] if "loss" in found else nothing()}}
'''
PURE = """

def forward(params, batch, **config):
    given = {{PARAMETERS.get(ours, {{"name": ours}})["name"]: laid(value, ours) for ours, value in params.items()}}
    return renamed(required("forward")(given, batch, **config))
"""
WRAPPERS = {
    "torch": """import torch

cat, nothing = torch.cat, lambda: torch.zeros(())
{common}

class Model(torch.nn.Module):
    def __init__(self, **config):
        super().__init__()
        self.inner, self.held = [required("Model")(**config)], {{}}
        self.names = {{name: OURS.get(name, name) for name, _ in self.inner[0].named_parameters()}}

    def load_state_dict(self, state, strict=True):
        for name, ours in self.names.items():
            if ours not in state:
                raise S30Error(f"its parameter {{name}} is none of the room's, which are {{', '.join(state)}}: map it with --names")
            shape, own = tuple(laid(state[ours], ours).shape), tuple(self.inner[0].get_parameter(name).shape)
            if shape != own:
                raise S30Error(f"its parameter {{name}} has shape {{own}}; the room's {{ours}}, as it is laid out there, has {{shape}}")
        self.held = {{name: torch.nn.Parameter(value) for name, value in state.items()}}

    def state_dict(self):
        return dict(self.held)

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self.held.items()

    def forward(self, batch):
        given = {{name: laid(self.held[ours], ours) for name, ours in self.names.items()}}
        return renamed(torch.func.functional_call(self.inner[0], given, (batch,)))
""",
    "tinygrad": """from tinygrad import Tensor
from tinygrad.nn.state import get_state_dict

cat, nothing = lambda parts: parts[0].cat(*parts[1:]), lambda: Tensor(0.0)
{common}

class Model:
    def __init__(self, **config):
        self._call = lambda inner=required("Model")(**config): inner
        for name, value in get_state_dict(self._call()).items():
            ours = OURS.get(name, name)
            at, *path = ours.split(".")
            held = Tensor.zeros(*reversed(value.shape)) if PARAMETERS.get(ours, {{}}).get("transpose") else Tensor.zeros(*value.shape)
            place = self.__dict__
            for step in path:
                place, at = place.setdefault(at, {{}}), step
            place[at] = held

    def __call__(self, batch):
        held, inner = get_state_dict(self), self._call()
        for name, value in get_state_dict(inner).items():
            value.replace(laid(held[OURS.get(name, name)], OURS.get(name, name)))
        return renamed(inner(batch))
""",
    "jax": "import jax.numpy as jnp\n\ncat, nothing = jnp.concatenate, lambda: jnp.zeros(())\n{common}" + PURE,
    "numpy": "import numpy as np\n\ncat, nothing = np.concatenate, lambda: np.zeros(())\n{common}" + PURE,
}
# The room's own functions go on calling the room's own `forward`: problems are drawn by it, and invariants lean on it.
REFERENCE = """from s30.room import sibling

_room = sibling(__file__, "room_checks.py")
globals().update({name: value for name, value in vars(_room).items() if not name.startswith("__")})
forward = sibling(__file__, "stranger_door.py").forward
"""


def names_in(path: Path | None, known: Mapping[str, Any]) -> Names:
    """What the file of names says. Raises UsageError where it names a parameter that the problem does not have."""
    told = documents.load(path, "names") if path is not None else {}
    for ours in told.get("parameters", {}):
        if ours not in known:
            raise UsageError(f"{path}: {ours!r} is no parameter of the problem, which has {', '.join(known)}")
    return {
        "parameters": {
            ours: {"name": about} if isinstance(about, str) else dict(about)
            for ours, about in told.get("parameters", {}).items()
        },
        "outputs": {theirs: ours for ours, theirs in told.get("outputs", {}).items()},
    }


def measured(
    paper: Paper, layer: Layer, file: Path, names: Names, parts: tuple[str, ...], time_limit: float, listen: Listener
) -> Evidence:
    """What the layer would have on record if this were its file, or why it has nothing."""
    with TemporaryDirectory(prefix="s30-try-") as folder:
        root = Path(folder)
        lay_out(paper, layer, file, names, root)
        copy = load_corpus(root).paper(paper.id)
        options = Options(root, root / ".s30" / "cache", time_limit=time_limit, workers=1, parts=parts)
        found = sweep([(copy, layer, CHECKS)], options, listen)[paper.id, layer.name, CHECKS]
        return replace(found, error=_at_home(found.error, paper, file))


def _at_home(error: str, paper: Paper, file: Path) -> str:
    """A fault as the file's owner knows the place: the file itself, and nothing of what stands around it."""
    return re.sub(
        rf"papers/{paper.folder.name}/(?:\w+/)?(?:({FILE})|[\w/]+\.py:\d+: )",
        lambda m: file.name if m[1] else "",
        error,
    )


def lay_out(paper: Paper, layer: Layer, file: Path, names: Names, root: Path) -> None:
    """A corpus of that one room, in which the layer computes by the file."""
    room = root / "papers" / paper.folder.name
    shutil.copytree(paper.folder, room, ignore=LEFT_OUT)
    entry = {
        key: getattr(paper, key) for key in ("id", "slug", "title", "authors", "year", "link", "order", "build_order")
    }
    (root / REGISTRY).write_text(documents.dump({"papers": [entry]}), encoding="utf-8")
    text = WRAPPERS[layer.name].format(common=COMMON.format(file=FILE, **names))
    if layer.name == "numpy":
        home, door = room, DOOR
        (room / "numpy_checks.py").rename(room / "room_checks.py")
        (room / "numpy_checks.py").write_text(REFERENCE, encoding="utf-8")
    else:
        home, door = room / layer.name, "model.py"
        home.mkdir(exist_ok=True)
    (home / FILE).write_bytes(file.read_bytes())
    (home / door).write_text(text, encoding="utf-8")
