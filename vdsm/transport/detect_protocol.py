"""Reads the first bytes of a connection, then hands it to whoever speaks that protocol.

A peer that says nothing, or nothing that we speak, costs one log line and is closed at the deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vdsm.common.context import Peer
from vdsm.transport.connection import Connection, ConnectionPool
from vdsm.transport.counters import TransportCounters
from vdsm.transport.detect import Detected, IsConsole, IsStomp, IsUnknown, detect
from vdsm.transport.limits import TransportLimits

log = logging.getLogger(__name__)

Vet = Callable[[Peer], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Takers:
    """Who takes over: `stomp(connection, first bytes)`, and where consoles are served
    `console(connection, vm id, bytes after the request line)`."""

    stomp: Callable[[Connection, bytes], None]
    console: Callable[[Connection, str, bytes], None] | None = None


class DetectProtocol(asyncio.Protocol):
    """The first reader of a connection. `deadline` is a reading of the loop's clock."""

    def __init__(
        self,
        pool: ConnectionPool,
        takers: Takers,
        limits: TransportLimits,
        counters: TransportCounters,
        peer_of: Callable[[asyncio.BaseTransport], Peer],
        deadline: float,
        vet: Vet | None = None,
    ) -> None:
        """`vet` decides, before anything is read, whether the peer is served."""
        self._vet = vet
        self._vetting: asyncio.Task[None] | None = None
        self._pool = pool
        self._takers = takers
        self._limits = limits
        self._counters = counters
        self._peer_of = peer_of
        self._deadline = deadline
        self._data = b""
        self._connection: Connection | None = None
        self._watching = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connected socket; for TLS, after the handshake."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's base type
        connection = self._connection = Connection(transport, self._peer_of(transport), self._limits, self._counters)
        if self._pool.admit(connection):
            self._watching = True
            self._timer = connection.loop.call_at(self._deadline, self._too_late)
            if self._vet is not None:
                transport.pause_reading()
                self._vetting = connection.loop.create_task(self._judge(connection, self._vet), name="vet a peer")

    def data_received(self, data: bytes) -> None:
        """First bytes, in pieces of any size."""
        connection = self._connection
        if connection is None or not self._watching:
            return
        self._data += data
        found = detect(self._data, console=self._takers.console is not None)
        if found is None:
            self._data = self._data.lstrip(b"\r\n")
            return
        self._stop()
        self._hand_over(connection, found)

    def eof_received(self) -> None:
        """The peer left before it said what it speaks."""
        self._stop()
        if self._connection is not None:
            self._connection.saw_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed; this may come here even after another protocol took over."""
        self._stop()
        if self._vetting is not None:
            self._vetting.cancel()
        if self._connection is not None:
            self._connection.lost()

    async def _judge(self, connection: Connection, vet: Vet) -> None:
        if await vet(connection.peer):
            connection.transport.resume_reading()
            return
        self._stop()
        log.warning(
            "Refused %s: its certificate's name %r does not belong to its address",
            connection.peer,
            connection.peer.subject,
        )
        self._counters.refused += 1
        connection.end(linger=False)

    def _hand_over(self, connection: Connection, found: Detected) -> None:
        if isinstance(found, IsStomp):
            self._takers.stomp(connection, found.data)
        elif isinstance(found, IsConsole) and self._takers.console is not None:
            self._takers.console(connection, found.vm_id, found.data)
        elif isinstance(found, IsUnknown):
            self._counters.protocol_errors += 1
            log.warning("Closing the connection of %s: %s", connection.peer, found.reason)
            connection.end(linger=False)

    def _too_late(self) -> None:
        self._stop()
        connection = self._connection
        if connection is not None:
            log.warning(
                "Closing the connection of %s: no protocol within %.0f s", connection.peer, self._limits.detect_timeout
            )
            connection.end(linger=False)

    def _stop(self) -> None:
        self._watching = False
        self._data = b""
        if self._timer is not None:
            self._timer.cancel()
