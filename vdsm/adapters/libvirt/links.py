"""The connections to libvirtd, one per role, kept up for ever; says when libvirtd is lost and when it is back."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import libvirt

from vdsm.adapters.libvirt.event import ConnectionLost, ConnectionRestored
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.adapters.libvirt.link import Link, LinkSettings
from vdsm.adapters.libvirt.pool import BlockingPool
from vdsm.common.errors import GuestAgentError, MonitorUnresponsive, VdsmError

_log = logging.getLogger(__name__)

_BACKOFF_FIRST = 0.05
_BACKOFF_LAST = 5.0


class Links:
    """Four links and the task that keeps them open.

    events carries what never waits for a QEMU: events, lists, states. The others may stick and be retired.
    tell: gets ConnectionLost and ConnectionRestored, in turn. prepare: registers for events on a new connection.
    """

    def __init__(
        self,
        settings: LinkSettings,
        tell: Callable[[ConnectionLost | ConnectionRestored], None],
        prepare: Callable[[libvirt.virConnect], None],
    ) -> None:
        self._tell = tell
        self._prepare = prepare
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._restored = False
        self.events = Link("events", BlockingPool("libvirt-events", threads=2), settings, self._events_changed)
        self.lifecycle = Link(
            "lifecycle",
            BlockingPool("libvirt-lifecycle", threads=4, stuck_limit=16, refuse=_monitor_hangs),
            settings,
            self._wake.set,
        )
        self.sampling = Link(
            "sampling", BlockingPool("libvirt-sampling", threads=3, stuck_limit=16), settings, self._wake.set
        )
        self.agent = Link(
            "agent",
            BlockingPool("libvirt-agent", threads=4, stuck_limit=16, refuse=_agent_hangs),
            settings,
            self._wake.set,
        )

    @property
    def all(self) -> tuple[Link, Link, Link, Link]:
        """Every link."""
        return (self.events, self.lifecycle, self.sampling, self.agent)

    @property
    def connected(self) -> bool:
        """The restoration was told and the events flow."""
        return self._restored and self.events.up

    def start(self) -> None:
        """Begin to connect."""
        ensure_event_loop()
        self._task = asyncio.create_task(self._keep(), name="libvirt-links")

    async def close(self) -> None:
        """End the task, the connections and the pools."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for link in self.all:
            try:
                await link.close()
            except VdsmError as err:
                _log.warning("closing the %s connection to libvirt: %s", link.role, err)
            link.pool.close()

    async def _keep(self) -> None:
        backoff = _BACKOFF_FIRST
        while True:
            self._wake.clear()
            if await self._open_missing():
                backoff = _BACKOFF_FIRST
                await self._wake.wait()
            else:
                # full jitter keeps the agents of many hosts, and our own links, from knocking in step
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311  no secret depends on it
                backoff = min(backoff * 2, _BACKOFF_LAST)

    async def _open_missing(self) -> bool:
        for link in self.all:
            if link.up:
                continue
            try:
                await link.open(self._prepare if link is self.events else None)
            except VdsmError as err:
                _log.info("libvirt is not reachable yet (%s connection): %s", link.role, err)
                return False
        if not all(link.up for link in self.all):
            return False
        if not self._restored:
            self._restored = True
            self._tell(ConnectionRestored())
        return True

    def _events_changed(self) -> None:
        if self._restored:
            self._restored = False
            self._tell(ConnectionLost("the connection to libvirtd broke"))
        # the other links are of the same daemon, and a call on a dead one would only find that out later
        for link in (self.lifecycle, self.sampling, self.agent):
            link.drop("libvirtd is gone")
        self._wake.set()


def _monitor_hangs(key: str, operation: str, since: float) -> VdsmError:
    return MonitorUnresponsive(vm_id=key, operation=operation, since=round(since, 1))


def _agent_hangs(key: str, operation: str, since: float) -> VdsmError:
    return GuestAgentError(vm_id=key, operation=operation, cause=f"an earlier call has not come back for {since:.1f} s")
