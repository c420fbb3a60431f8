"""Links, addresses and routes, read from netlink through `ip -j`: needs no privilege and changes nothing.

Called by `vdsm.host`; the adapter that changes networks is another one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from vdsm.common.errors import BackendError
from vdsm.common.process import Result

Run = Callable[[Sequence[str], float], Awaitable[Result]]
"""`vdsm.common.process.run`, or a recording."""

_DEADLINE = 10.0


class Address(msgspec.Struct, frozen=True):
    """One address; `dynamic` ones have a lease or a lifetime."""

    family: str
    local: str = ""
    prefixlen: int = 0
    scope: str = ""
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """One link. kind: netlink's (`bridge`, `bond`, `vlan`, `dummy`, `veth`, `tun` ...), `nic` for hardware, `loopback`.

    up: administratively. master: the bridge or bond it belongs to. vlan_of: the link below a VLAN.
    """

    name: str
    kind: str
    mac: str
    permanent_mac: str
    mtu: int
    up: bool
    master: str
    vlan_id: int
    vlan_of: str
    addresses: tuple[Address, ...]


class Route(msgspec.Struct, frozen=True):
    """One route of the main table; `dst` is `default` for a default route."""

    dst: str = ""
    gateway: str = ""
    dev: str = ""
    metric: int = 0


class _LinkInfo(msgspec.Struct):
    info_kind: str = ""
    info_data: Any = None


class _RawLink(msgspec.Struct):
    ifname: str = ""
    link_type: str = ""
    address: str = ""
    permaddr: str = ""
    mtu: int = 0
    flags: list[str] = []
    master: str = ""
    link: str | None = None
    linkinfo: _LinkInfo | None = None
    addr_info: list[Address] = []


class IpRoute:
    """Asks `ip` for the present state; `run` starts it."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def links(self) -> tuple[Link, ...]:
        """All links with their addresses, by name. Raises: BackendError."""
        result = await self._run(["ip", "-j", "-d", "addr", "show"], _DEADLINE)
        return parse_links(result.stdout)

    async def routes(self, family: int) -> tuple[Route, ...]:
        """The main table of `family` 4 or 6. Raises: BackendError."""
        result = await self._run(["ip", "-j", f"-{family}", "route", "show", "table", "main"], _DEADLINE)
        return parse_routes(result.stdout)


def parse_links(content: bytes) -> tuple[Link, ...]:
    """The answer of `ip -j -d addr`. Raises: BackendError."""
    links = [_link(raw) for raw in _decode(content, list[_RawLink]) if raw.ifname]
    return tuple(sorted(links, key=lambda link: link.name))


def parse_routes(content: bytes) -> tuple[Route, ...]:
    """The answer of `ip -j route`. Raises: BackendError."""
    return tuple(_decode(content, list[Route]))


def _decode(content: bytes, kind: Any) -> Any:
    # Nothing to show may be an empty text instead of an empty list.
    try:
        return msgspec.json.decode(content.strip() or b"[]", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackendError(backend="ip", operation="answer", cause=str(error)) from error


def _link(raw: _RawLink) -> Link:
    info = raw.linkinfo or _LinkInfo()
    kind = info.info_kind or {"ether": "nic", "loopback": "loopback"}.get(raw.link_type, "other")
    vlan_id = 0
    if kind == "vlan" and isinstance(info.info_data, dict):
        number = info.info_data.get("id")
        vlan_id = number if isinstance(number, int) else 0
    return Link(
        name=raw.ifname,
        kind=kind,
        mac=raw.address,
        permanent_mac=raw.permaddr,
        mtu=raw.mtu,
        up="UP" in raw.flags,
        master=raw.master,
        vlan_id=vlan_id,
        vlan_of=(raw.link or "") if kind == "vlan" else "",
        addresses=tuple(raw.addr_info),
    )
