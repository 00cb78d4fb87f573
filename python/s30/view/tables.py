"""Tables for a terminal of any width: prose folds between words, what matters less is left out and named, and where even the
rest does not fit, each row becomes a paragraph. No word is cut that fits a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Cell = str | Text
NARROWEST = 24  # a column of prose, where its cells are longer
GAP = 2


@dataclass(frozen=True)
class Column:
    """`prose` may fold between words. Where room is lacking, the columns of the highest `spare` go first; 0 stays."""

    name: str
    prose: bool = False
    spare: int = 0
    right: bool = False


def fitted(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, title: str | None = None
) -> RenderableType:
    """The rows as a table of this width, without what does not fit, or as paragraphs."""
    least = [_least(column, [str(row[at]) for row in rows]) for at, column in enumerate(columns)]
    shown = list(range(len(columns)))

    def needed() -> int:
        return sum(least[at] for at in shown) + GAP * (len(shown) - 1)

    while needed() > width and (spare := max(columns[at].spare for at in shown)):
        shown.remove(next(at for at in reversed(shown) if columns[at].spare == spare))
    if needed() > width:
        return _paragraphs(columns, rows, title)
    table = Table(
        box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold", title=title, title_justify="left"
    )
    table.show_header = any(columns[at].name for at in shown)
    for at in shown:
        column = columns[at]
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.prose,
            overflow="fold",
            min_width=least[at],
        )
    for row in rows:
        table.add_row(*(row[at] for at in shown))
    left_out = [column.name for at, column in enumerate(columns) if at not in shown]
    return Group(table, Text(f"(not shown at this width: {', '.join(left_out)})", "dim")) if left_out else table


def _least(column: Column, cells: Sequence[str]) -> int:
    lengths = [len(line) for cell in (column.name, *cells) for line in cell.split("\n")]
    if not column.prose:
        return max(lengths)
    words = [len(word) for cell in (column.name, *cells) for word in cell.split()]
    return max(min(max(lengths), NARROWEST), max(words, default=0))


def _paragraphs(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], title: str | None) -> RenderableType:
    """The first cell on a line of its own, the others under it, each behind its column's name."""
    lines: list[RenderableType] = [Text(title, "italic")] if title else []
    for first, *rest in rows:
        lines.append(Text(str(first), "bold"))
        for column, cell in zip(columns[1:], rest, strict=True):
            said = Text(f"{column.name}: " if column.name else "") + (cell if isinstance(cell, Text) else Text(cell))
            if str(cell):
                lines.append(Padding(said, (0, 0, 0, 2)))
    return Group(*lines)
