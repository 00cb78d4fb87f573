"""A theorem is recorded with all that it assumes, in words that mean what they seem to; with the sentence above it."""

from __future__ import annotations

import json

import pytest

from s30.evidence.environment import find_provider
from s30.layers.agda import run_all, stage_of

pytestmark = pytest.mark.agda

HEADER = "{-# OPTIONS --safe #-}\nopen import Cubical.Foundations.Prelude\nopen import Cubical.Data.Nat.Base\n"
EMPTY = "open import Cubical.Data.Empty.Base as Empty using (⊥)\n"


def told(corpus):
    ((_, evidence),) = run_all(list(corpus.papers), lambda _: None)
    if isinstance(evidence, Exception):
        raise evidence
    return evidence.facts


def statement(agda_rooms, source: str, theorem: str = "Odd.bad") -> str:
    return told(agda_rooms(("Odd", source, [theorem])))["theorems"][theorem]["statement"]


ABSURD = f"{HEADER}{EMPTY}module Odd (absurd : ⊥) where\nbad : 1 ≡ 2\nbad = Empty.rec absurd\n"
ASSUMED = {
    "top-level module": (ABSURD, "Odd.bad", "(absurd : ⊥) → 1 ≡ 2"),
    "nested module": (
        f"{HEADER}{EMPTY}module Odd where\nmodule Inner\n  -- nobody has one\n  (absurd : ⊥)\n  where\n"
        "  bad : 1 ≡ 2\n  bad = Empty.rec absurd\n",
        "Odd.Inner.bad",
        "(absurd : ⊥) → 1 ≡ 2",
    ),
    "unnamed module": (
        f"{HEADER}{EMPTY}module Odd (n : ℕ) where\nprivate module _ {{absurd : ⊥}} where\n  module _ (m : ℕ) where\n"
        "    bad : n ≡ m\n    bad = Empty.rec absurd\nopen import Cubical.Data.Unit\nworse : 1 ≡ 1\nworse = refl\n",
        "Odd.worse",
        "(n : ℕ) → 1 ≡ 1",
    ),
    "unnamed module inside": (
        f"{HEADER}{EMPTY}module Odd (n : ℕ) where\nmodule _ {{absurd : ⊥}} where\n  module _ (m : ℕ) where\n"
        "    bad : n ≡ m\n    bad = Empty.rec absurd\n",
        "Odd.bad",
        "(n : ℕ) {absurd : ⊥} (m : ℕ) → n ≡ m",
    ),
    "variable": (
        f"{HEADER}{EMPTY}module Odd where\nprivate variable\n  ℓ : Level\n  A : Type ℓ\n  absurd : ⊥\n  x y : A\n"
        "claim : ⊥ → ℕ\nclaim _ = 1\nbad : claim absurd ≡ claim absurd → x ≡ y\nbad {absurd = absurd} _ = Empty.rec absurd\n",
        "Odd.bad",
        "{absurd : ⊥} {A : Type ℓ} {x y : A} → claim absurd ≡ claim absurd → x ≡ y",
    ),
    "type that is left for Agda to find": (
        f"{HEADER}{EMPTY}module Odd (n : ℕ) where\nnumber : ⊥ → ℕ\nnumber ()\nbad : ∀ x → number x ≡ n\nbad x = Empty.rec x\n",
        "Odd.bad",
        "(n : ℕ) → (x : ⊥) → number x ≡ n",
    ),
    "levels alone": (
        "{-# OPTIONS --safe #-}\nopen import Cubical.Foundations.Prelude\nmodule Odd {ℓ ℓ' : Level} (A : Type ℓ) where\n"
        "module _ {ℓ'' : Level} (B : Type ℓ'') where\n  bad : A → B → A\n  bad x _ = x\n",
        "Odd.bad",
        "(A : Type ℓ) (B : Type ℓ'') → A → B → A",
    ),
}


@pytest.mark.parametrize(("source", "theorem", "expected"), ASSUMED.values(), ids=ASSUMED)
def test_what_a_theorem_assumes_is_in_its_statement(agda_rooms, source: str, theorem: str, expected: str) -> None:
    assert statement(agda_rooms, source, theorem) == expected


