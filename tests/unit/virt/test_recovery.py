from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from tests.fakes.hypervisor import FakeHypervisor
from tests.unit.virt.bed import FACTS, FAST, VmBed, bios, context, eventually
from vdsm.adapters.libvirt.hypervisor import DomainState, RunState, ShutoffReason
from vdsm.common.errors import LibvirtError, Recovering
from vdsm.virt.domain_xml.metadata import EXIT_REASON
from vdsm.virt.domain_xml.prepare import prepare
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import VmStatus

FOREIGN = "<domain type='qemu'><name>{0}</name><uuid>{0}</uuid><memory>1024</memory></domain>"


async def _host(count: int = 3) -> tuple[FakeHypervisor, list[str]]:
    """A hypervisor with running VMs, left by a life of the agent that is over."""
    bed = VmBed()
    await bed.open()
    vm_ids = [await bed.create() for _ in range(count)]
    await bed.close()
    return bed.fake, vm_ids


async def test_every_vm_is_found_in_one_step(bed: VmBed) -> None:
    running, agent, paused, down = [await bed.create() for _ in range(4)]
    bed.fake.domain(agent)
    await bed.lifecycle.pause(context(), paused)
    bed.fake.guests.power_off(down)
    await bed.reaches(down, VmStatus.DOWN)
    await bed.settle()
    again = VmBed(bed.fake, VirtSettings(powering_up=0.0))
    await again.open()
    assert {vm_id: again.statuses(vm_id) for vm_id in (running, paused, down)} == {
        running: ["Up"],
        paused: ["Paused"],
        down: ["Down"],
    }
    assert again.exit(down) == (0, 7)
    assert all(told.visible["statusTime"] == str(told.time) for told in again.told)
    await again.close()


async def test_a_young_vm_goes_on_powering_up() -> None:
    fake, (vm_id,) = await _host(1)
    bed = VmBed(fake)
    await bed.open()
    assert bed.status(vm_id) is VmStatus.POWERING_UP
    fake.guests.connect_agent(vm_id, {}, {})
    await bed.reaches(vm_id, VmStatus.UP)
    await bed.close()


async def test_lists_answer_99_until_all_is_known_and_single_vms_as_soon_as_they_are() -> None:
    fake, vm_ids = await _host()
    fake.faults.fail_next("domain_xml", LibvirtError(operation="domain_xml", vm_id=vm_ids[0], cause="unreadable"))
    bed = VmBed(fake)
    for ask in (bed.queries.all_stats, lambda: bed.queries.listing("x", []), lambda: bed.queries.definitions([])):
        with pytest.raises(Recovering):
            ask()
    bed.recovery.start()
    await fake.open()
    await eventually(lambda: len(bed.vms) == 2)
    assert not bed.vms.recovered
    with pytest.raises(Recovering):
        bed.queries.all_stats()
    known = bed.vms.known()[0].vm_id
    assert bed.queries.info(known)["vmId"] == known
    unknown = (set(vm_ids) - {vm.vm_id for vm in bed.vms.known()}).pop()
    with pytest.raises(Recovering):
        bed.queries.info(unknown)
    await eventually(lambda: bed.vms.recovered)
    assert {entry["vmId"] for entry in bed.queries.listing("x", [])} == set(vm_ids)
    assert len(json.loads(bytes(bed.queries.all_stats()))) == 3
    await bed.close()


async def test_vms_are_found_in_parallel() -> None:
    fake, vm_ids = await _host(16)
    fake.faults.delay("domain_xml", 0.05)
    bed = VmBed(fake)
    begun = asyncio.get_running_loop().time()
    await bed.open()
    assert asyncio.get_running_loop().time() - begun < 16 * 0.05 / 2
    assert len(bed.vms) == len(vm_ids)
    await bed.close()


