"""The life of VMs as a manager drives it: one with a real guest from its boot to its end, and many without."""

from __future__ import annotations

import base64
import os
import random
import re
import socket
import stat
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from devhost import accounts
from devhost.domain import Disk, DomainPlan, linux_domain
from devhost.guest import Guest
from tests.e2e.console import GuestShell
from tests.e2e.host import (
    NO_SUCH_VM,
    VM_NOT_RUNNING,
    Host,
    bios_plan,
    create,
    create_many,
    destroy,
    stats,
    until,
    vm_name,
    wait_stats,
    wait_status,
)
from vdsm.client import Client, ServerError

PASSWORD = "pa55-Wd!"


def _linux(guest: Guest, **changes: Any) -> DomainPlan:
    vm_id = str(uuid.uuid4())
    plan = linux_domain(guest, vm_id, vm_name(vm_id), machine="pc")
    return DomainPlan(**{**plan.__dict__, **changes})


def _image(directory: Path, name: str, size: str = "16M", kind: str = "qcow2") -> Path:
    """An image as on shared storage: of 36:36, mode 0660."""
    path = directory / name
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, str(path), size], check=True)
    os.chown(path, accounts.VDSM_UID, accounts.VDSM_GID)
    path.chmod(0o660)
    return path


def _owner(path: Path) -> tuple[int, int, str]:
    found = path.stat()
    return found.st_uid, found.st_gid, stat.filemode(found.st_mode)


def _code(call: Any, *arguments: Any) -> int:
    with pytest.raises(ServerError) as refused:
        call(*arguments)
    return int(refused.value.code)


