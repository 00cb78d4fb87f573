"""Every statement of a room's file is marked, what ran is told, and marking changes nothing that the file computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from s30.corpus import reach
from s30.corpus.registry import lines_reached, load_file
from s30.layers.catalogue import ENGINE


def run(text: str) -> tuple[dict, dict[str, str]]:
    """What a file leaves behind, and the fact about its lines."""
    code, marks = reach.compiled(text.encode(), "it.py")
    left: dict = {reach.MARKS: marks.reached}
    exec(code, left)
    return left, marks.as_fact()


def missed(text: str) -> str:
    _, fact = run(text)
    return reach.unreached([{"lines": {"it.py": fact}}])["it.py"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = 1\ny = 2\n", ""),
        ("def f():\n    return 1\n", "2"),
        ("def f():\n    return 1\nf()\n", ""),
        ("def f(x):\n    if x:\n        return 1\n    return 2\nf(1)\n", "4"),
        ("def f(x):\n    if x:\n        return 1\n    return 2\nf(0)\n", "3"),
        ("x = 0\nif x:\n    y = 1\nelif x == 0:\n    y = 2\nelse:\n    y = 3\n", "3,7"),
        ("for i in []:\n    a = 1\nelse:\n    b = 1\n", "2"),
        ("while True:\n    break\nelse:\n    b = 1\n", "4"),
        ("try:\n    int('x')\nexcept ValueError:\n    a = 1\nelse:\n    b = 1\nfinally:\n    c = 1\n", "6"),
        ("match 1:\n    case 0:\n        a = 1\n    case _:\n        a = 2\n", "3"),
        ("class A:\n    x = 1\n    def f(self):\n        return self.x\n", "4"),
        ("with open(__import__('os').devnull) as f:\n    f.read()\n", ""),
        ("f = lambda: 1\n", ""),
        ("def f():\n    yield 1\n    yield 2\nnext(f())\n", "2-3"),
        ("def f():\n    x = 1\n\n    # said in between\n    y = (\n        2\n    )\n    return x + y\n", "2-8"),
        ("def f(): return 1\n", ""),  # on one line with what was reached
        ("async def f():\n    async with g() as x:\n        return x\n", "2-3"),
    ],
)
def test_statements_that_were_not_executed_are_named(text, lines):
    assert missed(text) == lines


@pytest.mark.parametrize(
    "text",
    [
        '"""said"""\nfrom __future__ import annotations\n',
        "def f():\n    '''said'''\n    ...\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import torch\n",
        "class P:\n    def f(self) -> int: ...\n",
        "x = 1\ndef f():\n    global x\n    x = 2\nf()\n",
    ],
)
def test_what_is_no_step_of_a_program_is_no_line_that_could_be_missed(text):
    assert missed(text) == ""


def test_no_comment_takes_a_line_out():
    assert missed("def f():\n    return 1  # pragma: no cover\n") == "2"


def test_a_marked_file_computes_what_it_says_and_fails_where_it_fails():
    text = '"""said"""\nfrom __future__ import annotations\nx: int = 3\n\n\ndef f(n: int) -> int:\n    """Also said."""\n    return n // 0\n'
    left, _ = run(text)
    assert (left["__doc__"], left["x"], left["f"].__doc__) == ("said", 3, "Also said.")
    assert left["f"].__annotations__ == {"n": "int", "return": "int"}
    with pytest.raises(ZeroDivisionError) as caught:
        left["f"](1)
    assert caught.traceback[-1].lineno + 1 == 8


def test_evidence_is_put_together_over_layers():
    one = {"lines": {"a.py": {"executable": "1-4,9", "reached": "1-2"}}}
    other = {"lines": {"a.py": {"executable": "1-4,9", "reached": "4,9"}, "b.py": {"executable": "1", "reached": "1"}}}
    assert reach.unreached([one, other, {}]) == {"a.py": "3", "b.py": ""}
    assert reach.unreached([one]) == {"a.py": "3-9"}  # nothing begins between lines 4 and 9


def test_ranges_are_read_as_they_were_written():
    for lines in ([], [1], [1, 2, 3], [1, 3, 4, 9]):
        assert reach.numbers(reach.ranges(lines)) == set(lines)
    assert reach.ranges([1, 2, 3, 7]) == "1-3,7"


def test_of_a_room_what_was_loaded_is_told(tmp_path: Path):
    (tmp_path / "room" / "torch").mkdir(parents=True)
    (tmp_path / "room" / "torch" / "model.py").write_text("def f(x):\n    return x\n\n\ndef g():\n    return 1\n")
    (tmp_path / "room" / "other.py").write_text("x = 1\n")
    load_file(tmp_path / "room" / "torch" / "model.py").f(1)
    assert lines_reached(tmp_path / "room") == {"torch/model.py": {"executable": "1-2,5-6", "reached": "1-2,5"}}
    assert lines_reached(tmp_path / "elsewhere") == {}


def test_a_workers_evidence_says_what_its_layer_reached(corpus):
    from s30.evidence import store
    from s30.layers.catalogue import PARTS

    room, cache = corpus.paper("01").folder, corpus.root / "cache"
    (room / "numpy_checks.py").write_text(
        (room / "numpy_checks.py").read_text() + "\n\ndef never():\n    x = 1\n    return x\n"
    )
    last = len((room / "numpy_checks.py").read_text().splitlines())
    found = []
    for parts in (PARTS, PARTS[:1]):
        command = [
            sys.executable,
            "-m",
            "s30.sweep.worker",
            "numpy",
            "01",
            "--root",
            str(corpus.root),
            "--cache",
            str(cache),
        ]
        done = subprocess.run(
            [*command, "--parts", *parts], capture_output=True, text=True, env={"PYTHONPATH": str(ENGINE.parent)}
        )
        assert done.returncode == 0, done.stderr
        entry = next(p.stem for p in cache.glob("*.json") if p.stem not in found)
        found.append(entry)
        facts = store.load(cache, entry).facts
        if parts == PARTS:
            assert reach.unreached([facts])["numpy_checks.py"] == f"{last - 1}-{last}"
        else:
            assert "lines" not in facts  # what a part leaves out is not reached by design
