"""STOMP over real sockets: the manager's session however it is cut, limits, silence, and peers that do not read."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Callable
from itertools import pairwise, permutations

import pytest

from tests.unit.transport.conftest import Serve
from tests.unit.transport.harness import CONNECT, EVENTS, REQUESTS, RESPONSES, Client, Pki, request, until
from vdsm.common.stomp import StompLimits, encode
from vdsm.transport import TransportLimits

Keep = Callable[[Client], Client]

_SUBSCRIBE_EVENTS = encode("SUBSCRIBE", {"destination": EVENTS, "id": "e", "ack": "auto"})
_SUBSCRIBE_REPLIES = encode("SUBSCRIBE", {"destination": RESPONSES, "id": "r", "ack": "auto"})
_SEND = encode("SEND", {"destination": REQUESTS, "reply-to": RESPONSES, "ovirtCorrelationId": "c"}, request())


async def _assert_managers_session(client: Client) -> None:
    connected = await client.frame()
    assert connected.command == "CONNECTED"
    reply = await client.frame()
    assert (reply.command, reply.headers["subscription"], reply.body) == ("MESSAGE", "r", request())


@pytest.mark.parametrize("tls", [True, False])
async def test_the_managers_session_in_one_segment_and_in_every_order(
    serve: Serve, pki: Pki, clients: Keep, tls: bool
) -> None:
    server, listener = await serve(tls=tls)
    for head in permutations((CONNECT, _SUBSCRIBE_EVENTS, _SUBSCRIBE_REPLIES)):
        client = clients(await Client.tcp(listener.port, pki.client() if tls else None))
        client.write(b"".join(head) + _SEND)
        await _assert_managers_session(client)
        server.hub.publish(b'{"event":1}')
        event = await client.frame()
        assert (event.headers["destination"], event.headers["subscription"]) == (EVENTS, "e")
        client.write(encode("UNSUBSCRIBE", {"id": "e"}) + encode("DISCONNECT", {"receipt": "bye"}))
        receipt = await client.frame()
        assert (receipt.command, receipt.headers) == ("RECEIPT", {"receipt-id": "bye"})
        assert await client.rest() == b""
    await until(lambda: server.counters.connections == 0)
    assert server.counters.accepted == 6
    assert server.rpc.connections[0].calls == [(request(), "c")]
    assert all(connection.closed for connection in server.rpc.connections)


async def test_one_byte_at_a_time(serve: Serve, pki: Pki, clients: Keep) -> None:
    _server, listener = await serve()
    client = clients(await Client.tcp(listener.port, pki.client()))
    for byte in _SUBSCRIBE_REPLIES + CONNECT + b"\n" + _SEND:
        client.write(bytes([byte]))
        await client.writer.drain()
    await _assert_managers_session(client)


async def test_connected_leaves_alone_and_every_frame_in_one_piece(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the manager's parser needs: seen at the plain socket's own send calls."""
    sent: list[bytes] = []
    original = asyncio.selector_events._SelectorSocketTransport.write  # type: ignore[attr-defined]  # private class

    def write(transport: object, data: bytes) -> None:
        sent.append(bytes(data))
        original(transport, data)

    _server, listener = await serve(tls=False)
    with socket.create_connection(("127.0.0.1", listener.port)) as peer:
        monkeypatch.setattr(asyncio.selector_events._SelectorSocketTransport, "write", write)  # type: ignore[attr-defined]  # private class
        peer.sendall(_SUBSCRIBE_REPLIES + CONNECT + _SEND)
        await until(lambda: len(sent) == 2)
    assert sent[0] == b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0"
    assert sent[1].startswith(b"MESSAGE\n")
    assert sent[1].endswith(request() + b"\0")


