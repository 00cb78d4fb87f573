"""The record fits its schema, says whether it is fresh, stale or edited, and differs between runs under `run` alone."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import replace

import pytest
import yaml

from s30 import cli
from s30.corpus import documents
from s30.errors import S30Error, UsageError
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers.catalogue import LAYERS
from s30.record import telemetry
from s30.record.entry import paper_entry
from s30.sweep.plan import Event
from s30.verdict.judge import judge
from s30.view import display


@pytest.fixture(autouse=True)
def _same_machine(monkeypatch):
    """The fingerprint without asking Agda for its version each time."""
    monkeypatch.setattr(environment, "agda_version", lambda _: "2.7.0")


@pytest.fixture
def repository(make_corpus, git_repository):
    corpus = make_corpus({"01_affine": {}, "02_later": None})
    return corpus, git_repository(corpus.root)


@pytest.fixture
def verification(repository, results_of):
    corpus, _ = repository
    return judge(corpus, corpus.select([]), list(LAYERS), results_of(corpus.paper("01")), True)


@pytest.fixture
def record(repository, verification):
    return telemetry.assemble(repository[0].root, verification, "quick", 1.0, False)


@pytest.fixture
def recorded(repository, record):
    """The record, written and committed."""
    corpus, git = repository
    telemetry.write(record, corpus.root / "verification.yaml")
    git("add", "-A")
    git("commit", "-qm", "record")
    return corpus.root


def state(root):
    return telemetry.check(root, root / "verification.yaml")


def test_a_record_says_what_was_verified(repository, record):
    _, git = repository
    assert record["outcome"] == "passed"
    assert record["checked_commit"] == git("rev-parse", "HEAD").strip()
    assert record["tree"] == {"state": "clean", "changed": []}
    assert record["summary"]["papers"] == {"not_run": 1, "passed": 1}
    assert record["summary"]["identities"] == 2
    assert record["summary"]["theorems"] == 1
    assert record["summary"]["checks"].keys() == {"passed"}
    assert record["summary"]["entries"]["compared"] == record["summary"]["entries"]["total"] > 1000
    paper = record["papers"]["01"]
    assert {name: layer["outcome"] for name, layer in paper["layers"].items()} == dict.fromkeys(LAYERS, "passed")
    assert all(len(layer["evidence"]) == 16 for layer in paper["layers"].values())
    assert paper["layers"]["agda"] | {"why_thin": "the toy has one lemma"} == paper["layers"]["agda"]
    assert paper["theorems"] == {"Toy.odd": {"outcome": "passed", "statement": "odd : Type"}}
    assert paper["coverage"] == {"carried": ["(1)", "(2)"], "left_out": ["table 2"]}
    assert record["summary"]["coverage"] == {"carried": 2, "items": 3}
    assert paper["equations"]["affine"] == {"output": "scores", "parameter": "weight"}
    assert paper["mutants"]["layers"]["torch"] == 6
    assert record["waived"] == []
    assert record["papers"]["02"] == {"title": "Toy 02", "outcome": "not_run"}


def edited_card(make_corpus, results_of, card, change):
    """The record's entry of the toy with a changed card, and the summary."""
    change(card)
    corpus = make_corpus(card=card, name="other")
    verification = judge(corpus, corpus.select([]), list(LAYERS), results_of(corpus.paper("01")), True)
    return paper_entry(verification.papers[0]), telemetry.summary(verification)


def test_a_row_tells_the_largest_error_of_all_layers_and_seeds_and_how_many_entries(record, verification):
    forward = record["papers"]["01"]["checks"]["forward"]
    assert forward["layers"] == dict.fromkeys(("jax ~ numpy", "tinygrad ~ numpy", "torch ~ numpy"), 9)
    assert forward["tolerance"] == {"all": "1e-10/1e-12", "tinygrad": "1e-09/1e-12"}
    assert forward["rows"] == {"hidden": [0.0, 0.0, 108], "loss": [0.0, 0.0, 9], "scores": [0.0, 0.0, 108]}
    checks = [c for c in verification.papers[0].checks if c.kind == "difference" and "joint" not in c.name]
    error, worst, entries = record["papers"]["01"]["checks"]["difference"]["rows"]["along one parameter"]
    assert error == pytest.approx(max(c.error for c in checks), rel=5e-2)
    assert worst == round(max(c.worst for c in checks), 2) == 0.0
    assert entries == sum(c.total for c in checks) == 18


