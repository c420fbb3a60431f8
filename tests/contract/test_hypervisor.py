"""The same cases on the fake hypervisor and on real libvirt with real QEMUs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from lxml import etree

from tests.contract.hypervisor_bed import PREFIX, URI, Bed, FakeBed, RealBed, bios_only_xml, eventually, name_of
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.adapters.libvirt.hypervisor import (
    ConnectionLost,
    ConnectionRestored,
    ControlState,
    Defined,
    GuestInfoKind,
    LifecycleAction,
    PausedReason,
    Rebooted,
    Resumed,
    RunState,
    ShutdownMode,
    ShutoffReason,
    Started,
    StatsGroup,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
    Undefined,
)
from vdsm.common.errors import (
    BackendTimeout,
    GuestAgentError,
    LibvirtError,
    LibvirtGone,
    MonitorUnresponsive,
    NoSuchVM,
    OperationUnsupported,
    VMBusy,
    VMNotRunning,
    WrongState,
)

REAL = pytest.param("real", marks=[pytest.mark.libvirt, pytest.mark.root])


@pytest.fixture(scope="session", autouse=True)
def libvirt_thread() -> None:
    """libvirt's thread lives as long as the process; without this, the first test would seem to leave it behind."""
    ensure_event_loop()


@pytest.fixture(params=["fake", REAL])
async def bed(request: pytest.FixtureRequest) -> AsyncIterator[Bed]:
    """A connected hypervisor."""
    made = FakeBed() if request.param == "fake" else RealBed(request.getfixturevalue("private_libvirt"))
    await made.hypervisor.open()
    await made.events.wait(ConnectionRestored)
    yield made
    await made.close()


@pytest.fixture
def new_vm(bed: Bed, new_vm_id: Callable[[], str]) -> Callable[[], str]:
    """A maker of VM ids whose domains go after `bed` let every QEMU run."""
    del bed
    return new_vm_id


async def _defined(bed: Bed, vm_id: str) -> str:
    assert await bed.hypervisor.define(bios_only_xml(vm_id)) == vm_id
    return vm_id


async def _paused(bed: Bed, vm_id: str) -> str:
    await _defined(bed, vm_id)
    await bed.hypervisor.start(vm_id, paused=True)
    return vm_id


