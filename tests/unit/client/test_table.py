from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vdsm.client.table import Column, render, render_pairs


def test_columns_are_aligned() -> None:
    shown = render((Column("NAME"), Column("MiB", right=True)), [("a", "5"), ("longer", "1024")])
    assert shown == "NAME     MiB\na          5\nlonger  1024\n"


def test_colour_does_not_move_columns() -> None:
    columns = (Column("S", paint=lambda cell, text: f"<{text}>" if cell == "Up" else text), Column("X"))
    assert render(columns, [("Up", "1"), ("Down", "2")]) == "S     X\n<Up  >  1\nDown  2\n"


def test_no_rows_leave_the_titles() -> None:
    assert render((Column("A"), Column("B")), []) == "A  B\n"


def test_pairs() -> None:
    assert render_pairs([("id", "7"), ("status", "Up")]) == "id      7\nstatus  Up\n"
    assert render_pairs([]) == ""


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_a_cell_never_breaks_its_line(rows: list[tuple[str, str]]) -> None:
    shown = render((Column("A"), Column("B")), rows)
    assert shown.count("\n") == len(rows) + 1
    assert "\x1b" not in shown
