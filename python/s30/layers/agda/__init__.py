"""The Agda layer: checks every proof in one `agda` process, records each claimed theorem as Agda prints it, and runs the
definitions that the theorems are about on the numbers of the checked problem.

Sources are staged into one folder of the cache, so that interfaces are kept there and never beside the sources, which
need not be writable. One process at a time works in it:

    CACHE/agda/PROVIDER/    s30.agda-lib, S30/, provider/ (the embedded library, when it is used), libraries (which provider),
                            and the modules of the paper that is checked now, with ClaimsNN.agda (generated: opens every
                            theorem that is claimed)
               evaluation/  a library of its own, without `--safe`: S30/Evaluation/, and the paper's `evaluation/*.agda`
    CACHE/agda/PROVIDER.lock
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from s30.corpus.registry import Paper
from s30.errors import S30Error
from s30.evidence.environment import agda_version, find_agda, find_provider
from s30.evidence.locks import held
from s30.evidence.store import Evidence
from s30.layers.agda.evaluation import Runner
from s30.layers.agda.process import Agda
from s30.layers.agda.proofs import check, problems
from s30.layers.agda.questions import Question, questions
from s30.layers.agda.staging import place, stage, stage_of

if TYPE_CHECKING:
    from s30.layers.executable import Progress

MISSING = re.compile(r"ailed to find source of module (\S+)")


Asks = Callable[[Paper], list[Question]]  # the room's questions; whoever runs its code watches it


def run_all(
    papers: list[Paper], progress: Progress, asks: Asks | None = None
) -> Iterator[tuple[Paper, Evidence | Exception]]:
    """The evidence of each paper, or what went wrong with it; all from one process."""
    root = papers[0].root
    program, provider = find_agda(), find_provider(root)
    if program is None:
        raise S30Error("Agda is not installed")
    folder = stage_of(root, provider)
    with held(folder.with_name(f"{folder.name}.lock"), lambda: progress(f"waits for another Agda in {folder}")):
        stage(root, provider)
        agda = Agda(program, folder)
        try:
            for paper in papers:
                try:
                    place(paper, folder)
                    facts, modules = check(agda, paper, folder, agda_version(program), provider, progress)
                    runner = Runner(paper, modules, agda, lambda: Agda(program, folder))
                    asked = asks(paper) if asks else questions(paper, progress)
                    arrays, told, seconds = runner.run(asked, progress)
                    agda = runner.agda
                    evaluated = {name for question in asked for name in question.definitions}
                    facts |= {"evaluations": told, "problems": problems(paper, modules, evaluated)}
                    yield paper, Evidence(paper.id, "agda", arrays, facts, {"evaluations": seconds})
                except S30Error as error:
                    yield paper, _foreign_import(paper, str(error)) or error
                if agda.ended():
                    agda.close()
                    agda = Agda(program, folder)
        finally:
            agda.close()


def _foreign_import(paper: Paper, message: str) -> S30Error | None:
    """What to say when a module is missing because it is another paper's."""
    found = MISSING.search(message)
    for path in sorted(paper.root.glob(f"papers/*/cubical-agda/{found[1]}.agda")) if found else ():
        where = f"{path.relative_to(paper.root)}, which is another paper's"
        return S30Error(
            f"{paper.folder.name} imports {path.stem} from {where}: a paper stands on its own; what two share belongs into agda/S30"
        )
    return None
