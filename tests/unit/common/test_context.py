"""Call contexts."""

from __future__ import annotations

import time

from vdsm.common.context import CallContext, Peer


def test_the_time_that_remains_is_never_negative() -> None:
    peer = Peer("unix", "uid=0,pid=1", uid=0)
    assert CallContext(peer, "", "Host.ping", time.monotonic() - 5).remaining() == 0.0
    assert 4.0 < CallContext(peer, "", "Host.ping", time.monotonic() + 5).remaining() <= 5.0
    assert str(peer) == "uid=0,pid=1"
