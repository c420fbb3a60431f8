"""Answers of `ip -j`, recorded, real and garbage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.iproute import IpRoute, Route, parse_links, parse_routes
from vdsm.common import process
from vdsm.common.errors import BackendError

LINKS = [
    {
        "ifname": "eth0", "link_type": "ether", "address": "52:54:00:00:00:01", "permaddr": "52:54:00:00:00:02",
        "mtu": 9000, "flags": ["UP", "LOWER_UP"], "master": "br0",
        "addr_info": [
            {"family": "inet", "local": "192.0.2.5", "prefixlen": 24, "scope": "global", "dynamic": True, "label": "x"}
        ],
    },
    {
        "ifname": "eth0.7", "link": "eth0", "link_type": "ether", "address": "52:54:00:00:00:01", "mtu": 1500,
        "flags": [], "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 7}},
    },
    {"ifname": "lo", "link_type": "loopback", "mtu": 65536},
    {"ifname": "br0", "link_type": "ether", "linkinfo": {"info_kind": "bridge", "info_data": {"id": 9}}},
    {"ifname": "veth1", "link_type": "ether", "link": "eth0", "linkinfo": {"info_kind": "veth"}},
]  # fmt: skip


def test_links_are_told_apart() -> None:
    links = {link.name: link for link in parse_links(json.dumps(LINKS).encode())}
    assert {name: link.kind for name, link in links.items()} == {
        "br0": "bridge", "eth0": "nic", "eth0.7": "vlan", "lo": "loopback", "veth1": "veth",
    }  # fmt: skip
    assert (links["eth0"].master, links["eth0"].mtu, links["eth0"].up) == ("br0", 9000, True)
    assert links["eth0"].permanent_mac == "52:54:00:00:00:02"
    assert (links["eth0.7"].vlan_id, links["eth0.7"].vlan_of, links["eth0.7"].up) == (7, "eth0", False)
    assert (links["veth1"].vlan_of, links["br0"].vlan_id) == ("", 0)
    (address,) = links["eth0"].addresses
    assert (address.local, address.prefixlen, address.dynamic) == ("192.0.2.5", 24, True)


def test_routes() -> None:
    content = b'[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]},{"dst":"192.0.2.0/24","dev":"eth0"}]'
    assert parse_routes(content) == (Route("default", "192.0.2.1", "eth0"), Route("192.0.2.0/24", "", "eth0"))
    assert parse_routes(b"") == ()


async def test_this_host_has_a_loopback() -> None:
    iproute = IpRoute(process.run)
    lo = next(link for link in await iproute.links() if link.name == "lo")
    assert lo.kind == "loopback"
    assert any(address.local == "127.0.0.1" for address in lo.addresses)
    assert isinstance(await iproute.routes(4), tuple)
    assert isinstance(await iproute.routes(6), tuple)


@pytest.mark.parametrize("content", [b"{}", b"[1]", b"nonsense", b'[{"mtu": "big", "ifname": "a"}]', b"\xff"])
def test_another_form_is_refused(content: bytes) -> None:
    with pytest.raises(BackendError):
        parse_links(content)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["ifname", "linkinfo", "info_kind", "info_data", "link", "addr_info", "id"]), inner)))  # fmt: skip
def test_any_json_gives_links_or_a_clean_error(document: object) -> None:
    try:
        links = parse_links(json.dumps([document]).encode())
    except BackendError:
        links = ()
    assert all(link.name for link in links)
