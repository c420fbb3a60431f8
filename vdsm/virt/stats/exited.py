"""The statistics of a VM that is down (`ExitedVmStats`); its entry stays until a manager destroys it."""

from __future__ import annotations

from typing import Any


def exited_stats(
    vm_id: str, name: str, status_time: int, code: int, reason: int, message: str, *, time_offset: int | None = None
) -> dict[str, Any]:
    """The result for one VM. `status_time`: ms of the event clock; `code`, `reason`: oVirt VDSM 4.50's; offset in s."""
    stats: dict[str, Any] = {
        "vmId": vm_id,
        "vmName": name,
        "status": "Down",
        "statusTime": str(status_time),
        "exitCode": code,
        "exitReason": reason,
        "exitMessage": message,
    }
    if time_offset is not None:
        stats["timeOffset"] = time_offset
    return stats
