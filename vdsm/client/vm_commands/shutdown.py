"""`vm shutdown ID`: ask the guest to shut down, and stay until the VM is Down."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex
from vdsm.client.raw_call import print_json
from vdsm.client.status_line import StatusLine
from vdsm.client.target import open_client
from vdsm.client.vm_commands.lookup import find_vm_id
from vdsm.client.vm_commands.waiting import StatusWait

ABOUT = "shut a VM down through its guest and wait until it is Down"

_DEFAULT_SECONDS = 180.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The VM, and how hard to try."""
    parser.add_argument("vm", metavar="ID", help="id, unique start of it, or name")
    parser.add_argument("--timeout", dest="guest_timeout", metavar="SECONDS", type=int, help="time for the guest")
    parser.add_argument("--force", action="store_true", help="destroy the VM when the guest does not follow")
    parser.add_argument("--reboot", action="store_true", help="reboot instead; does not wait")
    parser.add_argument("--message", help="shown to the users of the guest")
    parser.add_argument("--no-wait", action="store_true", help="come back as soon as the agent has accepted it")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=_DEFAULT_SECONDS, help="stay at most so long (default 180)"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Shut the VM down; with --json prints its last statistics. Raises: Failure, the client's errors."""
    with open_client(options, MethodIndex()) as client, StatusLine(sys.stderr) as line:
        vm_id = find_vm_id(client, options.vm)
        wait = StatusWait(client, vm_id, line)
        client.call("VM.shutdown", _parameters(options, vm_id))
        if options.no_wait or options.reboot:
            line.clear()
            return _report(options, None, f"VM {vm_id} was asked to {'reboot' if options.reboot else 'shut down'}")
        reached, stats = wait.until(lambda status: status == "Down", options.wait)
    if not reached:
        hint = "" if options.force else "; --force destroys a VM whose guest does not follow"
        status = (stats or {}).get("status", "not known")
        raise Failure(ExitCode.TIMEOUT, f"VM {vm_id} is still {status} after {options.wait:g} seconds{hint}")
    if stats is None:
        return _report(options, None, f"VM {vm_id} is gone")
    return _report(options, stats, f"VM {vm_id} is Down: {stats.get('exitMessage') or 'no reason given'}")


def _parameters(options: argparse.Namespace, vm_id: str) -> dict[str, Any]:
    asked = {
        "vmID": vm_id,
        "timeout": options.guest_timeout,
        "message": options.message,
        "force": options.force or None,
        "reboot": options.reboot or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _report(options: argparse.Namespace, stats: dict[str, Any] | None, sentence: str) -> ExitCode:
    if options.json:
        print_json(stats)
    else:
        sys.stdout.write(sentence + "\n")
    return ExitCode.OK