async def test_foreign_domains_are_neither_touched_nor_listed(bed: VmBed) -> None:
    theirs = str(uuid.uuid4())
    await bed.fake.define(FOREIGN.format(theirs))
    await bed.fake.start(theirs)
    bed.fake.guests.reboot(theirs)
    await bed.settle()
    again = VmBed(bed.fake)
    await again.open()
    bed.fake.guests.crash(theirs)
    await again.settle()
    for agent in (bed, again):
        assert len(agent.vms) == 0
        assert json.loads(bytes(agent.queries.all_stats())) == []
        assert agent.told == []
    assert set(bed.calls(theirs)) <= {"start", "state", "domain_xml"}
    await again.close()


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        (ShutoffReason.SHUTDOWN, (0, 7)),
        (ShutoffReason.DESTROYED, (0, 6)),
        (ShutoffReason.CRASHED, (1, 2)),
        (ShutoffReason.FAILED, (1, 2)),
        (ShutoffReason.MIGRATED, (0, 4)),
        (ShutoffReason.SAVED, (0, 5)),
        (ShutoffReason.UNKNOWN, (1, 2)),
        (ShutoffReason.DAEMON, (1, 2)),
    ],
)
async def test_a_vm_that_ended_meanwhile_gets_its_reason_and_keeps_it(
    reason: ShutoffReason, wanted: tuple[int, int]
) -> None:
    fake, (vm_id,) = await _host(1)
    fake.guests.crash(vm_id)
    fake.domain(vm_id).state = DomainState(RunState.SHUTOFF, reason)
    for _ in range(2):
        bed = VmBed(fake)
        await bed.open()
        await bed.settle()
        assert bed.exit(vm_id) == wanted
        await bed.close()
        fake.domain(vm_id).state = DomainState(RunState.SHUTOFF)  # libvirtd has forgotten why
    assert fake.calls.count(("set_metadata", vm_id)) == 1


async def test_a_definition_that_was_never_started_is_not_started() -> None:
    fake = FakeHypervisor()
    await fake.open()
    plan = bios()
    await fake.define(prepare(plan.xml(), FACTS).xml)
    bed = VmBed(fake)
    await bed.open()
    assert bed.exit(plan.vm_id) == (1, 2)
    assert not fake.domain(plan.vm_id).state.active
    await bed.close()


async def test_what_happens_while_a_vm_is_looked_at_is_not_lost() -> None:
    fake, (vm_id,) = await _host(1)
    bed = VmBed(fake)
    plain = fake.domain_xml

    async def slow(vm_id: str, *, inactive: bool = False, secure: bool = False, deadline: float = 0) -> str:
        text = await plain(vm_id, inactive=inactive)
        fake.guests.power_off(vm_id)
        await asyncio.sleep(0.01)
        return text

    fake.domain_xml = slow  # type: ignore[method-assign]  # the guest powers off between two calls
    await bed.open()
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 7)
    await bed.close()


