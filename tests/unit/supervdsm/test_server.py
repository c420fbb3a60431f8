from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from supervdsm.peer import Gate, HandedIdentity
from supervdsm.policy import Rule
from supervdsm.server import MAX_SESSIONS, Server
from supervdsm.settings import Settings
from supervdsm.worker import Workers
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import BackendTimeout
from vdsm.common.ipc import BlockingEndpoint, Reply
from vdsm.models.privileged import ChannelOpen, ChannelOpenResult, Ping, PingResult

VM_ID = "6d1dcc3c-9bb4-4d0c-8d7a-9e3d0b1d2f11"
CHANNEL = {"vm_id": VM_ID, "channel": "org.qemu.guest_agent.0"}


class _Anybody:
    def refusal(self, pid: int) -> str | None:
        return None if pid else "nobody"


class Bench:
    """A server on a thread, with a ping that the test can hold and a channel_open that gives /dev/null away."""

    def __init__(self, directory: Path, *, handed: HandedIdentity | None = None, uid: int | None = None) -> None:
        self.path = directory / "sock"
        self.hold = threading.Event()
        self.hold.set()
        self.released = threading.Event()
        self.stop_end, stop = socket.socketpair()
        self._stop = stop
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        rules = {
            "ping": Rule(Ping, self._ping, Settings()),
            "channel_open": Rule(ChannelOpen, self._open, Settings()),
        }
        gate = Gate(os.getuid() if uid is None else uid, handed or _Anybody())
        self.server = Server(
            self._listener,
            stop.fileno(),
            gate,
            rules,
            handed,
            lambda wake: Workers(wake, size=1, write_off_budget=2, max_queued=2),
        )
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()
        self.ends: list[BlockingEndpoint] = []

    def _ping(self, _params: Ping, _settings: Settings) -> PingResult:
        self.hold.wait(20)
        return PingResult(pid=1, uptime=2)

    def _open(self, _params: ChannelOpen, _settings: Settings) -> tuple[ChannelOpenResult, FdSet]:
        self.hold.wait(20)
        return ChannelOpenResult(layout="direct"), FdSet([os.open(os.devnull, os.O_RDONLY)])

    def connect(self, *, greeted: bool = True) -> BlockingEndpoint:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(str(self.path))
        end = BlockingEndpoint(sock, lambda _operation: 1 << 20)
        self.ends.append(end)
        if greeted:
            assert reply_of(end).error is None
        return end

    def close(self) -> None:
        self.hold.set()
        self.stop_end.send(b"x")
        self._thread.join(10)
        assert not self._thread.is_alive()
        for end in self.ends:
            end.close()
        for sock in (self.stop_end, self._stop, self._listener):
            sock.close()


def ask(end: BlockingEndpoint, number: int, operation: str = "ping", **request: Any) -> None:
    plain = {"id": number, "operation": operation, "deadline": 5.0, **request}
    end.send(msgspec.json.encode(plain), operation, timeout=5)


def reply_of(end: BlockingEndpoint) -> Reply:
    packet = end.receive(timeout=5)
    assert packet is not None
    packet.fds.close()
    return msgspec.json.decode(packet.payload, type=Reply)


def kind_of(end: BlockingEndpoint) -> str:
    error = reply_of(end).error
    return error.kind if error is not None else "ok"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_a_call_is_served(bench: Bench) -> None:
    end = bench.connect()
    ask(end, 7)
    reply = reply_of(end)
    assert (reply.id, bytes(reply.result)) == (7, b'{"pid":1,"uptime":2}')


def test_a_descriptor_comes_with_its_answer(bench: Bench) -> None:
    end = bench.connect()
    ask(end, 1, "channel_open", params=CHANNEL)
    packet = end.receive(timeout=5)
    assert packet is not None
    with packet.fds:
        assert os.fstat(packet.fds.numbers[0]).st_rdev == Path(os.devnull).stat().st_rdev


def test_a_call_past_its_deadline_is_answered_and_others_go_on(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1, deadline=0.05)
    assert kind_of(end) == "BackendTimeout"
    bench.hold.set()
    ask(end, 2)
    assert kind_of(end) == "ok"


