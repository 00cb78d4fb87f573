"""What the Agda layer accepts and refuses, on small papers of our own, with the embedded provider."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from s30.corpus.registry import Corpus
from s30.errors import S30Error
from s30.evidence.environment import find_provider
from s30.evidence.locks import held
from s30.evidence.store import Evidence
from s30.layers.agda import place, run_all, stage, stage_of
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep

pytestmark = pytest.mark.agda

GOOD = """{-# OPTIONS --safe #-}
module Good where
open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base
twice : ∀ n → n + 0 ≡ 0 + n
twice zero = refl
twice (suc n) = cong suc (twice n)
module Inner (A : Type) where
  same : (x : A) → x ≡ x
  same x = refl
private
  hidden : 1 ≡ 1
  hidden = refl
"""


def results(corpus: Corpus) -> list[Evidence | Exception]:
    return [result for _, result in run_all(list(corpus.papers), lambda _: None)]


def test_claimed_theorems_are_recorded_with_their_statements(agda_rooms) -> None:
    (evidence,) = results(agda_rooms(("Good", GOOD, ["Good.twice", "Good.Inner.same"])))
    theorems = evidence.facts["theorems"]
    assert theorems["Good.twice"]["statement"] == "(n : ℕ) → n + 0 ≡ 0 + n"
    assert theorems["Good.Inner.same"]["statement"] == "(A : Type) → (x : A) → x ≡ x"
    assert evidence.facts["provider"].startswith("cubical-lite")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Good.thrice", "not defined"),
        ("Good.hidden", "not defined"),
        ("Good.Outer.same", "Outer"),
        ("Other.twice", "there is no"),
    ],
)
def test_claimed_theorem_that_is_missing_fails_by_name(agda_rooms, name: str, reason: str) -> None:
    (error,) = results(agda_rooms(("Good", GOOD, ["Good.twice", name])))
    assert isinstance(error, Exception)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("twice (suc n) = cong suc (twice n)", "twice (suc n) = refl", "Good.agda"),
        ("n + 0 ≡ 0 + n", "n + 1 ≡ 0 + n", "Good.agda"),
        ("twice zero = refl", "twice zero = {!!}", "Good.agda"),
        ("twice zero = refl\ntwice (suc n) = cong suc (twice n)", "twice n = twice n", "Good.agda"),
        ("private", "postulate cheat : 1 ≡ 2\nprivate", "postulate"),
        ("{-# OPTIONS --safe #-}", "{-# OPTIONS --type-in-type #-}", "type-in-type"),
    ],
    ids=["wrong proof", "false statement", "hole", "circular", "postulate", "unsafe option"],
)
def test_what_is_not_proved_is_refused(agda_rooms, old: str, new: str, reason: str) -> None:
    assert old in GOOD
    (error,) = results(agda_rooms(("Good", GOOD.replace(old, new), ["Good.twice"])))
    assert isinstance(error, Exception), "Agda accepted it"
    assert reason in str(error)
    assert "\n" not in str(error)
    assert ".s30" not in str(error), "the message shows the staging folder"


def test_one_broken_paper_costs_no_other(agda_rooms) -> None:
    broken = GOOD.replace("module Good", "module Broken").replace("twice zero = refl", "twice zero = zero")
    first, second = results(agda_rooms(("Broken", broken, ["Broken.twice"]), ("Good", GOOD, ["Good.twice"])))
    assert isinstance(first, Exception)
    assert isinstance(second, Evidence)


def test_two_papers_may_not_share_a_module_name(agda_rooms) -> None:
    corpus = agda_rooms(("Good", GOOD, []), ("Good", GOOD, []))
    for result in (*results(corpus), *results(replace(corpus, papers=corpus.papers[1:]))):  # together and alone
        assert "taken by another paper" in str(result)


def test_a_module_may_not_have_the_name_of_a_generated_one(agda_rooms) -> None:
    (error,) = results(agda_rooms(("Claims01", GOOD.replace("module Good", "module Claims01"), [])))
    assert str(error).endswith(
        "01_p1/cubical-agda/Claims01.agda: this name is taken by a module that is generated: rename it"
    )


@pytest.mark.parametrize(
    "statement", ["open import Good", "private\n  open import Good using (twice)", "import Good as G"]
)
def test_a_paper_may_not_import_another_ones_module_whether_they_share_a_process_or_not(
    agda_rooms, statement: str
) -> None:
    user = f"{{-# OPTIONS --safe #-}}\nmodule User where\n{statement}\n"
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]), ("User", user, []))
    expected = (
        "02_p2 imports Good from papers/01_p1/cubical-agda/Good.agda, which is another paper's: "
        "a paper stands on its own; what two share belongs into agda/S30"
    )
    good, user_of_it = results(corpus)
    assert isinstance(good, Evidence)
    assert str(user_of_it) == expected
    (alone,) = results(replace(corpus, papers=corpus.papers[1:]))
    assert str(alone) == expected


def test_staging_leaves_unchanged_files_alone(agda_rooms) -> None:
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]))
    folder = stage(corpus.root, find_provider(corpus.root))
    place(corpus.papers[0], folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.agda")}
    (folder / "Stale.agda").write_text("module Stale where\n")
    (folder / "S30" / "Stale.agda").write_text("module S30.Stale where\n")
    stage(corpus.root, find_provider(corpus.root))
    place(corpus.papers[0], folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.agda")} == before


def test_the_stage_is_in_the_cache_so_that_the_sources_need_not_be_writable(
    agda_rooms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]))
    before = sorted(corpus.root.rglob("*"))
    monkeypatch.setenv("S30_CACHE", str(tmp_path / "cache"))
    folder = stage(corpus.root, find_provider(corpus.root))
    assert folder.is_relative_to(tmp_path / "cache")
    assert sorted(corpus.root.rglob("*")) == before


def test_one_agda_at_a_time_works_in_a_stage(agda_rooms) -> None:
    """Another's files would be taken away under it."""
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]))
    folder = stage_of(corpus.root, find_provider(corpus.root))
    said: list[str] = []
    found: list[object] = []
    with held(folder.with_name(f"{folder.name}.lock")):
        second = threading.Thread(target=lambda: found.extend(run_all(list(corpus.papers), said.append)))
        second.start()
        time.sleep(1.0)
        assert not found
        assert said == [f"waits for another Agda in {folder}"]
    second.join(60)
    ((_, evidence),) = found
    assert isinstance(evidence, Evidence)


def test_sources_that_cannot_be_read_are_named(agda_rooms) -> None:
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]))
    link = corpus.root / "agda" / "S30" / "Gone.agda"
    link.symlink_to("nowhere")
    try:
        with pytest.raises(S30Error, match=r"S30/Gone\.agda: cannot be read: No such file or directory"):
            results(corpus)
    finally:
        link.unlink()


def test_the_layer_runs_in_its_own_process(agda_rooms) -> None:
    corpus = agda_rooms(("Good", GOOD, ["Good.twice"]))
    (evidence,) = sweep(
        slots_for(corpus.papers, ["agda"], False), Options(corpus.root, corpus.root / "cache"), lambda _: None
    ).values()
    assert not evidence.error
    assert list(evidence.facts["theorems"]) == ["Good.twice"]


def test_agda_that_dies_is_reported(agda_rooms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "agda"
    script.write_text("#!/bin/sh\ncase $1 in --version) echo 'Agda version 2.7.0';; *) exit 3;; esac\n")
    script.chmod(0o755)
    monkeypatch.setattr("s30.layers.agda.find_agda", lambda: str(script))
    (error,) = results(agda_rooms(("Good", GOOD, ["Good.twice"])))
    assert "agda ended" in str(error)
