"""All VMs of this host, and whether they are all known yet.

An answer that lists, counts or dumps VMs is whole or it is error 99: a manager restarts elsewhere a VM that is missing
from a list. Once every domain of ours has its entry, the entries stay, whatever happens to libvirt.
"""

from __future__ import annotations

from vdsm.common.errors import NoSuchVM, Recovering, VMExists
from vdsm.virt.vm import Vm


class Vms:
    """VMs by id."""

    def __init__(self) -> None:
        self._vms: dict[str, Vm] = {}
        self.recovered = False

    def require_all(self, operation: str) -> None:
        """Raises: Recovering while a VM of ours may have no entry yet."""
        if not self.recovered:
            raise Recovering(operation=operation)

    def all(self, operation: str) -> list[Vm]:
        """Every VM. Raises: Recovering."""
        self.require_all(operation)
        return list(self._vms.values())

    def known(self) -> list[Vm]:
        """The VMs that have an entry so far, for services that look after each on its own."""
        return list(self._vms.values())

    def find(self, vm_id: str) -> Vm | None:
        """The entry, if there is one."""
        return self._vms.get(vm_id.lower())

    def get(self, vm_id: str, operation: str) -> Vm:
        """One VM. Raises: NoSuchVM; Recovering while it may yet be found."""
        vm = self.find(vm_id)
        if vm is None:
            self.require_all(operation)
            raise NoSuchVM(vm_id=vm_id)
        return vm

    def add(self, vm: Vm) -> None:
        """A new entry. Raises: VMExists."""
        if vm.vm_id in self._vms:
            raise VMExists(vm_id=vm.vm_id)
        self._vms[vm.vm_id] = vm

    def remove(self, vm_id: str) -> None:
        """The VM was destroyed."""
        self._vms.pop(vm_id.lower(), None)

    def __len__(self) -> int:
        return len(self._vms)