OWN = "{-# OPTIONS --safe #-}\nmodule Odd where\nopen import Cubical.Foundations.Prelude as P hiding (_≡_)\nopen import Cubical.Data.Nat.Base\n"
MEANT = {
    "own equality": (OWN + "_≡_ : ℕ → ℕ → Type\nn ≡ m = ℕ\nbad : 1 ≡ 2\nbad = 0\n", "1 Odd.≡ 2"),
    "own equality in another module": (
        OWN + "module Own where\n  _≡_ : ℕ → ℕ → Type\n  n ≡ m = ℕ\nopen Own\nbad : (n : ℕ) → _≡_ n 2\nbad _ = 0\n",
        "(n : ℕ) → Odd.Own._≡_ n 2",
    ),
    "own equality, with types for Agda to find": (
        OWN + "_≡_ : ℕ → ℕ → Type\nn ≡ m = ℕ\nbad : ∀ n → n ≡ 2\nbad _ = 0\n",
        "(n : ℕ) → n Odd.≡ 2",
    ),
    "own numbers": (
        "{-# OPTIONS --safe #-}\nmodule Odd where\nopen import Cubical.Foundations.Prelude\nopen import Cubical.Data.Unit\n"
        "ℕ : Type\nℕ = Unit\nbad : (n m : ℕ) → n ≡ m\nbad _ _ = refl\n",
        "(n m : Odd.ℕ) → n ≡ m",
    ),
    "another word by renaming": (
        "{-# OPTIONS --safe #-}\nmodule Odd where\nopen import Cubical.Foundations.Prelude\n"
        "open import Cubical.Data.Empty.Base renaming (⊥ to ℕ)\nbad : (n m : ℕ) → n ≡ m\nbad ()\n",
        "(n m : ⊥) → n ≡ m",
    ),
    "another sign by renaming": (
        OWN + "open P using () renaming (_≡_ to infix 4 _≤_)\nbad : 1 ≤ 1\nbad _ = 1\n",
        "1 ≡ 1",
    ),
    "own words that the library does not have": (
        OWN + "twice : ℕ → ℕ\ntwice n = n + n\nbad : twice 1 P.≡ 2\nbad _ = 2\n",
        "twice 1 P.≡ 2",
    ),
}


@pytest.mark.parametrize(("source", "expected"), MEANT.values(), ids=MEANT)
def test_words_mean_what_they_seem_to(agda_rooms, source: str, expected: str) -> None:
    assert statement(agda_rooms, source) == expected


def test_a_file_without_a_header_proves_nothing_of_the_room(agda_rooms) -> None:
    with pytest.raises(Exception, match=r"theorem Odd\.bad is claimed in paper\.yaml but not defined"):
        statement(agda_rooms, f"{HEADER}bad : 1 ≡ 1\nbad = refl\n")


SAID = f"""{HEADER}module Odd where
-- A ruler ends what is above: -----------------------------
-- Adding zero
-- changes nothing.
-- {{not code}}
bad : (n : ℕ) → n ≡ n + 0
bad zero    = refl
bad (suc n) = cong suc (bad n)

-- This stands above a line that is blank.

mute : (n : ℕ) → n + 0 ≡ n
mute n = sym (bad n)
"""


def test_a_theorem_says_what_stands_above_it(agda_rooms) -> None:
    card = [{"name": "Odd.bad", "source": "s"}, {"name": "Odd.mute", "source": "s"}]
    facts = told(agda_rooms(("Odd", SAID, []), theorems=card))
    assert facts["theorems"]["Odd.bad"]["says"] == "Adding zero changes nothing. {not code}"
    assert facts["problems"] == ["paper 01: theorem Odd.mute has no comment directly above it that says it in words"]


REFL = f"""{HEADER}module Odd (A : Type) where
-- It is refl.
bad : 1 ≡ 1
bad = refl
-- It is refl under binders, in every clause.
worse : (n : ℕ) → (λ (m : ℕ) → n) ≡ (λ m → n)
worse zero = refl
worse (suc n) = funExt (λ _ → refl)
-- It is none.
good : (x y : A) → x ≡ y → y ≡ x
good _ _ p = λ i → p (~ i)
"""


