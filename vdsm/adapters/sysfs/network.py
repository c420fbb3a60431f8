"""Network links in /sys: what went through each, its speed and state, a bridge's and a bond's settings.

Kinds, addresses, VLANs and routes are not here: `vdsm.adapters.iproute` asks netlink for those.
"""

from __future__ import annotations

from dataclasses import dataclass

from vdsm.adapters.sysfs.tree import Tree

_LINKS = "sys/class/net"
_COUNTERS = ("rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped")


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """Since the link exists: bytes, errors and dropped packets in both directions."""

    rx_bytes: int
    tx_bytes: int
    rx_errors: int
    tx_errors: int
    rx_dropped: int
    tx_dropped: int


class Network:
    """Reads the links of one host."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def names(self) -> tuple[str, ...]:
        """All links."""
        return tuple(name for name in self._tree.names(_LINKS) if self._tree.exists(f"{_LINKS}/{name}/mtu"))

    def is_up(self, name: str) -> bool:
        """The link carries traffic (a carrier, or a kind that has none)."""
        state = self._tree.optional_text(f"{_LINKS}/{name}/operstate")
        flags = self._tree.optional_text(f"{_LINKS}/{name}/flags")
        return state == "up" or (state == "unknown" and _flag_up(flags))

    def speed(self, name: str) -> int:
        """Mb/s; 0 when it is down or has no speed: the kernel then says -1, an impossible number, or EINVAL."""
        speed = self._tree.optional_number(f"{_LINKS}/{name}/speed", 0)
        return speed if 0 < speed < 2**31 - 1 and speed not in {65535} else 0

    def counters(self, name: str) -> LinkCounters:
        """What went through one link. Raises: BackendError, also when it is gone."""
        return LinkCounters(*(self._tree.number(f"{_LINKS}/{name}/statistics/{key}") for key in _COUNTERS))

    def bridge_ports(self, name: str) -> tuple[str, ...]:
        """The links of a bridge."""
        return tuple(self._tree.names(f"{_LINKS}/{name}/brif"))

    def bond_slaves(self, name: str) -> tuple[str, ...]:
        """The links of a bond."""
        return tuple(sorted(self._tree.optional_text(f"{_LINKS}/{name}/bonding/slaves").split()))

    def bridge_options(self, name: str) -> dict[str, str]:
        """A bridge's settings that are single numbers, by upstream's names (those of /sys)."""
        folder = f"{_LINKS}/{name}/bridge"
        texts = {key: self._tree.optional_text(f"{folder}/{key}") for key in self._tree.names(folder)}
        return {key: text for key, text in texts.items() if text and len(text) < 64 and "\n" not in text}

    def has_stp(self, name: str) -> bool:
        """The bridge takes part in spanning tree."""
        return self._tree.optional_number(f"{_LINKS}/{name}/bridge/stp_state", 0) != 0

    def bond_options(self, name: str) -> dict[str, str]:
        """A bond's settings: the number where the kernel says name and number (`balance-rr 0` is `0`)."""
        folder = f"{_LINKS}/{name}/bonding"
        texts = {key: self._tree.optional_text(f"{folder}/{key}") for key in self._tree.names(folder)}
        skipped = {"slaves", "active_slave", "mii_status", "queue_id"}
        return {
            key: text.split()[-1]
            for key, text in texts.items()
            if text.split() and key not in skipped and not key.startswith("ad_")
        }

    def active_slave(self, name: str) -> str:
        """The link that carries a bond's traffic in active-backup mode, or empty."""
        return self._tree.optional_text(f"{_LINKS}/{name}/bonding/active_slave")

    def supports_ipv6(self) -> bool:
        """The kernel has IPv6 and it is not switched off."""
        path = "proc/sys/net/ipv6/conf/all/disable_ipv6"
        return self._tree.optional_text(path) == "0"

    def ipv6_autoconf(self, name: str) -> bool:
        """The link takes addresses from router advertisements."""
        return self._tree.optional_text(f"proc/sys/net/ipv6/conf/{name}/autoconf") == "1"

    def nameservers(self) -> tuple[str, ...]:
        """The servers of /etc/resolv.conf, in order."""
        words = (line.split() for line in self._tree.optional_text("etc/resolv.conf").splitlines())
        return tuple(parts[1] for parts in words if len(parts) >= 2 and parts[0] == "nameserver")


def _flag_up(flags: str) -> bool:
    try:
        return bool(int(flags, 16) & 1)
    except ValueError:
        return False
