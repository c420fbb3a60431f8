"""libvirtd dies under the agent: its VMs stay, their figures say so, calls say so, and all is caught up with later."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.e2e.host import (
    VM_NOT_RUNNING,
    Host,
    bios_plan,
    create,
    create_many,
    stats,
    until,
    wait_stats,
    wait_status,
)
from vdsm.client import Client, ServerError


@pytest.fixture
def vm_ids(manager: Client) -> list[str]:
    return create_many(manager, [bios_plan() for _ in range(4)])


@pytest.fixture
def gone(host: Host, vm_ids: list[str], manager: Client) -> Iterator[list[str]]:
    """The ids of VMs whose libvirtd was killed."""
    for vm_id in vm_ids:
        wait_stats(manager, vm_id, lambda now: "cpuUser" in now)
    host.libvirt.kill()
    yield vm_ids
    host.libvirt.start()


def test_entries_stay_and_say_that_nobody_answers(manager: Client, gone: list[str]) -> None:
    for vm_id in gone:
        wait_stats(manager, vm_id, lambda now: now["monitorResponse"] == "-1", 10)
    vms = {vm["vmId"]: vm for vm in manager.call("Host.getAllVmStats", {})}
    assert vms.keys() == set(gone)
    for vm in vms.values():
        assert vm["status"] in {"Up", "Powering up"}
        assert "cpuUser" in vm
    assert len(manager.call("Host.getVMList", {})) == 4
    assert len(manager.call("Host.dumpxmls", {})) == 4


def test_verbs_say_so_at_once(manager: Client, gone: list[str]) -> None:
    wait_stats(manager, gone[0], lambda now: now["monitorResponse"] == "-1", 10)
    for method in ("VM.pause", "VM.reset", "VM.screenshot", "VM.destroy"):
        begin = time.monotonic()
        with pytest.raises(ServerError) as refused:
            manager.call(method, {"vmID": gone[0]})
        assert "libvirt" in refused.value.resp_msg
        assert refused.value.code > 0
        assert time.monotonic() - begin < 5
    assert stats(manager, gone[0])["status"] in {"Up", "Powering up"}
    assert manager.call("Host.ping2", {}) is True
    assert manager.call("Host.getCapabilities", {})["kvmEnabled"]
    assert manager.call("Host.getStats", {})["vmCount"] == 4


def test_a_vm_created_meanwhile_is_down_with_the_reason(host: Host, manager: Client, gone: list[str]) -> None:
    wait_stats(manager, gone[0], lambda now: now["monitorResponse"] == "-1", 10)
    plan = bios_plan()
    create(manager, plan, wait={"Down"})
    down = stats(manager, plan.vm_id)
    assert (down["exitCode"], down["exitReason"]) == (1, 3)
    assert "libvirt" in down["exitMessage"]
    host.libvirt.start()
    until("libvirt is back", lambda: stats(manager, gone[0])["monitorResponse"] == "0")
    manager.call("VM.destroy", {"vmID": plan.vm_id})
    assert plan.vm_id not in host.domains()


def test_back_again_all_is_caught_up_with(host: Host, manager: Client, gone: list[str]) -> None:
    """One VM ended meanwhile, one was stopped by hand: both are seen; all answer to calls as before."""
    wait_stats(manager, gone[0], lambda now: now["monitorResponse"] == "-1", 10)
    os.kill(host.qemu_pid(gone[1]), signal.SIGKILL)
    host.libvirt.start()
    down = wait_status(manager, gone[1], {"Down"}, 20)
    assert (down["exitCode"], down["exitReason"]) == (1, 2)
    for vm_id in (gone[0], *gone[2:]):
        now = wait_stats(manager, vm_id, lambda now: now["monitorResponse"] == "0", 20)
        assert now["status"] in {"Up", "Powering up"}
        manager.call("VM.pause", {"vmID": vm_id})
        assert host.virsh("domstate", vm_id) == "paused"
    with pytest.raises(ServerError) as refused:
        manager.call("VM.cont", {"vmID": gone[1]})
    assert refused.value.code == VM_NOT_RUNNING
    create(manager, bios_plan())


def test_an_agent_that_starts_without_libvirt_answers_99_to_lists(host: Host, gone: list[str]) -> None:
    """Never an empty list: a manager would start the missing VMs elsewhere."""
    host.daemons.kill_agent()
    host.daemons.wait_ready()
    with host.manager() as client:
        for method in ("Host.getVMList", "Host.getAllVmStats", "Host.getVMFullList", "Host.dumpxmls"):
            with pytest.raises(ServerError) as refused:
                client.call(method, {})
            assert refused.value.code == 99
        assert client.call("Host.ping2", {}) is True
        host.libvirt.start()
        assert {vm["vmId"] for vm in host.ask_until_ready("Host.getVMList")} == set(gone)
        for vm_id in gone:
            wait_status(client, vm_id, {"Up", "Powering up"}, 10)


def test_an_orderly_restart_of_libvirtd(host: Host, manager: Client, vm_ids: list[str]) -> None:
    for _ in range(2):
        host.libvirt.restart()
        for vm_id in vm_ids:
            wait_stats(manager, vm_id, lambda now: now["monitorResponse"] == "0", 20)

            def pause_and_go_on(vm_id: str = vm_id) -> bool:
                try:
                    manager.call("VM.pause", {"vmID": vm_id})
                except ServerError as error:
                    assert "libvirt" in error.resp_msg
                    return False
                manager.call("VM.cont", {"vmID": vm_id})
                return True

            until("calls go through", pause_and_go_on, 20)
    assert {vm["vmId"] for vm in manager.call("Host.getVMList", {})} == set(vm_ids)
