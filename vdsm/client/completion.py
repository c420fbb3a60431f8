"""Completion in the shell, when argcomplete is installed: classes, verbs, parameter names, and VMs of this host.

Loaded only when the shell asks (`_ARGCOMPLETE` is set); without argcomplete it does nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

from vdsm.client.arguments import PROG, add_options
from vdsm.client.errors import Error
from vdsm.client.failure import Failure
from vdsm.client.index import MethodIndex
from vdsm.client.target import open_client

_VM_COMMANDS = ("console", "list", "show", "shutdown", "start", "stats")
_WITH_VM = ("console", "show", "shutdown", "stats")
_ANSWER_SECONDS = 1.0


def complete() -> None:
    """Answer the shell and end the process; return when this is not possible."""
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(completion_parser())


def completion_parser() -> argparse.ArgumentParser:
    """One flat parser that stands for the real two steps."""
    parser = argparse.ArgumentParser(prog=PROG)
    add_options(parser)
    parser.add_argument("-f", "--file")
    for name, nargs, completer in (("namespace", None, classes), ("verb", None, verbs), ("words", "*", words)):
        action = parser.add_argument(name, nargs=nargs)
        setattr(action, "completer", completer)  # noqa: B010 - argcomplete's way, an attribute argparse does not have
    return parser


def classes(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """What may stand first."""
    return [*_index(parsed_args).namespaces(), "vm"]


def verbs(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """What may follow the class."""
    if parsed_args.namespace == "vm":
        return list(_VM_COMMANDS)
    return _index(parsed_args).methods(parsed_args.namespace)


def words(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Parameter names of a verb, or VMs of this host."""
    if parsed_args.namespace == "vm":
        return _vms(parsed_args) if parsed_args.verb in _WITH_VM else []
    method = _index(parsed_args).method(parsed_args.namespace, parsed_args.verb) or {}
    return [f"{param['name']}=" for param in method.get("params", [])]


def _index(options: argparse.Namespace) -> MethodIndex:
    return MethodIndex(gluster_enabled=options.gluster_enabled)


def _vms(options: argparse.Namespace) -> list[str]:
    options.timeout = _ANSWER_SECONDS
    try:
        with open_client(options, _index(options)) as client:
            stats = client.call("Host.getAllVmStats", {})
    except (Error, Failure):
        return []  # a shell that completes has no place for an error
    return [str(vm[key]) for vm in stats for key in ("vmId", "vmName") if vm.get(key)]
