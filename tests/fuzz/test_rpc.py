"""10^5 requests that are damaged, absurd or hostile, through the whole RPC layer with the real contract.

Handlers are stubs: what is shown is that envelope, limits, batches, parameters and errors take anything. Every input
that wants an answer has exactly one, which is JSON-RPC with an int code and a message, and nothing stays in memory.
The STOMP codec has its 10^5 in tests/unit/common/test_stomp.py, the helper's protocol in
tests/contract/test_privileged.py.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.fuzz.memory import flat_memory
from tests.unit.rpc.conftest import Recorder
from vdsm.app.contract import contract_methods, contract_text_keys, contract_unions
from vdsm.common.context import CallContext, Peer
from vdsm.models.errors import CODES
from vdsm.rpc.connection import RpcLimits, RpcServer
from vdsm.rpc.counters import RpcCounters
from vdsm.rpc.dispatcher import Dispatcher
from vdsm.rpc.faults import Faults
from vdsm.rpc.params import ParamsReader
from vdsm.rpc.registry import Registry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

INPUTS = 100_000
WARM = 5_000
_WIRE_CODES = frozenset({-32700, -32600, -32601, -32602, 11, 91})
_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, -(2**80), 1e308, "", "x" * 300, "\0", "\ud800", "é\n", [], {}, [[[]]],
    {"a": {"b": 1}}, "00000000-0000-4000-8000-000000000000", ["vmID"], {"vmId": None}, float("nan"), float("-inf"), "1",
    "true",
)  # fmt: skip


class _Silent(Recorder):
    """A call log that counts and keeps nothing."""

    def record(self, method: str, peer: str, correlation_id: str, seconds: float, code: int, detail: str = "") -> None:
        assert isinstance(code, int)
        assert len(detail) < 4096


def _server() -> RpcServer:
    methods = tuple(contract_methods())

    def stub(_context: CallContext, _params: object) -> bool:
        return True

    registry = Registry(methods, {method.name: stub for method in methods})
    reader = ParamsReader(contract_unions(), contract_text_keys())
    dispatcher = Dispatcher(registry, reader, Faults(CODES), lambda context, names: None)
    return RpcServer(registry, dispatcher, _Silent(), RpcCounters(), RpcLimits(batch=16))


class _Maker:
    """Makes inputs; the same ones each time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._methods = [(method.name, method.order) for method in contract_methods()]
        makers: tuple[Callable[[], bytes], ...] = (self.garbage, self.odd_json, self.request, self.damaged, self.batch)
        self._makers = makers

    def input(self) -> bytes:
        """Any one."""
        return self._random.choice(self._makers)()

    def garbage(self) -> bytes:
        return self._random.randbytes(self._random.randrange(200))

    def odd_json(self) -> bytes:
        return self._json(self._random.choice(_STRANGE))

    def request(self) -> bytes:
        return self._json(self._request())

    def damaged(self) -> bytes:
        whole = bytearray(self._json(self._request()))
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(whole))
            match self._random.randrange(3):
                case 0:
                    whole[at] = self._random.randrange(256)
                case 1:
                    del whole[at:]
                    whole += b" "
                case _:
                    whole[at:at] = self._random.choice((b'"', b"{", b"[" * 50, b"\0", b"\\ud8", b"1e999", b",,"))
        return bytes(whole)

    def batch(self) -> bytes:
        members = [self._random.choice((self._request, self._strange))() for _ in range(self._random.randrange(20))]
        return self._json(members)

    def _strange(self) -> Any:
        return self._random.choice(_STRANGE)

    def _request(self) -> dict[str, Any]:
        choice = self._random
        name, order = choice.choice(self._methods)
        if choice.random() < 0.1:
            name = choice.choice(("", "Host", "Host.", ".ping2", "VM.__init__", "x" * 200, "Host.ping2\0"))
        params: Any = {key: self._value(3) for key in order if choice.random() < 0.8}
        if choice.random() < 0.2:
            params = self._strange()
        elif choice.random() < 0.2:
            params = list(params.values())
        elif choice.random() < 0.3:
            params[choice.choice(("extra", "", "__class__", "vmId"))] = self._strange()
        request: dict[str, Any] = {"jsonrpc": "2.0", "method": name, "params": params, "id": self._strange()}
        if choice.random() < 0.15:
            del request[choice.choice(tuple(request))]
        if choice.random() < 0.1:
            request[choice.choice(("jsonrpc", "method"))] = self._strange()
        return request

    def _value(self, depth: int) -> Any:
        choice = self._random
        if depth == 0 or choice.random() < 0.7:
            return self._strange()
        keys = ("vmId", "xml", "path", "GUID", "iface", "index", "poolID", "x", "device")
        return {key: self._value(depth - 1) for key in choice.sample(keys, 3)}

    @staticmethod
    def _json(value: Any) -> bytes:
        return json.dumps(value).encode()


def _check(answer: Any) -> None:
    assert answer["jsonrpc"] == "2.0"
    assert "id" in answer
    if "error" in answer:
        error = answer["error"]
        assert set(error) == {"code", "message"}
        assert error["code"] in _WIRE_CODES, error
        assert 0 < len(error["message"]) < 4096
        assert "Traceback" not in error["message"]
    else:
        assert answer["result"] is True


def test_any_input_meets_an_answer_or_silence() -> None:
    maker, server = _Maker(2026), _server()
    connection = server.open(Peer("tls", "192.0.2.1,4711", subject="fuzz"))
    answers: list[bytes] = []
    outcomes = {"results": 0, "errors": 0, "silence": 0}
    with flat_memory() as watch:
        for number in range(INPUTS + WARM):
            if number == WARM:
                watch.begin()
            connection.call(maker.input(), "flow", answers.append)
            assert len(answers) <= 1
            if not answers:
                outcomes["silence"] += 1
                continue
            found = json.loads(answers.pop())
            for answer in found if isinstance(found, list) else [found]:
                _check(answer)
                outcomes["errors" if "error" in answer else "results"] += 1
    assert min(outcomes.values()) > 300, outcomes
    assert server.counters.in_flight == 0
