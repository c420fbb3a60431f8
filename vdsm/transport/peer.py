"""Who is at the other end: from a TLS or TCP socket's addresses and certificate, or a Unix socket's credentials."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Any

from vdsm.common.context import Peer

_CREDENTIALS = struct.Struct("3i")
_SO_PEERGROUPS = 59  # asm-generic/socket.h; the socket module of Python 3.11 does not name it
_MAX_OPTION = 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """The process at the other end of a Unix socket, as it was when it connected."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]


def network_peer(transport: asyncio.BaseTransport) -> Peer:
    """The peer of a TCP or TLS transport; IPv4-mapped addresses are shown as IPv4."""
    certificate = transport.get_extra_info("peercert")
    name = transport.get_extra_info("peername") or ("", 0)
    own = transport.get_extra_info("sockname") or ("", 0)
    return Peer(
        kind="tls" if transport.get_extra_info("ssl_object") else "tcp",
        address=f"{plain_address(name[0])},{name[1]}",
        subject=common_name(certificate) if certificate else "",
        local_address=plain_address(own[0]),
    )


def local_peer(credentials: Credentials) -> Peer:
    """The peer of a Unix socket."""
    return Peer(kind="unix", address=f"uid={credentials.uid},pid={credentials.pid}", uid=credentials.uid)


def read_credentials(sock: socket.socket) -> Credentials:
    """SO_PEERCRED and SO_PEERGROUPS. More groups than one option can carry (256) count as none.

    Raises: OSError when the peer is gone.
    """
    pid, uid, gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        raw = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MAX_OPTION)
    except OSError:
        raw = b""
    groups = struct.unpack(f"{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
    return Credentials(pid, uid, gid, frozenset(groups) | {gid})


def plain_address(address: str) -> str:
    """An IP address without IPv4 mapping and zone; what is no IP address stays as it is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def common_name(certificate: dict[str, Any]) -> str:
    """Common name of a certificate as `ssl` shows it, or an empty string."""
    for part in certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""
