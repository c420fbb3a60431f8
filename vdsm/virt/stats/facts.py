"""What a VM's statistics say that no sample changes: names, addresses, identities of its devices.

Made once from the domain definition and its metadata, and again when one of them changes. The dictionaries are parts
of the result in the wire's names; `running` copies them and never changes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vdsm.virt.domain_xml import metadata as keys
from vdsm.virt.domain_xml.domain import Disk, DomainXml, Graphics, Nic
from vdsm.virt.domain_xml.metadata import DeviceMetadata, VmMetadata

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FAST = frozenset({"virtio", "e1000", "e1000e"})
_REMOTE = frozenset({"vnc", "spice"})
_NO_DEVICE = DeviceMetadata()


@dataclass(frozen=True, slots=True)
class BalloonFacts:
    """`minimum` and `target` are KiB; None for a target nobody set yet. `enabled`: it may be moved."""

    minimum: int
    target: int | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class VmFacts:
    """`head`: members of the result; `disks` by target name and `nics` by host name: members of theirs.

    `raw_files`: targets whose apparent size is their capacity, because they are raw files.
    """

    head: Mapping[str, Any]
    disks: Mapping[str, Mapping[str, Any]]
    nics: Mapping[str, Mapping[str, Any]]
    raw_files: frozenset[str]
    balloon: BalloonFacts | None

    @classmethod
    def of(
        cls, domain: DomainXml, metadata: VmMetadata, devices_hash: str, *, vcpu_limit: int | None = None
    ) -> VmFacts:
        """From the live definition and its metadata. `vcpu_limit`: per cent, of the tuning policy."""
        head: dict[str, Any] = {
            "vmId": domain.uuid,
            "vmName": domain.name,
            "vmType": "kvm",
            "kvmEnable": "true" if domain.type == "kvm" else "false",
            "acpiEnable": "true" if domain.acpi else "false",
            "displayInfo": [_display(item) for item in domain.graphics if item.type in _REMOTE],
            "hash": devices_hash,
        }
        if vcpu_limit is not None:
            head["vcpuUserLimit"] = vcpu_limit
        return cls(
            head=head,
            disks={disk.target: _disk(metadata.disk(disk.target) or _NO_DEVICE) for disk in domain.disks},
            nics={nic.target: _nic(nic.target, nic) for nic in domain.nics if nic.target is not None},
            raw_files=frozenset(disk.target for disk in domain.disks if _is_raw_file(disk)),
            balloon=_balloon(domain, metadata),
        )


def _display(graphics: Graphics) -> dict[str, str]:
    return {
        "type": graphics.type,
        "port": str(graphics.port or -1),
        "tlsPort": str(graphics.tls_port or -1),
        "ipAddress": graphics.address or "",
    }


def _disk(device: DeviceMetadata) -> dict[str, str]:
    image, lun = device.text("imageID"), device.text("GUID")
    if image is not None and _UUID.fullmatch(image):
        return {"imageID": image}
    return {} if lun is None else {"lunGUID": lun}


def _is_raw_file(disk: Disk) -> bool:
    return disk.type == "file" and disk.format == "raw"


def _nic(name: str, nic: Nic) -> dict[str, str]:
    speed = "1000" if nic.model in _FAST else "100"
    return {"name": name, "macAddr": nic.mac or "", "speed": speed, "state": "unknown"}


def _balloon(domain: DomainXml, metadata: VmMetadata) -> BalloonFacts | None:
    if domain.balloon in {None, "none"}:
        return None
    minimum = metadata.number(keys.MIN_GUARANTEED_MEMORY_MB) or 0
    target = metadata.number(keys.BALLOON_TARGET)
    enabled = metadata.flag(keys.BALLOONING_ENABLED, default=True)
    return BalloonFacts(int(minimum) * 1024, None if target is None else int(target), enabled)
