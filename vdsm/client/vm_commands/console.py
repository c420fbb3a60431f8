"""`vm console ID`: the serial console of a VM of this host."""

from __future__ import annotations

import argparse
import sys

from vdsm.client.exit_code import ExitCode
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex
from vdsm.client.serial_console import attach, open_console
from vdsm.client.target import local_path, open_client
from vdsm.client.vm_commands.lookup import find_vm_id, is_whole_id

ABOUT = "attach to the serial console of a VM; Ctrl-] leaves"

_DEFAULT_LINGER = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The VM, and when to leave after a piped input."""
    parser.add_argument("vm", metavar="ID", help="id, unique start of it, or name")
    parser.add_argument(
        "--linger",
        metavar="SECONDS",
        type=float,
        default=_DEFAULT_LINGER,
        help="after the end of an input that is no terminal, leave when the console was silent so long (default 2)",
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Attach until the user leaves or the console ends. Raises: Failure, the client's errors."""
    path = local_path(options)
    if path is None:
        raise Failure(ExitCode.USAGE, "a console is attached on the VM's own host, over the agent's local socket")
    vm_id = options.vm
    if not is_whole_id(vm_id):
        with open_client(options, MethodIndex()) as client:
            vm_id = find_vm_id(client, vm_id)
    with open_console(path, vm_id, options.timeout) as console:
        interactive = sys.stdin.isatty()
        if interactive:
            sys.stderr.write(f"Console of VM {vm_id}; Ctrl-] leaves.\n")
        ended = attach(console, sys.stdin.fileno(), sys.stdout.fileno(), linger=options.linger)
        if interactive:
            sys.stderr.write(f"\n{ended}\n")
    return ExitCode.OK
