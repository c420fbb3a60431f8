"""VM: One virtual machine of this host, named by its UUID.

Generated from api/schema/VM.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from vdsm.common.contract import Effect, Method, UnionMember, UnionTable, WireUnion
from vdsm.models.wire import UUID, OpenStruct, UInt, repr_without

#: Where a virtual machine is in its life.
VmStatus = Literal[
    "WaitForLaunch",
    "Powering up",
    "Up",
    "Paused",
    "Powering down",
    "RebootInProgress",
    "Migration Source",
    "Migration Destination",
    "Restoring state",
    "Saving State",
    "Down",
]

#: Whether a virtual machine ended as it was meant to. 0 NORMAL, 1 ERROR.
VmExitCode = Annotated[int, Meta(ge=0, le=1)]

#: Why a virtual machine is down. 0 success, 1 generic error, 2 lost qemu connection, 3 libvirt start failed,
#: 4 migration succeeded, 5 save state succeeded, 6 admin shutdown, 7 user shutdown, 8 migration failed, 9
#: libvirt domain missing, 10 destroyed on startup, 11 host shutdown, 12 postcopy migration failed, 13
#: destroyed on reboot, 14 destroyed on pause timeout.
VmExitReason = Annotated[int, Meta(ge=0, le=14)]

#: Why a guest is paused; NOERR when someone asked for it.
VmPauseCode = Literal["NOERR", "EIO", "ENOSPC", "EOTHER", "EPERM", "POSTCOPY"]

#: What runs the virtual machine.
VmType = Literal["kvm"]

#: What the virtual machine boots from first, a floppy, the hard disk, a CD or the network.
VmBootMode = Literal["a", "c", "d", "n"]

#: What happens to a connected display client when a new ticket is set.
VmTicketConflictAction = Literal["keep", "disconnect", "fail"]

#: Protocol of a display.
VmGraphicsDeviceType = Literal["spice", "vnc"]

#: Protocol of the first display, in the words of old managers.
VmDisplayType = Literal["qxl", "vnc"]

#: Link state of an interface; unknown for those of a virtual machine.
NetworkInterfaceState = Literal["down", "up", "unknown"]

#: State of the guest's desktop session.
GuestSessionState = Literal["Active", "Locked", "LoggedOff", "Unknown", "UserLoggedOn"]

#: What QEMU did when the watchdog fired.
WatchdogEventAction = Literal["destroy", "ignore", "log", "pause", "reset", "shutdown"]

#: Kind of a job of a virtual machine.
JobType = Literal["block", "unknown"]

#: What a block job does.
BlockJobType = Literal["commit", "copy", "pull", "unknown"]

#: What a drive is to the guest.
VmDiskDeviceType = Literal["cdrom", "disk", "floppy", "lun"]


class DriveSpec(WireUnion):
    """Where the content of a drive comes from."""

    __slots__ = ()


class VmStats(WireUnion):
    """Statistics of a virtual machine, one shape while it is down and one otherwise."""

    __slots__ = ()


class VmParameters(OpenStruct, frozen=True, kw_only=True):
    """What to run. Keys that are not listed here are kept."""

    #: The virtual machine; the same as vmID.
    vm_id: UUID | None = field(default=None, name="vmId")
    #: The domain to define and start, with the metadata of the namespace http://ovirt.org/vm/1.0. Required
    #: unless a saved state brings its own. Source: libvirt domain XML.
    xml: str | None = None
    #: Volume with the saved memory to start from.
    memory_dump_volume: VmMemoryVolume | None = field(default=None, name="memoryDumpVolume")
    #: Volume with the configuration that belongs to the saved memory.
    memory_conf_volume: VmMemoryVolume | None = field(default=None, name="memoryConfVolume")
    #: The two volumes of a saved state in the old form: domain, pool, image, volume, image, volume, separated
    #: by commas.
    hiber_vol_handle: str | None = field(default=None, name="hiberVolHandle")
    #: State of the emulated TPM. Source: swtpm.
    x_tpmdata: str | None = field(default=None, name="_X_tpmdata")
    #: Content of the firmware's variable store. Source: UEFI NVRAM file.
    x_nvramdata: str | None = field(default=None, name="_X_nvramdata")

    def __repr__(self) -> str:
        return repr_without(self, ("xml", "x_tpmdata", "x_nvramdata"))


class VmMemoryVolume(OpenStruct, frozen=True, kw_only=True):
    """A volume that holds saved state."""

    #: Its storage pool.
    pool_id: UUID = field(name="poolID")
    #: Its storage domain.
    domain_id: UUID = field(name="domainID")
    #: Its image.
    image_id: UUID = field(name="imageID")
    #: The volume.
    volume_id: UUID = field(name="volumeID")


class DriveSpecVolumeCdrom(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """A volume for a certain CD drive; no drive_spec ejects."""

    #: The image; null or an empty text ejects.
    drive_spec: DriveSpec | None = None
    #: Bus of the drive: ide, sata or scsi. Source: libvirt disk target.
    iface: str
    #: Number of the drive on its bus.
    index: int


class DriveSpecPathCdrom(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """A path for a certain CD drive."""

    #: Path of the image; an empty one ejects.
    path: str
    #: Bus of the drive: ide, sata or scsi. Source: libvirt disk target.
    iface: str
    #: Number of the drive on its bus.
    index: int


class DriveSpecPath(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """A path."""

    #: Path of the image; an empty one ejects.
    path: str


class DriveSpecVolume(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """A volume of a storage domain."""

    #: Its storage pool.
    pool_id: UUID | None = field(default=None, name="poolID")
    #: Its storage domain.
    domain_id: UUID = field(name="domainID")
    #: Its image.
    image_id: UUID = field(name="imageID")
    #: The volume.
    volume_id: UUID = field(name="volumeID")
    #: What the drive is to the guest.
    device: VmDiskDeviceType | None = None


class DriveSpecGUID(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """A LUN."""

    #: Its identifier as multipath names it.
    guid: str = field(name="GUID")


class DriveSpecPayload(OpenStruct, DriveSpec, frozen=True, kw_only=True):
    """Files that the agent makes an image of."""

    #: The files.
    spec_params: DrivePayload = field(name="specParams")
    #: What the drive is to the guest.
    device: VmDiskDeviceType | None = None


class DrivePayload(OpenStruct, frozen=True, kw_only=True):
    """Wrapper of a payload."""

    #: The payload.
    vm_payload: DriveVmPayload = field(name="vmPayload")


class DriveVmPayload(OpenStruct, frozen=True, kw_only=True):
    """Files of a payload."""

    #: Content of each file in base64, by path in the image.
    file: dict[str, str]

    def __repr__(self) -> str:
        return repr_without(self, ("file",))


class VmDefinition(Struct, kw_only=True):
    """A virtual machine as it was accepted."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmId")
    #: Its status.
    status: VmStatus
    #: When this status became visible, on a clock that only grows. Unit: ms.
    status_time: str = field(name="statusTime")
    #: The domain that runs. Source: libvirt domain XML.
    xml: str | UnsetType = UNSET


