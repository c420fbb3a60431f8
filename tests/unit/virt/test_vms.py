from __future__ import annotations

import pytest

from tests.unit.virt.bed import VmBed, bios
from vdsm.common.errors import NoSuchVM, Recovering, VMExists
from vdsm.virt.vms import Vms


async def test_vms_are_found_by_id_in_any_case(bed: VmBed) -> None:
    vm_id = await bed.create(bios("ABCDEF00-0000-0000-0000-00000000000A"))
    assert bed.vms.find("abcdef00-0000-0000-0000-00000000000a") is bed.vm(vm_id)
    assert bed.vms.get(vm_id.upper(), "x") is bed.vm(vm_id)
    with pytest.raises(VMExists):
        bed.vms.add(bed.vm(vm_id))


async def test_lists_are_whole_or_refused(bed: VmBed) -> None:
    vm_id = await bed.create()
    vm, vms = bed.vm(vm_id), Vms()
    vms.add(vm)
    with pytest.raises(Recovering):
        vms.all("x")
    assert vms.known() == [vm]
    assert vms.get(vm_id, "x") is vm
    with pytest.raises(Recovering):
        vms.get("00000000-0000-0000-0000-000000000001", "x")
    vms.recovered = True
    assert vms.all("x") == [vm]
    with pytest.raises(NoSuchVM):
        vms.get("00000000-0000-0000-0000-000000000001", "x")
    vms.remove(vm_id.upper())
    vms.remove(vm_id)
    assert len(vms) == 0
