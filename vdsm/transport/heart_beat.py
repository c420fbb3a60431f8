"""Heart-beats of one connection: a newline after our silence, the end after the peer's. One timer, no task.

The owner notes each reading and writing in `heard` and `spoke`; nothing else happens per frame. It is told of
silence once per period, until it stops this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class HeartBeat:
    """`heard` and `spoke` are readings of the loop's clock."""

    __slots__ = ("_incoming", "_loop", "_on_silence", "_outgoing", "_speak", "_timer", "heard", "spoke")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, speak: Callable[[], None], on_silence: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._speak = speak
        self._on_silence = on_silence
        self._outgoing = 0.0
        self._incoming = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.heard = self.spoke = loop.time()

    def start(self, outgoing: float, incoming: float) -> None:
        """Speak after `outgoing` seconds of own silence, end after `incoming` seconds of the peer's; 0 is never."""
        self._outgoing = outgoing
        self._incoming = incoming
        self._plan()

    def stop(self) -> None:
        """No further heart-beats."""
        self._outgoing = self._incoming = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        due = []
        if self._outgoing:
            due.append(self.spoke + self._outgoing)
        if self._incoming:
            due.append(self.heard + self._incoming)
        self._timer = self._loop.call_at(min(due), self._tick) if due else None

    def _tick(self) -> None:
        now = self._loop.time()
        if self._incoming and now >= self.heard + self._incoming:
            self.heard = now
            self._on_silence()
        if self._outgoing and now >= self.spoke + self._outgoing:
            self.spoke = now
            self._speak()
        self._plan()
