"""`vm list`: every VM of the host, one a line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from vdsm.client import terminal
from vdsm.client.exit_code import ExitCode
from vdsm.client.index import MethodIndex
from vdsm.client.raw_call import print_json
from vdsm.client.table import Column, render
from vdsm.client.target import open_client
from vdsm.client.vm_commands import vm_figures

ABOUT = "list the VMs of the host"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""
    del parser


def run(options: argparse.Namespace) -> ExitCode:
    """Print the list. Raises: the client's errors."""
    with open_client(options, MethodIndex()) as client:
        vms = client.call("Host.getAllVmStats", {})
    if options.json:
        print_json(vms)
    else:
        sys.stdout.write(table(vms, colour=terminal.has_colour(sys.stdout)))
    return ExitCode.OK


def table(vms: Sequence[dict[str, Any]], *, colour: bool) -> str:
    """The table, sorted by name."""
    columns = (
        Column("ID"),
        Column("NAME"),
        status_column(colour=colour),
        Column("CPU %", right=True),
        Column("MEM MiB", right=True),
        Column("UP s", right=True),
        Column("GUEST"),
        Column("ADDRESS"),
    )
    rows = [
        (
            str(vm["vmId"]),
            vm_figures.text(vm.get("vmName")),
            vm_figures.text(vm.get("status")),
            vm_figures.cpu_percent(vm),
            vm_figures.memory_mib(vm),
            vm_figures.seconds(vm),
            vm_figures.text(vm.get("guestFQDN") or vm.get("guestName")),
            vm_figures.text(vm.get("guestIPs")),
        )
        for vm in by_name(vms)
    ]
    return render(columns, rows)


def by_name(vms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sorted for people."""
    return sorted(vms, key=lambda vm: (str(vm.get("vmName", "")), str(vm["vmId"])))


def status_column(*, colour: bool) -> Column:
    """The column of statuses, as they are."""
    return Column("STATUS", paint=terminal.paint_status if colour else None)
