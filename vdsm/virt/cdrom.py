"""Changing and ejecting the CD of a running VM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.common.context import CallContext
from vdsm.common.errors import ChangeDiskFailed, InvalidParameter, LibvirtError, OperationUnsupported
from vdsm.common.xml import parse
from vdsm.models.vm import DriveSpec, DriveSpecPath, DriveSpecPathCdrom, DriveSpecVolumeCdrom
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.devices import drive_name, eject_medium, first_cdrom, insert_medium
from vdsm.virt.vms import Vms


@dataclass(frozen=True, slots=True)
class CdMedium:
    """What goes into which drive.

    path: an image's absolute path, or empty to eject. drive: a target name, or None for the first CD drive.
    """

    path: str
    drive: str | None = None


class VmCdrom:
    """Commands on CD drives."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor, definition: Definition) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition

    async def change(self, context: CallContext, vm_id: str, spec: DriveSpec) -> dict[str, Any]:
        """Put what `spec` names into the drive, or eject with an empty path.

        Raises: NoSuchVM, VMNotRunning, WrongState, InvalidParameter, OperationUnsupported, ChangeDiskFailed.
        """
        vm = self._vms.get(vm_id, "VM.changeCD")
        medium = _medium(spec, vm.vm_id)

        async def change() -> dict[str, Any]:
            vm.check_legal("change the CD of")
            live = parse(await self._hypervisor.domain_xml(vm.vm_id, deadline=context.remaining()))
            drive = medium.drive or first_cdrom(live)
            if drive is None:
                raise InvalidParameter(parameter="driveSpec", value=medium.path, reason="the VM has no CD drive")
            update = insert_medium(live, drive, medium.path) if medium.path else eject_medium(live, drive)
            try:
                await self._hypervisor.update_device(
                    vm.vm_id, update, live=True, config=True, force=True, deadline=context.remaining()
                )
            except LibvirtError as error:
                raise ChangeDiskFailed(vm_id=vm.vm_id, cause=error.fields.get("cause", error)) from error
            await self._definition.refresh(vm)
            return vm.short()

        return await vm.actor.run("change CD", change, context.remaining())


def _medium(spec: DriveSpec, vm_id: str) -> CdMedium:
    match spec:
        case DriveSpecPathCdrom():
            return CdMedium(spec.path, drive_name(spec.iface, spec.index))
        case DriveSpecVolumeCdrom(drive_spec=None | DriveSpecPath() as image):
            return CdMedium("" if image is None else image.path, drive_name(spec.iface, spec.index))
        case DriveSpecPath():
            return CdMedium(spec.path)
        case _:
            raise OperationUnsupported(
                operation="change the CD of",
                vm_id=vm_id,
                reason="only a path can be given, not a volume, LUN or payload",
            )
