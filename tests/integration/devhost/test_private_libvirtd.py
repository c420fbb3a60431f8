"""The private libvirtd: QEMUs outlive it, nothing outlives its end, and a crashed run is cleaned up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devhost import places, processes
from devhost.domain import bios_domain
from devhost.libvirtd import PrivateLibvirtd, unique_name

pytestmark = [pytest.mark.libvirt, pytest.mark.root]


@pytest.fixture
def daemon() -> Iterator[PrivateLibvirtd]:
    libvirt = PrivateLibvirtd(places.RUNTIME, f"{unique_name()}x")
    try:
        libvirt.start()
        yield libvirt
    finally:
        libvirt.remove()


def _virsh(daemon: PrivateLibvirtd, *words: str) -> str:
    done = subprocess.run(
        ["/usr/bin/virsh", "--quiet", "--connect", daemon.uri, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _run_vm(daemon: PrivateLibvirtd, tmp_path: Path, vm_id: str) -> int:
    """Start a VM and return its QEMU's pid."""
    name = f"vm-{vm_id[:8]}"
    xml = tmp_path / "domain.xml"
    xml.write_text(bios_domain(vm_id, name, has_agent_channel=True).xml(), encoding="utf-8")
    _virsh(daemon, "create", str(xml))
    pids = daemon.qemu_pids()
    assert set(pids) == {name}
    return pids[name]


def test_a_qemu_outlives_the_daemon(daemon: PrivateLibvirtd, tmp_path: Path, new_vm_id: Callable[[], str]) -> None:
    vm_id = new_vm_id()
    qemu = _run_vm(daemon, tmp_path, vm_id)
    channel = daemon.channel_directory / f"{vm_id}.org.qemu.guest_agent.0"
    assert channel.is_socket()
    daemon.kill()
    assert daemon.pid is None
    assert processes.start_time(qemu) is not None
    daemon.start()
    assert _virsh(daemon, "domstate", vm_id) == "running"
    daemon.restart()
    assert _virsh(daemon, "domstate", vm_id) == "running"
    daemon.stop()
    assert processes.start_time(qemu) is None
    assert not processes.seeing(daemon.directory / "run", "/run/libvirt")


def test_what_a_crashed_run_left_is_ended(
    daemon: PrivateLibvirtd, tmp_path: Path, new_vm_id: Callable[[], str]
) -> None:
    qemu = _run_vm(daemon, tmp_path, new_vm_id())
    daemon.kill()
    with PrivateLibvirtd(daemon.directory.parent, daemon.name) as again:
        assert processes.start_time(qemu) is None
        assert not again.qemu_pids()
        assert _virsh(again, "list", "--all", "--name") == ""


def test_user_vdsm_may_connect(daemon: PrivateLibvirtd) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=vdsm", "--regid=vdsm", "--init-groups", "virsh", "--connect", daemon.uri, "uri"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
