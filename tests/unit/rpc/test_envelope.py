"""Requests from bytes, answers to bytes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.rpc import envelope


@pytest.mark.parametrize("request_id", ['"a"', "1", "1.5", "null", "[1]", '{"a":1}'])
def test_ids_are_echoed_as_they_came(request_id: str) -> None:
    request = envelope.decode(f'{{"jsonrpc":"2.0","method":"Host.ping","id":{request_id}}}'.encode())
    assert not request.is_notification
    assert json.loads(envelope.encode_result(request.id, 1))["id"] == json.loads(request_id)
    assert json.loads(envelope.encode_error(request.id, 5, "no"))["error"] == {"code": 5, "message": "no"}


def test_a_request_without_id_is_a_notification() -> None:
    assert envelope.decode(b'{"jsonrpc":"2.0","method":"m"}').is_notification


def test_results_that_are_encoded_already_are_not_encoded_again() -> None:
    answer = envelope.encode_result(msgspec.Raw(b"7"), msgspec.Raw(b'[{"vmId":"x"}]'))
    assert json.loads(answer) == {"jsonrpc": "2.0", "id": 7, "result": [{"vmId": "x"}]}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_an_envelope_error(body: bytes) -> None:
    try:
        request = envelope.decode(body)
    except envelope.EnvelopeError as error:
        assert error.code in {-32600, -32602, -32700}
    else:
        assert isinstance(request.method, str)


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=4), st.text(min_size=1))
def test_params_round_trip(params: dict[str, int | str], method: str) -> None:
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
    request = envelope.decode(body)
    assert (request.method, request.params) == (method, params)


def test_batches() -> None:
    assert envelope.is_batch(b" \n[")
    assert not envelope.is_batch(b"{}")
    assert [bytes(member) for member in envelope.decode_batch(b"[1, {}]", 2)] == [b"1", b"{}"]
    assert envelope.encode_batch([b"1", b"2"]) == b"[1,2]"
    with pytest.raises(envelope.EnvelopeError, match="limit is 1"):
        envelope.decode_batch(b"[1,2]", 1)


def test_notifications_carry_their_params() -> None:
    event = json.loads(envelope.encode_notification("|virt|VM_status|x", {"x": {"status": "Up"}}))
    assert event == {"jsonrpc": "2.0", "method": "|virt|VM_status|x", "params": {"x": {"status": "Up"}}}


def test_an_error_quotes_little_and_nesting_behind_it_is_survived() -> None:
    with pytest.raises(envelope.EnvelopeError) as failure:
        envelope.decode(b'{"jsonrpc":"' + b"x" * 100_000 + b'","method":"m","id":1}')
    assert (failure.value.code, len(failure.value.message) < 300) == (-32600, True)
    with pytest.raises(envelope.EnvelopeError) as failure:
        envelope.decode(b'{"jsonrpc":"2.0","method":5,"id":1,"params":' + b"[" * 200_000)
    assert (failure.value.code, bytes(failure.value.request_id)) == (-32600, b"null")


@pytest.mark.parametrize("request_id", [b'"\xcf"', b'"\x01"', b'"\\q"'])
@pytest.mark.parametrize("params", [b"{}", b"5"])
def test_an_id_that_is_no_json_is_not_echoed(request_id: bytes, params: bytes) -> None:
    with pytest.raises(envelope.EnvelopeError) as refused:
        envelope.decode(b'{"jsonrpc": "2.0", "method": "Test.ping", "params": %b, "id": %b}' % (params, request_id))
    assert refused.value.code in {-32700, -32600}
    assert bytes(refused.value.request_id) == b"null"


@pytest.mark.parametrize("number", ["1e400", "9" * 5000])
@pytest.mark.parametrize("params", ['{"a": 1, "size": %s}', '{"a": 1, "size": {"x": [%s]}}'])
def test_a_number_that_cannot_be_represented_names_its_parameter(number: str, params: str) -> None:
    body = '{"jsonrpc":"2.0","method":"Test.start","id":7,"params":' + params % number + "}"
    with pytest.raises(envelope.EnvelopeError, match="in parameter 'size' there is a number out of range") as caught:
        envelope.decode(body.encode())
    assert (caught.value.code, bytes(caught.value.request_id)) == (-32602, b"7")


def test_params_of_a_wrong_kind_are_no_request() -> None:
    with pytest.raises(envelope.EnvelopeError) as caught:
        envelope.decode(b'{"jsonrpc":"2.0","method":"Test.start","id":7,"params":5}')
    assert caught.value.code == -32600


def test_an_id_that_cannot_be_represented_is_no_fault_of_the_parameters() -> None:
    with pytest.raises(envelope.EnvelopeError) as caught:
        envelope.decode(b'{"jsonrpc":"2.0","method":"Test.start","id":1e400,"params":{"a":1}}')
    assert caught.value.code == -32600
