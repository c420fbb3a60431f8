"""`vm start FILE`: create a VM from a domain XML or from JSON parameters, and stay until it runs."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from typing import Any

from vdsm.client.arguments import read_input
from vdsm.client.client import Client
from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex
from vdsm.client.raw_call import print_json
from vdsm.client.status_line import StatusLine
from vdsm.client.target import open_client
from vdsm.client.vm_commands import vm_figures
from vdsm.client.vm_commands.waiting import StatusWait

ABOUT = "create a VM and wait until it runs"

_DEFAULT_SECONDS = 120.0
_STARTED = frozenset({"Powering up", "Up", "Paused"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and how long to stay."""
    parser.add_argument(
        "file", metavar="FILE", help="domain XML, or JSON with the parameters of VM.create; - for stdin"
    )
    parser.add_argument("--no-wait", action="store_true", help="come back as soon as the agent has accepted it")
    parser.add_argument("--until-up", action="store_true", help="stay until the status is Up, not only Powering up")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=_DEFAULT_SECONDS, help="stay at most so long (default 120)"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Start the VM; with --json prints its statistics (or what create answered). Raises: Failure, client's errors."""
    vm_id, params = create_parameters(options.file, read_input(options.file))
    with open_client(options, MethodIndex()) as client, StatusLine(sys.stderr) as line:
        line.show(f"creating VM {vm_id}")
        if options.no_wait:
            created = client.call("VM.create", {"vmID": vm_id, "vmParams": params})
            line.clear()
            return _report(options, created, f"VM {vm_id} was accepted")
        stats = _start_and_wait(client, line, options, vm_id, params)
    name = stats.get("vmName") or vm_id
    return _report(options, stats, f"VM {name} ({vm_id}) is {stats.get('status')}")


def create_parameters(file: str, text: str) -> tuple[str, dict[str, Any]]:
    """Id and vmParams of VM.create from a domain XML, or from JSON: either vmParams, or {vmID, vmParams}.

    Raises: Failure.
    """
    if text.lstrip()[:1] == "<":
        return _uuid_of(file, text), {"vmId": _uuid_of(file, text), "xml": text}
    try:
        content = json.loads(text)
    except ValueError as e:
        raise Failure(ExitCode.USAGE, f"{file} is neither domain XML nor JSON: {e}") from e
    if not isinstance(content, dict):
        raise Failure(ExitCode.USAGE, f"{file} must hold a JSON object of parameters")
    params = content.get("vmParams", content)
    if not isinstance(params, dict):
        raise Failure(ExitCode.USAGE, f"vmParams in {file} must be a JSON object")
    vm_id = content.get("vmID") or params.get("vmId")
    if not vm_id and isinstance(params.get("xml"), str):
        vm_id = _uuid_of(file, params["xml"])
    if not vm_id:
        raise Failure(ExitCode.USAGE, f"{file} names no VM: it needs vmId, or xml with a <uuid>")
    return str(vm_id), {"vmId": vm_id, **params}


def _start_and_wait(
    client: Client, line: StatusLine, options: argparse.Namespace, vm_id: str, params: dict[str, Any]
) -> dict[str, Any]:
    wait = StatusWait(client, vm_id, line)
    client.call("VM.create", {"vmID": vm_id, "vmParams": params})
    good = frozenset({"Up"}) if options.until_up else _STARTED
    reached, stats = wait.until(lambda status: status in good or status == "Down", options.wait)
    if not reached:
        last = (stats or {}).get("status", "not known yet")
        raise Failure(
            ExitCode.TIMEOUT,
            f"VM {vm_id} is still {last} after {options.wait:g} seconds; it goes on: vdsm-client vm show {vm_id}",
        )
    if stats is None:
        raise Failure(ExitCode.VM_DOWN, f"VM {vm_id} went away while it started; somebody destroyed it")
    if stats.get("status") == "Down":
        raise Failure(
            ExitCode.VM_DOWN,
            f"VM {vm_id} is Down: {vm_figures.why_down(stats)}; "
            f"before the next try remove it: vdsm-client VM destroy vmID={vm_id}",
        )
    return stats


def _report(options: argparse.Namespace, value: Any, sentence: str) -> ExitCode:
    if options.json:
        print_json(value)
    else:
        sys.stdout.write(sentence + "\n")
    return ExitCode.OK


def _uuid_of(file: str, xml: str) -> str:
    from xml.etree import ElementTree as ET

    try:
        found = ET.fromstring(xml).findtext("uuid")  # noqa: S314 - the user's own file
    except ET.ParseError as e:
        raise Failure(ExitCode.USAGE, f"{file} is not well-formed XML: {e}") from e
    if not found or not found.strip():
        example = f"<uuid>{uuid.uuid4()}</uuid>"
        raise Failure(ExitCode.USAGE, f"the domain XML in {file} has no <uuid>; add one, for example {example}")
    return found.strip()
