"""The command line: exit code 0 when all passed, 1 when something failed, 2 for bad input; one line instead of a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from s30 import __version__, cli
from s30.cli.app import layer_names, paper_names
from s30.corpus import documents
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers import catalogue
from s30.layers.catalogue import LAYERS
from s30.view import display


@pytest.fixture
def s30_here(corpus, monkeypatch, capsys, results_of):
    """Runs a command in this process, with the toy's evidence for a sweep; `edit` changes it first."""
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")

    def run(*arguments, edit=lambda results: results):
        def sweep(slots, options, listen, executor=None):
            results = edit(results_of(corpus.paper("01")))
            return {
                slot: results[slot] for paper, layer, task in slots if (slot := (paper.id, layer.name, task)) in results
            }

        monkeypatch.setattr("s30.cli.asking.sweep", sweep)
        code = cli.main(list(arguments))
        return code, *capsys.readouterr()

    return run


def broken(results, layer="torch"):
    evidence = results["01", layer, "checks"]
    return results | {
        ("01", layer, "checks"): replace(
            evidence, arrays={**evidence.arrays, "seed0/output/loss": 2 * evidence.arrays["seed0/output/loss"]}
        )
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "99"], "no paper '99' in "),
        (["verify", "afine"], "did you mean 01 affine?"),
        (
            ["run", "--layer", "tensorflow"],
            "no layer 'tensorflow': the layers are numpy, sympy, tinygrad, torch, jax, agda",
        ),
        (["verify", "--profile", "slow"], "no profile 'slow': choose quick or full"),
        (["train", "01", "--profile", "slow"], "no profile 'slow'"),
        (["train", "01", "--layer", "agda"], "layer 'agda' has no experiment: choose from torch, jax"),
        (["verify", "--time-limit", "0"], "--time-limit must be positive"),
        (["verify", "--time-limit", "nan"], "--time-limit must be positive"),
        (["verify", "--workers", "0"], "--workers must be at least 1"),
        (["verify", "--time-limit", "soon"], "Invalid value for '--time-limit'"),
        (["verify", "--nonsense"], "No such option: --nonsense"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["show"], "Missing argument 'PAPER'"),
        (["telemetry", "diff", "a"], "Missing argument"),
        (["telemetry", "diff", "a", "b"], "a: cannot be read: "),
        (["telemetry", "check", "nowhere.yaml"], "nowhere.yaml: cannot be read: "),
        (["new", "99"], "no paper '99'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(s30_here, corpus, arguments, words):
    (corpus.root / "papers" / "TEMPLATE").mkdir()
    code, out, err = s30_here(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert words in line


@pytest.mark.parametrize("arguments", [[], ["telemetry"]])
def test_without_a_command_the_help_is_shown_and_nothing_is_an_error(s30_here, arguments):
    code, out, err = s30_here(*arguments)
    assert code == 2
    assert "Commands" in out
    assert "error" not in err


def test_the_version_is_told(s30_here):
    assert s30_here("--version") == (0, f"s30 {__version__}\n", "")


@pytest.mark.parametrize(
    "name",
    [
        "list",
        "show",
        "run",
        "parity",
        "train",
        "seeds",
        "theorems",
        "verify",
        "merge",
        "matrix",
        "reproduce",
        "new",
        "doctor",
    ],
)
def test_every_command_has_help_with_an_example(s30_here, name):
    code, out, _ = s30_here(name, "--help")
    assert code == 0
    assert "Example: " in " ".join(out.split())


def test_the_registry_is_listed(s30_here):
    code, out, _ = s30_here("list")
    assert code == 0
    assert "papers/01_affine" in out
    code, out, _ = s30_here("list", "--json")
    assert code == 0
    (entry,) = json.loads(out)
    assert (entry["id"], entry["slug"], entry["year"], entry["built"]) == ("01", "affine", "2020", True)


def test_a_paper_is_shown(s30_here, make_corpus):
    code, out, _ = s30_here("show", "1")
    assert code == 0
    for words in ("01 Toy 01", "An affine map and a tanh.", "minimal: the toy has one lemma", "x W + b", "tanh is odd"):
        assert words in out
    code, out, _ = s30_here("show", "affine", "--json")
    assert json.loads(out)["card"]["depth"]["sympy"] == "partial"
    assert code == 0


def test_a_paper_without_a_room_is_shown_with_the_remedy(s30_here, make_corpus, monkeypatch):
    monkeypatch.setenv("S30_ROOT", str(make_corpus({"01_affine": {}, "02_later": None}, name="other").root))
    code, out, _ = s30_here("show", "02")
    assert code == 0
    assert "not built yet: `s30 new 02` lays out its room" in out
    assert json.loads(s30_here("show", "02", "--json")[1])["card"] is None
    for command in ("parity", "train", "theorems"):
        code, out, err = s30_here(command, "02")
        assert (code, out, err) == (2, "", "error: paper 02 (later) has no room yet: `s30 new 02` lays it out\n")


def test_verify_passes_what_agrees(s30_here):
    code, out, err = s30_here("verify")
    assert code == 0
    assert out.splitlines()[-1] == "PASSED"
    assert "2 identities proved, 1 theorems checked" in out
    assert err == "  0 measured, 0 from the cache\n"


def test_verify_fails_what_disagrees_with_a_line_for_each_failure(s30_here):
    code, out, err = s30_here("verify", edit=broken)
    assert code == 1
    assert out.splitlines()[-1].startswith("FAILED: ")
    lines = [line for line in err.splitlines() if "layer" in line]
    assert lines[0].startswith("paper 01, layer torch against numpy, forward seed 0 loss: at index []: ")
    assert len(lines) == int(out.splitlines()[-1].split()[1])


def test_verify_fails_what_did_not_run(s30_here):
    def without(results):
        return results | {
            ("01", "jax", "checks"): Evidence(
                "01", "jax", error="JAX is not installed: run `make setup`", outcome=Outcome.NOT_RUN
            )
        }

    code, _, err = s30_here("verify", edit=without)
    assert code == 1
    assert "paper 01, layer jax: JAX is not installed: run `make setup`" in err


def test_failures_beyond_the_screen_are_where_the_last_line_says(s30_here):
    def all_wrong(results):
        torch = results["01", "torch", "checks"]
        doubled = {n: 2 * a if a.dtype.kind == "f" else a for n, a in torch.arrays.items()}
        return results | {("01", "torch", "checks"): replace(torch, arrays=doubled)}

    code, _, err = s30_here("verify", edit=all_wrong)
    *shown, last = [line for line in err.splitlines() if line.startswith(("paper 01", "..."))]
    told = json.loads(s30_here("verify", "--json", edit=all_wrong)[1])
    failures = told["papers"]["01"]["failures"] + told["problems"]
    more = f"... and {len(failures) - 40} more: `s30 verify --json` tells all, as failures and problems"
    assert (code, last, shown) == (1, more, failures[:40])


def test_verify_prints_valid_json_and_nothing_else(s30_here, corpus):
    code, out, err = s30_here("verify", "--json")
    assert (code, err) == (0, "  0 measured, 0 from the cache\n")
    told = json.loads(out)
    assert told["passed"] is True
    assert told["papers"]["01"]["outcome"] == "passed"
    assert told["problems"] == []
    code, out, _ = s30_here("verify", "--json", edit=broken)
    assert code == 1
    assert json.loads(out)["passed"] is False
    (corpus.root / "waivers.yaml").write_text("waivers: [{id: 01/nothing, reason: r}]\n")
    code, out, _ = s30_here("verify", "--json")
    assert code == 1
    assert json.loads(out)["problems"] == ["waivers.yaml: '01/nothing' matches no failing check: remove it"]


def test_the_table_says_how_many_claims_are_about_something_smaller(s30_here, corpus):
    assert "2/2 " in s30_here("verify")[1]
    card = corpus.paper("01").folder / "paper.yaml"
    card.write_text(card.read_text().replace("kind: reproduced", "kind: proxy"))
    assert "2/2, 1 proxy" in s30_here("verify")[1]


def test_one_layer_is_verified_with_its_reference_and_the_claims_it_can_decide(s30_here):
    code, _, err = s30_here("verify", "--layer", "jax")
    assert code == 0, err
    code, _, err = s30_here("verify", "--layer", "jax", edit=lambda results: broken(results, "jax"))
    assert code == 1
    assert "layer jax against numpy, forward seed 0 loss" in err


def test_run_checks_without_claims(s30_here):
    assert s30_here("run", "--layer", "sympy")[0] == 0
    assert s30_here("run", "--layer", "torch", edit=broken)[0] == 1
    assert json.loads(s30_here("run", "--json")[1])["papers"]["01"]["claims"] == {}


def test_parity_begins_with_a_line_for_each_kind_and_pair(s30_here):
    code, out, _ = s30_here("parity", "1")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == ["kind", "layers", "passed", "largest", "error", "of", "allowed", "entries"]
    assert ["forward", "torch", "~", "numpy", "3/3", "0.0e+00", "0.0e+00", "75"] in lines
    assert "hidden" not in out
    assert out.splitlines()[-1] == "`s30 parity 01 --rows` shows every comparison"


def test_parity_shows_what_failed_by_name(s30_here):
    code, out, _ = s30_here("parity", "1", edit=broken)
    assert code == 1
    at = out.index("What did not pass")
    assert "torch ~ numpy: loss" in out[at:]
    assert "hidden" not in out
    (line,) = (line for line in out[:at].splitlines() if line.startswith("forward") and "torch" in line)
    assert line.split()[4] == "2/3"


def test_parity_shows_every_comparison_on_request(s30_here):
    code, out, _ = s30_here("parity", "1", "--rows")
    assert code == 0
    assert "torch ~ numpy: hidden" in out
    assert "rtol 1e-10, atol 1e-12" in out
    rows = json.loads(s30_here("parity", "1", "--json")[1])
    assert rows["forward"][0]["tolerance"] == {"rtol": 1e-10, "atol": 1e-12}
    assert rows["forward"][0]["compared"] == rows["forward"][0]["total"] == 36
    assert s30_here("parity", "1", edit=broken)[0] == 1


def test_the_list_names_folders_only_where_there_is_room(s30_here, monkeypatch):
    monkeypatch.setattr(display.console, "_width", 80)
    out = s30_here("list")[1]
    assert out.splitlines()[1].split()[-1] == "built"
    assert "papers/" not in out


SCREENS = [
    *(["list"], ["show", "1"], ["parity", "1"], ["parity", "1", "--rows"], ["theorems"], ["train", "1"], ["matrix"]),
    *(["doctor"], ["verify"], ["verify", "--no-claims"]),
]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("arguments", SCREENS, ids=" ".join)
def test_on_a_narrow_terminal_no_line_is_too_long_and_no_word_is_cut(
    s30_here, corpus, monkeypatch, tmp_path, arguments, width
):
    monkeypatch.setenv("S30_CACHE", str(tmp_path))
    wide = set(s30_here(*arguments)[1].split())
    monkeypatch.setattr(display.console, "_width", width)
    monkeypatch.setattr(display.console, "_force_terminal", True)
    monkeypatch.setattr(display.console, "_color_system", None)
    out = s30_here(*arguments)[1]
    assert max(len(line) for line in out.splitlines()) <= width
    assert "…" not in out
    if arguments[0] not in ("verify", "doctor"):  # which says other words there, or paths longer than a line
        told = wide | {f"{word}:" for word in wide} | {"built"}
        named = {word for line in out.splitlines() if line.startswith("(not shown") for word in line.split()}
        assert set(out.split()) <= told | named


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("", ["01"]), ("0", ["01"]), ("af", ["affine"]), ("x", []), ("1", [])],
)
def test_a_shell_completes_papers(corpus, monkeypatch, typed, offered):
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    assert [name for name, _ in paper_names(typed)] == offered
    (corpus.root / "papers.yaml").write_text("papers: ]")
    assert paper_names(typed) == []  # the command itself tells


