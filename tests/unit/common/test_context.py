"""Call contexts."""

from __future__ import annotations

import time

from vdsm.common.context import INTERNAL_PEER, CallContext, Peer, internal_context


def test_the_time_that_remains_is_never_negative() -> None:
    peer = Peer("unix", "uid=0,pid=1", uid=0)
    assert CallContext(peer, "", "Host.ping", time.monotonic() - 5).remaining() == 0.0
    assert 4.0 < CallContext(peer, "", "Host.ping", time.monotonic() + 5).remaining() <= 5.0
    assert str(peer) == "uid=0,pid=1"


def test_work_of_the_agent_itself_has_a_context_too() -> None:
    context = internal_context("sweep", 10.0, "id")
    assert context.peer is INTERNAL_PEER
    assert context.correlation_id == "id"
    assert context.remaining() > 9.0