def test_a_parameter_has_one_row_for_the_loss_with_and_without_cotangents(record):
    gradient = record["papers"]["01"]["checks"]["gradient"]
    assert set(gradient["rows"]) == {"bias", "weight"}
    assert gradient["rows"]["bias"][2] == 2 * 3 * 3 * 3  # both, pairs of layers, seeds, entries
    assert gradient["layers"] == dict.fromkeys(("tinygrad ~ jax", "tinygrad ~ torch", "torch ~ jax"), 12)


def test_a_claims_evidence_is_one_line_each_with_the_numbers_of_both_frameworks(record):
    odd, learns, _ = record["papers"]["01"]["claims"].values()
    assert odd["evidence"] == [{"identity": ["tanh_odd"], "theorem": ["Toy.odd"]}]
    assert learns["evidence"][0] == {
        "metric": "accuracy", "at_least": 0.9, "torch": pytest.approx(0.95), "jax": pytest.approx(0.95),
    }  # fmt: skip


def test_evidence_that_does_not_hold_says_what_was_measured(make_corpus, results_of, card):
    def change(card):
        card["claims"][1]["evidence"] = [{"metric": "accuracy", "above": {"metric": "chance", "times": 20}}]

    entry, _ = edited_card(make_corpus, results_of, card, change)
    (piece,) = entry["claims"]["learns"]["evidence"]
    assert piece["limits"] == {"torch": 2.0, "jax": 2.0}
    assert piece["outcome"] == "failed"
    assert piece["measured"].startswith("0.95 (mean of 2 ")


def test_what_rows_are_about_is_stated_once(record):
    stated = record["papers"]["01"]["stated"]
    assert stated["invariant"]["bounded"] == "tanh stays below one"
    assert stated["bridge"]["hidden_formula"] == "s"
    assert stated["oracle"]["by_loops"] == "hidden, entry by entry, by loops over math.tanh"
    assert set(stated) == {"invariant", "bridge", "oracle", "evaluation"}


def test_a_tolerance_of_the_papers_own_comes_with_its_reason(make_corpus, results_of, card):
    own = {"quantity": "hidden", "rtol": 1e-8, "atol": 1e-9, "reason": "tanh is an approximation there"}

    def change(card):
        card["tolerances"] = [
            {"kind": "forward", "layer": "jax", **own},
            {"kind": "invariant", **own | {"quantity": "example_order", "reason": "sums in another order"}},
        ]

    entry, _ = edited_card(make_corpus, results_of, card, change)
    forward, invariant = (entry["checks"][kind]["rows"] for kind in ("forward", "invariant"))
    assert (forward["hidden"]["tolerance"], forward["hidden"]["reason"]) == (
        "1e-08/1e-09",
        "tanh is an approximation there",
    )
    assert invariant["example_order"]["reason"] == "sums in another order"
    assert forward["loss"] == [0.0, 0.0, 9]
    assert invariant["bounded"] == [None, None, 4 * 5 * 12, "exact"]


def test_the_summary_counts_claims_by_kind_and_cells_by_outcome(make_corpus, results_of, card):
    _, summary = edited_card(make_corpus, results_of, card, lambda card: card["claims"][1].update(kind="proxy"))
    assert summary["claims"] == {"not_applicable": 1, "passed": 2}
    assert summary["claims_by_kind"] == {
        "exact": {"passed": 1},
        "proxy": {"passed": 1},
        "out_of_scope": {"not_applicable": 1},
    }
    assert summary["cells"] == {"passed": 6}


def test_a_record_that_passed_with_a_waiver_says_so(toy_record):
    def doubled(results):
        torch = results["01", "torch", "checks"]
        everywhere = ("seed0/output/loss", "seed0/recorded/loss", "again/output/loss")
        loss = {name: 2 * torch.arrays[name] for name in everywhere}
        return results | {("01", "torch", "checks"): replace(torch, arrays={**torch.arrays, **loss})}

    _, record = toy_record(doubled, [{"id": "01/torch~numpy/forward/seed 0 loss", "reason": "a known gap"}])
    assert record["outcome"] == record["papers"]["01"]["outcome"] == "waived"
    assert record["waived"] == ["01/torch~numpy/forward/seed 0 loss"]
    assert record["summary"]["cells"] == {"passed": 4, "waived": 2}
    assert record["summary"]["papers"] == {"not_run": 1, "waived": 1}
    assert record["papers"]["01"]["checks"]["forward"]["rows"]["loss"]["outcome"] == "waived"


