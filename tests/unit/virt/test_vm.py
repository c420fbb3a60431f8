"""The status machine under whatever commands and events come, in whatever order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.unit.virt.bed import FAST, VmBed, bios, context, eventually
from vdsm.adapters.libvirt.hypervisor import (
    AgentConnected,
    DomainEvent,
    Graphics,
    GraphicsPhase,
    IoError,
    IoErrorAction,
    Rebooted,
    Resumed,
    RtcChanged,
    Started,
    Suspended,
    SuspendedReason,
    Undefined,
)
from vdsm.common.errors import LibvirtError, VdsmError, VMNotRunning, WrongState
from vdsm.virt.status import FOLLOWS, ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit

BY_NAME = {status.value: status for status in VmStatus}
DOWN = Exit(ExitCode.NORMAL, ExitReason.USER_SHUTDOWN, "off")

EVENTS: tuple[Callable[[str], DomainEvent], ...] = (
    Started,
    Resumed,
    Rebooted,
    Undefined,
    Suspended,
    lambda vm_id: Suspended(vm_id, SuspendedReason.IOERROR),
    lambda vm_id: Suspended(vm_id, SuspendedReason.MIGRATED),
    lambda vm_id: AgentConnected(vm_id, connected=True),
    lambda vm_id: AgentConnected(vm_id, connected=False),
    lambda vm_id: IoError(vm_id, "/disk", "ua-1", IoErrorAction.PAUSE, "enospc"),
    lambda vm_id: Graphics(vm_id, GraphicsPhase.CONNECT, "10.0.0.1", "1", ""),
    lambda vm_id: RtcChanged(vm_id, 5),
)
COMMANDS = ("pause", "cont", "reset", "shutdown", "force", "reboot", "destroy on reboot")
FAULTS = ("start", "define", "destroy", "state", "set_metadata", "suspend", "domain_xml", "undefine", "bulk_stats")


class VmMachine(RuleBasedStateMachine):
    """Drives a host of few VMs at random; what must hold is checked after every step."""

    vms = Bundle("vms")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.bed: VmBed
        self.seen = 0

    def do(self, action: Coroutine[Any, Any, Any]) -> None:
        async def settled() -> None:
            with contextlib.suppress(VdsmError):  # a refusal is as good as a success here
                await action
            await self.bed.settle()

        self.loop.run_until_complete(settled())

    @initialize()
    def begin(self) -> None:
        async def make() -> None:
            self.bed = VmBed(settings=FAST)
            await self.bed.open()

        self.loop.run_until_complete(make())

    @rule(target=vms, paused=st.booleans())
    def create(self, paused: bool) -> str:
        plan = bios(launchPaused=paused)
        self.do(self.bed.accept(plan))
        return plan.vm_id

    @rule(vm_id=vms, command=st.sampled_from(COMMANDS))
    def command(self, vm_id: str, command: str) -> None:
        bed = self.bed
        calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "pause": lambda: bed.lifecycle.pause(context(), vm_id),
            "cont": lambda: bed.lifecycle.cont(context(), vm_id),
            "reset": lambda: bed.lifecycle.reset(context(), vm_id),
            "shutdown": lambda: bed.shutdown.shutdown(vm_id, step=0),
            "force": lambda: bed.shutdown.shutdown(vm_id, force=True, step=0),
            "reboot": lambda: bed.shutdown.shutdown(vm_id, reboot=True, step=0),
            "destroy on reboot": lambda: bed.lifecycle.set_destroy_on_reboot(context(), vm_id),
        }
        self.do(calls[command]())

    @rule(vm_id=vms)
    def destroy(self, vm_id: str) -> None:
        self.do(self.bed.lifecycle.destroy(vm_id, 1))

    @rule(vm_id=vms, event=st.sampled_from(EVENTS), times=st.integers(1, 3))
    def event(self, vm_id: str, event: Callable[[str], DomainEvent], times: int) -> None:
        async def act() -> None:
            for _ in range(times):
                self.bed.fake.emit(event(vm_id))

        self.do(act())

    @rule(vm_id=vms, end=st.sampled_from(["power_off", "crash", "terminate", "reboot"]))
    def guest(self, vm_id: str, end: str) -> None:
        async def act() -> None:
            domain = self.bed.fake.domains.get(vm_id)
            if domain is not None and domain.state.active:
                getattr(self.bed.fake.guests, end)(vm_id)

        self.do(act())

    @rule(operation=st.sampled_from(FAULTS))
    def fault(self, operation: str) -> None:
        error = LibvirtError(operation=operation, vm_id="", cause="injected")
        self.bed.fake.faults.fail_next(operation, error)

    @rule()
    def libvirt_goes_and_comes(self) -> None:
        async def act() -> None:
            self.bed.fake.faults.lose_connection()
            await self.bed.settle()
            self.bed.fake.faults.restore_connection()

        self.do(act())

    @rule()
    def sweep(self) -> None:
        async def act() -> None:
            try:
                await self.bed.sampling.sweep()
            finally:
                self.bed.recovery.look_up_lost()

        self.do(act())

    @invariant()
    def every_event_is_what_the_statistics_say(self) -> None:
        if not hasattr(self, "bed"):
            return
        for told in self.bed.told[self.seen :]:
            assert told.visible["status"] == told.status
            assert told.visible["statusTime"] == str(told.time)
            if told.status == "Down":
                assert {"exitCode", "exitReason", "exitMessage"} <= told.payload.keys()
        self.seen = len(self.bed.told)

    @invariant()
    def steps_are_those_of_the_table_and_time_grows(self) -> None:
        if not hasattr(self, "bed"):
            return
        last: dict[str, tuple[VmStatus, int]] = {}
        for told in self.bed.told:
            status = BY_NAME[told.status]
            before = last.get(told.vm_id)
            if before is not None:
                assert told.time > before[1]
                assert before[0] is not VmStatus.DOWN
                assert status is before[0] or status in FOLLOWS[before[0]]
            last[told.vm_id] = status, told.time
        for vm in self.bed.vms.known():
            assert last[vm.vm_id] == (vm.status, vm.status_time)

    @invariant()
    def lists_are_whole_and_down_means_that_nothing_runs(self) -> None:
        if not hasattr(self, "bed"):
            return
        listed = {entry["vmId"]: entry for entry in self.bed.queries.listing("x", [])}
        assert set(listed) == {vm.vm_id for vm in self.bed.vms.known()}
        for vm_id, domain in self.bed.fake.domains.items():
            if domain.state.active and vm_id in listed:
                assert listed[vm_id]["status"] != "Down"
            assert vm_id in listed or not domain.state.active

    def teardown(self) -> None:
        async def end() -> None:
            if hasattr(self, "bed"):
                await self.bed.close()

        self.loop.run_until_complete(end())
        self.loop.close()


def test_the_status_machine_holds_whatever_happens() -> None:
    run_state_machine_as_test(
        VmMachine,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


async def test_pausing_a_vm_that_is_down_changes_nothing(bed: VmBed) -> None:
    vm = bed.vm(await bed.up())
    assert vm.set_down(DOWN)
    count = len(bed.told)
    vm.set_paused(PauseCode.IO)
    vm.set_up()
    vm.set_continued()
    vm.stay_up()
    assert not vm.set_down(DOWN)
    assert not vm.set_status(VmStatus.UP)
    assert vm.pause_code is None
    assert len(bed.told) == count


async def test_a_step_that_the_table_lacks_is_taken_and_noted(bed: VmBed, caplog: pytest.LogCaptureFixture) -> None:
    vm = bed.vm(await bed.create())
    assert vm.set_status(VmStatus.SAVING)
    assert "an unusual step" in caplog.text


async def test_up_is_told_with_the_statistics_of_that_moment(bed: VmBed) -> None:
    await bed.up()
    up = bed.told[-1]
    assert {**up.payload} == {**up.visible}


async def test_waiting_for_a_change(bed: VmBed) -> None:
    vm = bed.vm(await bed.create())
    assert not await vm.until(lambda: vm.status is VmStatus.UP, 0.01)
    both = [asyncio.create_task(vm.until(lambda: vm.reboots == 2, 5)) for _ in range(2)]
    for _ in range(2):
        await bed.settle()
        vm.note_reboot()
    assert await asyncio.gather(*both) == [True, True]


async def test_which_calls_are_legal(bed: VmBed) -> None:
    vm = bed.vm(await bed.create())
    vm.check_legal("pause")
    vm.set_status(VmStatus.SAVING)
    with pytest.raises(WrongState):
        vm.check_legal("pause")
    vm.set_down(DOWN)
    with pytest.raises(VMNotRunning):
        vm.check_legal("pause")


async def test_lost_events_are_remembered(bed: VmBed) -> None:
    vm_id = await bed.up()
    vm = bed.vm(vm_id)
    bed.fake.faults.delay("suspend", 0.05)
    pausing = asyncio.create_task(bed.lifecycle.pause(context(), vm_id))
    await bed.settle()
    for _ in range(2000):
        bed.fake.emit(Rebooted(vm_id))
    await bed.settle()
    assert vm.needs_lookup
    await pausing
    await eventually(lambda: vm.actor.waiting == 0)
