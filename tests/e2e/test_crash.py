"""kill -9 of each daemon in the middle of create, destroy and shutdown: afterwards the state is right.

Each test drives several VMs, each a little later than the one before, so that one kill meets them at different points.
What is right: a VM runs and is listed, or is Down with a reason that makes sense, or never existed; nothing else is
left; a VM is never missing from a list that is answered.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devhost import places
from devhost.daemons import Daemons, free_port
from devhost.domain import Disk
from devhost.libvirtd import PrivateLibvirtd
from devhost.pki import Pki
from tests.e2e.host import (
    NO_SUCH_VM,
    RECOVERING,
    RUNNING,
    Host,
    bios_plan,
    create,
    create_many,
    destroy,
    stats,
    until,
    vm_name,
    wait_status,
)
from vdsm.client import Client, Error, ServerError

pytestmark = pytest.mark.slow

STAGGER = 0.07
MOMENTS = (0.2, None)
"""Seconds after the first call; None is at random."""

DOWN_REASONS = {2: 1, 3: 1, 6: 0, 9: 1}
"""Exit reasons that may follow from a crash, and their exit codes."""


@pytest.fixture
def daemons(
    private_libvirt: PrivateLibvirtd, pki: Pki, daemon_settings: Mapping[str, Mapping[str, str]]
) -> Iterator[Daemons]:
    """Daemons of each test's own: who was killed often is started again ever more slowly."""
    root = places.make_public(places.INSTALL_ROOT / "tests")
    path = places.make_public(Path(tempfile.mkdtemp(prefix="t", dir=root)))
    try:
        with Daemons(path, private_libvirt, pki, port=free_port(), settings=daemon_settings) as running:
            yield running
    finally:
        shutil.rmtree(path)


Kill = Callable[[], None]


def _victim(host: Host, name: str) -> Kill:
    def kill_libvirt() -> None:
        host.libvirt.kill()
        host.libvirt.start()

    return {"vdsmd": host.daemons.kill_agent, "supervdsmd": host.daemons.kill_helper, "libvirtd": kill_libvirt}[name]


def _during(calls: Sequence[Callable[..., Any]], host: Host, kill: Kill, moment: float | None) -> list[Future[Any]]:
    """Make the calls one after the other, each on its connection, and kill meanwhile; what became of each call."""
    moment = random.uniform(0, 0.7) if moment is None else moment
    print(f"killed after {moment:.3f} s")

    def run(number: int, call: Callable[..., Any]) -> Any:
        with host.manager(timeout=20) as client:
            time.sleep(number * STAGGER)
            return call(client)

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, number, call) for number, call in enumerate(calls)]
        time.sleep(moment)
        kill()
    return futures


@contextmanager
def _always_listed(host: Host, vm_ids: list[str]) -> Iterator[None]:
    """Nobody who gets an answer to a list of VMs misses one of `vm_ids`; no answer, or 99, is allowed."""
    missing: list[str] = []
    answered = 0
    ended = threading.Event()

    def poll() -> None:
        nonlocal answered
        while not ended.is_set():
            try:
                with host.manager(timeout=3) as client:
                    while not ended.is_set():
                        for method in ("Host.getVMList", "Host.getAllVmStats"):
                            listed = {vm["vmId"] for vm in client.call(method, {})}
                            answered += 1
                            missing.extend(f"{method}: {vm_id}" for vm_id in vm_ids if vm_id not in listed)
                        ended.wait(0.01)
            except ServerError as error:
                if error.code != RECOVERING:
                    missing.append(str(error))
            except Error:
                ended.wait(0.02)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)
    assert missing == []
    assert answered > 0


