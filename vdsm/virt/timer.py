"""The one thing that a VM waits for: the end of its boot, or of a shutdown that nobody watches."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

from vdsm.virt.actor import Actor


class VmTimer:
    """Queues one event of a VM, later."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._handle: asyncio.TimerHandle | None = None

    def after(self, seconds: float, what: str, action: Callable[[], Awaitable[None]]) -> None:
        """Queue `action` as an event in `seconds`, in place of an earlier one."""
        self.cancel()
        loop = asyncio.get_running_loop()
        # a timer is nobody's call: its log lines carry no correlation id
        self._handle = loop.call_later(seconds, self._actor.post, what, action, context=contextvars.Context())

    def cancel(self) -> None:
        """Forget what `after` queued."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
