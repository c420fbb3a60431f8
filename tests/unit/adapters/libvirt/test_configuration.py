from __future__ import annotations

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor

URI = "http://ovirt.org/vm/1.0"


async def test_metadata_is_written_read_and_removed(hypervisor: LibvirtHypervisor) -> None:
    assert await hypervisor.metadata(TEST_DOMAIN, URI) is None
    await hypervisor.set_metadata(TEST_DOMAIN, "<vm><a>1</a></vm>", uri=URI, prefix="ovirt-vm")
    text = await hypervisor.metadata(TEST_DOMAIN, URI)
    assert text is not None
    assert "<a>1</a>" in text
    assert URI in await hypervisor.domain_xml(TEST_DOMAIN)
    await hypervisor.set_metadata(TEST_DOMAIN, None, uri=URI, prefix="ovirt-vm")
    assert await hypervisor.metadata(TEST_DOMAIN, URI) is None
