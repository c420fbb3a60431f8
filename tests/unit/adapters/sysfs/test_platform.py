"""The machine from a recorded tree, and one that says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdsm.adapters.sysfs import OperatingSystem, Platform, Tree
from vdsm.common.errors import BackendError


def test_system(tree: Tree) -> None:
    platform = Platform(tree)
    assert platform.operating_system() == OperatingSystem("debian", "Debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert platform.kernel_release() == "6.1.0-18-amd64"
    assert platform.command_line() == "quiet intel_iommu=on"
    assert platform.boot_id().startswith("11111111-")
    assert (platform.boot_time(), platform.load()) == (1700000000, 0.08)


def test_switches(tree: Tree) -> None:
    platform = Platform(tree)
    assert (platform.selinux_mode(), platform.numa_balancing(), platform.kdump_status()) == (-1, 1, 1)
    assert (platform.is_fips(), platform.is_realtime()) == (False, False)
    assert (platform.has_iommu(), platform.has_nested_virtualization(), platform.has_hardware_rng()) == (True,) * 3


def test_adapters_and_firmware(tree: Tree) -> None:
    platform = Platform(tree)
    assert platform.iscsi_initiator() == "iqn.1994-05.org.example:host"
    assert platform.fc_hosts() == (("100000", "200000", "QLE"),)
    assert platform.dmi() == {"systemManufacturer": "ACME", "systemProductName": "Box"}


def test_host_id_is_the_first_line(root: Path, tree: Tree) -> None:
    assert Platform(tree).host_id("/etc/vdsm/vdsm.id") == ""
    (root / "etc/vdsm").mkdir()
    (root / "etc/vdsm/vdsm.id").write_text("4c4c4544\nsecond\n")
    assert Platform(tree).host_id("/etc/vdsm/vdsm.id") == "4c4c4544"


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    platform = Platform(Tree(tmp_path))
    assert (platform.selinux_mode(), platform.numa_balancing(), platform.kdump_status()) == (-1, 2, -1)
    assert (platform.has_iommu(), platform.has_nested_virtualization(), platform.has_hardware_rng()) == (False,) * 3
    assert (platform.dmi(), platform.iscsi_initiator(), platform.fc_hosts()) == ({}, "", ())
    for reader in (platform.operating_system, platform.kernel_release, platform.boot_time, platform.load):
        with pytest.raises(BackendError):
            reader()


@pytest.mark.parametrize(("path", "content"), [("proc/loadavg", "heavy"), ("proc/stat", "btime soon")])
def test_garbage_is_refused(root: Path, tree: Tree, path: str, content: str) -> None:
    (root / path).write_text(content)
    reader = Platform(tree).load if path == "proc/loadavg" else Platform(tree).boot_time
    with pytest.raises(BackendError):
        reader()
