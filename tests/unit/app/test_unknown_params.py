"""Warnings about parameters that a verb does not have."""

from __future__ import annotations

import pytest

from vdsm.app import unknown_params
from vdsm.app.unknown_params import UnknownParamsLog
from vdsm.common.context import CallContext, Peer


def _call(method: str, port: int, subject: str = "engine") -> CallContext:
    return CallContext(Peer("tls", f"192.0.2.1,{port}", subject=subject), "", method, 0.0)


def test_one_warning_per_client_and_verb(caplog: pytest.LogCaptureFixture) -> None:
    warned = UnknownParamsLog()
    warned.note(_call("SDM.copy_data", 1), ("legal",))
    warned.note(_call("SDM.copy_data", 2), ("legal",))
    warned.note(_call("VM.create", 2), ("x" * 200,))
    warned.note(_call("VM.create", 3, subject="other"), ("y",))
    assert len(caplog.records) == 3
    assert "SDM.copy_data" in caplog.messages[0]
    assert "'legal'" in caplog.messages[0]
    assert len(caplog.messages[1]) < 200


def test_a_peer_without_certificate_is_known_by_its_address(caplog: pytest.LogCaptureFixture) -> None:
    warned = UnknownParamsLog()
    for port in (1, 2):
        warned.note(_call("VM.create", port, subject=""), ("z",))
    assert len(caplog.records) == 1
    assert "192.0.2.1" in caplog.messages[0]


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(unknown_params, "REMEMBERED", 2)
    warned = UnknownParamsLog()
    for name in ("a", "b", "c", "c"):
        warned.note(_call(name, 1), ("p",))
    assert len(caplog.records) == 3
