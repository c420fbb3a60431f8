"""The table, for people and for docs/performance.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from tests.perf.result import HEADINGS, Row

_HEAD = """# Performance

`make bench` measures the program as shipped (the installed copy, both daemons as their own users, log and counters
on) and writes this page. A number with brackets is a median, in brackets the lowest and the highest; memory is one
reading, CPU per sweep a mean. A peer is measured in the same run: in turns with the agent for `ping`, `client`,
`create` and `sweep`, after it for the others. Under `ping` and `all_stats`, server and load generator have a core each,
and under `ping` the load generator never sleeps (why: `tests/perf/load.py`). Other work on the machine costs calls per
second and the p99 first: with a load average of 10 on two cores both miss their bars, and the echo is slow as well.
"""

_TAIL = """
`make bench` ends with an error when a bar is missed. `python -m tests.perf --only NAME` (`ping`, `client`, `create`,
`start`, `sweep`, `all_stats`) runs one part, `--quick` takes a short look with fewer rounds and VMs; neither changes
this page. How each number is taken is told at the top of `tests/perf/NAME.py`.
"""


def markdown(rows: Iterable[Row], machine: str, today: dt.date, load: str) -> str:
    """The page."""
    table = [HEADINGS, tuple("---" for _ in HEADINGS), *(row.cells() for row in rows)]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    where = f"\nMeasured on {today.isoformat()}: {machine}. Load average at the end: {load}.\n"
    return "\n".join([_HEAD, *lines, where]) + _TAIL


def plain(rows: Iterable[Row]) -> str:
    """The table in columns."""
    table = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEADINGS))]
    return "\n".join(_line(cells, widths) for cells in table)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
