"""The clock of events and of `statusTime`.

Managers order events of one host by it: monotonic milliseconds plus 2^31-1 (oVirt VDSM 4.50), so it grows
over restarts of the agent and is never set back by NTP. It starts again when the host boots.
"""

from __future__ import annotations

import time

_BASE_MS = 2**31 - 1


def event_time_ms() -> int:
    """Milliseconds on the event clock."""
    return _BASE_MS + time.monotonic_ns() // 1_000_000


def next_event_time_ms(previous: int) -> int:
    """A reading that is later than `previous`, so that two changes of one VM never share a time."""
    return max(previous + 1, event_time_ms())
