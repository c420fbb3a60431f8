"""Puts the host services together: capabilities, statistics, hardware, kernel same-page merging, log levels."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vdsm.adapters.iproute import IpRoute
from vdsm.adapters.libvirt.hypervisor import ConnectionRestored, Hypervisor, HypervisorEvent
from vdsm.adapters.packages import Packages
from vdsm.adapters.privileged.operations import PrivilegedOperations
from vdsm.adapters.sysfs import Cpu, Memory, Network, Platform, Tree
from vdsm.app.config import Config
from vdsm.app.logging import set_level
from vdsm.common.context import CallContext
from vdsm.common.errors import BackendError, VdsmError
from vdsm.common.process import run
from vdsm.host.capabilities import Capabilities, CapabilitySettings
from vdsm.host.hardware import Hardware
from vdsm.host.hypervisor import HypervisorInformation
from vdsm.host.kernel_reads import KernelReads
from vdsm.host.ksm import KsmTuning
from vdsm.host.network import Visibility
from vdsm.host.sample import SampleReader
from vdsm.host.stats import HostStatistics, VmCounts
from vdsm.models.host import KsmTuneParams
from vdsm.virt.domain_xml.prepare import HostFacts
from vdsm.virt.status import VmStatus
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)


class HostServices:
    """All services about the host; the verbs of class Host call it."""

    def __init__(self, config: Config, hypervisor: Hypervisor, helper: PrivilegedOperations, vms: Vms) -> None:
        tree = Tree()
        cpu, memory, network, platform = Cpu(tree), Memory(tree), Network(tree), Platform(tree)
        reads = KernelReads()
        self._helper = helper
        self._vms = vms
        self._platform = platform
        self._serial = ""
        self._hypervisor = HypervisorInformation(hypervisor, os.uname().machine)
        self._hardware = Hardware(helper.hardware_info, platform, config.vdsmd.host_id_file, reads)
        self._ksm = KsmTuning(helper.call)
        self._statistics = HostStatistics(
            SampleReader(cpu, memory, network, platform, ("/tmp", "/var/log", config.vdsmd.run_dir)),  # noqa: S108 - oVirt's paths
            self._count,
            config.vars.host_sample_stats_interval,
        )
        self._capabilities = Capabilities(
            cpu=cpu,
            memory=memory,
            kernel_network=network,
            platform=platform,
            iproute=IpRoute(run),
            packages=Packages(run),
            hypervisor=self._hypervisor,
            hardware=self._hardware,
            reads=reads,
            settings=_capability_settings(config),
        )
        self._samples = config.sampling.enable
        self._preparing: asyncio.Task[None] | None = None
        self._unsubscribe = hypervisor.subscribe(self._on_event)

    def start(self) -> None:
        """Begin to sample, and have the privileged helper prepare what VMs need."""
        if self._samples:
            self._statistics.start()
        self._preparing = asyncio.get_running_loop().create_task(self._prepare(), name="prepare host")

    async def close(self) -> None:
        """Stop."""
        self._unsubscribe()
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait({self._preparing})
        await self._statistics.close()

    def facts(self) -> HostFacts:
        """What the placeholders of a manager's XML stand for, as far as it is known now."""
        try:
            system = self._platform.operating_system()
            name, version = system.id, system.version
        except BackendError as error:
            log.warning("the operating system cannot be told: %s", error)
            name = version = ""
        return HostFacts(os_name=name, os_version=version, serial=self._serial, display_address="0")

    async def capabilities(self, context: CallContext) -> Mapping[str, Any]:
        """Host.getCapabilities."""
        return await self._capabilities.report(context.peer.local_address)

    async def hardware(self, _context: CallContext) -> Mapping[str, Any]:
        """Host.getHardwareInfo. Raises: HardwareInfoFailed."""
        return await self._hardware.information()

    def statistics(self) -> Mapping[str, Any]:
        """Host.getStats. Raises: Recovering."""
        return self._statistics.report()

    async def tune_ksm(self, _context: CallContext, tuning: KsmTuneParams) -> None:
        """Host.setKsmTune. Raises: KsmTuneFailed, InvalidParameter."""
        await self._ksm.tune(
            run=tuning.run,
            pages_to_scan=tuning.pages_to_scan,
            sleep_millisecs=tuning.sleep_millisecs,
            merge_across_nodes=tuning.merge_across_nodes,
        )

    def set_log_level(self, level: str, name: str) -> None:
        """Host.setLogLevel. Raises: InvalidParameter."""
        set_level(name, level)
        log.warning("log level of %s is %s now", name or "everything", level)

    def _count(self) -> VmCounts:
        vms = self._vms.all("Host.getStats")
        return VmCounts(
            total=len(vms),
            active=sum(vm.status is not VmStatus.DOWN for vm in vms),
            outgoing=sum(vm.status is VmStatus.MIGRATION_SOURCE for vm in vms),
            incoming=sum(vm.status is VmStatus.MIGRATION_DESTINATION for vm in vms),
        )

    def _on_event(self, event: HypervisorEvent) -> None:
        if isinstance(event, ConnectionRestored):
            self._hypervisor.forget()

    async def _prepare(self) -> None:
        """Each step on its own: a host without KVM still has channels."""
        await self._step("prepare /dev/kvm", self._helper.prepare_kvm_device)
        await self._step("prepare the channel directory", self._helper.prepare_channel_directory)
        try:
            self._serial = await self._hardware.host_id()
        except VdsmError as error:
            log.warning("the host's id cannot be told: %s", error)

    async def _step(self, what: str, call: Callable[[], Awaitable[object]]) -> None:
        try:
            log.debug("%s: %s", what, await call())
        except VdsmError as error:
            log.warning("cannot %s: %s", what, error)


def _capability_settings(config: Config) -> CapabilitySettings:
    values = config.vars
    return CapabilitySettings(
        host_mem_reserve=values.host_mem_reserve,
        extra_mem_reserve=values.extra_mem_reserve,
        guest_ram_overhead=values.guest_ram_overhead,
        visibility=Visibility(values.fake_nics, values.hidden_nics, values.hidden_bonds, values.hidden_vlans),
    )
