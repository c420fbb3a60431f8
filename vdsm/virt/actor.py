"""One queue and one consumer per VM: commands and events of a VM run one after the other, in order, without locks.

A command has a caller who waits for its result; when the caller goes away, the command still runs to its end. An
event has none. `preempt` is for destroy alone: it goes to the head of the queue, and what still runs after a grace
period is given up (its effect on the hypervisor is overtaken by what preempts it).
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vdsm.common.errors import NoSuchVM, VdsmError, VMBusy

log = logging.getLogger(__name__)

T = TypeVar("T")

COMMAND_LIMIT = 64
EVENT_LIMIT = 1024

COMMAND_SECONDS = 60.0
RESERVE_SECONDS = 2.0
"""What a command needs at least once it has begun: with less, libvirt would be asked and its answer not be heard."""


@dataclass(eq=False, slots=True)
class _Item:
    what: str
    action: Callable[[], Awaitable[Any]]
    result: asyncio.Future[Any] | None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """Of who asked, so that log lines carry the correlation id of the call."""


class Actor:
    """The queue of one VM."""

    def __init__(self, vm_id: str, on_overflow: Callable[[], None]) -> None:
        """`on_overflow` hears that events were lost, so the VM's state has to be looked up again."""
        self._vm_id = vm_id
        self._on_overflow = on_overflow
        self._items: deque[_Item] = deque()
        self._wake = asyncio.Event()
        self._current: asyncio.Task[Any] | None = None
        self._preempting: asyncio.Future[None] | None = None
        self._retired = False
        self._consumer = asyncio.get_running_loop().create_task(
            self._consume(), name=f"vm {vm_id}", context=contextvars.Context()
        )

    @property
    def waiting(self) -> int:
        """Commands and events that have not begun."""
        return len(self._items)

    async def run(self, what: str, action: Callable[[], Awaitable[T]], seconds: float = COMMAND_SECONDS) -> T:
        """Queue a command and wait for its result.

        seconds: what the command has, its turn included; one that could begin only in the last of them is refused.

        Raises: VMBusy (nothing was done) when it could not begin in time, too many commands wait or the VM is being
        destroyed; NoSuchVM when it is gone; what `action` raises.
        """
        self._check_open()
        if self._preempting is not None:
            raise VMBusy(vm_id=self._vm_id, operation=what, reason="it is being destroyed")
        if sum(item.result is not None for item in self._items) >= COMMAND_LIMIT:
            raise VMBusy(vm_id=self._vm_id, operation=what, reason=f"{COMMAND_LIMIT} commands wait for it already")
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        item = _Item(what, action, result)
        self._items.append(item)
        self._wake.set()
        too_late = loop.call_later(max(0.0, seconds - RESERVE_SECONDS), self._too_late, item)
        try:
            return await result
        finally:
            too_late.cancel()

    def post(self, what: str, action: Callable[[], Awaitable[None]]) -> None:
        """Queue an event. When more than the limit wait they are dropped and `on_overflow` is told."""
        if self._retired:
            return
        if len(self._items) >= EVENT_LIMIT:
            log.warning("VM %s: too many events wait, its state will be looked up instead", self._vm_id)
            self._on_overflow()
            return
        self._items.append(_Item(what, action, None))
        self._wake.set()

    async def preempt(self, what: str, action: Callable[[], Awaitable[T]], grace: float) -> T:
        """Run `action` next; what runs now has `grace` seconds to end, commands that wait are refused, events stay.

        Goes on when its caller is gone. A second one waits for the first, and runs if the VM is still there.
        Raises: NoSuchVM when the VM is gone; what `action` raises.
        """
        self._check_open()
        while self._preempting is not None:
            await asyncio.wait({self._preempting})
            self._check_open()

        async def preempting() -> T:
            try:
                return await action()
            finally:
                self._end_preemption()

        for item in self._items:
            self._refuse(item, "it is being destroyed")
        self._items = deque(item for item in self._items if item.result is None)
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        self._preempting = loop.create_future()
        self._items.appendleft(_Item(what, preempting, result))
        self._wake.set()
        if self._current is not None:
            given_up = loop.call_later(grace, self._give_up, self._current, what)
            self._current.add_done_callback(lambda _: given_up.cancel())
        return await result

    def _end_preemption(self) -> None:
        over, self._preempting = self._preempting, None
        if over is not None:
            over.set_result(None)

    def retire(self) -> None:
        """The VM is gone: end after the item that runs now. For that item itself to call."""
        self._retired = True
        self._wake.set()

    async def stop(self) -> None:
        """End at once; what runs is given up, what waits is refused."""
        self._retired = True
        running = {self._consumer} if self._current is None else {self._consumer, self._current}
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    def _check_open(self) -> None:
        if self._retired:
            raise NoSuchVM(vm_id=self._vm_id)

    def _give_up(self, running: asyncio.Task[Any], for_what: str) -> None:
        log.warning("VM %s: %s still runs and is given up to %s", self._vm_id, running.get_name(), for_what)
        running.cancel()

    def _too_late(self, item: _Item) -> None:
        """A command whose caller's time is nearly over is not begun any more."""
        if item in self._items:
            self._items.remove(item)
            self._refuse(item, "its earlier commands took too long, so this one was not begun")

    def _refuse(self, item: _Item, reason: str) -> None:
        if item.result is not None and not item.result.done():
            item.result.set_exception(VMBusy(vm_id=self._vm_id, operation=item.what, reason=reason))

    async def _consume(self) -> None:
        try:
            while not self._retired:
                if self._items:
                    await self._perform(self._items.popleft())
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            for item in self._items:
                self._refuse(item, "it is being forgotten")
            self._items.clear()
            self._end_preemption()

    async def _perform(self, item: _Item) -> None:
        self._current = asyncio.get_running_loop().create_task(
            _awaited(item.action), name=item.what, context=item.context
        )
        try:
            await asyncio.wait({self._current})
        except asyncio.CancelledError:
            self._refuse(item, "the agent is stopping")
            raise
        task, self._current = self._current, None
        self._settle(item, task)

    def _settle(self, item: _Item, task: asyncio.Task[Any]) -> None:
        waits = item.result is not None and not item.result.done()
        if task.cancelled():
            self._refuse(item, "it was overtaken by destroy")
        elif (error := task.exception()) is not None:
            if waits and item.result is not None:
                item.result.set_exception(error)
            else:
                level = logging.INFO if isinstance(error, VdsmError) else logging.ERROR
                log.log(level, "VM %s: %s failed: %s", self._vm_id, item.what, error, exc_info=_trace(error))
        elif waits and item.result is not None:
            item.result.set_result(task.result())


async def _awaited(action: Callable[[], Awaitable[T]]) -> T:
    return await action()


def _trace(error: BaseException) -> BaseException | None:
    return None if isinstance(error, VdsmError) else error
