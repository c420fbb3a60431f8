"""What the kernel tells in /proc and /sys: processors, memory, network links, the machine.

Everything here only reads, and blocks for as long as the kernel does, so services call it in a thread. What cannot
be read or understood is a BackendError. The root folder is a parameter: tests read a tree of their own.
"""

from __future__ import annotations

from vdsm.adapters.sysfs.cpu import Cpu, CpuPlace, CpuTimes
from vdsm.adapters.sysfs.memory import Ksm, Memory, NumaNode
from vdsm.adapters.sysfs.network import LinkCounters, Network
from vdsm.adapters.sysfs.platform import OperatingSystem, Platform
from vdsm.adapters.sysfs.tree import Tree

__all__ = [
    "Cpu",
    "CpuPlace",
    "CpuTimes",
    "Ksm",
    "LinkCounters",
    "Memory",
    "Network",
    "NumaNode",
    "OperatingSystem",
    "Platform",
    "Tree",
]
