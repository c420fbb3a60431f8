from __future__ import annotations

import pytest

from tests.unit.virt.bed import FAST, VmBed, bios, eventually
from vdsm.adapters.libvirt.hypervisor import DomainState, PausedReason, RunState, Started
from vdsm.common.errors import BackendTimeout, LibvirtError, LibvirtGone
from vdsm.virt.domain_xml.metadata import EXIT_REASON
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import PauseCode, VmStatus

TIMEOUT = BackendTimeout(backend="libvirt", operation="start", timeout=120)
FOREIGN = "<domain type='qemu'><name>theirs</name><uuid>{}</uuid><memory>1024</memory></domain>"


async def test_a_vm_powers_up_and_is_up_when_its_agent_answers(bed: VmBed) -> None:
    vm_id = await bed.create()
    assert bed.status(vm_id) is VmStatus.POWERING_UP
    bed.fake.guests.connect_agent(vm_id, {}, {})
    await bed.settle()
    assert bed.statuses(vm_id) == ["WaitForLaunch", "Powering up", "Up"]
    up = bed.told[-1]
    assert up.payload["vmName"] == bed.vm(vm_id).name
    assert up.payload["statusTime"] == str(up.time)


async def test_a_guest_without_an_agent_counts_as_up_after_a_while() -> None:
    bed = VmBed(settings=VirtSettings(powering_up=0.05))
    await bed.open()
    vm_id = await bed.create()
    await bed.reaches(vm_id, VmStatus.UP)
    await bed.close()


async def test_the_definition_is_stored_before_it_is_started(bed: VmBed) -> None:
    vm_id = await bed.create()
    assert bed.fake.domain(vm_id).persistent
    operations = [operation for operation, _ in bed.fake.calls]
    assert operations.index("define") < operations.index("start")


