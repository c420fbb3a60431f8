"""All VM services on the fake hypervisor, with every event that they publish: what the tests of `virt` stand on."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devhost.domain import DomainPlan, bios_domain, linux_domain
from devhost.guest import Guest
from tests.fakes.hypervisor import FakeHypervisor
from vdsm.common.context import CallContext, Peer
from vdsm.models.vm import VmParameters
from vdsm.virt.catching_up import CatchingUp
from vdsm.virt.cdrom import VmCdrom
from vdsm.virt.console import VmConsole
from vdsm.virt.creation import Creation
from vdsm.virt.definition import Definition
from vdsm.virt.display import VmDisplay
from vdsm.virt.domain_xml.prepare import HostFacts
from vdsm.virt.guest_agent import GuestAgents
from vdsm.virt.lifecycle import VmLifecycle
from vdsm.virt.queries import VmQueries
from vdsm.virt.reactions import Reactions
from vdsm.virt.recovery import Recovery
from vdsm.virt.sampling import Sampling
from vdsm.virt.settings import VirtSettings
from vdsm.virt.shutdown import VmShutdown
from vdsm.virt.starting import Starting
from vdsm.virt.status import VmStatus
from vdsm.virt.view import VmStatsView
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

FACTS = HostFacts("Debian", "12", "serial", "127.0.0.1")
FAST = VirtSettings(shutdown_delay=0.0, shutdown_step=0.05, destroy_grace=0.05, agent_tick=0.05, powering_down=0.1)
TURNS = 12


@dataclass(frozen=True)
class Told:
    """One VM_status event, and what getAllVmStats said of the VM at that moment."""

    vm_id: str
    payload: Mapping[str, Any]
    time: int
    visible: Mapping[str, Any]

    @property
    def status(self) -> str:
        return str(self.payload["status"])


class VmBed:
    """One life of the agent on a hypervisor; another one may follow on the same hypervisor."""

    def __init__(self, hypervisor: FakeHypervisor | None = None, settings: VirtSettings = FAST) -> None:
        self.fake = hypervisor or FakeHypervisor()
        self.vms = Vms()
        self.told: list[Told] = []
        self.view = VmStatsView()
        definition = Definition(self.fake)
        self.definition = definition
        self.reactions = Reactions(self.fake, definition, settings)
        self.creation = Creation(lambda: FACTS, self._publish, self.view)
        self.starting = Starting(self.fake, definition, settings)
        self.catching_up = CatchingUp(self.fake, definition, self.reactions, settings, self.starting)
        self.recovery = Recovery(self.vms, self.fake, self.reactions, settings, self.creation, self.catching_up)
        self.sampling = Sampling(self.vms, self.fake, settings, self.recovery.look_up_lost)
        self.lifecycle = VmLifecycle(self.vms, self.fake, definition, settings, self.creation, self.starting)
        self.shutdown = VmShutdown(self.vms, self.fake, definition, settings)
        self.display = VmDisplay(self.vms, self.fake)
        self.cdrom = VmCdrom(self.vms, self.fake, definition)
        self.console = VmConsole(self.vms, self.fake)
        self.queries = VmQueries(self.vms)
        self.guest_agents = GuestAgents(self.vms, self.fake, settings)

    async def open(self) -> None:
        """Connect and wait until all VMs are known."""
        self.recovery.start()
        await self.fake.open()
        await eventually(lambda: self.vms.recovered)

    async def close(self) -> None:
        """End this life; domains live on."""
        await self.guest_agents.close()
        await self.sampling.close()
        await self.shutdown.close()
        await self.recovery.close()
        for vm in self.vms.known():
            vm.timer.cancel()
            await vm.actor.stop()

    async def create(self, plan: DomainPlan | None = None, **changes: Any) -> str:
        """A VM whose start has ended, well or not."""
        vm_id = await self.accept(plan, **changes)
        await eventually(lambda: self.vm(vm_id).status is not VmStatus.WAIT_FOR_LAUNCH)
        await self.settle()
        return vm_id

    async def accept(self, plan: DomainPlan | None = None, **changes: Any) -> str:
        """A VM that was accepted."""
        plan = plan or bios(**changes)
        await self.lifecycle.create(VmParameters(xml=plan.xml()))
        return plan.vm_id

    async def up(self, plan: DomainPlan | None = None, **changes: Any) -> str:
        """A VM that is Up, because its guest agent answers."""
        vm_id = await self.create(plan, **changes)
        self.fake.guests.connect_agent(vm_id, {}, {})
        await self.settle()
        assert self.status(vm_id) is VmStatus.UP
        return vm_id

    def vm(self, vm_id: str) -> Vm:
        """Its entry."""
        return self.vms.get(vm_id, "test")

    def status(self, vm_id: str) -> VmStatus:
        """Its status."""
        return self.vm(vm_id).status

    def stats(self, vm_id: str) -> dict[str, Any]:
        """What getAllVmStats says of it."""
        found = [stats for stats in json.loads(bytes(self.queries.all_stats())) if stats["vmId"] == vm_id]
        assert len(found) == 1
        return dict(found[0])

    def statuses(self, vm_id: str) -> list[str]:
        """The statuses that events told of it."""
        return [told.status for told in self.told if told.vm_id == vm_id]

    def exit(self, vm_id: str) -> tuple[int, int]:
        """Exit code and reason, as the statistics say."""
        stats = self.stats(vm_id)
        assert stats["status"] == "Down"
        return stats["exitCode"], stats["exitReason"]

    async def settle(self) -> None:
        """Until nothing is left to do that does not wait for time."""
        for _ in range(TURNS):
            await self.turn()

    async def turn(self) -> None:
        """A few turns of the loop."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def reaches(self, vm_id: str, status: VmStatus) -> None:
        """Wait for a status."""
        await eventually(lambda: self.status(vm_id) is status)

    def calls(self, vm_id: str) -> list[str]:
        """What the hypervisor was asked to do with a VM."""
        return [operation for operation, of in self.fake.calls if of == vm_id]

    def _publish(self, vm_id: str, payload: Mapping[str, Any], notify_time: int) -> None:
        vm = self.vms.find(vm_id)
        visible = {} if vm is None else json.loads(bytes(vm.stats()))
        self.told.append(Told(vm_id, payload, notify_time, visible))


def bios(vm_id: str | None = None, **metadata: Any) -> DomainPlan:
    """The smallest VM, with an agent's channel."""
    vm_id = vm_id or str(uuid.uuid4())
    plan = bios_domain(vm_id, f"vm-{vm_id[:8]}", has_agent_channel=True)
    return DomainPlan(**{**plan.__dict__, "metadata": metadata})


def with_display_and_cd(vm_id: str | None = None) -> DomainPlan:
    """A VM with a VNC display and an empty CD drive (hdc)."""
    vm_id = vm_id or str(uuid.uuid4())
    return linux_domain(Guest("/k", "/i"), vm_id, f"vm-{vm_id[:8]}", machine="pc")  # type: ignore[arg-type]  # never read


def context(seconds: float = 10.0) -> CallContext:
    """A call with a deadline."""
    return CallContext(Peer("unix", "uid=0,pid=1", uid=0), "", "test", time.monotonic() + seconds)


async def eventually(check: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a truth."""
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.002)
