"""Counters are plain integers that start at zero."""

from __future__ import annotations

import dataclasses

from vdsm.transport import TransportCounters


def test_all_start_at_zero() -> None:
    assert set(dataclasses.asdict(TransportCounters()).values()) == {0}
