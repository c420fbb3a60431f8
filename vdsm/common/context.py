"""Who called, under which correlation id, and until when: travels with one call through all layers.

The context is passed as a parameter; the context variable exists for log lines alone.
"""

from __future__ import annotations

import contextvars
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of one connection.

    kind: `tls`, `tcp` or `unix`. address: `<ip>,<port>` or `uid=<uid>,pid=<pid>`.
    subject: common name of the client certificate, or empty. local_address: our IP on this connection, or empty.
    """

    kind: str
    address: str
    subject: str = ""
    local_address: str = ""
    uid: int | None = None

    def __str__(self) -> str:
        return self.address


@dataclass(slots=True)
class CallContext:
    """One call. `deadline` is a reading of time.monotonic(); `correlation_id` may be empty."""

    peer: Peer
    correlation_id: str
    method: str
    deadline: float

    def remaining(self) -> float:
        """Seconds until the deadline; never negative."""
        return max(0.0, self.deadline - time.monotonic())


correlation: contextvars.ContextVar[str] = contextvars.ContextVar("correlation", default="")
"""Correlation id of the running call, read by the log formatters."""
