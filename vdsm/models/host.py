"""Host: The host itself and what concerns all of its virtual machines.

Generated from api/schema/Host.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from vdsm.common.contract import Effect, Method, UnionTable
from vdsm.models.vm import NetworkInterfaceState, VmType
from vdsm.models.wire import UUID, OpenStruct, UInt

#: A level of the log; WARN and CRIT are short for WARNING and CRITICAL.
LoggingLevel = Literal["CRITICAL", "CRIT", "DEBUG", "ERROR", "INFO", "WARNING", "WARN"]

#: State of the memory overcommitment manager.
MOMStatus = Literal["active", "disabled", "inactive"]

#: Use of transparent huge pages.
THPStates = Literal["always", "madvise", "never"]

#: A family of operating systems.
OSName = Literal["Debian", "Fedora", "RHEL", "RHEV Hypervisor", "oVirt Node", "unknown"]

#: A source of randomness for guests; random is what managers also call urandom.
VmRngDeviceSource = Literal["hwrng", "random"]


class StatusReport(Struct, kw_only=True):
    """A status as old verbs return it."""

    #: Always 0.
    code: int
    #: Always Done.
    message: str


class KsmTuneParams(OpenStruct, frozen=True, kw_only=True):
    """Settings of kernel same-page merging."""

    #: 1 merges pages and 0 stops. Source: /sys/kernel/mm/ksm/run.
    run: int | None = None
    #: Pause between two scans. Unit: ms. Source: /sys/kernel/mm/ksm/sleep_millisecs.
    sleep_millisecs: int | None = None
    #: Pages per scan. Unit: pages. Source: /sys/kernel/mm/ksm/pages_to_scan.
    pages_to_scan: int | None = None
    #: Whether pages of different NUMA nodes are merged. Source: /sys/kernel/mm/ksm/merge_across_nodes.
    merge_across_nodes: int | None = None


class HardwareInformation(Struct, kw_only=True):
    """What the firmware says about the machine."""

    #: Who made it. Source: DMI type 1.
    system_manufacturer: str | UnsetType = field(default=UNSET, name="systemManufacturer")
    #: What it is. Source: DMI type 1.
    system_product_name: str | UnsetType = field(default=UNSET, name="systemProductName")
    #: Its version. Source: DMI type 1.
    system_version: str | UnsetType = field(default=UNSET, name="systemVersion")
    #: Its serial number. Source: DMI type 1.
    system_serial_number: str | UnsetType = field(default=UNSET, name="systemSerialNumber")
    #: Its UUID. Source: DMI type 1.
    system_uuid: str | UnsetType = field(default=UNSET, name="systemUUID")
    #: Its family. Source: DMI type 1.
    system_family: str | UnsetType = field(default=UNSET, name="systemFamily")


class HostStats(Struct, kw_only=True):
    """Statistics of the host. Rates are those of the last interval; before there are two samples they are
    absent.
    """

    #: Time of all CPUs outside the kernel, with two decimals. Unit: %. Source: /proc/stat.
    cpu_user: str | UnsetType = field(default=UNSET, name="cpuUser")
    #: Time of all CPUs inside the kernel, with two decimals. Unit: %. Source: /proc/stat.
    cpu_sys: str | UnsetType = field(default=UNSET, name="cpuSys")
    #: Time that all CPUs were idle, with two decimals. Unit: %. Source: /proc/stat.
    cpu_idle: str | UnsetType = field(default=UNSET, name="cpuIdle")
    #: Time of the agent itself outside the kernel, with two decimals. Unit: %. Source: /proc/self/stat.
    cpu_user_vdsmd: str | UnsetType = field(default=UNSET, name="cpuUserVdsmd")
    #: Time of the agent itself inside the kernel, with two decimals. Unit: %. Source: /proc/self/stat.
    cpu_sys_vdsmd: str | UnsetType = field(default=UNSET, name="cpuSysVdsmd")
    #: Load of the last minute, with two decimals. Source: /proc/loadavg.
    cpu_load: str = field(name="cpuLoad")
    #: Each CPU by number. Source: /proc/stat.
    cpu_statistics: dict[str, CpuCoreStats] | UnsetType = field(default=UNSET, name="cpuStatistics")
    #: Memory in use, a whole number. Unit: %. Source: /proc/meminfo.
    mem_used: str = field(name="memUsed")
    #: Free memory: free, cached, buffers and reclaimable. Unit: MiB. Source: /proc/meminfo.
    mem_free: int = field(name="memFree")
    #: Memory that same-page merging saves. Unit: MiB. Source: /sys/kernel/mm/ksm/pages_sharing.
    mem_shared: int = field(name="memShared")
    #: Size of swap. Unit: MiB. Source: /proc/meminfo.
    swap_total: int = field(name="swapTotal")
    #: Free swap. Unit: MiB. Source: /proc/meminfo.
    swap_free: int = field(name="swapFree")
    #: Memory in transparent huge pages. Unit: MiB. Source: /proc/meminfo.
    anon_huge_pages: str = field(name="anonHugePages")
    #: Use of transparent huge pages. Source: /sys/kernel/mm/transparent_hugepage/enabled.
    thp_state: THPStates = field(name="thpState")
    #: Huge pages by size in KiB. Source: /sys/kernel/mm/hugepages.
    hugepages: dict[str, HugePagesStats] | UnsetType = UNSET
    #: How long the agent has run. Unit: s.
    elapsed_time: str = field(name="elapsedTime")
    #: When the host was booted. Unit: s since 1970. Source: /proc/stat.
    boot_time: str | UnsetType = field(default=UNSET, name="bootTime")
    #: Time of the host as YYYY-MM-DDTHH:MM:SS GMT.
    date_time: str = field(name="dateTime")
    #: Free space of the file systems that matter to the agent.
    disk_stats: dict[str, PathStats] = field(name="diskStats")
    #: Interfaces by name. Source: netlink link statistics.
    network: dict[str, HostNetworkInterfaceStats]
    #: Dropped on receipt by all interfaces. Unit: packets. Source: netlink link statistics.
    rx_dropped: str = field(name="rxDropped")
    #: Dropped on sending by all interfaces. Unit: packets. Source: netlink link statistics.
    tx_dropped: str = field(name="txDropped")
    #: Virtual machines on this host.
    vm_count: int = field(name="vmCount")
    #: Those that run.
    vm_active: int = field(name="vmActive")
    #: Those that migrate. Deprecated.
    vm_migrating: int = field(name="vmMigrating")
    #: Migrations to this host.
    incoming_vm_migrations: UInt = field(name="incomingVmMigrations")
    #: Migrations from this host.
    outgoing_vm_migrations: UInt = field(name="outgoingVmMigrations")
    #: State of the memory overcommitment manager.
    mom_status: MOMStatus = field(name="momStatus")
    #: Whether same-page merging runs. Source: /sys/kernel/mm/ksm/run.
    ksm_state: bool = field(name="ksmState")
    #: Pages per scan. Unit: pages. Source: /sys/kernel/mm/ksm/pages_to_scan.
    ksm_pages: int = field(name="ksmPages")
    #: Whether pages of different NUMA nodes are merged. Source: /sys/kernel/mm/ksm/merge_across_nodes.
    ksm_merge_across_nodes: bool = field(name="ksmMergeAcrossNodes")
    #: Time of one CPU that same-page merging takes. Unit: %. Source: /proc.
    ksm_cpu: UInt = field(name="ksmCpu")
    #: "True" when the network configuration is not saved yet, otherwise "False".
    net_config_dirty: str = field(name="netConfigDirty")
    #: This host's part in running the manager itself. Source: hosted engine agent.
    ha_stats: HostedEngineStatus = field(name="haStats")
    #: The score of haStats; absent where that is not configured. Source: hosted engine agent.
    ha_score: int | UnsetType = field(default=UNSET, name="haScore")
    #: Memory of each NUMA node by number. Source: /sys/devices/system/node.
    numa_node_mem_free: dict[str, NumaNodeMemoryStats] | UnsetType = field(default=UNSET, name="numaNodeMemFree")
    #: Conversions of foreign virtual machines by id.
    v2v_jobs: dict[str, V2VJobInfo] | UnsetType = field(default=UNSET, name="v2vJobs")
    #: Monitored storage domains by UUID.
    storage_domains: dict[str, StorageDomainVitals] = field(name="storageDomains")
    #: LUNs with failed paths by GUID. Source: multipathd.
    multipath_health: dict[str, MultipathStatus] | UnsetType = field(default=UNSET, name="multipathHealth")


class CpuCoreStats(Struct, kw_only=True):
    """Use of one CPU."""

    #: Outside the kernel. Unit: %. Source: /proc/stat.
    cpu_user: str = field(name="cpuUser")
    #: Inside the kernel. Unit: %. Source: /proc/stat.
    cpu_sys: str = field(name="cpuSys")
    #: Idle. Unit: %. Source: /proc/stat.
    cpu_idle: str = field(name="cpuIdle")
    #: NUMA node of the CPU. Source: /sys/devices/system/node.
    node_index: int = field(name="nodeIndex")


class HugePagesStats(Struct, kw_only=True):
    """Huge pages of one size."""

    #: Pages that are set aside. Source: /sys/kernel/mm/hugepages.
    nr_hugepages: int
    #: Those that are free. Source: /sys/kernel/mm/hugepages.
    free_hugepages: int
    #: Free ones that virtual machines may use.
    vm_free_hugepages: int = field(name="vm.free_hugepages")


class PathStats(Struct, kw_only=True):
    """Space of a file system."""

    #: Free space. Unit: MiB. Source: statvfs.
    free: str


class HostNetworkInterfaceStats(Struct, kw_only=True):
    """Counters of one interface of the host."""

    #: Its name.
    name: str
    #: Its operational state. Source: netlink.
    state: NetworkInterfaceState
    #: Its speed; 1000 where it has none. Unit: Mb/s. Source: /sys/class/net/*/speed.
    speed: str
    #: Received. Unit: bytes. Source: netlink link statistics.
    rx: str
    #: Sent. Unit: bytes. Source: netlink link statistics.
    tx: str
    #: Received with an error. Unit: packets. Source: netlink link statistics.
    rx_errors: str = field(name="rxErrors")
    #: Not sent for an error. Unit: packets. Source: netlink link statistics.
    tx_errors: str = field(name="txErrors")
    #: Dropped on receipt. Unit: packets. Source: netlink link statistics.
    rx_dropped: str = field(name="rxDropped")
    #: Dropped on sending. Unit: packets. Source: netlink link statistics.
    tx_dropped: str = field(name="txDropped")
    #: When the counters were read, on the monotonic clock. Unit: s.
    sample_time: float = field(name="sampleTime")


class HostedEngineStatus(Struct, kw_only=True):
    """A host's part in running the manager itself."""

    #: Whether it has one.
    configured: bool
    #: Whether its agent runs.
    active: bool
    #: How well it can run the manager.
    score: UInt
    #: Whether nobody may start the manager.
    global_maintenance: bool = field(name="globalMaintenance")
    #: Whether this host may not.
    local_maintenance: bool = field(name="localMaintenance")


