"""Network links in /sys: what went through each, its speed and state, a bridge's and a bond's settings.

Kinds, addresses, VLANs and routes are not here: `vdsm.adapters.iproute` asks netlink for those.
"""

from __future__ import annotations

from dataclasses import dataclass

from vdsm.adapters.sysfs.tree import Tree, unusable

_LINKS = "sys/class/net"


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

    def counters(self) -> dict[str, LinkCounters]:
        """What went through each link, from one file for all of them. Raises: BackendError."""
        return parse_net_dev(self._tree.text("proc/net/dev"))

    def is_tap(self, name: str) -> bool:
        """The link is the host's end of a VM's interface (or another tun device)."""
        return self._tree.exists(f"{_LINKS}/{name}/tun_flags")

    def bridge_ports(self, name: str) -> tuple[str, ...]:
        """The links of a bridge."""
        return tuple(self._tree.names(f"{_LINKS}/{name}/brif"))

    def bond_slaves(self, name: str) -> tuple[str, ...]:
        """The links of a bond."""
        return tuple(sorted(self._tree.optional_text(f"{_LINKS}/{name}/bonding/slaves").split()))

    def bridge_options(self, name: str) -> dict[str, str]:
        """A bridge's settings that are single numbers, by oVirt's names (those of /sys)."""
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


def parse_net_dev(text: str) -> dict[str, LinkCounters]:
    """/proc/net/dev: 8 numbers received, then 8 sent, per link; bytes, packets, errors and dropped come first.

    Raises: BackendError.
    """
    found = {}
    for line in text.splitlines()[2:]:
        name, colon, rest = line.partition(":")
        try:
            numbers = [int(field) for field in rest.split()]
        except ValueError as error:
            raise unusable("proc/net/dev", f"{line[:60]!r} is not in the known form") from error
        if not colon or len(numbers) < 12:
            raise unusable("proc/net/dev", f"{line[:60]!r} is not in the known form")
        found[name.strip()] = LinkCounters(
            rx_bytes=numbers[0], tx_bytes=numbers[8], rx_errors=numbers[2], tx_errors=numbers[10],
            rx_dropped=numbers[3], tx_dropped=numbers[11],
        )  # fmt: skip
    return found
