"""Processes by what cannot be mistaken: a pid with its start time, or the private files that it sees.

Used by the development host to end exactly what it started, also when an earlier run was killed.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_START_TIME_FIELD = 19
"""Index of `starttime` in /proc/PID/stat, counted after the command name (proc(5), field 22)."""


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[_START_TIME_FIELD])


def all_pids() -> list[int]:
    """Every process id of this machine."""
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def seeing(directory: Path, mounted_at: str) -> list[int]:
    """The processes for which `mounted_at` is `directory`: those of a private mount namespace."""
    try:
        wanted = directory.stat()
    except FileNotFoundError:
        return []
    found = []
    for pid in all_pids():
        try:
            seen = os.stat(f"/proc/{pid}/root{mounted_at}")  # noqa: PTH116 - a Path would normalize nothing, cost more
        except (FileNotFoundError, ProcessLookupError, PermissionError, NotADirectoryError):
            continue
        if (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino) and start_time(pid) is not None:
            found.append(pid)
    return found


def arguments(pid: int) -> list[str]:
    """The command line; empty when the process is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return raw.decode(errors="replace").split("\0")[:-1]


def end(pids: Iterable[int], *, patience: float = 5.0) -> None:
    """SIGTERM, then SIGKILL after `patience` seconds to what is left; returns when all are gone."""
    descriptors = []
    for pid in pids:
        try:
            descriptors.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
    try:
        _signal_all(descriptors, signal.SIGTERM)
        left = _wait_exits(descriptors, patience)
        _signal_all(left, signal.SIGKILL)
        if _wait_exits(left, 10.0):
            raise TimeoutError("processes survive SIGKILL (stuck in the kernel?)")
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _signal_all(descriptors: Iterable[int], number: signal.Signals) -> None:
    for descriptor in descriptors:
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            continue


def _wait_exits(descriptors: Iterable[int], patience: float) -> list[int]:
    """Wait for exits (a zombie counts: its parent reaps it); return the descriptors of those alive."""
    left = set(descriptors)
    deadline = time.monotonic() + patience
    poll = select.poll()
    for descriptor in left:
        poll.register(descriptor, select.POLLIN)
    while left and (remaining := deadline - time.monotonic()) > 0:
        for descriptor, _events in poll.poll(remaining * 1000):
            poll.unregister(descriptor)
            left.discard(descriptor)
    return list(left)