class NumaNodeMemoryStats(Struct, kw_only=True):
    """Memory of one NUMA node."""

    #: Free memory. Unit: MiB. Source: /sys/devices/system/node/*/meminfo.
    mem_free: str = field(name="memFree")
    #: Memory in use. Unit: %. Source: /sys/devices/system/node/*/meminfo.
    mem_percent: UInt = field(name="memPercent")
    #: Huge pages of the node by size in KiB. Source: /sys/devices/system/node/*/hugepages.
    hugepages: dict[str, NumaNodeHugePagesStats] | UnsetType = UNSET


class NumaNodeHugePagesStats(Struct, kw_only=True):
    """Huge pages of one size on one NUMA node."""

    #: Pages that are free.
    free_pages: str = field(name="freePages")


class V2VJobInfo(Struct, kw_only=True):
    """A conversion of a foreign virtual machine."""

    #: The job.
    id: UUID
    #: Its state.
    status: str
    #: What it does.
    description: str
    #: How far it is. Unit: %.
    progress: UInt


class StorageDomainVitals(Struct, kw_only=True):
    """How a monitored storage domain does."""

    #: 0, or the code of the error that the last check met.
    code: int
    #: Time since the last check, with one decimal. Unit: s.
    last_check: str = field(name="lastCheck")
    #: How long the last check took to read. Unit: s.
    delay: str
    #: Whether the last check met no error.
    valid: bool
    #: Version of the domain's format; -1 when unknown.
    version: int
    #: Whether the host id is acquired in the domain's lockspace.
    acquired: bool
    #: Whether a check has been made at all.
    actual: bool


