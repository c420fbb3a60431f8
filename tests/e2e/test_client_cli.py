"""vdsm-client as people use it: tables, JSON, exit codes, a console on a terminal, a server that is not there."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from devhost.daemons import free_port
from devhost.domain import Disk, linux_domain
from devhost.guest import Guest
from tests.e2e.host import Host, bios_plan, create, vm_name, wait_stats, write_public
from vdsm.client import Client


@pytest.mark.parametrize(
    "words", [("-h",), ("vm", "-h"), ("vm", "start", "-h"), ("Host", "-h"), ("VM", "create", "-h")]
)
def test_help(host: Host, words: tuple[str, ...]) -> None:
    done = host.cli(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 100


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("Host",),
        ("Hots", "ping2"),
        ("Host", "pign2"),
        ("Host", "ping2", "no-equals-sign"),
        ("Host", "ping2", "--no-such-option"),
        ("vm",),
        ("vm", "frobnicate"),
        ("vm", "start", "/no/such/file.xml"),
        ("vm", "stats", "--watch", "0"),
        ("Host", "ping2", "-f", "/no/such.json"),
    ],
)
def test_wrong_arguments_are_2_in_one_clear_message(host: Host, words: tuple[str, ...]) -> None:
    done = host.cli(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "vdsm-client" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("local", [True, False])
def test_raw_calls(host: Host, local: bool) -> None:
    assert json.loads(host.cli("Host", "ping2", local=local).stdout) is True
    assert json.loads(host.cli("Host", "echo", "message=a=b c", local=local).stdout) == "a=b c"
    by_file = host.cli("Host", "echo", "-f", "-", local=local, stdin='{"message": "from a file"}')
    assert json.loads(by_file.stdout) == "from a file"
    missing = host.cli("VM", "getStats", f"vmID={uuid.uuid4()}", local=local)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "code=1" in missing.stderr


def test_a_dead_server_is_3_and_says_what_to_do(host: Host) -> None:
    program = host.cli_argv()[0]
    nobody = [program, "-a", "localhost", "-p", str(free_port()), "--pki", str(host.daemons.pki.directory)]
    for argv in ([*nobody, "Host", "ping2"], [program, "--socket", "/no/such.sock", "vm", "list"]):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert "Cannot connect to the agent at" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_life_of_a_vm_in_tables(host: Host, manager: Client, public_path: Path) -> None:
    plan = bios_plan()
    name, xml = vm_name(plan.vm_id), write_public(public_path / "vm.xml", plan.xml())
    assert host.cli("vm", "list").stdout.split()[:2] == ["ID", "NAME"]
    started = host.cli("vm", "start", str(xml))
    assert (started.returncode, started.stdout) == (0, f"VM {name} ({plan.vm_id}) is Powering up\n")
    again = host.cli("vm", "start", str(xml))
    assert again.returncode == 1
    assert "code=4" in again.stderr
    _, row = host.cli("vm", "list").stdout.splitlines()
    assert row.split()[:2] == [plan.vm_id, name]
    assert "Powering up" in row
    assert [vm["vmId"] for vm in json.loads(host.cli("vm", "list", "--json").stdout)] == [plan.vm_id]
    for key in (plan.vm_id, plan.vm_id[:6], name):
        assert re.search(rf"^id +{plan.vm_id}$", host.cli("vm", "show", key).stdout, re.MULTILINE)
    shown = json.loads(host.cli("vm", "show", name, "--json").stdout)
    assert shown["info"]["vmId"] == shown["stats"]["vmId"] == plan.vm_id
    wait_stats(manager, plan.vm_id, lambda now: "cpuUser" in now)
    head, row = host.cli("vm", "stats").stdout.splitlines()
    assert head.split()[0] == "NAME"
    assert row.startswith(name)
    assert json.loads(host.cli("vm", "stats", name, "--json", local=True).stdout)[0]["vmName"] == name
    down = host.cli("vm", "shutdown", name, "--timeout", "0", "--force")
    assert down.returncode == 0
    assert f"VM {plan.vm_id} is Down" in down.stdout
    assert host.cli("vm", "shutdown", plan.vm_id).returncode == 1
    assert host.cli("VM", "destroy", f"vmID={plan.vm_id}").returncode == 0
    assert host.cli("vm", "show", name).returncode == 6
    assert host.cli("vm", "console", name, local=True).returncode == 6


def test_a_vm_that_cannot_start_is_5(host: Host, public_path: Path) -> None:
    disk = Disk(public_path / "no-such-disk.qcow2")
    xml = write_public(public_path / "vm.xml", bios_plan(disks=(disk,)).xml())
    done = host.cli("vm", "start", str(xml))
    assert done.returncode == 5
    assert "no-such-disk" in done.stderr
    assert "reason 3" in done.stderr


def test_watch_ends_with_ctrl_c(host: Host, manager: Client) -> None:
    vm_id = create(manager, bios_plan())
    with subprocess.Popen(
        [*host.cli_argv(), "vm", "stats", "--watch", "0.2", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as watch:  # fmt: skip
        assert watch.stdout is not None
        for _ in range(3):
            assert json.loads(watch.stdout.readline())[0]["vmId"] == vm_id
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=10)
    assert watch.returncode == 130
    assert said == "vdsm-client: interrupted\n"


@pytest.mark.slow
def test_console_on_a_terminal(host: Host, manager: Client, guest: Guest) -> None:
    """A shell in the guest; Ctrl-C goes to the guest, Ctrl-] leaves; the terminal is as before."""
    vm_id = str(uuid.uuid4())
    plan = replace(linux_domain(guest, vm_id, vm_name(vm_id), machine="pc"), has_agent_channel=False, has_display=False)
    create(manager, plan)
    master, terminal = pty.openpty()
    try:
        before = _settings(terminal)
        with subprocess.Popen(
            [*host.cli_argv(local=True), "vm", "console", vm_name(vm_id)], stdin=terminal, stdout=terminal,
            stderr=terminal, start_new_session=True,
        ) as client:  # fmt: skip
            _type_until(master, b"\r", b"# ", 60)
            _type_until(master, b"echo $((6*7))made\r", b"42made", 10)
            _type_until(master, b"sleep 100\r", b"sleep 100", 10)
            _type_until(master, b"\x03", b"# ", 10)
            assert client.poll() is None
            _type_until(master, b"\x1d", b"Left the console", 10)
            assert client.wait(10) == 0
        assert _settings(terminal) == before
    finally:
        os.close(master)
        os.close(terminal)
    assert host.virsh("domstate", vm_id) == "running"


def _settings(terminal: int) -> str:
    return subprocess.run(["stty", "-a"], stdin=terminal, capture_output=True, text=True, check=True).stdout


def _type_until(master: int, keys: bytes, wanted: bytes, patience: float) -> None:
    """Type, and again each second for a bare key, until the screen shows what is wanted."""
    seen = b""
    deadline = time.monotonic() + patience
    os.write(master, keys)
    while wanted not in seen:
        assert time.monotonic() < deadline, f"{wanted!r} is not shown: {seen[-500:]!r}"
        readable, _, _ = select.select([master], [], [], 1.0)
        if readable:
            seen += os.read(master, 4096)
        elif len(keys) == 1:
            os.write(master, keys)
