"""Evidence that several sessions measured merges into what one would have said; what cannot be trusted is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from s30 import cli
from s30.corpus import documents
from s30.corpus.registry import load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.evidence import environment
from s30.evidence.store import digest_of
from s30.layers import catalogue, provenance
from s30.layers.catalogue import LAYERS
from s30.record.entry import paper_entry
from s30.sweep import sessions
from s30.sweep.plan import slots_for
from s30.verdict.judge import judge

ROOT = Path(__file__).resolve().parents[3]

TINYGRAD = """\
from tinygrad import Tensor


class Model:
    def __init__(self, scale):
        self.scale, self.weight, self.bias = scale, Tensor.randn(3, 2), Tensor.randn(3)

    def __call__(self, batch):
        scores = batch["inputs"] @ self.weight.transpose() + self.bias
        hidden = (self.scale * scores).tanh()
        return {"scores": scores, "hidden": hidden, "loss": (hidden - batch["targets"]).square().mean()}
"""
AGDA = """\
module Toy where
open import Agda.Primitive
-- tanh is odd.
odd : {A : Set} → A → A
odd x = x
"""
HARNESS = """\
module Toy-Run where
open import S30.Evaluation.Float using (Float)
open import S30.Evaluation.Lists
open import Toy

given : List Float → List Float
given xs = odd xs
"""
EVALUATIONS = """\
from s30.room import Evaluation, literal


def evaluations():
    def term(problem):
        return f"given {literal(problem.params['bias'])}"

    return [Evaluation("given", ["Toy.odd"], "Toy-Run", term, lambda problem, found: problem.params["bias"])]
"""
COMPLETE = {
    "tinygrad/model.py": TINYGRAD,
    "cubical-agda/Toy.agda": AGDA,
    "cubical-agda/evaluation/Toy-Run.agda": HARNESS,
    "cubical-agda/evaluations.py": EVALUATIONS,
}


@pytest.fixture
def handed(corpus, tmp_path, results_of, monkeypatch):
    """`handed(layer, ...)`: the folder in which a session of these layers hands its evidence over."""
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")

    def make(*names, name=None, edit=lambda evidence: evidence, results=None, profile="quick"):
        folder = tmp_path / "evidence" / (name or "-".join(names))
        found = results_of(corpus.paper("01")) if results is None else results
        slots = slots_for([p for p in corpus.papers if p.built], names, True)
        sessions.hand_over(folder, corpus.root, slots, {s: edit(e) for s, e in found.items()}, profile)
        return folder

    return make


def test_evidence_of_sources_that_changed_since_is_not_handed_over(handed, corpus, results_of):
    slot = ("01", "sympy", "checks")
    key = provenance.key(corpus.paper("01"), LAYERS["sympy"], "checks", "quick", 0)
    results = results_of(corpus.paper("01"))
    handed("sympy", name="same", results=results | {slot: replace(results[slot], key=key)})
    with pytest.raises(S30Error, match="the sources of 01 sympy changed after they were measured: run this again"):
        handed("sympy", name="other", results=results | {slot: replace(results[slot], key="0" * 64)})


@pytest.fixture
def everything(handed, tmp_path):
    """The folder of all sessions' folders."""
    for name in LAYERS:
        handed(name)
    return tmp_path / "evidence"


def merged(corpus, *folders, profile="quick"):
    results, measured_in = sessions.merge(load_corpus(corpus.root), folders, profile)
    return judge(corpus, corpus.papers, list(LAYERS), results, True), measured_in


def refusal(corpus, *folders, **settings):
    """The one line with which a merge ends."""
    with pytest.raises(S30Error) as raised:
        merged(corpus, *folders, **settings)
    assert raised.value.exit_code == 1
    assert "\n" not in str(raised.value)
    return str(raised.value)


def rewrite(folder, change):
    """Edits a manifest and makes its digest right again."""
    path = folder / sessions.MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["digest"]
    change(manifest)
    path.write_text(json.dumps({**manifest, "digest": digest_of(manifest)}))