class MultipathStatus(Struct, kw_only=True):
    """Paths of a LUN."""

    #: Paths that work.
    valid_paths: int
    #: Paths that do not.
    failed_paths: list[str]


class VdsmCapabilities(Struct, kw_only=True):
    """What this host is and can do. Texts are texts and numbers numbers exactly as managers parse them."""

    #: Cluster levels that the host can serve. Source: versions of libvirt and QEMU.
    cluster_levels: list[str] = field(name="clusterLevels")
    #: Versions of the manager that the host can serve.
    supported_engines: list[str] = field(name="supportedENGINEs")
    #: Name of the API's version.
    version_name: str
    #: Version of the agent.
    software_version: str
    #: Revision of the agent.
    software_revision: str
    #: Installed packages of interest by name. Source: package database.
    packages2: dict[str, SoftwarePackageInfo]
    #: The host's operating system. Source: os-release.
    operating_system: OsVersion = field(name="operatingSystem")
    #: "true" when the hardware can run guests, otherwise "false". Source: /dev/kvm.
    kvm_enabled: str = field(name="kvmEnabled")
    #: Number of cores. Source: libvirt host topology.
    cpu_cores: str = field(name="cpuCores")
    #: Number of threads. Source: libvirt host topology.
    cpu_threads: str = field(name="cpuThreads")
    #: Number of sockets. Source: libvirt host topology.
    cpu_sockets: str = field(name="cpuSockets")
    #: Numbers of the online CPUs, separated by commas. Source: /sys/devices/system/cpu/online.
    online_cpus: str = field(name="onlineCpus")
    #: Where each CPU is. Source: libvirt host topology.
    cpu_topology: list[CpuInfo] = field(name="cpuTopology")
    #: Speed of a CPU. Unit: MHz. Source: /proc/cpuinfo.
    cpu_speed: str = field(name="cpuSpeed")
    #: Name of the CPU. Source: /proc/cpuinfo.
    cpu_model: str = field(name="cpuModel")
    #: Flags of the CPU, features that QEMU has, and model_<Name> for each model that guests can have,
    #: separated by commas. Source: /proc/cpuinfo, libvirt domain capabilities.
    cpu_flags: str = field(name="cpuFlags")
    #: CPUs that the agent may run on. Source: sched_getaffinity.
    vdsm_to_cpus_affinity: list[int] = field(name="vdsmToCpusAffinity")
    #: Size of memory. Unit: MiB. Source: /proc/meminfo.
    mem_size: str = field(name="memSize")
    #: Memory that is not for guests. Unit: MiB. Source: configuration.
    reserved_mem: str = field(name="reservedMem")
    #: Memory that a guest takes beyond its own. Unit: MiB. Source: configuration.
    guest_overhead: str = field(name="guestOverhead")
    #: Machine types with their aliases. Source: libvirt capabilities.
    emulated_machines: list[str] = field(name="emulatedMachines")
    #: What can run a virtual machine.
    vm_types: list[VmType] = field(name="vmTypes")
    #: Initiators of this host.
    hba_inventory: HbaInventory = field(name="HBAInventory")
    #: iSCSI name of this host; empty when it has none. Source: initiatorname.iscsi.
    iscsi_initiator_name: str = field(name="ISCSIInitiatorName")
    #: Hook scripts by hook point and script.
    hooks: dict[str, dict[str, HookScriptInfo]] | UnsetType = UNSET
    #: NUMA nodes by number. Source: libvirt host topology.
    numa_nodes: dict[str, NumaNode] = field(name="numaNodes")
    #: Distances from each NUMA node to all. Source: libvirt host topology.
    numa_node_distance: dict[str, list[int]] = field(name="numaNodeDistance")
    #: Automatic NUMA balancing is 0 off or 1 on; 2 is unknown. Source: /proc/sys/kernel/numa_balancing.
    auto_numa_balancing: int = field(name="autoNumaBalancing")
    #: State of SELinux. Source: /sys/fs/selinux/enforce.
    selinux: SELinuxStatus
    #: Crash dumps are 1 armed or 0 not; -1 is unknown.
    kdump_status: int = field(name="kdumpStatus")
    #: Arguments of the kernel. Source: /proc/cmdline.
    kernel_args: str | UnsetType = field(default=UNSET, name="kernelArgs")
    #: Protections of the kernel by name. Source: /sys/devices/system/cpu/vulnerabilities.
    kernel_features: dict[str, Any] | UnsetType = field(default=UNSET, name="kernelFeatures")
    #: Whether guests may run guests. Source: /sys/module/kvm_*/parameters/nested.
    nested_virtualization: bool | UnsetType = field(default=UNSET, name="nestedVirtualization")
    #: Whether the kernel is a real-time one. Source: /sys/kernel/realtime.
    realtime_kernel: bool | UnsetType = field(default=UNSET, name="realtimeKernel")
    #: Sources of randomness for guests. Source: /dev/random, /dev/hwrng.
    rng_sources: list[VmRngDeviceSource] = field(name="rngSources")
    #: Networks of the agent by name.
    networks: dict[str, NetInfoNetwork]
    #: Bridges by name. Source: netlink.
    bridges: dict[str, NetInfoBridge]
    #: Network interfaces by name. Source: netlink.
    nics: dict[str, NetInfoNic]
    #: VLANs by name. Source: netlink.
    vlans: dict[str, NetInfoVlan]
    #: Bonds by name. Source: netlink.
    bondings: dict[str, NetInfoBond]
    #: Name servers. Source: resolv.conf.
    nameservers: list[str]
    #: Whether the kernel has IPv6.
    supports_i_pv6: bool = field(name="supportsIPv6")
    #: "True" when the network configuration is not saved yet, otherwise "False".
    net_config_dirty: str = field(name="netConfigDirty")
    #: Interface on which this call arrived; empty when it was local.
    last_client_iface: str = field(name="lastClientIface")
    #: Identity of the host. Source: DMI type 1, or the host id file.
    uuid: str
    #: Identity of this boot. Source: /proc/sys/kernel/random/boot_id.
    boot_uuid: str | UnsetType = UNSET
    #: "true" when an IOMMU is on, otherwise "false". Source: /sys/class/iommu.
    hostdev_passthrough: str = field(name="hostdevPassthrough")
    #: Names of features that not every host has.
    additional_features: list[str] = field(name="additionalFeatures")
    #: Whether this host may run the manager itself.
    hosted_engine_deployed: bool | UnsetType = field(default=UNSET, name="hostedEngineDeployed")
    #: Sizes of huge pages. Unit: KiB. Source: /sys/kernel/mm/hugepages.
    hugepages: list[int] | UnsetType = UNSET
    #: Whether VNC uses TLS. Source: QEMU driver configuration.
    vnc_encrypted: bool = field(name="vncEncrypted")
    #: Whether the kernel is in FIPS mode. Source: /proc/sys/crypto/fips_enabled.
    fips_enabled: bool | UnsetType = field(default=UNSET, name="fipsEnabled")
    #: Frequency of the time stamp counter. Unit: Hz. Source: libvirt host capabilities.
    tsc_frequency: str | UnsetType = field(default=UNSET, name="tscFrequency")
    #: Whether guests can have another one. Source: libvirt host capabilities.
    tsc_scaling: bool | UnsetType = field(default=UNSET, name="tscScaling")
    #: How external storage reaches this host. Source: os-brick.
    connector_info: ConnectorInfo | UnsetType = UNSET
    #: Incremental backup of running virtual machines works. Source: versions of libvirt and QEMU.
    backup_enabled: bool | UnsetType = field(default=UNSET, name="backupEnabled")
    #: Incremental backup of stopped ones works.
    cold_backup_enabled: bool | UnsetType = field(default=UNSET, name="coldBackupEnabled")
    #: Bitmaps of a volume can be cleared.
    clear_bitmaps_enabled: bool | UnsetType = field(default=UNSET, name="clearBitmapsEnabled")
    #: A CD can be changed to a volume.
    cd_change_pdiv: bool | UnsetType = UNSET
    #: A disk can be refreshed during a migration.
    refresh_disk_supported: bool | UnsetType = UNSET
    #: A replica can be extended.
    replicate_extend: bool | UnsetType = UNSET
    #: Part of a volume chain can be measured.
    measure_subchain: bool | UnsetType = UNSET
    #: The volume in use can be measured.
    measure_active: bool | UnsetType = UNSET
    #: Storage mailboxes are watched by events.
    mailbox_events: bool | UnsetType = UNSET
    #: Migration without copying memory works.
    zerocopy_migrations: bool | UnsetType = UNSET
    #: Bitmaps are part of image information.
    qemu_image_info_bitmaps: bool | UnsetType = UNSET
    #: Preallocation can be done later.
    deferred_preallocation: bool | UnsetType = UNSET
    #: Versions of storage domains that the host can use.
    domain_versions: list[int] | UnsetType = UNSET
    #: Block sizes by type of storage domain; 0 is to be found out. Unit: bytes.
    supported_block_size: dict[str, list[int]] | UnsetType = UNSET
    #: "true" when running virtual machines can have snapshots.
    live_snapshot: str | UnsetType = field(default=UNSET, name="liveSnapshot")
    #: "true" when snapshots can be merged while running.
    live_merge: str | UnsetType = field(default=UNSET, name="liveMerge")
    #: Whether the host is part of an OVN.
    ovn_configured: bool | UnsetType = field(default=UNSET, name="ovnConfigured")


