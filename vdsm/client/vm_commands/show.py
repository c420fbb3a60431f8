"""`vm show ID`: what one VM is and how it does."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vdsm.client.exit_code import ExitCode
from vdsm.client.index import MethodIndex
from vdsm.client.raw_call import print_json
from vdsm.client.table import Column, render, render_pairs
from vdsm.client.target import open_client
from vdsm.client.vm_commands import vm_figures
from vdsm.client.vm_commands.lookup import find_vm_id

ABOUT = "show one VM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The VM."""
    parser.add_argument("vm", metavar="ID", help="id, unique start of it, or name")


def run(options: argparse.Namespace) -> ExitCode:
    """Print the VM; with --json an object of `info` (VM.getInfo) and `stats`. Raises: Failure, the client's errors."""
    with open_client(options, MethodIndex()) as client:
        vm_id = find_vm_id(client, options.vm)
        stats = client.call("VM.getStats", {"vmID": vm_id})[0]
        if options.json:
            print_json({"info": client.call("VM.getInfo", {"vmID": vm_id}), "stats": stats})
            return ExitCode.OK
    sys.stdout.write(page(stats))
    return ExitCode.OK


def page(stats: dict[str, Any]) -> str:
    """Everything about one VM that a person looks for."""
    down = stats.get("status") == "Down"
    pairs = [
        ("id", str(stats["vmId"])),
        ("name", vm_figures.text(stats.get("vmName"))),
        ("status", vm_figures.text(stats.get("status"))),
        *([("why", vm_figures.why_down(stats))] if down else _running(stats)),
    ]
    return render_pairs(pairs) + _disks(stats) + _nics(stats)


def _running(stats: dict[str, Any]) -> list[tuple[str, str]]:
    guest_os = stats.get("guestOsInfo") or {}
    described = " ".join(str(guest_os[key]) for key in ("distribution", "version", "kernel") if guest_os.get(key))
    pairs = [
        ("up", f"{vm_figures.seconds(stats)} s"),
        ("monitor", "answers" if str(stats.get("monitorResponse", "0")) == "0" else "does not answer"),
        ("cpu", f"{vm_figures.cpu_percent(stats)} % on {vm_figures.text(stats.get('vcpuCount'))} vCPUs"),
        ("memory", f"{vm_figures.memory_mib(stats)} MiB, {vm_figures.text(stats.get('memUsage'))} % used"),
        ("display", vm_figures.displays(stats)),
        ("guest", vm_figures.text(stats.get("guestFQDN") or stats.get("guestName"))),
        ("guest os", described or vm_figures.text(stats.get("guestOs"))),
        ("addresses", vm_figures.text(stats.get("guestIPs"))),
        ("users", vm_figures.text(stats.get("username"))),
    ]
    if stats.get("pauseCode"):
        pairs.insert(0, ("paused by", str(stats["pauseCode"])))
    return pairs


def _disks(stats: dict[str, Any]) -> str:
    disks = stats.get("disks") or {}
    if not disks:
        return ""
    columns = (
        Column("DISK"),
        Column("SIZE MiB", right=True),
        Column("USED MiB", right=True),
        Column("READ MiB", right=True),
        Column("WRITTEN MiB", right=True),
    )
    keys = ("apparentsize", "truesize", "readBytes", "writtenBytes")
    rows = [(name, *(vm_figures.mib(disk.get(key)) for key in keys)) for name, disk in sorted(disks.items())]
    return "\n" + render(columns, rows)


def _nics(stats: dict[str, Any]) -> str:
    nics = stats.get("network") or {}
    if not nics:
        return ""
    columns = (Column("NIC"), Column("MAC"), Column("RX MiB", right=True), Column("TX MiB", right=True))
    rows = [
        (name, vm_figures.text(nic.get("macAddr")), vm_figures.mib(nic.get("rx")), vm_figures.mib(nic.get("tx")))
        for name, nic in sorted(nics.items())
    ]
    return "\n" + render(columns, rows)
