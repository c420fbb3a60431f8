"""How a connection ends, whoever ends it, and the pool that it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.transport.harness import Client, until
from vdsm.common.context import Peer
from vdsm.transport.connection import Connection, ConnectionPool, error_frame
from vdsm.transport.counters import TransportCounters
from vdsm.transport.limits import TransportLimits


class _Reader(asyncio.Protocol):
    """A protocol that holds a connection in a pool, as the real ones do."""

    def __init__(self, pool: ConnectionPool, limits: TransportLimits, counters: TransportCounters) -> None:
        self.pool = pool
        self.limits = limits
        self.counters = counters
        self.over = 0
        self.connection: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.connection = Connection(transport, Peer("tcp", "192.0.2.1,7"), self.limits, self.counters)
        self.admitted = self.pool.admit(self.connection)
        self.connection.when_over(self._over)

    def _over(self) -> None:
        self.over += 1

    def eof_received(self) -> None:
        self.connection.saw_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost()


class _Host:
    """A plain server whose connections are all `_Reader`s."""

    def __init__(self, **limits: float) -> None:
        self.limits = TransportLimits(**limits)  # type: ignore[arg-type]  # only the float fields
        self.counters = TransportCounters()
        self.pool = ConnectionPool(2, self.counters)
        self.readers: list[_Reader] = []
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._make, "127.0.0.1", 0)

    def _make(self) -> _Reader:
        self.readers.append(_Reader(self.pool, self.limits, self.counters))
        return self.readers[-1]

    async def client(self) -> Client:
        count = len(self.readers)
        client = await Client.tcp(self._server.sockets[0].getsockname()[1])
        await until(lambda: len(self.readers) > count and hasattr(self.readers[-1], "connection"))
        return client

    async def stop(self) -> None:
        self._server.close()
        await self.pool.close_all(5)


@pytest.fixture
async def host() -> AsyncIterator[_Host]:
    host = _Host(linger=0.3, close_timeout=0.3)
    await host.start()
    yield host
    await host.stop()


def test_an_error_frame_says_its_text_in_body_and_header() -> None:
    assert error_frame("No: way") == (
        b"ERROR\nmessage:No\\c way\ncontent-type:text/plain\ncontent-length:7\n\nNo: way\0"
    )


async def test_a_refused_peer_reads_why_even_while_it_is_still_sending(host: _Host) -> None:
    client = await host.client()
    client.write(b"x" * 2_000_000)
    host.readers[0].connection.refuse("because")
    assert (await client.frame()).body == b"because"
    assert await client.rest() == b""
    await client.close()
    await until(lambda: len(host.pool) == 0)
    assert host.readers[0].over == 1


async def test_a_peer_that_ignores_the_farewell_is_closed(host: _Host) -> None:
    client = await host.client()
    host.readers[0].connection.refuse("because")
    await until(lambda: len(host.pool) == 0, 3)
    await client.close()


async def test_a_peer_that_does_not_read_cannot_delay_the_end(host: _Host) -> None:
    client = await host.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
    host.readers[0].connection.transport.write(b"x" * 50_000_000)
    host.readers[0].connection.end(linger=False)
    await until(lambda: len(host.pool) == 0, 3)
    await client.close()


async def test_every_way_to_end_may_follow_every_other(host: _Host) -> None:
    client = await host.client()
    connection = host.readers[0].connection
    connection.end(b"one", linger=False)
    connection.end(b"two")
    connection.close()
    connection.abort()
    connection.abort()
    await until(lambda: len(host.pool) == 0)
    connection.lost()
    connection.abort()
    assert host.readers[0].over == 1
    assert host.counters.connections == 0
    await client.close()


async def test_the_pool_admits_up_to_its_limit_and_gives_places_back(host: _Host) -> None:
    first, second, third = [await host.client() for _ in range(3)]
    assert [reader.admitted for reader in host.readers] == [True, True, False]
    assert b"limit is 2" in (await third.frame()).body
    assert (host.counters.connections, host.counters.accepted, host.counters.refused) == (2, 2, 1)
    await first.close()
    await until(lambda: len(host.pool) == 1)
    fourth = await host.client()
    assert host.readers[-1].admitted
    for client in (second, third, fourth):
        await client.close()


async def test_close_all_ends_everything_and_does_not_wait_for_ever(host: _Host) -> None:
    client = await host.client()
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
    host.readers[0].connection.transport.write(b"x" * 50_000_000)
    async with asyncio.timeout(3):
        await host.pool.close_all(0.1)
    await until(lambda: len(host.pool) == 0)
    await client.close()
