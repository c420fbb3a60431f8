"""What a caller of the client can catch: one small tree, with the names that existing scripts catch.

    Error
    ├─ ConnectionError     no connection could be made
    ├─ MissingSchemaError  the index of methods is absent or unreadable
    ├─ ClientError         the call did not get through; the connection is lost
    ├─ TimeoutError        no answer in time; whether the call took effect is unknown
    └─ ServerError         the agent answered with an error: code and message

Two names hide builtins, on purpose: `from vdsm import client; client.TimeoutError` is the public spelling.
"""

from __future__ import annotations

from typing import Any

_HIDDEN = "********"


class Error(Exception):
    """Base of everything that the client raises."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class ConnectionError(Error):  # noqa: A001 - the public name that existing scripts catch
    """No connection to `endpoint` (a text such as `node1:54321 over TLS`); `reason` says why, `hint` what to do."""

    def __init__(self, endpoint: str, reason: str, hint: str = "") -> None:
        super().__init__(endpoint, reason, hint)
        self.endpoint = endpoint
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        text = f"Cannot connect to the agent at {self.endpoint}: {self.reason}"
        return f"{text}; {self.hint}" if self.hint else text


class MissingSchemaError(Error):
    """The index of methods at `path` cannot be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"Cannot read the index of methods {self.path}: {self.reason}; reinstall the package"


class ClientError(Error):
    """The call could not be sent, or the connection went away before its answer came."""

    def __init__(self, cmd: str, params: Any, reason: str) -> None:
        super().__init__(cmd, params, reason)
        self.cmd = cmd
        self.params = params
        self.reason = reason

    def __str__(self) -> str:
        return f"{_command(self.cmd, self.params)} failed: {self.reason}"


class TimeoutError(Error):  # noqa: A001 - the public name that existing scripts catch
    """No answer within `timeout` seconds; the call may have taken effect."""

    def __init__(self, cmd: str, params: Any, timeout: float) -> None:
        super().__init__(cmd, params, timeout)
        self.cmd = cmd
        self.params = params
        self.timeout = timeout

    def __str__(self) -> str:
        return (
            f"{_command(self.cmd, self.params)} got no answer within {self.timeout:g} seconds; "
            "whether it took effect is unknown, look before repeating"
        )


class ServerError(Error):
    """The agent's own answer: `code` (int) and `resp_msg` for the call `cmd` with `params`."""

    def __init__(self, code: int, resp_msg: str, cmd: str, params: Any) -> None:
        super().__init__(code, resp_msg, cmd, params)
        self.code = code
        self.resp_msg = resp_msg
        self.cmd = cmd
        self.params = params

    def __str__(self) -> str:
        return f"{_command(self.cmd, self.params)} failed:\n(code={self.code}, message={self.resp_msg})"


def _command(cmd: str, params: Any) -> str:
    return f"Command {cmd} with args {_without_secrets(params)}"


def _without_secrets(params: Any) -> Any:
    """`params` as a message may show them: passwords are hidden, at any depth."""
    if isinstance(params, dict):
        return {
            name: _HIDDEN if str(name).lower().endswith("password") else _without_secrets(value)
            for name, value in params.items()
        }
    if isinstance(params, list):
        return [_without_secrets(value) for value in params]
    return params
