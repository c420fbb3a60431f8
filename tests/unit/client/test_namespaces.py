from __future__ import annotations

from typing import Any

import pytest

from vdsm.client.index import MethodIndex
from vdsm.client.namespaces import Namespace, unknown


def test_a_method_passes_name_parameters_and_timeout(index: MethodIndex) -> None:
    calls: list[tuple[str, dict[str, Any], float | None]] = []

    def call(method: str, params: dict[str, Any], timeout: float | None) -> str:
        calls.append((method, params, timeout))
        return "result"

    host = Namespace("Host", index, call)
    assert host.echo(message="x", _timeout=3) == "result"
    assert host.ping2() == "result"
    assert calls == [("Host.echo", {"message": "x"}, 3), ("Host.ping2", {}, None)]
    assert host.echo.__qualname__ == "Host.echo"


def test_methods_lists_names(index: MethodIndex) -> None:
    host = Namespace("Host", index, lambda *_: None)
    assert host.methods == ["echo", "getAllVmStats", "ping2"]
    assert dir(host) == ["echo", "getAllVmStats", "methods", "ping2"]
    assert repr(host) == "<Namespace Host>"


def test_an_unknown_method_is_an_attribute_error(index: MethodIndex) -> None:
    with pytest.raises(AttributeError, match=r"no method Host\.getAllVMStat; did you mean Host\.getAllVmStats\?"):
        Namespace("Host", index, lambda *_: None).getAllVMStat()


def test_unknown_without_close_names() -> None:
    assert unknown("verb", "xyzzy", ["create"], "VM.") == "no verb VM.xyzzy"
