"""Making the entry of a VM: from a manager's parameters, or from a definition that libvirt has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from vdsm.common.errors import MissingParameter, OperationUnsupported
from vdsm.common.xml import parse
from vdsm.models.vm import VmParameters
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.domain_xml.metadata import (
    EXIT_CODE,
    EXIT_MESSAGE,
    EXIT_REASON,
    SHUTDOWN_REASON,
    START_TIME,
    Changes,
    VmMetadata,
    is_ours,
    read,
)
from vdsm.virt.domain_xml.prepare import HostFacts, Prepared, hide_passwords, prepare
from vdsm.virt.vm import Publish, StatsView, Vm

GUEST_AGENT_CHANNEL = "org.qemu.guest_agent.0"


@dataclass(frozen=True, slots=True)
class Found:
    """A domain of ours that libvirt has."""

    xml: str
    domain: DomainXml
    metadata: VmMetadata


def agent_connected(domain: DomainXml) -> bool:
    """The guest agent had its channel open when the definition was read."""
    channel = domain.channel(GUEST_AGENT_CHANNEL)
    return channel is not None and bool(channel.connected)


def found(xml: str) -> Found | None:
    """Read a definition; None when it does not carry our metadata. Raises: InvalidParameter."""
    root = parse(xml)
    if not is_ours(root):
        return None
    return Found(xml, DomainXml.of(root), read(root))


class Creation:
    """Makes entries of VMs."""

    def __init__(self, host: Callable[[], HostFacts], publish: Publish, stats_view: StatsView) -> None:
        """`host` gives what the placeholders of a manager's XML stand for."""
        self._host = host
        self._publish = publish
        self._stats_view = stats_view

    def prepare(self, params: VmParameters) -> Prepared:
        """The definition that a manager's parameters ask for. Raises: MissingParameter, InvalidParameter."""
        if not params.xml:
            raise MissingParameter(parameter="vmParams.xml", reason="a VM is created from its libvirt domain XML")
        _refuse_saved_state(params)
        changes: Changes = {
            START_TIME: time.time(),
            EXIT_CODE: None,
            EXIT_REASON: None,
            EXIT_MESSAGE: None,
            SHUTDOWN_REASON: None,
        }
        return prepare(params.xml, self._host(), changes=changes)

    def entry(self, definition: Prepared | Found, *, known_until: int = 0) -> Vm:
        """A new entry, waiting for launch. `known_until`: the status time of an earlier entry of the same VM."""
        vm = Vm(
            definition.domain,
            hide_passwords(definition.xml),
            definition.metadata,
            publish=self._publish,
            stats_view=self._stats_view,
            defined=isinstance(definition, Found),
            known_until=known_until,
        )
        started = definition.metadata.number(START_TIME)
        if started is not None:
            vm.started_at = float(started)
        return vm


def _refuse_saved_state(params: VmParameters) -> None:
    """Starting afresh what should go on from a saved state would lose that state."""
    saved = {
        "memoryDumpVolume": params.memory_dump_volume,
        "hiberVolHandle": params.hiber_vol_handle,
        "_X_tpmdata": params.x_tpmdata,
        "_X_nvramdata": params.x_nvramdata,
    }
    for name, value in saved.items():
        if value:
            raise OperationUnsupported(
                operation="create",
                vm_id=params.vm_id or "",
                reason=f"{name}: it cannot be started from saved state yet",
            )