class VmShortStatus(Struct, kw_only=True):
    """A virtual machine's status."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmId")
    #: Its status.
    status: VmStatus
    #: When this status became visible, on a clock that only grows. Unit: ms.
    status_time: str = field(name="statusTime")


class VmStateChange(Struct, kw_only=True):
    """Answer of pause and cont."""

    #: Always empty.
    vm_list: dict[str, Any] = field(name="vmList")


class ScreenshotResponse(Struct, kw_only=True):
    """A picture of a display."""

    #: The picture, encoded.
    data: str
    #: How the data is encoded: base64.
    encoding: str
    #: Format of the picture, such as image/png. Source: libvirt screenshot.
    mime_type: str


class ExitedVmStats(Struct, VmStats, kw_only=True):
    """A virtual machine that is down."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmId")
    #: Its name, for people. Source: libvirt domain XML.
    vm_name: str = field(name="vmName")
    #: Always Down.
    status: VmStatus
    #: When it was seen down, on a clock that only grows. Unit: ms.
    status_time: str = field(name="statusTime")
    #: Whether it ended as it was meant to.
    exit_code: VmExitCode = field(name="exitCode")
    #: Why it is down.
    exit_reason: VmExitReason = field(name="exitReason")
    #: Why it is down, for people.
    exit_message: str = field(name="exitMessage")
    #: Offset of the guest's clock from UTC when it ended. Unit: s. Source: libvirt RTC change event.
    time_offset: int | UnsetType = field(default=UNSET, name="timeOffset")


