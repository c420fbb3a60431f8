from __future__ import annotations

import pytest

from vdsm import client
from vdsm.client import errors


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.ConnectionError("h:1", "refused", "look"), "Cannot connect to the agent at h:1: refused; look"),
        (errors.ConnectionError("h:1", "refused"), "Cannot connect to the agent at h:1: refused"),
        (errors.ClientError("Host.ping2", {}, "lost"), "Command Host.ping2 with args {} failed: lost"),
        (
            errors.ServerError(1, "gone", "VM.getStats", {"vmID": "x"}),
            "Command VM.getStats with args {'vmID': 'x'} failed:\n(code=1, message=gone)",
        ),
    ],
)
def test_texts(error: errors.Error, text: str) -> None:
    assert str(error) == text


def test_all_are_errors_and_public() -> None:
    for name in ("ConnectionError", "MissingSchemaError", "ClientError", "TimeoutError", "ServerError"):
        assert issubclass(getattr(client, name), client.Error)


def test_a_timeout_says_that_the_effect_is_unknown() -> None:
    error = errors.TimeoutError("VM.create", {"vmID": "x"}, 2.5)
    assert "within 2.5 seconds; whether it took effect is unknown" in str(error)
    assert (error.cmd, error.params, error.timeout) == ("VM.create", {"vmID": "x"}, 2.5)


@pytest.mark.parametrize(
    "error",
    [
        errors.ClientError("VM.setTicket", {"password": "geheim", "ttl": 5}, "lost"),
        errors.TimeoutError("Host.x", {"list": [{"iscsiPassword": "geheim"}]}, 1.0),
        errors.ServerError(1, "gone", "VM.setTicket", {"params": {"userPassword": "geheim"}}),
    ],
)
def test_a_password_is_in_no_text(error: errors.ClientError | errors.TimeoutError | errors.ServerError) -> None:
    assert "geheim" not in str(error) + repr(error)
    assert "********" in str(error)
    assert "geheim" in str(error.params)
