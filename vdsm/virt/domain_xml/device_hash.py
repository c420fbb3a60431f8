"""A short text that changes when a VM's devices change; managers read the devices anew when it does.

It depends on the devices alone, so it is the same after a restart of the agent. What changes without a change of
devices is left out: display passwords and their expiry, and whether an agent in the guest is connected.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy

from vdsm.common.xml import Element, serialise

_SECRET = ("passwd", "passwdValidTo", "connected")


def devices_hash(root: Element, *, guest_disks: str = "") -> str:
    """The hash of a parsed domain definition's devices, 32 hexadecimal digits.

    `guest_disks`: any text for the guest's names of its disks, which are part of what managers read.
    """
    devices = root.find("devices")
    if devices is None:
        return hashlib.blake2b(guest_disks.encode(), digest_size=16).hexdigest()
    copy = deepcopy(devices)
    for graphics in copy.iterfind("graphics"):
        for name in _SECRET:
            graphics.attrib.pop(name, "")
    for target in copy.iterfind("channel/target"):
        target.attrib.pop("state", "")
    text = f"{serialise(copy)}\n{guest_disks}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