def test_a_call_that_never_began_says_so(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1)
    ask(end, 2, deadline=0.05)
    reply = reply_of(end)
    assert reply.id == 2
    assert reply.error is not None
    assert reply.error.kind == "ResourceExhausted"
    bench.hold.set()
    assert reply_of(end).id == 1


def test_stuck_threads_are_written_off_within_a_budget(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    for number in (1, 2):
        ask(end, number, deadline=0.05)
        assert kind_of(end) == "BackendTimeout"
    ask(end, 3)
    assert kind_of(end) == "ResourceExhausted"


def test_a_late_descriptor_is_closed(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1, "channel_open", params=CHANNEL, deadline=0.05)
    assert kind_of(end) == "BackendTimeout"
    bench.hold.set()
    # another thread has taken the late one's place, so an answer says nothing about it; no_leaks looks for descriptors
    until = time.monotonic() + 5
    while bench.server._jobs:
        assert time.monotonic() < until
        time.sleep(0.005)
    ask(end, 2)
    assert kind_of(end) == "ok"


def test_the_answer_of_a_caller_that_left_is_dropped(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1, "channel_open", params=CHANNEL)
    end.close()
    bench.hold.set()
    again = bench.connect()
    ask(again, 1)
    assert kind_of(again) == "ok"


def test_garbage_is_survived(bench: Bench) -> None:
    end = bench.connect()
    for payload in (b"garbage", b'{"memfd":1}', b"x" * 100_000):
        end.send(payload, "ping", timeout=5)
        assert kind_of(end) == "RemoteProtocolError"
    ask(end, 1)
    assert kind_of(end) == "ok"


def test_connections_are_bounded(bench: Bench) -> None:
    for _ in range(MAX_SESSIONS):
        bench.connect()
    assert kind_of(bench.connect(greeted=False)) == "PermissionDenied"
    bench.ends[0].close()
    # the end of the first is seen in the same turn or before the next accept
    ask(bench.ends[1], 1)
    assert kind_of(bench.ends[1]) == "ok"
    bench.connect()


def test_a_caller_that_does_not_read_is_not_read_either(bench: Bench) -> None:
    end = bench.connect()
    other = bench.connect()
    sent = 0
    with pytest.raises(BackendTimeout):  # noqa: PT012  the connection is full after some number of sends
        while True:
            end.send(b"garbage", "ping", timeout=0.2)
            sent += 1
    assert sent > 10
    ask(other, 1)
    assert kind_of(other) == "ok"


def test_another_uid_is_turned_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path, uid=os.getuid() + 1)
    try:
        end = bench.connect(greeted=False)
        assert kind_of(end) == "PermissionDenied"
        assert end.receive(timeout=5) is None
    finally:
        bench.close()


def test_the_agent_that_is_not_the_named_one_any_more_is_cut(tmp_path: Path) -> None:
    starter, theirs = socket.socketpair()
    bench = Bench(tmp_path, handed=HandedIdentity(theirs))
    try:
        assert kind_of(bench.connect(greeted=False)) == "PermissionDenied"
        starter.sendall(b'{"pid":%d}\n' % os.getpid())
        end = bench.connect()
        ask(end, 1)
        assert kind_of(end) == "ok"
        starter.sendall(b'{"pid":%d}\n' % os.getppid())
        assert end.receive(timeout=5) is None
    finally:
        bench.close()
        starter.close()
        theirs.close()


def test_a_stop_waits_for_the_call_that_runs(bench: Bench) -> None:
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1)
    ask(end, 2)
    bench.stop_end.send(b"x")
    bench.hold.set()
    assert {reply_of(end).id, reply_of(end).id} == {1, 2}
    assert end.receive(timeout=5) is None


def test_a_stop_that_waits_does_not_spin(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float | None] = []
    turn = bench.server._turn  # counted, for a busy loop has no other sign than heat

    def counted(timeout: float | None) -> None:
        turns.append(timeout)
        turn(timeout)

    monkeypatch.setattr(bench.server, "_turn", counted)
    end = bench.connect()
    bench.hold.clear()
    ask(end, 1)
    bench.stop_end.send(b"x")
    threading.Timer(0.5, bench.hold.set).start()
    assert reply_of(end).id == 1
    assert end.receive(timeout=5) is None
    assert len(turns) < 50