async def test_equal_ids_and_equal_reply_queues_on_two_connections(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve()
    first = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    second = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    for number, client in enumerate((first, second)):
        client.send(b"wait {id: 1} %d" % number, reply_to=RESPONSES)
    await until(lambda: all(connection.pending for connection in server.rpc.connections))
    for connection in reversed(server.rpc.connections):
        body, reply = connection.pending.pop()
        reply(body)
    assert (await first.frame()).body == b"wait {id: 1} 0"
    assert (await second.frame()).body == b"wait {id: 1} 1"
    for client in (first, second):
        client.send(b"marker")
        assert (await client.frame()).body == b"marker"


async def test_half_closed_peer_ends_its_calls(serve: Serve, clients: Keep) -> None:
    server, listener = await serve(tls=False)
    client = await clients(await Client.tcp(listener.port)).connect(RESPONSES)
    client.send(b"wait")
    await until(lambda: server.rpc.connections[0].pending)
    client.writer.write_eof()
    assert await client.rest() == b""
    await until(lambda: server.counters.connections == 0)
    assert server.rpc.connections[0].closed


async def test_a_reset_connection_is_forgotten(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve()
    client = await clients(await Client.tcp(listener.port, pki.client())).connect(EVENTS)
    client.writer.transport.abort()
    await until(lambda: server.counters.connections == 0)
    assert len(server.hub.table) == 0
    server.hub.publish(b"to nobody")


_SMALL = StompLimits(max_headers=4, max_header_line=100, max_head=300, max_body=1000, max_frame=1200)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"SEND\n" + b"a:b\n" * 9 + b"\n\0", b"(limits\\c headers)"),
        (b"SEND\na:" + b"x" * 120 + b"\n\n\0", b"a header line is longer than"),
        (b"SEND\na:" + b"x" * 400, b"the headers are larger than"),
        (b"SEND\ncontent-length:1001\n\n" + b"x" * 200_000, b"the body is larger than"),
        (b"SEND\nno colon\n\n\0", b"header line without name and colon"),
        (b"BEGIN\n\n\0", b"Unexpected command"),
    ],
)
async def test_each_violation_is_told_then_closed(
    serve: Serve, pki: Pki, clients: Keep, tls: bool, data: bytes, text: bytes
) -> None:
    server, listener = await serve(TransportLimits(stomp=_SMALL, linger=0.2), tls=tls)
    client = clients(await Client.tcp(listener.port, pki.client() if tls else None))
    client.write(CONNECT + data)
    said = await client.rest()
    assert said.startswith(b"CONNECTED\n")
    assert b"\0ERROR\n" in said
    assert text in said
    await until(lambda: server.counters.connections == 0)
    assert server.counters.protocol_errors == 1


async def test_no_connect_in_time(serve: Serve, pki: Pki, clients: Keep) -> None:
    _server, listener = await serve(TransportLimits(connect_timeout=0.1, linger=0.1))
    client = clients(await Client.tcp(listener.port, pki.client()))
    client.write(_SUBSCRIBE_EVENTS)
    assert b"No CONNECT frame within 0.1 s" in await client.rest()


async def test_heart_beats_come_and_silence_ends_the_connection(serve: Serve, pki: Pki, clients: Keep) -> None:
    limits = TransportLimits(heart_beat_floor_ms=50)
    server, listener = await serve(limits)
    client = clients(await Client.tcp(listener.port, pki.client()))
    client.write(encode("CONNECT", {"accept-version": "1.2", "heart-beat": "300,1"}))
    assert (await client.frame()).headers["heart-beat"] == "50,300"
    assert (await client.rest()).startswith(b"\n\n\n")
    assert server.counters.silent_peers == 1
    assert server.rpc.connections[0].closed


async def test_a_peer_that_beats_stays(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(heart_beat_floor_ms=50))
    client = clients(await Client.tcp(listener.port, pki.client()))
    client.write(encode("CONNECT", {"accept-version": "1.2", "heart-beat": "200,0"}))
    await client.frame()
    for _ in range(10):
        client.write(b"\n")
        await asyncio.sleep(0.06)
    client.subscribe("r")
    client.send(b"still here")
    assert (await client.frame()).body == b"still here"
    assert server.counters.silent_peers == 0


