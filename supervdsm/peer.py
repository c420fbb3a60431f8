"""Who may talk to the helper: the agent's main process and nobody else.

The uid comes from SO_PEERCRED. Which process of that uid is the agent is the business of a strategy: without systemd
the starter of both daemons hands over the agent's pid on a descriptor of its own; with systemd the agent is the main
process of its unit's control group. A pid counts together with its start time, so a recycled one is a stranger.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from vdsm.common.errors import PermissionDenied

_UCRED = struct.Struct("3i")
_LONGEST_LINE = 4096
_START_TIME_FIELD = 19
"""Index of starttime in /proc/<pid>/stat, counted from behind the command's closing parenthesis."""


class Caller(NamedTuple):
    """The process at the other end of a connection, when it connected."""

    pid: int
    uid: int
    gid: int


class Process(NamedTuple):
    """One process for good: `start` is its start time in clock ticks since boot."""

    pid: int
    start: int


class Identity(Protocol):
    """A way to tell the agent's main process from all others."""

    def refusal(self, pid: int) -> str | None:
        """Why this process is not the agent's main process; None: it is."""
        ...


def caller_of(sock: socket.socket) -> Caller:
    """Credentials of the connected process. Raises: OSError."""
    return Caller(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def process(pid: int, proc: Path = Path("/proc")) -> Process | None:
    """The process that has this pid now; None: there is none."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # the command may contain spaces and parentheses of its own
    fields = text[text.rindex(")") + 2 :].split()
    return Process(pid, int(fields[_START_TIME_FIELD]))


class _Handed(msgspec.Struct, forbid_unknown_fields=True):
    pid: int


class HandedIdentity:
    """The starter writes `{"pid": N}` and a newline each time it has started the agent; the newest one counts.

    The starter writes before it can reap that child, so the pid is still its own when the start time is read.
    """

    def __init__(self, sock: socket.socket, proc: Path = Path("/proc")) -> None:
        sock.setblocking(False)  # noqa: FBT003  the standard library's signature
        self._sock = sock
        self._proc = proc
        self._pending = b""
        self._agent: Process | None = None
        self._ended = False

    def fileno(self) -> int:
        """The descriptor to watch for readability until `has_ended()`."""
        return self._sock.fileno()

    @property
    def agent(self) -> Process | None:
        """The pinned process."""
        return self._agent

    def has_ended(self) -> bool:
        """The starter is gone, so no other process can be named any more."""
        return self._ended

    def update(self) -> str | None:
        """Take in what the starter wrote; a sentence for the log if that made no sense, else None."""
        trouble = None
        while not self._ended:
            try:
                data = self._sock.recv(_LONGEST_LINE)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data = b""
            if not data:
                self._ended = True
                break
            *lines, self._pending = (self._pending + data).split(b"\n")
            for line in lines:
                trouble = self._pin(line) or trouble
            if len(self._pending) > _LONGEST_LINE:
                self._pending = b""
                trouble = "the starter wrote a line without end"
        return trouble

    def refusal(self, pid: int) -> str | None:
        """See Identity."""
        if self._agent is None:
            return "the starter has not named the agent's process yet"
        if process(pid, self._proc) != self._agent:
            return "it is not the agent's main process"
        return None

    def _pin(self, line: bytes) -> str | None:
        try:
            pid = msgspec.json.decode(line, type=_Handed).pid
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return "the starter wrote a line that makes no sense"
        self._agent = process(pid, self._proc)
        return None if self._agent is not None else f"the starter named process {pid}, which does not exist"


class CgroupIdentity:
    """The agent is the oldest process of its unit's control group; hooks and jobs run in other groups.

    cgroup: the unit's path below the hierarchy, for example `/system.slice/vdsmd.service`.
    """

    def __init__(self, cgroup: str, proc: Path = Path("/proc"), hierarchy: Path = Path("/sys/fs/cgroup")) -> None:
        self._cgroup = cgroup
        self._proc = proc
        self._hierarchy = hierarchy

    def refusal(self, pid: int) -> str | None:
        """See Identity."""
        try:
            lines = (self._proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
            members = (self._hierarchy / self._cgroup.lstrip("/") / "cgroup.procs").read_text(encoding="ascii")
        except OSError:
            return f"its control group is not known, {self._cgroup} is needed"
        if f"0::{self._cgroup}" not in lines:
            return f"it does not run in the control group {self._cgroup}"
        found = (process(int(member), self._proc) for member in members.split())
        main = min((one for one in found if one is not None), key=lambda one: one.start, default=None)
        return None if main is not None and main.pid == pid else "it is not the unit's main process"


class Gate:
    """Decides about each connection."""

    def __init__(self, agent_uid: int, identity: Identity) -> None:
        self._agent_uid = agent_uid
        self._identity = identity

    def admit(self, caller: Caller) -> None:
        """Let the caller in. Raises: PermissionDenied."""
        if caller.uid != self._agent_uid:
            reason: str | None = f"only uid {self._agent_uid} may"
        else:
            reason = self._identity.refusal(caller.pid)
        if reason is not None:
            raise PermissionDenied(
                peer=f"process {caller.pid} of uid {caller.uid}", operation="use the privileged helper", reason=reason
            )
