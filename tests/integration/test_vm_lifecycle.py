"""VMs from create to their end on real libvirt and QEMU: cheap ones, with nothing to boot."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from devhost.domain import Disk, bios_domain, launch_paused
from devhost.libvirtd import PrivateLibvirtd
from tests.integration.vm_life import Life, context, until
from vdsm.adapters.libvirt.event_loop import ensure_event_loop
from vdsm.common.errors import LibvirtGone, NoSuchVM, VMExists, VMNotRunning

pytestmark = [pytest.mark.libvirt, pytest.mark.root]


@pytest.fixture(scope="session", autouse=True)
def libvirt_thread() -> None:
    """libvirt's thread lives as long as the process; without this, the first test would seem to leave it behind."""
    ensure_event_loop()


@pytest.fixture
async def life(private_libvirt: PrivateLibvirtd) -> AsyncIterator[Life]:
    """The VM services, connected and recovered."""
    async with Life(private_libvirt) as running:
        yield running


def _name(vm_id: str) -> str:
    return f"vm-{vm_id[:8]}"


async def _create(life: Life, vm_id: str) -> str:
    return await life.create(bios_domain(vm_id, _name(vm_id)))


async def test_create_pause_continue_reset_destroy(life: Life, vm_id: str) -> None:
    await _create(life, vm_id)
    assert life.status(vm_id) == "Powering up"
    with pytest.raises(VMExists):
        await _create(life, vm_id)
    lifecycle = life.services.lifecycle
    for _ in range(5):
        await lifecycle.pause(context(), vm_id)
        assert life.status(vm_id) == "Paused"
        await lifecycle.cont(context(), vm_id)
        assert life.status(vm_id) == "Powering up"
    await lifecycle.reset(context(), vm_id)
    await lifecycle.destroy(vm_id, 1)
    assert life.vms.find(vm_id) is None
    assert vm_id not in await life.virsh("list", "--all", "--uuid")
    told = life.told(vm_id)
    assert [status for status, _ in told] == [
        "WaitForLaunch",
        "Powering up",
        *["Paused", "Powering up"] * 5,
        "Down",
    ]
    assert all(early[1] < late[1] for early, late in pairwise(told))


async def test_figures_exist_seconds_after_the_start(life: Life, vm_id: str) -> None:
    await _create(life, vm_id)
    await until("rates", lambda: life.stats(vm_id).get("cpuActual"), 10)
    stats = life.stats(vm_id)
    assert float(stats["cpuUser"]) >= 0
    assert stats["vcpuCount"] == "1"


async def test_launch_paused_and_continue(life: Life, vm_id: str) -> None:
    await life.create(launch_paused(bios_domain(vm_id, _name(vm_id))))
    assert life.status(vm_id) == "Paused"
    assert life.stats(vm_id)["pauseCode"] == "NOERR"
    assert await life.virsh("domstate", vm_id) == "paused"
    await life.services.lifecycle.cont(context(), vm_id)
    assert await life.virsh("domstate", vm_id) == "running"


async def test_what_libvirt_refuses_is_down_for_its_reason_which_stays(
    private_libvirt: PrivateLibvirtd, life: Life, vm_id: str, tmp_path: Path
) -> None:
    plan = replace(bios_domain(vm_id, _name(vm_id)), disks=(Disk(tmp_path / "missing.qcow2"),))
    await life.create(plan)
    assert await life.down(vm_id) == (1, 3)
    assert "missing.qcow2" in life.stats(vm_id)["exitMessage"]
    await until("it is stored", lambda: not life.vms.get(vm_id, "test").unsaved)
    async with Life(private_libvirt) as again:
        assert await again.down(vm_id) == (1, 3)
        assert "missing.qcow2" in again.stats(vm_id)["exitMessage"]


