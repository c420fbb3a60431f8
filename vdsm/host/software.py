"""Names and versions that the agent goes by, and those of what is installed beside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vdsm.adapters.packages import Package
from vdsm.adapters.sysfs import OperatingSystem

VERSION = "4.50.8"
"""The level of the wire contract; managers look for 4.50 in it."""
RELEASE = "1"
VERSION_NAME = "Snow Man"
SOFTWARE_VERSION, SOFTWARE_REVISION = VERSION.rsplit(".", 1)
SUPPORTED_ENGINES = ("4.2", "4.3", "4.4", "4.5")

_OS_NAMES = MappingProxyType(
    {"debian": "Debian", "fedora": "Fedora", "rhel": "RHEL", "centos": "RHEL", "rocky": "RHEL", "almalinux": "RHEL"}
)


def packages_report(installed: Mapping[str, Package], kernel_release: str) -> dict[str, dict[str, str]]:
    """`packages2`: name to version and release; the kernel's and the agent's own are always in it."""
    found = {name: {"version": package.version, "release": package.release} for name, package in installed.items()}
    version, _dash, release = kernel_release.partition("-")
    if version:
        found["kernel"] = {"version": version, "release": release or "0"}
    found["vdsm"] = {"version": VERSION, "release": RELEASE}
    return found


def operating_system_report(system: OperatingSystem | None) -> dict[str, str]:
    """`operatingSystem`; the name is one of those that managers know, or `unknown`."""
    if system is None:
        return {"name": "unknown", "version": "", "release": "", "pretty_name": ""}
    return {
        "name": _OS_NAMES.get(system.id, "unknown"),
        "version": system.version,
        "release": "",
        "pretty_name": system.pretty_name,
    }