def test_merged_evidence_is_judged_as_if_it_came_from_one_sweep(corpus, everything, results_of):
    verification, _ = merged(corpus, everything)
    local = judge(corpus, corpus.papers, list(LAYERS), results_of(corpus.paper("01")), True)
    assert verification.passed, [v.messages for v in verification.papers]
    assert [paper_entry(v) for v in verification.papers] == [paper_entry(v) for v in local.papers]


def test_folders_may_be_named_one_by_one(corpus, everything):
    assert merged(corpus, *(everything / name for name in LAYERS))[0].passed


def test_a_session_that_handed_nothing_over_leaves_its_slots_not_run(corpus, everything):
    shutil.rmtree(everything / "torch")
    verification, measured_in = merged(corpus, everything)
    (verdict,) = verification.papers
    assert verdict.cells["torch"].outcome is Outcome.NOT_RUN
    assert (
        "paper 01, layer torch: no session handed over its checks: `nox -s torch -- --evidence FOLDER` measures them"
        in verdict.messages
    )
    assert [c.claim for c in verdict.claims if c.outcome is Outcome.NOT_RUN] == ["learns"]
    assert not verification.passed
    assert measured_in["packages"]["torch"] is None


def test_a_failure_is_handed_over_too(corpus, handed):
    failing = handed("jax", edit=lambda e: replace(e, arrays={}, facts={}, error="it broke", outcome=Outcome.FAILED))
    verification, _ = merged(corpus, failing, *(handed(n) for n in LAYERS if n != "jax"))
    assert "paper 01, layer jax: it broke" in verification.papers[0].messages


@pytest.mark.parametrize(
    ("suffix", "mark", "beyond"),
    [(".npz", b"\x93NUMPY", 128), (".json", b'"digest": "', 12)],  # the first array's first number; the digest
)
def test_a_flipped_byte_is_refused(corpus, everything, suffix, mark, beyond):
    path = max((everything / "torch").glob("*.npz"), key=lambda p: p.stat().st_size).with_suffix(suffix)
    content = bytearray(path.read_bytes())
    content[content.index(mark) + beyond] ^= 1
    path.write_bytes(bytes(content))
    said = refusal(corpus, everything)
    assert f"{path.with_suffix('.json')} is damaged (" in said
    assert said.endswith("; run that session again, on these sources")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"quick"', '"full"', 1),
        lambda text: text.replace('"python": "', '"python": "1', 1),
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
    ],
)
def test_an_edited_manifest_is_refused(corpus, everything, spoil):
    path = everything / "torch" / sessions.MANIFEST
    before = path.read_text()
    path.write_text(spoil(before))
    assert path.read_text() != before
    assert refusal(corpus, everything).startswith(f"{path} is damaged (")


def test_an_entry_listed_under_another_key_is_refused(corpus, everything):
    def change(manifest):
        key = next(iter(manifest["entries"]))
        manifest["entries"]["0" * 64] = manifest["entries"].pop(key)

    rewrite(everything / "torch", change)
    assert "is damaged (its digest does not match)" in refusal(corpus, everything)


@pytest.mark.parametrize("value", [{}, {"packages": "all"}, None, 7])
def test_a_manifest_without_an_environment_is_refused(corpus, everything, value):
    path = sorted(everything.iterdir())[0] / sessions.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["environment"] = value
    del manifest["digest"]
    path.write_text(json.dumps(manifest | {"digest": digest_of(manifest)}))
    with pytest.raises(S30Error, match=r"is damaged \((KeyError|TypeError): "):
        sessions.merge(corpus, [everything], "quick")


def test_evidence_without_the_facts_of_its_layer_is_one_line(everything, handed, run_cli):
    shutil.rmtree(everything / "sympy")
    handed("sympy", edit=lambda evidence: replace(evidence, facts={}) if evidence.layer == "sympy" else evidence)
    code, out, err = run_cli("merge", str(everything))
    assert (code, out) == (1, "")
    assert err.startswith("error: the evidence that was handed over does not hold what a layer measures (KeyError: ")