def test_a_shell_completes_layers(corpus, monkeypatch):
    assert [name for name, _ in layer_names("t")] == ["tinygrad", "torch"]
    for name, value in (("S30_COMPLETE", "complete_bash"), ("COMP_WORDS", "s30 verify --layer t"), ("COMP_CWORD", "3")):
        monkeypatch.setenv(name if name.startswith("COMP") else f"_{name}", value)
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    program = "import sys; sys.argv = ['s30']; from s30 import cli; sys.exit(cli.main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["tinygrad", "torch"], done.stderr


def test_theorems_are_shown_as_agda_prints_them(s30_here):
    code, out, _ = s30_here("theorems")
    assert code == 0
    assert "01 Toy.odd" in out
    assert "odd : Type" in out
    assert json.loads(s30_here("theorems", "--json")[1])["01"]["Toy.odd"]["says"] == "tanh is odd"


def test_train_prints_metrics_and_saves_figures(s30_here, corpus):
    def drawn(results):
        figure = {"kind": "Bars", "title": "t", "y_label": "y", "values": {"a": 1.0}, "errors": {}, "y_limits": None}
        torch = results["01", "torch", "experiment"]
        return results | {
            ("01", "torch", "experiment"): replace(torch, facts={**torch.facts, "figures": {"bars": figure}})
        }

    readme = corpus.paper("01").folder / "README.md"
    readme.write_text("# One\n<!-- results: generated by `make figures` -->\nold\n<!-- end of results -->\nend\n")
    code, out, _ = s30_here("train", "1", "--save", edit=drawn)
    assert code == 0
    assert "0.94, 0.96" in out
    assert (corpus.paper("01").folder / "figures" / "torch-bars.svg").read_text().startswith("<?xml")
    assert json.loads(s30_here("train", "1", "--json")[1])["metrics"]["jax"]["accuracy"] == [0.94, 0.96]
    text = readme.read_text()
    assert "\n| metric | claimed | unit | over | PyTorch | JAX |\n" in text
    assert "\n| `accuracy` | >= 0.9 | share | 2 seeds | 0.95 (0.94 to 0.96) | 0.95 (0.94 to 0.96) |\n" in text
    assert "Profile quick, seed 0; " in text
    assert "old" not in text
    assert text.startswith("# One\n")
    assert text.endswith("<!-- end of results -->\nend\n")
    assert s30_here("train", "1", "--layer", "torch", "--save")[0] == 0
    assert readme.read_text() == text  # one layer alone is no table


