"""Domains on libvirt: list, define, run, stop."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import libvirt

from vdsm.adapters.libvirt.calls import Calls, blocking_state
from vdsm.adapters.libvirt.domain import DomainRecord, DomainState, RunState, ShutdownMode

_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
)
_REBOOT = MappingProxyType(
    {
        ShutdownMode.AGENT: libvirt.VIR_DOMAIN_REBOOT_GUEST_AGENT,
        ShutdownMode.ACPI: libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN,
    }
)
_SHUTDOWN = MappingProxyType(
    {
        ShutdownMode.AGENT: libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT,
        ShutdownMode.ACPI: libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN,
    }
)


class LibvirtLifecycle:
    """See `hypervisor.DomainLifecycle`."""

    _calls: Calls

    async def list_domains(self, *, deadline: float = 10.0) -> list[DomainRecord]:
        return await self._calls.host("list the virtual machines", _blocking_list, deadline)

    async def state(self, vm_id: str, *, deadline: float = 5.0) -> DomainState:
        return await self._calls.passive("read the state of", vm_id, blocking_state, deadline)

    async def define(self, xml: str, *, deadline: float = 10.0) -> str:
        return await self._calls.host(
            "define a virtual machine",
            lambda conn: conn.defineXMLFlags(xml, 0).UUIDString(),
            deadline,
            lane=self._calls.lanes.lifecycle,
        )

    async def undefine(self, vm_id: str, *, deadline: float = 10.0) -> None:
        await self._calls.active("undefine", vm_id, lambda dom: dom.undefineFlags(_UNDEFINE), deadline)

    async def start(self, vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 120.0) -> None:
        wanted = flags | (libvirt.VIR_DOMAIN_START_PAUSED if paused else 0)
        await self._calls.active("start", vm_id, lambda dom: dom.createWithFlags(wanted), deadline)

    async def destroy(self, vm_id: str, *, graceful: bool = False, deadline: float = 45.0) -> None:
        flags = libvirt.VIR_DOMAIN_DESTROY_GRACEFUL if graceful else 0
        await self._calls.forced("destroy", vm_id, lambda dom: dom.destroyFlags(flags), deadline)
        self._calls.hung.discard([vm_id])

    async def suspend(self, vm_id: str, *, deadline: float = 10.0) -> None:
        await self._calls.active("suspend", vm_id, lambda dom: dom.suspend(), deadline)

    async def resume(self, vm_id: str, *, deadline: float = 30.0) -> None:
        await self._calls.active("resume", vm_id, lambda dom: dom.resume(), deadline)

    async def reset(self, vm_id: str, *, deadline: float = 10.0) -> None:
        await self._calls.active("reset", vm_id, lambda dom: dom.reset(0), deadline)

    async def reboot(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        await self._ask("reboot", vm_id, mode, _REBOOT[mode], deadline)

    async def shutdown(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        await self._ask("shut down", vm_id, mode, _SHUTDOWN[mode], deadline)

    async def _ask(self, operation: str, vm_id: str, mode: ShutdownMode, flag: int, deadline: float) -> None:
        def ask(domain: libvirt.virDomain) -> int:
            if operation == "reboot":
                return domain.reboot(flag)
            return domain.shutdownFlags(flag)

        run = self._calls.agent if mode is ShutdownMode.AGENT else self._calls.active
        await run(operation, vm_id, ask, deadline)


def _blocking_list(conn: libvirt.virConnect) -> list[DomainRecord]:
    # one round trip for all states, where a state() per domain would make one for each
    reply = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE, 0)
    return [_record(domain, stats) for domain, stats in reply]


def _record(domain: libvirt.virDomain, stats: dict[str, Any]) -> DomainRecord:
    state = DomainState(RunState(stats.get("state.state", 0)), stats.get("state.reason", 0))
    number = domain.ID()
    return DomainRecord(domain.UUIDString(), domain.name(), state, number if number > 0 else None)