def test_what_is_refl_is_no_theorem_but_may_be_listed_as_unfolded(agda_rooms) -> None:
    names = ["Odd.bad", "Odd.worse", "Odd.good"]
    facts = told(agda_rooms(("Odd", REFL, names)))
    assert facts["problems"] == [
        f"paper 01: theorem Odd.{name} is refl: list it under `unfolded`, which does not count"
        for name in ("bad", "worse")
    ]
    unfolded = [{"name": name, "source": "s"} for name in names[:2]]
    facts = told(agda_rooms(("Odd", REFL, names[2:]), unfolded=unfolded))
    assert not facts["problems"]
    assert list(facts["theorems"]) == names[2:]
    assert facts["unfolded"]["Odd.bad"]["statement"] == "(A : Type) → 1 ≡ 1"
    with pytest.raises(Exception, match=r"Odd\.worst is claimed in paper\.yaml but not defined"):
        told(agda_rooms(("Odd", REFL, []), unfolded=[{"name": "Odd.worst", "source": "s"}]))


def test_a_lemma_that_papers_share_may_be_claimed_where_it_is_passed_on(agda_rooms) -> None:
    source = f"{HEADER}module Odd (n : ℕ) where\nopen import S30.Lists\n  using (mapId)\n  public\n"
    theorem = told(agda_rooms(("Odd", source, ["Odd.mapId"])))["theorems"]["Odd.mapId"]
    assert theorem["statement"] == "{A : Type ℓ} → (xs : List A) → map (λ x → x) xs ≡ xs"
    assert theorem["says"] == "Mapping the identity changes nothing."
    with pytest.raises(Exception, match=r"Odd\.mapId is claimed in paper\.yaml but not defined"):
        told(agda_rooms(("Odd", source.replace("  public\n", ""), ["Odd.mapId"])))


def test_modules_are_checked_once_each_and_only_what_changed_anew(agda_rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alphabetically the user comes first, and asking for its statement once took a check of its own."""
    used = f"{HEADER}module Used where\n-- It is.\nold : ∀ n → n + 0 ≡ n + 0\nold n i = n + 0\n"
    user = used.replace("module Used where", "module AUser where\nopen import Used using (old)").replace(
        "old :", "new :"
    )
    user = user.replace("old n i = n + 0", "new n = old n")
    said: list[str] = []

    def check(text: str = user):
        corpus = agda_rooms(("AUser", text, ["AUser.new", "Used.old"]), files={"cubical-agda/Used.agda": used})
        said.clear()
        ((_, evidence),) = run_all(list(corpus.papers), said.append)
        assert not isinstance(evidence, Exception), evidence
        assert evidence.facts["theorems"]["AUser.new"]["statement"] == "(n : ℕ) → n + 0 ≡ n + 0"
        return [line.split()[1] for line in said if line.startswith("Checking") and "/" in line]

    first = check()
    assert [name for name in first if name in ("AUser", "Used")] == ["Used", "AUser"]
    assert [name for name in check() if name != "Claims01"] == []
    assert [name for name in check(f"{user}\n-- more\n") if name != "Claims01"] == ["AUser"]


def test_statements_that_agda_prints_are_kept_no_longer_than_they_are_true(agda_rooms) -> None:
    source = f"{HEADER}module Odd where\nbad : ∀ n → n + 0 ≡ n + 0\nbad n i = n + 0\n"
    assert statement(agda_rooms, source) == "(n : ℕ) → n + 0 ≡ n + 0"
    corpus = agda_rooms(("Odd", source, ["Odd.bad"]))
    kept = stage_of(corpus.root, find_provider(corpus.root)) / "_build" / "statements" / "Odd.json"
    assert json.loads(kept.read_text(encoding="utf-8"))["types"]["Odd"]["bad"] == "(n : ℕ) → n + 0 ≡ n + 0"
    assert statement(agda_rooms, source.replace("n + 0", "n + 1")) == "(n : ℕ) → n + 1 ≡ n + 1"
