from __future__ import annotations

import asyncio

import pytest

from tests.unit.virt.bed import VmBed, bios, context, eventually, with_display_and_cd
from vdsm.adapters.libvirt.hypervisor import LifecycleAction, RunState
from vdsm.common.errors import (
    BackendTimeout,
    DestroyFailed,
    InvalidParameter,
    LibvirtError,
    LibvirtGone,
    MissingParameter,
    MonitorUnresponsive,
    NoSuchVM,
    OperationUnsupported,
    Recovering,
    ResetFailed,
    VMBusy,
    VMExists,
    VMNotRunning,
)
from vdsm.models.vm import VmParameters
from vdsm.virt.domain_xml.metadata import DESTROY_ON_REBOOT
from vdsm.virt.status import VmStatus


async def test_create_answers_before_the_start(bed: VmBed) -> None:
    plan = bios()
    answer = await bed.lifecycle.create(VmParameters(xml=plan.xml()))
    assert answer["vmId"] == plan.vm_id
    assert answer["status"] == "WaitForLaunch"
    assert plan.vm_id in answer["xml"]
    assert bed.calls(plan.vm_id) == []
    assert bed.stats(plan.vm_id)["status"] == "WaitForLaunch"
    assert [told.payload for told in bed.told] == [{"status": "WaitForLaunch"}]


async def test_a_vm_that_exists_is_refused_even_when_it_is_down(bed: VmBed) -> None:
    vm_id = await bed.create()
    with pytest.raises(VMExists):
        await bed.lifecycle.create(VmParameters(xml=bios(vm_id.upper()).xml()))
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    with pytest.raises(VMExists):
        await bed.lifecycle.create(VmParameters(xml=bios(vm_id).xml()))


async def test_what_cannot_be_created_is_refused_at_once(bed: VmBed) -> None:
    with pytest.raises(MissingParameter):
        await bed.lifecycle.create(VmParameters())
    with pytest.raises(InvalidParameter):
        await bed.lifecycle.create(VmParameters(xml="<domain"))
    with pytest.raises(OperationUnsupported):
        await bed.lifecycle.create(VmParameters(xml=bios().xml(), hiber_vol_handle="a,b"))
    assert len(bed.vms) == 0


async def test_nothing_is_created_or_destroyed_before_all_vms_are_known() -> None:
    bed = VmBed()
    with pytest.raises(Recovering):
        await bed.lifecycle.create(VmParameters(xml=bios().xml()))
    with pytest.raises(Recovering):
        await bed.lifecycle.destroy("00000000-0000-0000-0000-000000000001", 1)
    await bed.close()


