from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.unit.virt.bed import FAST, VmBed, bios, context, eventually
from vdsm.common.errors import (
    BackendTimeout,
    GuestAgentError,
    InvalidParameter,
    LibvirtError,
    LibvirtGone,
    NoSuchVM,
    VMNotRunning,
)
from vdsm.models.vm import VmParameters
from vdsm.virt import shutdown
from vdsm.virt.domain_xml.metadata import SHUTDOWN_REASON
from vdsm.virt.status import VmStatus


@pytest.fixture
async def patient() -> AsyncIterator[VmBed]:
    """Rungs that take longer than any test."""
    made = VmBed(settings=replace(FAST, shutdown_delay=100.0, shutdown_step=100.0))
    await made.open()
    yield made
    await made.close()


async def test_a_guest_with_an_agent_is_asked_through_it_and_is_down_by_an_admin(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.shutdown.shutdown(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)
    assert bed.statuses(vm_id)[-2:] == ["Powering down", "Down"]
    assert bed.calls(vm_id).count("shutdown") == 1


async def test_without_an_agent_the_power_button_is_pressed(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.guests.obey_acpi(vm_id)
    await bed.shutdown.shutdown(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)
    assert bed.calls(vm_id).count("shutdown") == 1


async def test_an_agent_that_refuses_gives_way_to_the_power_button_at_once(patient: VmBed) -> None:
    vm_id = await patient.up()
    patient.fake.guests.obey_acpi(vm_id)
    refused = GuestAgentError(vm_id=vm_id, operation="shutdown", cause="disabled")
    patient.fake.faults.fail_next("shutdown", refused)
    await patient.shutdown.shutdown(vm_id)
    await patient.reaches(vm_id, VmStatus.DOWN)


async def test_a_guest_that_ignores_all_is_destroyed_with_force(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id, force=True)
    assert bed.status(vm_id) is VmStatus.POWERING_DOWN
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)
    assert bed.calls(vm_id).count("destroy") == 1
    assert bed.vms.find(vm_id) is not None


async def test_a_later_plain_request_does_not_take_force_back(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id, force=True)
    await bed.shutdown.shutdown(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)


async def test_a_vm_without_acpi_does_not_wait_for_its_power_button(patient: VmBed) -> None:
    plan = bios()
    await patient.lifecycle.create(VmParameters(xml=plan.xml().replace("<acpi/>", "")))
    await patient.reaches(plan.vm_id, VmStatus.POWERING_UP)
    await patient.shutdown.shutdown(plan.vm_id, force=True)
    await patient.reaches(plan.vm_id, VmStatus.DOWN)
    assert patient.calls(plan.vm_id).count("shutdown") == 0


async def test_a_guest_that_ignores_all_stays_up_without_force(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id)
    await eventually(lambda: bed.status(vm_id) is VmStatus.UP)
    assert bed.vm(vm_id).metadata.number(SHUTDOWN_REASON) is None
    assert "destroy" not in bed.calls(vm_id)
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 7)


async def test_the_end_of_the_boot_time_is_no_end_of_the_shutdown() -> None:
    bed = VmBed(settings=replace(FAST, powering_up=0.05, shutdown_step=100.0))
    await bed.open()
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id)
    await asyncio.sleep(0.1)
    assert bed.status(vm_id) is VmStatus.POWERING_DOWN
    await bed.close()


async def test_the_agents_rung_has_the_delay_on_top() -> None:
    bed = VmBed(settings=replace(FAST, shutdown_delay=0.2, shutdown_step=0.01))
    await bed.open()
    vm_id = await bed.up()
    shutdown, bed.fake.shutdown = bed.fake.shutdown, _ignore  # type: ignore[method-assign,assignment]  # a guest that is deaf
    begun = asyncio.get_running_loop().time()
    await bed.shutdown.shutdown(vm_id, force=True)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert asyncio.get_running_loop().time() - begun >= 0.2
    assert shutdown is not None
    await bed.close()


async def _ignore(_vm_id: str, _mode: object, *, deadline: float = 0) -> None:
    """Nothing happens."""


async def test_the_caller_may_say_how_long(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id, force=True, delay=0, step=0)
    await patient.reaches(vm_id, VmStatus.DOWN)
    for wrong in ({"delay": -1}, {"step": 86401}):
        with pytest.raises(InvalidParameter):
            await patient.shutdown.shutdown(vm_id, **wrong)  # type: ignore[arg-type]  # one of them


async def test_a_guest_that_goes_down_while_the_ladder_waits_ends_it(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id, force=True)
    await patient.settle()
    patient.fake.guests.power_off(vm_id)
    await patient.reaches(vm_id, VmStatus.DOWN)
    await patient.settle()
    assert patient.exit(vm_id) == (0, 6)
    assert "destroy" not in patient.calls(vm_id)


async def test_a_second_shutdown_starts_anew(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id)
    await patient.settle()
    await patient.shutdown.shutdown(vm_id, force=True, step=0)
    await patient.reaches(vm_id, VmStatus.DOWN)
    assert patient.calls(vm_id).count("shutdown") == 2
    assert patient.statuses(vm_id).count("Powering down") == 1


async def test_a_reboot_takes_a_shutdown_back(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id)
    await patient.settle()
    await patient.shutdown.shutdown(vm_id, reboot=True)
    await patient.settle()
    assert patient.status(vm_id) is VmStatus.UP
    patient.fake.guests.power_off(vm_id)
    await patient.reaches(vm_id, VmStatus.DOWN)
    assert patient.exit(vm_id) == (0, 7)


