"""Most of this module is shown by test_recovery.py and test_starting.py; here is what only passing states show."""

from __future__ import annotations

import pytest

from tests.unit.virt.bed import VmBed
from vdsm.adapters.libvirt.hypervisor import DomainState, PausedReason, RunState
from vdsm.virt.status import VmStatus


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (DomainState(RunState.PAUSED, PausedReason.STARTING_UP), VmStatus.POWERING_UP),
        (DomainState(RunState.PAUSED, PausedReason.SHUTTING_DOWN), VmStatus.POWERING_UP),
        (DomainState(RunState.PAUSED, PausedReason.USER), VmStatus.PAUSED),
        (DomainState(RunState.SHUTDOWN), VmStatus.POWERING_DOWN),
        (DomainState(RunState.PMSUSPENDED), VmStatus.POWERING_UP),
        (DomainState(RunState.CRASHED), VmStatus.DOWN),
    ],
)
async def test_the_status_of_a_vm_that_is_found(bed: VmBed, state: DomainState, status: VmStatus) -> None:
    vm_id = await bed.create()
    bed.fake.domain(vm_id).state = state
    again = VmBed(bed.fake)
    await again.open()
    assert again.status(vm_id) is status
    assert again.statuses(vm_id) == [status.value]
    await again.close()


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (PausedReason.USER, "NOERR"),
        (PausedReason.IOERROR, "EOTHER"),
        (PausedReason.POSTCOPY, "POSTCOPY"),
        (PausedReason.POSTCOPY_FAILED, "POSTCOPY"),
        (PausedReason.UNKNOWN, "NOERR"),
    ],
)
async def test_why_a_vm_that_is_found_is_paused(bed: VmBed, reason: PausedReason, code: str) -> None:
    vm_id = await bed.create()
    bed.fake.domain(vm_id).state = DomainState(RunState.PAUSED, reason)
    again = VmBed(bed.fake)
    await again.open()
    assert again.stats(vm_id)["pauseCode"] == code
    await again.close()


async def test_a_moment_in_which_libvirt_calls_it_paused_pauses_nothing(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.domain(vm_id).state = DomainState(RunState.PAUSED, PausedReason.SHUTTING_DOWN)
    assert not await bed.catching_up.catch_up(bed.vm(vm_id))
    assert bed.status(vm_id) is VmStatus.UP
