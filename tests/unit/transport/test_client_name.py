"""Names in certificates against addresses, and what a peer without its name gets."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.unit.transport.harness import Client, Pki, make_server, until
from vdsm.common.context import Peer
from vdsm.transport import ServerTls, TcpListener
from vdsm.transport.client_name import owns_its_name

KNOWN = ("engine.example", ["manager.example"], ["192.0.2.7"])


def _peer(address: str, subject: str) -> Peer:
    return Peer("tls", f"{address},4711", subject=subject)


@pytest.mark.parametrize(
    ("address", "subject", "owned"),
    [
        ("127.0.0.1", "anybody", True),
        ("::1", "anybody", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "Engine.Example", True),
        ("192.0.2.7", "manager.example", True),
        ("192.0.2.7", "stranger.example", False),
        ("192.0.2.8", "engine.example", False),
        ("192.0.2.7", "", False),
    ],
)
async def test_a_name_belongs_to_an_address_or_not(
    monkeypatch: pytest.MonkeyPatch, address: str, subject: str, owned: bool
) -> None:
    def by_address(asked: str) -> tuple[str, list[str], list[str]]:
        if asked != "192.0.2.7":
            raise socket.herror(1, "Unknown host")
        return KNOWN

    monkeypatch.setattr(socket, "gethostbyaddr", by_address)
    assert await owns_its_name(_peer(address, subject), 5.0) is owned


async def test_a_name_service_that_hangs_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(_asked: str) -> tuple[str, list[str], list[str]]:
        released.wait(10)
        return KNOWN

    monkeypatch.setattr(socket, "gethostbyaddr", hang)
    assert not await owns_its_name(_peer("192.0.2.7", "engine.example"), 0.05)
    released.set()


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_peer_is_served_only_after_it_was_vetted(server_tls: ServerTls, pki: Pki, allowed: bool) -> None:
    seen: list[str] = []

    async def vet(peer: Peer) -> bool:
        seen.append(peer.subject)
        return allowed

    server = make_server()
    listener = TcpListener(server.hub, server_tls, "127.0.0.1", 0, vet)
    await listener.start()
    client = await Client.tcp(listener.port, pki.client())
    if allowed:
        await client.connect()
    else:
        await until(lambda: server.hub.counters.refused == 1)
        assert await client.reader.read() == b""
    assert seen == ["client.test"]
    assert len(server.rpc.connections) == int(allowed)
    client.writer.close()
    await listener.close(5)
