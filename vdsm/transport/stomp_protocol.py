"""STOMP over an asyncio transport: bytes to frames to the session, flow control, heart-beats, deadlines.

Nothing here makes a task or logs per frame. A peer that does not read first stops being read itself; when its
unread bytes pass a limit, or it does not catch up in time, it is cut, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import logging

from vdsm.common.errors import RemoteProtocolError
from vdsm.common.stomp import Parser
from vdsm.transport.connection import Connection, error_frame
from vdsm.transport.heart_beat import HeartBeat
from vdsm.transport.hub import StompHub
from vdsm.transport.stomp_session import StompSession

log = logging.getLogger(__name__)


class StompProtocol(asyncio.Protocol):
    """The reader and writer of one connection once it is known to speak STOMP."""

    def __init__(self, hub: StompHub, connection: Connection) -> None:
        self._connection = connection
        self._limits = hub.limits
        self._counters = hub.counters
        self._loop = connection.loop
        self._transport = connection.transport
        self._write = connection.transport.write
        self._parser = Parser(hub.limits.stomp)
        self._session = StompSession(hub, connection.peer, self)
        self._heart = HeartBeat(self._loop, self._send_newline, self._silent)
        self._drain_timer: asyncio.TimerHandle | None = None
        self._open = True
        self._blocked = False
        self._turn_due = False
        self._connect_timer = self._loop.call_later(hub.limits.connect_timeout, self._not_connected)
        connection.when_over(self._over)
        self._transport.set_protocol(self)
        self._transport.set_write_buffer_limits(high=hub.limits.write_high_water)

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer, in pieces of any size."""
        self._heart.heard = self._loop.time()
        self._parser.feed(data)
        if not self._turn_due:
            self._handle_frames()

    def eof_received(self) -> None:
        """The peer closed its side: replies have nowhere to go."""
        self._connection.saw_eof()
        self._connection.end(linger=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._connection.lost()

    def pause_writing(self) -> None:
        """The peer does not read: its requests wait, for a while."""
        self._blocked = True
        if self._open:
            self._transport.pause_reading()
            self._drain_timer = self._loop.call_later(self._limits.drain_timeout, self._not_drained)

    def resume_writing(self) -> None:
        """It reads again."""
        self._blocked = False
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        if self._open:
            self._next_turn()

    def send(self, data: bytes) -> None:
        """Write one frame in one piece; part of the session's wire."""
        if not self._open:
            return
        if self._blocked and self._transport.get_write_buffer_size() > self._limits.reply_backlog:
            self._cut(f"more than {self._limits.reply_backlog} bytes of replies are unread")
            return
        self._counters.frames_out += 1
        self._heart.spoke = self._loop.time()
        self._write(data)

    def push(self, data: bytes) -> None:
        """Write one frame that nobody waits for; part of the session's wire."""
        if self._blocked and self._open:
            size = self._transport.get_write_buffer_size() + len(data)
            if size > self._limits.event_backlog:
                self._cut(
                    f"more than {self._limits.event_backlog} bytes of events are unread (limits: event_queue_bytes)"
                )
                return
        self.send(data)

    def fail(self, text: str) -> None:
        """Say why in an ERROR frame, then close; part of the session's wire."""
        if self._open:
            self._counters.protocol_errors += 1
            log.warning("Closing the connection of %s: %s", self._connection.peer, text)
            self._connection.end(error_frame(text))

    def finish(self) -> None:
        """Close once everything is flushed; part of the session's wire."""
        self._connection.end(linger=False)

    def established(self, outgoing: float, incoming: float) -> None:
        """The peer is connected; part of the session's wire."""
        self._connect_timer.cancel()
        self._heart.start(outgoing, incoming * (1 + self._limits.heart_beat_grace))

    def _handle_frames(self) -> None:
        next_frame = self._parser.next_frame
        receive = self._session.receive
        left = self._limits.frames_per_turn
        try:
            while self._open and not self._blocked:
                frame = next_frame()
                if frame is None:
                    return
                if not left:
                    self._transport.pause_reading()
                    self._next_turn()
                left -= 1
                self._counters.frames_in += 1
                receive(frame)
                if left < 0:
                    return
        except RemoteProtocolError as error:
            self.fail(error.message)

    def _next_turn(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_due = False
        self._handle_frames()
        if self._open and not self._blocked and not self._turn_due:
            self._heart.heard = self._loop.time()
            self._transport.resume_reading()

    def _over(self) -> None:
        self._open = False
        self._heart.stop()
        self._connect_timer.cancel()
        if self._drain_timer is not None:
            self._drain_timer.cancel()
        self._session.close()

    def _cut(self, reason: str) -> None:
        self._counters.cut_consumers += 1
        log.warning("Cut the connection of %s: %s", self._connection.peer, reason)
        self._connection.abort()

    def _not_drained(self) -> None:
        self._cut(f"it has not read what it was sent for {self._limits.drain_timeout:g} s")

    def _not_connected(self) -> None:
        self.fail(f"No CONNECT frame within {self._limits.connect_timeout:g} s")

    def _send_newline(self) -> None:
        if not self._blocked:
            self._write(b"\n")

    def _silent(self) -> None:
        if self._blocked:  # we do not read it ourselves; the drain timer is at work
            return
        self._counters.silent_peers += 1
        log.warning("Closing the connection of %s: no heart-beat came in time", self._connection.peer)
        self._connection.end(linger=False)


def take_stomp(hub: StompHub, connection: Connection, data: bytes) -> None:
    """Read `connection` as STOMP from now on; `data` is what came so far."""
    StompProtocol(hub, connection).data_received(data)
