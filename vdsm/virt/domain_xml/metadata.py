"""What the agent keeps about a VM inside libvirt's definition, which is its only recovery store.

The element is `vm` in the namespace `http://ovirt.org/vm/1.0`: flat typed values, a map of custom properties, and
one `device` each for what libvirt cannot say about a device. What is not understood here (other elements, values
that do not fit their type hint) is kept and written back as it was. Nothing here talks to libvirt.

libvirt's setMetadata adds the namespace itself and refuses text that declares it, so `VmMetadata.to_text` writes
elements without a namespace, and reading takes both forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from lxml import etree

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, attributes, checked_text, parse, serialise
from vdsm.virt.domain_xml import metadata_tree as tree
from vdsm.virt.domain_xml.metadata_tree import Tree, Value

VM_NAMESPACE = "http://ovirt.org/vm/1.0"
VM_PREFIX = "ovirt-vm"
"""The key and prefix under which libvirt's setMetadata registers the namespace."""

START_TIME = "startTime"
EXIT_CODE = "exitCode"
EXIT_REASON = "exitReason"
EXIT_MESSAGE = "exitMessage"
DESTROY_ON_REBOOT = "destroy_on_reboot"
SHUTDOWN_REASON = "shutdownReason"
"""The exit reason that the VM gets when it goes down: an administrator asked for it before the agent stopped."""
BALLOON_TARGET = "balloonTarget"
LAUNCH_PAUSED = "launchPaused"
MIN_GUARANTEED_MEMORY_MB = "minGuaranteedMemoryMb"
BALLOONING_ENABLED = "ballooningEnabled"

Changes: TypeAlias = Mapping[str, Value | None]
"""New values by name; None removes the value."""

_CUSTOM = "custom"
_DEVICE = "device"


@dataclass(frozen=True, slots=True)
class DeviceMetadata:
    """What is known of one device. It is matched to the device by its attributes.

    `attributes`: devtype, name, alias, mac_address ... as they stand; `values`: flat values, and maps and lists for
    the subkeys of `metadata_tree`; `extras`: other children as XML text.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Tree] = field(default_factory=dict)
    extras: tuple[str, ...] = ()

    def text(self, name: str) -> str | None:
        """A flat value as text; None when it is absent, empty or a container."""
        value = self.values.get(name)
        if value is None or isinstance(value, (list, dict)):
            return None
        return tree.value_text(value) or None


@dataclass(frozen=True, slots=True)
class VmMetadata:
    """The whole element. Immutable: `with_values` gives a changed copy."""

    values: Mapping[str, Value] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[DeviceMetadata, ...] = ()
    extras: tuple[str, ...] = ()

    def device(self, **attributes: str) -> DeviceMetadata | None:
        """The first device whose attributes include all of these."""
        wanted = attributes.items()
        return next((device for device in self.devices if wanted <= device.attributes.items()), None)

    def disk(self, target: str) -> DeviceMetadata | None:
        """The device of the disk with this target name (`vda`)."""
        return self.device(devtype="disk", name=target)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value, whether it carries the type hint `bool` or is the text `true`."""
        value = self.values.get(name)
        if isinstance(value, str):
            return value.strip().lower() in {"true", "1", "yes"}
        return default if value is None else bool(value)

    def number(self, name: str) -> int | float | None:
        """A number, whether hinted or decimal text; None when absent or something else."""
        value = self.values.get(name)
        if isinstance(value, str):
            for hint in ("int", "float"):
                number = tree.hinted(value, hint)
                if isinstance(number, (int, float)):
                    return number
            return None
        return None if isinstance(value, bool) else value

    def text(self, name: str) -> str | None:
        """A value as text; None when absent or empty."""
        value = self.values.get(name)
        return None if value is None else tree.value_text(value) or None

    def with_values(self, changes: Changes) -> VmMetadata:
        """A copy with these values set, or removed where None."""
        values = {name: value for name, value in self.values.items() if name not in changes}
        values.update({name: value for name, value in changes.items() if value is not None})
        return replace(self, values=values)

    def to_text(self) -> str:
        """The element as libvirt's setMetadata takes it: named `vm`, without a namespace.

        Raises: InvalidParameter (a name or value that XML cannot carry).
        """
        return serialise(_build(self))


