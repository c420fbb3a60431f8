from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from tests.unit.client.agent import EVENTS, SILENT, Agent
from vdsm.client.connection import NotOpen
from vdsm.client.endpoint import UnixEndpoint
from vdsm.client.session import EventQueue, Session
from vdsm.common.errors import LocalProtocolError


@pytest.fixture
def session(agent: Agent) -> Iterator[Session]:
    made = Session(UnixEndpoint(str(agent.path)), heartbeat_ms=(0, 0), retries=0, reconnect_interval=0.01)
    yield made
    made.close()


def soon() -> float:
    return time.monotonic() + 5


def test_each_session_has_a_reply_queue_of_its_own(agent: Agent, session: Session) -> None:
    other = Session(UnixEndpoint(str(agent.path)), heartbeat_ms=(0, 0), retries=0, reconnect_interval=0.01)
    session.call("Host.ping2", {}, None, soon())
    other.call("Host.ping2", {}, None, soon())
    other.close()
    queues = {headers["reply-to"] for command, headers, _ in agent.frames if command == "SEND"}
    assert len(queues) == 2


def test_a_call_and_its_reply(agent: Agent, session: Session) -> None:
    reply = session.call("Host.echo", {"message": "x"}, "flow", soon())
    assert reply is not None
    assert reply.message is not None
    assert reply.message["result"] == "x"
    assert agent.calls == [("Host.echo", {"message": "x"}, "flow")]


def test_no_reply_until_the_deadline(agent: Agent, session: Session) -> None:
    agent.methods["Host.ping2"] = lambda _: SILENT
    assert session.call("Host.ping2", {}, None, time.monotonic() + 0.05) is None


def test_a_subscription_feeds_its_queue_alone(agent: Agent, session: Session) -> None:
    mine: EventQueue = queue.Queue()
    others: EventQueue = queue.Queue()
    session.subscribe(EVENTS, mine)
    session.subscribe("jms.queue.other", others)
    session.subscribe(EVENTS, None)
    session.call("Host.ping2", {}, None, soon())
    agent.event("|a|b|c")
    event = mine.get(timeout=5)
    assert event is not None
    assert event["method"] == "|a|b|c"
    assert others.empty()


def test_what_cannot_be_sent_is_told(session: Session) -> None:
    with pytest.raises(TypeError):
        session.call("Host.ping2", {"x": object()}, None, soon())
    with pytest.raises(LocalProtocolError):
        session.subscribe("nul\0", None)
    session.close()
    with pytest.raises(NotOpen):
        session.call("Host.ping2", {}, None, soon())
    with pytest.raises(NotOpen):
        session.notify("|a|b|c", EVENTS, {})


def test_an_event_nested_without_end_is_dropped_and_calls_go_on(agent: Agent, session: Session) -> None:
    events: EventQueue = queue.Queue()
    session.subscribe(EVENTS, events)
    assert agent.subscribed.acquire(timeout=5)
    agent.publish(EVENTS, b"[" * 100_000)
    reply = session.call("Host.ping2", {}, None, soon())
    assert reply is not None
    assert reply.message is not None
    assert events.empty()