def test_seeds_says_which_bound_is_closest_to_being_missed(s30_here):
    """The toy's accuracy is 0.95 and claimed to be 0.9; here seed 1 has less in JAX."""
    asked = []

    def less(results):
        asked.append(len(asked))
        jax = results["01", "jax", "experiment"]
        metrics = jax.facts["metrics"] | {"accuracy": [0.95, 0.91 if len(asked) == 2 else 0.95]}
        return results | {("01", "jax", "experiment"): replace(jax, facts={**jax.facts, "metrics": metrics})}

    code, out, _ = s30_here("seeds", "1", "--seeds", "3", edit=less)
    assert (code, len(asked)) == (0, 3)
    (row,) = [line for line in out.splitlines() if "accuracy" in line]
    assert ">= 0.9" in row
    assert "0.93 to 0.95" in row
    assert row.rstrip().endswith("seed 1, JAX")
    asked.clear()
    (margin,) = [m for m in json.loads(s30_here("seeds", "1", "--json", edit=less)[1]) if m["metric"] == "accuracy"]
    assert margin["room"] == pytest.approx(0.03)
    assert margin["runs"] == 10


def test_seeds_fails_where_a_bound_is_missed(s30_here):
    def worse(results):
        jax = results["01", "jax", "experiment"]
        metrics = jax.facts["metrics"] | {"accuracy": [0.5]}
        return results | {("01", "jax", "experiment"): replace(jax, facts={**jax.facts, "metrics": metrics})}

    code, _, err = s30_here("seeds", "1", "--seeds", "2", edit=worse)
    assert code == 1
    assert "accuracy >= 0.9 is missed in 2 of 4 runs, the farthest at seed 0, JAX" in err