async def test_a_reboot_through_the_agent(patient: VmBed) -> None:
    vm_id = await patient.up()
    await patient.shutdown.shutdown(vm_id, reboot=True)
    await patient.reaches(vm_id, VmStatus.REBOOTING)
    assert patient.calls(vm_id).count("reboot") == 1
    patient.fake.guests.connect_agent(vm_id, {}, {})
    await patient.reaches(vm_id, VmStatus.UP)


async def test_a_reboot_that_is_ignored_ends_in_a_reset_with_force(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id, reboot=True, force=True)
    await eventually(lambda: "reset" in bed.calls(vm_id))
    await bed.settle()
    assert bed.vm(vm_id).reboots == 1
    assert bed.vm(vm_id).is_running


async def test_a_reboot_that_is_ignored_changes_nothing_without_force(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.domain(vm_id).agent = None
    await bed.shutdown.shutdown(vm_id, reboot=True)
    await eventually(lambda: "reboot" in bed.calls(vm_id))
    await asyncio.sleep(0.12)
    assert bed.status(vm_id) is VmStatus.UP
    assert "reset" not in bed.calls(vm_id)


async def test_a_paused_guest_cannot_be_asked_so_it_is_forced_at_once(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.lifecycle.pause(context(), vm_id)
    await patient.shutdown.shutdown(vm_id, force=True)
    await patient.reaches(vm_id, VmStatus.DOWN)
    assert patient.exit(vm_id) == (0, 6)


async def test_a_paused_guest_stays_paused_without_force(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.lifecycle.pause(context(), vm_id)
    await bed.shutdown.shutdown(vm_id)
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.PAUSED
    assert bed.vm(vm_id).metadata.number(SHUTDOWN_REASON) is None


async def test_a_guest_paused_on_its_way_down_is_up_when_the_ladder_ends(bed: VmBed) -> None:
    vm_id = await bed.create()
    await bed.shutdown.shutdown(vm_id)
    await bed.lifecycle.pause(context(), vm_id)
    await eventually(lambda: bed.vm(vm_id).metadata.number(SHUTDOWN_REASON) is None)
    await bed.lifecycle.cont(context(), vm_id)
    assert bed.status(vm_id) is VmStatus.UP


async def test_force_that_fails_leaves_the_vm_up(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.faults.fail_next("destroy", LibvirtError(operation="destroy", vm_id=vm_id, cause="in D state"))
    await bed.shutdown.shutdown(vm_id, force=True)
    await bed.reaches(vm_id, VmStatus.UP)


async def test_a_hung_vm_is_still_forced(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.faults.hang_monitor(vm_id)
    await bed.sampling.sweep()
    await bed.shutdown.shutdown(vm_id, force=True)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)


async def test_destroy_in_the_middle_ends_the_ladder(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id, force=True)
    await patient.settle()
    await patient.lifecycle.destroy(vm_id, 1)
    await patient.settle()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not any(name.startswith("shut down") for name in names)


async def test_what_does_not_run_cannot_be_shut_down(bed: VmBed) -> None:
    with pytest.raises(NoSuchVM):
        await bed.shutdown.shutdown("00000000-0000-0000-0000-000000000001")
    vm_id = await bed.create()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    with pytest.raises(VMNotRunning):
        await bed.shutdown.shutdown(vm_id)


async def test_an_agent_that_stops_in_the_middle_forgets_the_request_in_time(patient: VmBed) -> None:
    vm_id = await patient.up()
    patient.fake.domain(vm_id).agent = None
    await patient.shutdown.shutdown(vm_id, step=100)
    await patient.settle()
    await patient.close()
    again = VmBed(patient.fake)
    await again.open()
    assert again.statuses(vm_id) == ["Powering down"]
    await again.reaches(vm_id, VmStatus.UP)
    again.fake.guests.power_off(vm_id)
    await again.reaches(vm_id, VmStatus.DOWN)
    assert again.exit(vm_id) == (0, 7)
    await again.close()


async def test_a_guest_that_obeys_after_the_agents_restart_was_shut_down_by_an_admin(patient: VmBed) -> None:
    vm_id = await patient.create()
    await patient.shutdown.shutdown(vm_id)
    await patient.settle()
    await patient.close()
    again = VmBed(patient.fake, replace(FAST, powering_down=100.0))
    await again.open()
    again.fake.guests.power_off(vm_id)
    await again.reaches(vm_id, VmStatus.DOWN)
    assert again.exit(vm_id) == (0, 6)
    await again.close()


@pytest.mark.parametrize(
    "unknown",
    [LibvirtGone(operation="destroy"), BackendTimeout(backend="libvirt", operation="destroy", timeout=45)],
)
async def test_force_whose_outcome_is_unknown_is_used_again(
    bed: VmBed, monkeypatch: pytest.MonkeyPatch, unknown: LibvirtError
) -> None:
    monkeypatch.setattr(shutdown, "FORCE_PAUSES", (0.01, 0.01, 0.01))
    vm_id = await bed.create()
    for _ in range(2):
        bed.fake.faults.fail_next("destroy", unknown)
    await bed.shutdown.shutdown(vm_id, force=True, step=0)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 6)
    assert bed.calls(vm_id).count("destroy") == 3


async def test_force_that_stays_without_an_outcome_ends_too(bed: VmBed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "FORCE_PAUSES", (0.01, 0.01))
    vm_id = await bed.create()
    for _ in range(2):
        bed.fake.faults.fail_next("destroy", LibvirtGone(operation="destroy"))
    await bed.shutdown.shutdown(vm_id, force=True, step=0)
    await bed.reaches(vm_id, VmStatus.UP)
    assert bed.vm(vm_id).metadata.number(SHUTDOWN_REASON) is None