def test_an_entry_that_was_compressed_is_refused(corpus, everything):
    """A megabyte of zeros' codes would be read into gigabytes of zeros."""
    path = max(everything.rglob("*.npz"), key=lambda path: path.stat().st_size)
    with zipfile.ZipFile(path) as stored:
        members = {name: stored.read(name) for name in stored.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    with pytest.raises(S30Error, match=r"is compressed\)"):
        sessions.merge(corpus, [everything], "quick")


def test_another_layout_of_the_manifest_is_refused(corpus, everything):
    rewrite(everything / "torch", lambda manifest: manifest.update(version=99))
    assert "another version of s30 (layout 99, here 1)" in refusal(corpus, everything)


def test_an_entry_that_is_lost_is_refused(corpus, everything):
    for path in (everything / "numpy").iterdir():
        if path.name != sessions.MANIFEST:
            path.unlink()
    said = refusal(corpus, everything)
    assert said.startswith(f"{everything / 'numpy'}: the entry ")
    assert " of 01 numpy checks is missing; " in said


def test_an_entry_of_another_layer_is_refused(corpus, everything, handed, results_of):
    results = results_of(corpus.paper("01"))
    results["01", "numpy", "checks"] = results["01", "sympy", "checks"]
    handed("numpy", name="swapped", results=results)
    shutil.rmtree(everything / "numpy")
    assert " is of 01 sympy, not of 01 numpy checks" in refusal(corpus, everything)


def test_a_file_that_nothing_lists_is_refused(corpus, everything):
    (everything / "torch" / "extra.json").write_text("{}")
    assert "holds extra.json, which its manifest.json does not list" in refusal(corpus, everything)


def test_a_session_that_was_cut_off_is_refused(corpus, everything):
    (everything / "torch" / sessions.MANIFEST).unlink()
    assert f"{everything / 'torch'} has no manifest.json" in refusal(corpus, everything)


@pytest.mark.parametrize(
    ("file", "slot"),
    [("torch/model.py", "01 torch"), ("numpy_checks.py", "01 "), ("jax/experiment.py", "01 jax")],
)
def test_evidence_of_other_sources_is_stale(corpus, everything, file, slot):
    path = corpus.paper("01").folder / file
    path.write_text(path.read_text() + "# edited\n")
    said = refusal(corpus, everything)
    assert f"the evidence of {slot}" in said
    assert f" is stale: {file} differs from what was measured; run that session again" in said


@pytest.mark.parametrize("file", ["S30/Lists.agda", "s30.agda-lib", "cubical-lite/Cubical/Prelude.agda"])
def test_a_proof_is_stale_when_a_shared_file_of_agda_changed(corpus, handed, file):
    path = corpus.root / "agda" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    folder = handed("agda")
    merged(corpus, folder)
    path.write_text("two")
    assert f"the evidence of 01 agda checks is stale: agda/{file} differs" in refusal(corpus, folder)


def test_evidence_from_before_the_engine_changed_is_stale(corpus, everything, monkeypatch):
    measured = provenance.digest_files
    monkeypatch.setattr(
        provenance,
        "digest_files",
        lambda paths, root: {n: d[::-1] if n == "sweep/worker.py" else d for n, d in measured(paths, root).items()},
    )
    assert "is stale: sweep/worker.py differs" in refusal(corpus, everything)


def test_another_profile_is_stale(corpus, everything):
    assert "is stale: profile 'quick' was measured, 'full' is asked for" in refusal(corpus, everything, profile="full")


def test_evidence_of_a_paper_that_is_gone_is_refused(corpus, everything):
    shutil.rmtree(corpus.paper("01").folder)
    assert "holds evidence of 01 agda checks, which this repository does not ask for" in refusal(corpus, everything)


def test_two_sessions_that_disagree_are_refused_and_two_that_agree_are_not(corpus, everything, handed):
    same = handed("torch", name="torch-again", edit=lambda e: replace(e, run={"seconds": 7.0}))
    assert merged(corpus, everything)[0].passed
    shutil.rmtree(same)
    handed("torch", name="torch-again", edit=lambda e: replace(e, facts={**e.facts, "more": 1}))
    said = refusal(corpus, everything)
    assert said.startswith(
        f"{everything / 'torch'} and {everything / 'torch-again'} hold different evidence of 01 torch "
    )


def test_a_folder_without_evidence_is_bad_input(corpus, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        folder = folder / "empty"
        with pytest.raises(UsageError, match="no evidence here"):
            merged(corpus, folder)


def test_evidence_is_never_handed_over_into_a_folder_in_use(corpus, handed):
    handed("numpy")
    with pytest.raises(UsageError, match="is not an empty folder"):
        handed("numpy")


def test_each_fact_of_the_environment_comes_from_the_layers_that_it_bears_on(corpus, handed, monkeypatch):
    local = catalogue.fingerprint(corpus.root)
    installed = environment.version
    monkeypatch.setattr(environment, "version", lambda name: {"torch": "9.9"}.get(name, "1.0"))
    folders = [handed("torch")]
    monkeypatch.setattr(environment, "version", lambda name: {"numpy": "2.0", "torch": "0.0"}.get(name, "1.0"))
    monkeypatch.setattr(environment, "cpu_model", lambda: "Another")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    folders.append(handed("jax"))
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    monkeypatch.setattr(environment, "version", installed)
    _, measured_in = merged(corpus, *folders)
    assert measured_in["packages"]["torch"] == "9.9"
    assert measured_in["packages"]["numpy"] == "1.0 (torch); 2.0 (jax)"
    assert measured_in["packages"]["sympy"] is None
    assert measured_in["cpu"] == f"{local['cpu']} (torch); Another (jax)"
    assert measured_in["python"] == local["python"]
    assert measured_in["variables"]["jax"] == {**local["variables"]["jax"], "OPENBLAS_CORETYPE": "Prescott"}
    assert measured_in["variables"]["torch"] == local["variables"]["torch"]
    assert measured_in.keys() == local.keys()


def test_one_environment_is_stated_as_a_sweep_states_it(corpus, everything):
    assert merged(corpus, everything)[1] == catalogue.fingerprint(corpus.root)


@pytest.fixture
def run_cli(corpus, monkeypatch, capsys):
    monkeypatch.setenv("S30_ROOT", str(corpus.root))

    def run(*arguments):
        return cli.main(list(arguments)), *capsys.readouterr()

    return run


def test_merge_prints_the_table_and_its_exit_code_tells(everything, run_cli):
    code, out, _ = run_cli("merge", str(everything))
    assert code == 0
    assert out.splitlines()[-1] == "PASSED"
    shutil.rmtree(everything / "agda")
    code, out, err = run_cli("merge", str(everything))
    assert code == 1
    assert "paper 01, layer agda: no session handed over its checks" in err
    assert out.splitlines()[-1].startswith("FAILED: ")
    (everything / "jax" / "x").write_text("")
    code, out, err = run_cli("merge", str(everything))
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1


def test_a_folder_in_use_is_refused_before_any_work(run_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("s30.cli.asking.sweep", lambda *_: pytest.fail("swept"))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("")
    code, _, err = run_cli("verify", "--layer", "torch", "--evidence", str(tmp_path / "used"))
    assert code == 2
    assert "is not an empty folder" in err


def test_a_session_hands_over_its_own_layer_and_not_the_reference(run_cli, corpus, tmp_path, results_of, monkeypatch):
    results = results_of(corpus.paper("01"))
    monkeypatch.setattr(
        "s30.cli.asking.sweep", lambda slots, *_: {s: results[s] for p, n, t in slots if (s := (p.id, n.name, t))}
    )
    assert run_cli("verify", "--layer", "torch", "--evidence", str(tmp_path / "out"))[0] == 0
    entries = json.loads((tmp_path / "out" / sessions.MANIFEST).read_text())["entries"].values()
    assert [(e["layer"], e["task"]) for e in entries] == [("torch", "checks"), ("torch", "experiment")]


def test_the_matrix_has_every_layer_and_gives_long_ones_time(corpus):
    rows = {row["session"]: row for row in sessions.matrix(corpus)}
    assert rows.keys() >= set(LAYERS)
    assert all(rows[name]["arguments"] == f"--evidence evidence/{name}" for name in LAYERS)
    assert rows["torch"]["timeout"] > rows["numpy"]["timeout"] > 0


def test_github_reads_the_matrix_as_the_output_of_a_step(run_cli, tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    assert run_cli("matrix", "--github")[0] == 2
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    (tmp_path / "output").write_text("earlier=1\n")
    code, out, _ = run_cli("matrix", "--github", "--json")
    assert code == 0
    earlier, line = (tmp_path / "output").read_text().splitlines()
    assert earlier == "earlier=1"
    assert json.loads(line.removeprefix("matrix=")) == json.loads(out)


BARRED = """\
import sys


class Barred:
    def find_spec(self, name, path=None, target=None):
        if name in {"torch", "jax", "jaxlib", "tinygrad", "sympy"}:
            raise ModuleNotFoundError(f"no {name} here", name=name)


sys.meta_path.insert(0, Barred())
"""


def test_sessions_in_processes_of_their_own_merge_into_the_record_of_one_sweep(
    make_corpus, git_repository, s30, tmp_path
):
    """As the workflow does it: each layer with its own cache, then a merge where no framework can be imported."""
    lacking = [reason for layer in LAYERS.values() if (reason := catalogue.missing(layer))]
    if lacking:
        pytest.skip(lacking[0])
    corpus = make_corpus({"01_affine": COMPLETE, "02_later": None})
    shutil.copytree(ROOT / "agda", corpus.root / "agda", ignore=shutil.ignore_patterns("_build", "*.agdai"))
    git_repository(corpus.root)
    command = [str(argument) for argument in ("verify", "--workers", 1, "--time-limit", 100)]

    def session(name: str) -> subprocess.CompletedProcess[str]:
        own = {"S30_CACHE": str(tmp_path / "caches" / name), "S30_CUBICAL": "embedded"}
        return s30(corpus.root, *command, "--layer", name, "--evidence", str(tmp_path / "evidence" / name), **own)

    with ThreadPoolExecutor(2) as pool:
        for name, done in zip(LAYERS, pool.map(session, LAYERS), strict=True):
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    for name in LAYERS:  # one sweep, for which nothing is left to measure
        shutil.copytree(tmp_path / "caches" / name, tmp_path / "whole", dirs_exist_ok=True)
    whole = tmp_path / "whole.yaml"
    done = s30(
        corpus.root,
        *command,
        "--cached",
        "--record",
        str(whole),
        S30_CACHE=str(tmp_path / "whole"),
        S30_CUBICAL="embedded",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 measured, 8 from the cache" in done.stderr
    (tmp_path / "barred").mkdir()
    (tmp_path / "barred" / "sitecustomize.py").write_text(BARRED)
    path = f"{tmp_path / 'barred'}:{catalogue.ENGINE.parent}"
    parts = tmp_path / "parts.yaml"
    arguments = ("merge", str(tmp_path / "evidence"), "--record", str(parts))
    done = s30(corpus.root, *arguments, PYTHONPATH=path, S30_CACHE=str(tmp_path / "none"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "none").exists()
    one, other = documents.load(whole, "verification"), documents.load(parts, "verification")
    metrics = one["papers"]["01"]["metrics"]
    assert {name: about["torch"] for name, about in metrics.items()} == {"accuracy": [0.94, 0.96], "chance": [0.1]}
    assert (metrics["accuracy"]["unit"], metrics["chance"]["control"]) == ("share", True)
    assert one["run"]["slots"] == {"measured": 0, "cached": 8, "not_run": 0}
    assert other["run"]["slots"] == {"handed_over": 8, "not_run": 0}
    for record in (one, other):
        del record["run"]
    assert one == other
