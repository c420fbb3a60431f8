"""Networking as capabilities show it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import host_tree
from tests.unit.host.fakes import LINKS, ROUTES4, ROUTES6
from vdsm.adapters.iproute import parse_links, parse_routes
from vdsm.adapters.sysfs import Network, Tree
from vdsm.host.network import Visibility, interface_of, report

SEEN = Visibility(fake_nics=("dummy_*", "veth_*"), hidden_nics=("w*", "usb*"))
PARSED = parse_links(json.dumps(LINKS).encode())


def make(root: Path, seen: Visibility = SEEN) -> dict[str, Any]:
    routes4, routes6 = (parse_routes(json.dumps(routes).encode()) for routes in (ROUTES4, ROUTES6))
    return report(PARSED, routes4, routes6, Network(Tree(host_tree.build(root))), seen)


def test_only_visible_links_are_shown(tmp_path: Path) -> None:
    answer = make(tmp_path)
    assert {key: sorted(answer[key]) for key in ("nics", "bridges", "bondings", "vlans", "networks")} == {
        "nics": ["dummy_1", "eth0"], "bridges": ["br0"], "bondings": ["bond0"], "vlans": ["bond0.7"], "networks": [],
    }  # fmt: skip


def test_hidden_bonds_and_vlans(tmp_path: Path) -> None:
    answer = make(tmp_path, Visibility(hidden_bonds=("bond*",), hidden_vlans=("*.7",), hidden_nics=("*",)))
    assert (answer["bondings"], answer["vlans"], answer["nics"]) == ({}, {}, {})


def test_a_bridge_with_addresses(tmp_path: Path) -> None:
    assert make(tmp_path)["bridges"]["br0"] == {
        "addr": "192.0.2.5", "netmask": "255.255.255.0", "ipv4addrs": ["192.0.2.5/24"], "ipv6addrs": ["fd00::5/64"],
        "gateway": "192.0.2.1", "ipv6gateway": "fd00::1", "ipv4defaultroute": True, "dhcpv4": True, "dhcpv6": False,
        "ipv6autoconf": False, "mtu": "1500", "ports": ["eth0"], "stp": "on", "switch": "legacy",
        "opts": {"forward_delay": "200", "stp_state": "1"},
    }  # fmt: skip


def test_a_bond_its_vlan_and_a_nic(tmp_path: Path) -> None:
    answer = make(tmp_path)
    bond = answer["bondings"]["bond0"]
    assert (bond["slaves"], bond["active_slave"], bond["speed"]) == (["eth1", "eth2"], "eth1", 0)
    assert bond["opts"] == {"mode": "1", "miimon": "100"}
    vlan = answer["vlans"]["bond0.7"]
    assert (vlan["iface"], vlan["vlanid"], vlan["mtu"]) == ("bond0", 7, "9000")
    nic = answer["nics"]["eth0"]
    assert (nic["hwaddr"], nic["speed"], nic["addr"], nic["ipv6gateway"]) == ("52:54:00:00:00:01", 10000, "", "::")
    assert "permhwaddr" not in nic


def test_host_settings(tmp_path: Path) -> None:
    answer = make(tmp_path)
    assert answer["nameservers"] == ["192.0.2.53", "::1"]
    assert (answer["supportsIPv6"], answer["netConfigDirty"]) == (True, "False")


@pytest.mark.parametrize(
    ("address", "name"),
    [("192.0.2.5", "br0"), ("::ffff:192.0.2.5", "br0"), ("fd00:0::5", "br0"), ("fe80::5%br0", "br0"),
     ("192.0.2.9", ""), ("", ""), ("uid=36,pid=1", "")],
)  # fmt: skip
def test_the_callers_interface(address: str, name: str) -> None:
    assert interface_of(address, PARSED) == name
