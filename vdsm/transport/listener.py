"""The TCP listener: IPv6 and IPv4 on one port, TLS or plain, at most so many connections and handshakes.

A bare `::` also takes IPv4, and becomes 0.0.0.0 on a host without IPv6; a name is served on all of its addresses. What
a connection speaks is found out by `detect_protocol`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Iterable
from typing import Any

from vdsm.common.errors import BackendError
from vdsm.transport.acceptor import Acceptor
from vdsm.transport.connection import ConnectionPool
from vdsm.transport.detect_protocol import DetectProtocol, Takers, Vet
from vdsm.transport.hub import StompHub
from vdsm.transport.peer import network_peer, plain_address
from vdsm.transport.stomp_protocol import take_stomp
from vdsm.transport.tls import ServerTls

log = logging.getLogger(__name__)

_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 6))


class TcpListener:
    """Listens for managers. Without `tls` the port is plain TCP, for tests and trusted networks alone."""

    def __init__(
        self,
        hub: StompHub,
        tls: ServerTls | None,
        host: str = "::",
        port: int = 54321,
        vet: Vet | None = None,
    ) -> None:
        """`vet` decides whether a peer whose certificate is good is served."""
        self._vet = vet
        self._hub = hub
        self._tls = tls
        self._host = host
        self._port = port
        self._takers = Takers(stomp=lambda connection, data: take_stomp(hub, connection, data))
        self._pool: ConnectionPool | None = None
        self._acceptors: list[Acceptor] = []

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        return self._port

    async def start(self) -> None:
        """Begin to listen.

        Raises: BackendError when the address cannot be had.
        """
        limits = self._hub.limits
        try:
            listening = await _listen(self._host, self._port, limits.backlog)
        except OSError as error:
            raise BackendError(
                backend="Listener", operation=f"listen on {self._host} port {self._port}", cause=error.strerror or error
            ) from error
        self._port = listening[0].getsockname()[1]
        self._pool = ConnectionPool(limits.connections, self._hub.counters)
        self._acceptors = [Acceptor(sock, self._serve, limits.handshakes, self._hub.counters) for sock in listening]
        addresses = " and ".join(sock.getsockname()[0] for sock in listening)
        log.info("Listening on %s port %d, %s", addresses, self._port, "TLS" if self._tls else "plain TCP")

    async def close(self, seconds: float) -> None:
        """Stop listening and end all connections within `seconds`."""
        if self._pool is None:
            return
        for acceptor in self._acceptors:
            acceptor.close()
        for acceptor in self._acceptors:
            await acceptor.wait_closed()
        await self._pool.close_all(seconds)

    async def _serve(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        limits, counters = self._hub.limits, self._hub.counters
        pool = self._pool
        assert pool is not None  # noqa: S101 - start() makes it before the first connection
        deadline = loop.time() + limits.detect_timeout
        options: dict[str, Any] = {}
        if self._tls is not None:
            options = {
                "ssl": self._tls.context,
                "ssl_handshake_timeout": limits.detect_timeout,
                "ssl_shutdown_timeout": limits.close_timeout,
            }
        address = "a peer that left"
        try:
            address = _describe(accepted)
            _keep_alive(accepted)
            await loop.connect_accepted_socket(
                lambda: DetectProtocol(pool, self._takers, limits, counters, network_peer, deadline, self._vet),
                accepted,
                **options,
            )
        except OSError as error:
            accepted.close()
            counters.handshake_failures += 1
            log.warning("TLS handshake with %s failed: %s", address, error.strerror or str(error) or "it closed")


async def _listen(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Sockets for every address of `host`: `localhost` has two."""
    if host in ("", "::"):
        try:
            return [_bound(socket.AF_INET6, ("::", port), backlog)]
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
        return [_bound(socket.AF_INET, ("0.0.0.0", port), backlog)]
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return _bound_all(dict.fromkeys((entry[0], entry[4]) for entry in found), backlog)


def _bound_all(addresses: Iterable[tuple[int, tuple[Any, ...]]], backlog: int) -> list[socket.socket]:
    """One port on all addresses; those of a family that this host does not have are left out."""
    sockets: list[socket.socket] = []
    failed: OSError | None = None
    try:
        for family, address in addresses:
            port = sockets[0].getsockname()[1] if sockets else address[1]
            try:
                sockets.append(_bound(family, (address[0], port, *address[2:]), backlog))
            except OSError as error:
                if error.errno not in _NO_IPV6:
                    raise
                failed = error
        if failed is not None and not sockets:
            raise failed
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bound(family: int, address: tuple[Any, ...], backlog: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        sock.bind(address)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    # a manager that asks for no heart-beats and dies would otherwise hold its place for ever
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _describe(sock: socket.socket) -> str:
    name = sock.getpeername()
    return f"{plain_address(name[0])},{name[1]}"
