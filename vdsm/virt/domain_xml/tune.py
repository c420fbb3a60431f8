"""The tuning policy that managers and the memory overcommit manager keep in a VM's metadata.

The element is `qos` in the namespace `http://ovirt.org/vm/tune/1.0`, beside the VM metadata: a CPU limit in per cent
and I/O limits per device. It only carries the policy; applying it is libvirt's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from vdsm.common.errors import InvalidParameter
from vdsm.common.xml import Element, attributes, checked_text, integer, parse, serialise
from vdsm.virt.domain_xml import metadata_tree as tree

TUNE_NAMESPACE = "http://ovirt.org/vm/tune/1.0"

_LIMITS = (
    "total_bytes_sec",
    "read_bytes_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "read_iops_sec",
    "write_iops_sec",
)
_NO_LIMITS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeviceTune:
    """Limits of one disk. `attributes` name it (name, path, or the four volume ids); limits are bytes or I/O per s."""

    attributes: Mapping[str, str]
    guaranteed: Mapping[str, int] = field(default_factory=lambda: _NO_LIMITS)
    maximum: Mapping[str, int] = field(default_factory=lambda: _NO_LIMITS)


@dataclass(frozen=True, slots=True)
class TunePolicy:
    """`vcpu_limit`: per cent of all the VM's CPUs; None when there is no limit."""

    vcpu_limit: int | None = None
    devices: tuple[DeviceTune, ...] = ()

    def to_text(self) -> str:
        """The element as libvirt's setMetadata takes it, without a namespace.

        Raises: InvalidParameter (text that XML cannot carry).
        """
        return serialise(_build(self))


def read(root: Element) -> TunePolicy:
    """The policy of a parsed domain definition; an empty one when there is none.

    Raises: InvalidParameter (a limit that is no number).
    """
    found = root.find(f"metadata/{{{TUNE_NAMESPACE}}}qos")
    return TunePolicy() if found is None else _read(found)


def read_text(text: str) -> TunePolicy:
    """The policy from what libvirt's metadata() gives.

    Raises: InvalidParameter (not XML, or a limit that is no number).
    """
    return _read(parse(text, parameter="qos"))


def _read(element: Element) -> TunePolicy:
    vcpu_limit: int | None = None
    devices: list[DeviceTune] = []
    for item in element.iter():
        name = tree.our_name(item, TUNE_NAMESPACE)
        if name == "vcpuLimit" and (item.text or "").strip():
            vcpu_limit = integer(item.text or "", "qos/vcpuLimit")
        elif name == "device":
            devices.append(DeviceTune(attributes(item), _limits(item, "guaranteed"), _limits(item, "maximum")))
    return TunePolicy(vcpu_limit, tuple(devices))


def _limits(device: Element, kind: str) -> Mapping[str, int]:
    limits: dict[str, int] = {}
    for group in device:
        if tree.our_name(group, TUNE_NAMESPACE) != kind:
            continue
        for item in group:
            name = tree.our_name(item, TUNE_NAMESPACE)
            if name in _LIMITS:
                limits[name] = integer(item.text or "", f"qos/device/{kind}/{name}")
    return limits


def _build(policy: TunePolicy) -> Element:
    root = etree.Element("qos")
    if policy.vcpu_limit is not None:
        etree.SubElement(root, "vcpuLimit").text = str(policy.vcpu_limit)
    if policy.devices:
        listed = etree.SubElement(etree.SubElement(root, "ioTune"), "deviceList")
        for device in policy.devices:
            _add_device(listed, device)
    return root


def _add_device(parent: Element, device: DeviceTune) -> None:
    element = etree.SubElement(parent, "device")
    for name, text in device.attributes.items():
        element.set(tree.checked_name(name), checked_text(text, f"qos/device/@{name}"))
    for kind, limits in (("guaranteed", device.guaranteed), ("maximum", device.maximum)):
        if not limits:
            continue
        group = etree.SubElement(element, kind)
        for name, value in limits.items():
            if name not in _LIMITS:
                raise InvalidParameter(parameter=f"qos/device/{kind}", value=name, reason="not a limit of a disk")
            etree.SubElement(group, name).text = str(value)