def test_a_theorem_that_the_card_lists_twice_counts_once(repository, verification):
    (verdict,) = verification.papers
    twice = [*verdict.checks, *(c for c in verdict.checks if c.kind == "theorem")]
    doubled = replace(verification, papers=[replace(verdict, checks=twice)])
    assert telemetry.summary(doubled) == telemetry.summary(verification)
    entry = paper_entry(doubled.papers[0])
    assert telemetry.summary(doubled)["theorems"] == len(entry["theorems"]) == 1


def test_a_record_round_trips_through_its_file_and_fits_its_schema(recorded, record):
    assert telemetry.read(recorded / "verification.yaml") == record
    assert (recorded / "verification.yaml").read_text().startswith("# Generated by `make")


def test_a_record_that_does_not_fit_its_schema_is_not_written(record, tmp_path):
    with pytest.raises(S30Error, match="the record does not fit its own schema at checked_commit"):
        telemetry.write(record | {"checked_commit": "main"}, tmp_path / "record.yaml")
    assert not (tmp_path / "record.yaml").exists()


def test_failures_and_missing_layers_fit_the_schema_too(repository, results_of):
    corpus, _ = repository
    results = results_of(corpus.paper("01"))
    torch = results["01", "torch", "checks"]
    results["01", "torch", "checks"] = replace(
        torch, arrays={n: a * 0 + 1.7e308 if n == "seed0/trajectory/loss" else a for n, a in torch.arrays.items()}
    )
    results["01", "jax", "checks"] = Evidence("01", "jax", error="no JAX", outcome="not_run")
    results["01", "sympy", "checks"] = Evidence("01", "sympy", error="boom", outcome="failed")
    del results["01", "jax", "experiment"]
    verification = judge(corpus, corpus.select([]), list(LAYERS), results, True)
    record = telemetry.assemble(corpus.root, verification, "quick", 1.0, False)
    telemetry.write(record, corpus.root / "verification.yaml")
    assert record["outcome"] == "failed"
    assert telemetry.read(corpus.root / "verification.yaml") == record


def test_counts_keep_built_papers_that_did_not_run_apart_from_none(make_corpus, results_of):
    corpus = make_corpus({"01_affine": {}, "02_other": {}, "03_later": None})
    verification = judge(corpus, corpus.select([]), list(LAYERS), results_of(corpus.paper("01")), True)
    assert telemetry.summary(verification)["papers"] == {"not_run": 2, "passed": 1}


def test_two_runs_differ_under_run_alone(repository, results_of, record):
    corpus, _ = repository
    results = {
        slot: replace(e, run={"seconds": 99.0, "host": "elsewhere"})
        for slot, e in results_of(corpus.paper("01")).items()
    }
    other = telemetry.assemble(
        corpus.root, judge(corpus, corpus.select([]), list(LAYERS), results, True), "quick", 50.0, False
    )
    assert other["run"] != record["run"]
    assert {k: v for k, v in other.items() if k != "run"} == {k: v for k, v in record.items() if k != "run"}
    assert documents.dump({k: v for k, v in other.items() if k != "run"}) == documents.dump(
        {k: v for k, v in record.items() if k != "run"}
    )


def test_a_record_is_fresh_right_after_it_was_committed(recorded):
    commit = telemetry.read(recorded / "verification.yaml")["checked_commit"]
    assert state(recorded) == ("fresh", f"it describes these sources, checked at commit {commit[:12]}")


def test_a_later_commit_makes_it_stale_and_names_the_files(recorded, repository):
    _, git = repository
    for name in ("one.py", "two.py"):
        (recorded / name).write_text("")
    git("add", "-A")
    git("commit", "-qm", "later")
    found, why = state(recorded)
    assert found == "stale"
    assert why.startswith("2 files changed since ")
    assert why.endswith(": one.py, two.py")


def test_a_changed_working_tree_makes_it_stale(recorded):
    (recorded / "papers.yaml").write_text((recorded / "papers.yaml").read_text() + "# more\n")
    assert state(recorded) == ("stale", "the working tree differs from HEAD: papers.yaml")


