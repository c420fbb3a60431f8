"""Links from a recorded tree, and garbage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.sysfs import LinkCounters, Network, Tree
from vdsm.adapters.sysfs.network import parse_net_dev
from vdsm.common.errors import BackendError


def test_counters_are_not_swapped(tree: Tree) -> None:
    assert Network(tree).counters()["eth0"] == LinkCounters(
        rx_bytes=1000, tx_bytes=2000, rx_errors=1, tx_errors=3, rx_dropped=2, tx_dropped=4
    )


def test_state_and_speed(root: Path, tree: Tree) -> None:
    network = Network(tree)
    assert (network.is_up("eth0"), network.is_up("lo"), network.is_up("absent")) == (True, True, False)
    assert (network.speed("eth0"), network.speed("bond0"), network.speed("absent")) == (10000, 0, 0)
    (root / "sys/class/net/eth0/operstate").write_text("down\n")
    assert not network.is_up("eth0")
    assert (network.is_tap("vnet0"), network.is_tap("eth0")) == (True, False)


def test_bridges(tree: Tree) -> None:
    network = Network(tree)
    assert network.bridge_ports("br0") == ("eth0",)
    assert network.bridge_options("br0") == {"forward_delay": "200", "stp_state": "1"}
    assert (network.has_stp("br0"), network.has_stp("absent")) == (True, False)


def test_bonds(tree: Tree) -> None:
    network = Network(tree)
    assert network.bond_slaves("bond0") == ("eth1", "eth2")
    assert network.bond_options("bond0") == {"mode": "1", "miimon": "100"}
    assert network.active_slave("bond0") == "eth1"


def test_ip_settings(tree: Tree, tmp_path: Path) -> None:
    network = Network(tree)
    assert network.nameservers() == ("192.0.2.53", "::1")
    assert network.supports_ipv6()
    assert (network.ipv6_autoconf("eth0"), network.ipv6_autoconf("br0")) == (True, False)
    assert Network(Tree(tmp_path / "none")).nameservers() == ()


def test_the_real_kernel_lists_lo() -> None:
    assert "lo" in Network(Tree()).counters()


@pytest.mark.parametrize("line", ["eth0: 1 2 3", "eth0 1 2 3", "eth0: " + "x " * 16])
def test_an_unknown_form_is_refused(line: str) -> None:
    with pytest.raises(BackendError):
        parse_net_dev(f"head\nhead\n{line}\n")


@given(st.text("eth0: 123\nx", max_size=120))
def test_garbage_gives_counters_or_a_clean_error(text: str) -> None:
    try:
        found = parse_net_dev(text)
    except BackendError:
        found = {}
    assert all(isinstance(counters.rx_bytes, int) for counters in found.values())
