"""What callers ask about VMs: answered from what is known, without a call to libvirt, in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms


class VmQueries:
    """Lists, statistics, definitions."""

    def __init__(self, vms: Vms) -> None:
        self._vms = vms

    def listing(self, operation: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
        """`{vmId, status, statusTime}` of all VMs, or of those of `wanted` that exist. Raises: Recovering."""
        return [vm.short() for vm in self._some(operation, wanted)]

    def all_stats(self) -> msgspec.Raw:
        """Statistics of every VM, as JSON. Raises: Recovering."""
        vms = self._vms.all("Host.getAllVmStats")
        return msgspec.Raw(b"[" + b",".join(bytes(vm.stats()) for vm in vms) + b"]")

    def stats(self, vm_id: str) -> list[msgspec.Raw]:
        """Statistics of one VM, in a list. Raises: NoSuchVM, Recovering."""
        return [self._vms.get(vm_id, "VM.getStats").stats()]

    def info(self, vm_id: str) -> dict[str, Any]:
        """`{vmId, status, statusTime}` of one VM. Raises: NoSuchVM, Recovering."""
        return self._vms.get(vm_id, "VM.getInfo").short()

    def definitions(self, wanted: Sequence[str]) -> dict[str, str]:
        """Domain XML by VM id. Raises: Recovering."""
        return {vm.vm_id: vm.xml for vm in self._some("Host.dumpxmls", wanted)}

    def _some(self, operation: str, wanted: Sequence[str]) -> list[Vm]:
        vms = self._vms.all(operation)
        if not wanted:
            return vms
        names = {vm_id.lower() for vm_id in wanted}
        return [vm for vm in vms if vm.vm_id in names]