def test_a_rewritten_history_leaves_it_fresh_as_long_as_the_sources_are_the_same(recorded, repository):
    """The checked commit is gone; the digest of the sources still tells."""
    _, git = repository
    shutil.rmtree(recorded / ".git")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "squashed")
    assert state(recorded)[0] == "fresh"
    (recorded / "new.py").write_text("")
    git("add", "-A")
    git("commit", "-qm", "more")
    found, why = state(recorded)
    assert found == "stale"
    assert "is not in this clone, and the sources differ" in why


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("outcome: passed", "outcome: failed"),
        ("[accuracy, at_least, 0.9,", "[accuracy, at_least, 0.8,"),
        ("python: ", "python: 9"),
        ("threads: 1", "threads: 2"),
    ],
)
def test_an_edited_record_is_tampered_with(recorded, old, new):
    path = recorded / "verification.yaml"
    text = path.read_text()
    if old not in text:
        old, new = old.replace("'", ""), new.replace("'", "")
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert state(recorded) == (
        "tampered",
        "verification.yaml was edited after it was generated: its record_digest does not match its content",
    )


def test_a_record_with_another_commits_digest_is_tampered_with(recorded):
    record = telemetry.read(recorded / "verification.yaml")
    record["source_digest"] = "0" * 64
    telemetry.write(telemetry.sealed(record), recorded / "verification.yaml")
    found, why = state(recorded)
    assert found == "tampered"
    assert "are not those whose digest verification.yaml states" in why


@pytest.mark.parametrize("at", ["finished", "seconds", "host", "measured", "digest"])
def test_an_edit_under_run_is_noticed(recorded, at):
    path = recorded / "verification.yaml"
    record = telemetry.read(path)
    other = {"seconds": 0.1, "measured": {}, "digest": "0" * 64}.get(at, "elsewhere")
    record["run"][at] = other
    telemetry.write(record, path)
    assert state(recorded) == (
        "tampered",
        "verification.yaml was edited after it was generated: its run/digest does not match its content",
    )


def test_a_value_that_no_record_holds_is_refused_with_its_line(recorded):
    path = recorded / "verification.yaml"
    record = telemetry.read(path)
    record["papers"]["01"]["checks"]["forward"]["rows"]["loss"][0] = float("nan")
    telemetry.write(record, path)
    with pytest.raises(UsageError, match=r"verification\.yaml:\d+: \.nan is not a finite number"):
        telemetry.read(path)


def test_the_run_cannot_go_without_its_digest(recorded):
    path = recorded / "verification.yaml"
    record = telemetry.read(path)
    del record["run"]["digest"]
    with pytest.raises(S30Error, match="at run: 'digest' is a required property"):
        telemetry.write(record, path)


def test_a_record_that_is_missing_or_no_record_is_refused(tmp_path):
    with pytest.raises(S30Error, match=r"record\.yaml: cannot be read"):
        telemetry.check(tmp_path, tmp_path / "record.yaml")
    (tmp_path / "record.yaml").write_text("schema_version: 4\n")
    with pytest.raises(S30Error, match=r"record\.yaml:1: "):
        telemetry.check(tmp_path, tmp_path / "record.yaml")


@pytest.fixture
def verify(repository, results_of, monkeypatch, capsys):
    """`s30 verify` with the evidence at hand instead of a sweep."""
    corpus, _ = repository
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    monkeypatch.setattr(
        "s30.cli.asking.sweep", lambda slots, options, listen, executor=None: results_of(corpus.paper("01"))
    )

    def run(*arguments):
        code = cli.main(["verify", *arguments])
        return code, *capsys.readouterr()

    return run


def test_verify_records_a_clean_tree(verify, repository):
    root = repository[0].root
    code, out, err = verify("--record", str(root / "verification.yaml"))
    assert (code, out.splitlines()[-1]) == (0, "PASSED"), err
    assert state(root)[0] == "fresh"


def test_a_record_that_could_not_be_written_is_refused_before_the_sweep(verify, repository, monkeypatch):
    root = repository[0].root
    monkeypatch.setattr("s30.cli.asking.sweep", lambda *_: pytest.fail("swept"))
    (root / ".git" / "link.yaml").symlink_to("elsewhere")
    for option in ("--record", "--readme"):
        code, _, err = verify(option, str(root / ".git" / "link.yaml"))
        assert code == 1
        assert "link.yaml: it is no plain file; choose another name" in err


