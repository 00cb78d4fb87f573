"""The six layers: what each is called, what it needs, the flags of its process, and the files it depends on.

The adaptor of a layer is the module of the same name in this package; it is imported only in that layer's process.
"""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from s30.errors import S30Error, UsageError
from s30.evidence import environment

CHECKS, EXPERIMENT = "checks", "experiment"

PARTS = (
    "outputs",
    "gradients",
    "invariants",
    "variants",
    "oracles",
    "start",
    "conduct",
)  # what an executable layer is asked

TRIAL = "trial"  # the profile in which every training is its first updates alone: enough to show a mistake in its code

PROFILES = ("quick", "full", TRIAL)

ENGINE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Layer:
    """module         the framework that this layer's process may import (None: none beyond NumPy)
    distributions  packages whose versions are part of every result
    flags          environment of the process, set before anything is imported
    variables      those by which a user may change what the framework computes, as `environment.variables` takes them
    files          what the layer reads in a paper's room
    engine         the engine's files behind it, besides CORE
    job_per_paper  its framework imports in no time and then works for long, so papers need not share a process
    """

    name: str
    title: str
    question: str
    module: str | None
    distributions: tuple[str, ...]
    files: tuple[str, ...]
    flags: Mapping[str, str] = field(default_factory=dict)
    engine: tuple[str, ...] = ()
    experiment_flags: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    job_per_paper: bool = False

    @property
    def executable(self) -> bool:
        """Whether it computes outputs that can be compared entry by entry."""
        return self.name in EXECUTABLE

    @property
    def trains(self) -> bool:
        """Whether it carries the paper's experiment."""
        return self.name in TRAINING

    def adaptor(self) -> ModuleType:
        return importlib.import_module(f"s30.layers.{self.name}")


EXECUTABLE = ("numpy", "tinygrad", "torch", "jax")

AUTODIFF = ("tinygrad", "torch", "jax")

TRAINING = ("torch", "jax")

_EXECUTABLE_ENGINE = ("layers/executable", "layers/measure")

XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

# A program of the checks runs a few times on small arrays: XLA's optimisations cost more than they gain, two thirds of the
# layer's time. They stand in front, since XLA reads nothing behind a word without dashes.
XLA_QUICKLY_COMPILED = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)

# Of tinygrad's flags those that change the kernels it writes, or their order; the others show, check or store.
TINYGRAD_VARIABLES = (
    *("ALL2ALL", "ALLOW_HALF8", "ALLOW_TF32", "ALLREDUCE_CAST", "BEAM", "BEAM_", "CONST_LR", "CPU_COUNT", "EMULATE"),
    *("DISABLE_FAST_IDIV", "DISALLOW_BROADCAST", "EMULATED_DTYPES", "EXPAND_SSA", "FLOAT16", "FUSE_OPTIM", "HALF"),
    *("IMAGE", "JIT", "JITBEAM", "JIT_BATCH_SIZE", "LATE_ALLREDUCE", "LLVMOPT", "MAX_KERNEL_BUFFERS", "MV", "MV_"),
    *("NOLOCALS", "NOSKIP", "OPENPILOT_HACKS", "OPTIM_DTYPE", "PCONTIG", "REDUCEOP_SPLIT_", "RING", "RING_"),
    *("SPLIT_REDUCEOP", "SUM_DTYPE", "TC", "TC_", "THREADS", "TRANSCENDENTAL", "TUPLE_ORDER", "UNSAFE_DISABLE_MASK"),
    *("USE_ATOMICS", "WINO"),
)

LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer(
            "numpy",
            "NumPy",
            "what is the numerical object?",
            None,
            ("numpy",),
            ("*.py",),
            engine=_EXECUTABLE_ENGINE,
        ),
        Layer(
            "sympy",
            "SymPy",
            "what is the formula, and what follows from it?",
            "sympy",
            ("numpy", "sympy", "mpmath"),
            ("*.py", "sympy/*.py"),
            engine=("layers/executable",),
        ),
        Layer(
            "tinygrad",
            "tinygrad",
            "what is the smallest program that differentiates it?",
            "tinygrad",
            ("numpy", "tinygrad"),
            ("*.py", "tinygrad/*.py"),
            flags={"DEV": "CPU:LLVM", "DEFAULT_FLOAT": "float64", "NOOPT": "1", "CACHELEVEL": "0"},
            engine=_EXECUTABLE_ENGINE,
            variables=TINYGRAD_VARIABLES,
            job_per_paper=True,
        ),
        Layer(
            "torch",
            "PyTorch",
            "what does a practitioner write?",
            "torch",
            ("numpy", "torch"),
            ("*.py", "torch/*.py"),
            engine=_EXECUTABLE_ENGINE,
            variables=("ATEN_", "DNNL_", "GOMP_", "ONEDNN_", "PYTORCH_", "TORCH_"),
        ),
        Layer(
            "jax",
            "JAX",
            "what is it as a pure function?",
            "jax",
            ("numpy", "jax", "jaxlib"),
            ("*.py", "jax/*.py"),
            flags={
                "JAX_ENABLE_X64": "1",
                "JAX_PLATFORMS": "cpu",
                "XLA_FLAGS": f"{XLA_QUICKLY_COMPILED} {XLA_ONE_THREAD}",
            },
            engine=_EXECUTABLE_ENGINE,
            # The older emitter, at LLVM's first level and in one piece, compiles in half the time, to code that is as fast.
            experiment_flags={
                "JAX_ENABLE_X64": "0",
                "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1 "
                f"--xla_cpu_parallel_codegen_split_count=1 {XLA_ONE_THREAD}",
            },
            variables=("JAX_", "TF_XLA_", "XLA_"),
        ),
        Layer(
            "agda",
            "Cubical Agda",
            "what can be proved about it?",
            None,
            ("numpy",),
            ("*.py", "paper.yaml", "cubical-agda/**/*.py", "cubical-agda/**/*.agda"),
            engine=("evidence/locks", "layers/executable"),
        ),
    )
}

