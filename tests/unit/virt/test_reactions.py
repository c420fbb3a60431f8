from __future__ import annotations

import pytest

from tests.unit.virt.bed import VmBed, context
from vdsm.adapters.libvirt.hypervisor import (
    AgentConnected,
    Crashed,
    DeviceAdded,
    DomainState,
    Graphics,
    GraphicsPhase,
    IoError,
    IoErrorAction,
    PausedReason,
    Rebooted,
    Resumed,
    RtcChanged,
    RunState,
    Shutdown,
    ShutdownCause,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
    TrayChanged,
    WatchdogAction,
    WatchdogFired,
)
from vdsm.common.errors import LibvirtGone
from vdsm.virt.domain_xml.metadata import DESTROY_ON_REBOOT, SHUTDOWN_REASON
from vdsm.virt.reactions import STOPPED_BY_SHUTOFF, exit_of
from vdsm.virt.status import VmStatus


@pytest.mark.parametrize(
    ("reason", "cause", "intended", "on_reboot", "wanted"),
    [
        (StoppedReason.SHUTDOWN, None, False, False, (0, 7)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_SHUTDOWN, False, False, (0, 7)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_SHUTDOWN, True, False, (0, 6)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_SHUTDOWN, False, True, (0, 7)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_RESET, False, True, (0, 13)),
        (StoppedReason.SHUTDOWN, ShutdownCause.HOST_RESET, False, True, (0, 13)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_RESET, True, True, (0, 6)),
        (StoppedReason.SHUTDOWN, ShutdownCause.GUEST_RESET, False, False, (0, 7)),
        (StoppedReason.SHUTDOWN, ShutdownCause.HOST_SIGNAL, False, False, (0, 11)),
        (StoppedReason.SHUTDOWN, ShutdownCause.HOST_SIGNAL, True, False, (0, 6)),
        (StoppedReason.DESTROYED, ShutdownCause.HOST_SIGNAL, False, False, (0, 6)),
        (StoppedReason.DESTROYED, ShutdownCause.HOST_SIGNAL, False, True, (0, 6)),
        (StoppedReason.MIGRATED, None, False, False, (0, 4)),
        (StoppedReason.SAVED, None, False, False, (0, 5)),
        (StoppedReason.CRASHED, None, False, False, (1, 2)),
        (StoppedReason.CRASHED, None, True, False, (0, 6)),
        (StoppedReason.FAILED, None, False, False, (1, 2)),
        (StoppedReason.UNKNOWN, None, False, False, (1, 2)),
    ],
)
async def test_why_a_vm_is_down(
    bed: VmBed,
    reason: StoppedReason,
    cause: ShutdownCause | None,
    intended: bool,
    on_reboot: bool,
    wanted: tuple[int, int],
) -> None:
    vm = bed.vm(await bed.up())
    vm.shutdown_cause = cause
    vm.metadata = vm.metadata.with_values(
        {SHUTDOWN_REASON: 6 if intended else None, DESTROY_ON_REBOOT: on_reboot or None}
    )
    ended = exit_of(vm, reason)
    assert (int(ended.code), int(ended.reason)) == wanted
    assert ended.message


def test_every_shutoff_that_says_something_is_a_stop() -> None:
    assert {stop.name for stop in STOPPED_BY_SHUTOFF.values()} == {shutoff.name for shutoff in STOPPED_BY_SHUTOFF}


