"""Events: the name of each and what it carries; who publishes them adds `notify_time`.

Generated from api/schema/events.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field, to_builtins

from vdsm.common.contract import Method
from vdsm.models.vm import (
    GuestMountInfo,
    GuestNetworkDeviceInfo,
    GuestPCIDevice,
    GuestSessionState,
    VmGuestOsInfo,
    VmGuestTimezone,
    VmPauseCode,
    VmStats,
    VmStatus,
)
from vdsm.models.wire import UUID, UInt

#: State of a job of the host.
HostJobStatus = Literal["aborted", "done", "failed", "pending", "running"]

#: What kind of job it is.
HostJobType = Literal["storage", "v2v", "virt"]


class VmStatusEvent(Struct, kw_only=True):
    """What changed about a virtual machine. Coming up sends the whole statistics instead."""

    #: Status after the change.
    status: VmStatus
    #: When this status became visible in the statistics. Unit: ms.
    status_time: str | UnsetType = field(default=UNSET, name="statusTime")
    #: Hash of the devices; the manager reads the domain XML again when it changes.
    hash: str | UnsetType = UNSET
    #: Of a virtual machine that is down; 0 normal or 1 error.
    exit_code: int | UnsetType = field(default=UNSET, name="exitCode")
    #: Why the virtual machine is down; a value of VmExitReason.
    exit_reason: int | UnsetType = field(default=UNSET, name="exitReason")
    #: Why the virtual machine is down, for people.
    exit_message: str | UnsetType = field(default=UNSET, name="exitMessage")
    #: Offset of the guest's clock from UTC. Unit: s. Source: libvirt RTC change event.
    time_offset: int | UnsetType = field(default=UNSET, name="timeOffset")
    #: Why the guest is paused.
    pause_code: VmPauseCode | UnsetType = field(default=UNSET, name="pauseCode")
    #: The drive whose I/O error paused the guest.
    ioerror: VmIoError | UnsetType = UNSET
    #: Address of the connected display client; empty when none. Source: libvirt graphics event.
    client_ip: str | UnsetType = field(default=UNSET, name="clientIp")
    #: User who is logged in to the guest. Source: guest agent.
    username: str | UnsetType = UNSET
    #: State of the guest's desktop session. Source: guest agent.
    session: GuestSessionState | UnsetType = UNSET
    #: Host name of the guest. Source: guest agent.
    guest_name: str | UnsetType = field(default=UNSET, name="guestName")
    #: Fully qualified name of the guest. Source: guest agent.
    guest_fqdn: str | UnsetType = field(default=UNSET, name="guestFQDN")
    #: The guest's addresses separated by spaces. Source: guest agent.
    guest_ips: str | UnsetType = field(default=UNSET, name="guestIPs")
    #: Short name of the guest's operating system. Source: guest agent.
    guest_os: str | UnsetType = field(default=UNSET, name="guestOs")
    #: The guest's operating system. Source: guest agent.
    guest_os_info: VmGuestOsInfo | UnsetType = field(default=UNSET, name="guestOsInfo")
    #: The guest's time zone. Source: guest agent.
    guest_timezone: VmGuestTimezone | UnsetType = field(default=UNSET, name="guestTimezone")
    #: CPUs that are online in the guest. Source: guest agent.
    guest_cpu_count: int | UnsetType = field(default=UNSET, name="guestCPUCount")
    #: Memory that the guest uses. Unit: %. Source: guest agent.
    mem_usage: str | UnsetType = field(default=UNSET, name="memUsage")
    #: Packages of interest that the guest has. Source: guest agent.
    apps_list: list[str] | UnsetType = field(default=UNSET, name="appsList")
    #: The guest's network interfaces. Source: guest agent.
    net_ifaces: list[GuestNetworkDeviceInfo] | UnsetType = field(default=UNSET, name="netIfaces")
    #: The guest's file systems. Source: guest agent.
    disks_usage: list[GuestMountInfo] | UnsetType = field(default=UNSET, name="disksUsage")
    #: The guest's PCI devices and their drivers. Source: guest agent.
    pci_devices: list[GuestPCIDevice] | UnsetType = UNSET


class VmIoError(Struct, kw_only=True):
    """The drive that failed."""

    #: Alias of the drive. Source: libvirt I/O error event.
    alias: str
    #: Name of the drive in the guest, such as vda.
    name: str
    #: Path of the image. Source: libvirt I/O error event.
    path: str


class VmMigrationStatusEvent(Struct, kw_only=True):
    """Progress of an outgoing migration."""

    #: Part that is done; 99 until the migration is over. Unit: %. Source: libvirt job statistics.
    progress: UInt
    #: Whether the migration switched to post-copy.
    postcopy: bool
    #: How long the guest stood still. Unit: ms. Source: libvirt job statistics.
    downtime: UInt | UnsetType = UNSET


class ErrorInfo(Struct, kw_only=True):
    """Why a job failed."""

    #: A code of the error table.
    code: int
    #: The error in words.
    message: str


class JobStatusEvent(Struct, kw_only=True):
    """A job of the host as it ended."""

    #: The job, as its caller named it.
    id: UUID
    #: State of the job.
    status: HostJobStatus
    #: What the job does.
    description: str
    #: Kind of the job.
    job_type: HostJobType
    #: Part that is done. Unit: %.
    progress: UInt | UnsetType = UNSET
    #: Why the job failed.
    error: ErrorInfo | UnsetType = UNSET


def vm_status_method(vm_id: str) -> str:
    """Method of VM_status. The status of a virtual machine, its guest's information or its console connection
    changed.
    """
    return f"|virt|VM_status|{vm_id}"


def vm_status_params(vm_id: str, body: VmStatusEvent | VmStats) -> dict[str, Any]:
    """Parameters of VM_status, without the time."""
    return {vm_id: body}


def vm_migration_status_method(vm_id: str) -> str:
    """Method of VM_migration_status. How far an outgoing migration is; at every look at it and once at its
    end. Not sent by this agent yet.
    """
    return f"|virt|VM_migration_status|{vm_id}"


def vm_migration_status_params(vm_id: str, body: VmMigrationStatusEvent) -> dict[str, Any]:
    """Parameters of VM_migration_status, without the time."""
    return {vm_id: body}


def host_conn_method() -> str:
    """Method of host_conn. The host's addresses or links changed; a manager reads the capabilities again. Not
    sent by this agent yet.
    """
    return "|net|host_conn|no_id"


def jobs_status_method(job_id: str) -> str:
    """Method of jobs_status. A job of the host ended or was aborted. Not sent by this agent yet."""
    return f"|jobs|status|{job_id}"


def jobs_status_params(body: JobStatusEvent) -> dict[str, Any]:
    """Parameters of jobs_status, without the time."""
    params: dict[str, Any] = to_builtins(body)
    return params
