"""The VM services put together, on a hypervisor in memory."""

from __future__ import annotations

import asyncio
import json
import uuid

from tests.fakes.hypervisor import FakeHypervisor
from vdsm.app.config import Config, GuestAgent, Vars
from vdsm.app.vm_services import build, settings_of
from vdsm.models.vm import VmParameters
from vdsm.rpc.events import EventHub
from vdsm.virt.domain_xml.prepare import HostFacts
from vdsm.virt.status import VmStatus
from vdsm.virt.vms import Vms

FACTS = HostFacts(os_name="debian", os_version="12", serial="s", display_address="0")


def _xml(vm_id: str) -> str:
    return (
        f"<domain type='qemu'><name>one</name><uuid>{vm_id}</uuid><memory>16384</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os><metadata>"
        "<ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'/></metadata></domain>"
    )


async def test_a_vm_lives_and_its_events_carry_the_time_that_lists_show() -> None:
    hypervisor, events, vms = FakeHypervisor(), EventHub(), Vms()
    told: list[dict[str, object]] = []
    events.attach(lambda body: told.append(json.loads(body)))
    services = build(Config(), vms, hypervisor, events, lambda: FACTS)
    await hypervisor.open()
    services.start()
    try:
        vm_id = str(uuid.uuid4())
        async with asyncio.timeout(5):
            while not vms.recovered:
                await asyncio.sleep(0.01)
        await services.lifecycle.create(VmParameters(xml=_xml(vm_id)))
        vm = vms.get(vm_id, "test")
        assert await vm.until(lambda: vm.status is VmStatus.POWERING_UP, 5)
        last = told[-1]
        assert last["method"] == f"|virt|VM_status|{vm_id}"
        params = last["params"]
        assert isinstance(params, dict)
        assert params["notify_time"] == int(services.queries.info(vm_id)["statusTime"])
        assert params[vm_id]["status"] == "Powering up"
        await services.lifecycle.destroy(vm_id, 1)
        assert services.queries.listing("Host.getVMList", []) == []
    finally:
        await services.close()
        await hypervisor.close()


def test_settings_come_from_the_configuration() -> None:
    config = Config(vars=Vars(sys_shutdown_timeout=7), guest_agent=GuestAgent(qga_command_timeout=3))
    settings = settings_of(config)
    assert (settings.shutdown_step, settings.agent_timeout) == (7, 3)