class RunningVmStats(Struct, VmStats, kw_only=True):
    """A virtual machine that has not ended. What has not been sampled yet, or has no source on this host, is
    absent.
    """

    #: The virtual machine.
    vm_id: UUID = field(name="vmId")
    #: Its status.
    status: VmStatus
    #: When this status became visible, on a clock that only grows. Unit: ms.
    status_time: str = field(name="statusTime")
    #: Its name. Source: libvirt domain XML.
    vm_name: str = field(name="vmName")
    #: What runs it.
    vm_type: VmType = field(name="vmType")
    #: "true" when the hardware runs the guest's code, "false" when QEMU translates it. Source: libvirt domain
    #: XML.
    kvm_enable: str = field(name="kvmEnable")
    #: "true" when the guest has ACPI. Source: libvirt domain XML.
    acpi_enable: str = field(name="acpiEnable")
    #: How long it has run. Unit: s.
    elapsed_time: str = field(name="elapsedTime")
    #: "0" while QEMU answers, "-1" when the sample is too old.
    monitor_response: str = field(name="monitorResponse")
    #: Address of the connected display client; empty when none. Source: libvirt graphics event.
    client_ip: str = field(name="clientIp")
    #: Offset of the guest's clock from UTC. Unit: s. Source: libvirt RTC change event.
    time_offset: str = field(name="timeOffset")
    #: Its displays. Source: libvirt domain XML.
    display_info: list[VmDisplayInfo] = field(name="displayInfo")
    #: Hash of the devices and of the guest's view of its disks; a manager reads the domain XML again when it
    #: changes.
    hash: str
    #: Process id of its QEMU. Source: libvirt pid file.
    pid: str | UnsetType = UNSET
    #: Why it is paused. Source: libvirt suspend event.
    pause_code: VmPauseCode | UnsetType = field(default=UNSET, name="pauseCode")
    #: How far its migration is. Unit: %. Source: libvirt job statistics.
    migration_progress: UInt | UnsetType = field(default=UNSET, name="migrationProgress")
    #: CPU time of its QEMU outside the kernel in the last interval, of one CPU, with two decimals. Unit: %.
    #: Source: libvirt bulk statistics.
    cpu_user: str | UnsetType = field(default=UNSET, name="cpuUser")
    #: CPU time of its QEMU inside the kernel in the last interval, of one CPU, with two decimals. Unit: %.
    #: Source: libvirt bulk statistics.
    cpu_sys: str | UnsetType = field(default=UNSET, name="cpuSys")
    #: CPU time since it started. Unit: ns. Source: libvirt bulk statistics.
    cpu_usage: str | UnsetType = field(default=UNSET, name="cpuUsage")
    #: Whether the CPU figures come from two samples.
    cpu_actual: bool | UnsetType = field(default=UNSET, name="cpuActual")
    #: CPUs that the guest has. Source: libvirt bulk statistics.
    vcpu_count: str | UnsetType = field(default=UNSET, name="vcpuCount")
    #: Limit of CPU use. Unit: %. Source: quality of service metadata.
    vcpu_user_limit: int | UnsetType = field(default=UNSET, name="vcpuUserLimit")
    #: CPU time per period. Unit: us. Source: libvirt scheduler parameters.
    vcpu_quota: str | UnsetType = field(default=UNSET, name="vcpuQuota")
    #: Length of a period. Unit: us. Source: libvirt scheduler parameters.
    vcpu_period: int | UnsetType = field(default=UNSET, name="vcpuPeriod")
    #: Interfaces by their name on the host. Source: libvirt bulk statistics.
    network: dict[str, NetworkInterfaceStats] | UnsetType = UNSET
    #: Drives by their name in the guest. Source: libvirt bulk statistics.
    disks: dict[str, VmDiskStats] | UnsetType = UNSET
    #: The memory balloon. Source: libvirt bulk statistics.
    balloon_info: BalloonInfo | UnsetType = field(default=UNSET, name="balloonInfo")
    #: Memory as the guest's balloon driver sees it. Source: libvirt bulk statistics.
    memory_stats: GuestMemoryStats | UnsetType = field(default=UNSET, name="memoryStats")
    #: I/O limits of the drives. Source: libvirt block I/O tuning.
    io_tune: list[VmDiskDeviceTuneParams] | UnsetType = field(default=UNSET, name="ioTune")
    #: Block jobs by id. Empty means that there are none; absent that nobody knows. Source: libvirt block job
    #: information.
    vm_jobs: dict[str, BlockJobInfo] | UnsetType = field(default=UNSET, name="vmJobs")
    #: The last time that the watchdog fired. Source: libvirt watchdog event.
    watchdog_event: WatchdogEvent | UnsetType = field(default=UNSET, name="watchdogEvent")
    #: Hash of the emulated TPM's state. Source: swtpm.
    tpm_hash: str | UnsetType = field(default=UNSET, name="tpmHash")
    #: Hash of the firmware's variable store. Source: UEFI NVRAM file.
    nvram_hash: str | UnsetType = field(default=UNSET, name="nvramHash")
    #: What it boots from first. Source: libvirt domain XML.
    boot: VmBootMode | UnsetType = UNSET
    #: Path of the image in the first CD drive. Source: libvirt domain XML.
    cdrom: str | UnsetType = UNSET
    #: Protocol of the first display. Deprecated.
    display_type: VmDisplayType | UnsetType = field(default=UNSET, name="displayType")
    #: Address of the first display. Deprecated.
    display_ip: str | UnsetType = field(default=UNSET, name="displayIp")
    #: Port of the first display. Deprecated.
    display_port: str | UnsetType = field(default=UNSET, name="displayPort")
    #: TLS port of the first display. Deprecated.
    display_secure_port: str | UnsetType = field(default=UNSET, name="displaySecurePort")
    #: User who is logged in to the guest. Source: guest agent.
    username: str | UnsetType = UNSET
    #: State of the guest's desktop session. Source: guest agent.
    session: GuestSessionState | UnsetType = UNSET
    #: Memory that the guest uses, a whole number. Unit: %. Source: guest agent.
    mem_usage: str | UnsetType = field(default=UNSET, name="memUsage")
    #: CPUs that are online in the guest; -1 when unknown. Source: guest agent.
    guest_cpu_count: int | UnsetType = field(default=UNSET, name="guestCPUCount")
    #: The guest's addresses separated by spaces. Source: guest agent. Deprecated.
    guest_ips: str | UnsetType = field(default=UNSET, name="guestIPs")
    #: Fully qualified name of the guest. Source: guest agent.
    guest_fqdn: str | UnsetType = field(default=UNSET, name="guestFQDN")
    #: Host name of the guest. Source: guest agent.
    guest_name: str | UnsetType = field(default=UNSET, name="guestName")
    #: Short name of the guest's operating system. Source: guest agent.
    guest_os: str | UnsetType = field(default=UNSET, name="guestOs")
    #: The guest's operating system. Source: guest agent.
    guest_os_info: VmGuestOsInfo | UnsetType = field(default=UNSET, name="guestOsInfo")
    #: The guest's time zone. Source: guest agent.
    guest_timezone: VmGuestTimezone | UnsetType = field(default=UNSET, name="guestTimezone")
    #: Packages of interest that the guest has. Source: guest agent.
    apps_list: list[str] | UnsetType = field(default=UNSET, name="appsList")
    #: The guest's file systems. Source: guest agent.
    disks_usage: list[GuestMountInfo] | UnsetType = field(default=UNSET, name="disksUsage")
    #: The guest's network interfaces. Source: guest agent.
    net_ifaces: list[GuestNetworkDeviceInfo] | UnsetType = field(default=UNSET, name="netIfaces")
    #: Containers that run in the guest. Source: guest agent.
    guest_containers: list[GuestContainerInfo] | UnsetType = field(default=UNSET, name="guestContainers")
    #: The guest's PCI devices and their drivers. Source: guest agent.
    pci_devices: list[GuestPCIDevice] | UnsetType = UNSET