def test_a_readme_without_its_markers_is_refused(s30_here, corpus):
    (corpus.paper("01").folder / "README.md").write_text("# One\n")
    code, _, err = s30_here("train", "1", "--save")
    assert code == 2
    assert "README.md: needs the markers <!-- results: generated by `make figures` -->" in err


def test_train_fails_with_the_experiments_own_line(s30_here):
    def diverged(results):
        return results | {
            ("01", "jax", "experiment"): Evidence("01", "jax", error="ValueError: diverged", outcome=Outcome.FAILED)
        }

    code, _, err = s30_here("train", "1", edit=diverged)
    assert code == 1
    assert err.splitlines()[-1] == "error: paper 01, jax experiment: ValueError: diverged"


@pytest.mark.parametrize(
    ("file", "text"),
    [("waivers.yaml", "waivers: ]"), ("papers/01_affine/paper.yaml", "summary: 1\n"), ("papers.yaml", "papers: ]")],
)
def test_malformed_files_are_told_before_anything_is_measured(s30_here, corpus, file, text):
    (corpus.root / file).write_text(text)

    def never(_):
        raise AssertionError("it was measured")

    code, out, err = s30_here("verify", edit=never)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {corpus.root / file}:1: ")
    assert len(err.splitlines()) == 1


def as_folder(path):
    path.unlink()
    path.mkdir()


