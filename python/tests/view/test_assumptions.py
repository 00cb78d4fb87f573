"""The page of what the theorems assume is that of the theorems."""

from __future__ import annotations

from pathlib import Path

import pytest

from s30.corpus.registry import load_corpus
from s30.evidence.environment import cache_folder, find_agda
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep
from s30.view.markdown import assumptions

ROOT = Path(__file__).resolve().parents[3]


def test_theorems_stand_under_what_they_assume() -> None:
    def theorem(assumes: list[str], statement: str) -> dict[str, object]:
        return {"assumes": assumes, "statement": statement, "says": "It is so.", "source": "s"}

    ring, order = "(R : CommRing ℓ)", "(_≤_ : fst R → fst R → Type)"
    page = assumptions(
        {
            "A Paper": {
                "A.free": theorem([], "1 ≡ 1"),
                "A.ring": theorem([ring], f"{ring} → (x : fst R) → x ≡ x"),
                "A.ordered": theorem([ring, order], f"{ring} {order} {{n : ℕ}} → n ≡ n"),
                "A.other": theorem([ring], f"{ring} {{n : ℕ}} → n ≡ n"),
            }
        }
    )
    assert page.split("## A Paper\n")[1].split("\n") == [
        "",
        "### No parameters",
        "",
        "- **A.free**: It is so.",
        "  `1 ≡ 1`",
        "",
        f"### `{ring}`",
        "",
        "- **A.ring**: It is so.",
        "  `(x : fst R) → x ≡ x`",
        "- **A.other**: It is so.",
        "  `{n : ℕ} → n ≡ n`",
        "",
        f"### `{ring}` `{order}`",
        "",
        "- **A.ordered**: It is so.",
        "  `{n : ℕ} → n ≡ n`",
        "",
    ]


@pytest.mark.agda
def test_the_page_in_the_repository_is_up_to_date() -> None:
    if find_agda() is None:
        pytest.skip("Agda is not installed")
    papers = [paper for paper in load_corpus(ROOT).papers if paper.built]
    results = sweep(slots_for(papers, ["agda"], False), Options(ROOT, cache_folder(ROOT)), lambda _: None)
    theorems = {paper.title: results[paper.id, "agda", "checks"].facts["theorems"] for paper in papers}
    page = (ROOT / "agda" / "ASSUMPTIONS.md").read_text(encoding="utf-8")
    assert page == assumptions(theorems), "run `make assumptions`"
