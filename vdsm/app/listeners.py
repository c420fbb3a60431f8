"""Puts the transports together: the TLS listener for managers and the Unix socket for local tools."""

from __future__ import annotations

import grp
from functools import partial
from pathlib import Path

from vdsm.app.config import Config
from vdsm.common.errors import InvalidParameter
from vdsm.common.stomp import StompLimits
from vdsm.rpc.connection import RpcServer
from vdsm.rpc.events import EventHub
from vdsm.transport import (
    ConsoleHandler,
    LocalAccess,
    PkiPaths,
    ServerTls,
    StompHub,
    TcpListener,
    TransportCounters,
    TransportLimits,
    UnixListener,
)
from vdsm.transport.client_name import owns_its_name

CLOSE_SECONDS = 2.0


class Listeners:
    """All ways in."""

    def __init__(self, config: Config, rpc: RpcServer, events: EventHub, console: ConsoleHandler) -> None:
        """Raises: BackendError when the certificates cannot be used, InvalidParameter for an unknown group."""
        self.counters = TransportCounters()
        limits = TransportLimits(
            stomp=StompLimits(
                max_headers=config.limits.headers,
                max_header_line=config.limits.header_bytes,
                max_head=4 * config.limits.header_bytes,
                max_body=config.limits.frame_bytes,
                max_frame=config.limits.frame_bytes + 4 * config.limits.header_bytes,
            ),
            connections=config.limits.connections,
            detect_timeout=config.limits.handshake_timeout,
            event_backlog=config.limits.event_queue_bytes,
        )
        hub = StompHub(rpc, limits, self.counters)
        events.attach(hub.publish)
        self._tls = ServerTls(_pki(config)) if config.vars.ssl else None
        vet = partial(owns_its_name, seconds=config.limits.handshake_timeout) if _checks_names(config) else None
        self._tcp = TcpListener(hub, self._tls, config.addresses.management_ip, config.addresses.management_port, vet)
        access = LocalAccess(gids=frozenset({_gid(config.vdsmd.socket_group)}))
        self._unix = UnixListener(hub, Path(config.vdsmd.api_socket), access, console)

    async def start(self) -> None:
        """Listen. Raises: BackendError."""
        await self._unix.start()
        await self._tcp.start()

    def reload(self) -> None:
        """Take new certificates for new connections. Raises: BackendError; the old ones then stay."""
        if self._tls is not None:
            self._tls.reload()

    async def close(self) -> None:
        """Stop listening and end all connections."""
        await self._tcp.close(CLOSE_SECONDS)
        await self._unix.close(CLOSE_SECONDS)


def _checks_names(config: Config) -> bool:
    return config.vars.ssl and config.vars.verify_client_cert


def _pki(config: Config) -> PkiPaths:
    return PkiPaths(Path(config.ca_file), Path(config.cert_file), Path(config.key_file))


def _gid(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise InvalidParameter(
            parameter="[vdsmd] socket_group", value=name, reason="there is no such group on this host"
        ) from None
