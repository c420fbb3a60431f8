"""Calls of one connection: answers, batches, limits, and peers that go away."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.unit.rpc.conftest import Rig
from vdsm.rpc.connection import RpcLimits


async def test_an_immediate_call_is_answered_before_call_returns(rig: Rig) -> None:
    answer = rig.call("Test.ping", request_id="a-uuid")
    assert answer.done()
    assert answer.result() == {"jsonrpc": "2.0", "id": "a-uuid", "result": True}
    assert rig.log.lines == [("Test.ping", "192.0.2.1,4711", "flow", 0, "")]
    assert rig.server.counters.of("Test.ping").calls == 1


async def test_a_waiting_call_is_answered_when_it_ends(rig: Rig) -> None:
    answer = rig.call("Test.start", {"vmID": "a", "count": "7", "force": "true"})
    await asyncio.sleep(0)
    assert not answer.done()
    rig.gate.set()
    assert (await answer)["result"] == {"vmId": "a", "count": 7, "force": True}


async def test_errors_carry_code_and_message_only(rig: Rig) -> None:
    answer = await rig.call("Test.start", {"vmID": "gone"})
    assert answer["error"] == {"code": 1, "message": "Virtual machine gone does not exist on this host"}
    assert rig.log.lines[0][3] == 1
    assert rig.server.counters.of("Test.start").errors == 1


async def test_a_bug_tells_an_incident_and_nothing_else(rig: Rig) -> None:
    answer = await rig.call("Test.broken")
    assert answer["error"]["code"] == -32603
    assert "secret" not in answer["error"]["message"]
    assert "incident" in answer["error"]["message"]


def _nested(depth: int) -> object:
    value: object = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("result", ["\udc80", object(), _nested(3000)], ids=["surrogate", "object", "depth"])
async def test_a_result_that_json_cannot_carry_is_a_bug_and_answered(rig: Rig, result: object) -> None:
    rig.odd_result = result
    answer = await asyncio.wait_for(rig.call("Test.odd"), 5)
    assert answer["error"]["code"] == -32603
    assert rig.log.lines[0][3] == -32603
    batch = b'[{"jsonrpc":"2.0","method":"Test.odd","id":1},{"jsonrpc":"2.0","method":"Test.ping","id":2}]'
    by_id = {item["id"]: item for item in await asyncio.wait_for(rig.send(batch), 5)}
    assert by_id[1]["error"]["code"] == -32603
    assert by_id[2]["result"] is True


async def test_a_call_that_is_cancelled_from_within_is_answered(rig: Rig) -> None:
    answer = await asyncio.wait_for(rig.call("Test.givenUp"), 5)
    assert answer["error"]["code"] == -32603
    assert rig.log.lines[0][:4] == ("Test.givenUp", "192.0.2.1,4711", "flow", -32603)
    assert rig.server.counters.in_flight == 0


async def test_unknown_and_unimplemented_methods(rig: Rig) -> None:
    assert (await rig.call("Test.nothing"))["error"]["code"] == -32601
    assert (await rig.call("Test.missing"))["error"]["code"] == 44


async def test_a_notification_is_run_and_not_answered(rig: Rig) -> None:
    rig.gate.set()
    answer = rig.send(b'{"jsonrpc":"2.0","method":"Test.start","params":{"vmID":"n"}}')
    while not rig.started:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert rig.started == ["n"]
    assert not answer.done()


async def test_a_batch_runs_at_once_and_is_answered_as_one(rig: Rig) -> None:
    calls = [
        {"jsonrpc": "2.0", "method": "Test.start", "params": {"vmID": "one"}, "id": 1},
        {"jsonrpc": "2.0", "method": "Test.ping", "id": 2},
        {"jsonrpc": "2.0", "method": "Test.ping"},
        {"jsonrpc": "1.0", "method": "Test.ping", "id": 4},
    ]
    answer = rig.send(json.dumps(calls).encode())
    await asyncio.sleep(0)
    assert not answer.done()
    rig.gate.set()
    by_id = {item["id"]: item for item in await answer}
    assert by_id[1]["result"]["vmId"] == "one"
    assert by_id[2]["result"] is True
    assert by_id[4]["error"]["code"] == -32600
    assert len(by_id) == 3


async def test_a_batch_of_notifications_is_not_answered(rig: Rig) -> None:
    answer = rig.send(b'[{"jsonrpc":"2.0","method":"Test.ping"},{"jsonrpc":"2.0","method":"Test.ping"}]')
    await asyncio.sleep(0)
    assert not answer.done()
    assert rig.server.counters.of("Test.ping").calls == 2


async def test_batches_have_a_limit() -> None:
    rig = Rig(RpcLimits(batch=2))
    answer = await rig.send(b"[1,2,3]")
    assert answer["error"]["code"] == -32600
    assert "limit is 2" in answer["error"]["message"]
    assert (await rig.send(b"[]"))["error"]["code"] == -32600


async def test_what_is_no_json_is_told_so(rig: Rig) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[1,", b"[" * 5000):
        assert (await rig.send(body))["error"]["code"] == -32700
    assert rig.server.counters.unreadable == 5


async def test_what_is_no_request_keeps_its_id(rig: Rig) -> None:
    answer = await rig.send(b'{"jsonrpc":"2.0","method":5,"id":"mine"}')
    assert (answer["id"], answer["error"]["code"]) == ("mine", -32600)
    assert (await rig.send(b"17"))["id"] is None


async def test_calls_under_way_have_a_limit() -> None:
    rig = Rig(RpcLimits(in_flight_per_connection=2))
    first = [rig.call("Test.read", request_id=n) for n in range(2)]
    refused = await rig.call("Test.read", request_id=9)
    assert refused["error"]["code"] == 1100
    assert (await rig.call("Test.ping"))["result"] is True
    rig.gate.set()
    assert [(await answer)["result"] for answer in first] == ["read", "read"]
    assert (await rig.call("Test.read"))["result"] == "read"
    assert rig.server.counters.in_flight == 0


async def test_when_the_peer_goes_reads_are_cancelled_and_changes_run_on(rig: Rig) -> None:
    read, change = rig.call("Test.read"), rig.call("Test.start", {"vmID": "late"})
    await asyncio.sleep(0)
    rig.connection.close()
    await asyncio.sleep(0)
    rig.gate.set()
    await rig.server.drain(5.0)
    assert rig.cancelled == ["read"]
    assert rig.started == ["late"]
    assert not read.done()
    assert not change.done()
    outcomes = {line[0]: line[3] for line in rig.log.lines}
    assert outcomes == {"Test.read": -1, "Test.start": 0}


async def test_a_read_that_is_cancelled_before_it_began_holds_nothing(rig: Rig) -> None:
    rig.call("Test.read")
    rig.connection.close()
    await asyncio.sleep(0.01)
    assert rig.server.counters.in_flight == 0


async def test_two_connections_with_equal_ids_get_their_own_answers(rig: Rig) -> None:
    other = Rig()
    rig.gate.set()
    other.gate.set()
    mine, theirs = rig.call("Test.start", {"vmID": "a"}), other.call("Test.start", {"vmID": "b"})
    assert ((await mine)["result"]["vmId"], (await theirs)["result"]["vmId"]) == ("a", "b")
