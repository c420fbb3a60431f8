"""Names and versions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vdsm.adapters.packages import Package
from vdsm.adapters.sysfs import OperatingSystem
from vdsm.host import software


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["version"] == software.VERSION
    assert (software.SOFTWARE_VERSION, software.SOFTWARE_REVISION) == ("4.50", "8")


def test_kernel_and_agent_are_always_among_the_packages() -> None:
    report = software.packages_report({"libvirt": Package("9.0.0", "4")}, "6.1.0-18-amd64")
    assert report == {
        "libvirt": {"version": "9.0.0", "release": "4"},
        "kernel": {"version": "6.1.0", "release": "18-amd64"},
        "vdsm": {"version": "4.50.8", "release": "1"},
    }
    assert list(software.packages_report({}, "")) == ["vdsm"]


@pytest.mark.parametrize(
    ("libvirt", "qemu", "last"),
    [(0, 0, "4.6"), (7_999_000, 9_001_000, "4.6"), (8_000_000, 7_002_000, "4.7"), (10_010_000, 9_000_050, "4.7"),
     (10_010_000, 9_001_000, "4.8")],
)  # fmt: skip
def test_cluster_levels(libvirt: int, qemu: int, last: str) -> None:
    levels = software.cluster_levels(libvirt, qemu)
    assert (levels[0], levels[-1]) == ("4.2", last)


def test_version_numbers() -> None:
    installed = {"a": Package("10.11.2", ""), "b": Package("7.2", ""), "c": Package("1.2.3.4", "")}
    assert [software.version_number(installed, name) for name in "abcd"] == [10_011_002, 7_002_000, 1_002_003, 0]


def test_operating_systems() -> None:
    debian = OperatingSystem("debian", "Debian GNU/Linux", "12", "Debian 12")
    assert software.operating_system_report(debian)["name"] == "Debian"
    assert software.operating_system_report(OperatingSystem("arch", "", "", ""))["name"] == "unknown"
    assert software.operating_system_report(None)["name"] == "unknown"
