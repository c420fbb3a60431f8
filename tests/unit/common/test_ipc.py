from __future__ import annotations

import array
import asyncio
import gc
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vdsm.common.descriptors import FdSet
from vdsm.common.errors import (
    BackendError,
    BackendTimeout,
    HelperError,
    InvalidParameter,
    LocalProtocolError,
    NoSuchVM,
    RemoteProtocolError,
    ResourceExhausted,
    VdsmError,
)
from vdsm.common.ipc import (
    INLINE_LIMIT,
    MAX_FDS,
    AsyncEndpoint,
    BlockingEndpoint,
    Link,
    Packet,
    Reply,
    Request,
    WireError,
    decode_error,
    encode_error,
)

Pair = tuple[Link, Link]


def _any(_operation: str) -> int:
    return 1 << 30


def _open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def _sockets() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = _sockets()
    links = Link(ours, _any), Link(theirs, _any)
    yield links
    for link in links:
        link.close()


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, Link]]:
    """A bare socket, and the link at its other end."""
    ours, theirs = _sockets()
    link = Link(theirs, lambda operation: 1000 if operation == "known" else 0)
    yield ours, link
    ours.close()
    link.close()


def _receive(link: Link) -> Packet:
    packet = link.receive()
    assert packet is not None
    return packet


@settings(max_examples=60, deadline=None)
@given(payload=st.binary(min_size=1, max_size=2000), fds=st.integers(0, MAX_FDS))
def test_messages_and_descriptors_arrive_as_they_were_sent(payload: bytes, fds: int) -> None:
    before = _open_files()
    ours, theirs = (Link(sock, _any) for sock in _sockets())
    sent = FdSet(os.open(os.devnull, os.O_RDONLY) for _ in range(fds))
    message = b"[" + payload
    ours.send(message, "operation", sent)
    packet = _receive(theirs)
    assert packet.payload == message
    assert len(packet.fds) == fds
    assert all(os.fstat(fd).st_rdev == Path(os.devnull).stat().st_rdev for fd in packet.fds.numbers)
    assert not any(os.get_inheritable(fd) for fd in packet.fds.numbers)
    packet.fds.close()
    ours.close()
    theirs.close()
    assert _open_files() == before


@pytest.mark.parametrize("size", [INLINE_LIMIT, INLINE_LIMIT + 1, 3_000_000])
def test_large_messages_arrive_with_their_descriptors(pair: Pair, size: int) -> None:
    read, write = os.pipe()
    pair[0].send(b"x" * size, "operation", FdSet([read]))
    packet = _receive(pair[1])
    assert len(packet.payload) == size
    assert len(packet.fds) == 1
    os.write(write, b"through")
    with packet.fds:
        assert os.read(packet.fds.numbers[0], 16) == b"through"
    os.close(write)


def test_the_limit_is_that_of_the_announced_operation(raw: tuple[socket.socket, Link]) -> None:
    before = _open_files()
    sender = Link(raw[0].dup(), _any)
    for operation in ("known", "unknown"):
        sender.send(b"x" * (INLINE_LIMIT + 1), operation)
        with pytest.raises(RemoteProtocolError, match="allowed"):
            raw[1].receive()
    sender.close()
    assert _open_files() == before


@pytest.mark.parametrize(
    "head", [b'{"memfd":5}', b'{"memfd":"x","operation":"known"}', b'{"memfd":5,"operation":"known"}', b'{"memfd":']
)
def test_a_large_head_without_sense_or_memfd_is_refused(raw: tuple[socket.socket, Link], head: bytes) -> None:
    raw[0].send(head)
    with pytest.raises(RemoteProtocolError):
        raw[1].receive()


def test_an_unsealed_memfd_is_refused(raw: tuple[socket.socket, Link]) -> None:
    fd = os.memfd_create("unsealed")
    with FdSet([fd]):
        os.write(fd, b"12345")
        socket.send_fds(raw[0], [b'{"memfd":5,"operation":"known"}'], [fd])
    with pytest.raises(RemoteProtocolError, match="not sealed"):
        raw[1].receive()


def test_too_many_descriptors_are_refused_and_closed(raw: tuple[socket.socket, Link]) -> None:
    with FdSet([os.open(os.devnull, os.O_RDONLY)]) as one:
        before = _open_files()
        socket.send_fds(raw[0], [b"{}"], list(one.numbers) * (MAX_FDS + 1))
        with pytest.raises(RemoteProtocolError, match="descriptors"):
            raw[1].receive()
        assert _open_files() == before


