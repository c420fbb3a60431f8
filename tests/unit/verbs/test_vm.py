from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.unit.virt.bed import VmBed, bios, context, with_display_and_cd
from vdsm.common.errors import NoSuchVM
from vdsm.models import vm as model
from vdsm.verbs.vm import VmVerbs
from vdsm.virt.status import VmStatus

ISO = "/iso/cd.iso"


@pytest.fixture
async def bed() -> AsyncIterator[VmBed]:
    """VM services on a fake hypervisor."""
    made = VmBed()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def verbs(bed: VmBed) -> VmVerbs:
    return VmVerbs(bed.lifecycle, bed.shutdown, bed.display, bed.cdrom, bed.queries)


async def test_a_whole_life(verbs: VmVerbs, bed: VmBed) -> None:
    plan = bios()
    vm_id = plan.vm_id
    answer = await verbs.create(
        context(), model.VMCreateParams(vm_id=vm_id, vm_params=model.VmParameters(xml=plan.xml()))
    )
    assert (answer["vmId"], answer["status"]) == (vm_id, "WaitForLaunch")
    await bed.reaches(vm_id, VmStatus.POWERING_UP)
    assert await verbs.pause(context(), model.VMPauseParams(vm_id=vm_id)) == {"vmList": {}}
    assert verbs.get_info(context(), model.VMGetInfoParams(vm_id=vm_id))["status"] == "Paused"
    assert await verbs.cont(context(), model.VMContParams(vm_id=vm_id)) == {"vmList": {}}
    assert await verbs.reset(context(), model.VMResetParams(vm_id=vm_id)) is True
    assert await verbs.set_destroy_on_reboot(context(), model.VMSetDestroyOnRebootParams(vm_id=vm_id)) is True
    (stats,) = verbs.get_stats(context(), model.VMGetStatsParams(vm_id=vm_id))
    assert json.loads(bytes(stats))["vmId"] == vm_id
    assert await verbs.destroy(context(), model.VMDestroyParams(vm_id=vm_id)) is True
    with pytest.raises(NoSuchVM):
        verbs.get_info(context(), model.VMGetInfoParams(vm_id=vm_id))


async def test_shutdown_hands_all_of_its_parameters_on(verbs: VmVerbs, bed: VmBed) -> None:
    vm_id = await bed.create()
    params = model.VMShutdownParams(vm_id=vm_id, delay=0, message="bye", force=True, timeout=0)
    assert await verbs.shutdown(context(), params) is True
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)


async def test_reboot_is_a_shutdown_that_comes_back(verbs: VmVerbs, bed: VmBed) -> None:
    vm_id = await bed.up()
    await verbs.shutdown(context(), model.VMShutdownParams(vm_id=vm_id, reboot=True))
    await bed.reaches(vm_id, VmStatus.REBOOTING)


async def test_display_and_cd(verbs: VmVerbs, bed: VmBed) -> None:
    vm_id = await bed.up(with_display_and_cd())
    ticket = model.VMSetTicketParams(vm_id=vm_id, password="secret", ttl=120)
    assert await verbs.set_ticket(context(), ticket) is True
    assert 'passwd="secret"' in await bed.fake.domain_xml(vm_id, secure=True)
    changed = await verbs.change_cd(
        context(), model.VMChangeCDParams(vm_id=vm_id, drive_spec=model.DriveSpecPath(path=ISO))
    )
    assert changed["vmId"] == vm_id
    assert ISO in await bed.fake.domain_xml(vm_id)
    picture = await verbs.screenshot(context(), model.VMScreenshotParams(vm_id=vm_id))
    assert set(picture) == {"data", "encoding", "mime_type"}
