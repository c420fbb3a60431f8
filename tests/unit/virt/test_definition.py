from __future__ import annotations

import pytest

from tests.unit.virt.bed import VmBed
from vdsm.common.errors import LibvirtError, LibvirtGone
from vdsm.virt.definition import stored_exit
from vdsm.virt.domain_xml import metadata
from vdsm.virt.domain_xml.metadata import EXIT_CODE, EXIT_MESSAGE, EXIT_REASON, SHUTDOWN_REASON, VmMetadata
from vdsm.virt.status import ExitCode, ExitReason
from vdsm.virt.vm import Exit

ODD = LibvirtError(operation="set_metadata", vm_id="", cause="odd")


async def _stored(bed: VmBed, vm_id: str) -> VmMetadata:
    text = await bed.fake.metadata(vm_id, metadata.VM_NAMESPACE)
    assert text is not None
    return metadata.read_text(text)


async def test_what_is_saved_is_in_the_definition_and_on_the_vm(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.definition.save(bed.vm(vm_id), {"balloonTarget": 1024})
    assert (await _stored(bed, vm_id)).number("balloonTarget") == 1024
    assert bed.vm(vm_id).metadata.number("balloonTarget") == 1024


async def test_what_cannot_be_saved_is_not_believed(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.faults.fail_next("set_metadata", ODD)
    with pytest.raises(LibvirtError):
        await bed.definition.save(bed.vm(vm_id), {"balloonTarget": 1024})
    assert bed.vm(vm_id).metadata.number("balloonTarget") is None


@pytest.mark.parametrize("error", [ODD, LibvirtGone(operation="set_metadata")])
async def test_what_is_kept_is_believed_at_once_and_stored_when_it_can_be(bed: VmBed, error: LibvirtError) -> None:
    vm_id = await bed.create()
    vm = bed.vm(vm_id)
    bed.fake.faults.fail_next("set_metadata", error)
    await bed.definition.keep(vm, {SHUTDOWN_REASON: 6})
    assert vm.metadata.number(SHUTDOWN_REASON) == 6
    assert (vm.unsaved, vm.needs_lookup) == (True, True)
    await bed.definition.save_pending(vm)
    assert (await _stored(bed, vm_id)).number(SHUTDOWN_REASON) == 6
    bed.fake.calls.clear()
    await bed.definition.save_pending(vm)
    assert bed.fake.calls == []


async def test_a_definition_that_is_gone_keeps_nothing_and_is_no_problem(bed: VmBed) -> None:
    vm_id = await bed.create()
    vm = bed.vm(vm_id)
    await bed.fake.undefine(vm_id)
    await bed.fake.destroy(vm_id)
    await bed.settle()
    await bed.definition.keep(vm, {SHUTDOWN_REASON: 6})
    assert not vm.unsaved


async def test_a_domain_that_is_not_ours_is_never_written_to(bed: VmBed) -> None:
    vm_id = await bed.create()
    vm = bed.vm(vm_id)
    vm.defined = False
    bed.fake.calls.clear()
    await bed.definition.keep(vm, {SHUTDOWN_REASON: 6})
    assert bed.fake.calls == []


async def test_a_definition_that_cannot_be_read_leaves_the_last_one(bed: VmBed) -> None:
    vm_id = await bed.create()
    vm = bed.vm(vm_id)
    before = vm.xml
    bed.fake.faults.fail_next("domain_xml", ODD)
    await bed.definition.refresh(vm)
    assert vm.xml == before


def test_an_exit_is_read_back_whatever_it_holds() -> None:
    plain = VmMetadata()
    assert stored_exit(plain) is None
    assert stored_exit(plain.with_values({EXIT_CODE: 1})) is None
    whole = plain.with_values({EXIT_CODE: 1, EXIT_REASON: 3, EXIT_MESSAGE: "no kernel"})
    assert stored_exit(whole) == Exit(ExitCode.ERROR, ExitReason.START_FAILED, "no kernel")
    for code, reason in ((7, 3), (1, 99), (float("inf"), 3)):
        odd = plain.with_values({EXIT_CODE: code, EXIT_REASON: reason})
        assert stored_exit(odd) == Exit(ExitCode.ERROR, ExitReason.GENERIC_ERROR, "")
