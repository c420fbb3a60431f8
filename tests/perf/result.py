"""What a benchmark found: one row per number, with its bar, its peer and the verdict."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a number keeps its promise; NONE where nothing is promised (a peer, a smaller set-up)."""

    MET = "met"
    MISSED = "**missed**"
    NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One number. `bar` says in words what is promised; `peer` and `ratio` are of the same run."""

    what: str
    value: str
    bar: str = ""
    peer: str = ""
    ratio: str = ""
    verdict: Verdict = Verdict.NONE

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        return (self.what, self.value, self.bar, self.peer, self.ratio, self.verdict.value)


HEADINGS = ("what", "measured", "bar", "peer", "ratio", "verdict")


def verdict(*, met: bool) -> Verdict:
    """MET or MISSED."""
    return Verdict.MET if met else Verdict.MISSED


def median(values: Sequence[float]) -> float:
    """The median; 0 of nothing would hide a broken benchmark, so nothing raises."""
    return statistics.median(values)


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * per_cent / 100))]


def spread(values: Sequence[float], scale: float, digits: int) -> str:
    """`median (lowest to highest)`, each multiplied by `scale`."""
    low, high = min(values) * scale, max(values) * scale
    return f"{median(values) * scale:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