class VmDisplayInfo(Struct, kw_only=True):
    """A display."""

    #: Its protocol.
    type: VmGraphicsDeviceType
    #: Port without TLS; "-1" when there is none. Source: libvirt domain XML.
    port: str
    #: Port with TLS; "-1" when there is none. Source: libvirt domain XML.
    tls_port: str = field(name="tlsPort")
    #: Address that it listens on. Source: libvirt domain XML.
    ip_address: str = field(name="ipAddress")


class NetworkInterfaceStats(Struct, kw_only=True):
    """Counters of one interface of a virtual machine, as the guest sees the directions."""

    #: Name on the host. Source: libvirt bulk statistics.
    name: str
    #: Hardware address in the guest. Source: libvirt domain XML.
    mac_addr: str = field(name="macAddr")
    #: Nominal speed: 1000 for virtio and e1000, 100 for the others. Unit: Mb/s.
    speed: str
    #: Always unknown.
    state: NetworkInterfaceState
    #: Received. Unit: bytes. Source: libvirt bulk statistics.
    rx: str
    #: Sent. Unit: bytes. Source: libvirt bulk statistics.
    tx: str
    #: Received with an error. Unit: packets. Source: libvirt bulk statistics.
    rx_errors: str = field(name="rxErrors")
    #: Not sent for an error. Unit: packets. Source: libvirt bulk statistics.
    tx_errors: str = field(name="txErrors")
    #: Dropped on receipt. Unit: packets. Source: libvirt bulk statistics.
    rx_dropped: str = field(name="rxDropped")
    #: Dropped on sending. Unit: packets. Source: libvirt bulk statistics.
    tx_dropped: str = field(name="txDropped")
    #: When the counters were read, on the monotonic clock. Unit: s.
    sample_time: float = field(name="sampleTime")