class TestLinuxGuest:
    @pytest.mark.slow
    def test_from_boot_to_shutdown(self, host: Host, manager: Client, guest: Guest, public_path: Path) -> None:
        disk, medium = _image(public_path, "disk.qcow2"), _image(public_path, "medium.iso", "1M", "raw")
        owned = (accounts.VDSM_UID, accounts.VDSM_GID, "-rw-rw----")
        plan = _linux(guest, disks=(Disk(disk),), has_user_network=True, extra_command_line="guest.mkfs=vda")
        vm_id = create(manager, plan)
        assert stats(manager, vm_id)["status"] == "Powering up"
        wait_status(manager, vm_id, {"Up"}, 60)
        self._figures(manager, vm_id)
        assert _owner(disk) == owned
        self._pause_and_continue(host, manager, vm_id)
        self._ticket(host, manager, vm_id)
        self._screenshot(manager, vm_id)
        self._cd(host, manager, vm_id, medium)
        assert _owner(medium) == owned
        manager.call("VM.shutdown", {"vmID": vm_id, "timeout": 30})
        down = wait_status(manager, vm_id, {"Down"}, 40)
        assert (down["exitCode"], down["exitReason"]) == (0, 6)
        assert down["exitMessage"]
        assert _owner(disk) == owned
        assert _code(manager.call, "VM.pause", {"vmID": vm_id}) == VM_NOT_RUNNING
        assert manager.call("VM.destroy", {"vmID": vm_id}) is True
        assert _code(manager.call, "VM.getStats", {"vmID": vm_id}) == NO_SUCH_VM

    @staticmethod
    def _figures(manager: Client, vm_id: str) -> None:
        now = wait_stats(
            manager, vm_id, lambda now: now.get("guestOsInfo") and now.get("netIfaces") and now.get("disksUsage"), 30
        )
        assert now["guestOsInfo"]["type"] == "linux"
        assert now["guestName"] == "tiny"
        assert {link["name"] for link in now["netIfaces"]} >= {"eth0"}
        assert re.fullmatch(r"10\.0\.2\.\d+", now["guestIPs"].split()[0])
        now = wait_stats(manager, vm_id, lambda now: "cpuUser" in now and now["disks"])
        assert now["disks"]["vda"].keys() >= {"readRate", "writeRate", "readLatency", "truesize", "apparentsize"}
        assert now["monitorResponse"] == "0"
        assert int(now["elapsedTime"]) >= 1

    @staticmethod
    def _pause_and_continue(host: Host, manager: Client, vm_id: str) -> None:
        assert manager.call("VM.pause", {"vmID": vm_id}) == {"vmList": {}}
        now = stats(manager, vm_id)
        assert (now["status"], now["pauseCode"]) == ("Paused", "NOERR")
        assert host.virsh("domstate", vm_id) == "paused"
        assert manager.call("VM.cont", {"vmID": vm_id}) == {"vmList": {}}
        now = stats(manager, vm_id)
        assert now["status"] == "Up"
        assert "pauseCode" not in now
        assert host.virsh("domstate", vm_id) == "running"

    @staticmethod
    def _ticket(host: Host, manager: Client, vm_id: str) -> None:
        (display,) = stats(manager, vm_id)["displayInfo"]
        assert display["type"] == "vnc"
        params = {"vmID": vm_id, "password": PASSWORD, "ttl": "120", "existingConnAction": "disconnect", "params": {}}
        manager.call("VM.setTicket", params)
        xml = host.virsh("dumpxml", "--security-info", vm_id)
        assert f"passwd='{PASSWORD}'" in xml
        assert "passwdValidTo='20" in xml
        assert PASSWORD not in manager.call("Host.dumpxmls", {"vmList": [vm_id]})[vm_id]
        with socket.create_connection(("127.0.0.1", int(display["port"])), 5) as vnc:
            greeting = vnc.recv(12)
            assert greeting.startswith(b"RFB ")
            vnc.sendall(greeting)
            assert vnc.recv(2) == b"\x01\x02"  # one way in: by password
            until("the display's client is told", lambda: stats(manager, vm_id)["clientIp"] == "127.0.0.1", 5)
        until("its going, too", lambda: stats(manager, vm_id)["clientIp"] == "", 5)

    @staticmethod
    def _screenshot(manager: Client, vm_id: str) -> None:
        picture = manager.call("VM.screenshot", {"vmID": vm_id})
        assert picture["encoding"] == "base64"
        data = base64.b64decode(picture["data"], validate=True)
        magic = {"image/png": b"\x89PNG\r\n\x1a\n", "image/x-portable-pixmap": b"P6"}[picture["mime_type"]]
        assert data.startswith(magic)
        assert len(data) > 100

    @staticmethod
    def _cd(host: Host, manager: Client, vm_id: str, medium: Path) -> None:
        assert manager.call("VM.changeCD", {"vmID": vm_id, "driveSpec": str(medium)})["vmId"] == vm_id
        assert str(medium) in host.virsh("domblklist", vm_id)
        assert str(medium) in manager.call("Host.dumpxmls", {"vmList": [vm_id]})[vm_id]
        manager.call("VM.changeCD", {"vmID": vm_id, "driveSpec": ""})
        assert str(medium) not in host.virsh("domblklist", vm_id)
        missing = medium.with_name("no-such.iso")
        assert _code(manager.call, "VM.changeCD", {"vmID": vm_id, "driveSpec": str(missing)}) in {13, 41, 91}

    @pytest.mark.slow
    def test_its_user_shuts_it_down(self, host: Host, manager: Client, guest: Guest) -> None:
        vm_id = create(manager, _linux(guest, has_agent_channel=False))
        with GuestShell(host.daemons.api_socket, vm_id) as shell:
            assert "Linux" in shell.wait_ready().run("uname -s")
            shell.send("poweroff -f")
            down = wait_status(manager, vm_id, {"Down"}, 20)
        assert (down["exitCode"], down["exitReason"]) == (0, 7)

    @pytest.mark.slow
    def test_destroy_on_reboot(self, host: Host, manager: Client, guest: Guest) -> None:
        vm_id = create(manager, _linux(guest, has_agent_channel=False))
        with GuestShell(host.daemons.api_socket, vm_id) as shell:
            shell.wait_ready()
            manager.call("VM.setDestroyOnReboot", {"vmID": vm_id})
            shell.send("reboot -f")
            down = wait_status(manager, vm_id, {"Down"}, 20)
        assert (down["exitCode"], down["exitReason"]) == (0, 13)