def test_a_record_says_when_each_slot_was_measured_where_the_evidence_does(repository, results_of):
    corpus, _ = repository
    results = results_of(corpus.paper("01"))
    results["01", "jax", "experiment"] = replace(
        results["01", "jax", "experiment"], run={"seconds": 2.0, "finished": "2026-01-02T03:04:05+00:00"}
    )
    verification = judge(corpus, corpus.select([]), list(LAYERS), results, True)
    record = telemetry.assemble(corpus.root, verification, "quick", 1.0, False, slots={"measured": 1, "cached": 7})
    telemetry.write(record, corpus.root / "verification.yaml")
    assert record["run"]["measured"]["01"] == {"jax experiment": 2.0}
    assert record["run"]["measured_at"] == {"01": {"jax experiment": "2026-01-02T03:04:05+00:00"}}
    assert record["run"]["slots"] == {"measured": 1, "cached": 7}


@pytest.mark.parametrize(
    ("arguments", "fresh"),
    [([], False), (["--fresh"], True), (["--record"], True), (["--record", "--cached"], False)],
)
def test_a_record_is_measured_anew_unless_what_is_cached_is_asked_for(
    repository, results_of, monkeypatch, capsys, arguments, fresh
):
    corpus, _ = repository
    path = corpus.root / "verification.yaml"
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    asked = []

    def sweep(slots, options, listen, executor=None):
        asked.append(options.fresh)
        results = results_of(corpus.paper("01"))
        for slot in results:
            listen(Event("done" if options.fresh else "cached", slot))
        return results

    monkeypatch.setattr("s30.cli.asking.sweep", sweep)
    at = arguments.index("--record") + 1 if "--record" in arguments else 0
    assert cli.main(["verify", *arguments[:at], *([str(path)] if at else []), *arguments[at:]]) == 0
    capsys.readouterr()
    assert asked == [fresh]
    if at:
        counts = {"measured": 8 * fresh, "cached": 8 * (not fresh), "not_run": 0}
        assert telemetry.read(path)["run"]["slots"] == counts


def test_an_interrupted_record_says_how_to_go_on(repository, monkeypatch, capsys):
    root = repository[0].root
    monkeypatch.setenv("S30_ROOT", str(root))

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("s30.cli.asking.sweep", interrupted)
    assert cli.main(["verify", "--record", str(root / "verification.yaml")]) == 130
    assert capsys.readouterr().err.endswith("what was finished is kept, and a rerun with --cached goes on from there\n")
    assert cli.main(["verify"]) == 130
    assert capsys.readouterr().err.endswith("what was finished is kept, and a rerun goes on from there\n")


def test_verify_refuses_to_record_a_dirty_tree_and_writes_nothing(verify, repository):
    root = repository[0].root
    (root / "new.py").write_text("")
    code, out, err = verify("--record", str(root / "verification.yaml"))
    assert (code, out) == (1, "")
    assert (
        err
        == "error: the tree is dirty (new.py): commit first, or pass --allow-dirty to have it marked in the record\n"
    )
    assert not (root / "verification.yaml").exists()


def test_a_dirty_tree_can_be_recorded_and_is_marked(verify, repository):
    root = repository[0].root
    (root / "new.py").write_text("")
    code, _, _ = verify("--record", str(root / "verification.yaml"), "--allow-dirty")
    assert code == 0
    assert telemetry.read(root / "verification.yaml")["tree"] == {"state": "dirty", "changed": ["new.py"]}
    assert state(root) == ("stale", "it was made from a dirty tree (new.py)")


@pytest.mark.parametrize("arguments", [["01"], ["--layer", "numpy"], ["--no-claims"]])
def test_a_record_covers_everything_or_is_not_written(verify, repository, arguments):
    path = repository[0].root / "verification.yaml"
    code, _, err = verify("--record", str(path), *arguments)
    assert code == 2
    assert err.startswith("error: a record covers every paper, layer and claim")
    assert not path.exists()