class VmDiskStats(Struct, kw_only=True):
    """Size and speed of one drive."""

    #: Space that the image takes on the storage. Unit: bytes. Source: libvirt bulk statistics.
    truesize: str
    #: Size of the image file or device. Unit: bytes. Source: libvirt bulk statistics.
    apparentsize: str
    #: The drive's image. Source: domain metadata.
    image_id: UUID | UnsetType = field(default=UNSET, name="imageID")
    #: The LUN that the drive is. Source: domain metadata.
    lun_guid: str | UnsetType = field(default=UNSET, name="lunGUID")
    #: Mean time of a read in the last interval. Unit: ns/operation. Source: libvirt bulk statistics.
    read_latency: str = field(name="readLatency")
    #: Mean time of a write in the last interval. Unit: ns/operation. Source: libvirt bulk statistics.
    write_latency: str = field(name="writeLatency")
    #: Mean time of a flush in the last interval. Unit: ns/operation. Source: libvirt bulk statistics.
    flush_latency: str = field(name="flushLatency")
    #: Read in the last interval. Unit: bytes/s. Source: libvirt bulk statistics.
    read_rate: str = field(name="readRate")
    #: Written in the last interval. Unit: bytes/s. Source: libvirt bulk statistics.
    write_rate: str = field(name="writeRate")
    #: Reads since it started. Source: libvirt bulk statistics.
    read_ops: str = field(name="readOps")
    #: Writes since it started. Source: libvirt bulk statistics.
    write_ops: str = field(name="writeOps")
    #: Read since it started. Unit: bytes. Source: libvirt bulk statistics.
    read_bytes: str = field(name="readBytes")
    #: Written since it started. Unit: bytes. Source: libvirt bulk statistics.
    written_bytes: str = field(name="writtenBytes")


