"""The host's networking as capabilities show it (oVirt VDSM 4.50): what the kernel has, read only.

Reported are visible links: hardware NICs that match no `hidden_nics`, dummy and veth ones that match `fake_nics`,
bonds and VLANs that are not hidden, all bridges. MTUs are text on this wire, in every place.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from vdsm.adapters.iproute import Address, Link, Route
from vdsm.adapters.sysfs import Network

_DUMMY_BRIDGE = ";vdsmdummy;"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Patterns of `vars:fake_nics`, `hidden_nics`, `hidden_bonds`, `hidden_vlans`."""

    fake_nics: tuple[str, ...] = ()
    hidden_nics: tuple[str, ...] = ()
    hidden_bonds: tuple[str, ...] = ()
    hidden_vlans: tuple[str, ...] = ()

    def shows_nic(self, name: str, kind: str) -> bool:
        """`kind` as in `iproute.Link`."""
        if kind == "nic":
            return not _matches(name, self.hidden_nics)
        return kind in {"dummy", "veth"} and _matches(name, self.fake_nics)


def report(
    links: tuple[Link, ...], routes4: tuple[Route, ...], routes6: tuple[Route, ...], kernel: Network, seen: Visibility
) -> dict[str, Any]:
    """The keys networks, bridges, nics, vlans, bondings, nameservers, supportsIPv6, netConfigDirty.

    `networks` is empty: a network is what the agent itself has set up, and it sets up none yet.
    Reads /sys through `kernel`, so it blocks.
    """
    gateways4 = _gateways(routes4)
    gateways6 = _gateways(routes6)
    answer: dict[str, Any] = {"networks": {}, "bridges": {}, "nics": {}, "vlans": {}, "bondings": {}}
    for link in links:
        common = _ip_report(link, gateways4.get(link.name, ""), gateways6.get(link.name, ""), kernel)
        if link.kind == "bridge" and link.name != _DUMMY_BRIDGE:
            answer["bridges"][link.name] = {**common, **_bridge_report(link, kernel)}
        elif link.kind == "bond" and not _matches(link.name, seen.hidden_bonds):
            answer["bondings"][link.name] = {**common, **_bond_report(link, kernel)}
        elif link.kind == "vlan" and link.vlan_of and not _matches(link.name, seen.hidden_vlans):
            answer["vlans"][link.name] = {**common, "iface": link.vlan_of, "vlanid": link.vlan_id}
        elif seen.shows_nic(link.name, link.kind):
            answer["nics"][link.name] = {**common, **_nic_report(link, kernel)}
    answer["nameservers"] = list(kernel.nameservers())
    answer["supportsIPv6"] = kernel.supports_ipv6()
    answer["netConfigDirty"] = "False"
    return answer


def interface_of(local_address: str, links: tuple[Link, ...]) -> str:
    """The link that has an address of ours (IPv4 also in its IPv6-mapped form); empty when none has."""
    wanted = _plain(local_address)
    for link in links:
        if wanted and any(_plain(address.local) == wanted for address in link.addresses):
            return link.name
    return ""


def _ip_report(link: Link, gateway4: str, gateway6: str, kernel: Network) -> dict[str, Any]:
    ipv4 = [address for address in link.addresses if address.family == "inet"]
    ipv6 = [address for address in link.addresses if address.family == "inet6" and address.scope != "link"]
    autoconf = kernel.ipv6_autoconf(link.name)
    return {
        "addr": ipv4[0].local if ipv4 else "",
        "netmask": _netmask(ipv4[0]) if ipv4 else "",
        "ipv4addrs": [f"{address.local}/{address.prefixlen}" for address in ipv4],
        "ipv6addrs": [f"{address.local}/{address.prefixlen}" for address in ipv6],
        "gateway": gateway4,
        "ipv6gateway": gateway6 or "::",
        "ipv4defaultroute": bool(gateway4),
        "dhcpv4": any(address.dynamic for address in ipv4),
        # A leased address is a single one (/128); what router advertisements give is a whole prefix.
        "dhcpv6": any(address.dynamic and address.prefixlen == 128 for address in ipv6),
        "ipv6autoconf": autoconf,
        "mtu": str(link.mtu),
    }


def _nic_report(link: Link, kernel: Network) -> dict[str, Any]:
    found: dict[str, Any] = {"hwaddr": link.mac, "speed": kernel.speed(link.name)}
    if link.permanent_mac:
        found["permhwaddr"] = link.permanent_mac
    return found


def _bridge_report(link: Link, kernel: Network) -> dict[str, Any]:
    return {
        "ports": list(kernel.bridge_ports(link.name)),
        "stp": "on" if kernel.has_stp(link.name) else "off",
        "opts": kernel.bridge_options(link.name),
        "switch": "legacy",
    }


def _bond_report(link: Link, kernel: Network) -> dict[str, Any]:
    return {
        "hwaddr": link.mac,
        "slaves": list(kernel.bond_slaves(link.name)),
        "active_slave": kernel.active_slave(link.name),
        "opts": kernel.bond_options(link.name),
        "speed": kernel.speed(link.name),
        "switch": "legacy",
    }


def _gateways(routes: tuple[Route, ...]) -> dict[str, str]:
    """Gateway of the best default route of each link."""
    best = sorted(
        (route for route in routes if route.dst == "default" and route.gateway), key=lambda route: route.metric
    )
    return {route.dev: route.gateway for route in reversed(best)}


def _netmask(address: Address) -> str:
    try:
        return str(ipaddress.ip_network((0, address.prefixlen)).netmask)
    except ValueError:
        return ""


def _plain(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
