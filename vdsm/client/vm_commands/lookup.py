"""Which VM the user means: its id, a unique start of its id, or its name."""

from __future__ import annotations

import re
from typing import Any

from vdsm.client.client import Client
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find_vm_id(client: Client, wanted: str) -> str:
    """The id of the VM that `wanted` names; a whole id is taken as it is. Raises: Failure and the client's errors."""
    if is_whole_id(wanted):
        return wanted
    return str(choose(client.call("Host.getAllVmStats", {}), wanted)["vmId"])


def is_whole_id(wanted: str) -> bool:
    """Whether this needs no asking."""
    return _UUID.fullmatch(wanted) is not None


def choose(vms: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The one of `vms` (each with vmId, maybe vmName) that `wanted` names. Raises: Failure."""
    exact = [vm for vm in vms if vm["vmId"] == wanted]
    named = [vm for vm in vms if vm.get("vmName") == wanted]
    started = [vm for vm in vms if wanted and str(vm["vmId"]).startswith(wanted)]
    for found in (exact, named, started):
        if len(found) == 1:
            return found[0]
        if found:
            raise Failure(ExitCode.NO_SUCH_VM, f"{wanted!r} names more than one VM: {_names(found)}; give the id")
    known = f"this host has {_names(vms)}" if vms else "this host has none"
    raise Failure(ExitCode.NO_SUCH_VM, f"no VM with the id or name {wanted!r}; {known}")


def _names(vms: list[dict[str, Any]]) -> str:
    shown = [f"{vm['vmId']} ({vm['vmName']})" if vm.get("vmName") else str(vm["vmId"]) for vm in vms[:10]]
    return ", ".join(shown) + (f" and {len(vms) - 10} more" if len(vms) > 10 else "")