async def test_a_stale_definition_of_ours_is_replaced(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.fake.destroy(vm_id)
    await bed.settle()
    await bed.vm(vm_id).actor.stop()
    bed.vms.remove(vm_id)  # as if this agent had never known it
    await bed.create(bios(vm_id))
    assert bed.status(vm_id) is VmStatus.POWERING_UP
    assert "undefine" in bed.calls(vm_id)


@pytest.mark.parametrize("running", [False, True])
async def test_a_domain_that_is_not_ours_is_refused_and_left_alone(bed: VmBed, running: bool) -> None:
    plan = bios()
    vm_id = plan.vm_id
    await bed.fake.define(FOREIGN.format(vm_id))
    if running:
        await bed.fake.start(vm_id)
    await bed.settle()
    before, bed.fake.calls[:] = bed.fake.domain(vm_id).state, []
    await bed.create(plan)
    assert bed.exit(vm_id) == (1, 3)
    await bed.lifecycle.destroy(vm_id, 1)
    assert bed.vms.find(vm_id) is None
    assert bed.fake.domain(vm_id).state == before
    assert set(bed.calls(vm_id)) <= {"state", "domain_xml"}


async def test_what_libvirt_says_is_the_reason_and_outlives_the_agent(bed: VmBed) -> None:
    bed.fake.faults.fail_next("start", LibvirtError(operation="start", vm_id="", cause="no such kernel"))
    vm_id = await bed.create()
    assert bed.exit(vm_id) == (1, 3)
    assert bed.stats(vm_id)["exitMessage"] == "no such kernel"
    again = VmBed(bed.fake)
    await again.open()
    assert again.exit(vm_id) == (1, 3)
    assert again.stats(vm_id)["exitMessage"] == "no such kernel"
    await again.close()


async def test_a_refused_definition_is_down_with_the_reason(bed: VmBed) -> None:
    bed.fake.faults.fail_next("define", LibvirtError(operation="define", vm_id="", cause="name exists"))
    vm_id = await bed.create()
    assert bed.exit(vm_id) == (1, 3)
    assert bed.stats(vm_id)["exitMessage"] == "name exists"
    await bed.lifecycle.destroy(vm_id, 1)
    assert len(bed.vms) == 0


async def test_a_start_past_its_deadline_is_ended_and_down(bed: VmBed) -> None:
    plan = bios()

    async def slow_start(vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 0) -> None:
        await type(bed.fake).start(bed.fake, vm_id)
        raise TIMEOUT

    bed.fake.start = slow_start  # type: ignore[method-assign]  # QEMU came up, but too late
    await bed.create(plan)
    assert bed.exit(plan.vm_id) == (1, 3)
    assert bed.fake.domain(plan.vm_id).state.run is RunState.SHUTOFF


async def test_a_vm_that_may_run_is_not_called_down(bed: VmBed) -> None:
    plan = bios()
    vm_id = plan.vm_id

    async def slow_start(vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 0) -> None:
        await type(bed.fake).start(bed.fake, vm_id)
        raise TIMEOUT

    bed.fake.start = slow_start  # type: ignore[method-assign]  # QEMU came up, but too late
    for _ in range(2):  # the second is tried when the VM's Started is heard
        bed.fake.faults.fail_next("destroy", BackendTimeout(backend="libvirt", operation="destroy", timeout=45))
    await bed.accept(plan)
    await eventually(lambda: bed.calls(vm_id).count("destroy") == 2)
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.WAIT_FOR_LAUNCH
    bed.recovery.look_up_lost()
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (1, 3)
    assert not bed.fake.domain(vm_id).state.active


@pytest.mark.parametrize("came_up", [False, True])
async def test_libvirtd_that_dies_during_a_start_tells_the_outcome_when_it_is_back(bed: VmBed, came_up: bool) -> None:
    plan = bios()
    vm_id = plan.vm_id

    async def dying(vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 0) -> None:
        if came_up:
            await type(bed.fake).start(bed.fake, vm_id)
        bed.fake.faults.lose_connection()
        raise LibvirtGone(operation="start")

    bed.fake.start = dying  # type: ignore[method-assign]  # libvirtd is killed in the middle
    await bed.accept(plan)
    await eventually(lambda: not bed.fake.connected)
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.WAIT_FOR_LAUNCH
    bed.fake.faults.restore_connection()
    await bed.reaches(vm_id, VmStatus.POWERING_UP if came_up else VmStatus.DOWN)


async def test_a_start_that_still_goes_on_in_libvirt_is_ended(bed: VmBed) -> None:
    plan = bios()

    async def lost(vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 0) -> None:
        await type(bed.fake).start(bed.fake, vm_id)
        bed.fake.domain(vm_id).state = DomainState(RunState.PAUSED, PausedReason.STARTING_UP)
        raise LibvirtGone(operation="start")

    bed.fake.start = lost  # type: ignore[method-assign]  # the connection broke
    await bed.create(plan)
    assert bed.exit(plan.vm_id) == (1, 3)
    assert not bed.fake.domain(plan.vm_id).state.active


async def test_a_vm_that_comes_up_after_it_was_called_down_is_ended(bed: VmBed) -> None:
    bed.fake.faults.fail_next("start", LibvirtError(operation="start", vm_id="", cause="no"))
    vm_id = await bed.create()
    await bed.fake.start(vm_id)
    await eventually(lambda: not bed.fake.domain(vm_id).state.active)
    assert bed.exit(vm_id) == (1, 3)


async def test_ending_a_late_one_is_tried_again(bed: VmBed) -> None:
    bed.fake.faults.fail_next("start", LibvirtError(operation="start", vm_id="", cause="no"))
    vm_id = await bed.create()
    bed.fake.faults.fail_next("destroy", LibvirtError(operation="destroy", vm_id=vm_id, cause="busy"))
    await bed.fake.start(vm_id)
    await bed.settle()
    assert bed.fake.domain(vm_id).state.active
    bed.recovery.look_up_lost()
    await bed.settle()
    assert not bed.fake.domain(vm_id).state.active


async def test_launch_paused(bed: VmBed) -> None:
    vm_id = await bed.create(launchPaused=True)
    assert bed.status(vm_id) is VmStatus.PAUSED
    assert bed.vm(vm_id).pause_code is PauseCode.NONE
    assert bed.statuses(vm_id) == ["WaitForLaunch", "Paused"]
    await bed.fake.resume(vm_id)
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.POWERING_UP


async def test_a_destroy_before_the_start_begins_leaves_nothing(bed: VmBed) -> None:
    plan = bios()
    await bed.accept(plan)
    await bed.lifecycle.destroy(plan.vm_id, 1)
    await bed.settle()
    assert plan.vm_id not in bed.fake.domains
    assert bed.vms.find(plan.vm_id) is None


async def test_a_started_event_of_our_own_start_changes_nothing(bed: VmBed) -> None:
    vm_id = await bed.up()
    count = len(bed.told)
    bed.fake.emit(Started(vm_id))
    await bed.settle()
    assert len(bed.told) == count


async def test_metadata_of_an_earlier_life_is_not_carried_over(bed: VmBed) -> None:
    vm_id = await bed.create(exitCode=1, exitReason=5, exitMessage="old")
    assert bed.vm(vm_id).metadata.number(EXIT_REASON) is None
    assert FAST.powering_up >= bed.vm(vm_id).age()


async def test_why_libvirt_refused_a_definition_outlives_the_agent(bed: VmBed) -> None:
    bed.fake.faults.fail_next("define", LibvirtError(operation="define", vm_id="", cause="name exists"))
    vm_id = await bed.create()
    await bed.settle()
    again = VmBed(bed.fake)
    await again.open()
    assert again.exit(vm_id) == (1, 3)
    assert again.stats(vm_id)["exitMessage"] == "name exists"
    await again.lifecycle.destroy(vm_id, 1)
    assert await bed.fake.list_domains() == []
    await again.close()
