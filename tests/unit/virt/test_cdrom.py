from __future__ import annotations

import pytest

from tests.unit.virt.bed import VmBed, context, with_display_and_cd
from vdsm.common.errors import ChangeDiskFailed, InvalidParameter, LibvirtError, OperationUnsupported, VMNotRunning
from vdsm.common.xml import parse
from vdsm.models.vm import DriveSpec, DriveSpecGUID, DriveSpecPath, DriveSpecPathCdrom, DriveSpecVolumeCdrom
from vdsm.virt.status import VmStatus

ISO = "/rhev/data-center/pool/iso.iso"


async def _medium(bed: VmBed, vm_id: str, *, inactive: bool = False) -> str | None:
    disk = parse(await bed.fake.domain_xml(vm_id, inactive=inactive)).find("devices/disk[@device='cdrom']")
    assert disk is not None
    source = disk.find("source")
    if source is None:
        return None
    label = source.find("seclabel")
    assert label is not None
    assert label.get("relabel") == "no"
    return source.get("file")


@pytest.mark.parametrize(
    "spec",
    [
        DriveSpecPath(path=ISO),
        DriveSpecPathCdrom(path=ISO, iface="ide", index=2),
        DriveSpecVolumeCdrom(drive_spec=DriveSpecPath(path=ISO), iface="ide", index=2),
    ],
)
async def test_a_cd_goes_in_live_and_in_the_definition(bed: VmBed, spec: DriveSpec) -> None:
    vm_id = await bed.up(with_display_and_cd())
    answer = await bed.cdrom.change(context(), vm_id, spec)
    assert answer["vmId"] == vm_id
    assert await _medium(bed, vm_id) == ISO
    assert await _medium(bed, vm_id, inactive=True) == ISO
    assert ISO in bed.queries.definitions([vm_id])[vm_id]


@pytest.mark.parametrize(
    "spec",
    [
        DriveSpecPath(path=""),
        DriveSpecPathCdrom(path="", iface="ide", index=2),
        DriveSpecVolumeCdrom(iface="ide", index=2),
        DriveSpecVolumeCdrom(drive_spec=DriveSpecPath(path=""), iface="ide", index=2),
    ],
)
async def test_a_cd_comes_out(bed: VmBed, spec: DriveSpec) -> None:
    vm_id = await bed.up(with_display_and_cd())
    await bed.cdrom.change(context(), vm_id, DriveSpecPath(path=ISO))
    await bed.cdrom.change(context(), vm_id, spec)
    assert await _medium(bed, vm_id) is None


async def test_what_cannot_be_put_in_says_why(bed: VmBed) -> None:
    vm_id = await bed.up(with_display_and_cd())
    with pytest.raises(OperationUnsupported):
        await bed.cdrom.change(context(), vm_id, DriveSpecGUID(guid="36001"))
    nested = DriveSpecVolumeCdrom(drive_spec=DriveSpecGUID(guid="36001"), iface="ide", index=2)
    with pytest.raises(OperationUnsupported):
        await bed.cdrom.change(context(), vm_id, nested)
    for wrong in (DriveSpecPath(path="relative.iso"), DriveSpecPathCdrom(path=ISO, iface="ide", index=0)):
        with pytest.raises(InvalidParameter):
            await bed.cdrom.change(context(), vm_id, wrong)
    bed.fake.faults.fail_next("update_device", LibvirtError(operation="x", vm_id=vm_id, cause="tray is locked"))
    with pytest.raises(ChangeDiskFailed) as caught:
        await bed.cdrom.change(context(), vm_id, DriveSpecPath(path=ISO))
    assert "tray is locked" in caught.value.message


async def test_a_vm_without_a_drive_or_without_a_qemu(bed: VmBed) -> None:
    vm_id = await bed.up()
    with pytest.raises(InvalidParameter):
        await bed.cdrom.change(context(), vm_id, DriveSpecPath(path=ISO))
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    with pytest.raises(VMNotRunning):
        await bed.cdrom.change(context(), vm_id, DriveSpecPath(path=ISO))
