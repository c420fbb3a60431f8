"""A typed, read-only view of a domain definition: what the agent needs to know of a VM.

Made once from the XML that a manager sent or that libvirt reports, by recovery, lifecycle and statistics. It never
changes the XML (`prepare` and `devices` do) and never asks libvirt.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from types import MappingProxyType

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, attribute, child, child_text, integer, optional_attribute, optional_text, parse

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SOURCE_ATTRIBUTES = ("file", "dev", "name", "dir", "volume")
_UNIT_BYTES = MappingProxyType({
    "b": 1, "bytes": 1,
    "KB": 1000, "k": 1024, "KiB": 1024,
    "MB": 1000**2, "M": 1024**2, "MiB": 1024**2,
    "GB": 1000**3, "G": 1024**3, "GiB": 1024**3,
    "TB": 1000**4, "T": 1024**4, "TiB": 1024**4,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Disk:
    """`device`: disk, cdrom, floppy or lun; `type`: file, block, network ...; `source` is None when empty."""

    device: str
    type: str
    source: str | None
    target: str
    bus: str | None
    serial: str | None
    readonly: bool
    alias: str | None
    error_policy: str | None
    format: str | None


@dataclass(frozen=True, slots=True)
class Nic:
    """`target` is the tap's name on the host, None until libvirt made it; `source` the bridge or network."""

    type: str
    mac: str | None
    target: str | None
    alias: str | None
    model: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Graphics:
    """A display. Ports are None until assigned (libvirt's -1); `address` is where it listens."""

    type: str
    port: int | None
    tls_port: int | None
    address: str | None
    network: str | None
    autoport: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """A port to an agent in the guest, by name; `path` is its socket on the host."""

    name: str
    path: str | None
    connected: bool | None


@dataclass(frozen=True, slots=True)
class DomainXml:
    """A domain definition. Memory is KiB; `max_vcpus` is what may be plugged, `vcpus` what is there at start."""

    uuid: str
    name: str
    type: str
    memory_kib: int
    current_memory_kib: int
    vcpus: int
    max_vcpus: int
    acpi: bool
    on_reboot: str | None
    clock_adjustment: int
    balloon: str | None
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]
    graphics: tuple[Graphics, ...]
    channels: tuple[Channel, ...]

    @classmethod
    def parse(cls, text: str) -> DomainXml:
        """From XML text. Raises: InvalidParameter."""
        return cls.of(parse(text))

    @classmethod
    def of(cls, root: Element) -> DomainXml:
        """From a parsed definition.

        Raises: InvalidParameter (not a domain, no valid uuid or name, a number that is none).
        """
        if root.tag != "domain":
            raise InvalidParameter(parameter="xml", value=str(root.tag)[:80], reason="not a domain definition")
        memory = _kib(root, "memory")
        max_vcpus = integer(root.findtext("vcpu") or "1", "vcpu")
        current = optional_attribute(root, "vcpu", "current")
        return cls(
            uuid=domain_uuid(root),
            name=child_text(root, "name"),
            type=attribute(root, "type"),
            memory_kib=memory,
            current_memory_kib=memory if root.find("currentMemory") is None else _kib(root, "currentMemory"),
            vcpus=max_vcpus if current is None else integer(current, "vcpu/@current"),
            max_vcpus=max_vcpus,
            acpi=root.find("features/acpi") is not None,
            on_reboot=optional_text(root, "on_reboot"),
            clock_adjustment=_adjustment(root),
            balloon=optional_attribute(root, "devices/memballoon", "model"),
            disks=tuple(_disk(item) for item in root.iterfind("devices/disk")),
            nics=tuple(_nic(item) for item in root.iterfind("devices/interface")),
            graphics=tuple(_graphics(item) for item in root.iterfind("devices/graphics")),
            channels=tuple(_channels(root)),
        )

    def disk(self, target: str) -> Disk | None:
        """The disk with this target name."""
        return next((disk for disk in self.disks if disk.target == target), None)

    def channel(self, name: str) -> Channel | None:
        """The channel with this name, such as `org.qemu.guest_agent.0`."""
        return next((channel for channel in self.channels if channel.name == name), None)


def domain_uuid(root: Element) -> str:
    """The uuid of a parsed definition, in lower case.

    Raises: InvalidParameter (missing, or not of the form 8-4-4-4-12).
    """
    text = child_text(root, "uuid")
    if not _UUID.fullmatch(text):
        raise InvalidParameter(parameter="domain/uuid", value=text[:80], reason="not a UUID of the form 8-4-4-4-12")
    return str(uuid.UUID(text))


def source_of(source: Element | None) -> str | None:
    """What a disk's source element points at: path, or name on the network; None when it is empty."""
    if source is None:
        return None
    return next((source.get(name) for name in _SOURCE_ATTRIBUTES if source.get(name)), None)


def _kib(root: Element, tag: str) -> int:
    element = child(root, tag)
    unit = element.get("unit", "KiB")
    if unit not in _UNIT_BYTES:
        raise InvalidParameter(parameter=f"domain/{tag}/@unit", value=unit[:20], reason="not a unit of memory")
    return -(-integer(element.text or "", f"domain/{tag}") * _UNIT_BYTES[unit] // 1024)


def _adjustment(root: Element) -> int:
    text = optional_attribute(root, "clock", "adjustment")
    return integer(text, "clock/@adjustment") if text is not None and text != "reset" else 0


def _disk(element: Element) -> Disk:
    return Disk(
        device=element.get("device", "disk"),
        type=element.get("type", "file"),
        source=source_of(element.find("source")),
        target=attribute(child(element, "target"), "dev"),
        bus=optional_attribute(element, "target", "bus"),
        serial=optional_text(element, "serial"),
        readonly=element.find("readonly") is not None,
        alias=optional_attribute(element, "alias", "name"),
        error_policy=optional_attribute(element, "driver", "error_policy"),
        format=optional_attribute(element, "driver", "type"),
    )


def _nic(element: Element) -> Nic:
    source = element.find("source")
    names = () if source is None else ("bridge", "network", "dev")
    return Nic(
        type=attribute(element, "type"),
        mac=optional_attribute(element, "mac", "address"),
        target=optional_attribute(element, "target", "dev"),
        alias=optional_attribute(element, "alias", "name"),
        model=optional_attribute(element, "model", "type"),
        source=next((source.get(name) for name in names if source is not None and source.get(name)), None),
    )


def _graphics(element: Element) -> Graphics:
    listen = element.find("listen")
    address = element.get("listen") if listen is None else listen.get("address") or element.get("listen")
    return Graphics(
        type=attribute(element, "type"),
        port=_port(element, "port"),
        tls_port=_port(element, "tlsPort"),
        address=address,
        network=None if listen is None else listen.get("network"),
        autoport=element.get("autoport") == "yes",
    )


def _port(element: Element, name: str) -> int | None:
    text = element.get(name)
    port = -1 if text is None else integer(text, f"graphics/@{name}")
    return port if port > 0 else None


def _channels(root: Element) -> list[Channel]:
    found: list[Channel] = []
    for element in root.iterfind("devices/channel"):
        name = optional_attribute(element, "target", "name")
        if name is None:
            continue
        state = optional_attribute(element, "target", "state")
        path = optional_attribute(element, "source", "path")
        found.append(Channel(name, path, None if state is None else state == "connected"))
    return found
