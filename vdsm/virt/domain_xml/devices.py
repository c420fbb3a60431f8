"""The small device XMLs for libvirt's updateDevice: display tickets and CD media.

Each starts from the device as it is in the live definition, because libvirt compares the rest of the element and
refuses what it cannot change. Nothing here keeps or logs a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, checked_text, optional_attribute, serialise
from vdsm.virt.domain_xml.sources import new_source

_PREFIXES: Mapping[str, str] = MappingProxyType({
    "ide": "hd", "scsi": "sd", "sata": "sd", "usb": "sd", "virtio": "vd", "fdc": "fd", "xen": "xvd",
})  # fmt: skip
_REMOVABLE = frozenset({"cdrom", "floppy"})


VNC_PASSWORD_BYTES = 8
"""RFB's DES authentication uses no more; libvirt refuses a longer password (RFC 6143, 7.2.2)."""


class ConnAction(StrEnum):
    """What happens to who is connected when a ticket is set (the wire's existingConnAction)."""

    KEEP = "keep"
    DISCONNECT = "disconnect"
    FAIL = "fail"


def ticket(root: Element, graphics_type: str, password: str, valid_to: datetime | None, existing: ConnAction) -> str:
    """The graphics element that sets a display password.

    `root`: the live definition; `graphics_type`: vnc or spice; `valid_to`: an aware time, or None for a password that
    does not expire. libvirt knows no other action than keep for VNC, so VNC always gets that one;
    of a VNC password the first eight bytes are used, by clients too.

    Raises: InvalidParameter (no such display, a password that XML cannot carry).
    """
    if valid_to is not None and valid_to.tzinfo is None:
        raise ValueError("the time that a ticket expires needs a time zone")
    found = root.find(f"devices/graphics[@type='{_plain(graphics_type)}']")
    if found is None:
        raise InvalidParameter(parameter="graphicsType", value=graphics_type, reason="the VM has no such display")
    try:
        checked_text(password, "password")
    except InvalidParameter:
        reason = "it has characters that cannot be set"
        raise InvalidParameter(parameter="password", value="********", reason=reason) from None
    graphics = deepcopy(found)
    graphics.set("passwd", _first_bytes(password, VNC_PASSWORD_BYTES) if graphics_type == "vnc" else password)
    graphics.attrib.pop("passwdValidTo", "")
    if valid_to is not None:
        graphics.set("passwdValidTo", valid_to.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    graphics.set("connected", ConnAction.KEEP if graphics_type == "vnc" else existing)
    return serialise(graphics)


def insert_medium(root: Element, target: str, path: str, *, block: bool = False) -> str:
    """The disk element that puts the image at `path` into a CD or floppy drive.

    Raises: InvalidParameter (no such drive, not an absolute path).
    """
    drive = _drive(root, target)
    kind = "block" if block else "file"
    drive.set("type", kind)
    drive.insert(0, new_source(kind, path, "path"))
    return serialise(drive)


def eject_medium(root: Element, target: str) -> str:
    """The disk element that empties a CD or floppy drive.

    Raises: InvalidParameter (no such drive).
    """
    drive = _drive(root, target)
    if drive.get("type") not in {"file", "block"}:
        drive.set("type", "file")
    return serialise(drive)


def drive_name(interface: str, index: int) -> str:
    """The target name of the drive at an index on a bus: `ide`, 2 -> `hdc`.

    Raises: InvalidParameter (an unknown bus, an index out of range).
    """
    prefix = _PREFIXES.get(interface)
    if prefix is None:
        raise InvalidParameter(parameter="iface", value=interface, reason="not a bus that drives can be on")
    if not 0 <= index < 18278:
        raise InvalidParameter(parameter="index", value=index, reason="out of range")
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return prefix + letters


def first_cdrom(root: Element) -> str | None:
    """The target name of the first CD drive, which calls that name none mean."""
    return optional_attribute(root, "devices/disk[@device='cdrom']/target", "dev")


def _drive(root: Element, target: str) -> Element:
    for disk in root.iterfind("devices/disk"):
        if disk.get("device") in _REMOVABLE and optional_attribute(disk, "target", "dev") == target:
            drive = deepcopy(disk)
            for tag in ("source", "backingStore", "mirror"):
                for element in drive.findall(tag):
                    drive.remove(element)
            return drive
    raise InvalidParameter(parameter="name", value=target, reason="the VM has no CD or floppy drive of this name")


def _first_bytes(text: str, count: int) -> str:
    return text.encode()[:count].decode(errors="ignore")


def _plain(name: str) -> str:
    return name if name.isalnum() else ""
