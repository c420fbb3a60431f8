"""The conversation, without any socket: a recording wire stands for the connection."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from tests.unit.transport.harness import EVENTS, REQUESTS, RESPONSES, FakeConnection, Server, make_server
from vdsm.common.context import Peer
from vdsm.common.stomp import COMMANDS, Frame, Parser
from vdsm.transport import TransportLimits
from vdsm.transport.stomp_session import StompSession

CONNECT = Frame("CONNECT", {"accept-version": "1.2", "heart-beat": "0,24000"})


class RecordingWire:
    """What the session wrote, frame by frame."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.failed = ""
        self.finished = False
        self.beats: tuple[float, float] | None = None

    def send(self, data: bytes) -> None:
        parser = Parser()
        parser.feed(data)
        frame = parser.next_frame()
        assert frame is not None
        assert parser.buffered == 0
        self.frames.append(frame)

    push = send

    def fail(self, text: str) -> None:
        self.failed = text

    def finish(self) -> None:
        self.finished = True

    def established(self, outgoing: float, incoming: float) -> None:
        self.beats = (outgoing, incoming)


def _session(server: Server) -> tuple[StompSession, RecordingWire]:
    wire = RecordingWire()
    return StompSession(server.hub, Peer("tls", "192.0.2.1,5"), wire), wire


def _connected(server: Server, *subscriptions: tuple[str, str]) -> tuple[StompSession, RecordingWire, FakeConnection]:
    session, wire = _session(server)
    session.receive(CONNECT)
    wire.frames.clear()
    for subscription_id, destination in subscriptions:
        session.receive(_subscribe(subscription_id, destination))
    return session, wire, server.rpc.connections[-1]


def _subscribe(subscription_id: str, destination: str) -> Frame:
    return Frame("SUBSCRIBE", {"id": subscription_id, "destination": destination})


def _send(body: bytes, destination: str = REQUESTS, **headers: str) -> Frame:
    return Frame("SEND", {"destination": destination, **{k.replace("_", "-"): v for k, v in headers.items()}}, body)


@pytest.mark.parametrize(
    ("offered", "answered", "beats"),
    [
        ("0,24000", "24000,0", (24.0, 0.0)),
        ("1,1", "1000,1000", (1.0, 1.0)),
        ("30000,0", "0,30000", (0.0, 30.0)),
        (None, "0,0", (0.0, 0.0)),
    ],
)
def test_connected_carries_version_and_heart_beat(
    offered: str | None, answered: str, beats: tuple[float, float]
) -> None:
    session, wire = _session(make_server())
    headers = {"accept-version": "1.2"} | ({"heart-beat": offered} if offered else {})
    session.receive(Frame("CONNECT", headers))
    assert wire.frames == [Frame("CONNECTED", {"version": "1.2", "heart-beat": answered})]
    assert wire.beats == beats


@pytest.mark.parametrize("version", ["1.1", "1.0,1.1", "", "11.2", None])
def test_other_versions_are_refused(version: str | None) -> None:
    server = make_server()
    session, wire = _session(server)
    session.receive(Frame("CONNECT", {} if version is None else {"accept-version": version}))
    assert wire.failed == "Version unsupported"
    assert server.rpc.connections == []


def test_version_among_others_is_taken() -> None:
    session, wire = _session(make_server())
    session.receive(Frame("CONNECT", {"accept-version": "1.0,1.1,1.2"}))
    assert wire.frames[0].command == "CONNECTED"


def test_heart_beat_nonsense_is_refused() -> None:
    session, wire = _session(make_server())
    session.receive(Frame("CONNECT", {"accept-version": "1.2", "heart-beat": "soon"}))
    assert "heart-beat" in wire.failed


