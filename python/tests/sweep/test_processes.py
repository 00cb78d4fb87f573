"""What a room's code does to its process costs that room's layer alone, and nothing of it is left behind."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from s30.corpus.registry import load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep

pytestmark = pytest.mark.numpy


def with_line(text: str, line: str) -> str:
    changed, count = re.subn(r"def forward\(.*\):\n", lambda found: f"{found[0]}    {line}\n", text)
    assert count == 1
    return changed


def measured(corpus, **options):
    asked = Options(corpus.root, corpus.root / "cache", workers=1, **options)
    return {
        paper: e
        for (paper, _, _), e in sweep(slots_for(corpus.papers, ["numpy"], False), asked, lambda _: None).items()
    }


@pytest.mark.parametrize("code", [0, 3, 103, 104])
@pytest.mark.parametrize("way", ["__import__('sys').exit({})", "__import__('os')._exit({})"])
def test_an_exit_costs_the_paper_that_calls_it(make_corpus, toy, way, code):
    rooms = {"01_exits": with_line(toy.numpy, way.format(code)), "02_other": toy.numpy}
    found = measured(make_corpus({name: {"numpy_checks.py": text} for name, text in rooms.items()}))
    assert found["01"].outcome is Outcome.FAILED
    if "sys" in way:
        assert found["01"].error.endswith(f"numpy_checks.py:17: it calls sys.exit({code})")
    else:
        assert found["01"].error.startswith(f"the NumPy process ended with code {code} at «")
    assert found["02"].outcome is Outcome.PASSED


@pytest.mark.parametrize("more", ["", ", env={'PATH': '/usr/bin:/bin'}"], ids=["", "and an environment"])
def test_a_child_with_a_session_of_its_own_ends_with_the_time_limit(make_corpus, toy, tmp_path, more):
    pid = tmp_path / "pid"
    child = (
        f"__import__('subprocess').Popen(['sh', '-c', 'echo $$ > {pid}; exec sleep 600'], start_new_session=True{more})"
    )
    text = with_line(toy.numpy, f"{child}; __import__('time').sleep(600)")
    found = measured(make_corpus({"01_spawns": {"numpy_checks.py": text}}), time_limit=4.0)
    assert found["01"].error.startswith("NumPy exceeded its time limit of 4 s")
    until = time.monotonic() + 5
    while alive(int(pid.read_text())):
        assert time.monotonic() < until, "the child lives on"
        time.sleep(0.05)


def test_an_orphan_ends_with_the_worker_that_finished(make_corpus, toy, tmp_path):
    pid = tmp_path / "pid"
    script = f"setsid env -i /bin/sleep 600 & echo $! > {pid}"  # its parent, the shell, ends at once
    text = with_line(toy.numpy, f"__import__('subprocess').run(['sh', '-c', {script!r}], check=True)")
    found = measured(make_corpus({"01_spawns": {"numpy_checks.py": text}}))
    assert found["01"].outcome is Outcome.PASSED
    assert not alive(int(pid.read_text()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_flood_of_output_fills_nothing(make_corpus, toy):
    text = with_line(toy.numpy, "print('x' * (1 << 22)); raise ValueError('after the flood')")
    found = measured(make_corpus({"01_floods": {"numpy_checks.py": text}, "02_other": {"numpy_checks.py": toy.numpy}}))
    assert found["01"].error.endswith("ValueError: after the flood")
    assert found["02"].outcome is Outcome.PASSED


def test_a_pipe_in_a_room_is_one_line(make_corpus):
    corpus = make_corpus()
    os.mkfifo(corpus.papers[0].folder / "pipe.py")
    with pytest.raises(S30Error, match=r"pipe\.py is no file: remove it"):
        measured(corpus)


def test_a_pipe_in_place_of_a_card_is_one_line(make_corpus):
    corpus = make_corpus()
    card = corpus.papers[0].folder / "paper.yaml"
    card.unlink()
    os.mkfifo(card)
    with pytest.raises(UsageError, match=r"paper\.yaml: cannot be read: it is no plain file"):
        assert corpus.papers[0].card


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")], ids=["file", "dangling link"])
def test_what_stands_in_place_of_a_room_is_no_missing_room(make_corpus, make):
    corpus = make_corpus()
    folder = corpus.papers[0].folder
    folder.rename(folder.with_name(".away"))
    make(folder)
    with pytest.raises(UsageError, match="is no folder, where the room of paper 01 would be"):
        load_corpus(corpus.root)
