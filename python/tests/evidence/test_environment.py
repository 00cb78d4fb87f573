"""What decides the numbers besides the sources is in the key and on record; what is missing is said with its remedy."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus import data
from s30.corpus.registry import load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import UsageError
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers import catalogue, provenance
from s30.layers.catalogue import CHECKS, ENGINE, EXPERIMENT, LAYERS
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _untouched(monkeypatch):
    """A shell that sets none of the variables that count, and a home without libraries of Agda."""
    for layer in LAYERS.values():
        for name in catalogue.variables(layer):
            monkeypatch.delenv(name)
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")


def keys_of(corpus) -> dict[tuple[str, str], str]:
    slots = slots_for(corpus.papers, list(LAYERS), True)
    return {(layer.name, task): provenance.key(paper, layer, task, "quick", 0) for paper, layer, task in slots}


def changed_by(corpus, change) -> set[str]:
    """The layers whose keys `change` changes, experiments in words of their own."""
    before = keys_of(corpus)
    change()
    after = keys_of(corpus)
    return {
        name if task == CHECKS else f"{name} {task}" for name, task in before if before[name, task] != after[name, task]
    }


NUMBERS = {
    "numpy",
    "sympy",
    "tinygrad",
    "torch",
    "jax",
    "agda",
    "torch experiment",
    "jax experiment",
}  # Agda's too: its evaluations


@pytest.mark.parametrize(
    ("name", "concerned"),
    [
        ("OPENBLAS_CORETYPE", NUMBERS),
        ("NPY_DISABLE_CPU_FEATURES", NUMBERS),
        ("GLIBC_TUNABLES", NUMBERS),
        ("ATEN_CPU_CAPABILITY", {"torch", "torch experiment"}),
        ("JAX_DEFAULT_MATMUL_PRECISION", {"jax", "jax experiment"}),
        ("BEAM", {"tinygrad"}),
        ("OMP_NUM_THREADS", set()),  # which the engine sets
        ("JAX_ENABLE_X64", set()),
        ("TORCH_INDEX", set()),
        ("TCL_LIBRARY", set()),
        ("TF_CLI_CONFIG_FILE", set()),
        ("HOME", set()),
    ],
)
def test_a_variable_that_changes_the_arithmetic_changes_the_keys_of_those_it_bears_on(
    corpus, monkeypatch, name, concerned
):
    assert changed_by(corpus, lambda: monkeypatch.setenv(name, "7")) == concerned


def test_such_variables_are_on_record_with_both_kinds_of_flags(corpus, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("BEAM", "2")
    record = catalogue.fingerprint(corpus.root)
    assert record["variables"]["numpy"] == {"OPENBLAS_CORETYPE": "Prescott"}
    assert record["variables"]["tinygrad"] == {"BEAM": "2", "OPENBLAS_CORETYPE": "Prescott"}
    assert record["variables"]["agda"] == {"OPENBLAS_CORETYPE": "Prescott"}  # its evaluations are held against NumPy
    assert record["flags"]["jax"]["JAX_ENABLE_X64"] == "1"
    flags = record["experiment_flags"]["jax"]
    assert flags.keys() == {"JAX_ENABLE_X64", "XLA_FLAGS"}
    assert flags["JAX_ENABLE_X64"] == "0"
    one_thread = " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"  # at the end, behind which XLA reads nothing
    assert flags["XLA_FLAGS"].endswith(one_thread)


def test_the_worker_hears_what_its_key_states(corpus, monkeypatch):
    """Its key, computed among its own flags, is the one that the sweep asks for."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    paper = corpus.paper("01")
    for layer in LAYERS.values():
        for task in (CHECKS, EXPERIMENT):
            before = provenance.key(paper, layer, task, "quick", 0)
            with monkeypatch.context() as patch:
                for name, value in catalogue.process_flags(layer, task).items():
                    patch.setenv(name, value)
                assert provenance.key(paper, layer, task, "quick", 0) == before


def test_other_data_under_the_same_name_change_the_keys(corpus, monkeypatch):
    def change() -> None:
        monkeypatch.setattr(data, "digests", lambda: {"digits": "0" * 64})
        provenance._data.cache_clear()

    try:
        assert changed_by(corpus, change) == NUMBERS
    finally:
        provenance._data.cache_clear()


def test_a_cubical_library_that_is_not_there_costs_the_agda_layer_alone(corpus, monkeypatch):
    monkeypatch.setenv("S30_CUBICAL", "/nowhere/cubical.agda-lib")
    monkeypatch.setattr(environment, "find_agda", lambda: "/opt/agda")

    class Measured:
        def run(self, slots, options, listen):
            return {(paper.id, layer.name, task): Evidence(paper.id, layer.name) for paper, layer, task in slots}

    options = Options(corpus.root, corpus.root / "cache")
    found = sweep(slots_for(corpus.papers, ["numpy", "agda"], False), options, lambda _: None, Measured())
    assert found["01", "numpy", CHECKS] == Evidence("01", "numpy")
    agda = found["01", "agda", CHECKS]
    assert agda.outcome is Outcome.NOT_RUN
    assert agda.error == (
        "S30_CUBICAL=/nowhere/cubical.agda-lib: no such file; name the library's cubical.agda-lib, or `embedded`"
    )
    assert catalogue.fingerprint(corpus.root)["cubical"] is None  # so that it can be recorded
    assert provenance.ingredients(corpus.paper("01"), LAYERS["agda"], CHECKS, "quick", 0)["agda"]["provider"] is None


