"""`vdsm-client vm COMMAND`: its command line, and which command does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from types import MappingProxyType

from vdsm.client.arguments import PROG, add_options
from vdsm.client.exit_code import ExitCode
from vdsm.client.vm_commands import console, listing, show, shutdown, start, stats

Command = Callable[[argparse.Namespace], ExitCode]

_RUN: MappingProxyType[str, Command] = MappingProxyType(
    {
        "list": listing.run,
        "show": show.run,
        "start": start.run,
        "shutdown": shutdown.run,
        "stats": stats.run,
        "console": console.run,
    }
)


def run_vm(options: argparse.Namespace, rest: Sequence[str]) -> ExitCode:
    """Parse what stands after `vm` and do it. Raises: Failure and the client's errors."""
    vm_parser().parse_args(rest, options)
    return _RUN[options.command](options)


def vm_parser() -> argparse.ArgumentParser:
    """The parser of everything after `vm`; VMs are named by id, by a unique start of it, or by name."""
    parser = argparse.ArgumentParser(
        prog=f"{PROG} vm",
        epilog="A VM is given by its id, by a unique start of its id, or by its name.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in (
        ("list", listing),
        ("show", show),
        ("start", start),
        ("shutdown", shutdown),
        ("stats", stats),
        ("console", console),
    ):
        # The command's own options win: --timeout of shutdown is the guest's time, not the call's.
        command = commands.add_parser(
            name, help=module.ABOUT, description=module.ABOUT, conflict_handler="resolve", allow_abbrev=False
        )
        add_options(command, again=True)
        module.add_arguments(command)
    return parser