async def test_destroy_terminates_forgets_and_undefines(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.destroy(vm_id, 1)
    assert bed.vms.find(vm_id) is None
    assert vm_id not in bed.fake.domains
    down = bed.told[-1]
    assert (down.payload["exitCode"], down.payload["exitReason"]) == (0, 6)
    assert bed.statuses(vm_id).count("Down") == 1
    with pytest.raises(NoSuchVM):
        await bed.lifecycle.destroy(vm_id, 1)


async def test_destroy_uses_force_after_the_graceful_attempts(bed: VmBed) -> None:
    vm_id = await bed.up()
    refused = LibvirtError(operation="destroy", vm_id=vm_id, cause="still busy", libvirt_code=38)
    bed.fake.faults.fail_next("destroy", refused)
    bed.fake.faults.fail_next("destroy", VMBusy(vm_id=vm_id, operation="destroy", reason="a job"))
    await bed.lifecycle.destroy(vm_id, 2)
    assert bed.calls(vm_id).count("destroy") == 3
    assert bed.vms.find(vm_id) is None


async def test_a_hung_vm_is_destroyed_by_force_at_once(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.hang_monitor(vm_id)
    await bed.sampling.sweep()
    await bed.lifecycle.destroy(vm_id, 3)
    assert bed.calls(vm_id).count("destroy") == 1
    assert vm_id not in bed.fake.domains


async def test_a_stuck_command_does_not_hold_up_destroy(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.hang_monitor(vm_id)
    stuck = asyncio.create_task(bed.lifecycle.pause(context(), vm_id))
    await bed.settle()
    await bed.lifecycle.destroy(vm_id, 0)
    with pytest.raises(VMBusy):
        await stuck
    assert bed.vms.find(vm_id) is None


async def test_destroy_during_a_start_that_is_stuck(bed: VmBed) -> None:
    bed.fake.faults.delay("start", 100)
    vm_id = await bed.accept()
    await eventually(lambda: "start" in bed.calls(vm_id))
    await bed.lifecycle.destroy(vm_id, 1)
    assert bed.vms.find(vm_id) is None
    assert vm_id not in bed.fake.domains
    assert bed.statuses(vm_id) == ["WaitForLaunch", "Down"]


async def test_a_failed_destroy_during_a_start_leaves_no_vm_behind(bed: VmBed) -> None:
    bed.fake.faults.delay("start", 100)
    vm_id = await bed.accept()
    await eventually(lambda: "start" in bed.calls(vm_id))
    bed.fake.faults.fail_next("destroy", LibvirtGone(operation="destroy"))
    with pytest.raises(DestroyFailed):
        await bed.lifecycle.destroy(vm_id, 1)
    assert bed.status(vm_id) is VmStatus.WAIT_FOR_LAUNCH
    bed.recovery.look_up_lost()
    await bed.reaches(vm_id, VmStatus.DOWN)
    await bed.lifecycle.destroy(vm_id, 1)
    assert vm_id not in bed.fake.domains


async def test_display_passwords_are_not_shown(bed: VmBed) -> None:
    xml = with_display_and_cd().xml().replace('passwd="*****"', 'passwd="s3cretpw"')
    assert "s3cretpw" in xml
    answer = await bed.lifecycle.create(VmParameters(xml=xml))
    assert "s3cretpw" not in answer["xml"] + "".join(bed.queries.definitions([]).values())
    await bed.lifecycle.destroy(answer["vmId"], 1)


async def test_two_destroys_at_once_end_it_once(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.delay("destroy", 0.02)
    results = await asyncio.gather(
        bed.lifecycle.destroy(vm_id, 1), bed.lifecycle.destroy(vm_id, 1), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), NoSuchVM]
    assert bed.calls(vm_id).count("destroy") == 1


async def test_a_vm_that_is_down_is_forgotten_and_undefined(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    await bed.lifecycle.destroy(vm_id, 1)
    assert "destroy" not in bed.calls(vm_id)
    assert vm_id not in bed.fake.domains
    assert len(bed.vms) == 0


async def test_a_vm_that_cannot_be_ended_stays_listed(bed: VmBed) -> None:
    vm_id = await bed.up()
    for _ in range(2):
        bed.fake.faults.fail_next("destroy", LibvirtError(operation="destroy", vm_id=vm_id, cause="in D state"))
    with pytest.raises(DestroyFailed) as caught:
        await bed.lifecycle.destroy(vm_id, 1)
    assert "in D state" in caught.value.message
    assert bed.status(vm_id) is VmStatus.UP
    await bed.lifecycle.pause(context(), vm_id)
    assert bed.status(vm_id) is VmStatus.PAUSED


async def test_a_vm_that_cannot_be_undefined_is_down_and_says_why_later_too(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.fail_next("undefine", LibvirtError(operation="undefine", vm_id=vm_id, cause="disk full"))
    with pytest.raises(DestroyFailed):
        await bed.lifecycle.destroy(vm_id, 1)
    assert bed.exit(vm_id) == (0, 6)
    again = VmBed(bed.fake)
    await again.open()
    assert again.exit(vm_id) == (0, 6)
    await again.close()
    await bed.lifecycle.destroy(vm_id, 1)
    assert vm_id not in bed.fake.domains


async def test_destroy_without_libvirt_fails_and_keeps_the_entry(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.lose_connection()
    with pytest.raises(DestroyFailed):
        await bed.lifecycle.destroy(vm_id, 1)
    assert bed.status(vm_id) is VmStatus.UP


async def test_pause_and_continue_are_idempotent(bed: VmBed) -> None:
    vm_id = await bed.up()
    for _ in range(2):
        await bed.lifecycle.pause(context(), vm_id)
    assert bed.stats(vm_id)["pauseCode"] == "NOERR"
    for _ in range(2):
        await bed.lifecycle.cont(context(), vm_id)
    await bed.settle()
    assert bed.statuses(vm_id)[-2:] == ["Paused", "Up"]
    assert "pauseCode" not in bed.stats(vm_id)
    assert bed.calls(vm_id).count("suspend") == bed.calls(vm_id).count("resume") == 1


async def test_continue_of_a_vm_that_runs_already_counts_as_done(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.pause(context(), vm_id)
    await bed.settle()
    bed.fake.connected = False  # so that its event is lost
    domain = bed.fake.domain(vm_id)
    domain.state = type(domain.state)(RunState.RUNNING, 5)
    bed.fake.connected = True
    await bed.lifecycle.cont(context(), vm_id)
    assert bed.status(vm_id) is VmStatus.UP


async def test_a_guest_that_was_booting_boots_on_after_a_pause(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.lifecycle.pause(context(), vm_id)
    await bed.lifecycle.cont(context(), vm_id)
    assert bed.status(vm_id) is VmStatus.POWERING_UP
    bed.fake.guests.connect_agent(vm_id, {}, {})
    await bed.reaches(vm_id, VmStatus.UP)


@pytest.mark.parametrize("command", ["pause", "cont", "reset", "set_destroy_on_reboot"])
async def test_commands_on_a_vm_that_does_not_run_are_refused(bed: VmBed, command: str) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    with pytest.raises(VMNotRunning):
        await getattr(bed.lifecycle, command)(context(), vm_id)
    with pytest.raises(NoSuchVM):
        await getattr(bed.lifecycle, command)(context(), "00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize("command", ["pause", "reset", "set_destroy_on_reboot"])
async def test_commands_on_a_hung_vm_fail_at_once_with_their_type(bed: VmBed, command: str) -> None:
    vm_id = await bed.up()
    bed.fake.faults.hang_monitor(vm_id)
    await bed.sampling.sweep()
    with pytest.raises(MonitorUnresponsive):
        await getattr(bed.lifecycle, command)(context(), vm_id)
    assert bed.status(vm_id) is VmStatus.UP


async def test_a_command_has_no_longer_than_its_call(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.hang_monitor(vm_id)
    with pytest.raises(BackendTimeout):
        await bed.lifecycle.pause(context(0.05), vm_id)


async def test_reset_reboots_and_the_guest_comes_up_again(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.reset(context(), vm_id)
    await bed.reaches(vm_id, VmStatus.REBOOTING)
    bed.fake.guests.connect_agent(vm_id, {}, {})
    await bed.reaches(vm_id, VmStatus.UP)


async def test_a_reset_that_libvirt_refuses_says_why(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.fail_next("reset", LibvirtError(operation="reset", vm_id=vm_id, cause="no reset line"))
    with pytest.raises(ResetFailed) as caught:
        await bed.lifecycle.reset(context(), vm_id)
    assert "no reset line" in caught.value.message


async def test_destroy_on_reboot_ends_the_vm_for_that_reason(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.set_destroy_on_reboot(context(), vm_id)
    assert bed.fake.domain(vm_id).on_reboot is LifecycleAction.DESTROY
    bed.fake.guests.reboot(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 13)


async def test_destroy_on_reboot_leaves_a_power_off_what_it_is(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.set_destroy_on_reboot(context(), vm_id)
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 7)


async def test_destroy_on_reboot_that_is_refused_is_not_remembered(bed: VmBed) -> None:
    vm_id = await bed.up()
    refused = OperationUnsupported(vm_id=vm_id, operation="set_lifecycle_action", reason="old QEMU")
    bed.fake.faults.fail_next("set_lifecycle_action", refused)
    with pytest.raises(OperationUnsupported):
        await bed.lifecycle.set_destroy_on_reboot(context(), vm_id)
    assert not bed.vm(vm_id).metadata.flag(DESTROY_ON_REBOOT)
