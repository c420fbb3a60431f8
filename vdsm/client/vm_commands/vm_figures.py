"""Figures of a VM for people: from the wire's strings and units to MiB, % and seconds. `-` is what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "-"

Stats = Mapping[str, Any]
"""One VM's statistics as VM.getStats gives them."""


def text(value: Any) -> str:
    """A value as it is."""
    return UNKNOWN if value is None or value == "" else str(value)


def number(value: Any) -> float | None:
    """A number that the wire may carry as text; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def fixed(value: float | None, digits: int = 1) -> str:
    """A number with so many digits."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def mib(size: Any) -> str:
    """Bytes, shown in MiB."""
    known = number(size)
    return UNKNOWN if known is None else f"{known / 2**20:.1f}"


def cpu_percent(stats: Stats) -> str:
    """What the VM takes of the host's CPUs, in % of one."""
    user, system = number(stats.get("cpuUser")), number(stats.get("cpuSys"))
    return fixed(user + system) if user is not None and system is not None else UNKNOWN


def memory_mib(stats: Stats) -> str:
    """The memory that the VM has now (its balloon), in MiB."""
    current = number((stats.get("balloonInfo") or {}).get("balloon_cur"))
    return UNKNOWN if current is None else f"{current / 1024:.0f}"


def seconds(stats: Stats) -> str:
    """Seconds since the VM was started."""
    return fixed(number(stats.get("elapsedTime")), 0)


def disk_rate(stats: Stats, key: str) -> str:
    """Sum of a rate (`readRate`, `writeRate`; bytes a second) over all disks, in MiB/s."""
    rates = [number(disk.get(key)) for disk in (stats.get("disks") or {}).values()]
    known = [rate for rate in rates if rate is not None]
    return f"{sum(known) / 2**20:.2f}" if known else UNKNOWN


def nic_rate(nic: Stats, before: Stats | None, key: str) -> float | None:
    """Bytes a second of `rx` or `tx` between two samples of a NIC; None when there is no earlier one."""
    if before is None:
        return None
    now, then = number(nic.get(key)), number(before.get(key))
    at, at_then = number(nic.get("sampleTime")), number(before.get("sampleTime"))
    if now is None or then is None or at is None or at_then is None or at <= at_then or now < then:
        return None
    return (now - then) / (at - at_then)


def nics_rate(stats: Stats, before: Stats | None, key: str) -> str:
    """Sum of `nic_rate` over all NICs, in MiB/s."""
    earlier = (before or {}).get("network") or {}
    rates = [nic_rate(nic, earlier.get(name), key) for name, nic in (stats.get("network") or {}).items()]
    known = [rate for rate in rates if rate is not None]
    return f"{sum(known) / 2**20:.2f}" if known else UNKNOWN


def displays(stats: Stats) -> str:
    """The consoles that a viewer can reach, as type://address:port."""
    shown = [
        f"{info.get('type')}://{info.get('ipAddress')}:{info.get('port')}"
        for info in stats.get("displayInfo") or []
        if str(info.get("port", "-1")) != "-1"
    ]
    return " ".join(shown) or UNKNOWN


def why_down(stats: Stats) -> str:
    """Why the VM is down, in the agent's words."""
    message, code, reason = stats.get("exitMessage"), stats.get("exitCode", "?"), stats.get("exitReason", "?")
    return f"{message or 'no reason given'} (exit code {code}, reason {reason})"
