"""Bytes to frames and back: listeners, protocol detection, TLS, STOMP sessions. Knows calls only as bodies."""

from vdsm.transport.console import ConsoleHandler
from vdsm.transport.counters import TransportCounters
from vdsm.transport.hub import Addresses, StompHub
from vdsm.transport.limits import TransportLimits
from vdsm.transport.listener import TcpListener
from vdsm.transport.tls import PkiPaths, ServerTls
from vdsm.transport.unix_listener import LocalAccess, UnixListener

__all__ = [
    "Addresses",
    "ConsoleHandler",
    "LocalAccess",
    "PkiPaths",
    "ServerTls",
    "StompHub",
    "TcpListener",
    "TransportCounters",
    "TransportLimits",
    "UnixListener",
]
