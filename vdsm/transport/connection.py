"""One accepted connection and the pool of them: who holds a place, how a connection ends, and last words.

Different protocols read a connection over its life (detection, STOMP, console, the farewell); the place in the
pool is given back once, whoever reads last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vdsm.common.context import Peer
from vdsm.common.stomp import encode
from vdsm.transport.counters import TransportCounters
from vdsm.transport.limits import TransportLimits

log = logging.getLogger(__name__)


def error_frame(text: str) -> bytes:
    """An ERROR frame that says `text`, in its body as managers read it and in the standard header."""
    return encode("ERROR", {"message": text, "content-type": "text/plain"}, text.encode(errors="replace"))


class Connection:
    """A connected transport, its peer, and how to end it.

    TLS transports of Python 3.11 break when they are closed twice: everybody closes and aborts through this class.
    """

    __slots__ = (
        "_closing",
        "_ending",
        "_gone",
        "_when_lost",
        "_when_over",
        "counters",
        "limits",
        "loop",
        "peer",
        "transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        peer: Peer,
        limits: TransportLimits,
        counters: TransportCounters,
    ) -> None:
        self.transport = transport
        self.peer = peer
        self.limits = limits
        self.counters = counters
        self.loop = asyncio.get_running_loop()
        self._when_lost: Callable[[], None] | None = None
        self._when_over: Callable[[], object] | None = None
        self._ending = False
        self._closing = False
        self._gone = False

    def when_over(self, callback: Callable[[], object]) -> None:
        """Call `callback` once, when the connection ends for any reason: its owner lets go of it there."""
        self._when_over = callback

    def when_lost(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when the socket is closed."""
        self._when_lost = callback

    def saw_eof(self) -> None:
        """Every protocol says here that the peer closed its side; the transport then closes itself."""
        self._closing = True

    def lost(self) -> None:
        """Every protocol says here that the socket is closed; later calls do nothing."""
        self._ending = self._closing = self._gone = True
        self._over()
        callback, self._when_lost = self._when_lost, None
        if callback is not None:
            callback()

    def refuse(self, text: str) -> None:
        """Tell the peer why with an ERROR frame, wait for it to read that, then close."""
        self.end(error_frame(text))

    def end(self, last_words: bytes = b"", *, linger: bool = True) -> None:
        """Send `last_words` and close. With `linger`, input is swallowed for a moment first: closing a socket with
        unread input would reset it, and the peer might never see the words."""
        if self._ending:
            return
        self._ending = True
        self._over()
        Farewell(self, last_words, self.limits.linger if linger and not self._closing else 0.0)

    def close(self) -> None:
        """Flush and close; the second time it does nothing."""
        if not self._closing:
            self._closing = True
            self.transport.close()

    def abort(self) -> None:
        """Close now; what was not sent is lost."""
        self._ending = True
        self._over()
        if not self._gone:
            self._closing = True
            self.transport.abort()

    def _over(self) -> None:
        callback, self._when_over = self._when_over, None
        if callback is not None:
            callback()


class Farewell(asyncio.Protocol):
    """Takes over a connection at its end: swallows input until the peer closes or time is up."""

    def __init__(self, connection: Connection, last_words: bytes, linger: float) -> None:
        self._connection = connection
        transport = connection.transport
        transport.set_protocol(self)
        if last_words:
            connection.counters.frames_out += 1
            transport.write(last_words)
        if linger:
            transport.resume_reading()
            if transport.can_write_eof():
                transport.write_eof()
            self._timer = connection.loop.call_later(linger, self._close)
        else:
            connection.close()
            self._timer = connection.loop.call_later(connection.limits.close_timeout, connection.abort)

    def eof_received(self) -> None:
        """The peer has read the last words, or does not care."""
        self._connection.saw_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything is over."""
        self._timer.cancel()
        self._connection.lost()

    def _close(self) -> None:
        connection = self._connection
        connection.close()
        self._timer = connection.loop.call_later(connection.limits.close_timeout, connection.abort)


class ConnectionPool:
    """The established connections of one listener, at most `limit`."""

    def __init__(self, limit: int, counters: TransportCounters) -> None:
        self._limit = limit
        self._counters = counters
        self._connections: set[Connection] = set()
        self._leaving: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._connections)

    def admit(self, connection: Connection) -> bool:
        """Give `connection` a place; without one it is refused, and told so."""
        self._empty.clear()
        if len(self._connections) >= self._limit:
            self._counters.refused += 1
            log.warning("Refused %s: the limit of %d connections is reached", connection.peer, self._limit)
            self.turn_away(connection, f"Too many connections: the limit is {self._limit}, close some and try again")
            return False
        self._connections.add(connection)
        self._counters.accepted += 1
        self._counters.connections += 1
        connection.when_lost(lambda: self._release(connection))
        return True

    def turn_away(self, connection: Connection, text: str) -> None:
        """Refuse a connection that has no place, and remember it until it is gone."""
        self._empty.clear()
        self._leaving.add(connection)
        connection.when_lost(lambda: self._left(connection))
        connection.refuse(text)

    async def close_all(self, seconds: float) -> None:
        """End all connections; what is not gone within `seconds` is aborted."""
        for connection in [*self._connections, *self._leaving]:
            connection.end(linger=False)
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            for connection in [*self._connections, *self._leaving]:
                connection.abort()

    def _release(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._counters.connections -= 1
        self._left(connection)

    def _left(self, connection: Connection) -> None:
        self._leaving.discard(connection)
        if not self._connections and not self._leaving:
            self._empty.set()
