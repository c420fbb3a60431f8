"""Changing and ejecting the CD of a running VM."""

from __future__ import annotations

from typing import Any

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.common.context import CallContext
from vdsm.common.errors import ChangeDiskFailed, LibvirtError
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.devices import CdMedium, cd_update
from vdsm.virt.vms import Vms


class VmCdrom:
    """Commands on CD drives."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor, definition: Definition) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition

    async def change(self, context: CallContext, vm_id: str, medium: CdMedium) -> dict[str, Any]:
        """Put `medium` into the drive, or eject with an empty path.

        Raises: NoSuchVM, VMNotRunning, WrongState, InvalidParameter, ChangeDiskFailed.
        """
        vm = self._vms.get(vm_id, "VM.changeCD")

        async def change() -> dict[str, Any]:
            vm.check_legal("change the CD of")
            live = await self._hypervisor.domain_xml(vm.vm_id, deadline=context.remaining())
            update = cd_update(live, medium)
            try:
                await self._hypervisor.update_device(
                    vm.vm_id, update, live=True, config=True, force=True, deadline=context.remaining()
                )
            except LibvirtError as error:
                raise ChangeDiskFailed(vm_id=vm.vm_id, cause=error.fields.get("cause", error)) from error
            await self._definition.refresh(vm)
            return vm.short()

        return await vm.actor.run("change CD", change)
