"""The sign of life."""

from __future__ import annotations

import os
import time

from supervdsm.settings import Settings
from vdsm.models.privileged import Ping, PingResult


class Pinger:
    """Knows when the helper started."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def ping(self, _params: Ping, _settings: Settings) -> PingResult:
        """Answer."""
        return PingResult(pid=os.getpid(), uptime=int(time.monotonic() - self._started))
