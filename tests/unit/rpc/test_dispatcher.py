"""The lower half of jsonrpcserver, as it is used."""

from __future__ import annotations

import inspect

import jsonrpcserver.async_dispatcher
import pytest

from tests.unit.rpc.conftest import METHODS, PEER, Rig
from vdsm.common.context import CallContext, correlation
from vdsm.rpc.dispatcher import Dispatcher
from vdsm.rpc.faults import Faults
from vdsm.rpc.params import ParamsReader
from vdsm.rpc.registry import BoundVerb, Registry


def _context(method: str) -> CallContext:
    return CallContext(PEER, "flow-1", method, 1e12)


def test_the_library_still_has_what_we_use() -> None:
    parameters = list(inspect.signature(jsonrpcserver.async_dispatcher.dispatch_request).parameters)
    assert parameters == ["methods", "context", "request"]


async def test_what_the_library_binds_takes_a_context_and_parameters_alone(rig: Rig) -> None:
    for method in rig.server.dispatcher._methods.values():
        signature = inspect.signature(method)
        assert [parameter.kind for parameter in signature.parameters.values()] == [
            inspect.Parameter.POSITIONAL_ONLY
        ] * 2
        signature.bind(_context("Test.ping"), None)
        for wrong in ((), (1,), (1, 2, 3)):
            with pytest.raises(TypeError):
                signature.bind(*wrong)


async def test_unknown_parameters_are_reported_once_per_call(rig: Rig) -> None:
    rig.gate.set()
    outcome = await rig.server.dispatcher.dispatch("Test.start", {"vmID": "a", "legal": 1}, _context("Test.start"))
    assert outcome.code == 0
    assert rig.unknown == [("Test.start", ("legal",))]


async def test_a_parameter_that_makes_no_sense_is_invalid_params(rig: Rig) -> None:
    outcome = await rig.server.dispatcher.dispatch("Test.start", {"count": 1}, _context("Test.start"))
    assert outcome.code == -32602
    assert "vmID" in outcome.value


async def test_the_correlation_id_is_set_during_a_call_and_not_after() -> None:
    seen: list[str] = []

    def note(_context: CallContext, _params: object) -> None:
        seen.append(correlation.get())

    registry = Registry(METHODS, {"Test.ping": note})
    dispatcher = Dispatcher(registry, ParamsReader({}, {}), Faults({}), lambda _context, _names: None)
    dispatcher.now("Test.ping", None, _context("Test.ping"))
    assert seen == ["flow-1"]
    assert correlation.get() == ""


async def test_an_immediate_verb_that_waits_is_a_mistake(rig: Rig) -> None:
    verb = rig.server.registry.get("Test.read")
    assert isinstance(verb, BoundVerb)
    with pytest.raises(RuntimeError, match="it waits"):
        rig.server.dispatcher.now("Test.read", None, _context("Test.read"))