async def test_a_domain_lives_from_define_to_undefine(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    await bed.events.wait(Defined, lambda e: e.vm_id == vm_id)
    record = next(r for r in await bed.hypervisor.list_domains() if r.vm_id == vm_id)
    assert (record.name, record.state.run, record.libvirt_id) == (name_of(vm_id), RunState.SHUTOFF, None)

    await bed.hypervisor.start(vm_id)
    await bed.events.wait(Started, lambda e: e.vm_id == vm_id)
    assert (await bed.hypervisor.state(vm_id)).run is RunState.RUNNING
    record = next(r for r in await bed.hypervisor.list_domains() if r.vm_id == vm_id)
    assert record.libvirt_id is not None

    await bed.hypervisor.destroy(vm_id)
    stopped = await bed.events.wait(Stopped, lambda e: e.vm_id == vm_id)
    assert stopped.reason is StoppedReason.DESTROYED
    state = await bed.hypervisor.state(vm_id)
    assert state.shutoff_reason is ShutoffReason.DESTROYED
    assert not state.active

    await bed.hypervisor.undefine(vm_id)
    await bed.events.wait(Undefined, lambda e: e.vm_id == vm_id)
    assert vm_id not in {r.vm_id for r in await bed.hypervisor.list_domains()}


async def test_events_of_a_paused_start_come_in_order(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    await bed.events.wait(Suspended, lambda e: e.vm_id == vm_id)
    await bed.hypervisor.resume(vm_id)
    await bed.events.wait(Resumed, lambda e: e.vm_id == vm_id)
    assert bed.events.of(vm_id) == [
        Defined(vm_id),
        Started(vm_id),
        Suspended(vm_id, SuspendedReason.PAUSED),
        Resumed(vm_id),
    ]


async def test_suspend_and_resume_change_the_state(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    await bed.hypervisor.start(vm_id)
    await bed.hypervisor.suspend(vm_id)
    assert (await bed.hypervisor.state(vm_id)).paused_reason is PausedReason.USER
    await bed.hypervisor.suspend(vm_id)
    await bed.hypervisor.resume(vm_id)
    assert (await bed.hypervisor.state(vm_id)).run is RunState.RUNNING
    with pytest.raises(WrongState):
        await bed.hypervisor.resume(vm_id)


async def test_reset_tells(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    await bed.hypervisor.start(vm_id)
    await bed.hypervisor.reset(vm_id)
    await bed.events.wait(Rebooted, lambda e: e.vm_id == vm_id)


async def test_a_second_start_is_refused(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    with pytest.raises(WrongState):
        await bed.hypervisor.start(vm_id)


async def test_what_needs_a_running_vm_says_so(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    hypervisor = bed.hypervisor
    for call in (
        hypervisor.suspend(vm_id),
        hypervisor.resume(vm_id),
        hypervisor.reset(vm_id),
        hypervisor.destroy(vm_id),
        hypervisor.shutdown(vm_id, ShutdownMode.ACPI),
        hypervisor.reboot(vm_id, ShutdownMode.ACPI),
        hypervisor.screenshot(vm_id),
        hypervisor.control_info(vm_id),
        hypervisor.open_console(vm_id),
        hypervisor.guest_info(vm_id, GuestInfoKind.OS, 1.0),
    ):
        with pytest.raises(VMNotRunning):
            await call


async def test_a_missing_domain_is_no_such_vm(bed: Bed, vm_id: str) -> None:
    hypervisor = bed.hypervisor
    for call in (
        hypervisor.state(vm_id),
        hypervisor.domain_xml(vm_id),
        hypervisor.start(vm_id),
        hypervisor.destroy(vm_id),
        hypervisor.undefine(vm_id),
        hypervisor.metadata(vm_id, URI),
        hypervisor.guest_agent(vm_id, {"execute": "guest-ping"}, 1.0),
    ):
        with pytest.raises(NoSuchVM):
            await call


async def test_bad_xml_and_a_taken_name_are_refused(bed: Bed, new_vm: Callable[[], str]) -> None:
    with pytest.raises(LibvirtError):
        await bed.hypervisor.define("<domain")
    first, second = new_vm(), new_vm()
    await _defined(bed, first)
    with pytest.raises(LibvirtError):
        await bed.hypervisor.define(bios_only_xml(second).replace(name_of(second), name_of(first)))


async def test_undefine_of_a_running_domain_lets_it_run(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    await bed.hypervisor.undefine(vm_id)
    assert (await bed.hypervisor.state(vm_id)).run is RunState.PAUSED
    await bed.hypervisor.destroy(vm_id)
    with pytest.raises(NoSuchVM):
        await bed.hypervisor.state(vm_id)


async def test_metadata_survives_a_restart_of_libvirtd(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    assert await bed.hypervisor.metadata(vm_id, URI) is None
    element = '<vm><startTime type="float">1.5</startTime><custom><a>b</a></custom></vm>'
    await bed.hypervisor.set_metadata(vm_id, element, uri=URI, prefix=PREFIX)
    bed.events.clear()
    await bed.kill_daemon()
    await bed.events.wait(ConnectionLost)
    await bed.start_daemon()
    await bed.events.wait(ConnectionRestored)

    text = await bed.hypervisor.metadata(vm_id, URI)
    assert text is not None
    root = etree.fromstring(text)
    assert (root.tag, root.findtext("startTime"), root.findtext("custom/a")) == ("vm", "1.5", "b")
    for inactive in (False, True):
        xml = await bed.hypervisor.domain_xml(vm_id, inactive=inactive)
        assert etree.fromstring(xml).findtext(f"metadata/{{{URI}}}vm/{{{URI}}}startTime") == "1.5"

    await bed.hypervisor.set_metadata(vm_id, None, uri=URI, prefix=PREFIX)
    assert await bed.hypervisor.metadata(vm_id, URI) is None


async def test_metadata_of_a_domain_that_is_down(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    await bed.hypervisor.set_metadata(vm_id, "<vm><exitCode>1</exitCode></vm>", uri=URI, prefix=PREFIX)
    text = await bed.hypervisor.metadata(vm_id, URI)
    assert text is not None
    assert etree.fromstring(text).findtext("exitCode") == "1"


async def test_a_killed_libvirtd_is_noticed_and_found_again(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    bed.events.clear()
    await bed.kill_daemon()
    await bed.events.wait(ConnectionLost)
    assert not _connected(bed)
    with pytest.raises(LibvirtGone):
        await bed.hypervisor.state(vm_id)
    await bed.start_daemon()
    await bed.events.wait(ConnectionRestored)
    assert _connected(bed)
    assert (await bed.hypervisor.state(vm_id)).run is RunState.PAUSED
    await bed.hypervisor.resume(vm_id)
    await bed.events.wait(Resumed, lambda e: e.vm_id == vm_id)


def _connected(bed: Bed) -> bool:
    return bed.hypervisor.connected


async def test_an_ended_subscription_hears_nothing(bed: Bed, vm_id: str) -> None:
    await _defined(bed, vm_id)
    await bed.events.wait(Defined, lambda e: e.vm_id == vm_id)
    bed.events.end()
    bed.events.end()
    bed.events.clear()
    heard = asyncio.Event()
    end = bed.hypervisor.subscribe(lambda _: heard.set())
    await bed.hypervisor.start(vm_id, paused=True)
    async with asyncio.timeout(10):
        await heard.wait()
    end()
    assert bed.events.seen == []


async def test_bulk_statistics_cover_every_active_domain(bed: Bed, new_vm: Callable[[], str]) -> None:
    running = [await _paused(bed, new_vm()) for _ in range(2)]
    down = await _defined(bed, new_vm())
    sample = await bed.hypervisor.bulk_stats()
    assert set(running) <= set(sample.records)
    assert down not in sample.records
    record = sample.records[running[0]]
    assert record["state.state"] == RunState.PAUSED
    assert record["balloon.current"] == 16384
    assert record["vcpu.current"] == 1
    assert record["cpu.time"] > 0
    assert sample.unresponsive == {}
    assert sample.taken_at <= time.monotonic()
    passive = await bed.hypervisor.bulk_stats(StatsGroup.STATE)
    assert passive.records[running[0]]["state.state"] == RunState.PAUSED


async def test_a_hung_qemu_is_named_and_the_others_are_fresh(bed: Bed, new_vm: Callable[[], str]) -> None:
    hung, *healthy = [await _paused(bed, new_vm()) for _ in range(4)]
    await bed.hypervisor.bulk_stats()
    bed.hang(hung)
    began = time.monotonic()
    sample = await bed.hypervisor.bulk_stats()
    assert time.monotonic() - began < 6.0
    assert set(sample.unresponsive) == {hung}
    for vm_id in healthy:
        assert sample.records[vm_id]["balloon.current"] == 16384
        assert sample.records[vm_id]["vcpu.current"] == 1
    assert sample.records[hung]["state.state"] == RunState.PAUSED

    again = time.monotonic()
    sample = await bed.hypervisor.bulk_stats()
    assert time.monotonic() - again < 1.0
    assert set(sample.unresponsive) == {hung}
    assert sample.unresponsive[hung] > 0
    assert (await bed.hypervisor.control_info(hung)).state is ControlState.OCCUPIED

    refused = time.monotonic()
    with pytest.raises(MonitorUnresponsive):
        await bed.hypervisor.resume(hung)
    assert time.monotonic() - refused < 0.5
    await bed.hypervisor.resume(healthy[0])
    assert (await bed.hypervisor.state(hung)).run is RunState.PAUSED

    bed.release(hung)

    async def answers() -> bool:
        return hung not in (await bed.hypervisor.bulk_stats()).unresponsive

    await eventually(answers)
    await bed.hypervisor.resume(hung)
    assert (await bed.hypervisor.state(hung)).run is RunState.RUNNING


async def test_a_call_that_sticks_is_given_up_and_destroy_still_works(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    bed.hang(vm_id)
    with pytest.raises(BackendTimeout):
        await bed.hypervisor.resume(vm_id, deadline=0.5)
    with pytest.raises(MonitorUnresponsive):
        await bed.hypervisor.suspend(vm_id)
    await bed.hypervisor.destroy(vm_id)
    await bed.events.wait(Stopped, lambda e: e.vm_id == vm_id)
    sample = await bed.hypervisor.bulk_stats()
    assert vm_id not in sample.unresponsive
    assert vm_id not in sample.records

    async def starts() -> bool:
        try:
            await bed.hypervisor.start(vm_id, paused=True)
        except MonitorUnresponsive:
            return False
        return True

    await eventually(starts)


async def test_a_screenshot_is_a_picture(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    shot = await bed.hypervisor.screenshot(vm_id)
    assert shot.mime_type.startswith("image/")
    assert shot.data[:4] in {b"\x89PNG", b"P6\n1", b"P6\n6", b"P6\n7"}


async def test_the_display_password_changes_live_only(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    root = etree.fromstring(await bed.hypervisor.domain_xml(vm_id, secure=True))
    graphics = root.find("devices/graphics")
    assert graphics is not None
    assert graphics.get("passwd") == "first"
    graphics.set("passwd", "second")
    graphics.set("passwdValidTo", "2040-01-01T00:00:00")
    graphics.set("connected", "keep")
    await bed.hypervisor.update_device(vm_id, etree.tostring(graphics, encoding="unicode"), live=True, config=False)
    secret = etree.fromstring(await bed.hypervisor.domain_xml(vm_id, secure=True)).find("devices/graphics")
    assert secret is not None
    assert secret.get("passwd") == "second"
    plain = etree.fromstring(await bed.hypervisor.domain_xml(vm_id)).find("devices/graphics")
    assert plain is not None
    assert plain.get("passwd") is None
    stored = etree.fromstring(await bed.hypervisor.domain_xml(vm_id, secure=True, inactive=True))
    assert stored.find("devices/graphics").get("passwd") == "first"  # type: ignore[union-attr]  # it was defined so


async def test_what_the_hypervisor_cannot_do_is_a_typed_error(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    with pytest.raises(OperationUnsupported):
        await bed.hypervisor.update_device(vm_id, "<memballoon model='none'/>", live=True, config=False)


async def test_without_an_agent_its_calls_fail_alone(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    with pytest.raises(GuestAgentError):
        await bed.hypervisor.guest_agent(vm_id, {"execute": "guest-ping"}, 1.0)
    with pytest.raises(GuestAgentError):
        await bed.hypervisor.guest_info(vm_id, GuestInfoKind.OS, 1.0)
    with pytest.raises(GuestAgentError):
        await bed.hypervisor.shutdown(vm_id, ShutdownMode.AGENT)
    await bed.hypervisor.resume(vm_id)
    await bed.hypervisor.shutdown(vm_id, ShutdownMode.ACPI)
    assert (await bed.hypervisor.state(vm_id)).active


async def test_the_action_on_reboot_can_change_while_it_runs(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    await bed.hypervisor.set_lifecycle_action(vm_id, on_reboot=LifecycleAction.DESTROY)
    await bed.hypervisor.resume(vm_id)
    assert (await bed.hypervisor.state(vm_id)).run is RunState.RUNNING


async def test_one_console_at_a_time_shows_what_the_guest_prints(bed: Bed, vm_id: str) -> None:
    await _paused(bed, vm_id)
    console = await bed.hypervisor.open_console(vm_id)
    with pytest.raises(VMBusy):
        await bed.hypervisor.open_console(vm_id)
    await bed.hypervisor.resume(vm_id)
    seen = b""
    async with asyncio.timeout(20):
        while b"SeaBIOS" not in seen:
            piece = await console.read()
            assert piece
            seen += piece
    await console.write(b"x")
    await console.close()
    await console.close()
    again = await eventually(lambda: _opened(bed, vm_id))
    await bed.hypervisor.destroy(vm_id)
    async with asyncio.timeout(20):
        while await again.read():
            pass
    with pytest.raises(LibvirtError):
        await again.write(b"x")
    await again.close()


async def _opened(bed: Bed, vm_id: str) -> object:
    try:
        return await bed.hypervisor.open_console(vm_id)
    except VMBusy:
        return None


async def test_the_host_describes_itself(bed: Bed) -> None:
    assert etree.fromstring(await bed.hypervisor.capabilities_xml()).findtext("host/cpu/arch") == "x86_64"
    domain = etree.fromstring(await bed.hypervisor.domain_capabilities_xml(virt_type="qemu"))
    assert domain.findtext("domain") == "qemu"
    versions = await bed.hypervisor.versions()
    assert versions.libvirt >= 9_000_000
    assert versions.qemu >= 7_000_000
