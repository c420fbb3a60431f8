"""`vm stats [ID] [--watch [SECONDS]]`: load of all VMs or of one, once or again and again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from vdsm.client import terminal
from vdsm.client.client import Client
from vdsm.client.exit_code import ExitCode
from vdsm.client.index import MethodIndex
from vdsm.client.raw_call import print_json
from vdsm.client.table import Column, render
from vdsm.client.target import open_client
from vdsm.client.vm_commands import vm_figures
from vdsm.client.vm_commands.listing import by_name, status_column
from vdsm.client.vm_commands.lookup import find_vm_id

ABOUT = "show the load of all VMs, or of one"

_DEFAULT_SECONDS = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The VM, and how often."""
    parser.add_argument("vm", metavar="ID", nargs="?", help="id, unique start of it, or name (default: all)")
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=_interval,
        const=_DEFAULT_SECONDS,
        help=f"show again every SECONDS (default {_DEFAULT_SECONDS:g}) until Ctrl-C; JSON comes one line each time",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Print the figures, once or until interrupted. Raises: Failure, the client's errors."""
    with open_client(options, MethodIndex()) as client:
        vm_id = find_vm_id(client, options.vm) if options.vm else None
        if options.watch is None:
            vms = _ask(client, vm_id)
            if options.json:
                print_json(vms)
            else:
                sys.stdout.write(table(vms, {}, colour=terminal.has_colour(sys.stdout)))
            return ExitCode.OK
        _watch(client, vm_id, options.watch, as_json=options.json)
    return ExitCode.OK


def table(vms: Sequence[dict[str, Any]], before: Mapping[str, Any], *, colour: bool) -> str:
    """The figures; `before` maps ids to the previous ones, which network rates need."""
    numbers = ("CPU %", "MEM MiB", "MEM %", "READ MiB/s", "WRITE MiB/s", "RX MiB/s", "TX MiB/s", "UP s")
    columns = (Column("NAME"), status_column(colour=colour), *(Column(title, right=True) for title in numbers))
    rows = [
        (
            vm_figures.text(vm.get("vmName") or vm["vmId"]),
            vm_figures.text(vm.get("status")),
            vm_figures.cpu_percent(vm),
            vm_figures.memory_mib(vm),
            vm_figures.text(vm.get("memUsage")),
            vm_figures.disk_rate(vm, "readRate"),
            vm_figures.disk_rate(vm, "writeRate"),
            vm_figures.nics_rate(vm, before.get(vm["vmId"]), "rx"),
            vm_figures.nics_rate(vm, before.get(vm["vmId"]), "tx"),
            vm_figures.seconds(vm),
        )
        for vm in by_name(vms)
    ]
    return render(columns, rows)


def _watch(client: Client, vm_id: str | None, interval: float, *, as_json: bool) -> None:
    live, colour = terminal.is_live(sys.stdout), terminal.has_colour(sys.stdout)
    before: dict[str, Any] = {}
    drawn = 0
    while True:
        started = time.monotonic()
        vms = _ask(client, vm_id)
        if as_json:
            sys.stdout.write(json.dumps(vms, sort_keys=True, ensure_ascii=False) + "\n")
        else:
            shown = table(vms, before, colour=colour)
            if drawn:
                sys.stdout.write(f"\x1b[{drawn}A\x1b[J" if live else "\n")
            drawn = shown.count("\n")
            sys.stdout.write(shown)
        sys.stdout.flush()
        before = {vm["vmId"]: vm for vm in vms}
        time.sleep(max(0.0, started + interval - time.monotonic()))


def _ask(client: Client, vm_id: str | None) -> list[dict[str, Any]]:
    method, params = ("Host.getAllVmStats", {}) if vm_id is None else ("VM.getStats", {"vmID": vm_id})
    vms: list[dict[str, Any]] = client.call(method, params)
    return vms


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds; put the VM before --watch") from None
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be between 0.1 and 3600 seconds")
    return seconds