EVERYWHERE = ("mpmath", "scikit-learn", "scipy")  # packages that any layer may use

FRAMEWORKS = frozenset(layer.module for layer in LAYERS.values() if layer.module) | {"jaxlib"}


def get(name: str) -> Layer:
    """The layer of that name. Raises UsageError listing the six."""
    if name not in LAYERS:
        known = {layer.title.lower(): layer.name for layer in LAYERS.values()} | {layer: layer for layer in LAYERS}
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
        hint = f"did you mean {known[near[0]]}? " if near else ""
        raise UsageError(f"no layer {name!r}: {hint}the layers are {', '.join(LAYERS)}")
    return LAYERS[name]


def allowed_frameworks(layer: Layer) -> set[str]:
    """The frameworks that the layer's process may import: its own, and what that one imports itself."""
    own = {layer.module} if layer.module else set()
    if "jax" in own:
        own.add("jaxlib")
    if "torch" in own:
        own.add("sympy")  # PyTorch's shape inference
    return {name for name in own if name}


def process_flags(layer: Layer, task: str) -> dict[str, str]:
    """The environment variables of the layer's process, on top of the user's own."""
    flags = environment.THREADS | dict(layer.flags) | {"PYTHONHASHSEED": "0"}
    if layer.name == "tinygrad" and (llvm := environment.find_llvm()):
        flags["LLVM_PATH"] = llvm.path
    return flags | dict(layer.experiment_flags) if task == EXPERIMENT else flags


def recorded_flags(layer: Layer, task: str) -> dict[str, str]:
    """The same without the place of a library, which no result depends on."""
    return {name: value for name, value in process_flags(layer, task).items() if name != "LLVM_PATH"}


def stated_flags() -> dict[str, dict[str, dict[str, str]]]:
    """What the engine sets for each layer's checks, and what is otherwise for its experiments, as the record states it."""
    flags = {name: dict(sorted(recorded_flags(layer, CHECKS).items())) for name, layer in sorted(LAYERS.items())}
    otherwise = {name: dict(layer.experiment_flags) for name, layer in LAYERS.items() if layer.experiment_flags}
    return {"flags": flags, "experiment_flags": otherwise}


def variables(layer: Layer, task: str = CHECKS) -> dict[str, str]:
    """What is set here that changes what the layer computes, besides the flags of its process, which are set anyway."""
    fixed = process_flags(layer, task)
    found = environment.variables((*environment.ARITHMETIC, *layer.variables))
    return {name: value for name, value in found.items() if name not in fixed}


def fingerprint(root: Path) -> dict[str, Any]:
    """This machine's environment as the record, and the manifest of a session, state it."""
    distributions = {name for layer in LAYERS.values() for name in layer.distributions} | {*EVERYWHERE, "agda"}
    set_here = {name: variables(layer) for name, layer in sorted(LAYERS.items())}
    return environment.fingerprint(root, distributions, {**stated_flags(), "variables": set_here})


def missing(layer: Layer) -> str | None:
    """Why the layer cannot run here and what to do about it, or None when it can."""
    remedy = "run `make setup`"
    if layer.module and environment.missing_module(layer.module):
        return f"{layer.title} is not installed: {remedy}"
    if layer.name == "tinygrad" and environment.find_llvm() is None:
        majors = f"libLLVM {environment.LLVM_MAJORS[0]} to {environment.LLVM_MAJORS[-1]}"
        if (named := os.environ.get("LLVM_PATH")) and not Path(named).is_file():
            return f"LLVM_PATH={named}: no such file; name the file of {majors}, or unset it to have one looked for"
        return (
            f"tinygrad's LLVM backend needs {majors}: "
            "install Debian's libllvm19 (`apt-get install libllvm19`) or point LLVM_PATH at the library"
        )
    if layer.name == "agda":
        agda = environment.find_agda()
        if agda is None:
            return f"Agda is not installed: {remedy}, or set S30_AGDA to the program"
        try:
            version = environment.agda_version(agda)
        except S30Error as error:
            return f"{error}: {remedy}, or set S30_AGDA to the program"
        if tuple(map(int, version.split(".")[:2])) < environment.AGDA_SINCE:
            return f"{agda} is Agda {version}, which is too old; what works: {environment.AGDA_PAIRS}"
        try:
            environment.real_provider()
        except S30Error as error:
            return str(error)
    return None