def test_too_large_packets_are_refused_and_the_next_one_is_read(raw: tuple[socket.socket, Link]) -> None:
    raw[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    raw[0].send(b"x" * (INLINE_LIMIT + 1))
    raw[0].send(b"next")
    with pytest.raises(RemoteProtocolError, match="larger"):
        raw[1].receive()
    assert _receive(raw[1]).payload == b"next"


def test_nothing_there_is_told_from_the_end(raw: tuple[socket.socket, Link]) -> None:
    with pytest.raises(BlockingIOError):
        raw[1].receive()
    raw[0].close()
    assert raw[1].receive() is None


def test_an_end_with_unread_data_is_an_end() -> None:
    ours, theirs = _sockets()
    link = Link(ours, _any)
    link.send(b"never read", "operation")
    theirs.close()
    assert link.receive() is None
    link.close()


def test_a_slow_reader_costs_a_bounded_queue() -> None:
    ours, theirs = _sockets()
    link = Link(ours, _any, max_outgoing=4)
    read, write = os.pipe()
    sent = 0
    while link.backlog < 4:
        link.send(b"x" * 60_000, "operation")
        sent += 1
    assert link.backlog == 4
    with pytest.raises(ResourceExhausted):
        link.send(b"x", "operation", FdSet([read]))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read)
    os.close(write)
    reader = Link(theirs, _any)
    received = 0
    while received < sent:
        try:
            assert _receive(reader).payload == b"x" * 60_000
            received += 1
        except BlockingIOError:
            link.flush()
    assert link.backlog == 0
    link.close()
    reader.close()


def test_unsent_descriptors_are_closed_with_the_link() -> None:
    before = _open_files()
    ours, theirs = _sockets()
    link = Link(ours, _any)
    while not link.backlog:
        link.send(b"x" * 60_000, "operation", FdSet([os.open(os.devnull, os.O_RDONLY)]))
    link.close()
    theirs.close()
    assert _open_files() == before


def test_more_descriptors_than_allowed_are_not_sent(pair: Pair) -> None:
    fds = FdSet(os.open(os.devnull, os.O_RDONLY) for _ in range(MAX_FDS + 1))
    with pytest.raises(LocalProtocolError):
        pair[0].send(b"{}", "operation", fds)
    assert not fds


def test_garbage_ends_in_clean_errors_and_leaks_nothing(raw: tuple[socket.socket, Link]) -> None:
    rng = random.Random(4)
    with FdSet([os.open(os.devnull, os.O_RDONLY)]) as spare:
        before = _open_files()
        outcomes = {"packet": 0, "error": 0}
        for _ in range(20_000):
            payload = rng.choice((b"", b'{"memfd":', b'{"memfd":7,"operation":"known"}')) + rng.randbytes(
                rng.randrange(1, 60)
            )
            ancillary = array.array("i", list(spare.numbers) * rng.choice((0, 0, 0, 1, 3, 40)))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ancillary.tobytes())] if ancillary else []
            raw[0].sendmsg([payload], rights)
            try:
                _receive(raw[1]).fds.close()
                outcomes["packet"] += 1
            except RemoteProtocolError:
                outcomes["error"] += 1
        assert min(outcomes.values()) > 1000
        assert _open_files() == before


_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)


@given(fields=st.dictionaries(st.sampled_from(["vm_id", "cause", "self", "x"]), _VALUES, max_size=4))
def test_errors_cross_with_kind_and_fields(fields: dict[str, Any]) -> None:
    wire = WireError(kind="HelperError", message="m", fields=fields)
    again = decode_error(msgspec.json.decode(msgspec.json.encode(wire), type=WireError))
    assert isinstance(again, HelperError)
    assert again.fields == {name: value for name, value in fields.items() if name != "self"}


def test_an_error_becomes_the_same_error_again() -> None:
    error = NoSuchVM(vm_id="one")
    wire = encode_error(error)
    assert (wire.kind, wire.code, wire.message) == ("NoSuchVM", 0, str(error))
    again = decode_error(wire)
    assert type(again) is NoSuchVM
    assert str(again) == str(error)


def test_the_code_is_the_errno_of_the_cause() -> None:
    error = HelperError(operation="open", cause=FileNotFoundError(2, "gone"))
    error.__cause__ = FileNotFoundError(2, "gone")
    wire = encode_error(error)
    assert wire.code == 2
    assert isinstance(wire.fields["cause"], str)


