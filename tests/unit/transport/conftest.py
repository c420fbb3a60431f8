"""Certificates of a throw-away CA and running listeners."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.unit.transport.harness import Client, Pki, Server, make_server
from vdsm.transport import PkiPaths, ServerTls, TcpListener, TransportLimits

Serve = Callable[..., Awaitable[tuple[Server, TcpListener]]]


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


def _make_ca(folder: Path, name: str) -> None:
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             f"/CN={name}", "-keyout", folder / f"{name}-key.pem", "-out", folder / f"{name}.pem")  # fmt: skip


def _make_certificate(folder: Path, ca: str, name: str) -> None:
    request = folder / f"{name}.csr"
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             f"/O=test/CN={name}.test", "-keyout", folder / f"{name}-key.pem", "-out", request)  # fmt: skip
    _openssl("x509", "-req", "-in", request, "-CA", folder / f"{ca}.pem", "-CAkey", folder / f"{ca}-key.pem",
             "-CAcreateserial", "-days", "2", "-out", folder / f"{name}.pem")  # fmt: skip


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """`ca`, `server` and `client` belong together; `stranger` is signed by `other`."""
    folder = tmp_path_factory.mktemp("pki")
    _make_ca(folder, "ca")
    _make_ca(folder, "other")
    for ca, name in (("ca", "server"), ("ca", "client"), ("ca", "server2"), ("other", "stranger")):
        _make_certificate(folder, ca, name)
    return Pki(folder)


@pytest.fixture
def server_tls(pki: Pki) -> ServerTls:
    """The server's TLS as the composition root makes it."""
    return ServerTls(PkiPaths(pki.path("ca"), pki.path("server"), pki.path("server-key")))


@pytest.fixture
async def serve(server_tls: ServerTls) -> AsyncIterator[Serve]:
    """`await serve(limits, tls=True)`: a listener on a free port of the loopback, closed at the end."""
    listeners: list[TcpListener] = []

    async def start(limits: TransportLimits | None = None, tls: bool = True) -> tuple[Server, TcpListener]:
        server = make_server(limits)
        listener = TcpListener(server.hub, server_tls if tls else None, host="127.0.0.1", port=0)
        await listener.start()
        listeners.append(listener)
        return server, listener

    yield start
    for listener in listeners:
        await listener.close(5)


@pytest.fixture
async def clients() -> AsyncIterator[Callable[[Client], Client]]:
    """Closes each client that is passed to it."""
    known: list[Client] = []

    def keep(client: Client) -> Client:
        known.append(client)
        return client

    yield keep
    for client in known:
        await client.close()
