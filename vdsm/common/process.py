"""Running a command: the only place of the agent that starts processes.

No shell, a clean environment, no inherited descriptors, bounded output, and a process group of its own that is
ended at the deadline. A command that cannot even be killed (it hangs in the kernel) is left behind, never waited
for. Commands that write shared metadata must not be run here: a deadline may not kill those.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import cast

from vdsm.common.errors import BackendError, BackendTimeout, CommandError

CLEAN_ENVIRONMENT = MappingProxyType({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
MAX_OUTPUT = 4 * 1024 * 1024
MAX_STDERR = 16 * 1024
TERM_GRACE = 2.0
KILL_GRACE = 1.0
_ERROR_TAIL = 1024


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left. `stderr` is at most its last 16 KiB."""

    exit_code: int
    stdout: bytes
    stderr: bytes


async def run(
    argv: Sequence[str],
    deadline: float,
    *,
    input: bytes | None = None,  # noqa: A002 - subprocess's own word for it
    env: Mapping[str, str] = MappingProxyType({}),
    allowed: Collection[int] = (0,),
    limit: int = MAX_OUTPUT,
) -> Result:
    """Run `argv` for at most `deadline` seconds and return its output.

    `env` is added to a clean environment; exit codes in `allowed` are not errors; killed by signal N is -N.
    Cancelling ends the command too.

    Raises:
        CommandError: another exit code, or it could not be started (126 not allowed, 127 absent).
        BackendTimeout: past the deadline; the command was killed, what it did until then is unknown.
        BackendError: more than `limit` bytes of output.
    """
    name = PurePath(argv[0]).name
    transport, child = await _start(argv, name, env, limit, with_input=input is not None)
    try:
        if input is not None:
            child.feed(transport, input)
        done, _pending = await asyncio.wait({child.ended}, timeout=deadline)
        if not done:
            raise BackendTimeout(backend=name, operation="finish", timeout=deadline)
        if child.overflow:
            raise BackendError(backend=name, operation="answer", cause=f"more than {limit} bytes of output")
    finally:
        try:
            if transport.get_returncode() is None or not child.closed:
                await _end(transport.get_pid(), child)
        finally:
            transport.close()
    result = Result(transport.get_returncode() or 0, bytes(child.stdout), bytes(child.stderr))
    if result.exit_code not in allowed:
        text = result.stderr[-_ERROR_TAIL:].decode(errors="replace").strip()
        raise CommandError(command=name, exit_code=result.exit_code, stderr=text or "no error text")
    return result


class _Child(asyncio.SubprocessProtocol):
    """Collects one command's output. `ended` is done at its end or its overflow, `closed` only at its end."""

    def __init__(self, limit: int) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.overflow = False
        self._limit = limit

    @property
    def closed(self) -> bool:
        return self.gone.is_set()

    def feed(self, transport: asyncio.SubprocessTransport, content: bytes) -> None:
        pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
        pipe.write(content)
        pipe.close()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.stderr += data
            del self.stderr[:-MAX_STDERR]
        elif not self.overflow:
            self.stdout += data
            if len(self.stdout) > self._limit:
                self.overflow = True
                self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self._finish()

    def _finish(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def _start(
    argv: Sequence[str], name: str, env: Mapping[str, str], limit: int, *, with_input: bool
) -> tuple[asyncio.SubprocessTransport, _Child]:
    try:
        return await asyncio.get_running_loop().subprocess_exec(
            lambda: _Child(limit),
            *argv,
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**CLEAN_ENVIRONMENT, **env},
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandError(command=name, exit_code=127, stderr="not installed") from error
    except OSError as error:
        raise CommandError(command=name, exit_code=126, stderr=os.strerror(error.errno or 0)) from error


async def _end(group: int, child: _Child) -> None:
    """TERM, a moment of grace, KILL; to the whole group, for a grandchild may hold the pipes."""
    try:
        _signal(group, signal.SIGTERM)
        await _gone_within(child, TERM_GRACE)
    finally:
        _signal(group, signal.SIGKILL)
    await _gone_within(child, KILL_GRACE)


async def _gone_within(child: _Child, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await child.gone.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