class TestShutdownLadder:
    def test_without_a_guest_the_last_rung_is_destroy(self, manager: Client) -> None:
        vm_id = create(manager, bios_plan())
        manager.call("VM.shutdown", {"vmID": vm_id, "timeout": 1, "force": True})
        assert stats(manager, vm_id)["status"] == "Powering down"
        down = wait_status(manager, vm_id, {"Down"}, 15)
        assert (down["exitCode"], down["exitReason"]) == (0, 6)

    def test_without_force_the_vm_goes_on(self, manager: Client) -> None:
        vm_id = create(manager, bios_plan())
        manager.call("VM.shutdown", {"vmID": vm_id, "timeout": 1})
        assert stats(manager, vm_id)["status"] == "Powering down"
        wait_status(manager, vm_id, {"Up"}, 15)
        manager.call("VM.pause", {"vmID": vm_id})
        assert stats(manager, vm_id)["status"] == "Paused"


class TestManyClients:
    def test_two_clients_on_one_vm_are_serialised(self, host: Host, manager: Client) -> None:
        """Each call succeeds, and the last state that was told is the one that QEMU is in."""
        vm_id = create(manager, bios_plan())
        failures: list[BaseException] = []

        def drive(seed: int) -> None:
            choice = random.Random(seed)
            try:
                with host.manager() as client:
                    for _ in range(40):
                        client.call(choice.choice(["VM.pause", "VM.cont", "VM.reset"]), {"vmID": vm_id})
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=drive, args=(seed,)) for seed in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert failures == []
        paused = stats(manager, vm_id)["status"] == "Paused"
        assert host.virsh("domstate", vm_id) == ("paused" if paused else "running")

    def test_one_of_many_creates_wins(self, host: Host, manager: Client) -> None:
        plan = bios_plan()
        params = {"vmID": plan.vm_id, "vmParams": {"vmId": plan.vm_id, "xml": plan.xml()}}

        def attempt(_: int) -> int:
            try:
                manager.call("VM.create", params)
            except ServerError as error:
                return error.code
            return 0

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(attempt, range(8))) == [0] + [4] * 7
        wait_status(manager, plan.vm_id, {"Powering up"})
        assert host.domains() == {plan.vm_id}

    def test_one_of_many_destroys_wins(self, manager: Client) -> None:
        vm_id = create(manager, bios_plan())

        def attempt(_: int) -> int:
            try:
                destroy(manager, vm_id)
            except ServerError as error:
                return error.code
            return 0

        with ThreadPoolExecutor(8) as pool:
            codes = sorted(pool.map(attempt, range(8)))
        assert codes[0] == 0
        assert 0 not in codes[1:]
        assert _code(stats, manager, vm_id) == NO_SUCH_VM

    @pytest.mark.slow
    def test_a_hundred_vms_have_a_hundred_displays(self, host: Host, manager: Client) -> None:
        plans = [bios_plan(has_display=True, metadata={"launchPaused": True}) for _ in range(100)]
        vm_ids = create_many(manager, plans)
        vms = manager.call("Host.getAllVmStats", {})
        assert {vm["vmId"] for vm in vms} == set(vm_ids)
        ports = {int(display["port"]) for vm in vms for display in vm["displayInfo"] if display["type"] == "vnc"}
        assert len(ports) == 100
        for port in ports:
            with socket.create_connection(("127.0.0.1", port), 5) as vnc:
                assert vnc.recv(4) == b"RFB "
        assert manager.call("Host.getStats", {})["vmCount"] == 100