async def _deaf(listener_port: int, pki: Pki, clients: Keep, *subscriptions: str) -> Client:
    """A client whose socket takes little and that reads nothing after CONNECTED."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", listener_port))
    reader, writer = await asyncio.open_connection(sock=raw, ssl=pki.client(), server_hostname="localhost", limit=1024)
    client = await clients(Client(reader, writer)).connect(*subscriptions)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
    return client


async def test_a_slow_event_consumer_is_cut_and_another_gets_everything(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(write_high_water=64 * 1024, event_backlog=512 * 1024))
    await _deaf(listener.port, pki, clients, EVENTS)
    good = await clients(await Client.tcp(listener.port, pki.client())).connect(EVENTS)
    await until(lambda: len(server.hub.table) == 2)
    count, got = 1500, []
    started = asyncio.get_running_loop().time()
    for number in range(count):
        server.hub.publish(b"%06d" % number + b"." * 16000)
        got.append((await good.frame()).body[:6])
    assert got == [b"%06d" % number for number in range(count)]
    assert server.counters.cut_consumers == 1
    assert asyncio.get_running_loop().time() - started < 30
    await until(lambda: server.counters.connections == 1)
    assert len(server.hub.table) == 1


async def test_a_consumer_that_never_drains_is_cut_in_time(serve: Serve, pki: Pki, clients: Keep) -> None:
    limits = TransportLimits(write_high_water=16 * 1024, event_backlog=2**30, drain_timeout=0.2)
    server, listener = await serve(limits)
    await _deaf(listener.port, pki, clients, EVENTS)
    await until(lambda: len(server.hub.table) == 1)
    for _ in range(600):
        server.hub.publish(b"x" * 16000)
    assert server.counters.cut_consumers == 0
    await until(lambda: server.counters.cut_consumers == 1)
    await until(lambda: server.counters.connections == 0)


async def test_a_caller_that_does_not_read_is_not_read_either_then_cut(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(write_high_water=64 * 1024, drain_timeout=0.5))
    deaf = await _deaf(listener.port, pki, clients, RESPONSES)
    for _ in range(300):
        deaf.send(b"big200000")
    await until(lambda: server.counters.cut_consumers == 1)
    assert 0 < len(server.rpc.connections[0].calls) < 300
    assert server.rpc.connections[0].closed


async def test_a_caller_that_reads_late_gets_every_reply(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(write_high_water=64 * 1024))
    client = await _deaf(listener.port, pki, clients, RESPONSES)
    for _ in range(100):
        client.send(b"big200000")
    await until(lambda: server.rpc.connections[0].calls)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a read transport too
    for _ in range(100):
        assert len((await client.frame()).body) == 200_000
    assert server.counters.cut_consumers == 0


async def test_many_pipelined_calls_leave_turns_to_others(serve: Serve, pki: Pki, clients: Keep) -> None:
    server, listener = await serve(TransportLimits(frames_per_turn=4))
    busy = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    busy.write(_SEND * 1000)
    turns: list[int] = []

    async def watch() -> None:
        while not turns or turns[-1] < 1000:
            turns.append(len(server.rpc.connections[0].calls))
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await watch()
    steps = [after - before for before, after in pairwise(turns)]
    assert max(steps) <= 5
    for _ in range(1000):
        assert (await busy.frame()).body == request()


async def test_nothing_is_logged_per_frame(
    serve: Serve, pki: Pki, clients: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="vdsm")
    server, listener = await serve()
    client = await clients(await Client.tcp(listener.port, pki.client())).connect(RESPONSES)
    before = len(caplog.records)
    for _ in range(50):
        client.send(b"x")
        await client.frame()
    assert len(caplog.records) == before
    assert server.counters.frames_in == 52
    assert server.counters.frames_out == 51


async def test_fuzzed_connections_leave_nothing_behind(serve: Serve, clients: Keep) -> None:
    """Damaged sessions over real sockets: the server closes each, and serves the next."""
    server, listener = await serve(TransportLimits(connect_timeout=0.3, detect_timeout=0.3, linger=0.01), tls=False)
    choice = random.Random(11)
    whole = CONNECT + _SUBSCRIBE_REPLIES + _SUBSCRIBE_EVENTS + _SEND
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(choice.randrange(1, 6)):
            damaged[choice.randrange(len(damaged))] = choice.choice(b"\0\n\r:\\xS")
        client = await Client.tcp(listener.port)
        client.write(bytes(damaged))
        client.writer.write_eof()
        await client.rest()
        await client.close()
    await until(lambda: server.counters.connections == 0)
    assert len(server.hub.table) == 0
    assert all(connection.closed for connection in server.rpc.connections)
    await clients(await Client.tcp(listener.port)).connect()