class SoftwarePackageInfo(Struct, kw_only=True):
    """Version of a package."""

    #: Its version.
    version: str
    #: Its release.
    release: str
    #: When it was built. Unit: s since 1970.
    buildtime: str | UnsetType = UNSET


class OsVersion(Struct, kw_only=True):
    """An operating system."""

    #: Its family. Source: os-release.
    name: OSName
    #: Its release. Source: os-release.
    release: str
    #: Its version. Source: os-release.
    version: str
    #: What to show. Source: os-release.
    pretty_name: str


class CpuInfo(Struct, kw_only=True):
    """Where a CPU is."""

    #: Its number.
    cpu_id: int
    #: Its NUMA node.
    numa_cell_id: int
    #: Its socket.
    socket_id: int
    #: Its die.
    die_id: int
    #: Its core.
    core_id: int


class HbaInventory(Struct, kw_only=True):
    """Initiators of a host."""

    #: iSCSI initiators.
    iscsi: list[IscsiHba] = field(name="iSCSI")
    #: Fibre Channel adapters.
    fc: list[FcHba] = field(name="FC")


class IscsiHba(Struct, kw_only=True):
    """An iSCSI initiator."""

    #: Its name. Source: initiatorname.iscsi.
    initiator_name: str = field(name="InitiatorName")


