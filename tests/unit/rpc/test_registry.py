"""Verbs and their handlers."""

from __future__ import annotations

import pytest

from tests.unit.rpc.conftest import METHODS
from vdsm.common.context import CallContext
from vdsm.rpc.registry import Registry


def _now(_context: CallContext, _params: object) -> int:
    return 1


async def _later(_context: CallContext, _params: object) -> int:
    return 1


def test_handlers_are_bound_by_name() -> None:
    registry = Registry(METHODS, {"Test.ping": _now, "Test.read": _later})
    ping, read, missing = registry.get("Test.ping"), registry.get("Test.read"), registry.get("Test.missing")
    assert ping is not None
    assert ping.immediate
    assert read is not None
    assert not read.immediate
    assert missing is not None
    assert missing.handler is None
    assert registry.get("Test.other") is None
    assert registry.implemented() == {"Test.ping", "Test.read"}
    assert len(list(registry)) == len(METHODS)


def test_a_handler_without_a_verb_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"Test\.other"):
        Registry(METHODS, {"Test.other": _now})