def _wait_consistent(host: Host, patience: float = 30) -> dict[str, dict[str, Any]]:
    """The VMs by id, once the agent, libvirt and the process table agree on them."""
    last = ""

    def look() -> dict[str, dict[str, Any]] | None:
        nonlocal last
        vms = {vm["vmId"]: vm for vm in host.ask_until_ready("Host.getAllVmStats")}
        defined, active = host.domains(), set(host.virsh("list", "--uuid").split())
        running = {vm_id for vm_id, vm in vms.items() if vm["status"] in RUNNING and vm["monitorResponse"] == "0"}
        down = {vm_id for vm_id, vm in vms.items() if vm["status"] == "Down"}
        qemus = set(host.libvirt.qemu_pids())
        brief = {vm_id: [vm["status"], vm.get("exitMessage")] for vm_id, vm in vms.items()}
        last = f"listed {brief}, defined {defined}, active {active}, QEMUs {qemus}"
        agree = running == active and running | down == set(vms) and defined <= set(vms)
        return vms if agree and qemus == {vm_name(vm_id) for vm_id in active} and "" not in active else None

    try:
        found = until(
            "agent, libvirt and processes agree", lambda: (vms,) if (vms := look()) is not None else None, patience
        )
    except AssertionError as error:
        error.add_note(last)
        raise
    for vm in found[0].values():
        if vm["status"] == "Down":
            assert DOWN_REASONS[vm["exitReason"]] == vm["exitCode"], vm
            assert vm["exitMessage"], vm
    return found[0]


def _went_well(future: Future[Any]) -> bool:
    """A call that was cut off, or refused because a daemon was away, did not; any other failure is a fault."""
    error = future.exception()
    if error is None:
        return True
    assert isinstance(error, Error), error
    return False


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("victim", ["vdsmd", "libvirtd"])
class TestKilled:
    def test_during_create(self, host: Host, manager: Client, victim: str, moment: float | None) -> None:
        steady = create_many(manager, [bios_plan()])
        plans = [bios_plan() for _ in range(5)]
        calls = [partial(create, plan=plan, wait=()) for plan in plans]
        with _always_listed(host, steady):
            futures = _during(calls, host, _victim(host, victim), moment)
            vms = _wait_consistent(host)
        for vm_id in steady:
            assert vms[vm_id]["status"] in RUNNING
        for plan, future in zip(plans, futures, strict=True):
            if _went_well(future) and victim != "vdsmd":
                assert plan.vm_id in vms, "accepted and forgotten"
        with host.manager() as client:
            create(client, bios_plan())

    def test_during_destroy(self, host: Host, manager: Client, victim: str, moment: float | None) -> None:
        steady = create_many(manager, [bios_plan()])
        doomed = create_many(manager, [bios_plan() for _ in range(5)])
        calls = [partial(destroy, vm_id=vm_id) for vm_id in doomed]
        with _always_listed(host, steady):
            futures = _during(calls, host, _victim(host, victim), moment)
            vms = _wait_consistent(host)
        for vm_id, future in zip(doomed, futures, strict=True):
            if _went_well(future):
                assert vm_id not in vms, "destroyed and back again"
            elif vm_id in vms:
                with host.manager() as client:
                    destroy(client, vm_id)
        for vm_id in steady:
            assert vms[vm_id]["status"] in RUNNING
        assert host.domains() == set(steady)

    def test_during_shutdown(self, host: Host, manager: Client, victim: str, moment: float | None) -> None:
        steady = create_many(manager, [bios_plan()])
        leaving = create_many(manager, [bios_plan() for _ in range(4)])
        calls = [partial(_shut_down, vm_id=vm_id) for vm_id in leaving]
        with _always_listed(host, steady + leaving):
            _during(calls, host, _victim(host, victim), moment)
            vms = _wait_consistent(host)

        for vm_id in leaving:
            if vms[vm_id]["status"] == "Down":
                assert (vms[vm_id]["exitCode"], vms[vm_id]["exitReason"]) == (0, 6)
            else:
                with host.manager() as client:
                    _shut_down(client, vm_id)
                    assert wait_status(client, vm_id, {"Down"})["exitReason"] == 6


