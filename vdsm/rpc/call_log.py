"""What rpc asks of the writer of the one line per call; the composition root provides it."""

from __future__ import annotations

from typing import Protocol


class CallLog(Protocol):
    """Writes one line per ended call; must be cheap and must not block."""

    def record(self, method: str, peer: str, correlation_id: str, seconds: float, code: int, detail: str = "") -> None:
        """Note one call. `code` is the wire code, 0 for success; `detail` is the error's message."""
