from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from vdsm.client.endpoint import OpenSocket
from vdsm.client.heartbeat import HeartBeat
from vdsm.client.link import Link, LinkLost
from vdsm.common.stomp import encode


class Wire:
    """A link and the other end of its socket."""

    def __init__(self, beat: HeartBeat) -> None:
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.settimeout(5)
        self.link = Link(OpenSocket(ours, (BlockingIOError,)), beat)
        self.wake_read, self.wake_write = os.pipe()

    def close(self) -> None:
        self.link.close()
        self.peer.close()
        os.close(self.wake_read)
        os.close(self.wake_write)


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire(HeartBeat(0, 0))
    yield made
    made.close()


def test_frames_come_in_pieces(wire: Wire) -> None:
    frame = encode("MESSAGE", {"a": "b"}, b"body")
    wire.peer.sendall(frame + frame[:10])
    assert [f.body for f in wire.link.exchange(wire.wake_read, 5)] == [b"body"]
    wire.peer.sendall(frame[10:])
    assert [f.body for f in wire.link.exchange(wire.wake_read, 5)] == [b"body"]


def test_what_is_queued_is_sent(wire: Wire) -> None:
    wire.link.queue(b"hello")
    assert wire.link.unsent == 5
    wire.link.exchange(wire.wake_read, 0)
    assert wire.peer.recv(100) == b"hello"
    assert wire.link.unsent == 0


def test_much_is_sent_as_the_peer_takes_it(wire: Wire) -> None:
    wire.link.queue(b"x" * 3_000_000)
    taken = 0
    while taken < 3_000_000:
        wire.link.exchange(wire.wake_read, 0)
        taken += len(wire.peer.recv(1_000_000))
    assert wire.link.unsent == 0


def test_a_wake_ends_the_wait(wire: Wire) -> None:
    os.write(wire.wake_write, b"x")
    assert wire.link.exchange(wire.wake_read, 60) == []


def test_frames_before_the_end_are_kept(wire: Wire) -> None:
    wire.peer.sendall(encode("MESSAGE", {}, b"last"))
    wire.peer.shutdown(socket.SHUT_WR)
    assert [f.body for f in wire.link.exchange(wire.wake_read, 5)] == [b"last"]
    with pytest.raises(LinkLost, match="the server closed the connection"):
        wire.link.exchange(wire.wake_read, 5)


def test_garbage_after_a_frame_loses_the_link_but_not_the_frame(wire: Wire) -> None:
    wire.peer.sendall(encode("MESSAGE", {}, b"good") + b"bad\0")
    assert [f.body for f in wire.link.exchange(wire.wake_read, 5)] == [b"good"]
    with pytest.raises(LinkLost, match="does not speak STOMP"):
        wire.link.exchange(wire.wake_read, 5)


def test_last_words_are_heard_when_sending_fails(wire: Wire) -> None:
    wire.peer.sendall(encode("ERROR", {"message": "no"}))
    wire.peer.close()
    wire.link.queue(b"x" * 100)
    assert [f.command for f in wire.link.exchange(wire.wake_read, 5)] == ["ERROR"]


def test_a_silent_server_is_lost() -> None:
    beat = HeartBeat(50, 0)
    beat.agree("40,0")
    wire = Wire(beat)
    with pytest.raises(LinkLost, match=r"silent for 0\.05 seconds"):
        _exchange_until_lost(wire)
    wire.close()


def _exchange_until_lost(wire: Wire) -> None:
    for _ in range(10):
        wire.link.exchange(wire.wake_read, 5)


def test_we_beat_when_we_have_nothing_to_say() -> None:
    beat = HeartBeat(0, 20)
    beat.agree("0,24")
    wire = Wire(beat)
    wire.link.exchange(wire.wake_read, 5)
    assert wire.peer.recv(10) == b"\n"
    wire.close()
