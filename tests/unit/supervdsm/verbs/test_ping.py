from __future__ import annotations

import os

from supervdsm.settings import Settings
from supervdsm.verbs.ping import Pinger
from vdsm.models.privileged import Ping


def test_ping_tells_the_process() -> None:
    result = Pinger().ping(Ping(), Settings())
    assert result.pid == os.getpid()
    assert result.uptime == 0
