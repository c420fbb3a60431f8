"""Operations of the privileged helper: parameters, results and limits.

Generated from api/privileged.yaml by api/generate.py; do not edit.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec

VERSION = 1
ResultT_co = TypeVar("ResultT_co", bound=msgspec.Struct, covariant=True)


class OperationSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one operation: seconds, bytes of JSON, descriptors in the reply; `subject`: audited parameters."""

    name: str
    deadline: float
    idempotent: bool
    fds: int
    max_request: int
    max_reply: int
    subject: tuple[str, ...]


class Operation(msgspec.Struct, Generic[ResultT_co], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call of the helper; the fields are its parameters."""

    spec: ClassVar[OperationSpec]
    result_type: ClassVar[type[msgspec.Struct]]


class FileAccess(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who owns a file and what its permission bits allow."""

    uid: int
    gid: int
    mode: int


class KsmState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The settings and counters of kernel same-page merging; what the kernel lacks is absent."""

    run: int | None = None
    pages_to_scan: int | None = None
    sleep_millisecs: int | None = None
    merge_across_nodes: int | None = None
    pages_shared: int | None = None
    pages_sharing: int | None = None
    full_scans: int | None = None


class PingResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of ping."""

    pid: int
    uptime: int


class Ping(
    Operation[PingResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Answer at once; shows that the helper serves calls."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="ping",
        deadline=2.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=(),
    )
    result_type: ClassVar[type[msgspec.Struct]] = PingResult


class HardwareInfoResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of hardware_info."""

    system_manufacturer: str | None = None
    system_product_name: str | None = None
    system_version: str | None = None
    system_serial_number: str | None = None
    system_uuid: str | None = None
    system_family: str | None = None


class HardwareInfo(
    Operation[HardwareInfoResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What the firmware says about this machine (DMI), with the parts that only root may read."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="hardware_info",
        deadline=5.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=(),
    )
    result_type: ClassVar[type[msgspec.Struct]] = HardwareInfoResult


class KvmDevicePrepareResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of kvm_device_prepare."""

    present: bool
    changed: bool
    before: FileAccess | None = None
    after: FileAccess | None = None


class KvmDevicePrepare(
    Operation[KvmDevicePrepareResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Make /dev/kvm usable by QEMU's user through the group kvm (root:kvm, 0660)."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="kvm_device_prepare",
        deadline=5.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=(),
    )
    result_type: ClassVar[type[msgspec.Struct]] = KvmDevicePrepareResult


class ChannelDirectoryPrepareResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of channel_directory_prepare."""

    created: bool
    changed: bool
    before: FileAccess | None = None
    after: FileAccess


class ChannelDirectoryPrepare(
    Operation[ChannelDirectoryPrepareResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Make sure that the directory of VM channels exists, that QEMU's user may create sockets there and that the agent may enter it."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="channel_directory_prepare",
        deadline=5.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=(),
    )
    result_type: ClassVar[type[msgspec.Struct]] = ChannelDirectoryPrepareResult


class ChannelOpenResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of channel_open."""

    layout: Literal["direct", "domain", "short"]


class ChannelOpen(
    Operation[ChannelOpenResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Connect to one guest channel of a VM and hand over the connected socket."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="channel_open",
        deadline=5.0,
        idempotent=True,
        fds=1,
        max_request=4096,
        max_reply=4096,
        subject=("vm_id", "channel"),
    )
    result_type: ClassVar[type[msgspec.Struct]] = ChannelOpenResult

    vm_id: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\Z")]
    channel: Literal["org.qemu.guest_agent.0", "com.redhat.rhevm.vdsm", "ovirt-guest-agent.0"]
    domain_id: Annotated[int, msgspec.Meta(ge=1, le=2147483647)] | None = None
    domain_name: Annotated[str, msgspec.Meta(pattern=r"\A(?:[\w.+:@ -]{1,255})\Z")] | None = None


class KsmStatusResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of ksm_status."""

    state: KsmState


class KsmStatus(
    Operation[KsmStatusResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Settings and counters of kernel same-page merging."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="ksm_status",
        deadline=5.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=(),
    )
    result_type: ClassVar[type[msgspec.Struct]] = KsmStatusResult


class KsmTuneResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of ksm_tune."""

    state: KsmState


class KsmTune(
    Operation[KsmTuneResult], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Change settings of kernel same-page merging; what is absent stays as it is."""

    spec: ClassVar[OperationSpec] = OperationSpec(
        name="ksm_tune",
        deadline=60.0,
        idempotent=True,
        fds=0,
        max_request=4096,
        max_reply=4096,
        subject=("run", "pages_to_scan", "sleep_millisecs", "merge_across_nodes"),
    )
    result_type: ClassVar[type[msgspec.Struct]] = KsmTuneResult

    run: Annotated[int, msgspec.Meta(ge=0, le=2)] | None = None
    pages_to_scan: Annotated[int, msgspec.Meta(ge=0, le=4294967295)] | None = None
    sleep_millisecs: Annotated[int, msgspec.Meta(ge=0, le=4294967295)] | None = None
    merge_across_nodes: Annotated[int, msgspec.Meta(ge=0, le=1)] | None = None


OPERATIONS: Mapping[str, type[Operation[msgspec.Struct]]] = MappingProxyType(
    {
        "ping": Ping,
        "hardware_info": HardwareInfo,
        "kvm_device_prepare": KvmDevicePrepare,
        "channel_directory_prepare": ChannelDirectoryPrepare,
        "channel_open": ChannelOpen,
        "ksm_status": KsmStatus,
        "ksm_tune": KsmTune,
    }
)