def test_the_managers_first_frames_in_every_order() -> None:
    frames = (CONNECT, _subscribe("e", EVENTS), _subscribe("r", RESPONSES), _send(b"{}", reply_to=RESPONSES))
    for order in permutations(frames):
        server = make_server()
        session, wire = _session(server)
        for frame in order:
            session.receive(frame)
        assert wire.frames[0].command == "CONNECTED"
        assert len(server.rpc.connections[0].calls) == 1
        subscribed = order.index(frames[2]) < order.index(frames[3])
        assert [f.headers["subscription"] for f in wire.frames[1:]] == (["r"] if subscribed else [])
        wire.frames.clear()
        server.hub.publish(b"event")
        assert [(f.headers["subscription"], f.body) for f in wire.frames] == [("e", b"event")]


def test_too_much_before_connect() -> None:
    session, wire = _session(make_server(TransportLimits(early_frames=3)))
    for number in range(4):
        session.receive(_subscribe(str(number), "q"))
    assert "the limit is 3 frames" in wire.failed


def test_disconnect_before_connect_just_closes() -> None:
    session, wire = _session(make_server())
    session.receive(Frame("DISCONNECT", {"receipt": "1"}))
    assert wire.finished
    assert wire.frames == []


def test_a_reply_has_the_headers_that_clients_need() -> None:
    session, wire, rpc = _connected(make_server(), ("s", RESPONSES))
    session.receive(_send(b'{"id":1}', reply_to=RESPONSES, ovirtCorrelationId="flow"))
    assert rpc.calls == [(b'{"id":1}', "flow")]
    assert wire.frames == [
        Frame(
            "MESSAGE",
            {
                "destination": RESPONSES,
                "content-type": "application/json",
                "subscription": "s",
                "content-length": "8",
            },
            b'{"id":1}',
        )
    ]


def test_the_default_reply_queue_and_dot_prefix_parents() -> None:
    session, wire, _rpc = _connected(make_server(), ("parent", "jms.topic"), ("other", "jms.topicX"))
    session.receive(_send(b"1", "jms.topic.vdsm_irs_requests"))
    replies = [f for f in wire.frames if f.headers["destination"] == RESPONSES]
    assert [f.headers["subscription"] for f in replies] == ["parent"]


def test_a_reply_without_subscription_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    server = make_server()
    session, wire, _rpc = _connected(server)
    session.receive(_send(b"1", reply_to="nowhere"))
    assert wire.frames == []
    assert server.counters.dropped_replies == 1
    assert [record.message for record in caplog.records if "nowhere" in record.message]


def test_replies_follow_subscribe_and_unsubscribe() -> None:
    session, wire, _rpc = _connected(make_server(), ("one", "q"))
    session.receive(_send(b"1", reply_to="q"))
    session.receive(_subscribe("two", "q"))
    session.receive(_send(b"2", reply_to="q"))
    session.receive(Frame("UNSUBSCRIBE", {"id": "one"}))
    session.receive(_send(b"3", reply_to="q"))
    assert [(f.body, f.headers["subscription"]) for f in wire.frames] == [
        (b"1", "one"), (b"2", "one"), (b"2", "two"), (b"3", "two"),
    ]  # fmt: skip


def test_a_late_reply_after_close_goes_nowhere() -> None:
    server = make_server()
    session, wire, rpc = _connected(server, ("s", RESPONSES))
    session.receive(_send(b"wait"))
    session.close()
    session.close()
    assert rpc.closed
    rpc.pending[0][1](b"late")
    assert wire.frames == []
    assert server.counters.dropped_replies == 0
    assert len(server.hub.table) == 0


def test_many_reply_queues_hold_no_memory() -> None:
    server = make_server()
    session, _wire, _rpc = _connected(server, ("s", "q"))
    for number in range(1000):
        session.receive(_send(b"1", reply_to=f"q.{number}"))
    assert len(session._routes) <= 64


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Frame("SUBSCRIBE", {"id": "1"}), "Missing destination or subscription id header"),
        (Frame("SUBSCRIBE", {"destination": "q"}), "Missing destination or subscription id header"),
        (_subscribe("s", "q"), "Subscription id already exists"),
        (Frame("UNSUBSCRIBE", {}), "Missing id header"),
        (_send(b"", "nowhere"), "Subscription not available"),
        (Frame("SEND", {}), "Missing destination header"),
    ],
)
def test_mistakes_get_an_error_frame_and_the_connection_goes_on(frame: Frame, text: str) -> None:
    server = make_server()
    session, wire, rpc = _connected(server, ("s", RESPONSES))
    session.receive(frame)
    assert [(f.command, f.body.decode()) for f in wire.frames] == [("ERROR", text)]
    assert server.counters.protocol_errors == 1
    session.receive(_send(b"on"))
    assert rpc.calls == [(b"on", "")]