class BalloonInfo(Struct, kw_only=True):
    """The memory balloon. A manager takes it as enabled when it has the four sizes."""

    #: Memory of the virtual machine. Unit: KiB. Source: libvirt domain XML.
    balloon_max: str | UnsetType = UNSET
    #: Memory that is guaranteed to it. Unit: KiB. Source: domain metadata.
    balloon_min: str | UnsetType = UNSET
    #: Memory that it has now. Unit: KiB. Source: libvirt bulk statistics.
    balloon_cur: str | UnsetType = UNSET
    #: Memory that was last asked for. Unit: KiB. Source: domain metadata.
    balloon_target: str | UnsetType = UNSET
    #: Whether the balloon may be moved. Source: domain metadata.
    ballooning_enabled: bool | UnsetType = UNSET


class GuestMemoryStats(Struct, kw_only=True):
    """Memory as the guest sees it."""

    #: All of it. Unit: KiB. Source: balloon driver.
    mem_total: str | UnsetType = UNSET
    #: Not used for anything. Unit: KiB. Source: balloon driver.
    mem_unused: str | UnsetType = UNSET
    #: Not used or easily reclaimed. Unit: KiB. Source: balloon driver. Deprecated.
    mem_free: str | UnsetType = UNSET
    #: Buffers. Unit: KiB. Source: balloon driver. Deprecated.
    mem_buffers: str | UnsetType = UNSET
    #: Caches. Unit: KiB. Source: balloon driver. Deprecated.
    mem_cached: str | UnsetType = UNSET
    #: Read back from swap. Unit: KiB/s. Source: balloon driver.
    swap_in: UInt | UnsetType = UNSET
    #: Moved to swap. Unit: KiB/s. Source: balloon driver.
    swap_out: UInt | UnsetType = UNSET
    #: Page faults that needed I/O. Unit: 1/s. Source: balloon driver.
    majflt: UInt | UnsetType = UNSET
    #: Page faults that did not. Unit: 1/s. Source: balloon driver.
    minflt: UInt | UnsetType = UNSET
    #: Page faults. Unit: 1/s. Source: balloon driver. Deprecated.
    pageflt: UInt | UnsetType = UNSET


class VmDiskDeviceTuneParams(Struct, kw_only=True):
    """I/O limits of one drive."""

    #: The drive's name in the guest.
    name: str | UnsetType = UNSET
    #: Path of its image.
    path: str | UnsetType = UNSET
    #: The limits; 0 is none.
    io_tune: VmDiskDeviceIoTuneParams = field(name="ioTune")


class VmDiskDeviceIoTuneParams(Struct, kw_only=True):
    """Limits of I/O per second; total excludes read and write."""

    #: Reads and writes together. Unit: bytes/s.
    total_bytes_sec: UInt | UnsetType = UNSET
    #: Reads. Unit: bytes/s.
    read_bytes_sec: UInt | UnsetType = UNSET
    #: Writes. Unit: bytes/s.
    write_bytes_sec: UInt | UnsetType = UNSET
    #: Reads and writes together. Unit: operations/s.
    total_iops_sec: UInt | UnsetType = UNSET
    #: Reads. Unit: operations/s.
    read_iops_sec: UInt | UnsetType = UNSET
    #: Writes. Unit: operations/s.
    write_iops_sec: UInt | UnsetType = UNSET


