"""One timer speaks for us and notices a silent peer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from vdsm.transport.heart_beat import HeartBeat


class _Timer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class _Loop:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[_Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        self.timers.append(_Timer(when, callback))
        return self.timers[-1]

    def waiting(self) -> list[_Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def run_until(self, end: float) -> None:
        while due := [timer for timer in self.waiting() if timer.when <= end]:
            timer = min(due, key=lambda t: t.when)
            self.timers.remove(timer)
            self.now = max(self.now, timer.when)
            timer.callback()
        self.now = end


def _make(loop: _Loop) -> tuple[HeartBeat, list[float], list[float]]:
    spoken: list[float] = []
    silences: list[float] = []
    heart = HeartBeat(
        cast("asyncio.AbstractEventLoop", cast("Any", loop)),
        lambda: spoken.append(loop.now),
        lambda: silences.append(loop.now),
    )
    return heart, spoken, silences


def test_speaks_only_after_own_silence() -> None:
    loop = _Loop()
    heart, spoken, silences = _make(loop)
    heart.start(2.0, 0.0)
    loop.run_until(101.5)
    heart.spoke = loop.now
    loop.run_until(108.0)
    assert spoken == [103.5, 105.5, 107.5]
    assert silences == []


def test_notices_silence_only_when_nothing_came() -> None:
    loop = _Loop()
    heart, spoken, silences = _make(loop)
    heart.start(0.0, 3.0)
    loop.run_until(102.0)
    heart.heard = loop.now
    loop.run_until(104.9)
    assert silences == []
    loop.run_until(105.1)
    assert silences == [105.0]
    assert spoken == []


def test_one_timer_serves_both_directions() -> None:
    loop = _Loop()
    heart, spoken, silences = _make(loop)
    heart.start(1.0, 2.5)
    assert len(loop.waiting()) == 1
    loop.run_until(102.6)
    assert len(loop.waiting()) == 1
    assert spoken == [101.0, 102.0]
    assert silences == [102.5]


def test_nothing_after_stop() -> None:
    loop = _Loop()
    heart, _spoken, _silences = _make(loop)
    heart.start(1.0, 1.0)
    heart.stop()
    assert loop.waiting() == []


def test_stop_from_within_the_silence_callback() -> None:
    loop = _Loop()
    heart, _spoken, _silences = _make(loop)
    heart._on_silence = heart.stop
    heart.start(5.0, 1.0)
    loop.run_until(110.0)
    assert loop.waiting() == []


def test_no_heart_beats_need_no_timer() -> None:
    loop = _Loop()
    _make(loop)[0].start(0.0, 0.0)
    assert loop.timers == []