@pytest.mark.parametrize("moment", [0.1, None])
def test_a_killed_helper_is_not_noticed(host: Host, manager: Client, moment: float | None) -> None:
    doomed = create_many(manager, [bios_plan() for _ in range(2)])
    leaving = create_many(manager, [bios_plan() for _ in range(2)])
    plans = [bios_plan(has_agent_channel=True) for _ in range(3)]
    calls: list[Callable[..., Any]] = [partial(create, plan=plan) for plan in plans]
    calls += [partial(destroy, vm_id=vm_id) for vm_id in doomed]
    calls += [partial(_shut_down, vm_id=vm_id) for vm_id in leaving]
    calls += [lambda client: client.call("Host.getHardwareInfo", {})] * 3
    futures = _during(calls, host, _victim(host, "supervdsmd"), moment)
    for future in futures:
        future.result()
    for vm_id in leaving:
        assert wait_status(manager, vm_id, {"Down"})["exitReason"] == 6
    assert set(_wait_consistent(host)) == {plan.vm_id for plan in plans} | set(leaving)


def test_both_daemons_of_ours_at_once(host: Host, manager: Client) -> None:
    vm_ids = create_many(manager, [bios_plan() for _ in range(3)])
    with _always_listed(host, vm_ids):
        host.daemons.kill_helper()
        host.daemons.kill_agent()
        assert set(_wait_consistent(host)) == set(vm_ids)
    assert host.ask("Host.getHardwareInfo") is not None


def test_vdsmd_answers_within_two_seconds(host: Host, manager: Client) -> None:
    """From the kill to the first ping, the supervisor's pause included; lists follow with all VMs."""
    vm_ids = create_many(manager, [bios_plan() for _ in range(5)])
    begin = time.monotonic()
    host.daemons.kill_agent()
    host.daemons.wait_ready()
    assert time.monotonic() - begin < 2
    assert {vm["vmId"] for vm in host.ask_until_ready("Host.getVMList")} == set(vm_ids)
    with host.manager() as client:
        client.call("VM.pause", {"vmID": vm_ids[0]})
        assert stats(client, vm_ids[0])["status"] == "Paused"


def test_why_a_vm_is_down_outlives_the_agent(host: Host, manager: Client, public_path: Path) -> None:
    broken = bios_plan(disks=(Disk(public_path / "no-such.qcow2"),))
    create(manager, broken, wait={"Down"})
    lost, asked, away = create_many(manager, [bios_plan() for _ in range(3)])
    os.kill(host.qemu_pid(lost), signal.SIGKILL)
    _shut_down(manager, asked)
    for vm_id in (lost, asked):
        wait_status(manager, vm_id, {"Down"})
    vms = (broken.vm_id, lost, asked)
    before = {vm_id: _why(stats(manager, vm_id)) for vm_id in vms}
    assert [why[:2] for why in before.values()] == [(1, 3), (1, 2), (0, 6)]
    until("the reasons are stored", lambda: all("exit" in host.virsh("dumpxml", vm_id) for vm_id in vms))
    host.daemons.agent.stop()
    os.kill(host.qemu_pid(away), signal.SIGKILL)
    host.daemons.agent.start()
    host.daemons.wait_ready()
    for _ in range(2):
        found = {vm["vmId"]: vm for vm in host.ask_until_ready("Host.getAllVmStats")}
        assert {vm_id: _why(found[vm_id]) for vm_id in vms} == before
        assert _why(found[away])[:2] == (1, 2)
        host.daemons.kill_agent()
        host.daemons.wait_ready()
    host.ask_until_ready("Host.getVMList")
    with host.manager() as client:
        for vm_id in (*vms, away):
            destroy(client, vm_id)
            with pytest.raises(ServerError) as gone:
                stats(client, vm_id)
            assert gone.value.code == NO_SUCH_VM
    assert host.domains() == set()


def test_event_times_grow_over_a_restart(host: Host, manager: Client) -> None:
    vm_id = create(manager, bios_plan())
    before = int(stats(manager, vm_id)["statusTime"])
    host.daemons.kill_agent()
    host.daemons.wait_ready()
    (row,) = host.ask_until_ready("Host.getVMList")
    assert int(row["statusTime"]) > before


def _shut_down(client: Client, vm_id: str) -> None:
    client.call("VM.shutdown", {"vmID": vm_id, "timeout": 0, "force": True})


def _why(now: dict[str, Any]) -> tuple[int, int, str]:
    assert now["status"] == "Down"
    return now["exitCode"], now["exitReason"], now["exitMessage"]