class FcHba(Struct, kw_only=True):
    """A Fibre Channel adapter."""

    #: Name of its port. Source: /sys/class/fc_host.
    wwpn: str
    #: Name of its node. Source: /sys/class/fc_host.
    wwnn: str
    #: What it is. Source: /sys/class/fc_host.
    model: str


class HookScriptInfo(Struct, kw_only=True):
    """A hook script."""

    #: SHA-256 of the script.
    checksum: str


class NumaNode(Struct, kw_only=True):
    """A NUMA node."""

    #: Its CPUs. Source: libvirt host topology.
    cpus: list[int]
    #: Its memory. Unit: MiB. Source: libvirt host topology.
    total_memory: str = field(name="totalMemory")
    #: Its huge pages by size in KiB. Source: libvirt host topology.
    hugepages: dict[str, NumaNodeHugePages]


class NumaNodeHugePages(Struct, kw_only=True):
    """Huge pages of one size on one NUMA node."""

    #: How many there are.
    total_pages: str = field(name="totalPages")


class SELinuxStatus(Struct, kw_only=True):
    """State of SELinux."""

    #: "1" enforcing, "0" permissive, "-1" disabled.
    mode: str


class ConnectorInfo(Struct, kw_only=True):
    """How external storage reaches this host."""

    #: iSCSI name of the host.
    initiator: str
    #: Address of the host.
    ip: str
    #: Architecture.
    platform: str
    #: Operating system.
    os_type: str
    #: Whether it can attach local volumes.
    do_local_attach: bool
    #: Name of the host.
    host: str
    #: Whether it uses multipath.
    multipath: bool


