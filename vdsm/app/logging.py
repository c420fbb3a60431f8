"""The agent's logging: where lines go, what they look like, and levels that change at run time.

Two formats: human (oVirt's look, so that existing scrapers read it) and JSON, one object per line. The file is
reopened when logrotate has moved it. Secrets never reach a record: callers log names and ids, not parameters.
Built once by the composition root; modules only do `logging.getLogger(__name__)`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from pathlib import Path

from vdsm.app.call_log import CallLog, encode_human, encode_json, iso_time, json_text, one_line
from vdsm.common.context import correlation
from vdsm.common.errors import InvalidParameter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
REOPEN_CHECK = 1.0
MAX_LOGGERS = 4096
"""Loggers are never freed, and a caller may name any."""
_HUMAN = "%(asctime)s %(levelname)-5s (%(threadName)s) [%(name)s] %(message)s (%(module)s:%(lineno)d)"


class LogFile:
    """The log file, or stderr: whole lines by one write each, opened for appending.

    Threads may write at the same time. Before a write, at most once a second, it looks whether the path still is
    this file, and opens it again if not.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._fd = -1
        self._next_check = 0.0
        self._lock = threading.RLock()
        self.reopen()

    def write(self, content: bytes) -> None:
        """Append; Raises: OSError when the file system refuses."""
        with self._lock:
            if self._path is not None and time.monotonic() >= self._next_check:
                self._next_check = time.monotonic() + REOPEN_CHECK
                if self._moved(self._path):
                    # while the path cannot be opened, the old file takes the lines
                    with contextlib.suppress(OSError):
                        self.reopen()
            view = memoryview(content)
            while view:
                view = view[os.write(self._fd, view) :]

    def reopen(self) -> None:
        """Open the path again, as after SIGHUP; the old descriptor stays when that fails."""
        if self._path is None:
            self._fd = sys.stderr.fileno()
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with self._lock:
            self.close()
            self._fd = fd

    def close(self) -> None:
        """Close the file; stderr stays open."""
        if self._path is not None and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _moved(self, path: Path) -> bool:
        try:
            now, ours = path.stat(), os.fstat(self._fd)
        except OSError:
            return True
        return (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino)


class HumanFormatter(logging.Formatter):
    """oVirt's line, with ` flow_id=...` behind the message of a call's records."""

    def __init__(self) -> None:
        super().__init__(_HUMAN)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """One printable line; only a traceback adds more."""
        text = record.message
        if not text.isprintable():
            text = one_line(text)
        flow = correlation.get()
        record.message = f"{text} flow_id={one_line(flow)}" if flow else text
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, thread, message, correlation, where, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "time": iso_time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
            "where": f"{record.module}:{record.lineno}",
        }
        if flow := correlation.get():
            line["correlation"] = flow
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_text(line).decode()


class _FileHandler(logging.Handler):
    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._file.write(self.format(record).encode(errors="backslashreplace") + b"\n")
        except OSError:
            self.handleError(record)


class Logging:
    """The logging that is set up: owns the file, the root handler and the call log."""

    def __init__(self, log_file: str, log_format: str, level: str) -> None:
        """`log_file` empty means stderr; `log_format` is `human` or `json`.

        Raises: OSError when the file cannot be opened.
        """
        self._file = LogFile(log_file)
        self._handler = _FileHandler(self._file)
        self._handler.setFormatter(JsonFormatter() if log_format == "json" else HumanFormatter())
        self.call_log = CallLog(encode_json if log_format == "json" else encode_human, self._file.write)
        root = logging.getLogger()
        self._before = (root.level, tuple(root.handlers))
        root.handlers[:] = [self._handler]
        root.setLevel(level)
        # A log that cannot be written must not fill stderr with tracebacks of its own.
        logging.raiseExceptions = False
        logging.captureWarnings(capture=True)

    def reopen(self) -> None:
        """After logrotate (SIGHUP)."""
        self._file.reopen()

    def close(self) -> None:
        """Write what the call log still holds and give the root logger back as it was."""
        self.call_log.flush()
        root = logging.getLogger()
        root.setLevel(self._before[0])
        root.handlers[:] = self._before[1]
        logging.raiseExceptions = True
        logging.captureWarnings(capture=False)
        self._file.close()


def set_level(name: str, level: str) -> None:
    """Set the level of logger `name`, empty for the root one; `level` in any case, `WARN` and `CRIT` too.

    Raises: InvalidParameter.
    """
    wanted = {"WARN": "WARNING", "CRIT": "CRITICAL"}.get(level.upper(), level.upper())
    if wanted not in LEVELS:
        raise InvalidParameter(parameter="level", value=level, reason=f"expected one of {', '.join(LEVELS)}")
    known = logging.root.manager.loggerDict
    if name and name not in known and len(known) >= MAX_LOGGERS:
        raise InvalidParameter(parameter="name", value=name[:100], reason="nothing logs under this name")
    logging.getLogger(name or None).setLevel(wanted)
