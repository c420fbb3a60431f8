"""Accepting: limits on what is set up at once, running out of descriptors, and the end."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import Any

import pytest

from tests.unit.transport.harness import until
from vdsm.transport import acceptor as module
from vdsm.transport.acceptor import Acceptor
from vdsm.transport.counters import TransportCounters


def _listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def test_the_oldest_setup_makes_room_and_close_drops_the_rest() -> None:
    served: list[socket.socket] = []

    async def serve(accepted: socket.socket) -> None:
        served.append(accepted)
        await asyncio.Event().wait()

    listening = _listening()
    counters = TransportCounters()
    acceptor = Acceptor(listening, serve, 2, counters)
    peers = [socket.create_connection(listening.getsockname()) for _ in range(3)]
    await until(lambda: counters.refused == 1 and len(served) >= 2)
    peers[0].settimeout(5)
    assert await asyncio.to_thread(peers[0].recv, 1) == b""
    acceptor.close()
    acceptor.close()
    await acceptor.wait_closed()
    await asyncio.sleep(0)
    assert all(accepted.fileno() == -1 for accepted in served)
    for peer in peers:
        peer.close()


async def test_a_failed_setup_is_logged_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(_accepted: socket.socket) -> None:
        raise ValueError("broken")

    listening = _listening()
    acceptor = Acceptor(listening, serve, 2, TransportCounters())
    with socket.create_connection(listening.getsockname(), timeout=5) as peer:
        assert await asyncio.to_thread(peer.recv, 1) == b""
    assert [r.levelno for r in caplog.records if "Setting up" in r.message] == [logging.ERROR]
    acceptor.close()
    await acceptor.wait_closed()


async def test_without_descriptors_it_rests_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_REST", 0.05)
    original = socket.socket.accept
    failures = [1, 1]

    def accept(sock: socket.socket) -> Any:
        if failures:
            failures.pop()
            raise OSError(errno.EMFILE, "Too many open files")
        return original(sock)

    served: list[socket.socket] = []

    async def serve(accepted: socket.socket) -> None:
        served.append(accepted)

    listening = _listening()
    monkeypatch.setattr(socket.socket, "accept", accept)
    acceptor = Acceptor(listening, serve, 2, TransportCounters())
    with socket.create_connection(listening.getsockname()):
        await until(lambda: served)
    assert len([r for r in caplog.records if "Cannot accept" in r.message]) == 2
    acceptor.close()
    served[0].close()
