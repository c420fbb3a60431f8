"""Versions of installed packages, whichever manager the host has: asked once by name, kept for an hour.

The wire knows packages by oVirt's names; which distribution package stands for one is a table here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from vdsm.common.errors import CommandError
from vdsm.common.process import Result

_DEADLINE = 15.0
_FRESH = 3600.0
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")

DEBIAN_NAMES = MappingProxyType(
    {
        "libvirt": "libvirt0",
        "qemu-kvm": "qemu-system-x86",
        "qemu-img": "qemu-utils",
        "spice-server": "libspice-server1",
        "librbd1": "librbd1",
        "glusterfs-cli": "glusterfs-client",
        "mom": "mom",
        "openvswitch": "openvswitch-switch",
        "nmstate": "nmstate",
        "ovirt-hosted-engine-ha": "ovirt-hosted-engine-ha",
        "ovirt-imageio": "ovirt-imageio-daemon",
        "sanlock": "sanlock",
        "lvm2": "lvm2",
    }
)
RPM_NAMES = MappingProxyType(
    {
        "libvirt": "libvirt-daemon",
        "qemu-kvm": "qemu-kvm",
        "qemu-img": "qemu-img",
        "spice-server": "spice-server",
        "librbd1": "librbd1",
        "glusterfs-cli": "glusterfs-cli",
        "mom": "mom",
        "openvswitch": "openvswitch",
        "nmstate": "nmstate",
        "ovirt-hosted-engine-ha": "ovirt-hosted-engine-ha",
        "ovirt-imageio": "ovirt-imageio-daemon",
        "sanlock": "sanlock",
        "lvm2": "lvm2",
    }
)


class Run(Protocol):
    """`vdsm.common.process.run`, or a recording."""

    def __call__(self, argv: Sequence[str], deadline: float, *, allowed: Sequence[int]) -> Awaitable[Result]:
        """See `vdsm.common.process.run`."""
        ...


@dataclass(frozen=True, slots=True)
class Package:
    """An installed version: `version` is digits and dots, `release` the rest."""

    version: str
    release: str


class Packages:
    """Asks dpkg, then rpm; the one that is there answers."""

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._known: dict[str, Package] = {}
        self._asked_at = float("-inf")

    async def versions(self) -> dict[str, Package]:
        """Installed packages by oVirt's names; what is not installed is not in it.

        Raises: BackendError when neither package manager answers.
        """
        if self._clock() - self._asked_at >= _FRESH:
            self._known = await self._ask()
            self._asked_at = self._clock()
        return dict(self._known)

    async def _ask(self) -> dict[str, Package]:
        # Both tools exit with 1 when one of the names is not installed, and still tell the others.
        query = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\n"
        try:
            result = await self._run(
                ["dpkg-query", "-W", f"-f={query}", *DEBIAN_NAMES.values()], _DEADLINE, allowed=(0, 1)
            )
        except CommandError:
            result = await self._run(
                ["rpm", "-q", "--queryformat", "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\n", *RPM_NAMES.values()],
                _DEADLINE,
                allowed=range(100),
            )
            return parse_rpm(result.stdout)
        return parse_dpkg(result.stdout)


def parse_dpkg(content: bytes) -> dict[str, Package]:
    """Lines `status<TAB>package<TAB>version`; only installed ones count."""
    found = {}
    for line in content.decode(errors="replace").splitlines():
        status, name, version = (*line.split("\t"), "", "")[:3]
        if status.startswith("ii") and version:
            found[name] = split_debian_version(version)
    return {wire: found[name] for wire, name in DEBIAN_NAMES.items() if name in found}


def parse_rpm(content: bytes) -> dict[str, Package]:
    """Lines `name<TAB>version<TAB>release`; rpm's words about the missing ones have another form."""
    found = {}
    for line in content.decode(errors="replace").splitlines():
        name, version, release = (*line.split("\t"), "", "")[:3]
        if release:
            found[name] = Package(version, release)
    return {wire: found[name] for wire, name in RPM_NAMES.items() if name in found}


def split_debian_version(text: str) -> Package:
    """`1:7.2+dfsg-7+deb12u18` is version 7.2, release 7+deb12u18: managers compare digits and dots."""
    version, _dash, revision = text.rpartition(":")[2].rpartition("-")
    numbers = _NUMBERS.match(version or revision)
    return Package(numbers.group() if numbers else "0", revision if version else "0")
