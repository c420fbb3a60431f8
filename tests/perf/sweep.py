"""One sweep of real, paused QEMUs against libvirt's bare bulk call with the same groups.

The sweep is the agent's own, on its own connections: its adapter, its sampling and its encoding of every VM's
statistics, put together as in the agent; it runs in this process, because the agent does not tell how long one took.
"""

from __future__ import annotations

import asyncio
import time

import libvirt

from tests.perf.host import Host
from tests.perf.result import Row, median, spread, verdict
from vdsm.adapters.libvirt.connection import ConnectionSettings
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.app.config import Config
from vdsm.app.vm_services import VmServices, build
from vdsm.rpc.events import EventHub
from vdsm.virt.domain_xml.prepare import HostFacts
from vdsm.virt.vms import Vms

NAME = "sweep"

_MOST_RATIO = 1.5
_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
_ACTIVE = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE


def run(host: Host) -> list[Row]:
    """Measure."""
    count = host.rounds(100, 10)
    with host.progress.step(f"{count} paused VMs") as step:
        host.vms.ensure(count, step.say)
    ours, bare = asyncio.run(_measure(host.libvirt.uri, len(host.vms.ids), host.rounds(25, 10)))
    # of each pair of rounds, so that a busy neighbour who comes and goes cannot make the ratio
    ratio = median([sweep / call for sweep, call in zip(ours, bare, strict=True)])
    return [
        Row(
            f"a sweep over {len(host.vms.ids)} real paused QEMUs, encoded, ms",
            spread(ours, 1e3, 1),
            f"<= {_MOST_RATIO} times",
            f"bare bulk call {spread(bare, 1e3, 1)}",
            f"{ratio:.2f}",
            verdict(met=ratio <= _MOST_RATIO),
        )
    ]


async def _measure(uri: str, count: int, rounds: int) -> tuple[list[float], list[float]]:
    vms = Vms()
    hypervisor = LibvirtHypervisor(ConnectionSettings(uri=uri))
    services = build(Config(), vms, hypervisor, EventHub(), lambda: HostFacts("", "", "", "0"))
    connection = libvirt.open(uri)
    ours: list[float] = []
    bare: list[float] = []
    try:
        await hypervisor.open()
        services.recovery.start()
        await _wait_known(vms, count)
        for number in range(rounds + 1):
            sweep = await _sweep(services)
            call = await asyncio.to_thread(_bulk_call, connection)
            if number:
                ours.append(sweep)
                bare.append(call)
    finally:
        await services.close()
        await hypervisor.close()
        connection.close()
    return ours, bare


async def _sweep(services: VmServices) -> float:
    started = time.perf_counter()
    await services.sampling.sweep()
    services.queries.all_stats()
    return time.perf_counter() - started


def _bulk_call(connection: libvirt.virConnect) -> float:
    started = time.perf_counter()
    connection.getAllDomainStats(_GROUPS, _ACTIVE)
    return time.perf_counter() - started


async def _wait_known(vms: Vms, count: int) -> None:
    async with asyncio.timeout(60):
        while not (vms.recovered and len(vms) == count):
            await asyncio.sleep(0.02)