class NetInfoNetwork(Struct, kw_only=True):
    """A network of the agent."""

    #: The interface that has its addresses.
    iface: str
    #: Whether it has a bridge.
    bridged: bool
    #: What connects it: legacy or ovs.
    switch: str
    #: The interface towards the physical network.
    southbound: str
    #: Interfaces that belong to it.
    ports: list[str]
    #: Spanning tree is on or off; of a bridged network.
    stp: str | UnsetType = UNSET
    #: Interface of a network without a bridge.
    interface: str | UnsetType = UNSET
    #: Its VLAN.
    vlanid: UInt | UnsetType = UNSET
    #: First IPv4 address; empty when none.
    addr: str
    #: Mask of that address; empty when none.
    netmask: str
    #: IPv4 addresses with prefix length.
    ipv4addrs: list[str]
    #: IPv6 addresses with prefix length.
    ipv6addrs: list[str]
    #: IPv4 gateway; empty when none.
    gateway: str
    #: IPv6 gateway; "::" when none.
    ipv6gateway: str
    #: Whether the default route goes through it.
    ipv4defaultroute: bool | UnsetType = UNSET
    #: Largest packet. Unit: bytes.
    mtu: str
    #: Whether DHCP gives its IPv4 address.
    dhcpv4: bool
    #: Whether DHCP gives its IPv6 address.
    dhcpv6: bool
    #: Whether router advertisements do.
    ipv6autoconf: bool | UnsetType = UNSET
    #: Options of its bridge.
    opts: dict[str, str] | UnsetType = UNSET
    #: Limits of its traffic.
    host_qos: Any | UnsetType = field(default=UNSET, name="hostQos")


