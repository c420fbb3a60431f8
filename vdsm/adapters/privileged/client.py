"""The agent's client of the privileged helper: keeps a connection, and makes one again when the helper was restarted.

A call whose connection ends under it is repeated once within its deadline if the operation may be repeated; else the
caller hears HelperGone with effect `unknown`. Calls run side by side on one connection.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from vdsm.adapters.privileged.connection import HelperConnection
from vdsm.adapters.privileged.operations import PrivilegedOperations
from vdsm.common.context import correlation
from vdsm.common.descriptors import FdSet
from vdsm.common.errors import BackendTimeout, HelperGone, PermissionDenied
from vdsm.models.privileged import Operation

ResultT = TypeVar("ResultT", bound=msgspec.Struct)
CONNECT_BUDGET = 3.0
"""Seconds that a call spends on a helper that is not there, which covers its restart."""
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.25
_REPLY_GRACE = 0.5
"""Seconds that we wait longer than the helper, so that its own verdict on a slow operation arrives."""
_MAX_CALLS = 32


@dataclass(slots=True)
class HelperCounters:
    """What happened since the start: calls, failures, repeated calls, connections made, deadlines missed."""

    calls: int = 0
    failures: int = 0
    retries: int = 0
    connects: int = 0
    timeouts: int = 0


class PrivilegedClient(PrivilegedOperations):
    """Connects with the first call. One per agent; `close()` ends it."""

    def __init__(self, path: Path, connect_budget: float = CONNECT_BUDGET) -> None:
        self._path = path
        self._connect_budget = connect_budget
        self._connection: HelperConnection | None = None
        self._connecting = asyncio.Lock()
        self._slots = asyncio.Semaphore(_MAX_CALLS)
        self._closed = False
        self.counters = HelperCounters()

    @property
    def helper_pid(self) -> int:
        """Process id of the connected helper; 0: there is none."""
        return self._connection.helper_pid if self._connection is not None else 0

    async def call_with_fds(
        self, operation: Operation[ResultT], deadline: float | None = None
    ) -> tuple[ResultT, FdSet]:
        """See PrivilegedOperations."""
        seconds = operation.spec.deadline if deadline is None else min(deadline, operation.spec.deadline)
        self.counters.calls += 1
        done = False
        try:
            async with asyncio.timeout(seconds + _REPLY_GRACE), self._slots:
                answer = await self._call(operation, time.monotonic() + seconds)
            done = True
            return answer
        except BackendTimeout:
            self.counters.timeouts += 1
            raise
        except TimeoutError as error:
            self.counters.timeouts += 1
            raise BackendTimeout(
                backend="supervdsmd", operation=f"answer {operation.spec.name}", timeout=seconds
            ) from error
        finally:
            self.counters.failures += not done

    async def close(self) -> None:
        """End the connection; calls that wait hear HelperGone."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _call(self, operation: Operation[ResultT], until: float) -> tuple[ResultT, FdSet]:
        may_repeat = True
        while True:
            connection = await self._connect(operation.spec.name, until)
            try:
                remaining = max(0.001, until - time.monotonic())
                return await connection.call(operation, remaining, correlation.get())
            except HelperGone as error:
                harmless = operation.spec.idempotent or error.fields["effect"] == "none"
                if self._closed or not (may_repeat and harmless):
                    raise
                may_repeat = False
                self.counters.retries += 1
                self._lose(connection)

    async def _connect(self, name: str, until: float) -> HelperConnection:
        """The connection, made again if need be. Raises: HelperGone, PermissionDenied."""
        # taken before the lock, so that many callers fail together and not one after the other
        give_up = min(until, time.monotonic() + self._connect_budget)
        async with self._connecting:
            pause = _FIRST_PAUSE
            while self._connection is None:
                if self._closed:
                    raise HelperGone(operation=name, effect="none")
                connection = HelperConnection(self._lose)
                try:
                    async with asyncio.timeout(max(0.001, give_up - time.monotonic())):
                        await connection.open(self._path)
                except (OSError, TimeoutError, HelperGone, PermissionDenied) as error:
                    # refused: the starter may be just about to name us; absent: it may be just about to start
                    if time.monotonic() + pause >= give_up:
                        if isinstance(error, PermissionDenied):
                            raise
                        raise HelperGone(operation=name, effect="none") from error
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                else:
                    self._connection = connection
                    self.counters.connects += 1
            return self._connection

    def _lose(self, connection: HelperConnection) -> None:
        if self._connection is connection:
            self._connection = None
