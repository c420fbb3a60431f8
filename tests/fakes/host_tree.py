"""A small host in files: what `vdsm.adapters.sysfs` reads of a machine with two sockets and two NUMA nodes."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

_STAT = """\
cpu  400 0 200 1400 0 0 0 0 0 0
cpu0 300 0 100 600 0 0 0 0 0 0
cpu1 100 0 100 800 0 0 0 0 0 0
intr 1 2 3
btime 1700000000
"""
_NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes  packets errs drop fifo colls carrier compressed
    lo: 10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0
  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
 vnet0: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0
"""
_NODE_MEMINFO = "Node {0} MemTotal:  2097152 kB\nNode {0} MemFree:  1048576 kB\nNode {0} HugePages_Total:  0\n"

FILES = MappingProxyType(
    {
        "proc/stat": _STAT,
        "proc/self/stat": "77 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 20 10 0 0 20 0 1 0 5 0 0\n",
        "proc/loadavg": "0.08 0.03 0.01 1/100 77\n",
        "proc/meminfo": (
            "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nBuffers: 102400 kB\nCached: 921600 kB\n"
            "SReclaimable: 0 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\nAnonHugePages: 20480 kB\n"
        ),
        "proc/cpuinfo": (
            "processor\t: 0\nmodel name\t: Test CPU @ 2.00GHz\ncpu MHz\t\t: 2000.500\nflags\t\t: fpu vme svm\n\n"
            "processor\t: 1\nmodel name\t: Other\n"
        ),
        "proc/cmdline": "quiet intel_iommu=on\n",
        "proc/net/dev": _NET_DEV,
        "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
        "proc/sys/kernel/random/boot_id": "11111111-2222-3333-4444-555555555555\n",
        "proc/sys/kernel/numa_balancing": "1\n",
        "proc/sys/net/ipv6/conf/all/disable_ipv6": "0\n",
        "proc/sys/net/ipv6/conf/eth0/autoconf": "1\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nNAME=\'Debian\'\n',
        "etc/resolv.conf": "# none\nsearch example\nnameserver 192.0.2.53\nnameserver ::1\n",
        "etc/iscsi/initiatorname.iscsi": "# one\nInitiatorName=iqn.1994-05.org.example:host\n",
        "dev/hwrng": "",
        "sys/class/misc/hw_random/rng_current": "tpm-rng-0\n",
        "sys/class/fc_host/host3/port_name": "0x100000\n",
        "sys/class/fc_host/host3/node_name": "0x200000\n",
        "sys/class/fc_host/host3/symbolic_name": "QLE\n",
        "sys/class/dmi/id/sys_vendor": "ACME\n",
        "sys/class/dmi/id/product_name": "Box\n",
        "sys/kernel/iommu_groups/0/type": "DMA\n",
        "sys/kernel/kexec_crash_loaded": "1\n",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "8\n",
        "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "3\n",
        "sys/kernel/mm/ksm/run": "1\n",
        "sys/kernel/mm/ksm/pages_to_scan": "100\n",
        "sys/kernel/mm/ksm/pages_sharing": "512\n",
        "sys/kernel/mm/ksm/merge_across_nodes": "0\n",
        "sys/module/kvm_amd/parameters/nested": "1\n",
        "sys/devices/system/cpu/online": "0-1\n",
        "sys/devices/system/cpu/vulnerabilities/meltdown": "Not affected\n",
        "sys/devices/system/node/online": "0-1\n",
        **{
            f"sys/devices/system/{path}": content
            for number in (0, 1)
            for path, content in (
                (f"cpu/cpu{number}/topology/physical_package_id", f"{number}\n"),
                (f"cpu/cpu{number}/topology/core_id", "0\n"),
                (f"node/node{number}/cpulist", f"{number}\n"),
                (f"node/node{number}/distance", "10 20\n" if number == 0 else "20 10\n"),
                (f"node/node{number}/meminfo", _NODE_MEMINFO.format(number)),
                (f"node/node{number}/hugepages/hugepages-2048kB/nr_hugepages", "4\n"),
                (f"node/node{number}/hugepages/hugepages-2048kB/free_hugepages", "1\n"),
            )
        },
        "sys/class/net/eth0/operstate": "up\n",
        "sys/class/net/eth0/flags": "0x1003\n",
        "sys/class/net/eth0/speed": "10000\n",
        "sys/class/net/lo/operstate": "unknown\n",
        "sys/class/net/lo/flags": "0x9\n",
        "sys/class/net/vnet0/tun_flags": "0x1002\n",
        "sys/class/net/br0/bridge/stp_state": "1\n",
        "sys/class/net/br0/bridge/forward_delay": "200\n",
        "sys/class/net/br0/brif/eth0/state": "3\n",
        "sys/class/net/bond0/bonding/slaves": "eth2 eth1\n",
        "sys/class/net/bond0/bonding/mode": "active-backup 1\n",
        "sys/class/net/bond0/bonding/miimon": "100\n",
        "sys/class/net/bond0/bonding/active_slave": "eth1\n",
        "sys/class/net/bond0/bonding/ad_select": "stable 0\n",
        "sys/class/net/bond0/speed": "-1\n",
    }
)


def build(root: Path) -> Path:
    """Write the files below `root`; returns it."""
    for path, content in FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root
