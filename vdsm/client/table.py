"""Tables for people: a title line, aligned columns, two spaces between. Cells are text already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple


class Column(NamedTuple):
    """One column. `right` aligns numbers; `paint(cell, padded)` may colour a cell after its width is known."""

    title: str
    right: bool = False
    paint: Callable[[str, str], str] | None = None


def render(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """The table as text that ends with a newline."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(len(column.title), *(len(row[i]) for row in cells), 0) for i, column in enumerate(columns)]
    lines = ["  ".join(_pad(column.title, size, column) for column, size in zip(columns, widths, strict=True))]
    for row in cells:
        padded = [_pad(cell, size, column) for cell, size, column in zip(row, widths, columns, strict=True)]
        painted = [
            column.paint(cell, text) if column.paint else text
            for cell, text, column in zip(row, padded, columns, strict=True)
        ]
        lines.append("  ".join(painted))
    return "".join(line.rstrip() + "\n" for line in lines)


def render_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, one a line."""
    known = [(name, _one_line(value)) for name, value in pairs]
    size = max((len(name) for name, _ in known), default=0)
    return "".join(f"{name:<{size}}  {value}".rstrip() + "\n" for name, value in known)


def _pad(text: str, size: int, column: Column) -> str:
    return text.rjust(size) if column.right else text.ljust(size)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
