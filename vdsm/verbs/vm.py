"""Verbs of class VM: check, call one service, return."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from vdsm.common.context import CallContext
from vdsm.models import vm as model
from vdsm.virt.cdrom import VmCdrom
from vdsm.virt.display import VmDisplay
from vdsm.virt.lifecycle import VmLifecycle
from vdsm.virt.queries import VmQueries
from vdsm.virt.shutdown import VmShutdown

HANDLERS: Mapping[str, str] = MappingProxyType(
    {
        "VM.create": "create",
        "VM.destroy": "destroy",
        "VM.pause": "pause",
        "VM.cont": "cont",
        "VM.shutdown": "shutdown",
        "VM.reset": "reset",
        "VM.setDestroyOnReboot": "set_destroy_on_reboot",
        "VM.setTicket": "set_ticket",
        "VM.changeCD": "change_cd",
        "VM.screenshot": "screenshot",
        "VM.getStats": "get_stats",
        "VM.getInfo": "get_info",
    }
)
"""Wire name to method."""


class VmVerbs:
    """Handlers of class VM."""

    def __init__(
        self, lifecycle: VmLifecycle, shutdown: VmShutdown, display: VmDisplay, cdrom: VmCdrom, queries: VmQueries
    ) -> None:
        self._lifecycle = lifecycle
        self._shutdown = shutdown
        self._display = display
        self._cdrom = cdrom
        self._queries = queries

    async def create(self, _context: CallContext, params: model.VMCreateParams) -> dict[str, Any]:
        return await self._lifecycle.create(params.vm_params)

    async def destroy(self, _context: CallContext, params: model.VMDestroyParams) -> bool:
        await self._lifecycle.destroy(params.vm_id, params.graceful_attempts)
        return True

    async def pause(self, context: CallContext, params: model.VMPauseParams) -> dict[str, Any]:
        await self._lifecycle.pause(context, params.vm_id)
        return {"vmList": {}}

    async def cont(self, context: CallContext, params: model.VMContParams) -> dict[str, Any]:
        await self._lifecycle.cont(context, params.vm_id)
        return {"vmList": {}}

    async def shutdown(self, _context: CallContext, params: model.VMShutdownParams) -> bool:
        await self._shutdown.shutdown(
            params.vm_id, reboot=params.reboot, force=params.force, delay=params.delay, step=params.timeout
        )
        return True

    async def reset(self, context: CallContext, params: model.VMResetParams) -> bool:
        await self._lifecycle.reset(context, params.vm_id)
        return True

    async def set_destroy_on_reboot(self, context: CallContext, params: model.VMSetDestroyOnRebootParams) -> bool:
        await self._lifecycle.set_destroy_on_reboot(context, params.vm_id)
        return True

    async def set_ticket(self, context: CallContext, params: model.VMSetTicketParams) -> bool:
        await self._display.set_ticket(context, params.vm_id, params.password, params.ttl, params.existing_conn_action)
        return True

    async def change_cd(self, context: CallContext, params: model.VMChangeCDParams) -> dict[str, Any]:
        return await self._cdrom.change(context, params.vm_id, params.drive_spec)

    async def screenshot(self, context: CallContext, params: model.VMScreenshotParams) -> dict[str, str]:
        return await self._display.screenshot(context, params.vm_id)

    def get_stats(self, _context: CallContext, params: model.VMGetStatsParams) -> list[msgspec.Raw]:
        return self._queries.stats(params.vm_id)

    def get_info(self, _context: CallContext, params: model.VMGetInfoParams) -> dict[str, Any]:
        return self._queries.info(params.vm_id)
