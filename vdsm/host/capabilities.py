"""Host.getCapabilities: what this host is and can do, complete in the forms that managers' parsers insist on.

Keys and forms: oVirt VDSM 4.50. A fact that cannot be had costs its own key or shows its harmless value,
never the answer. Feature flags say what this agent really does: those of storage are false until it does storage.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from vdsm.adapters.iproute import IpRoute, Link, Route
from vdsm.adapters.packages import Packages
from vdsm.adapters.sysfs import Cpu, CpuPlace, Memory, Network, NumaNode, Platform
from vdsm.host import network, software
from vdsm.host.hardware import Hardware
from vdsm.host.hypervisor import HypervisorFacts, HypervisorInformation
from vdsm.host.kernel_reads import KernelReads
from vdsm.host.network import Visibility
from vdsm.host.tolerance import Tolerance

HYPERVISOR_DEADLINE = 5.0
"""How long an answer waits for a libvirt that has not told its capabilities yet, in seconds."""

_ABSENT_FEATURES = MappingProxyType(
    dict.fromkeys(
        (
            "backupEnabled", "coldBackupEnabled", "clearBitmapsEnabled", "cd_change_pdiv", "refresh_disk_supported",
            "replicate_extend", "measure_subchain", "measure_active", "mailbox_events", "zerocopy_migrations",
            "qemu_image_info_bitmaps", "deferred_preallocation", "hostedEngineDeployed", "ovnConfigured",
            "vncEncrypted",
        ),
        False,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CapabilitySettings:
    """Of the configuration: MiB that a host keeps back, and which links are shown."""

    host_mem_reserve: int
    extra_mem_reserve: int
    guest_ram_overhead: int
    visibility: Visibility


class Capabilities:
    """Gathers the answer anew for each call; libvirt's part and the packages are kept."""

    def __init__(
        self,
        *,
        cpu: Cpu,
        memory: Memory,
        kernel_network: Network,
        platform: Platform,
        iproute: IpRoute,
        packages: Packages,
        hypervisor: HypervisorInformation,
        hardware: Hardware,
        reads: KernelReads,
        settings: CapabilitySettings,
    ) -> None:
        self._cpu = cpu
        self._memory = memory
        self._kernel_network = kernel_network
        self._platform = platform
        self._iproute = iproute
        self._packages = packages
        self._hypervisor = hypervisor
        self._hardware = hardware
        self._reads = reads
        self._settings = settings
        self._tolerant = Tolerance()

    async def report(self, local_address: str = "") -> dict[str, Any]:
        """All keys. `local_address` is our address on the caller's connection, for `lastClientIface`.

        Raises: BackendTimeout when the kernel hangs; every other source is tolerated.
        """
        fetch = self._tolerant.fetch
        facts, links, routes4, routes6, installed, host_id = await asyncio.gather(
            fetch("hypervisor", self._hypervisor.facts(HYPERVISOR_DEADLINE), HypervisorFacts()),
            fetch("network links", self._iproute.links(), ()),
            fetch("IPv4 routes", self._iproute.routes(4), ()),
            fetch("IPv6 routes", self._iproute.routes(6), ()),
            fetch("packages2", self._packages.versions(), {}),
            fetch("uuid", self._hardware.host_id(), ""),
        )
        reading = partial(self._from_kernel, facts, links, routes4, routes6)
        answer, kernel_release = await self._reads.run("tell what this host is and can do", reading)
        return {
            **answer,
            **self._fixed(),
            **_hypervisor_report(facts),
            "clusterLevels": software.cluster_levels(
                facts.libvirt_version or software.version_number(installed, "libvirt"),
                facts.qemu_version or software.version_number(installed, "qemu-kvm"),
            ),
            "packages2": software.packages_report(installed, kernel_release),
            "uuid": host_id,
            "lastClientIface": network.interface_of(local_address, links),
        }

    def _from_kernel(
        self, facts: HypervisorFacts, links: tuple[Link, ...], routes4: tuple[Route, ...], routes6: tuple[Route, ...]
    ) -> tuple[dict[str, Any], str]:
        """The part that blocks: many keys, and the kernel's release."""
        report = {
            **self._cpu_report(facts),
            **self._memory_report(),
            **self._platform_report(),
            **network.report(links, routes4, routes6, self._kernel_network, self._settings.visibility),
        }
        return report, self._tolerant.read("kernel release", self._platform.kernel_release, "")

    def _fixed(self) -> dict[str, Any]:
        reserved = self._settings.host_mem_reserve + self._settings.extra_mem_reserve
        return {
            "supportedENGINEs": list(software.SUPPORTED_ENGINES),
            "version_name": software.VERSION_NAME,
            "software_version": software.SOFTWARE_VERSION,
            "software_revision": software.SOFTWARE_REVISION,
            "vmTypes": ["kvm"],
            "reservedMem": str(reserved),
            "guestOverhead": str(self._settings.guest_ram_overhead),
            "hooks": {},
            "additionalFeatures": [],
            "liveSnapshot": "false",
            "liveMerge": "false",
            "domain_versions": [],
            "supported_block_size": {},
            **_ABSENT_FEATURES,
        }

    def _cpu_report(self, facts: HypervisorFacts) -> dict[str, Any]:
        read = self._tolerant.read
        no_places: tuple[CpuPlace, ...] = ()
        places = read("cpuTopology", self._cpu.topology, no_places)
        no_info: dict[str, str] = {}
        info = read("cpu information", self._cpu.info, no_info)
        online = [place.cpu_id for place in places]
        flags = {*info.get("flags", "").split(), *facts.cpu_flags}
        return {
            "cpuTopology": [_place_report(place) for place in places],
            "cpuSockets": str(len({place.socket_id for place in places})),
            "cpuCores": str(len({(place.socket_id, place.die_id, place.core_id) for place in places})),
            "cpuThreads": str(len(places)),
            "onlineCpus": ",".join(map(str, online)),
            "cpuSpeed": f"{read('cpuSpeed', self._cpu.speed_mhz, 0.0):.3f}",
            "cpuModel": info.get("model name", ""),
            "cpuFlags": ",".join(sorted(flags)),
            "vdsmToCpusAffinity": _own_cpus(online),
            "kernelFeatures": {name.upper(): text for name, text in self._cpu.vulnerabilities().items()},
        }

    def _memory_report(self) -> dict[str, Any]:
        read = self._tolerant.read
        no_info: dict[str, int] = {}
        no_nodes: tuple[NumaNode, ...] = ()
        no_pages: dict[int, tuple[int, int]] = {}
        total_kib = read("memSize", self._memory.info, no_info).get("MemTotal", 0)
        nodes = read("numaNodes", self._memory.nodes, no_nodes) or self._single_node(total_kib)
        return {
            "memSize": str(total_kib // 1024),
            "numaNodes": {str(node.node_id): _node_report(node) for node in nodes},
            "numaNodeDistance": {str(node.node_id): list(node.distances) for node in nodes},
            "autoNumaBalancing": self._platform.numa_balancing(),
            "hugepages": list(read("hugepages", self._memory.huge_pages, no_pages)),
        }

    def _single_node(self, total_kib: int) -> tuple[NumaNode, ...]:
        """A kernel without NUMA is one node: managers dereference it."""
        nothing: tuple[int, ...] = ()
        cpus = self._tolerant.read("onlineCpus", self._cpu.online, nothing)
        return (NumaNode(0, cpus, total_kib, 0, (10,), {}),)

    def _platform_report(self) -> dict[str, Any]:
        read = self._tolerant.read
        platform = self._platform
        initiator = platform.iscsi_initiator()
        return {
            "operatingSystem": software.operating_system_report(
                read("operatingSystem", platform.operating_system, None)
            ),
            "kernelArgs": read("kernelArgs", platform.command_line, ""),
            "boot_uuid": read("boot_uuid", platform.boot_id, ""),
            "selinux": {"mode": str(platform.selinux_mode())},
            "kdumpStatus": platform.kdump_status(),
            "fipsEnabled": platform.is_fips(),
            "realtimeKernel": platform.is_realtime(),
            "nestedVirtualization": platform.has_nested_virtualization(),
            "hostdevPassthrough": "true" if platform.has_iommu() else "false",
            "rngSources": ["random", "hwrng"] if platform.has_hardware_rng() else ["random"],
            "ISCSIInitiatorName": initiator,
            "HBAInventory": {
                "iSCSI": [{"InitiatorName": initiator}] if initiator else [],
                "FC": [{"wwpn": port, "wwnn": node, "model": model} for port, node, model in platform.fc_hosts()],
            },
        }


def _hypervisor_report(facts: HypervisorFacts) -> Mapping[str, Any]:
    return {
        "kvmEnabled": "true" if facts.kvm else "false",
        "emulatedMachines": list(facts.emulated_machines),
        "tscFrequency": facts.tsc_frequency,
        "tscScaling": facts.tsc_scaling,
    }


def _place_report(place: CpuPlace) -> dict[str, int]:
    return {
        "cpu_id": place.cpu_id,
        "numa_cell_id": place.numa_cell_id,
        "socket_id": place.socket_id,
        "die_id": place.die_id,
        "core_id": place.core_id,
    }


def _node_report(node: NumaNode) -> dict[str, Any]:
    pools = node.huge_pages.items()
    return {
        "cpus": list(node.cpus),
        "totalMemory": str(node.total_kib // 1024),
        "hugepages": {str(size): {"totalPages": str(pages)} for size, (pages, _free) in pools},
    }


def _own_cpus(online: list[int]) -> list[int]:
    """CPUs that the agent is pinned to, which managers keep free of pinned VMs; none when it may run on any."""
    allowed = sorted(os.sched_getaffinity(0))
    return [] if set(allowed) >= set(online) else allowed
