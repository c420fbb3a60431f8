"""A small contract and a server of it, for the tests of the RPC layer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from vdsm.common.context import CallContext, Peer
from vdsm.common.contract import Effect, Handler, Method, UnionMember, UnionTable, WireUnion
from vdsm.common.errors import NoSuchVM, VMExists
from vdsm.models.wire import OpenStruct
from vdsm.rpc.connection import RpcConnection, RpcLimits, RpcServer
from vdsm.rpc.counters import RpcCounters
from vdsm.rpc.dispatcher import Dispatcher
from vdsm.rpc.faults import Faults
from vdsm.rpc.params import ParamsReader
from vdsm.rpc.registry import Registry


class NoParams(msgspec.Struct, frozen=True):
    pass


class Source(WireUnion):
    __slots__ = ()


class PathSource(OpenStruct, Source, frozen=True, kw_only=True):
    path: str


class LunSource(OpenStruct, Source, frozen=True, kw_only=True):
    guid: str = msgspec.field(name="GUID")


class Options(OpenStruct, frozen=True, kw_only=True):
    size: int = 0
    label: str = ""


class StartParams(msgspec.Struct, frozen=True):
    vm_id: str = msgspec.field(name="vmID")
    count: int = 1
    force: bool = False
    options: Options | None = None
    source: Source | None = None


PING = Method("Test.ping", NoParams, (), Effect.READ, 10.0)
START = Method("Test.start", StartParams, ("vmID", "count", "force", "options", "source"), Effect.CHANGE, 10.0)
READ = Method("Test.read", NoParams, (), Effect.READ, 10.0)
MISSING = Method("Test.missing", NoParams, (), Effect.READ, 10.0)
ODD = Method("Test.odd", NoParams, (), Effect.READ, 10.0)
GIVEN_UP = Method("Test.givenUp", NoParams, (), Effect.CHANGE, 10.0)
BROKEN = Method("Test.broken", NoParams, (), Effect.READ, 10.0)
METHODS = (PING, START, READ, MISSING, ODD, GIVEN_UP, BROKEN)

UNIONS: UnionTable = MappingProxyType(
    {
        Source: (
            UnionMember(frozenset({"path"}), PathSource),
            UnionMember(frozenset({"GUID"}), LunSource),
        )
    }
)
TEXT_KEYS: Mapping[type, str] = MappingProxyType({Source: "path"})
CODES = MappingProxyType({"NoSuchVM": 1, "VMExists": 4, "NotImplementedHere": 44, "VdsmError": 100})
PEER = Peer("tls", "192.0.2.1,4711", subject="manager")


@dataclass
class Recorder:
    """The call log of a test."""

    lines: list[tuple[str, str, str, int, str]] = field(default_factory=list)

    def record(self, method: str, peer: str, correlation_id: str, seconds: float, code: int, detail: str = "") -> None:
        assert seconds >= 0
        self.lines.append((method, peer, correlation_id, code, detail))


class Rig:
    """A server of the small contract."""

    def __init__(self, limits: RpcLimits | None = None) -> None:
        self.log = Recorder()
        self.unknown: list[tuple[str, tuple[str, ...]]] = []
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.gate = asyncio.Event()
        self.odd_result: object = None
        handlers: dict[str, Handler] = {
            "Test.ping": self.ping,
            "Test.start": self.start,
            "Test.read": self.read,
            "Test.odd": self.odd,
            "Test.givenUp": self.given_up,
            "Test.broken": self.broken,
        }
        registry = Registry(METHODS, handlers)
        dispatcher = Dispatcher(registry, ParamsReader(UNIONS, TEXT_KEYS), Faults(CODES), self._unknown)
        self.server = RpcServer(registry, dispatcher, self.log, RpcCounters(), limits)
        self.connection: RpcConnection = self.server.open(PEER)

    def _unknown(self, context: CallContext, names: tuple[str, ...]) -> None:
        self.unknown.append((context.method, names))

    def ping(self, _context: CallContext, _params: object) -> bool:
        return True

    async def start(self, _context: CallContext, params: StartParams) -> dict[str, Any]:
        if params.vm_id == "gone":
            raise NoSuchVM(vm_id=params.vm_id)
        if params.vm_id == "twice":
            raise VMExists(vm_id=params.vm_id)
        await self.gate.wait()
        self.started.append(params.vm_id)
        return {"vmId": params.vm_id, "count": params.count, "force": params.force}

    async def read(self, _context: CallContext, _params: object) -> str:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append("read")
            raise
        return "read"

    def odd(self, _context: CallContext, _params: object) -> object:
        return self.odd_result

    async def given_up(self, _context: CallContext, _params: object) -> None:
        work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work.cancel()
        await work

    def broken(self, _context: CallContext, _params: object) -> None:
        raise KeyError("a secret detail")

    def call(self, method: str, params: object = None, request_id: object = 1) -> asyncio.Future[Any]:
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "id": request_id}
        if params is not None:
            body["params"] = params
        return self.send(json.dumps(body).encode())

    def send(self, body: bytes, correlation_id: str = "flow") -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.connection.call(body, correlation_id, lambda data: answer.set_result(json.loads(data)))
        return answer


@pytest.fixture
async def rig() -> Rig:
    return Rig()
