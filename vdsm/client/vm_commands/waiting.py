"""Waiting for a VM's status, live: events wake us, a question each second makes sure, one line shows the way."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

from vdsm.client.client import Client
from vdsm.client.defaults import EVENT_QUEUE
from vdsm.client.errors import ServerError
from vdsm.client.session import EventQueue
from vdsm.client.status_line import StatusLine

NO_SUCH_VM = 1
RECOVERING = 99

_ASK_SECONDS = 1.0
_EVENTS_LIMIT = 1000


class StatusWait:
    """Follows one VM. Make it before the change that is waited for, or its first events are missed."""

    def __init__(self, client: Client, vm_id: str, line: StatusLine) -> None:
        self._client = client
        self._vm_id = vm_id
        self._line = line
        self._events: EventQueue = queue.Queue(_EVENTS_LIMIT)
        client.subscribe(EVENT_QUEUE, self._events)

    def until(self, wanted: Callable[[str], bool], seconds: float) -> tuple[bool, dict[str, Any] | None]:
        """Wait until the status is wanted, or the VM is gone, at most `seconds`.

        Returns whether it came to that, and the last statistics (None: the VM is gone). Raises: the client's errors.
        """
        deadline = time.monotonic() + seconds
        stats: dict[str, Any] | None = {}
        while True:
            try:
                stats = self._client.call("VM.getStats", {"vmID": self._vm_id})[0]
            except ServerError as e:
                if e.code == NO_SUCH_VM:
                    return True, None
                if e.code != RECOVERING:
                    raise
                self._line.show("the agent is starting")
            else:
                status = str(stats.get("status"))
                self._line.show(status)
                if wanted(status):
                    return True, stats
            if time.monotonic() >= deadline:
                return False, stats
            self._rest(deadline)

    def _rest(self, deadline: float) -> None:
        """Until an event of this VM, or a second has passed, or the deadline."""
        end = min(deadline, time.monotonic() + _ASK_SECONDS)
        while (left := end - time.monotonic()) > 0:
            try:
                event = self._events.get(timeout=min(left, self._line.tick_seconds or left))
            except queue.Empty:
                self._line.tick()
                continue
            if event is None or str(event.get("method", "")).endswith(f"|{self._vm_id}"):
                return
