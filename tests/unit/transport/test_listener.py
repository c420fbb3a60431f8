"""The TCP listener: addresses, TLS that is refused, limits, and its end."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.transport.conftest import Serve
from tests.unit.transport.harness import RESPONSES, Client, Pki, make_server, until
from vdsm.common.errors import BackendError
from vdsm.transport import PkiPaths, ServerTls, TcpListener, TransportLimits

Keep = Callable[[Client], Client]


async def test_peer_names_address_and_certificate(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve()
    client = await clients(await Client.tcp(listener.port, pki.client())).connect()
    peer = server.rpc.connections[0].peer
    own = client.writer.get_extra_info("sockname")
    assert (peer.kind, peer.address) == ("tls", f"127.0.0.1,{own[1]}")
    assert (peer.subject, peer.local_address) == ("client.test", "127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_one_port_for_ipv6_and_ipv4(host: str, clients: Keep) -> None:
    server = make_server()
    listener = TcpListener(server.hub, None, port=0)
    await listener.start()
    await clients(await Client.tcp(listener.port, host=host)).connect()
    assert server.rpc.connections[0].peer.address.startswith(f"{host},")
    await listener.close(5)


async def test_a_name_is_served_on_all_of_its_addresses(monkeypatch: pytest.MonkeyPatch, clients: Keep) -> None:
    def resolve(*_args: object, **_kwargs: object) -> list[tuple[Any, ...]]:
        stream = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, stream, 6, "", ("::1", 0, 0, 0)),
            (socket.AF_INET, stream, 6, "", ("127.0.0.1", 0)),
            (socket.AF_INET, stream, 6, "", ("127.0.0.1", 0)),
        ]

    server = make_server()
    listener = TcpListener(server.hub, None, "both.example", 0)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        await listener.start()
    for host in ("127.0.0.1", "::1"):
        await clients(await Client.tcp(listener.port, host=host)).connect()
    assert len(server.rpc.connections) == 2
    await listener.close(5)


async def test_a_host_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch, clients: Keep) -> None:
    original = socket.socket.bind

    def bind(sock: socket.socket, address: Any) -> None:
        if sock.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "no IPv6 here")
        original(sock, address)

    server = make_server()
    listener = TcpListener(server.hub, None, port=0)
    monkeypatch.setattr(socket.socket, "bind", bind)
    await listener.start()
    await clients(await Client.tcp(listener.port)).connect()
    await listener.close(5)


async def test_a_name_is_resolved(clients: Keep) -> None:
    listener = TcpListener(make_server().hub, None, host="localhost", port=0)
    await listener.start()
    await clients(await Client.tcp(listener.port, host="localhost")).connect()
    await listener.close(5)


async def test_a_port_in_use_is_named(serve: Serve) -> None:
    _server, listener = await serve()
    second = TcpListener(make_server().hub, None, host="127.0.0.1", port=listener.port)
    with pytest.raises(BackendError, match=f"port {listener.port}.*in use"):
        await second.start()
    await second.close(1)


async def _try(port: int, context: ssl.SSLContext) -> None:
    client = await Client.tcp(port, context)
    try:
        client.write(b"CONNECT\naccept-version:1.2\n\n\0")
        await client.frame()
    finally:
        await client.close()


@pytest.mark.parametrize("certificate", ["", "stranger"])
async def test_only_certificates_of_our_ca_come_in(serve: Serve, pki: Pki, clients: Keep, certificate: str) -> None:
    server, listener = await serve()
    with pytest.raises(OSError):
        await _try(listener.port, pki.client(certificate))
    await until(lambda: server.counters.handshake_failures == 1)
    assert server.counters.accepted == 0
    await clients(await Client.tcp(listener.port, pki.client())).connect()


async def test_no_tls_on_a_tls_port(serve: Serve, clients: Keep, caplog: pytest.LogCaptureFixture) -> None:
    server, listener = await serve()
    client = clients(await Client.tcp(listener.port))
    client.write(b"CONNECT\naccept-version:1.2\n\n\0")
    await client.rest()
    await until(lambda: server.counters.handshake_failures == 1)
    assert len([r for r in caplog.records if "TLS handshake with 127.0.0.1" in r.message]) == 1


async def test_a_silent_peer_is_dropped_before_and_after_the_handshake(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(detect_timeout=0.2))
    before = clients(await Client.tcp(listener.port))
    assert await before.rest() == b""
    after = clients(await Client.tcp(listener.port, pki.client()))
    assert await after.rest() == b""
    await until(lambda: server.counters.connections == 0)
    assert (server.counters.handshake_failures, server.counters.accepted) == (1, 1)


async def test_too_many_connections_are_told_so(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(connections=2, linger=0.2))
    held = [await clients(await Client.tcp(listener.port, pki.client())).connect() for _ in range(2)]
    refused = clients(await Client.tcp(listener.port, pki.client()))
    frame = await refused.frame()
    assert frame.command == "ERROR"
    assert b"limit is 2" in frame.body
    assert await refused.rest() == b""
    assert server.counters.refused == 1
    await held[0].close()
    await until(lambda: server.counters.connections == 1)
    await clients(await Client.tcp(listener.port, pki.client())).connect()


async def test_unfinished_handshakes_never_keep_a_manager_out(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(handshakes=3))
    silent = [clients(await Client.tcp(listener.port)) for _ in range(8)]
    await clients(await Client.tcp(listener.port, pki.client())).connect()
    assert server.counters.refused >= 5
    assert await silent[0].rest() == b""


async def test_new_certificates_serve_new_connections(pki: Pki, tmp_path: Path, clients: Keep) -> None:
    paths = PkiPaths(pki.path("ca"), tmp_path / "cert.pem", tmp_path / "key.pem")

    def use(name: str) -> None:
        shutil.copy(pki.path(name), paths.certificate)
        shutil.copy(pki.path(f"{name}-key"), paths.key)

    def subject(client: Client) -> str:
        return str(client.writer.get_extra_info("peercert")["subject"])

    use("server")
    tls = ServerTls(paths)
    server = make_server()
    listener = TcpListener(server.hub, tls, host="127.0.0.1", port=0)
    await listener.start()
    old = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    use("server2")
    tls.reload()
    new = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    assert "server.test" in subject(old)
    assert "server2.test" in subject(new)
    for client in (old, new):
        client.send(b"both work")
        assert (await client.frame()).body == b"both work"
    await listener.close(5)


async def test_close_ends_connections_calls_and_handshakes(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve()
    client = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    client.send(b"wait")
    await until(lambda: server.rpc.connections[0].pending)
    waiting = clients(await Client.tcp(listener.port))
    closing = asyncio.create_task(listener.close(5))
    assert await client.rest() == b""
    assert await waiting.rest() == b""
    await closing
    assert server.rpc.connections[0].closed
    assert server.counters.connections == 0
    with pytest.raises(ConnectionRefusedError):
        await Client.tcp(listener.port)
