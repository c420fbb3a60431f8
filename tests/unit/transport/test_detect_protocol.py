"""First bytes over real sockets: handed over whole, or closed with one log line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.transport.conftest import Serve
from tests.unit.transport.harness import CONNECT, Client, Pki, until
from vdsm.transport import TransportLimits

Keep = Callable[[Client], Client]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"X", b"STOMP\n\n\0", b"\x16\x03\x01\x02\x00"])
async def test_unknown_protocols_cost_one_line(
    serve: Serve, clients: Keep, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    server, listener = await serve(tls=False)
    client = clients(await Client.tcp(listener.port))
    client.write(data)
    assert await client.rest() == b""
    await until(lambda: server.counters.connections == 0)
    assert len([r for r in caplog.records if "unknown protocol" in r.message]) == 1
    assert server.rpc.connections == []


async def test_the_first_bytes_reach_the_session_unharmed(serve: Serve, pki: Pki, clients: Keep) -> None:
    _server, listener = await serve()
    client = clients(await Client.tcp(listener.port, pki.client()))
    for piece in (b"\n", b"\r\n", CONNECT[:3], CONNECT[3:20], CONNECT[20:]):
        client.write(piece)
        await client.writer.drain()
    assert (await client.frame()).command == "CONNECTED"


async def test_newlines_alone_are_no_protocol(serve: Serve, clients: Keep, caplog: pytest.LogCaptureFixture) -> None:
    server, listener = await serve(TransportLimits(detect_timeout=0.2), tls=False)
    client = clients(await Client.tcp(listener.port))
    client.write(b"\n" * 100_000)
    await client.rest()
    await until(lambda: server.counters.connections == 0)
    assert len([r for r in caplog.records if "no protocol within" in r.message]) == 1


async def test_connect_and_close_without_data(serve: Serve, clients: Keep) -> None:
    server, listener = await serve(tls=False)
    for _ in range(20):
        await (await Client.tcp(listener.port)).close()
    await until(lambda: server.counters.accepted == 20 and server.counters.connections == 0)
    await clients(await Client.tcp(listener.port)).connect()
