"""The Unix socket for local tools: the kernel says who connects, and uid or group decides whether they may.

Everybody may connect, so that a peer without rights is told so instead of guessing. Consoles are served here
alone.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
from dataclasses import dataclass, field
from pathlib import Path

from vdsm.common.context import Peer
from vdsm.common.errors import BackendError
from vdsm.transport.acceptor import Acceptor
from vdsm.transport.connection import Connection, ConnectionPool
from vdsm.transport.console import ConsoleHandler, ConsoleTaker
from vdsm.transport.detect_protocol import DetectProtocol, Takers
from vdsm.transport.hub import StompHub
from vdsm.transport.peer import Credentials, local_peer, read_credentials
from vdsm.transport.stomp_protocol import take_stomp

log = logging.getLogger(__name__)

_MODE = 0o666
_PROBE_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """Who may use the socket: root, the agent's own user, `uids`, and members of `gids`."""

    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()
    own_uid: int = field(default_factory=os.geteuid)

    def allows(self, peer: Credentials) -> bool:
        """Whether the process at the other end may use the agent."""
        return peer.uid in (0, self.own_uid) or peer.uid in self.uids or not self.gids.isdisjoint(peer.groups)

    def refusal(self, peer: Credentials) -> str:
        """What a peer without rights is told."""
        groups = ", ".join(map(str, sorted(self.gids))) or "none"
        return (
            f"Permission denied: uid {peer.uid} is neither root nor the agent's user nor in an allowed group ({groups})"
        )


class UnixListener:
    """Listens on `path`, which it creates and removes; its folder must exist."""

    def __init__(
        self, hub: StompHub, path: Path, access: LocalAccess | None = None, console: ConsoleHandler | None = None
    ) -> None:
        self._hub = hub
        self._path = path
        self._access = access or LocalAccess()
        self._takers = Takers(
            stomp=lambda connection, data: take_stomp(hub, connection, data),
            console=ConsoleTaker(console).take if console else None,
        )
        self._pool: ConnectionPool | None = None
        self._acceptor: Acceptor | None = None
        self._inode = 0

    async def start(self) -> None:
        """Begin to listen; a socket file that nobody serves any more is replaced.

        Raises: BackendError when the path cannot be had or another process serves it.
        """
        limits = self._hub.limits
        try:
            listening = _bound(self._path, limits.backlog)
        except OSError as error:
            cause = error.strerror or error
            raise BackendError(backend="Listener", operation=f"listen on {self._path}", cause=cause) from error
        self._inode = self._path.stat().st_ino
        self._pool = ConnectionPool(limits.local_connections, self._hub.counters)
        self._acceptor = Acceptor(listening, self._serve, limits.handshakes, self._hub.counters)
        log.info("Listening on %s", self._path)

    async def close(self, seconds: float) -> None:
        """Stop listening, remove the socket file, end all connections within `seconds`."""
        if self._acceptor is None or self._pool is None:
            return
        self._acceptor.close()
        if self._path.exists() and self._path.stat().st_ino == self._inode:
            self._path.unlink()
        await self._acceptor.wait_closed()
        await self._pool.close_all(seconds)

    async def _serve(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        pool = self._pool
        assert pool is not None  # noqa: S101 - start() makes it before the first connection
        try:
            credentials = read_credentials(accepted)
            await loop.connect_accepted_socket(lambda: self._protocol(credentials, pool), accepted)
        except OSError as error:
            accepted.close()
            log.info("A local peer left before it was served: %s", error)

    def _protocol(self, credentials: Credentials, pool: ConnectionPool) -> asyncio.Protocol:
        limits, counters = self._hub.limits, self._hub.counters
        peer = local_peer(credentials)
        if self._access.allows(credentials):
            deadline = asyncio.get_running_loop().time() + limits.detect_timeout
            return DetectProtocol(pool, self._takers, limits, counters, lambda _transport: peer, deadline)
        return _Refusal(self._hub, pool, peer, self._access.refusal(credentials))


class _Refusal(asyncio.Protocol):
    def __init__(self, hub: StompHub, pool: ConnectionPool, peer: Peer, text: str) -> None:
        self._hub = hub
        self._pool = pool
        self._peer = peer
        self._text = text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's base type
        log.warning("Refused %s: %s", self._peer, self._text)
        self._hub.counters.refused += 1
        connection = Connection(transport, self._peer, self._hub.limits, self._hub.counters)
        self._pool.turn_away(connection, self._text)


def _bound(path: Path, backlog: int) -> socket.socket:
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(_MODE)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "the path exists and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another process serves it")