async def test_a_guest_that_powers_off_is_down_once_and_for_good(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    bed.fake.emit(Stopped(vm_id, StoppedReason.CRASHED))
    for event in (
        Resumed(vm_id),
        Suspended(vm_id),
        Rebooted(vm_id),
        AgentConnected(vm_id, connected=True),
        Graphics(vm_id, GraphicsPhase.CONNECT, "10.0.0.9", "4711", ""),
    ):
        bed.fake.emit(event)
    await bed.settle()
    assert bed.exit(vm_id) == (0, 7)
    assert bed.statuses(vm_id)[-1:] == ["Down"]
    assert bed.statuses(vm_id).count("Down") == 1
    assert bed.stats(vm_id)["timeOffset"] == 0


async def test_a_crash_is_lost_qemu(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.emit(Crashed(vm_id))
    bed.fake.guests.crash(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (1, 2)


async def test_a_qemu_that_the_host_ends_says_so(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.terminate(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 11)


async def test_the_exit_is_stored_later_when_libvirt_cannot_now(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.fail_next("set_metadata", LibvirtGone(operation="set_metadata"))
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    await bed.settle()
    assert bed.vm(vm_id).unsaved
    bed.recovery.look_up_lost()
    await bed.settle()
    again = VmBed(bed.fake)
    await again.open()
    assert again.exit(vm_id) == (0, 7)
    assert not bed.vm(vm_id).unsaved
    await again.close()


async def test_a_burst_of_reboots_is_one_change(bed: VmBed) -> None:
    vm_id = await bed.up()
    for _ in range(15):
        bed.fake.emit(Rebooted(vm_id))
    await bed.settle()
    assert bed.statuses(vm_id)[-2:] == ["Up", "RebootInProgress"]
    bed.fake.emit(AgentConnected(vm_id, connected=False))
    bed.fake.guests.connect_agent(vm_id, {}, {})
    await bed.settle()
    assert bed.statuses(vm_id)[-2:] == ["RebootInProgress", "Up"]


async def test_resets_of_the_firmware_while_powering_up_are_no_reboot(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.emit(Rebooted(vm_id))
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.POWERING_UP


async def test_an_io_error_pauses_with_its_code_and_disk(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.io_error(vm_id, alias="ua-1-vda", path="/disk")
    bed.fake.emit(IoError(vm_id, "/disk", "ua-1-vda", IoErrorAction.PAUSE, "enospc"))
    await bed.settle()
    assert bed.stats(vm_id)["pauseCode"] == "ENOSPC"
    (paused,) = [told for told in bed.told if told.status == "Paused"]
    assert paused.payload["pauseCode"] == "ENOSPC"
    assert paused.payload["ioerror"] == {"alias": "ua-1-vda", "name": "vda", "path": "/disk"}


@pytest.mark.parametrize(
    ("reason", "code"), [("eio", "EIO"), ("eperm", "EPERM"), ("eother", "EOTHER"), ("", "EOTHER"), ("new", "EOTHER")]
)
async def test_pause_codes(bed: VmBed, reason: str, code: str) -> None:
    vm_id = await bed.up()
    bed.fake.guests.io_error(vm_id, alias="ua-1", path="/disk", reason=reason)
    await bed.settle()
    assert bed.stats(vm_id)["pauseCode"] == code


async def test_the_exact_code_replaces_a_vague_one_whatever_comes_first(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.domain(vm_id).state = DomainState(RunState.PAUSED, PausedReason.IOERROR)
    bed.fake.emit(Suspended(vm_id, SuspendedReason.IOERROR))
    bed.fake.emit(IoError(vm_id, "/disk", "ua-1", IoErrorAction.PAUSE, "eio"))
    bed.fake.emit(Suspended(vm_id, SuspendedReason.PAUSED))
    bed.fake.emit(Suspended(vm_id, SuspendedReason.IOERROR))
    await bed.settle()
    assert bed.stats(vm_id)["pauseCode"] == "EIO"
    assert bed.statuses(vm_id)[-2:] == ["Paused", "Paused"]


async def test_an_io_error_that_is_only_reported_changes_nothing(bed: VmBed) -> None:
    vm_id = await bed.up()
    count = len(bed.told)
    bed.fake.emit(IoError(vm_id, "/disk", "ua-1", IoErrorAction.REPORT, "eio"))
    await bed.settle()
    assert len(bed.told) == count


async def test_events_that_are_old_do_not_undo_a_command(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.lifecycle.pause(context(), vm_id)
    bed.fake.emit(Resumed(vm_id))  # of its start, late
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.PAUSED
    await bed.lifecycle.cont(context(), vm_id)
    bed.fake.emit(Suspended(vm_id))  # of the pause, late
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.UP


async def test_an_event_is_believed_when_libvirt_cannot_be_asked(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.faults.fail_next("state", LibvirtGone(operation="state"))
    bed.fake.emit(Suspended(vm_id))
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.PAUSED


async def test_suspensions_that_belong_to_a_job_are_not_told(bed: VmBed) -> None:
    vm_id = await bed.up()
    for reason in (SuspendedReason.FROM_SNAPSHOT, SuspendedReason.RESTORED, SuspendedReason.MIGRATED):
        bed.fake.emit(Suspended(vm_id, reason))
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.UP


async def test_a_guest_agent_that_goes_takes_its_fields_along(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.guests.connect_agent(vm_id, {}, {"hostname": "tiny"})
    await bed.settle()
    bed.guest_agents.tick(0.0)
    await bed.settle()
    assert bed.stats(vm_id)["guestName"] == "tiny"
    bed.fake.guests.disconnect_agent(vm_id)
    await bed.settle()
    assert "guestName" not in bed.stats(vm_id)
    assert bed.status(vm_id) is VmStatus.UP


async def test_display_clients_come_and_go(bed: VmBed) -> None:
    vm_id = await bed.up()
    for phase in (GraphicsPhase.CONNECT, GraphicsPhase.INITIALIZE):
        bed.fake.emit(Graphics(vm_id, phase, "10.0.0.9", "4711", ""))
    await bed.settle()
    assert bed.stats(vm_id)["clientIp"] == "10.0.0.9"
    assert [dict(told.payload) for told in bed.told[-1:]] == [{"clientIp": "10.0.0.9", "status": "Up"}]
    bed.fake.emit(Graphics(vm_id, GraphicsPhase.DISCONNECT, "10.0.0.9", "4711", ""))
    await bed.settle()
    assert bed.stats(vm_id)["clientIp"] == ""
    assert bed.told[-1].payload["clientIp"] == ""


async def test_small_news_show_in_the_statistics(bed: VmBed) -> None:
    vm_id = await bed.up()
    for event in (
        RtcChanged(vm_id, 3600),
        WatchdogFired(vm_id, WatchdogAction.RESET),
        TrayChanged(vm_id, "ua-cd", opened=True),
        DeviceAdded(vm_id, "net1"),
        Shutdown(vm_id),
    ):
        bed.fake.emit(event)
    await bed.settle()
    stats = bed.stats(vm_id)
    assert stats["timeOffset"] == "3600"
    assert stats["watchdogEvent"]["action"] == "reset"
    assert stats["status"] == "Up"


async def test_a_reboot_while_shutting_down_ends_the_request(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id, step=60)
    bed.fake.emit(Rebooted(vm_id))
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.REBOOTING
    assert bed.vm(vm_id).metadata.number(SHUTDOWN_REASON) is None
