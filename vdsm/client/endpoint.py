"""Where a connection goes: TCP with or without TLS, or the agent's local socket. Opens sockets, sends nothing.

An endpoint is used again for each reconnect. Its text is what error messages name.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vdsm.client.errors import ConnectionError  # noqa: A004 - the client's own class, not the builtin

if TYPE_CHECKING:
    from vdsm.client.tls import PkiFiles


class OpenSocket(NamedTuple):
    """A connected, non-blocking socket, and what it raises instead of blocking."""

    sock: socket.socket
    would_block: tuple[type[OSError], ...]


class Endpoint(Protocol):
    """Anything that gives connected sockets."""

    @property
    def host(self) -> str:
        """Name of the server, for the CONNECT frame."""
        ...

    def open(self, timeout: float) -> OpenSocket:
        """A new socket within `timeout` seconds. Raises: ConnectionError."""
        ...


class UnixEndpoint:
    """The agent's local socket at `path`; the kernel tells the agent who we are."""

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def host(self) -> str:
        """Name of the server, for the CONNECT frame."""
        return "localhost"

    def open(self, timeout: float) -> OpenSocket:
        """A new socket within `timeout` seconds. Raises: ConnectionError."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(self._path)
            sock.setblocking(False)
        except OSError as e:
            sock.close()
            raise ConnectionError(str(self), _reason(e), self._hint(e)) from e
        return OpenSocket(sock, (BlockingIOError,))

    def _hint(self, error: OSError) -> str:
        if isinstance(error, PermissionError):
            return "run as root, as vdsm, or as a member of the group that may use the socket"
        return "is vdsmd running? (systemctl status vdsmd)"

    def __str__(self) -> str:
        return self._path


class TcpEndpoint:
    """`host`:`port` without TLS, for an agent that is configured with ssl=false."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host.strip("[]")
        self._port = port

    @property
    def host(self) -> str:
        """Name of the server, for the CONNECT frame."""
        return self._host

    def open(self, timeout: float) -> OpenSocket:
        """A new socket within `timeout` seconds. Raises: ConnectionError."""
        sock = connect_tcp(self._host, self._port, timeout, str(self))
        sock.setblocking(False)
        return OpenSocket(sock, (BlockingIOError,))

    def __str__(self) -> str:
        return f"{_address(self._host, self._port)} without TLS"


class TlsEndpoint:
    """`host`:`port` with mutual TLS by the PEM files of `pki`."""

    def __init__(self, host: str, port: int, pki: PkiFiles, *, verify_host: bool = False) -> None:
        self._host = host.strip("[]")
        self._port = port
        self._pki = pki
        self._verify_host = verify_host

    @property
    def host(self) -> str:
        """Name of the server, for the CONNECT frame."""
        return self._host

    def open(self, timeout: float) -> OpenSocket:
        """A new socket within `timeout` seconds. Raises: ConnectionError."""
        import ssl

        from vdsm.client.tls import client_context

        try:
            context = client_context(self._pki, verify_host=self._verify_host)
        except OSError as e:
            where = e.filename or f"{self._pki.cert} and {self._pki.key} with {self._pki.ca}"
            hint = "name the directory of the certificates with VDSM_PKI or --pki"
            raise ConnectionError(str(self), f"cannot use {where}: {_reason(e)}", hint) from e
        plain = connect_tcp(self._host, self._port, timeout, str(self))
        try:
            sock = context.wrap_socket(plain, server_hostname=self._host)
            sock.setblocking(False)
        except OSError as e:
            plain.close()
            hint = "does the agent speak TLS, with a certificate of the authority in " + str(self._pki.ca) + "?"
            raise ConnectionError(str(self), f"TLS handshake failed: {_reason(e)}", hint) from e
        return OpenSocket(sock, (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError))

    def __str__(self) -> str:
        return f"{_address(self._host, self._port)} with TLS"


def connect_tcp(host: str, port: int, timeout: float, name: str) -> socket.socket:
    """A blocking TCP socket whose timeout is `timeout`; `name` is for the error. Raises: ConnectionError."""
    try:
        sock = socket.create_connection((host, port), timeout)
    except OSError as e:
        hint = "check the name" if isinstance(e, socket.gaierror) else "is vdsmd running there, and the port open?"
        raise ConnectionError(name, _reason(e), hint) from e
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)
