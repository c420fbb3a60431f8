"""The defaults hang together."""

from __future__ import annotations

import dataclasses

import pytest

from vdsm.transport import TransportLimits


def test_limits_are_all_positive_and_frozen() -> None:
    limits = TransportLimits()
    values = [value for value in dataclasses.asdict(limits).values() if not isinstance(value, dict)]
    assert all(value > 0 for value in values)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.connections = 1  # type: ignore[misc]  # the point of the test


def test_the_backlogs_lie_above_the_mark_that_guards_them() -> None:
    limits = TransportLimits()
    assert limits.write_high_water < limits.event_backlog < limits.reply_backlog
    assert limits.stomp.max_head + limits.stomp.max_body <= limits.stomp.max_frame
