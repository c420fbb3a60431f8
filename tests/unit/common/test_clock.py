"""The event clock."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from vdsm.common.clock import event_time_ms, next_event_time_ms


def test_it_is_the_monotonic_clock_with_an_offset() -> None:
    before = time.monotonic_ns() // 1_000_000
    now = event_time_ms()
    after = time.monotonic_ns() // 1_000_000
    assert before + 2**31 - 1 <= now <= after + 2**31 - 1


@given(st.integers(min_value=0, max_value=2**62))
def test_the_next_reading_is_always_later(previous: int) -> None:
    assert next_event_time_ms(previous) > previous


def test_two_changes_in_one_millisecond_differ() -> None:
    first = next_event_time_ms(0)
    second = next_event_time_ms(first)
    assert second > first
