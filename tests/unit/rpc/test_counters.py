"""Counters of calls."""

from __future__ import annotations

from vdsm.rpc.counters import BUCKETS_SECONDS, RpcCounters


def test_calls_are_counted_by_duration_and_outcome() -> None:
    counters = RpcCounters()
    counters.of("Host.ping").add(0.0001, 0)
    counters.of("Host.ping").add(0.3, 100)
    counters.of("Host.ping").add(1000, 0)
    ping = counters.of("Host.ping")
    assert (ping.calls, ping.errors) == (3, 1)
    assert ping.buckets[0] == 1
    assert ping.buckets[BUCKETS_SECONDS.index(0.5)] == 1
    assert ping.buckets[-1] == 1
    assert sum(ping.buckets) == 3
