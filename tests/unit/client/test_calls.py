from __future__ import annotations

import json
import threading

import pytest

from vdsm.client.calls import PendingCalls, encode_request


def test_a_reply_finds_its_call() -> None:
    calls = PendingCalls()
    first, second = calls.add(), calls.add()
    assert calls.answer({"id": second.id, "result": 2})
    reply = second.wait(0)
    assert reply is not None
    assert reply.message == {"id": second.id, "result": 2}
    assert first.wait(0) is None


def test_nobody_waits_for_a_stranger_or_a_discarded_call() -> None:
    calls = PendingCalls()
    call = calls.add()
    calls.discard(call)
    assert not calls.answer({"id": call.id})
    assert not calls.answer({"id": None})
    assert not calls.answer({})


def test_a_caller_is_woken_by_a_failure_of_all() -> None:
    calls = PendingCalls()
    call = calls.add()
    threading.Timer(0.01, calls.fail_all, ["lost"]).start()
    reply = call.wait(5)
    assert reply is not None
    assert (reply.message, reply.failure) == (None, "lost")


def test_ids_differ_between_connections() -> None:
    assert PendingCalls().add().id != PendingCalls().add().id


def test_requests_and_notifications() -> None:
    request = json.loads(encode_request("Host.ping2", {"a": "ü"}, "7"))
    assert request == {"jsonrpc": "2.0", "method": "Host.ping2", "params": {"a": "ü"}, "id": "7"}
    assert "id" not in json.loads(encode_request("|a|b|c", {}, None))
    with pytest.raises(TypeError):
        encode_request("x", object(), "1")


def test_numbers_that_json_does_not_have_are_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_request("Host.x", {"seconds": float("nan")}, "1")