async def test_a_disk_of_a_domain_keeps_its_owner_and_mode(life: Life, vm_id: str, public_path: Path) -> None:
    disk = public_path / "volume.qcow2"
    await asyncio.to_thread(
        subprocess.run, ["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "64M"], check=True, timeout=30
    )
    os.chown(disk, 36, 36)
    disk.chmod(0o660)
    seen = []
    await life.create(replace(bios_domain(vm_id, _name(vm_id)), disks=(Disk(disk),)))
    assert life.status(vm_id) == "Powering up", life.stats(vm_id)
    seen.append(disk.stat())
    await life.services.lifecycle.destroy(vm_id, 1)
    seen.append(disk.stat())
    assert [(stat.st_uid, stat.st_gid, stat.st_mode & 0o777) for stat in seen] == [(36, 36, 0o660)] * 2


async def test_a_qemu_that_dies_is_lost(life: Life, vm_id: str) -> None:
    await _create(life, vm_id)
    os.kill(life.daemon.qemu_pids()[_name(vm_id)], signal.SIGKILL)
    assert await life.down(vm_id) == (1, 2)
    with pytest.raises(VMNotRunning):
        await life.services.lifecycle.pause(context(), vm_id)
    await life.services.lifecycle.destroy(vm_id, 1)


async def test_a_qemu_that_the_host_terminates_says_so(life: Life, vm_id: str) -> None:
    await _create(life, vm_id)
    os.kill(life.daemon.qemu_pids()[_name(vm_id)], signal.SIGTERM)
    assert await life.down(vm_id) == (0, 11)


async def test_a_hung_qemu_is_named_and_destroyed(life: Life, new_vm_id: Callable[[], str]) -> None:
    hung, well = new_vm_id(), new_vm_id()
    for vm_id in (hung, well):
        await _create(life, vm_id)
    os.kill(life.daemon.qemu_pids()[_name(hung)], signal.SIGSTOP)
    await until("it is named", lambda: life.stats(hung)["monitorResponse"] == "-1", 30)
    assert life.stats(well)["monitorResponse"] == "0"
    await life.services.lifecycle.pause(context(), well)
    await life.services.lifecycle.destroy(hung, 1)
    assert _name(hung) not in life.daemon.qemu_pids()


async def test_destroy_in_the_middle_of_a_start_leaves_nothing(life: Life, vm_id: str) -> None:
    creating = asyncio.create_task(_create(life, vm_id))
    await until("it is being started", lambda: life.vms.find(vm_id) is not None)
    await life.services.lifecycle.destroy(vm_id, 1)
    creating.cancel()
    await asyncio.wait({creating})
    with pytest.raises(NoSuchVM):
        life.status(vm_id)
    await asyncio.sleep(0.5)
    assert vm_id not in await life.virsh("list", "--all", "--uuid")
    assert _name(vm_id) not in life.daemon.qemu_pids()


async def test_a_shutdown_that_nobody_hears_ends_by_force(life: Life, vm_id: str) -> None:
    await _create(life, vm_id)
    await life.services.shutdown.shutdown(vm_id, force=True, step=1)
    assert life.status(vm_id) == "Powering down"
    assert await life.down(vm_id) == (0, 6)


async def test_foreign_domains_are_left_alone(life: Life, vm_id: str, tmp_path: Path) -> None:
    xml = tmp_path / "foreign.xml"
    xml.write_text(
        f"<domain type='qemu'><name>{_name(vm_id)}</name><uuid>{vm_id}</uuid><memory>16384</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>",
        encoding="utf-8",
    )
    await life.virsh("define", str(xml))
    await life.virsh("start", vm_id)
    before = await life.virsh("dumpxml", vm_id)
    await _create(life, vm_id)
    assert await life.down(vm_id) == (1, 3)
    await life.services.lifecycle.destroy(vm_id, 1)
    assert life.vms.find(vm_id) is None
    async with Life(life.daemon) as again:
        assert again.vms.find(vm_id) is None
    assert await life.virsh("dumpxml", vm_id) == before
    assert await life.virsh("domstate", vm_id) == "running"


async def test_a_libvirtd_that_is_killed_takes_nothing_along(life: Life, new_vm_id: Callable[[], str]) -> None:
    stays, ends = new_vm_id(), new_vm_id()
    for vm_id in (stays, ends):
        await _create(life, vm_id)
    await asyncio.to_thread(life.daemon.kill)
    await until("it is noticed", lambda: life.stats(stays)["monitorResponse"] == "-1")
    assert {entry["vmId"] for entry in life.services.queries.listing("x", [])} >= {stays, ends}
    with pytest.raises(LibvirtGone):
        await life.services.lifecycle.pause(context(), stays)
    os.kill(life.daemon.qemu_pids()[_name(ends)], signal.SIGKILL)
    await asyncio.to_thread(life.daemon.start)
    assert await life.down(ends) == (1, 2)
    await until("it answers", lambda: life.stats(stays)["monitorResponse"] == "0")
    await life.services.lifecycle.pause(context(), stays)
    assert life.status(stays) == "Paused"


async def test_vms_outlive_the_agent(private_libvirt: PrivateLibvirtd, new_vm_id: Callable[[], str]) -> None:
    runs, pauses, ends, ended = [new_vm_id() for _ in range(4)]
    async with Life(private_libvirt) as first:
        for vm_id in (runs, pauses, ends, ended):
            await _create(first, vm_id)
        await first.services.lifecycle.pause(context(), pauses)
        await first.services.shutdown.shutdown(ended, force=True, step=0)
        assert await first.down(ended) == (0, 6)
        await until("it is stored", lambda: not first.vms.get(ended, "test").unsaved)
    os.kill(private_libvirt.qemu_pids()[_name(ends)], signal.SIGKILL)
    for _ in range(2):
        async with Life(private_libvirt) as again:
            assert again.status(runs) == "Powering up"
            assert again.status(pauses) == "Paused"
            assert await again.down(ends) == (1, 2)
            assert await again.down(ended) == (0, 6)
            assert [status for status, _ in again.told(runs)] == ["Powering up"]
