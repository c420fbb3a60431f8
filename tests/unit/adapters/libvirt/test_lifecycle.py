from __future__ import annotations

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN
from vdsm.adapters.libvirt.domain import PausedReason, RunState
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor


async def test_suspend_resume_and_the_list(hypervisor: LibvirtHypervisor) -> None:
    await hypervisor.suspend(TEST_DOMAIN)
    record = next(r for r in await hypervisor.list_domains() if r.vm_id == TEST_DOMAIN)
    assert record.name == "test"
    assert record.libvirt_id == 1
    assert record.state.paused_reason is PausedReason.USER
    await hypervisor.resume(TEST_DOMAIN)
    assert (await hypervisor.state(TEST_DOMAIN)).run is RunState.RUNNING
