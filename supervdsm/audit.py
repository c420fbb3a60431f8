"""The helper's log: one audit line per call, JSON or human, and a few others.

Callers choose correlation ids and names, so every text is escaped: one call is one line, whatever it contains.
Parameters appear only where `api/privileged.yaml` names them as subject.
"""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any

from supervdsm.peer import Caller

_audit = logging.getLogger("supervdsm.audit")
_FIELDS = "audit_fields"


class _Formatter(logging.Formatter):
    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = getattr(record, _FIELDS, None) or {"message": record.getMessage()}
        if record.exc_info:
            fields = {**fields, "traceback": self.formatException(record.exc_info)}
        return fields

    def time(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{stamp}.{int(record.msecs):03d}Z"


class _LogFile(logging.StreamHandler[io.TextIOWrapper]):
    """Opened again when it was rotated away; if that fails, lines go on to the old file, and calls are served.

    Raises: OSError.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(_open_log(path))
        self._path = path
        self._complained = False

    def emit(self, record: logging.LogRecord) -> None:
        self._follow_rotation()
        super().emit(record)

    def close(self) -> None:
        self.stream.close()
        super().close()

    def _follow_rotation(self) -> None:
        try:
            if self._is_in_place():
                return
            fresh = _open_log(self._path)
        except OSError as error:
            if not self._complained:
                self._complained = True
                sys.stderr.write(f"supervdsmd: the log cannot be opened again, the old file is kept: {error}\n")
            return
        self._complained = False
        old = self.setStream(fresh)
        if old is not None:
            old.close()

    def _is_in_place(self) -> bool:
        try:
            now = self._path.lstat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self.stream.fileno())
        return (now.st_dev, now.st_ino) == (ours.st_dev, ours.st_ino)


def _open_log(path: Path) -> io.TextIOWrapper:
    """The agent may own the directory: no planted link is followed, and no planted FIFO is waited for."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o640)
    status = os.fstat(fd)
    if status.st_uid != os.geteuid() or status.st_nlink != 1 or not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise PermissionError(f"{path} is not a log file of this process's user")
    return io.TextIOWrapper(io.FileIO(fd, "a"), encoding="utf-8", write_through=True)


class JsonFormatter(_Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        head = {"time": self.time(record), "level": record.levelname, "logger": record.name}
        return json.dumps({**head, **self.fields(record)})


class HumanFormatter(_Formatter):
    """`time level logger key=value ...`; values with anything but plain characters are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        body = " ".join(f"{name}={_plain(value)}" for name, value in self.fields(record).items())
        return f"{self.time(record)} {record.levelname} {record.name} {body}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{_plain(item)}" for name, item in value.items()) or "-"
    text = str(value)
    if text and text.isascii() and text.isprintable() and not set(text) & set(' "=\\'):
        return text
    return json.dumps(text)


def configure(path: Path | None, *, as_json: bool) -> None:
    """Send the helper's log to a file (opened again when it was rotated away) or to standard error. Raises: OSError."""
    handler = logging.StreamHandler(sys.stderr) if path is None else _LogFile(path)
    handler.setFormatter(JsonFormatter() if as_json else HumanFormatter())
    root = logging.getLogger("supervdsm")
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


def record_call(
    caller: Caller,
    operation: str,
    subject: dict[str, Any],
    outcome: str,
    seconds: float,
    correlation_id: str,
) -> None:
    """Write the line of one call: who, what, on what, outcome (`ok` or the error's kind), milliseconds."""
    fields = {
        "event": "call",
        "pid": caller.pid,
        "uid": caller.uid,
        "operation": operation,
        "subject": subject,
        "outcome": outcome,
        "duration_ms": round(seconds * 1000, 3),
        "correlation_id": correlation_id,
    }
    _audit.info("call", extra={_FIELDS: fields})


def record_refusal(caller: Caller, reason: str) -> None:
    """Write the line of a connection that was not let in."""
    fields = {"event": "refused", "pid": caller.pid, "uid": caller.uid, "reason": reason}
    _audit.warning("refused", extra={_FIELDS: fields})
