"""The tiny guest boots to its guest agent, and follows the power button."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from devhost.domain import linux_domain
from devhost.guest import Guest
from devhost.libvirtd import PrivateLibvirtd

Answer = TypeVar("Answer")
pytestmark = [pytest.mark.libvirt, pytest.mark.root]


def _until(what: str, ask: Callable[[], Answer | None], patience: float = 60) -> Answer:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {patience:.0f} s")


def test_from_boot_to_power_off(
    private_libvirt: PrivateLibvirtd, guest: Guest, new_vm_id: Callable[[], str], tmp_path: Path
) -> None:
    vm_id = new_vm_id()
    xml = tmp_path / "domain.xml"
    xml.write_text(linux_domain(guest, vm_id, f"linux-{vm_id[:8]}").xml(), encoding="utf-8")

    def virsh(*words: str) -> str | None:
        done = subprocess.run(
            ["/usr/bin/virsh", "--quiet", "--connect", private_libvirt.uri, *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip() if done.returncode == 0 else None

    def is_off() -> bool | None:
        return True if virsh("domstate", vm_id) == "shut off" else None

    assert virsh("define", str(xml)) is not None
    assert virsh("start", vm_id) is not None
    answer = _until(
        "guest agent", lambda: virsh("qemu-agent-command", vm_id, '{"execute": "guest-network-get-interfaces"}')
    )
    assert [link["name"] for link in json.loads(answer)["return"]] == ["lo"]
    assert virsh("shutdown", vm_id, "--mode=acpi") is not None
    assert _until("power off", is_off)