def test_a_list_of_libraries_that_is_no_text_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("S30_CUBICAL", raising=False)
    monkeypatch.setenv("AGDA_DIR", str(tmp_path))
    monkeypatch.setattr(environment, "find_agda", lambda: "/opt/agda")
    (tmp_path / "libraries").write_bytes("/opt/Bücherei/x.agda-lib\n".encode("latin-1"))
    said = f"{tmp_path / 'libraries'}:1: cannot be read: it is not UTF-8; save it as such"
    with pytest.raises(UsageError) as raised:
        environment.real_provider()
    assert str(raised.value) == said
    assert catalogue.missing(LAYERS["agda"]) == said


def test_a_variable_that_names_no_llvm_is_named(monkeypatch):
    monkeypatch.setenv("LLVM_PATH", "/nowhere/libLLVM-19.so")
    environment.find_llvm.cache_clear()
    try:
        said = catalogue.missing(LAYERS["tinygrad"])
    finally:
        monkeypatch.undo()
        environment.find_llvm.cache_clear()
    if "not installed" in said:
        pytest.skip(said)
    assert said == (
        "LLVM_PATH=/nowhere/libLLVM-19.so: no such file; name the file of libLLVM 16 to 21, or unset it to have one looked for"
    )


def test_as_many_workers_as_processors_that_this_process_may_use(monkeypatch, tmp_path):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not tell")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert environment.cores() == 1
    assert Options(tmp_path, tmp_path).workers == 1


def engine_of(layer: str, task: str) -> set[str]:
    """The modules of s30 whose files are in the key."""
    files = (path.relative_to(ENGINE).with_suffix("") for path in provenance._engine_files(LAYERS[layer], task))
    return {".".join(("s30", *(part for part in file.parts if part != "__init__"))) for file in files}


IMPORTED = """\
import json, sys
from pathlib import Path
from s30.sweep import worker
code = worker.main(sys.argv[2:])
Path(sys.argv[1]).write_text(json.dumps([code, sorted(name for name in sys.modules if name.split(".")[0] == "s30")]))
"""


@pytest.mark.parametrize(
    ("layer", "task"),
    [
        pytest.param(layer, task, marks=getattr(pytest.mark, layer), id=f"{layer}-{task}")
        for layer, task in (
            ("numpy", CHECKS),
            ("sympy", CHECKS),
            ("torch", CHECKS),
            ("torch", EXPERIMENT),
            ("jax", CHECKS),
        )
    ],
)
def test_the_key_holds_the_engine_that_a_worker_imports(make_corpus, tmp_path, layer, task):
    corpus = make_corpus()
    said = tmp_path / "said"
    arguments = [layer, "01", "--root", corpus.root, "--cache", tmp_path / "cache", "--task", task]
    environ = os.environ | catalogue.process_flags(LAYERS[layer], task) | {"PYTHONPATH": str(ENGINE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, said, *arguments], env=environ, capture_output=True, text=True, timeout=120
    )
    assert said.is_file(), done.stderr
    code, imported = json.loads(said.read_text())
    assert code == 0, done.stderr
    own = {
        "s30.room",
        "s30.corpus.literals",
        "s30.training",
        "s30.training.jax",
        "s30.training.schedules",
        *({"s30.corpus.entries", "s30.layers.frame", "s30.layers.experiments"} if task == EXPERIMENT else ()),
    }  # which a room imports, or not
    assert set(imported) | own == engine_of(layer, task) | own


@pytest.mark.agda
def test_the_key_of_proofs_holds_the_engine_that_checks_them():
    code = "import sys, s30.sweep.worker, s30.layers.agda; print(*(n for n in sys.modules if n.split('.')[0] == 's30'))"
    environ = os.environ | {"PYTHONPATH": str(ENGINE.parent)}
    imported = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert {*imported.stdout.split(), "s30.room", "s30.training", "s30.training.schedules"} == engine_of("agda", CHECKS)


def names_imported(path: Path) -> set[str]:
    """The modules of s30 that a file names in its imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "s30":
            found |= {f"s30.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.split(".")[0] == "s30"}


@pytest.mark.parametrize("layer", [name for name in LAYERS if name != "agda"])
def test_the_key_holds_all_that_rooms_import_from_the_engine(layer):
    foreign = []
    for paper in load_corpus(ROOT).papers:
        for pattern in LAYERS[layer].files:
            for path in paper.folder.glob(pattern):
                task = EXPERIMENT if path.name == "experiment.py" else CHECKS
                for name in names_imported(path) - engine_of(layer, task):
                    foreign.append(f"{path.relative_to(ROOT)} imports {name}, which is not in the key of its {task}")
    assert not foreign


INTEL = """processor\t: 0
model name\t: Cloud Processor
cpu family\t: 6
model\t\t: 85
stepping\t: 7
flags\t\t: fpu avx2 avx512f

processor\t: 1
model name\t: Another
"""


def test_processors_of_one_name_are_told_apart_by_what_they_are_and_can_do():
    told = environment.processor(INTEL)
    assert told.startswith("Cloud Processor (family 6, model 85, stepping 7, flags ")
    assert told == environment.processor(INTEL.replace("fpu avx2", "avx2 fpu"))
    assert told != environment.processor(INTEL.replace(" avx512f", ""))
    assert told != environment.processor(INTEL.replace("stepping\t: 7", "stepping\t: 8"))
    arm = environment.processor("processor : 0\nFeatures : fp asimd\nCPU implementer : 0x41\nCPU part : 0xd0c\n")
    assert "implementer 0x41, part 0xd0c, flags " in arm
    assert environment.processor("") == environment.platform.machine()
