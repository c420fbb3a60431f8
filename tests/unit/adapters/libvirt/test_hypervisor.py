from __future__ import annotations

import inspect
import sys

from tests.fakes.hypervisor import FakeHypervisor
from vdsm.adapters.libvirt import hypervisor as protocol
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor


def test_real_and_fake_have_every_method_with_the_same_parameters() -> None:
    names = [
        name for name, member in inspect.getmembers(protocol.Hypervisor, inspect.isfunction) if not name.startswith("_")
    ]
    assert len(names) > 20
    for made in (LibvirtHypervisor, FakeHypervisor):
        for name in names:
            wanted = inspect.signature(getattr(protocol.Hypervisor, name)).parameters
            assert list(inspect.signature(getattr(made, name)).parameters) == list(wanted), (made, name)


def test_the_protocol_does_not_need_libvirt() -> None:
    assert "libvirt" not in vars(protocol)
    for part in ("domain", "event"):
        assert "libvirt" not in vars(sys.modules[f"vdsm.adapters.libvirt.{part}"])
