"""Verbs of class Host: check, call one service, return."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from vdsm.common.context import CallContext
from vdsm.models import host as model
from vdsm.virt.queries import VmQueries

HANDLERS: Mapping[str, str] = MappingProxyType(
    {
        "Host.ping": "ping",
        "Host.ping2": "ping",
        "Host.echo": "echo",
        "Host.getVMList": "get_vm_list",
        "Host.getVMFullList": "get_vm_full_list",
        "Host.getAllVmStats": "get_all_vm_stats",
        "Host.dumpxmls": "dumpxmls",
        "Host.getCapabilities": "get_capabilities",
        "Host.getHardwareInfo": "get_hardware_info",
        "Host.getStats": "get_stats",
        "Host.setKsmTune": "set_ksm_tune",
        "Host.setLogLevel": "set_log_level",
    }
)
"""Wire name to method."""


class HostServices(Protocol):
    """What the verbs of class Host call."""

    async def capabilities(self, context: CallContext) -> Mapping[str, Any]:
        """The host's capabilities, as this caller sees them."""

    async def hardware(self, context: CallContext) -> Mapping[str, Any]:
        """DMI data."""

    def statistics(self) -> Mapping[str, Any]:
        """Numbers of the last sample. Raises: Recovering."""

    async def tune_ksm(self, context: CallContext, tuning: model.KsmTuneParams) -> None:
        """Set kernel same-page merging."""

    def set_log_level(self, level: str, name: str) -> None:
        """Change what is logged."""


class HostVerbs:
    """Handlers of class Host."""

    def __init__(self, host: HostServices, vms: VmQueries) -> None:
        self._host = host
        self._vms = vms

    def ping(self, _context: CallContext, _params: object) -> bool:
        return True

    def echo(self, _context: CallContext, params: model.HostEchoParams) -> str:
        return params.message

    def get_vm_list(self, _context: CallContext, params: model.HostGetVMListParams) -> list[dict[str, Any]]:
        return self._vms.listing("Host.getVMList", params.vm_list)

    def get_vm_full_list(self, _context: CallContext, params: model.HostGetVMFullListParams) -> list[dict[str, Any]]:
        return self._vms.listing("Host.getVMFullList", params.vm_list)

    def get_all_vm_stats(self, _context: CallContext, _params: object) -> msgspec.Raw:
        return self._vms.all_stats()

    def dumpxmls(self, _context: CallContext, params: model.HostDumpxmlsParams) -> dict[str, str]:
        return self._vms.definitions(params.vm_list)

    async def get_capabilities(self, context: CallContext, _params: object) -> Mapping[str, Any]:
        return await self._host.capabilities(context)

    async def get_hardware_info(self, context: CallContext, _params: object) -> Mapping[str, Any]:
        return await self._host.hardware(context)

    def get_stats(self, _context: CallContext, _params: object) -> Mapping[str, Any]:
        return self._host.statistics()

    async def set_ksm_tune(self, context: CallContext, params: model.HostSetKsmTuneParams) -> dict[str, Any]:
        await self._host.tune_ksm(context, params.tuning_params)
        return {"code": 0, "message": "Done"}

    def set_log_level(self, _context: CallContext, params: model.HostSetLogLevelParams) -> bool:
        self._host.set_log_level(params.level, params.name)
        return True
