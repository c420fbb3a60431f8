"""Puts the VM services together: who is handed what, and in which order they start and end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.app.config import Config
from vdsm.models.events import vm_status_method
from vdsm.rpc.events import EventHub
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
from vdsm.virt.view import VmStatsView
from vdsm.virt.vms import Vms


@dataclass(frozen=True, slots=True)
class VmServices:
    """All services about VMs."""

    vms: Vms
    lifecycle: VmLifecycle
    shutdown: VmShutdown
    display: VmDisplay
    cdrom: VmCdrom
    console: VmConsole
    queries: VmQueries
    recovery: Recovery
    sampling: Sampling
    guest_agents: GuestAgents
    polls_agents: bool
    samples: bool

    def start(self) -> None:
        """Begin to find, sample and poll VMs."""
        self.recovery.start()
        if self.samples:
            self.sampling.start()
        if self.polls_agents:
            self.guest_agents.start()

    async def close(self) -> None:
        """Stop all that runs; VMs run on."""
        await self.guest_agents.close()
        await self.sampling.close()
        await self.shutdown.close()
        await self.recovery.close()
        for vm in self.vms.known():
            vm.timer.cancel()
            await vm.actor.stop()


def build(
    config: Config, vms: Vms, hypervisor: Hypervisor, events: EventHub, host: Callable[[], HostFacts]
) -> VmServices:
    """Make the services. `host` gives what the placeholders of a manager's XML stand for."""

    def publish(vm_id: str, payload: Mapping[str, Any], notify_time: int) -> None:
        events.publish(vm_status_method(vm_id), {vm_id: payload}, notify_time)

    settings = settings_of(config)
    definition = Definition(hypervisor)
    reactions = Reactions(hypervisor, definition, settings)
    creation = Creation(host, publish, VmStatsView())
    starting = Starting(hypervisor, definition, settings)
    catching_up = CatchingUp(hypervisor, definition, reactions, settings, starting)
    recovery = Recovery(vms, hypervisor, reactions, settings, creation, catching_up)
    sampling = Sampling(vms, hypervisor, settings, recovery.look_up_lost)
    return VmServices(
        vms=vms,
        lifecycle=VmLifecycle(vms, hypervisor, definition, settings, creation, starting),
        shutdown=VmShutdown(vms, hypervisor, definition, settings),
        display=VmDisplay(vms, hypervisor),
        cdrom=VmCdrom(vms, hypervisor, definition),
        console=VmConsole(vms, hypervisor),
        queries=VmQueries(vms),
        recovery=recovery,
        sampling=sampling,
        guest_agents=GuestAgents(vms, hypervisor, settings),
        polls_agents=config.guest_agent.enable_qga_poller,
        samples=config.sampling.enable,
    )


def settings_of(config: Config) -> VirtSettings:
    """Times and limits of the VM services from the configuration."""
    agent = config.guest_agent
    return VirtSettings(
        sample_interval=config.vars.vm_sample_interval,
        command_timeout=config.vars.vm_command_timeout,
        shutdown_delay=config.vars.user_shutdown_timeout,
        shutdown_step=config.vars.sys_shutdown_timeout,
        agent_tick=agent.qga_polling_period,
        agent_timeout=agent.qga_command_timeout,
        agent_users=agent.qga_active_users_period,
        agent_system=agent.qga_sysinfo_period,
        agent_filesystems=agent.qga_disk_info_period,
    )
