"""A bounded pool of daemon threads for calls that block, made for calls that may never return.

One call at a time per key. A call past its deadline is written off: its caller gets BackendTimeout, its thread is
stuck and is replaced (never joined, within a budget), its key refuses further calls at once until it comes back.
A call that is merely slow, past `patience`, gives up its place to others already, within the same budget: before anyone
knows which QEMUs hang, calls on them must not keep calls on healthy VMs waiting.
Scheduling happens on the event loop alone, so there are no locks. concurrent.futures is not used: it joins its
threads when the interpreter exits.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from vdsm.common.errors import BackendTimeout, LibvirtGone, ResourceExhausted, VdsmError, VMBusy

T = TypeVar("T")

LATENCY_BOUNDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
"""Upper bounds in seconds of the latency histogram; one more bucket holds the rest."""

_URGENT_RESERVE = 2
"""Threads beyond the limit that urgent calls may have, so that destroying a VM never waits for slow starts."""

Returned = Callable[[], None]
"""Called on the loop when a stuck call came back."""


@dataclass(slots=True)
class OperationCount:
    """Plain counters of one operation, for metrics. `buckets` is not cumulative."""

    calls: int = 0
    errors: int = 0
    timeouts: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))


@dataclass(eq=False, slots=True)
class _Job:
    operation: str
    function: Callable[[], Any]
    key: str | None
    deadline: float
    future: asyncio.Future[Any]
    on_stuck: Callable[[], Returned] | None
    queued_at: float
    timer: asyncio.TimerHandle | None = None
    started: bool = False
    slow: bool = False
    stuck_at: float | None = None
    returned: Returned | None = None


@dataclass(eq=False, slots=True)
class _Worker:
    inbox: queue.SimpleQueue[_Job | None] = field(default_factory=queue.SimpleQueue)


@dataclass(slots=True)
class _Slot:
    """The calls of one key: the one that runs and those that wait for it."""

    running: _Job
    waiting: deque[_Job] = field(default_factory=deque)


class BlockingPool:
    """Runs blocking functions in threads.

    threads: how many run at one time. queue_limit: how many may wait. stuck_limit: how many threads may be stuck
    or slow and replaced; with more, fewer run. patience: seconds after which a call is slow. refuse: makes the error
    for a call whose key is stuck (key, operation, seconds since).
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int = 4,
        queue_limit: int = 1000,
        stuck_limit: int = 16,
        patience: float = 1.0,
        refuse: Callable[[str, str, float], VdsmError] | None = None,
    ) -> None:
        self.counts: dict[str, OperationCount] = {}
        self._name = name
        self._threads = threads
        self._queue_limit = queue_limit
        self._stuck_limit = stuck_limit
        self._patience = patience
        self._refuse = refuse or _still_running
        self._idle: list[_Worker] = []
        self._running: set[_Job] = set()
        self._stuck: set[_Job] = set()
        self._slow = 0
        self._ready: deque[_Job] = deque()
        self._slots: dict[str, _Slot] = {}
        self._waiting = 0
        self._closed = False
        self._numbers = itertools.count(1)

    @property
    def stuck(self) -> int:
        """How many calls are past their deadline and have not come back."""
        return len(self._stuck)

    @property
    def busy(self) -> int:
        """How many calls run within their deadline."""
        return len(self._running)

    def stuck_since(self, key: str) -> float | None:
        """For how many seconds this key's call is stuck, or None."""
        slot = self._slots.get(key)
        if slot is None or slot.running.stuck_at is None:
            return None
        return time.monotonic() - slot.running.stuck_at

    async def run(
        self,
        operation: str,
        function: Callable[[], T],
        *,
        deadline: float,
        key: str | None = None,
        urgent: bool = False,
        on_stuck: Callable[[], Returned] | None = None,
    ) -> T:
        """The result of `function`, run in a thread; its exceptions pass through.

        urgent: ahead of what waits, and on a spare thread if there is one. on_stuck: called when the deadline
        passes while it runs; what it returns is called when the call comes back. Cancelling the caller does not
        stop a call that runs.

        Raises: BackendTimeout (it runs on, effect unknown), ResourceExhausted and VMBusy (it never began),
        what `refuse` makes, LibvirtGone after close().
        """
        if deadline <= 0:
            raise VMBusy(vm_id=key or "", operation=operation, reason="no time was left to begin")
        self._admit(operation, key)
        loop = asyncio.get_running_loop()
        job = _Job(operation, function, key, deadline, loop.create_future(), on_stuck, time.monotonic())
        job.timer = loop.call_later(deadline, self._expire, job)
        slot = self._slots.get(key) if key is not None else None
        if slot is not None:
            self._waiting += 1
            slot.waiting.append(job)
        else:
            if key is not None:
                self._slots[key] = _Slot(job)
            self._dispatch(job, urgent=urgent)
        return cast("T", await job.future)

    def close(self) -> None:
        """End the idle threads; calls under way are abandoned, waiting ones fail."""
        self._closed = True
        for worker in self._idle:
            worker.inbox.put(None)
        self._idle.clear()
        waiting = [job for slot in self._slots.values() for job in slot.waiting]
        for job in (*self._ready, *waiting, *self._running):
            _settle(job, LibvirtGone(operation=job.operation))
        self._ready.clear()
        self._slots.clear()
        self._waiting = 0

    def _admit(self, operation: str, key: str | None) -> None:
        if self._closed:
            raise LibvirtGone(operation=operation)
        if key is not None and (since := self.stuck_since(key)) is not None:
            raise self._refuse(key, operation, since)
        if self._waiting >= self._queue_limit:
            raise ResourceExhausted(
                resource=f"queue of {self._name} calls", limit=self._queue_limit, remedy="try again later"
            )
        if self._capacity() <= 0:
            raise ResourceExhausted(
                resource=f"stuck {self._name} calls",
                limit=self._stuck_limit,
                remedy="find out what hangs QEMU or libvirtd",
            )

    def _capacity(self) -> int:
        """How many calls may run: slow ones do not count as long as they and the stuck ones fit the budget."""
        return self._threads - max(0, len(self._stuck) + self._slow - self._stuck_limit) + self._slow

    def _dispatch(self, job: _Job, *, urgent: bool = False) -> None:
        """Give the job a thread, or a place in the queue."""
        if self._idle:
            worker = self._idle.pop()
        elif len(self._running) < self._capacity() + (_URGENT_RESERVE if urgent else 0):
            worker = self._spawn()
        else:
            self._waiting += 1
            if urgent:
                self._ready.appendleft(job)
            else:
                self._ready.append(job)
            return
        self._running.add(job)
        job.started = True
        if job.deadline > self._patience:
            _cancel_timer(job)
            job.timer = asyncio.get_running_loop().call_later(self._patience, self._look, job)
        worker.inbox.put(job)

    def _spawn(self) -> _Worker:
        worker = _Worker()
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=_work,
            args=(worker, loop, self._finished),
            name=f"pool-{self._name}-{next(self._numbers)}",
            daemon=True,
        ).start()
        return worker

    def _look(self, job: _Job) -> None:
        """A job runs for a while: it is slow."""
        remains = job.queued_at + job.deadline - time.monotonic()
        job.timer = asyncio.get_running_loop().call_later(max(0.0, remains), self._expire, job)
        job.slow = True
        self._slow += 1
        self._fill()

    def _not_slow(self, job: _Job) -> None:
        if job.slow:
            job.slow = False
            self._slow -= 1

    def _expire(self, job: _Job) -> None:
        """The deadline of a job that has not ended."""
        if not job.started:
            self._drop_waiting(job)
            return
        job.stuck_at = time.monotonic()
        self._not_slow(job)
        self._stuck.add(job)
        self._running.discard(job)
        self._count(job.operation).timeouts += 1
        _settle(job, BackendTimeout(backend="libvirt", operation=job.operation, timeout=job.deadline))
        if job.key is not None and job.key in self._slots:
            for other in self._slots[job.key].waiting:
                self._waiting -= 1
                _settle(other, self._refuse(job.key, other.operation, 0.0))
            self._slots[job.key].waiting.clear()
        if job.on_stuck is not None:
            job.returned = job.on_stuck()
        self._fill()

    def _drop_waiting(self, job: _Job) -> None:
        if job in self._ready:
            self._ready.remove(job)
            self._waiting -= 1
            _settle(
                job,
                ResourceExhausted(resource=f"{self._name} threads", limit=self._threads, remedy="try again later"),
            )
            self._release(job)
        elif job.key is not None and job.key in self._slots and job in self._slots[job.key].waiting:
            self._slots[job.key].waiting.remove(job)
            self._waiting -= 1
            _settle(job, VMBusy(vm_id=job.key, operation=job.operation, reason="another call on it still runs"))

    def _finished(self, worker: _Worker, job: _Job, result: Any, error: BaseException | None, seconds: float) -> None:
        """On the loop: a thread is done with its job."""
        if job.timer is not None:
            job.timer.cancel()
        self._not_slow(job)
        self._record(job.operation, seconds, failed=error is not None)
        if job.stuck_at is None:
            self._running.discard(job)
            if self._closed:
                worker.inbox.put(None)
            else:
                self._idle.append(worker)
        else:
            self._stuck.discard(job)
            worker.inbox.put(None)
            if job.returned is not None:
                job.returned()
        _settle(job, error, result)
        self._release(job)
        self._fill()

    def _release(self, job: _Job) -> None:
        """The next call of this key may go."""
        slot = self._slots.get(job.key) if job.key is not None else None
        if slot is None or job.key is None or slot.running is not job:
            return
        while slot.waiting:
            following = slot.waiting.popleft()
            self._waiting -= 1
            if not following.future.done():
                slot.running = following
                self._dispatch(following)
                return
            _cancel_timer(following)
        del self._slots[job.key]

    def _fill(self) -> None:
        """Threads that are free take what waits."""
        while self._ready and (self._idle or len(self._running) < self._capacity()):
            job = self._ready.popleft()
            self._waiting -= 1
            if job.future.done():
                _cancel_timer(job)
                self._release(job)
            else:
                self._dispatch(job)

    def _count(self, operation: str) -> OperationCount:
        return self.counts.setdefault(operation, OperationCount())

    def _record(self, operation: str, seconds: float, *, failed: bool) -> None:
        count = self._count(operation)
        count.calls += 1
        count.errors += failed
        count.seconds += seconds
        count.buckets[bisect_left(LATENCY_BOUNDS, seconds)] += 1


def _work(
    worker: _Worker,
    loop: asyncio.AbstractEventLoop,
    finished: Callable[[_Worker, _Job, Any, BaseException | None, float], None],
) -> None:
    """The main of each thread."""
    while (job := worker.inbox.get()) is not None:
        result: Any = None
        error: BaseException | None = None
        began = time.monotonic()
        try:
            result = job.function()
        except BaseException as err:  # noqa: BLE001  worker main: the error goes to the caller, whatever it is
            error = err
        try:
            loop.call_soon_threadsafe(finished, worker, job, result, error, time.monotonic() - began)
        except RuntimeError:
            return  # the loop is closed: nobody waits for this any more
        del job, result, error


def _settle(job: _Job, error: BaseException | None, result: Any = None) -> None:
    _cancel_timer(job)
    if job.future.done():
        return
    if error is None:
        job.future.set_result(result)
    else:
        job.future.set_exception(error)


def _cancel_timer(job: _Job) -> None:
    if job.timer is not None:
        job.timer.cancel()


def _still_running(key: str, operation: str, since: float) -> VdsmError:
    return VMBusy(vm_id=key, operation=operation, reason=f"an earlier call on it has been stuck for {since:.1f} s")