class NetInfoBridge(Struct, kw_only=True):
    """A bridge."""

    #: Its ports. Source: netlink.
    ports: list[str]
    #: Spanning tree is on or off. Source: /sys/class/net/*/bridge.
    stp: str
    #: Its options. Source: /sys/class/net/*/bridge.
    opts: dict[str, str]
    #: First IPv4 address; empty when none. Source: netlink.
    addr: str
    #: Mask of that address; empty when none. Source: netlink.
    netmask: str
    #: IPv4 addresses with prefix length. Source: netlink.
    ipv4addrs: list[str]
    #: IPv6 addresses with prefix length. Source: netlink.
    ipv6addrs: list[str]
    #: IPv4 gateway; empty when none. Source: netlink.
    gateway: str
    #: IPv6 gateway; "::" when none. Source: netlink.
    ipv6gateway: str
    #: Whether the default route goes through it. Source: netlink.
    ipv4defaultroute: bool | UnsetType = UNSET
    #: Largest packet. Unit: bytes. Source: netlink.
    mtu: str
    #: Whether DHCP gives its IPv4 address.
    dhcpv4: bool
    #: Whether DHCP gives its IPv6 address.
    dhcpv6: bool
    #: Whether router advertisements do.
    ipv6autoconf: bool | UnsetType = UNSET


class NetInfoNic(Struct, kw_only=True):
    """A network interface."""

    #: Hardware address. Source: netlink.
    hwaddr: str
    #: Hardware address before a bond changed it. Source: netlink.
    permhwaddr: str | UnsetType = UNSET
    #: Speed; 0 when unknown. Unit: Mb/s. Source: /sys/class/net/*/speed.
    speed: int
    #: First IPv4 address; empty when none. Source: netlink.
    addr: str
    #: Mask of that address; empty when none. Source: netlink.
    netmask: str
    #: IPv4 addresses with prefix length. Source: netlink.
    ipv4addrs: list[str]
    #: IPv6 addresses with prefix length. Source: netlink.
    ipv6addrs: list[str]
    #: IPv4 gateway; empty when none. Source: netlink.
    gateway: str
    #: IPv6 gateway; "::" when none. Source: netlink.
    ipv6gateway: str
    #: Whether the default route goes through it. Source: netlink.
    ipv4defaultroute: bool | UnsetType = UNSET
    #: Largest packet. Unit: bytes. Source: netlink.
    mtu: str
    #: Whether DHCP gives its IPv4 address.
    dhcpv4: bool
    #: Whether DHCP gives its IPv6 address.
    dhcpv6: bool
    #: Whether router advertisements do.
    ipv6autoconf: bool | UnsetType = UNSET
    #: Limits of its traffic.
    qos: list[Any] | UnsetType = UNSET
    #: Aggregator in an LACP bond. Source: /sys/class/net/*/bonding_slave.
    ad_aggregator_id: str | UnsetType = UNSET


class NetInfoVlan(Struct, kw_only=True):
    """A VLAN."""

    #: Interface that carries it. Source: netlink.
    iface: str
    #: Its number. Source: netlink.
    vlanid: UInt
    #: First IPv4 address; empty when none. Source: netlink.
    addr: str
    #: Mask of that address; empty when none. Source: netlink.
    netmask: str
    #: IPv4 addresses with prefix length. Source: netlink.
    ipv4addrs: list[str]
    #: IPv6 addresses with prefix length. Source: netlink.
    ipv6addrs: list[str]
    #: IPv4 gateway; empty when none. Source: netlink.
    gateway: str
    #: IPv6 gateway; "::" when none. Source: netlink.
    ipv6gateway: str
    #: Whether the default route goes through it. Source: netlink.
    ipv4defaultroute: bool | UnsetType = UNSET
    #: Largest packet. Unit: bytes. Source: netlink.
    mtu: str
    #: Whether DHCP gives its IPv4 address.
    dhcpv4: bool
    #: Whether DHCP gives its IPv6 address.
    dhcpv6: bool
    #: Whether router advertisements do.
    ipv6autoconf: bool | UnsetType = UNSET