def read(root: Element) -> VmMetadata:
    """The metadata of a parsed domain definition; empty when it has none."""
    found = root.find(f"metadata/{{{VM_NAMESPACE}}}vm")
    return VmMetadata() if found is None else _read_vm(found)


def read_text(text: str) -> VmMetadata:
    """The metadata from what libvirt's metadata() gives, with or without namespace.

    Raises: InvalidParameter (not XML).
    """
    return _read_vm(parse(text, parameter="metadata"))


def write(root: Element, metadata: VmMetadata) -> None:
    """Put the metadata into a parsed domain definition in place of what is there.

    Raises: InvalidParameter (a name or value that XML cannot carry).
    """
    holder = root.find("metadata")
    if holder is None:
        holder = etree.SubElement(root, "metadata")
    element = etree.Element(f"{{{VM_NAMESPACE}}}vm", nsmap={VM_PREFIX: VM_NAMESPACE})
    plain = _build(metadata)
    tree.set_namespace(plain, VM_NAMESPACE)
    element.extend(list(plain))
    for old in holder.findall(f"{{{VM_NAMESPACE}}}vm"):
        holder.remove(old)
    holder.append(element)


def is_ours(domain: str | Element) -> bool:
    """Whether a domain definition carries our metadata; domains that do not are never touched.

    Raises: InvalidParameter (text that is not XML).
    """
    if isinstance(domain, str):
        if VM_NAMESPACE not in domain:
            return False
        domain = parse(domain)
    return domain.find(f"metadata/{{{VM_NAMESPACE}}}vm") is not None


def changed(text: str, changes: Changes) -> str:
    """The element text for setMetadata after changing values in the element that metadata() gave.

    Raises: InvalidParameter.
    """
    return read_text(text).with_values(changes).to_text()


def _read_vm(element: Element) -> VmMetadata:
    values: dict[str, Value] = {}
    custom: dict[str, str] = {}
    devices: list[DeviceMetadata] = []
    extras: list[str] = []
    for item in element:
        name = tree.our_name(item, VM_NAMESPACE)
        if name == _DEVICE:
            devices.append(_read_device(item))
            continue
        if name == _CUSTOM:
            found = tree.read_map(item, VM_NAMESPACE)
            if found is not None and all(isinstance(value, str) for value in found.values()):
                custom.update({key: str(value) for key, value in found.items()})
                continue
        value = None if name in {None, _CUSTOM} else tree.read_flat(item)
        if name is None or value is None:
            extras.append(tree.kept(item, VM_NAMESPACE))
        else:
            values[name] = value
    return VmMetadata(values, custom, tuple(devices), tuple(extras))


def _read_device(element: Element) -> DeviceMetadata:
    values: dict[str, Tree] = {}
    extras: list[str] = []
    for item in element:
        name = tree.our_name(item, VM_NAMESPACE)
        if name == tree.NOT_KEPT:
            continue
        value = None if name is None else tree.read_tree(name, item, VM_NAMESPACE)
        if name is None or value is None:
            extras.append(tree.kept(item, VM_NAMESPACE))
        else:
            values[name] = value
    return DeviceMetadata(attributes(element), values, tuple(extras))


def _build(metadata: VmMetadata) -> Element:
    root = etree.Element("vm")
    for name, value in metadata.values.items():
        if name in {_CUSTOM, _DEVICE}:
            raise InvalidParameter(parameter=f"metadata/{name}", value=None, reason="the name is taken by the format")
        tree.add_flat(root, name, value)
    tree.add_tree(root, _CUSTOM, dict(metadata.custom))
    for device in metadata.devices:
        element = etree.SubElement(root, _DEVICE)
        for name, text in device.attributes.items():
            element.set(tree.checked_name(name), checked_text(text, f"metadata/device/@{name}"))
        for name, branch in device.values.items():
            tree.add_tree(element, name, branch)
        tree.add_kept(element, device.extras)
    tree.add_kept(root, metadata.extras)
    return root
