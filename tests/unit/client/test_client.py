from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.unit.client.agent import EVENTS, SILENT, Agent, Fault
from vdsm import client as api
from vdsm.client.client import Client
from vdsm.client.endpoint import UnixEndpoint
from vdsm.client.index import MethodIndex


@pytest.fixture
def client(agent: Agent, index: MethodIndex) -> Iterator[Client]:
    with Client(UnixEndpoint(str(agent.path)), index, timeout=5, retries=2, reconnect_interval=0.05) as connected:
        yield connected


def test_calls_a_method_by_name(client: Client) -> None:
    assert client.Host.ping2() is True
    assert client.Host.echo(message="grüße") == "grüße"


def test_unknown_names_tell_the_close_ones(client: Client) -> None:
    with pytest.raises(AttributeError, match=r"no method Host\.ping; did you mean Host\.ping2"):
        client.Host.ping()
    with pytest.raises(AttributeError, match=r"no namespace Hots; did you mean Host\?"):
        client.Hots  # noqa: B018 - looking the name up is the test


def test_a_server_error_keeps_code_and_message(client: Client, agent: Agent) -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise Fault(1, "Virtual machine does not exist")

    agent.methods["VM.getStats"] = refuse
    with pytest.raises(api.ServerError) as caught:
        client.VM.getStats(vmID="x")
    assert (caught.value.code, caught.value.resp_msg) == (1, "Virtual machine does not exist")
    assert (caught.value.cmd, caught.value.params) == ("VM.getStats", {"vmID": "x"})


def test_no_answer_is_a_timeout_and_the_connection_goes_on(client: Client, agent: Agent) -> None:
    agent.methods["Host.getAllVmStats"] = lambda _: SILENT
    with pytest.raises(api.TimeoutError, match=r"no answer within 0\.05 seconds"):
        client.Host.getAllVmStats(_timeout=0.05)
    assert client.Host.ping2() is True


def test_a_late_answer_is_dropped(client: Client, agent: Agent) -> None:
    go_on = threading.Event()
    agent.methods["Host.getAllVmStats"] = lambda _: go_on.wait(5)
    with pytest.raises(api.TimeoutError):
        client.Host.getAllVmStats(_timeout=0.05)
    go_on.set()
    assert client.Host.echo(message="mine") == "mine"


def test_flow_id_travels_with_this_threads_calls(client: Client, agent: Agent) -> None:
    with client.flow("outer") as same, client.flow("inner"):
        same.Host.ping2()
    with ThreadPoolExecutor(1) as other, client.flow("mine"):
        other.submit(client.Host.ping2).result()
    assert [flow for _, _, flow in agent.calls] == ["inner", None]


def test_many_threads_get_their_own_answers(client: Client) -> None:
    def echo(number: int) -> bool:
        text = f"{number}:" + "x" * (number * 37)
        return bool(client.Host.echo(message=text) == text)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(echo, range(300)))


def test_events_go_into_the_queue(client: Client, agent: Agent) -> None:
    events: api.EventQueue = queue.Queue()
    subscription = client.subscribe(EVENTS, events)
    client.Host.ping2()
    agent.event("|virt|VM_status|a", a={"status": "Up"}, notify_time=5)
    event = events.get(timeout=5)
    assert event is not None
    assert event["method"] == "|virt|VM_status|a"
    assert event["params"] == {"a": {"status": "Up"}, "notify_time": 5}
    client.unsubscribe(subscription)
    assert agent.unsubscribed.wait(5)
    client.unsubscribe(subscription)


def test_a_full_event_queue_loses_events_and_blocks_nobody(
    client: Client, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    events: api.EventQueue = queue.Queue(maxsize=1)
    client.subscribe(EVENTS, events)
    client.Host.ping2()
    for number in range(3):
        agent.event(f"|x|{number}|")
    assert client.Host.ping2() is True
    assert events.qsize() == 1
    assert "an event was lost" in caplog.text


def test_the_event_queue_ends_with_none(client: Client, agent: Agent) -> None:
    events: api.EventQueue = queue.Queue()
    client.subscribe(EVENTS, events)
    agent.stop()
    assert events.get(timeout=5) is None


def test_notify_reaches_subscribers(client: Client) -> None:
    events: api.EventQueue = queue.Queue()
    client.subscribe("jms.queue.mine", events)
    client.notify("|a|b|c", "jms.queue.mine", {"k": 1})
    event = events.get(timeout=5)
    assert event is not None
    assert event["params"] == {"k": 1}
    assert "id" not in event


def test_reconnects_and_subscribes_again(client: Client, agent: Agent) -> None:
    events: api.EventQueue = queue.Queue()
    client.subscribe(EVENTS, events)
    assert client.Host.ping2() is True
    agent.drop()
    assert client.Host.ping2() is True
    agent.event("|after|x|y")
    event = events.get(timeout=5)
    assert event is not None
    assert event["method"] == "|after|x|y"


def test_a_lost_connection_fails_calls_that_wait(client: Client, agent: Agent) -> None:
    entered = threading.Event()

    def swallow(_: dict[str, Any]) -> Any:
        entered.set()
        return SILENT

    agent.methods["VM.shutdown"] = swallow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.VM.shutdown, vmID="x")
        assert entered.wait(5)
        agent.drop()
        with pytest.raises(api.ClientError, match="whether it took effect is unknown"):
            waiting.result(5)


def test_a_dead_agent_fails_calls_after_the_retries(client: Client, agent: Agent) -> None:
    agent.stop()
    with pytest.raises(api.ClientError):
        client.Host.ping2()
    with pytest.raises(api.ClientError, match="nothing was sent"):
        client.Host.ping2(_timeout=5)


def test_a_closed_client_refuses_calls(client: Client, agent: Agent) -> None:
    client.close()
    client.close()
    assert agent.disconnected.wait(5)
    with pytest.raises(api.ClientError, match="closed by the client"):
        client.Host.ping2()
    with pytest.raises(api.ClientError):
        client.subscribe(EVENTS)


def test_what_cannot_be_sent_is_a_client_error(client: Client) -> None:
    with pytest.raises(api.ClientError, match="nothing was sent"):
        client.Host.echo(message=object())
    with client.flow("nul\0"), pytest.raises(api.ClientError, match="NUL"):
        client.Host.ping2()


def test_messages_that_make_no_sense_are_dropped(
    client: Client, agent: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    events: api.EventQueue = queue.Queue()
    client.subscribe(EVENTS, events)
    client.Host.ping2()
    agent.publish(EVENTS, b"\xff{")
    agent.publish(EVENTS, b"[1]")
    agent.sessions[0].send("ERROR", {"message": "no such thing"})
    assert client.Host.ping2() is True
    assert events.empty()
    assert "not a JSON object" in caplog.text
    assert "no such thing" in caplog.text


def test_an_error_that_is_no_object_is_told(client: Client, agent: Agent) -> None:
    def answer(params: dict[str, Any]) -> Any:
        session = agent.sessions[0]
        reply_to = next(iter(session.subscriptions.values()))
        call_id = agent.frames[-1][2].decode().partition('"id":"')[2].partition('"')[0]
        session.message(reply_to, b'{"jsonrpc":"2.0","id":"%b","error":"bad"}' % call_id.encode())
        return SILENT

    agent.methods["Host.ping2"] = answer
    with pytest.raises(api.ClientError, match="makes no sense"):
        client.Host.ping2()


def test_dir_lists_namespaces(client: Client) -> None:
    assert {"Host", "VM", "subscribe"} <= set(dir(client))
    assert "GlusterVolume" not in dir(client)
