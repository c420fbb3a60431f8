"""Stand-ins for what the host services are given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tests.unit.host.libvirt_documents import CAPABILITIES, DOMAIN_CAPABILITIES
from vdsm.common.errors import CommandError, LibvirtGone
from vdsm.common.process import Result

LINKS = [
    {
        "ifname": "eth0", "link_type": "ether", "address": "52:54:00:00:00:01", "mtu": 1500, "flags": ["UP"],
        "master": "br0",
    },
    {
        "ifname": "br0", "link_type": "ether", "address": "52:54:00:00:00:01", "mtu": 1500, "flags": ["UP"],
        "linkinfo": {"info_kind": "bridge"},
        "addr_info": [
            {"family": "inet", "local": "192.0.2.5", "prefixlen": 24, "scope": "global", "dynamic": True},
            {"family": "inet6", "local": "fd00::5", "prefixlen": 64, "scope": "global"},
            {"family": "inet6", "local": "fe80::5", "prefixlen": 64, "scope": "link"},
        ],
    },
    {"ifname": "bond0", "link_type": "ether", "address": "52:54:00:00:00:02", "mtu": 9000,
     "linkinfo": {"info_kind": "bond"}},
    {"ifname": "bond0.7", "link": "bond0", "link_type": "ether", "mtu": 9000,
     "linkinfo": {"info_kind": "vlan", "info_data": {"id": 7}}},
    {"ifname": "lo", "link_type": "loopback", "mtu": 65536},
    {"ifname": "wlan0", "link_type": "ether", "mtu": 1500},
    {"ifname": "dummy_1", "link_type": "ether", "mtu": 1500, "linkinfo": {"info_kind": "dummy"}},
    {"ifname": "dummy2", "link_type": "ether", "mtu": 1500, "linkinfo": {"info_kind": "dummy"}},
    {"ifname": ";vdsmdummy;", "link_type": "ether", "mtu": 1500, "linkinfo": {"info_kind": "bridge"}},
    {"ifname": "vnet0", "link_type": "ether", "mtu": 1500, "linkinfo": {"info_kind": "tun"}},
]  # fmt: skip
ROUTES4 = [
    {"dst": "default", "gateway": "192.0.2.254", "dev": "br0", "metric": 200},
    {"dst": "default", "gateway": "192.0.2.1", "dev": "br0"},
    {"dst": "192.0.2.0/24", "dev": "br0"},
]
ROUTES6 = [{"dst": "default", "gateway": "fd00::1", "dev": "br0", "metric": 1024}]


class FakeCommands:
    """Answers `ip` and `dpkg-query`; with `broken` nothing is installed."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken

    async def __call__(self, argv: Sequence[str], deadline: float, *, allowed: Sequence[int] = (0,)) -> Result:
        if self.broken:
            raise CommandError(command=argv[0], exit_code=127, stderr="not installed")
        if argv[0] == "dpkg-query":
            return Result(0, b"ii \tlibvirt0\t9.0.0-4+deb12u2\nii \tqemu-system-x86\t1:7.2+dfsg-7\n", b"")
        answer = LINKS if "addr" in argv else ROUTES4 if "-4" in argv else ROUTES6
        return Result(0, json.dumps(answer).encode(), b"")


@dataclass(frozen=True)
class FakeVersions:
    """libvirt 9.0.0 and QEMU 7.2.22."""

    libvirt: int = 9_000_000
    qemu: int = 7_002_022


class FakeHypervisorView:
    """Answers with recorded documents, when `answer` is set, and counts; `gone` makes it unreachable."""

    def __init__(self) -> None:
        self.asked = 0
        self.gone = False
        self.answer = asyncio.Event()
        self.answer.set()
        self.capabilities = CAPABILITIES

    async def capabilities_xml(self, *, deadline: float) -> str:
        self.asked += 1
        await self.answer.wait()
        if self.gone:
            raise LibvirtGone(operation="read the capabilities")
        return self.capabilities

    async def domain_capabilities_xml(self, *, arch: str, deadline: float) -> str:
        return DOMAIN_CAPABILITIES

    async def versions(self, *, deadline: float) -> FakeVersions:
        return FakeVersions()
