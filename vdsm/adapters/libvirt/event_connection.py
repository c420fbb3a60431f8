"""The connection that events come through, kept up for ever; it says when libvirtd is lost and when it is back.

It makes no calls, so nothing can stick to it, and its keepalive notices a daemon that hangs.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

import libvirt

from vdsm.adapters.libvirt.connection import ConnectionSettings, blocking_close, blocking_open
from vdsm.adapters.libvirt.event import ConnectionLost, ConnectionRestored, DomainEvent
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.adapters.libvirt.events import Registration, blocking_deregister, blocking_register
from vdsm.adapters.libvirt.pool import BlockingPool
from vdsm.common.errors import LibvirtGone, VdsmError

_log = logging.getLogger(__name__)

_BACKOFF_FIRST = 0.05
_BACKOFF_LAST = 5.0


class EventConnection:
    """publish: gets every event, in order and on the loop."""

    def __init__(
        self, settings: ConnectionSettings, publish: Callable[[DomainEvent | ConnectionLost | ConnectionRestored], None]
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._pool = BlockingPool("libvirt-events", threads=1, stuck_limit=3)
        self._current: _Registered | None = None
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """libvirtd answers and events flow."""
        return self._current is not None

    def start(self) -> None:
        """Begin to connect."""
        ensure_event_loop()
        self._task = asyncio.create_task(self._keep(), name="libvirt-events")

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        current, self._current = self._current, None
        if current is not None:
            await self._dispose(current)
        self._pool.close()

    async def _keep(self) -> None:
        backoff = _BACKOFF_FIRST
        while True:
            self._lost.clear()
            try:
                registered = await self._open()
            except VdsmError as err:
                _log.info("libvirtd is not reachable yet: %s", err)
                # jitter keeps the agents of many hosts from knocking in step
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311  no secret depends on it
                backoff = min(backoff * 2, _BACKOFF_LAST)
                continue
            backoff = _BACKOFF_FIRST
            self._current = registered
            self._publish(ConnectionRestored())
            await self._lost.wait()
            self._current = None
            _log.warning("the connection to libvirtd broke; connecting again")
            self._publish(ConnectionLost("the connection to libvirtd broke"))
            await self._dispose(registered)

    async def _open(self) -> _Registered:
        return await self._pool.run("open", self._blocking_open, key="open", deadline=self._settings.open_deadline)

    async def _dispose(self, registered: _Registered) -> None:
        try:
            await self._pool.run("close", registered.blocking_dispose, deadline=self._settings.open_deadline)
        except VdsmError as err:
            _log.warning("an old connection to libvirtd is left as it is: %s", err)

    def _blocking_open(self) -> _Registered:
        connection = blocking_open(self._settings)
        registered = _Registered(connection)
        try:
            connection.registerCloseCallback(self._on_close, registered)
            if not self._settings.uri.startswith("test:"):
                connection.setKeepAlive(self._settings.keepalive_interval, self._settings.keepalive_count)
            registered.callbacks = blocking_register(connection, self._deliver)
        except libvirt.libvirtError as err:
            registered.blocking_dispose()
            raise LibvirtGone(operation="register for events") from err
        return registered

    def _on_close(self, _connection: Any, _reason: int, registered: _Registered) -> None:
        """In libvirt's thread."""
        self._post(self._take_loss, registered)

    def _take_loss(self, registered: _Registered) -> None:
        if registered is self._current:
            self._lost.set()

    def _deliver(self, event: DomainEvent) -> None:
        """In libvirt's thread."""
        self._post(self._publish, event)

    def _post(self, function: Callable[[Any], None], argument: Any) -> None:
        """To the loop, which keeps the order."""
        try:
            self._loop.call_soon_threadsafe(function, argument)
        except RuntimeError:
            _log.debug("an event of libvirt came after the loop was closed")


class _Registered:
    """A connection with its callbacks, which keep it alive until they are taken back."""

    def __init__(self, connection: libvirt.virConnect) -> None:
        self.connection = connection
        self.callbacks: list[Registration] = []

    def blocking_dispose(self) -> None:
        """Take the callbacks back and close."""
        blocking_deregister(self.callbacks)
        try:
            self.connection.unregisterCloseCallback()
        except libvirt.libvirtError as err:
            _log.debug("an old connection to libvirtd: error %s", err.get_error_code())
        blocking_close(self.connection)