class NetInfoBond(Struct, kw_only=True):
    """A bond."""

    #: Hardware address. Source: netlink.
    hwaddr: str
    #: Interfaces that belong to it. Source: netlink.
    slaves: list[str]
    #: The one in use; empty where the mode has none. Source: /sys/class/net/*/bonding.
    active_slave: str
    #: Its options that are not the default. Source: /sys/class/net/*/bonding.
    opts: dict[str, str]
    #: Speed; 0 when unknown. Unit: Mb/s. Source: /sys/class/net/*/speed.
    speed: int
    #: What connects it: legacy or ovs.
    switch: str | UnsetType = UNSET
    #: First IPv4 address; empty when none. Source: netlink.
    addr: str
    #: Mask of that address; empty when none. Source: netlink.
    netmask: str
    #: IPv4 addresses with prefix length. Source: netlink.
    ipv4addrs: list[str]
    #: IPv6 addresses with prefix length. Source: netlink.
    ipv6addrs: list[str]
    #: IPv4 gateway; empty when none. Source: netlink.
    gateway: str
    #: IPv6 gateway; "::" when none. Source: netlink.
    ipv6gateway: str
    #: Whether the default route goes through it. Source: netlink.
    ipv4defaultroute: bool | UnsetType = UNSET
    #: Largest packet. Unit: bytes. Source: netlink.
    mtu: str
    #: Whether DHCP gives its IPv4 address.
    dhcpv4: bool
    #: Whether DHCP gives its IPv6 address.
    dhcpv6: bool
    #: Whether router advertisements do.
    ipv6autoconf: bool | UnsetType = UNSET
    #: Limits of its traffic.
    qos: list[Any] | UnsetType = UNSET
    #: Active aggregator of LACP. Source: /sys/class/net/*/bonding.
    ad_aggregator_id: str | UnsetType = UNSET
    #: Hardware address of the LACP partner. Source: /sys/class/net/*/bonding.
    ad_partner_mac: str | UnsetType = UNSET


class HostGetVMListParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getVMList. The virtual machines of this host. The parameters of old managers are
    taken and make no difference.
    """

    #: Ignored.
    full_status: bool = field(default=False, name="fullStatus")
    #: Only these; all when empty.
    vm_list: tuple[UUID, ...] = field(default=(), name="vmList")
    #: Ignored.
    only_uuid: bool = field(default=False, name="onlyUUID")


class HostGetVMFullListParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getVMFullList. The same as getVMList."""

    #: Only these; all when empty.
    vm_list: tuple[UUID, ...] = field(default=(), name="vmList")


class HostGetAllVmStatsParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getAllVmStats. What the last sample knows about every virtual machine; nothing is
    asked anew.
    """


class HostDumpxmlsParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.dumpxmls. The domain XML of virtual machines as they run."""

    #: Only these; all when empty.
    vm_list: tuple[UUID, ...] = field(default=(), name="vmList")


class HostPingParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.ping. Does the agent answer? Kept for old managers."""


class HostPing2Params(Struct, frozen=True, kw_only=True):
    """Parameters of Host.ping2. Does the agent answer?"""


class HostEchoParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.echo. Write a text to the agent's log and send it back."""

    #: The text.
    message: str


class HostGetHardwareInfoParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getHardwareInfo. What the firmware says about the machine."""


class HostGetCapabilitiesParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getCapabilities. What this host is and can do."""


class HostGetStatsParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.getStats. What the last sample knows about the host; nothing is asked anew."""


class HostSetLogLevelParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.setLogLevel. Change how much the agent logs, until it is started again."""

    #: The lowest level that is logged.
    level: LoggingLevel
    #: The logger; the root one when empty.
    name: str = ""


class HostSetKsmTuneParams(Struct, frozen=True, kw_only=True):
    """Parameters of Host.setKsmTune. Tune kernel same-page merging."""

    #: What to change; what is absent stays.
    tuning_params: KsmTuneParams = field(name="tuningParams")


METHODS: tuple[Method, ...] = (
    Method("Host.getVMList", HostGetVMListParams, ("fullStatus", "vmList", "onlyUUID"), Effect.READ, 10.0),
    Method("Host.getVMFullList", HostGetVMFullListParams, ("vmList",), Effect.READ, 10.0),
    Method("Host.getAllVmStats", HostGetAllVmStatsParams, (), Effect.READ, 10.0),
    Method("Host.dumpxmls", HostDumpxmlsParams, ("vmList",), Effect.READ, 30.0),
    Method("Host.ping", HostPingParams, (), Effect.READ, 10.0),
    Method("Host.ping2", HostPing2Params, (), Effect.READ, 10.0),
    Method("Host.echo", HostEchoParams, ("message",), Effect.READ, 10.0),
    Method("Host.getHardwareInfo", HostGetHardwareInfoParams, (), Effect.READ, 30.0),
    Method("Host.getCapabilities", HostGetCapabilitiesParams, (), Effect.READ, 60.0),
    Method("Host.getStats", HostGetStatsParams, (), Effect.READ, 10.0),
    Method("Host.setLogLevel", HostSetLogLevelParams, ("level", "name"), Effect.CHANGE, 10.0),
    Method("Host.setKsmTune", HostSetKsmTuneParams, ("tuningParams",), Effect.CHANGE, 30.0),
)


UNIONS: UnionTable = MappingProxyType({})


#: Unions that may also be a plain text, which stands for an object with the text under this key.
TEXT_KEYS: Mapping[type, str] = MappingProxyType({})
