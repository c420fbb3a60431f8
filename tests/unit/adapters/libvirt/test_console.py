from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import libvirt
import pytest

from vdsm.adapters.libvirt.console import LibvirtConsole, OpenedConsole
from vdsm.adapters.libvirt.pool import BlockingPool
from vdsm.common.errors import LibvirtError

READABLE, HANGUP = libvirt.VIR_STREAM_EVENT_READABLE, libvirt.VIR_STREAM_EVENT_HANGUP


class _Stream:
    """A stream whose guest is the test."""

    def __init__(self) -> None:
        self.output: list[bytes | int] = []
        self.sent = b""
        self.full = 0
        self.watched = 0
        self.freed = 0
        self.callback: Callable[[Any, int, Any], None] = lambda *_: None

    def eventAddCallback(self, events: int, callback: Callable[[Any, int, Any], None], _opaque: Any) -> None:
        self.watched, self.callback = events, callback

    def eventUpdateCallback(self, events: int) -> None:
        self.watched = events

    def eventRemoveCallback(self) -> None:
        raise libvirt.libvirtError("no callback")

    def abort(self) -> None:
        pass

    def recv(self, _count: int) -> bytes | int:
        return self.output.pop(0)

    def send(self, data: bytes) -> int:
        if self.full:
            self.full -= 1
            return -2
        self.sent += data[:3]
        return len(data[:3])

    def __del__(self) -> None:
        self.freed += 1

    def happen(self, events: int) -> None:
        self.callback(self, events, None)


class _Connection:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stream() -> _Stream:
    return _Stream()


@pytest.fixture
async def console(stream: _Stream) -> AsyncIterator[LibvirtConsole]:
    pool = BlockingPool("console", threads=1)
    made = LibvirtConsole(cast("OpenedConsole", (_Connection(), stream)), pool, "vm")
    await made.attach()
    yield made
    await made.close()
    pool.close()


async def test_what_the_guest_prints_is_read(console: LibvirtConsole, stream: _Stream) -> None:
    stream.output = [b"one ", b"two", -2]
    for _ in range(3):
        stream.happen(READABLE)
    await asyncio.sleep(0)
    assert await console.read() == b"one two"


async def test_a_flood_stops_the_reading_until_it_is_taken(console: LibvirtConsole, stream: _Stream) -> None:
    stream.output = [bytes(65_536)] * 5
    for _ in range(5):
        stream.happen(READABLE)
    await asyncio.sleep(0)
    assert stream.watched == 0
    assert len(await console.read()) == 5 * 65_536
    assert stream.watched & READABLE


async def test_all_is_written_also_when_the_stream_is_full(console: LibvirtConsole, stream: _Stream) -> None:
    stream.full = 2
    await console.write(b"hello world")
    assert stream.sent == b"hello world"


@pytest.mark.parametrize(("events", "output"), [(READABLE, [b""]), (HANGUP, []), (READABLE | HANGUP, [b""])])
async def test_the_end_of_the_guest_ends_the_console(
    console: LibvirtConsole, stream: _Stream, events: int, output: list[bytes | int]
) -> None:
    stream.output = output
    reader = asyncio.create_task(console.read())
    await asyncio.sleep(0)
    stream.happen(events)
    assert await asyncio.wait_for(reader, 5) == b""
    with pytest.raises(LibvirtError):
        await console.write(b"x")


async def test_close_frees_once_and_wakes_the_reader(console: LibvirtConsole, stream: _Stream) -> None:
    reader = asyncio.create_task(console.read())
    await asyncio.sleep(0)
    await console.close()
    await console.close()
    assert await asyncio.wait_for(reader, 5) == b""
    assert stream.freed == 1
    stream.happen(READABLE)
