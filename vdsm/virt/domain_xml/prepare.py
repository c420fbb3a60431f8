"""What the agent does to a manager's domain XML before libvirt gets it.

Managers send placeholders where only the host knows the value, and disks may come without a path. `prepare` fills
them, protects disk ownership and display passwords, and writes the metadata that makes the domain ours. Applied
to its own output it changes nothing. Called by lifecycle before define.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from vdsm.common.errors import InvalidParameter, MissingParameter
from vdsm.common.xml import Element, attribute, checked_text, child, child_text, parse, serialise
from vdsm.virt.domain_xml import metadata
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.domain_xml.metadata import Changes, DeviceMetadata, VmMetadata
from vdsm.virt.domain_xml.sources import checked_path, keep_owners, path_attribute

PASSWORD_PLACEHOLDER = "*****"  # noqa: S105 - the known text that managers send instead of a password
PASSWORD_EXPIRED = "1970-01-01T00:00:01"  # noqa: S105 - a time, UTC: nobody can connect until a ticket is set

_NETWORK_PREFIX = "vdsm-"
_BAD_NAME = re.compile("[/\x00-\x1f\x7f]")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What placeholders stand for. `display_addresses`: display address by network, else `display_address`."""

    os_name: str
    os_version: str
    serial: str
    display_address: str
    display_addresses: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The result: `xml` to define, and the typed views of it."""

    xml: str
    domain: DomainXml
    metadata: VmMetadata


def prepare(
    text: str, host: HostFacts, *, paths: Mapping[str, str] = _NOTHING, changes: Changes = MappingProxyType({})
) -> Prepared:
    """Make a manager's XML ready to define.

    `paths`: resolved paths by target name, which win over those in the XML and in the metadata; `changes`:
    metadata values to set or, where None, to remove. The VM's id is the one in the XML.

    Raises: InvalidParameter, MissingParameter (no uuid, no name, a disk without a path, a lease).
    """
    root = parse(text)
    DomainXml.of(root)
    _check_name(root)
    if root.find("devices/lease") is not None:
        raise InvalidParameter(parameter="xml/devices/lease", value=None, reason="leases of VMs are not supported yet")
    vm = metadata.read(root).with_values(changes)
    _fill_sysinfo(root, host)
    for graphics in root.iterfind("devices/graphics"):
        _fill_listen(graphics, host)
        _expire_placeholder(graphics)
    for disk in root.iterfind("devices/disk"):
        _prepare_disk(disk, vm, paths)
    if vm.flag(metadata.DESTROY_ON_REBOOT):
        _set_text(root, "on_reboot", "destroy")
    metadata.write(root, vm)
    etree.cleanup_namespaces(root)
    return Prepared(serialise(root), DomainXml.of(root), vm)


def epitaph(vm_id: str, name: str, vm: VmMetadata) -> str:
    """A definition without devices that keeps the metadata of a VM whose own definition libvirt refused.

    Its name may be taken, which may be why: so it carries the id.
    """
    root = parse("<domain type='qemu'><memory unit='MiB'>16</memory><os><type>hvm</type></os></domain>")
    etree.SubElement(root, "name").text = f"{name}-{vm_id}"
    etree.SubElement(root, "uuid").text = vm_id
    metadata.write(root, vm)
    return serialise(root)


def hide_passwords(text: str) -> str:
    """The definition as it may be shown: display passwords are placeholders. Raises: InvalidParameter."""
    if "passwd" not in text:
        return text
    root = parse(text)
    for graphics in root.iterfind("devices/graphics[@passwd]"):
        graphics.set("passwd", PASSWORD_PLACEHOLDER)
    return serialise(root)


def _check_name(root: Element) -> None:
    name = child_text(root, "name")
    if _BAD_NAME.search(name):
        raise InvalidParameter(parameter="domain/name", value=name[:80], reason="it has a slash or control character")


def _fill_sysinfo(root: Element, host: HostFacts) -> None:
    known = {"OS-NAME:": host.os_name, "OS-VERSION:": host.os_version, "HOST-SERIAL:": host.serial}
    for entry in root.iterfind("sysinfo//entry"):
        value = known.get((entry.text or "").strip())
        if value is not None:
            entry.text = checked_text(value, "host facts")


def _fill_listen(graphics: Element, host: HostFacts) -> None:
    for listen in graphics.iterfind("listen"):
        if listen.get("type") != "network":
            continue
        network = (listen.get("network") or "").removeprefix(_NETWORK_PREFIX)
        address = host.display_addresses.get(network, host.display_address)
        listen.attrib.clear()
        listen.set("type", "address")
        listen.set("address", address)
        graphics.attrib.pop("listen", "")


def _expire_placeholder(graphics: Element) -> None:
    if graphics.get("passwd") == PASSWORD_PLACEHOLDER:
        graphics.set("passwdValidTo", PASSWORD_EXPIRED)


def _prepare_disk(disk: Element, vm: VmMetadata, paths: Mapping[str, str]) -> None:
    target = attribute(child(disk, "target"), "dev")
    known = vm.disk(target) or DeviceMetadata()
    name = path_attribute(disk.get("type", "file"))
    if name is not None:
        _fill_source(disk, name, target, known, paths.get(target))
    keep_owners(disk)
    image = known.text("imageID")
    if image is not None and disk.get("device", "disk") == "disk" and disk.find("serial") is None:
        etree.SubElement(disk, "serial").text = image


def _fill_source(disk: Element, name: str, target: str, known: DeviceMetadata, path: str | None) -> None:
    source = disk.find("source")
    parameter = f"xml/devices/disk[{target}]/source"
    found = path or (source is not None and source.get(name)) or known.text("path")
    if found:
        if source is None:
            source = etree.SubElement(disk, "source")
        source.set(name, checked_path(found, parameter))
        return
    if disk.get("device", "disk") in {"cdrom", "floppy"} and "payload" not in known.values:
        if source is not None:
            disk.remove(source)
        return
    volume = known.text("volumeID") or known.text("GUID")
    what = "its payload has not been written" if volume is None else f"volume {volume} has not been prepared"
    if volume is None and "payload" not in known.values:
        what = "neither the XML nor the metadata names one"
    raise MissingParameter(parameter=parameter, reason=f"disk {target} has no path: {what}")


def _set_text(root: Element, tag: str, text: str) -> None:
    element = root.find(tag)
    if element is None:
        element = etree.SubElement(root, tag)
    element.text = text