def as_broken_link(path):
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (as_folder, " is no file: remove it, or give it another name"),
        (as_broken_link, ": cannot be read: No such file or directory"),
    ],
)
def test_a_layer_that_is_no_file_is_one_line(corpus, s30, harm, reason):
    path = corpus.paper("01").folder / "torch" / "model.py"
    harm(path)
    done = s30(corpus.root, "run", "--layer", "torch")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {path}{reason}\n"


def test_text_that_is_not_utf8_fails_its_room_by_name_and_loses_no_verdict(s30_here, corpus):
    (corpus.paper("01").folder / "spec.md").write_bytes("# One\nGrüße\n".encode("latin-1"))
    code, out, err = s30_here("verify")
    assert code == 1
    assert out.splitlines()[-1].startswith("FAILED: ")
    assert (
        f"paper 01: {corpus.paper('01').folder / 'spec.md'}:2: cannot be read: it is not UTF-8; save it as such" in err
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/etc/secret"), "error: /etc/secret: Permission denied\n"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device\n"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "invalid start byte\n"),
    ],
)
def test_a_file_fault_that_nobody_expected_is_one_line(s30_here, monkeypatch, error, words):
    def fail(*_):
        raise error

    monkeypatch.setattr("s30.corpus.registry.load_corpus", fail)
    code, out, err = s30_here("list")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.endswith(words)
    assert len(err.splitlines()) == 1


def test_an_empty_corpus_is_told(s30_here, make_corpus, monkeypatch):
    monkeypatch.setenv("S30_ROOT", str(make_corpus({"01_affine": None}, name="empty").root))
    code, out, err = s30_here("verify")
    assert (code, out) == (1, "")
    assert err.endswith("papers.yaml has a room yet: `s30 new` lays one out\n")


def test_doctor_says_what_is_there_and_how_to_get_what_is_missing(s30_here, monkeypatch):
    monkeypatch.setattr(
        catalogue, "missing", lambda layer: "JAX is not installed: run `make setup`" if layer.name == "jax" else None
    )
    monkeypatch.setattr(environment, "find_agda", lambda: "/opt/agda")
    code, out, _ = s30_here("doctor")
    assert code == 1
    assert "JAX is not installed: run `make setup`" in out
    told = json.loads(s30_here("doctor", "--json")[1])
    assert told["missing"] == ["jax"]
    assert told["facts"]["agda"] == "/opt/agda (version 2.7.0)"
    assert set(told["layers"]) == set(LAYERS)


def test_doctor_survives_what_it_diagnoses(s30_here, monkeypatch):
    def mute(agda):
        raise S30Error(f"{agda} --version did not answer")

    monkeypatch.setattr(environment, "agda_version", mute)
    monkeypatch.setattr(environment, "find_agda", lambda: "/opt/agda")
    monkeypatch.setenv("S30_CUBICAL", "/nowhere/cubical.agda-lib")
    code, out, err = s30_here("doctor", "--json")
    assert (code, err) == (1, "")
    told = json.loads(out)
    assert told["facts"]["agda"] == "/opt/agda --version did not answer"
    assert "no such file" in told["facts"]["cubical"]
    assert "agda" in told["missing"]


def test_a_rooms_name_with_brackets_is_printed_as_it_is(s30_here, corpus):
    """Rich reads [brackets] as markup unless told otherwise."""
    code, _, err = s30_here("verify", "[bold]x[/bold]")
    assert code == 2
    assert "no paper '[bold]x[/bold]'" in err


def test_the_command_works_as_a_process(corpus, s30):
    done = s30(corpus.root, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["id"] == "01"
    done = s30(corpus.root / "papers", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: S30_ROOT={corpus.root / 'papers'} has no papers.yaml\n"


def test_new_lays_out_a_room_and_says_what_comes_next(s30_here, corpus):
    template = corpus.root / "papers" / "TEMPLATE"
    template.mkdir()
    (template / "README.md").write_text("# __TITLE__\n")
    code, out, _ = s30_here("new", "02", "second")
    assert code == 0
    assert "`s30 verify 02`" in " ".join(out.split())
    assert documents.load(corpus.root / "papers.yaml", "papers")["papers"][1]["slug"] == "second"
    code, _, err = s30_here("new", "02")
    assert code == 2
    assert "exists already" in err