def test_outside_git_a_record_is_refused_with_gits_reason(corpus, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert cli.main(["verify", "--record", str(tmp_path / "r.yaml")]) == 1
    assert "not a git repository" in capsys.readouterr().err


@pytest.fixture
def diff(record, tmp_path, capsys):
    """`s30 telemetry diff` of the record and what `change` makes of it."""

    def run(change, *arguments, seal=telemetry.sealed):
        other = copy.deepcopy(record)
        change(other)
        for name, content in (("old", record), ("new", seal(other))):
            telemetry.write(content, tmp_path / name)
        code = cli.main(["telemetry", "diff", str(tmp_path / "old"), str(tmp_path / "new"), *arguments])
        return code, capsys.readouterr().out

    return run


def test_diff_of_equal_records(diff):
    assert diff(lambda r: None) == (0, "no difference in outcomes or beyond tolerance\n")
    assert json.loads(diff(lambda r: None, "--json")[1]) == {"agree": True, "differences": [], "information": []}


@pytest.mark.parametrize(
    ("at", "change"),
    [
        ("outcome", lambda r: r.update(outcome="failed")),
        ("profile", lambda r: r.update(profile="full")),
        ("problems", lambda r: r.update(problems=["waivers.yaml: 'x' matches no failing check: remove it"])),
        ("summary/theorems", lambda r: r["summary"].update(theorems=7)),
        ("01/outcome", lambda r: r["papers"]["01"].update(outcome="failed")),
        ("01/layers/jax/outcome", lambda r: r["papers"]["01"]["layers"]["jax"].update(outcome="failed")),
        ("02", lambda r: r["papers"].pop("02")),
    ],
)
def test_diff_names_what_changed_and_its_exit_code_tells(diff, at, change):
    code, out = diff(change)
    lines = [line.strip() for line in out.splitlines()]
    assert (code, lines[0], lines[-1]) == (1, "Differences", "1 differences")
    assert out.splitlines()[2].split()[0] == at
    code, out = diff(change, "--json")
    assert (code, [d["at"] for d in json.loads(out)["differences"]]) == (1, [at])


def test_diff_prints_a_statement_in_full_however_long(diff):
    """And in a narrow terminal too: there each difference is a paragraph."""
    statement = " → ".join(f"(hypothesis{n} : P{n})" for n in range(60)) + " → odd : Type"

    def change(record):
        record["papers"]["01"]["theorems"]["Toy.odd"]["statement"] = statement

    assert len(statement) > 1000
    for width in (160, 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(display.console, "_width", width)
            code, out = diff(change)
        assert code == 1
        assert set(statement.split()) <= set(out.split())
        assert max(map(len, out.splitlines())) <= width
    assert "01/theorems/Toy.odd/statement\n" in "\n".join(line.rstrip() for line in out.splitlines()) + "\n"


def test_diff_tells_another_environment_and_errors_within_tolerance_as_information(diff):
    def change(record):
        record["environment"]["packages"]["torch"] = "9.9"
        record["checked_commit"] = "1" * 40
        row = record["papers"]["01"]["checks"]["difference"]["rows"]["along one parameter"]
        row[:2] = [row[0] * 2 + 1e-9, 0.9]

    code, out = diff(change)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:5]] == [
        "checked_commit",
        "environment/packages/torch",
        "01/checks/difference/rows/along",
    ]
    assert out.endswith("no difference in outcomes or beyond tolerance; 3 of information\n")


def test_diff_of_an_edited_record_fails(diff):
    def change(record):
        record["run"]["host"] = "elsewhere"

    code, out = diff(change, seal=lambda record: record)
    assert (code, out.splitlines()[2].split()[0]) == (1, "run/digest")


def test_the_command_checks_the_record(recorded, monkeypatch, capsys):
    monkeypatch.setenv("S30_ROOT", str(recorded))
    assert cli.main(["telemetry", "check"]) == 0
    assert capsys.readouterr().out.startswith("fresh: ")
    (recorded / "new.py").write_text("")
    assert cli.main(["telemetry", "check"]) == 1
    assert capsys.readouterr().out == "stale: the working tree differs from HEAD: new.py\n"
    assert cli.main(["telemetry", "check", "--json"]) == 1
    told = {"state": "stale", "why": "the working tree differs from HEAD: new.py"}
    assert json.loads(capsys.readouterr().out) == told


def test_the_record_is_plain_yaml_and_json(recorded):
    data = yaml.safe_load((recorded / "verification.yaml").read_text())
    assert json.loads(json.dumps(data, allow_nan=False)) == data