async def test_entries_stay_while_libvirt_is_away_and_say_so(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.sampling.sweep()
    bed.fake.faults.lose_connection()
    await bed.settle()
    stats = bed.stats(vm_id)
    assert stats["monitorResponse"] == "-1"
    assert stats["status"] == "Up"
    assert stats["cpuUsage"] == "10000000"
    bed.fake.faults.restore_connection()
    await eventually(lambda: bed.stats(vm_id)["monitorResponse"] == "0")


async def test_what_happened_while_libvirt_was_away_is_caught_up(bed: VmBed) -> None:
    off, paused, resumed, gone, agent = [await bed.up() for _ in range(5)]
    await bed.lifecycle.pause(context(), resumed)
    await bed.settle()
    bed.fake.faults.lose_connection()
    await bed.settle()
    bed.fake.guests.power_off(off)
    bed.fake.domain(paused).state = DomainState(RunState.PAUSED, 5)
    bed.fake.domain(resumed).state = DomainState(RunState.RUNNING, 5)
    del bed.fake.domains[gone]
    bed.fake.faults.restore_connection()
    await bed.reaches(gone, VmStatus.DOWN)
    await bed.settle()
    assert bed.exit(off) == (0, 7)
    assert bed.exit(gone) == (1, 9)
    assert bed.stats(paused)["pauseCode"] == "EOTHER"
    assert bed.status(resumed) is VmStatus.UP
    assert bed.status(agent) is VmStatus.UP
    assert not bed.vm(agent).agent_connected  # as the live definition says


async def test_events_that_were_dropped_are_made_up_for(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.connected = False
    bed.fake.guests.power_off(vm_id)  # nobody hears it
    bed.fake.connected = True
    bed.vm(vm_id).needs_lookup = True
    bed.recovery.look_up_lost()
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 7)


async def test_a_lookup_that_fails_is_repeated(bed: VmBed) -> None:
    vm_id = await bed.up()
    vm = bed.vm(vm_id)
    vm.needs_lookup = True
    bed.fake.faults.fail_next("state", LibvirtError(operation="state", vm_id=vm_id, cause="odd"))
    bed.recovery.look_up_lost()
    await bed.settle()
    assert vm.needs_lookup
    bed.recovery.look_up_lost()
    await bed.settle()
    assert not vm.needs_lookup


async def test_a_vm_that_somebody_starts_again_is_taken_as_it_is(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    await bed.settle()
    before = bed.vm(vm_id).status_time
    await bed.fake.start(vm_id)
    await eventually(lambda: bed.vms.find(vm_id) is not None and bed.status(vm_id) is not VmStatus.DOWN)
    await bed.settle()
    assert bed.status(vm_id) is VmStatus.POWERING_UP
    assert bed.vm(vm_id).status_time > before
    assert bed.vm(vm_id).metadata.number(EXIT_REASON) is None
    bed.fake.guests.crash(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (1, 2)


async def test_a_vm_that_runs_although_its_metadata_says_down_is_taken_as_it_is(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    await bed.settle()
    await bed.close()
    await bed.fake.start(vm_id)
    again = VmBed(bed.fake)
    await again.open()
    await again.settle()
    assert again.status(vm_id) is VmStatus.POWERING_UP
    await again.close()
    bed.fake.guests.crash(vm_id)
    third = VmBed(bed.fake)
    await third.open()
    assert third.exit(vm_id) == (1, 2)
    await third.close()


async def test_a_domain_of_ours_that_appears_is_taken(bed: VmBed) -> None:
    plan = bios()
    await bed.fake.define(prepare(plan.xml(), FACTS).xml)
    await bed.fake.start(plan.vm_id)
    await eventually(lambda: bed.vms.find(plan.vm_id) is not None)
    assert bed.status(plan.vm_id) is VmStatus.POWERING_UP


async def test_looking_at_one_stranger_asks_nothing_about_the_others(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.calls.clear()
    theirs = str(uuid.uuid4())
    await bed.fake.define(FOREIGN.format(theirs))
    await bed.settle()
    assert bed.calls(vm_id) == []
    assert ("list_domains", "") not in bed.fake.calls


async def test_a_bug_in_recovery_is_shouted(bed: VmBed, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object, **__: object) -> DomainState:
        raise ZeroDivisionError

    bed.fake.state = broken  # type: ignore[method-assign]  # a bug
    await bed.fake.define(FOREIGN.format(uuid.uuid4()))
    await bed.settle()
    assert "vm recovery has ended by a bug" in caplog.text


async def test_a_vm_paused_on_its_way_up_stays_paused_after_a_restart(bed: VmBed) -> None:
    vm_id = await bed.create(launchPaused=True)
    again = VmBed(bed.fake, FAST)
    await again.open()
    assert again.status(vm_id) is VmStatus.PAUSED
    await again.lifecycle.cont(context(), vm_id)
    assert again.status(vm_id) is VmStatus.POWERING_UP
    await again.close()
