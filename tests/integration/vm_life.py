"""The VM services of the agent on real libvirt, without its transport: one life of them, and another after it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from devhost.domain import DomainPlan
from devhost.libvirtd import PrivateLibvirtd
from vdsm.adapters.libvirt.connection import ConnectionSettings
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.app.config import Config, GuestAgent, Sampling, Vars
from vdsm.app.vm_services import VmServices, build
from vdsm.common.context import CallContext, Peer
from vdsm.models.vm import VmParameters
from vdsm.rpc.events import EventHub
from vdsm.virt.domain_xml.prepare import HostFacts
from vdsm.virt.vms import Vms

FACTS = HostFacts("Debian", "12", "serial", "127.0.0.1")
CONFIG = Config(
    vars=Vars(sys_shutdown_timeout=20, user_shutdown_timeout=0, vm_sample_interval=2),
    sampling=Sampling(),
    guest_agent=GuestAgent(qga_polling_period=1),
)


class Life:
    """One life of the agent's VM services."""

    def __init__(self, daemon: PrivateLibvirtd, config: Config = CONFIG) -> None:
        self.daemon = daemon
        self.hypervisor = LibvirtHypervisor(ConnectionSettings(daemon.uri))
        self.vms = Vms()
        self.events: list[dict[str, Any]] = []
        hub = EventHub()
        hub.attach(lambda body: self.events.append(json.loads(body)))
        self.services: VmServices = build(config, self.vms, self.hypervisor, hub, lambda: FACTS)

    async def __aenter__(self) -> Life:
        await self.hypervisor.open()
        self.services.start()
        await until("all VMs are known", lambda: self.vms.recovered)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.services.close()
        await self.hypervisor.close()

    async def create(self, plan: DomainPlan) -> str:
        """Accept a VM and wait until its start has ended."""
        await self.services.lifecycle.create(VmParameters(xml=plan.xml()))
        await until("its start ended", lambda: self.status(plan.vm_id) != "WaitForLaunch")
        return plan.vm_id

    def status(self, vm_id: str) -> str:
        """Its status on the wire."""
        return str(self.services.queries.info(vm_id)["status"])

    def stats(self, vm_id: str) -> dict[str, Any]:
        """What getAllVmStats says of it."""
        everything = json.loads(bytes(self.services.queries.all_stats()))
        return dict(next(stats for stats in everything if stats["vmId"] == vm_id))

    async def reaches(self, vm_id: str, status: str, seconds: float = 40) -> None:
        """Wait for a status."""
        await until(f"{vm_id} is {status}", lambda: self.status(vm_id) == status, seconds)

    async def down(self, vm_id: str, seconds: float = 40) -> tuple[int, int]:
        """Wait for its end; exit code and reason."""
        await self.reaches(vm_id, "Down", seconds)
        stats = self.stats(vm_id)
        return stats["exitCode"], stats["exitReason"]

    def told(self, vm_id: str) -> list[tuple[str, int]]:
        """Status and time of its events."""
        return [
            (event["params"][vm_id]["status"], event["params"]["notify_time"])
            for event in self.events
            if vm_id in event["params"]
        ]

    async def virsh(self, *words: str) -> str:
        """What somebody else on the host does."""
        return await asyncio.to_thread(self._virsh, *words)

    def _virsh(self, *words: str) -> str:
        done = subprocess.run(
            ["/usr/bin/virsh", "--quiet", "--connect", self.daemon.uri, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return done.stdout.strip()


def context(seconds: float = 30) -> CallContext:
    """A call with a deadline."""
    return CallContext(Peer("unix", "uid=0,pid=1", uid=0), "", "test", time.monotonic() + seconds)


async def until(what: str, check: Callable[[], object], seconds: float = 40) -> None:
    """Wait for a truth."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.02)
