"""A small cluster's worth of VMs for the tests of the friendly commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.client.agent import Agent, Fault
from vdsm.client import cli

WEB = "aaaaaaaa-1111-4111-8111-111111111111"
DB = "bbbbbbbb-2222-4222-8222-222222222222"

Run = Callable[..., int]


def stats(vm_id: str, name: str, status: str, **more: Any) -> dict[str, Any]:
    """Statistics as the wire has them."""
    return {"vmId": vm_id, "vmName": name, "status": status, "statusTime": "5", **more}


def web_stats() -> dict[str, Any]:
    return stats(
        WEB,
        "web",
        "Up",
        cpuUser="12.30",
        cpuSys="1.70",
        memUsage="40",
        elapsedTime="75",
        vcpuCount="2",
        monitorResponse="0",
        balloonInfo={"balloon_cur": "2097152"},
        guestFQDN="web.example",
        guestIPs="10.0.0.5 fe80::1",
        guestOsInfo={"distribution": "Debian", "version": "12"},
        displayInfo=[{"type": "vnc", "ipAddress": "10.0.0.1", "port": "5900", "tlsPort": "-1"}],
        disks={
            "sda": {
                "readRate": "1048576",
                "writeRate": "524288.0",
                "truesize": "1048576",
                "apparentsize": "10485760",
                "readBytes": "5242880",
                "writtenBytes": "0",
            }
        },
        network={"vnet0": {"macAddr": "52:54:00:00:00:01", "rx": "2097152", "tx": "1048576", "sampleTime": 10.0}},
    )


def db_stats() -> dict[str, Any]:
    return stats(DB, "db", "Down", exitCode=1, exitReason=2, exitMessage="Lost connection with qemu process")


@pytest.fixture
def host(agent: Agent) -> Agent:
    """An agent with the VMs web (Up) and db (Down)."""
    vms = {WEB: web_stats(), DB: db_stats()}

    def one(params: dict[str, Any]) -> list[dict[str, Any]]:
        if params["vmID"] not in vms:
            raise Fault(1, "Virtual machine does not exist")
        return [vms[params["vmID"]]]

    agent.methods["Host.getAllVmStats"] = lambda _: list(vms.values())
    agent.methods["VM.getStats"] = one
    agent.methods["VM.getInfo"] = lambda params: {"vmId": params["vmID"], "xml": "<domain/>"}
    return agent


@pytest.fixture
def vm(host: Agent) -> Run:
    """Runs `vdsm-client vm ...` on the agent."""
    return lambda *words: cli.main(["--socket", str(host.path), "vm", *words])
