"""`connect` and `connect_local`: the two ways to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vdsm.client import defaults
from vdsm.client.client import Client
from vdsm.client.endpoint import Endpoint, TcpEndpoint, TlsEndpoint, UnixEndpoint
from vdsm.client.index import MethodIndex

if TYPE_CHECKING:
    from vdsm.client.tls import PkiFiles


def connect(
    host: str,
    port: int = defaults.PORT,
    use_tls: bool = True,
    timeout: float = defaults.CALL_TIMEOUT,
    gluster_enabled: bool = False,
    incoming_heartbeat: int = 30000,
    outgoing_heartbeat: int = 0,
    nr_retries: int = 1,
    *,
    pki: PkiFiles | str | None = None,
    verify_host: bool = False,
    index: MethodIndex | None = None,
) -> Client:
    """Connect to the agent of `host`.

    timeout: seconds for each call. Heart-beats: milliseconds, 0 for none. nr_retries: reconnects after a loss,
    2 seconds apart. pki: the PEM files, or their directory; by default `VDSM_PKI`, then /etc/pki/vdsm. The server's
    certificate is always checked against the authority, its host name only with `verify_host`.
    Raises: ConnectionError.
    """
    endpoint: Endpoint
    if use_tls:
        from vdsm.client.tls import find_pki

        files = find_pki(pki) if pki is None or isinstance(pki, str) else pki
        endpoint = TlsEndpoint(host, port, files, verify_host=verify_host)
    else:
        endpoint = TcpEndpoint(host, port)
    return Client(
        endpoint,
        index or MethodIndex(gluster_enabled=gluster_enabled),
        timeout=timeout,
        heartbeat_ms=(incoming_heartbeat, outgoing_heartbeat),
        retries=nr_retries,
    )


def connect_local(
    path: str | None = None,
    timeout: float = defaults.CALL_TIMEOUT,
    gluster_enabled: bool = False,
    nr_retries: int = 1,
    *,
    index: MethodIndex | None = None,
) -> Client:
    """Connect to the agent of this host over its local socket, by default `VDSM_SOCKET`, then the usual path.

    Raises: ConnectionError.
    """
    return Client(
        UnixEndpoint(path or defaults.socket_path()),
        index or MethodIndex(gluster_enabled=gluster_enabled),
        timeout=timeout,
        retries=nr_retries,
    )
