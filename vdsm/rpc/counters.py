"""Plain counters of calls, cheap enough for the hot path; for a metrics endpoint."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BUCKETS_SECONDS = (0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Upper bounds of the duration histogram; one more bucket counts what is above the last."""


@dataclass(slots=True)
class VerbCounters:
    """One verb: calls that ended, those of them with an error, and their durations."""

    calls: int = 0
    errors: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_SECONDS) + 1))

    def add(self, seconds: float, code: int) -> None:
        """Count one call that ended with wire code `code` (0 is success)."""
        self.calls += 1
        if code:
            self.errors += 1
        self.seconds += seconds
        self.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1


@dataclass(slots=True)
class RpcCounters:
    """All verbs, and what never became a call."""

    verbs: dict[str, VerbCounters] = field(default_factory=dict)
    unreadable: int = 0
    refused: int = 0
    abandoned: int = 0
    in_flight: int = 0

    def of(self, verb: str) -> VerbCounters:
        """Counters of one verb of the contract; callers never pass a name from the wire."""
        found = self.verbs.get(verb)
        if found is None:
            found = self.verbs[verb] = VerbCounters()
        return found
