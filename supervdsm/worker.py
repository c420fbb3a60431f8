"""Threads that run operations, so that a slow one delays no other.

Few threads, started when needed. One that is past its operation's deadline is written off: it stops counting and
another takes its place, until so many are stuck that the helper refuses new work rather than grow without bound.
"""

from __future__ import annotations

import enum
import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from vdsm.common.errors import InternalError, ResourceExhausted, VdsmError

_log = logging.getLogger("supervdsm.worker")


class JobState(enum.Enum):
    """QUEUED -> RUNNING -> DONE; CANCELLED instead of RUNNING; WRITTEN_OFF between RUNNING and DONE."""

    QUEUED = enum.auto()
    RUNNING = enum.auto()
    WRITTEN_OFF = enum.auto()
    CANCELLED = enum.auto()
    DONE = enum.auto()


class Job:
    """One piece of work; `result` or `error` is set once it is done, `late` if it had been written off before."""

    __slots__ = ("context", "error", "late", "result", "state", "work")

    def __init__(self, work: Callable[[], Any], context: Any) -> None:
        self.work = work
        self.context = context
        self.state = JobState.QUEUED
        self.result: Any = None
        self.error: VdsmError | None = None
        self.late = False


class Workers:
    """A bounded pool; `wake` is called from a worker's thread whenever `finished()` has something new."""

    def __init__(
        self, wake: Callable[[], None], size: int = 4, write_off_budget: int = 8, max_queued: int = 64
    ) -> None:
        self._wake = wake
        self._size = size
        self._budget = write_off_budget
        self._max_queued = max_queued
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: deque[Job] = deque()
        self._finished: deque[Job] = deque()
        self._threads = 0
        self._idle = 0
        self._stuck = 0
        self._closed = False

    @property
    def stuck(self) -> int:
        """Threads that are past their deadline."""
        with self._lock:
            return self._stuck

    def submit(self, job: Job) -> None:
        """Queue a job. Raises: ResourceExhausted."""
        with self._lock:
            if self._stuck >= self._budget:
                raise ResourceExhausted(
                    resource="stuck threads of supervdsmd", limit=self._budget, remedy="see its log, then restart it"
                )
            if len(self._queue) >= self._max_queued:
                raise ResourceExhausted(
                    resource="waiting calls of supervdsmd", limit=self._max_queued, remedy="try again later"
                )
            self._queue.append(job)
            if self._idle < len(self._queue) and self._threads - self._stuck < self._size:
                self._threads += 1
                threading.Thread(target=self._main, name="operation", daemon=True).start()
            self._changed.notify()

    def give_up(self, job: Job) -> bool:
        """Stop waiting for a job. True: it had not begun and never will; False: nobody knows what it did or will do."""
        with self._lock:
            if job.state is JobState.QUEUED:
                self._queue.remove(job)
                job.state = JobState.CANCELLED
                return True
            if job.state is JobState.RUNNING:
                job.state = JobState.WRITTEN_OFF
                job.late = True
                self._stuck += 1
                if self._queue and not self._idle and self._threads - self._stuck < self._size:
                    self._threads += 1
                    threading.Thread(target=self._main, name="operation", daemon=True).start()
            return False

    def finished(self) -> list[Job]:
        """The jobs that were done since the last call."""
        found = []
        while self._finished:
            found.append(self._finished.popleft())
        return found

    def close(self) -> None:
        """Let idle threads end; what runs goes on, what waits never begins."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()

    def _next(self) -> Job | None:
        """The next job for this thread; None: it shall end."""
        with self._lock:
            if self._threads - self._stuck > self._size:
                self._threads -= 1
                return None
            self._idle += 1
            while not self._queue and not self._closed:
                self._changed.wait()
            self._idle -= 1
            if self._closed:
                self._threads -= 1
                return None
            job = self._queue.popleft()
            job.state = JobState.RUNNING
            return job

    def _main(self) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = job.work()
            except VdsmError as error:
                job.error = error
            except Exception:  # noqa: BLE001  a worker's main: a bug costs its own call, not the helper
                incident = uuid.uuid4().hex
                _log.exception("a bug in an operation, incident %s", incident)
                job.error = InternalError(incident=incident)
            with self._lock:
                if job.state is JobState.WRITTEN_OFF:
                    self._stuck -= 1
                job.state = JobState.DONE
                self._finished.append(job)
            self._wake()
