"""The real hypervisor: the parts put together on four lanes to libvirtd. Built by the composition root."""

from __future__ import annotations

from collections.abc import Callable

import libvirt

from vdsm.adapters.libvirt.calls import Calls, blocking_control_info
from vdsm.adapters.libvirt.configuration import LibvirtConfiguration
from vdsm.adapters.libvirt.connection import ConnectionSettings, ThreadConnections
from vdsm.adapters.libvirt.domain import ALL_STATS, BulkSample, ControlInfo, StatsGroup, Versions
from vdsm.adapters.libvirt.event import HypervisorEvent
from vdsm.adapters.libvirt.event_connection import EventConnection
from vdsm.adapters.libvirt.guest_channels import LibvirtGuestChannels
from vdsm.adapters.libvirt.hypervisor import EventCallback
from vdsm.adapters.libvirt.lanes import Lanes
from vdsm.adapters.libvirt.lifecycle import LibvirtLifecycle
from vdsm.adapters.libvirt.monitors import HungMonitors
from vdsm.adapters.libvirt.pool import BlockingPool
from vdsm.adapters.libvirt.sampler import Sampler, SamplerSettings


class LibvirtHypervisor(LibvirtLifecycle, LibvirtConfiguration, LibvirtGuestChannels):
    """See `hypervisor.Hypervisor`. Made and used on one running event loop."""

    def __init__(self, settings: ConnectionSettings, sampling: SamplerSettings | None = None) -> None:
        self._subscribers: list[EventCallback] = []
        self._events = EventConnection(settings, self._publish)
        self._lanes = Lanes(ThreadConnections(settings), lambda: self._events.up)
        self._calls = Calls(self._lanes, HungMonitors())
        self._sampler = Sampler(self._calls, sampling or SamplerSettings())

    @property
    def connected(self) -> bool:
        """libvirtd answers and events flow."""
        return self._events.up

    @property
    def pools(self) -> dict[str, BlockingPool]:
        """The pool of each lane, for metrics."""
        return self._lanes.pools()

    def subscribe(self, callback: EventCallback) -> Callable[[], None]:
        self._subscribers.append(callback)

        def end() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return end

    async def open(self) -> None:
        self._events.start()

    async def close(self) -> None:
        await self._events.close()
        self._lanes.close()

    async def bulk_stats(self, groups: StatsGroup = ALL_STATS, *, deadline: float = 10.0) -> BulkSample:
        return await self._sampler.sweep(groups, deadline)

    async def control_info(self, vm_id: str, *, deadline: float = 5.0) -> ControlInfo:
        return await self._calls.passive("read the monitor state of", vm_id, blocking_control_info, deadline)

    async def capabilities_xml(self, *, deadline: float = 30.0) -> str:
        return await self._calls.host(
            "read the capabilities of the host", lambda conn: conn.getCapabilities(), deadline, self._lanes.lifecycle
        )

    async def domain_capabilities_xml(
        self, *, arch: str = "x86_64", virt_type: str | None = None, deadline: float = 30.0
    ) -> str:
        return await self._calls.host(
            "read the capabilities of its hypervisor",
            lambda conn: conn.getDomainCapabilities(None, arch, None, virt_type, 0),
            deadline,
            self._lanes.lifecycle,
        )

    async def versions(self, *, deadline: float = 5.0) -> Versions:
        return await self._calls.host("tell its versions", _blocking_versions, deadline)

    def _publish(self, event: HypervisorEvent) -> None:
        for callback in tuple(self._subscribers):
            callback(event)


def _blocking_versions(conn: libvirt.virConnect) -> Versions:
    return Versions(libvirt=conn.getLibVersion(), qemu=conn.getVersion())