@pytest.mark.parametrize("frame", [CONNECT, Frame("MESSAGE", {}), Frame("BEGIN", {}), Frame("send", {})])
def test_commands_that_a_client_may_not_send_end_the_connection(frame: Frame) -> None:
    session, wire, _rpc = _connected(make_server())
    session.receive(frame)
    assert wire.failed


def test_unknown_unsubscribe_and_acks_are_ignored() -> None:
    session, wire, _rpc = _connected(make_server())
    for frame in (Frame("UNSUBSCRIBE", {"id": "x"}), Frame("ACK", {"id": "1"}), Frame("NACK", {"id": "1"})):
        session.receive(frame)
    assert wire.frames == []
    assert not wire.failed


def test_too_many_subscriptions() -> None:
    session, wire, _rpc = _connected(make_server(TransportLimits(subscriptions=2)), ("1", "q"), ("2", "q"), ("3", "q"))
    assert "limit is 2" in wire.failed
    session.close()


def test_disconnect_with_and_without_receipt() -> None:
    for headers, expected in (({"receipt": "7:1"}, [Frame("RECEIPT", {"receipt-id": "7:1"})]), ({}, [])):
        session, wire, _rpc = _connected(make_server())
        session.receive(Frame("DISCONNECT", headers))
        assert wire.frames == expected
        assert wire.finished


def test_send_reaches_subscribers_on_other_connections() -> None:
    server = make_server()
    _listener, heard, _rpc = _connected(server, ("l", "chat"))
    speaker, said, rpc = _connected(server)
    speaker.receive(_send(b"hi", "chat.room"))
    assert [(f.headers["destination"], f.headers["subscription"], f.body) for f in heard.frames] == [
        ("chat.room", "l", b"hi")
    ]
    assert said.frames == []
    assert rpc.calls == []


def test_a_request_is_copied_to_explicit_subscribers_and_still_runs() -> None:
    server = make_server()
    _listener, heard, _rpc = _connected(server, ("l", REQUESTS))
    caller, _wire, rpc = _connected(server)
    caller.receive(_send(b"{}"))
    assert [f.body for f in heard.frames] == [b"{}"]
    assert rpc.calls == [(b"{}", "")]


def test_equal_reply_queues_of_two_connections_do_not_mix() -> None:
    server = make_server()
    ends = [_connected(server, ("same", RESPONSES)) for _ in range(2)]
    for number, (session, _wire, _rpc) in enumerate(ends):
        session.receive(_send(b"wait%d" % number, reply_to=RESPONSES))
    for _, _wire, rpc in reversed(ends):
        body, reply = rpc.pending[0]
        reply(body)
    assert [[f.body for f in wire.frames] for _, wire, _rpc in ends] == [[b"wait0"], [b"wait1"]]


def test_random_conversations_never_break_the_session() -> None:
    """Any frames in any order: CONNECTED first or nothing, and close() leaves nothing behind."""
    choice = random.Random(7)
    names = ["id", "destination", "receipt", "reply-to", "accept-version", "heart-beat"]
    values = ["1.2", "0,0", RESPONSES, REQUESTS, EVENTS, "jms", "x"]
    for _ in range(3000):
        server = make_server()
        session, wire = _session(server)
        for _ in range(choice.randrange(1, 12)):
            headers = {choice.choice(names): choice.choice(values) for _ in range(4)}
            session.receive(Frame(choice.choice([*COMMANDS, "X"]), headers, b"b"))
            if wire.failed or wire.finished:
                break
        session.close()
        assert len(server.hub.table) == 0
        assert all(connection.closed for connection in server.rpc.connections)
        assert not wire.frames or wire.frames[0].command == "CONNECTED"
