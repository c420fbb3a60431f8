"""Eight of twenty QEMUs hang: their VMs say so, and nothing else is any different from before."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.host import Host, bios_plan, create, create_many, destroy, stats, until, wait_stats
from vdsm.client import Client, ServerError

pytestmark = pytest.mark.slow

VMS = 20
HUNG = 8
SLOWER = 4.0
"""How many times the median of before a call may take, for the noise of a busy machine; the floor is below it."""
FLOOR = 0.5
FRESH = 5.0
"""Seconds within which an answering VM's figures change, sampled each second."""


@pytest.fixture(scope="module")
def daemon_settings() -> Mapping[str, Mapping[str, str]]:
    return {"vars": {"vm_sample_interval": "1"}}


@contextmanager
def _stopped(host: Host, vm_ids: list[str]) -> Iterator[None]:
    """The QEMUs of these VMs do nothing meanwhile; some may be gone at the end."""
    pids = [host.qemu_pid(vm_id) for vm_id in vm_ids]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        alive = set(host.libvirt.qemu_pids().values())
        for pid in alive.intersection(pids):
            os.kill(pid, signal.SIGCONT)


def _seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _measure(manager: Client, vm_ids: list[str]) -> dict[str, float]:
    """Medians of the lifecycle calls, made on these VMs and on new ones."""
    times: dict[str, list[float]] = {"pause": [], "cont": [], "create": [], "destroy": [], "all_stats": []}
    for vm_id in vm_ids:
        times["pause"].append(_seconds(lambda vm_id=vm_id: manager.call("VM.pause", {"vmID": vm_id})))  # type: ignore[misc]  # a default binds the value
        times["cont"].append(_seconds(lambda vm_id=vm_id: manager.call("VM.cont", {"vmID": vm_id})))  # type: ignore[misc]  # a default binds the value
        times["all_stats"].append(_seconds(lambda: manager.call("Host.getAllVmStats", {})))
    for _ in range(3):
        plan = bios_plan()
        times["create"].append(_seconds(lambda plan=plan: create(manager, plan)))  # type: ignore[misc]  # a default binds the value
        times["destroy"].append(_seconds(lambda plan=plan: destroy(manager, plan.vm_id)))  # type: ignore[misc]  # a default binds the value
    return {name: statistics.median(values) for name, values in times.items()}


def _wait_fresh(manager: Client, vm_ids: list[str]) -> None:
    """The figures of every one of these VMs change, and within the bound."""
    before = {vm["vmId"]: vm.get("cpuUsage") for vm in manager.call("Host.getAllVmStats", {})}
    left = set(vm_ids)

    def all_changed() -> bool:
        for vm in manager.call("Host.getAllVmStats", {}):
            if vm.get("cpuUsage") != before[vm["vmId"]]:
                left.discard(vm["vmId"])
        return not left

    until("figures are fresh", all_changed, FRESH, pause=0.1)


def test_others_do_not_notice(host: Host, manager: Client) -> None:
    vm_ids = create_many(manager, [bios_plan() for _ in range(VMS)])
    hung, well = vm_ids[:HUNG], vm_ids[HUNG:]
    for vm_id in vm_ids:
        wait_stats(manager, vm_id, lambda now: "cpuUser" in now)
    before = _measure(manager, well)
    with _stopped(host, hung):
        during_first = _measure(manager, well[:6])
        for vm_id in hung:
            wait_stats(manager, vm_id, lambda now: now["monitorResponse"] == "-1", 30)
        during = _measure(manager, well)
        for name, seconds in before.items():
            bound = max(SLOWER * seconds, FLOOR)
            assert during[name] < bound, (name, before, during)
            assert during_first[name] < 2 * bound, (name, before, during_first)
        for _ in range(2):
            _wait_fresh(manager, well)
        now = {vm["vmId"]: vm for vm in manager.call("Host.getAllVmStats", {})}
        assert now.keys() == set(vm_ids)
        assert {vm_id for vm_id, vm in now.items() if vm["monitorResponse"] == "-1"} == set(hung)
        assert all(now[vm_id]["status"] in {"Up", "Powering up"} for vm_id in vm_ids)
        _hung_says_so_at_once(manager, hung[0])
        _destroy_works(host, manager, hung[1])
        _restart_finds_all(host, [vm_id for vm_id in vm_ids if vm_id != hung[1]], well)
    with host.manager() as after:
        for vm_id in (vm_id for vm_id in vm_ids if vm_id != hung[1]):
            wait_stats(after, vm_id, lambda now: now["monitorResponse"] == "0", 30)
        for vm_id in hung[2:]:
            after.call("VM.pause", {"vmID": vm_id})
            assert stats(after, vm_id)["status"] == "Paused"
        _wait_fresh(after, well)


def _hung_says_so_at_once(manager: Client, vm_id: str) -> None:
    begin = time.monotonic()
    with pytest.raises(ServerError, match=r"respond|answer|monitor|hang|busy"):
        manager.call("VM.pause", {"vmID": vm_id})
    assert time.monotonic() - begin < 15


def _destroy_works(host: Host, manager: Client, vm_id: str) -> None:
    """QEMU does not even take SIGTERM; a graceful attempt must not cost minutes."""
    begin = time.monotonic()
    manager.call("VM.destroy", {"vmID": vm_id})
    assert time.monotonic() - begin < 45
    assert vm_id not in host.domains()


def _restart_finds_all(host: Host, vm_ids: list[str], well: list[str]) -> None:
    """An agent that starts while they hang has all VMs in its list, and the others at work."""
    host.daemons.kill_agent()
    host.daemons.wait_ready()
    assert {vm["vmId"] for vm in host.ask_until_ready("Host.getVMList", patience=30)} == set(vm_ids)
    with host.manager() as client:
        for vm_id in well[:3]:
            client.call("VM.pause", {"vmID": vm_id})
            client.call("VM.cont", {"vmID": vm_id})
