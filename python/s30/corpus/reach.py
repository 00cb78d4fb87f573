"""Which lines of a room's files are executed while one of its layers is measured: a line that nothing runs may say anything.

A room's file is compiled with marks in it, `reached[run] = True` in front of the last statement of every run of statements
that follow one another without a jump, which costs some nanoseconds. A tracer, such as coverage.py's, is called for every
function of the framework as well: before Python 3.12 it doubles the time of tinygrad's checks.
Lines are written as ranges: `3-17,20`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MARKS = "__s30_reached__"  # the name under which a module finds its marks
COMPOUND = (
    ast.If,
    ast.For,
    ast.While,
    ast.With,
    ast.Try,
    ast.TryStar,
    ast.Match,
)  # after which the next may be skipped


@dataclass
class Marks:
    """The lines on which the statements of each run begin, and whether it was executed to its last statement."""

    runs: list[list[int]] = field(default_factory=list)
    reached: list[bool] = field(default_factory=list)

    def as_fact(self) -> dict[str, str]:
        """What a piece of evidence keeps of them."""
        seen = [line for run, done in zip(self.runs, self.reached, strict=True) if done for line in run]
        lines = {line for run in self.runs for line in run}
        return {"executable": ranges(sorted(lines)), "reached": ranges(sorted({*seen}))}


def compiled(text: bytes, name: str) -> tuple[Any, Marks]:
    """The code of a file with its marks, which it finds as the list `reached` under the name MARKS."""
    tree, marks = ast.parse(text, name), Marks()
    _Marker(marks).visit(tree)
    return compile(tree, name, "exec"), marks


class _Marker(ast.NodeTransformer):
    """Puts the marks in. What is no step of a program has none: docstrings and `...`, imports from the future,
    declarations, and what only a type checker reads."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, name, self._marked(block))
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        return node if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    def _marked(self, block: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        lines: list[int] = []
        for place, statement in enumerate(block):
            if not _is_step(statement):
                out.append(statement)
                continue
            lines.append(statement.lineno)
            ends = isinstance(statement, COMPOUND) or not any(map(_is_step, block[place + 1 :]))
            if ends:
                out.append(self._mark(lines, statement))
                lines = []
            out.append(statement)
        return out

    def _mark(self, lines: list[int], at: ast.stmt) -> ast.stmt:
        number = len(self._marks.runs)
        self._marks.runs.append(lines)
        self._marks.reached.append(False)
        mark = ast.parse(f"{MARKS}[{number}] = True").body[0]
        for part in ast.walk(mark):
            ast.copy_location(part, at)
        return mark


def _is_step(statement: ast.stmt) -> bool:
    """Whether it does something when it is executed."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module != "__future__"
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return not constant and not isinstance(statement, (ast.Global, ast.Nonlocal))


def ranges(lines: Sequence[int]) -> str:
    """Ascending numbers as text: [1, 2, 3, 7] is `1-3,7`."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return _written(runs)


def numbers(text: str) -> set[int]:
    """The numbers that `ranges` wrote."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def unreached(facts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """By file, the statements that none of these pieces of evidence reached, for every file that any of them executed.

    A range runs over comments and continued lines: statements on lines 3 and 6 are `3-6` when none begins between them.
    """
    executable: dict[str, set[int]] = {}
    reached: dict[str, set[int]] = {}
    for fact in facts:
        for file, lines in fact.get("lines", {}).items():
            executable.setdefault(file, set()).update(numbers(lines["executable"]))
            reached.setdefault(file, set()).update(numbers(lines["reached"]))
    return {file: _missing(sorted(executable[file]), reached[file]) for file in sorted(executable)}


def _missing(executable: Sequence[int], reached: set[int]) -> str:
    runs: list[list[int]] = []
    before = 0
    for line in executable:
        if line not in reached:
            if runs and runs[-1][1] == before:
                runs[-1][1] = line
            else:
                runs.append([line, line])
        before = line
    return _written(runs)


def _written(runs: Iterable[Sequence[int]]) -> str:
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
