from __future__ import annotations

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor


async def test_it_is_a_hypervisor_and_connects(hypervisor: LibvirtHypervisor) -> None:
    checked: Hypervisor = hypervisor
    assert checked.connected
    assert (await checked.versions()).libvirt >= 9_000_000
    assert "<capabilities" in await checked.capabilities_xml()
    assert hypervisor.pools["passive"].counts["tell its versions"].calls == 1
