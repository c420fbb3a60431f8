"""A console request over the local socket reaches the handler, with the bytes after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.unit.transport.harness import Client, Server, make_server, until
from vdsm.common.context import Peer
from vdsm.common.errors import NoSuchVM
from vdsm.transport import TransportLimits, UnixListener

Keep = Callable[[Client], Client]


class _Consoles:
    """Echoes what comes; `lost` cannot be found, `hung` says nothing, `flood` never stops."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.cancelled = 0
        self.ended = 0

    async def handle(self, vm_id: str, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(peer)
        if vm_id == "lost":
            raise NoSuchVM(vm_id=vm_id)
        writer.write(b"OK\n")
        try:
            if vm_id == "hung":
                await asyncio.Event().wait()
            while vm_id == "flood":
                writer.write(b"x" * 10_000)
                await writer.drain()
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.ended += 1


@pytest.fixture
def consoles() -> _Consoles:
    return _Consoles()


@pytest.fixture
async def served(tmp_path: Path, consoles: _Consoles) -> AsyncIterator[tuple[Server, Path, UnixListener]]:
    server = make_server(TransportLimits(close_timeout=0.5))
    listener = UnixListener(server.hub, tmp_path / "s", console=consoles.handle)
    await listener.start()
    yield server, tmp_path / "s", listener
    await listener.close(5)


Served = tuple[Server, Path, UnixListener]


async def test_bytes_flow_both_ways_until_the_peer_ends(served: Served, consoles: _Consoles, clients: Keep) -> None:
    server, path, _listener = served
    client = clients(await Client.unix(path))
    for piece in (b"CONS", b"OLE vm-", b"1\nearly "):
        client.write(piece)
        await client.writer.drain()
    client.write(b"late")
    client.writer.write_eof()
    assert await client.rest() == b"OK\nearly late"
    assert consoles.peers[0].kind == "unix"
    await until(lambda: server.counters.connections == 0)


async def test_a_large_stream_is_relayed_with_flow_control(served: Served, clients: Keep) -> None:
    _server, path, _listener = served
    client = clients(await Client.unix(path))
    client.write(b"CONSOLE vm-1\n" + b"z" * 5_000_000)
    client.writer.write_eof()
    assert len(await client.rest()) == 5_000_003


async def test_an_error_before_the_answer_becomes_its_line(served: Served, clients: Keep) -> None:
    server, path, _listener = served
    client = clients(await Client.unix(path))
    client.write(b"CONSOLE lost\n")
    assert await client.rest() == b"ERROR Virtual machine lost does not exist on this host\n"
    await until(lambda: server.counters.connections == 0)


async def test_a_peer_that_is_gone_ends_the_handler(served: Served, consoles: _Consoles, clients: Keep) -> None:
    server, path, _listener = served
    client = clients(await Client.unix(path))
    client.write(b"CONSOLE flood\n")
    assert await client.reader.readline() == b"OK\n"
    client.writer.transport.abort()
    await until(lambda: consoles.ended == 1 and server.counters.connections == 0)


async def test_the_end_of_the_agent_cancels_the_handler(served: Served, consoles: _Consoles, clients: Keep) -> None:
    server, path, listener = served
    client = clients(await Client.unix(path))
    client.write(b"CONSOLE hung\n")
    assert await client.reader.readline() == b"OK\n"
    await listener.close(5)
    assert consoles.cancelled == 1
    assert server.counters.connections == 0
    assert await client.rest() == b""
