"""The manager's parsers of host and VM answers, as strict as they are: each returns what it stumbles over.

Facts: observed by running the manager's own code. A whole answer is lost where one value has the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_INTEGER = re.compile(r"-?\d+")
_DOUBLES = ("cpuUser", "cpuSys", "cpuIdle")
"""Strings or floats; an int fails."""

_HOST_INTEGERS = (
    "memUsed", "memFree", "swapTotal", "swapFree", "anonHugePages", "ksmPages", "ksmCpu", "vmCount", "vmActive",
    "vmMigrating", "incomingVmMigrations", "outgoingVmMigrations", "bootTime",
)  # fmt: skip
_VM_INTEGERS = ("memUsage", "guestCPUCount", "exitCode", "exitReason", "statusTime", "elapsedTime", "monitorResponse")
"""Ints or their text; a float fails."""

_CAPABILITIES = (
    "HBAInventory", "clusterLevels", "supportedENGINEs", "emulatedMachines", "kvmEnabled", "cpuFlags", "cpuSpeed",
    "rngSources", "packages2", "operatingSystem", "numaNodes", "cpuTopology", "memSize", "uuid", "vmTypes", "networks",
)  # fmt: skip
_NIC_NUMBERS = ("rx", "tx", "rxErrors", "txErrors", "rxDropped", "txDropped", "speed")
_STATUSES = frozenset(
    {
        "WaitForLaunch", "Powering up", "Up", "Paused", "Powering down", "RebootInProgress", "Migration Source",
        "Migration Destination", "Restoring state", "Saving State", "Down",
    }
)  # fmt: skip


def read_capabilities(answer: Mapping[str, Any]) -> list[str]:
    """Faults of Host.getCapabilities."""
    faults = [f"no {key}" for key in _CAPABILITIES if key not in answer]
    faults += [f"network {name} has no switch" for name, net in answer["networks"].items() if "switch" not in net]
    faults += [
        f"numa node {n} has no totalMemory" for n, node in answer["numaNodes"].items() if "totalMemory" not in node
    ]
    for cpu in answer["cpuTopology"]:
        faults += [
            f"cpuTopology: {key} {cpu.get(key)!r}"
            for key in ("cpu_id", "numa_cell_id", "socket_id", "core_id")
            if type(cpu.get(key)) is not int
        ]
    if not set(answer["HBAInventory"]) >= {"iSCSI", "FC"}:
        faults.append(f"HBAInventory {answer['HBAInventory']!r}")
    if answer["kvmEnabled"] not in {"true", "false"}:
        faults.append(f"kvmEnabled {answer['kvmEnabled']!r}")
    if not any(flag.startswith("model_") for flag in answer["cpuFlags"].split(",")):
        faults.append("no cpu model among cpuFlags")
    faults += [f"empty {key}" for key in ("clusterLevels", "supportedENGINEs", "emulatedMachines") if not answer[key]]
    for name, package in answer["packages2"].items():
        if not {"version", "release"} <= set(package):
            faults.append(f"package {name} {package!r}")
    return faults


def read_host_stats(answer: Mapping[str, Any]) -> list[str]:
    """Faults of Host.getStats."""
    faults = [*_doubles(answer, "host"), *_integers(answer, _HOST_INTEGERS, "host")]
    for name, domain in answer["storageDomains"].items():
        if type(domain["code"]) is not int:
            faults.append(f"storage domain {name}: code {domain['code']!r}")
    for number, cpu in answer.get("cpuStatistics", {}).items():
        faults += _doubles(cpu, f"cpu {number}")
    for name, nic in answer["network"].items():
        faults += _nic(nic, name)
    if not isinstance(answer["netConfigDirty"], str):
        faults.append(f"netConfigDirty {answer['netConfigDirty']!r}")
    return faults


def read_all_vm_stats(answer: list[Mapping[str, Any]]) -> list[str]:
    """Faults of Host.getAllVmStats and VM.getStats."""
    faults = []
    for vm in answer:
        where = f"vm {vm.get('vmId')}"
        faults += [f"{where}: no {key}" for key in ("vmId", "status", "statusTime") if key not in vm]
        if vm.get("status") not in _STATUSES:
            faults.append(f"{where}: status {vm.get('status')!r}")
        faults += [*_doubles(vm, where), *_integers(vm, _VM_INTEGERS, where)]
        faults += [
            f"{where}: {key} {vm[key]!r}"
            for key in ("exitCode", "exitReason")
            if key in vm and type(vm[key]) is not int
        ]
        if not isinstance(vm.get("statusTime"), str):
            faults.append(f"{where}: statusTime {vm.get('statusTime')!r}")
        for job_id, job in vm.get("vmJobs", {}).items():
            faults += [f"{where}: job {job_id} has no {key}" for key in ("id", "imgUUID") if key not in job]
        for nic in vm.get("network", {}).values():
            faults += _nic(nic, where)
    return faults


def _doubles(answer: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in _DOUBLES:
        value = answer.get(key)
        if value is not None and not (isinstance(value, float) or (isinstance(value, str) and _is_double(value))):
            yield f"{where}: {key} {value!r}"


def _integers(answer: Mapping[str, Any], keys: tuple[str, ...], where: str) -> Iterator[str]:
    for key in keys:
        value = answer.get(key)
        if value is None or type(value) is int or (isinstance(value, str) and _INTEGER.fullmatch(value)):
            continue
        yield f"{where}: {key} {value!r}"


def _nic(nic: Mapping[str, Any], where: str) -> Iterator[str]:
    for key in _NIC_NUMBERS:
        if key in nic and not (isinstance(nic[key], str) and _INTEGER.fullmatch(nic[key])):
            yield f"{where}: nic {nic.get('name')}: {key} {nic[key]!r}"


def _is_double(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
