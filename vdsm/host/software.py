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
_BASE_LEVELS = ("4.2", "4.3", "4.4", "4.5", "4.6")
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


def cluster_levels(libvirt: int, qemu: int) -> list[str]:
    """Levels that a cluster with this host may have; versions as major * 1,000,000 + minor * 1,000 + release."""
    levels = list(_BASE_LEVELS)
    if libvirt >= 8_000_000:
        levels.append("4.7")
    if libvirt >= 10_010_000 and qemu >= 9_001_000:
        levels.append("4.8")
    return levels


def version_number(installed: Mapping[str, Package], name: str) -> int:
    """A package's version in that form; 0 when it is not installed."""
    package = installed.get(name)
    parts = [int(part) for part in package.version.split(".") if part.isdecimal()] if package else []
    major, minor, release = (*parts[:3], 0, 0, 0)[:3]
    return major * 1_000_000 + minor * 1_000 + release


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