class TestBadRequests:
    def test_what_cannot_start_is_down_with_the_reason(self, host: Host, manager: Client, public_path: Path) -> None:
        plan = bios_plan(disks=(Disk(public_path / "no-such.qcow2"),))
        create(manager, plan, wait={"Down"})
        down = stats(manager, plan.vm_id)
        assert (down["exitCode"], down["exitReason"]) == (1, 3)
        assert "no-such.qcow2" in down["exitMessage"]
        destroy(manager, plan.vm_id)
        assert host.domains() == set()

    @pytest.mark.parametrize("xml", ["", "no xml", "<domain/>", "<domain><uuid>5</uuid></domain>"])
    def test_xml_that_makes_no_sense(self, host: Host, manager: Client, xml: str) -> None:
        vm_id = str(uuid.uuid4())
        params = {"vmID": vm_id, "vmParams": {"vmId": vm_id, "xml": xml}}
        assert _code(manager.call, "VM.create", params) in {9, 11, 91, -32602}
        assert manager.call("Host.getVMList", {}) == []
        assert host.domains() == set()

    def test_domains_of_others_are_never_touched(self, host: Host, manager: Client, public_path: Path) -> None:
        """A domain without our metadata is not listed, and every verb says that there is no such VM."""
        stranger = str(uuid.uuid4())
        xml = public_path / "stranger.xml"
        xml.write_text(
            f"<domain type='qemu'><name>stranger</name><uuid>{stranger}</uuid><memory>16384</memory>"
            "<os><type>hvm</type></os></domain>",
            encoding="utf-8",
        )
        try:
            host.virsh("create", str(xml))
            assert host.virsh("domstate", stranger) == "running"
            assert manager.call("Host.getVMList", {}) == []
            assert _code(manager.call, "VM.destroy", {"vmID": stranger}) == NO_SUCH_VM
            host.daemons.kill_agent()
            host.daemons.wait_ready()
            assert host.ask_until_ready("Host.getVMList") == []
            assert host.virsh("domstate", stranger) == "running"
        finally:
            host.virsh("destroy", stranger)


class TestPrivileges:
    def test_the_agent_has_none(self, host: Host) -> None:
        status = _process_status(host.daemons.agent.pid)
        assert set(status["Uid"].split()) == {str(accounts.VDSM_UID)}
        assert set(status["Gid"].split()) == {str(accounts.VDSM_GID)}
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0
        assert _process_status(host.daemons.helper.pid)["Uid"].split()[0] == "0"

    def test_the_helper_serves_the_agent_alone(self, host: Host) -> None:
        call = (
            "import socket, sys\n"
            "with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:\n"
            "    s.settimeout(10)\n"
            "    s.connect(sys.argv[1])\n"
            '    s.send(b\'{"id":1,"operation":"ping","params":{}}\')\n'
            "    print(s.recv(65536))\n"
        )
        for uid in (0, accounts.VDSM_UID, 65534):
            done = subprocess.run(
                ["/usr/bin/python3", "-c", call, str(host.daemons.helper_socket)], user=uid, group=uid, extra_groups=[],
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert '"result"' not in done.stdout
            assert "pid" not in done.stdout or "PermissionDenied" in done.stdout, done.stdout
        assert host.ask("Host.getHardwareInfo") is not None

    def test_the_local_socket_is_for_the_group(self, host: Host) -> None:
        call = f"{host.cli_argv(local=True)[0]} --socket {host.daemons.api_socket} Host ping2"
        for user, groups, code in ((65534, [], 3), (65534, [accounts.VDSM_GID], 3), (0, [], 0), (36, [], 0)):
            done = subprocess.run(
                call.split(), user=user, group=user, extra_groups=groups, capture_output=True, text=True, timeout=30,
                check=False,
            )  # fmt: skip
            assert done.returncode == code, (user, groups, done)
            assert not code or "ermission denied" in done.stderr


def _process_status(pid: int | None) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