class BlockJobInfo(Struct, kw_only=True):
    """A block job of a virtual machine."""

    #: The job.
    id: UUID
    #: Always block.
    job_type: JobType = field(name="jobType")
    #: What it does.
    block_job_type: BlockJobType = field(name="blockJobType")
    #: How far it is. Source: libvirt block job information.
    cur: int
    #: Where it ends. Source: libvirt block job information.
    end: int
    #: Its limit; 0 is none. Unit: MiB/s. Source: libvirt block job information.
    bandwidth: int
    #: The image that it works on.
    img_uuid: UUID = field(name="imgUUID")


class WatchdogEvent(Struct, kw_only=True):
    """The watchdog fired."""

    #: When. Unit: s since 1970.
    time: float
    #: What QEMU did. Source: libvirt watchdog event.
    action: WatchdogEventAction


class VmGuestOsInfo(Struct, kw_only=True):
    """The guest's operating system, as its agent tells."""

    #: linux, windows or other.
    type: str
    #: Version of the kernel.
    kernel: str
    #: Version of the distribution.
    version: str
    #: Architecture, such as x86_64.
    arch: str
    #: Name of the distribution.
    distribution: str
    #: Name of the release.
    codename: str


class VmGuestTimezone(Struct, kw_only=True):
    """The guest's time zone, as its agent tells."""

    #: East of UTC. Unit: min.
    offset: int
    #: Its name.
    zone: str


class GuestMountInfo(Struct, kw_only=True):
    """A file system of the guest."""

    #: Where it is mounted.
    path: str
    #: Its type, such as ext4.
    fs: str
    #: Its size. Unit: bytes.
    total: UInt
    #: How much of it is used. Unit: bytes.
    used: UInt


class GuestNetworkDeviceInfo(Struct, kw_only=True):
    """A network interface of the guest."""

    #: Its name in the guest.
    name: str
    #: Its hardware address.
    hw: str
    #: Its IPv4 addresses.
    inet: list[str]
    #: Its IPv6 addresses.
    inet6: list[str]


class GuestContainerInfo(Struct, kw_only=True):
    """A container in the guest."""

    #: Its id.
    id: str
    #: Its names.
    names: list[str]
    #: The image that it was made from.
    image: str
    #: What it runs.
    command: str
    #: Its state in words.
    status: str


class GuestPCIDevice(Struct, kw_only=True):
    """A PCI device as the guest sees it."""

    #: PCI vendor.
    vendor_id: int
    #: PCI device.
    device_id: int
    #: The driver in use.
    driver_name: str
    #: Version of the driver.
    driver_version: str | UnsetType = UNSET
    #: Date of the driver.
    driver_date: str | UnsetType = UNSET


class VMCreateParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.create. Accept a virtual machine and start it. The answer comes when the request is
    accepted (status WaitForLaunch); whether it came up is told by VM_status events and by the statistics.
    """

    #: The virtual machine; the domain XML has the same UUID.
    vm_id: UUID = field(name="vmID")
    #: What to run.
    vm_params: VmParameters = field(name="vmParams")


class VMDestroyParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.destroy. Stop the virtual machine at once, whatever its guest does, and forget it. On
    one that is down it only forgets.
    """

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")
    #: How often QEMU is asked to terminate (SIGTERM) before it is killed.
    graceful_attempts: UInt = field(default=1, name="gracefulAttempts")


class VMPauseParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.pause. Stop the CPUs of the guest; its memory and devices stay."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMContParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.cont. Let the CPUs of a paused guest run again."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMShutdownParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.shutdown. Ask the guest to shut down or reboot, by its agent, then by ACPI; with
    force, stop it when it did not. The answer comes when the request is accepted.
    """

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")
    #: How much longer a guest that warns its users by itself may take when its agent asks it. The QEMU guest
    #: agent passes on neither this nor the message, so the guest is asked at once. Absent means the
    #: configured delay. Unit: s.
    delay: int | None = None
    #: For the users of the guest; the QEMU guest agent cannot show it.
    message: str | None = None
    #: Reboot instead of shutting down.
    reboot: bool = False
    #: How long each way may take, with the delay on top for the agent. Absent means the configured one. Unit:
    #: s.
    timeout: int | None = None
    #: Destroy, or reset, the guest when neither way worked.
    force: bool = False


class VMResetParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.reset. Restart the virtual machine's hardware at once, as its reset button would."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMSetDestroyOnRebootParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.setDestroyOnReboot. From now on a reboot of the guest ends the virtual machine, so
    that it can be started with a new configuration.
    """

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMSetTicketParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.setTicket. Set the password of the display and when it expires."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")
    #: The new password; VNC uses its first eight characters.
    password: str
    #: How long it may be used for new connections; 0 or less ends it at once. Unit: s.
    ttl: int
    #: What happens to a client that is connected now.
    existing_conn_action: VmTicketConflictAction = field(default="keep", name="existingConnAction")
    #: Who asks and for whom; handed to hooks.
    params: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return repr_without(self, ("password",))


class VMChangeCDParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.changeCD. Put another image into the CD drive, or eject it (an empty path)."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")
    #: The image and the drive; a plain text is a path for the first CD drive.
    drive_spec: DriveSpec = field(name="driveSpec")


class VMScreenshotParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.screenshot. A picture of what the display shows."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMGetStatsParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.getStats. What the last sample knows about the virtual machine; nothing is asked anew.
    """

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


class VMGetInfoParams(Struct, frozen=True, kw_only=True):
    """Parameters of VM.getInfo. Status of the virtual machine."""

    #: The virtual machine.
    vm_id: UUID = field(name="vmID")


METHODS: tuple[Method, ...] = (
    Method("VM.create", VMCreateParams, ("vmID", "vmParams"), Effect.CHANGE, 60.0),
    Method("VM.destroy", VMDestroyParams, ("vmID", "gracefulAttempts"), Effect.CHANGE, 120.0),
    Method("VM.pause", VMPauseParams, ("vmID",), Effect.CHANGE, 60.0),
    Method("VM.cont", VMContParams, ("vmID",), Effect.CHANGE, 60.0),
    Method("VM.shutdown", VMShutdownParams, ("vmID", "delay", "message", "reboot", "timeout", "force"), Effect.CHANGE, 60.0),
    Method("VM.reset", VMResetParams, ("vmID",), Effect.CHANGE, 60.0),
    Method("VM.setDestroyOnReboot", VMSetDestroyOnRebootParams, ("vmID",), Effect.CHANGE, 60.0),
    Method("VM.setTicket", VMSetTicketParams, ("vmID", "password", "ttl", "existingConnAction", "params"), Effect.CHANGE, 60.0),
    Method("VM.changeCD", VMChangeCDParams, ("vmID", "driveSpec"), Effect.CHANGE, 60.0),
    Method("VM.screenshot", VMScreenshotParams, ("vmID",), Effect.READ, 60.0),
    Method("VM.getStats", VMGetStatsParams, ("vmID",), Effect.READ, 10.0),
    Method("VM.getInfo", VMGetInfoParams, ("vmID",), Effect.READ, 10.0),
)


UNIONS: UnionTable = MappingProxyType({
    DriveSpec: (
        UnionMember(frozenset({"drive_spec"}), DriveSpecVolumeCdrom),
        UnionMember(frozenset({"path", "iface"}), DriveSpecPathCdrom),
        UnionMember(frozenset({"path"}), DriveSpecPath),
        UnionMember(frozenset({"volumeID"}), DriveSpecVolume),
        UnionMember(frozenset({"GUID"}), DriveSpecGUID),
        UnionMember(frozenset({"specParams"}), DriveSpecPayload),
    ),
    VmStats: (
        UnionMember(frozenset({"exitCode"}), ExitedVmStats),
        UnionMember(frozenset(), RunningVmStats),
    ),
})


#: Unions that may also be a plain text, which stands for an object with the text under this key.
TEXT_KEYS: Mapping[type, str] = MappingProxyType({
    DriveSpec: "path",
})
