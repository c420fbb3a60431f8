"""A guest agent that hangs, talks garbage or never ends costs its own VM's guest fields and nothing else.

The tiny guest's agent is ended, and a shell script in the guest writes to the agent's port in its place.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from devhost.domain import linux_domain
from devhost.guest import Guest
from tests.e2e.console import GuestShell
from tests.e2e.host import Host, bios_plan, create, create_many, destroy, stats, until, vm_name, wait_stats
from vdsm.client import Client, ServerError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PORT = "/dev/virtio-ports/org.qemu.guest_agent.0"
HUNG = f"while :; do cat {PORT} >/dev/null; sleep 1; done"
GARBAGE = (
    f"while :; do dd if=/dev/urandom of={PORT} bs=4096 count=4 2>/dev/null; echo '{{\"return\": [[[' >{PORT}; done"
)
HUGE = (
    f"(printf '{{\"return\": \"'; while :; do dd if=/dev/zero bs=65536 count=1 2>/dev/null | tr '\\0' A; done) >{PORT}"
)
ANSWER = '{"return": {"host-name": 5, "name": ["lie"], "id": {}, "offset": "x"}}'
LIES = f"while read -r line; do echo '{ANSWER}' >{PORT}; done <{PORT}"


@pytest.fixture(scope="module")
def daemon_settings() -> Mapping[str, Mapping[str, str]]:
    periods = {"qga_polling_period": "1", "qga_sysinfo_period": "1", "qga_active_users_period": "1"}
    return {"vars": {"vm_sample_interval": "1"}, "guest_agent": {**periods, "qga_disk_info_period": "1"}}


def _guest_fields(now: Mapping[str, Any]) -> bool:
    return bool(now.get("guestName") and now.get("guestOsInfo"))


def test_hostile_agents_cost_only_their_own_fields(host: Host, manager: Client, guest: Guest) -> None:
    plans = [
        linux_domain(guest, vm_id, vm_name(vm_id), machine="pc") for vm_id in (str(uuid.uuid4()) for _ in range(3))
    ]
    vm_ids = create_many(manager, [replace(plan, cd_bus=None, has_display=False) for plan in plans])
    good, bad, worse = vm_ids
    for vm_id in vm_ids:
        wait_stats(manager, vm_id, _guest_fields, 90)
    memory = _resident_mib(host)
    for script in (GARBAGE, HUNG):
        _replace_agent(host, bad, script)
        _replace_agent(host, worse, HUGE if script is GARBAGE else LIES)
        _live_with_it(host, manager, good, [bad, worse])
    assert _resident_mib(host) - memory < 60
    for vm_id in (bad, worse):
        _restore_agent(host, vm_id)
        wait_stats(manager, vm_id, lambda now: now["status"] == "Up", 10)
    _replace_agent(host, bad, GARBAGE)
    manager.call("VM.shutdown", {"vmID": bad, "timeout": 10, "force": True})
    wait_stats(manager, bad, lambda now: now["status"] == "Down", 40)


def _live_with_it(host: Host, manager: Client, good: str, bad: list[str]) -> None:
    """For some seconds: the good guest is as before, verbs of all VMs work and are quick."""
    end = time.monotonic() + 6
    slowest = 0.0
    while time.monotonic() < end:
        begin = time.monotonic()
        vms = {vm["vmId"]: vm for vm in manager.call("Host.getAllVmStats", {})}
        slowest = max(slowest, time.monotonic() - begin)
        assert set(vms) == {good, *bad}
        assert _guest_fields(vms[good])
        for vm in vms.values():
            assert vm["status"] == "Up"
            assert vm["monitorResponse"] == "0", vm
            assert len(str(vm)) < 20_000
        time.sleep(0.1)
    assert slowest < 1
    for vm_id in bad:
        for method in ("VM.pause", "VM.cont"):
            begin = time.monotonic()
            manager.call(method, {"vmID": vm_id})
            assert time.monotonic() - begin < 5
    other = create(manager, bios_plan())
    destroy(manager, other)


def _replace_agent(host: Host, vm_id: str, script: str) -> None:
    """Stop the guest's agent for good, and what took its place before, and run `script` in its stead."""
    with GuestShell(host.daemons.api_socket, vm_id) as shell:
        shell.wait_ready()
        shell.run(
            "mount --bind /bin/true /sbin/qemu-ga 2>/dev/null; killall qemu-ga; kill -9 $(cat /run/bad.pid); true"
        )
        shell.run(f"cat > /tmp/bad.sh <<'END'\n{script}\nEND\ntrue")
        shell.run("setsid sh /tmp/bad.sh </dev/null >/dev/null 2>&1 & echo $! > /run/bad.pid; true")


def _restore_agent(host: Host, vm_id: str) -> None:
    with GuestShell(host.daemons.api_socket, vm_id) as shell:
        shell.wait_ready()
        shell.run("kill -9 $(cat /run/bad.pid); killall cat dd sh sleep 2>/dev/null; umount /sbin/qemu-ga; true")


def _resident_mib(host: Host) -> int:
    lines = Path(f"/proc/{host.daemons.agent.pid}/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) >> 10


def test_a_verb_that_needs_the_agent_says_what_is_wrong(host: Host, manager: Client, guest: Guest) -> None:
    """Shutdown goes on to ACPI when the agent hangs."""
    vm_id = str(uuid.uuid4())
    create(manager, replace(linux_domain(guest, vm_id, vm_name(vm_id), machine="pc"), has_display=False))
    wait_stats(manager, vm_id, _guest_fields, 60)
    _replace_agent(host, vm_id, HUNG)
    try:
        manager.call("VM.shutdown", {"vmID": vm_id, "timeout": 5})
    except ServerError as error:
        raise AssertionError("the ladder has another rung") from error
    down = until("down through ACPI", lambda: now if (now := stats(manager, vm_id))["status"] == "Down" else None, 60)
    assert (down["exitCode"], down["exitReason"]) == (0, 6)