def test_an_unknown_kind_of_error_keeps_its_message() -> None:
    error = decode_error(WireError(kind="FromTheFuture", message="the moon is full"))
    assert type(error) is BackendError
    assert "the moon is full" in str(error)


def test_requests_and_replies_round_trip() -> None:
    request = Request(id=3, operation="ping", deadline=1.5, params=msgspec.Raw(b'{"a":1}'), correlation_id="c")
    assert msgspec.json.decode(msgspec.json.encode(request), type=Request) == request
    reply = Reply(id=3, operation="ping", error=encode_error(InvalidParameter(parameter="a", value=1, reason="r")))
    assert msgspec.json.decode(msgspec.json.encode(reply), type=Reply) == reply


def _send_without_end(endpoint: BlockingEndpoint) -> None:
    for _ in range(1000):
        endpoint.send(b"x" * 60_000, "operation", timeout=0.01)


class TestBlockingEndpoint:
    def test_a_message_goes_through(self) -> None:
        ours, theirs = (BlockingEndpoint(sock, _any) for sock in _sockets())
        ours.send(b"x" * 500_000, "operation", timeout=1)
        packet = theirs.receive(timeout=1)
        assert packet is not None
        assert len(packet.payload) == 500_000
        ours.close()
        assert theirs.receive(timeout=1) is None
        theirs.close()

    def test_waiting_ends_in_time(self) -> None:
        ours, theirs = (BlockingEndpoint(sock, _any) for sock in _sockets())
        with pytest.raises(BackendTimeout, match=r"the other process did not send a message within 0\.01 s"):
            theirs.receive(timeout=0.01)
        with pytest.raises(BackendTimeout, match="did not take the message of operation within"):
            _send_without_end(ours)
        ours.close()
        theirs.close()


class _Seen:
    def __init__(self) -> None:
        self.packets: asyncio.Queue[Packet] = asyncio.Queue()
        self.garbage: asyncio.Queue[VdsmError] = asyncio.Queue()
        self.ended = asyncio.Event()

    def endpoint(self, sock: socket.socket) -> AsyncEndpoint:
        return AsyncEndpoint(
            asyncio.get_running_loop(),
            sock,
            _any,
            on_packet=self.packets.put_nowait,
            on_garbage=self.garbage.put_nowait,
            on_end=self.ended.set,
        )


class TestAsyncEndpoint:
    async def test_messages_and_descriptors_go_both_ways(self) -> None:
        ours, theirs = _Seen(), _Seen()
        sockets = _sockets()
        here, there = ours.endpoint(sockets[0]), theirs.endpoint(sockets[1])
        here.send(b"to you", "operation", FdSet([os.open(os.devnull, os.O_RDONLY)]))
        packet = await asyncio.wait_for(theirs.packets.get(), 5)
        assert packet.payload == b"to you"
        assert len(packet.fds) == 1
        packet.fds.close()
        there.send(b"y" * 400_000, "operation")
        assert len((await asyncio.wait_for(ours.packets.get(), 5)).payload) == 400_000
        here.close()
        await asyncio.wait_for(theirs.ended.wait(), 5)
        assert not ours.ended.is_set()

    async def test_a_full_socket_is_written_when_it_is_read_again(self) -> None:
        seen = _Seen()
        ours, theirs = _sockets()
        endpoint = seen.endpoint(ours)
        for number in range(40):
            endpoint.send(b"%2d" % number * 10_000, "operation")
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        for number in range(40):
            assert (await asyncio.wait_for(loop.sock_recv(theirs, 65536), 5))[:2] == b"%2d" % number
        endpoint.close()
        theirs.close()

    async def test_garbage_is_told_and_survived(self) -> None:
        seen = _Seen()
        ours, theirs = _sockets()
        endpoint = seen.endpoint(ours)
        theirs.send(b'{"memfd":nonsense')
        theirs.send(b"fine")
        assert isinstance(await asyncio.wait_for(seen.garbage.get(), 5), RemoteProtocolError)
        assert (await asyncio.wait_for(seen.packets.get(), 5)).payload == b"fine"
        endpoint.close()
        theirs.close()

    async def test_the_end_is_told_once_and_sending_then_fails(self) -> None:
        seen = _Seen()
        ours, theirs = _sockets()
        endpoint = seen.endpoint(ours)
        theirs.close()
        await asyncio.wait_for(seen.ended.wait(), 5)
        fds = FdSet([os.open(os.devnull, os.O_RDONLY)])
        with pytest.raises(OSError, match="closed"):
            endpoint.send(b"late", "operation", fds)
        assert not fds
        endpoint.close()
