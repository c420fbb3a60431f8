from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from supervdsm.peer import Caller
from supervdsm.policy import Answer, build
from supervdsm.session import Call, Session
from supervdsm.settings import Settings
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import BackendTimeout, ResourceExhausted
from vdsm.common.ipc import LONGEST_CORRELATION_ID, Link, Packet, Reply, Request
from vdsm.models.privileged import VERSION


class Bench:
    """A session, the calls it made, and the agent's end of its connection."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.agent = Link(ours, lambda _operation: 1 << 20)
        self.calls: list[Call] = []
        self.refuse = False
        rules = build(Settings())
        self.session = Session(Link(theirs, lambda _operation: 0), Caller(5, 36, 36), rules, self._on_call)

    def _on_call(self, call: Call) -> None:
        if self.refuse:
            raise ResourceExhausted(resource="threads", limit=1, remedy="wait")
        self.calls.append(call)

    def take(self, fds: FdSet | None = None, **request: Any) -> None:
        plain = {"id": 1, "operation": "ping", "deadline": 1.0, **request}
        self.session.take(Packet(msgspec.json.encode(plain), fds or FdSet()))

    def reply(self) -> tuple[Reply, FdSet]:
        packet = self.agent.receive()
        assert packet is not None
        return msgspec.json.decode(packet.payload, type=Reply), packet.fds

    def error(self) -> str:
        reply, _ = self.reply()
        assert reply.error is not None
        return reply.error.kind


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.session.close()
    made.agent.close()


def test_the_agent_is_greeted(bench: Bench) -> None:
    bench.session.greet()
    reply, _ = bench.reply()
    assert (reply.id, msgspec.json.decode(reply.result)) == (0, {"pid": os.getpid(), "version": VERSION})


def test_a_request_becomes_a_call(bench: Bench) -> None:
    bench.take(id=9, correlation_id="c")
    (call,) = bench.calls
    assert (call.id, call.rule.spec.name, call.correlation_id) == (9, "ping", "c")
    assert 0.9 < call.expires - call.started <= 1.01


def test_the_operation_bounds_the_deadline(bench: Bench) -> None:
    bench.take(deadline=1e9)
    assert bench.calls[0].expires - bench.calls[0].started < 2.01


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"operation": "reboot"}, "NotImplementedHere"),
        ({"params": {"argv": ["sh"]}}, "InvalidParameter"),
        ({"deadline": 0}, "RemoteProtocolError"),
        ({"deadline": -1.0}, "RemoteProtocolError"),
        ({"correlation_id": "x" * (LONGEST_CORRELATION_ID + 1)}, "RemoteProtocolError"),
        ({"params": {"x": "y" * 5000}}, "RemoteProtocolError"),
    ],
)
def test_what_is_not_allowed_is_answered(bench: Bench, request_: dict[str, Any], kind: str) -> None:
    bench.take(**request_)
    assert bench.error() == kind
    assert not bench.calls


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"deadline": 0}, "the deadline of ping is 0 s, it must be more than 0"),
        (
            {"correlation_id": "x" * 200},
            f"the correlation id has 200 characters, {LONGEST_CORRELATION_ID} are allowed",
        ),
        ({"params": {"x": "y" * 5000}}, " bytes, 4096 are allowed"),
    ],
)
def test_a_refusal_says_what_was_found(bench: Bench, request_: dict[str, Any], reason: str) -> None:
    bench.take(**request_)
    reply, _ = bench.reply()
    assert reply.error is not None
    assert reason in reply.error.message


def test_descriptors_in_a_request_are_refused_and_closed(bench: Bench) -> None:
    fds = FdSet([os.open(os.devnull, os.O_RDONLY)])
    bench.take(fds=fds)
    assert bench.error() == "RemoteProtocolError"
    assert not fds


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id":"1","operation":"ping","deadline":1}',
        b'{"id":-1,"operation":"ping","deadline":1}',
        b'{"id":1' + b"0" * 6000 + b',"operation":"ping","deadline":1}',
        b'{"id":1,"operation":"\\ud800","deadline":1}',
        b'{"id":1,"operation":"ping","deadline":1e999}',
    ],
    ids=range(10),
)
def test_garbage_is_answered_and_counted(bench: Bench, payload: bytes) -> None:
    bench.session.take(Packet(payload, FdSet()))
    assert bench.error() == "RemoteProtocolError"
    assert bench.session.garbage == 1


def test_a_refused_call_is_answered(bench: Bench) -> None:
    bench.refuse = True
    bench.take()
    assert bench.error() == "ResourceExhausted"


def test_a_result_goes_back_with_its_descriptors(bench: Bench) -> None:
    bench.take(id=4)
    fds = FdSet([os.open(os.devnull, os.O_RDONLY)])
    bench.session.answer(bench.calls[0], Answer(b'{"pid":1}', fds), None)
    reply, received = bench.reply()
    assert (reply.id, reply.operation, bytes(reply.result), len(received)) == (4, "ping", b'{"pid":1}', 1)
    assert not fds
    received.close()


def test_an_error_goes_back(bench: Bench) -> None:
    bench.take()
    bench.session.answer(bench.calls[0], None, BackendTimeout(backend="b", operation="o", timeout=1))
    assert bench.error() == "BackendTimeout"


def test_a_request_round_trips_through_its_structure(bench: Bench) -> None:
    request = Request(id=2, operation="ping", deadline=0.5)
    bench.session.take(Packet(msgspec.json.encode(request), FdSet()))
    assert bench.calls[0].id == 2
