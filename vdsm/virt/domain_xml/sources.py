"""Disk source elements as libvirt must get them: with a path, and with libvirt's hands off the file's owner.

With libvirt's dynamic ownership on, a source without the DAC seclabel is given to QEMU's user at start and to root
afterwards, for every host that shares it. libvirt's schema knows no `type` on a device's seclabel (oVirt
writes one, libvirt drops it), so the form written is `<seclabel model='dac' relabel='no'/>`: docs/adr/0004.
"""

from __future__ import annotations

from lxml import etree

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, checked_text

PATH_ATTRIBUTES = (("file", "file"), ("block", "dev"))


def path_attribute(disk_type: str) -> str | None:
    """The source attribute that holds the path for a disk type; None when this type has no path."""
    return dict(PATH_ATTRIBUTES).get(disk_type)


def checked_path(path: str, parameter: str) -> str:
    """The same path when it is absolute and XML can carry it.

    Raises: InvalidParameter.
    """
    if not path.startswith("/"):
        raise InvalidParameter(parameter=parameter, value=path[:200], reason="not an absolute path")
    return checked_text(path, parameter)


def new_source(disk_type: str, path: str, parameter: str) -> Element:
    """A source element with the seclabel. `disk_type`: file or block.

    Raises: InvalidParameter (another type, or not an absolute path).
    """
    name = path_attribute(disk_type)
    if name is None:
        raise InvalidParameter(parameter=parameter, value=disk_type, reason="only files and block devices have a path")
    source = etree.Element("source", {name: checked_path(path, parameter)})
    keep_owner(source)
    return source


def keep_owner(source: Element) -> None:
    """Give a source the DAC seclabel; one that is there is replaced, those of other models stay."""
    for label in source.findall("seclabel"):
        if label.get("model") in {None, "dac"}:
            source.remove(label)
    etree.SubElement(source, "seclabel", model="dac", relabel="no")


def keep_owners(disk: Element) -> None:
    """Give every file and block source of a disk, its backing chain and mirror included, the DAC seclabel."""
    holders = [disk, *disk.iterfind(".//backingStore"), *disk.iterfind("mirror")]
    for holder in holders:
        source = holder.find("source")
        if source is not None and (source.get("file") or source.get("dev")):
            keep_owner(source)
